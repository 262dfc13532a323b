"""What is timed of optimal transport: distances on the line, costs, exact transport with its certificate, Sinkhorn to a
tolerance and for a number of iterations, Gaussians."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
from flint import acb_mat, arb, arb_mat

from detrace.oracles import precision
from detrace.oracles.wasserstein import coupling, power
from detrace.spaces import Space
from detrace.timing import Case, Check, Growth, Rival, Work
from detrace.timing.cases import Args, Checker
from reference.optimal_transport import solve

BITS = 256
SAMPLE = 64
"""Entries that are certified; errors of the rest are of the same kind."""
TOL = 1e-6
ITERATIONS = 100
PLACES = 24
"""Places that the points of a problem of iterations share, so that it is small enough to be certified."""


def masses(n: int, lead: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Random probabilities that are multiples of 2⁻¹⁶, so that totals are 1 in every dtype."""
    cuts = np.sort(rng.integers(0, 1 << 16, (*lead, n - 1)), axis=-1)
    return np.diff(cuts, axis=-1, prepend=0, append=1 << 16) / float(1 << 16)


def positive_masses(n: int, rng: np.random.Generator) -> np.ndarray:
    """As `masses`, none of them 0: kernel forms divide by them."""
    cuts = np.sort(rng.choice(np.arange(1, 1 << 16), n - 1, replace=False))
    return np.diff(cuts, prepend=0, append=1 << 16) / float(1 << 16)


def clouds(n: int, m: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two normal samples of the plane, one moved by half a standard deviation."""
    return rng.standard_normal((n, 2)), rng.standard_normal((m, 2)) + 0.5


def line_checker(args: Args) -> Checker:
    """First member of the batch: exact coupling of quantiles. Bound on W: (n+m)u(W + mass·range^p/(p·W^(p−1)))."""
    x, y, p, a, b = (v.reshape(-1, v.shape[-1])[0] if isinstance(v, np.ndarray) else v for v in args)
    pieces = coupling(x, y, a, b)
    with precision(BITS):
        cost = sum((arb(mass) * power(distance, p) for _, _, mass, distance in pieces.pieces), arb(0))
        truth = float(cost ** (1 / arb(p)))
    reach = max(float(np.max(v)) for v in (x, y)) - min(float(np.min(v)) for v in (x, y))
    size = truth + reach**p / (p * truth ** (p - 1))

    def check(result: np.ndarray, space: Space) -> Check:
        return Check(abs(float(result.ravel()[0]) - truth) / ((len(x) + len(y)) * space.u * size), "exact rationals")

    return check


def cost_checker(args: Args) -> Checker:
    """Sampled entries against exact squares. Bound: (d + 4)u·max(p, 1) relative to the entry."""
    x, y, p = args
    rows, columns = (np.unique(np.linspace(0, len(v) - 1, 8).astype(int)) for v in (x, y))
    squares = [[sum((Fraction(s) - Fraction(t)) ** 2 for s, t in zip(x[i], y[j], strict=True)) for j in columns] for i in rows]

    def check(result: np.ndarray, space: Space) -> Check:
        truth = np.array(squares, dtype=np.float64) ** (p / 2)
        error = np.abs(result[np.ix_(rows, columns)] - truth)
        worst = float((error / ((x.shape[1] + 4) * max(p, 1) * space.u * truth)).max())  # NaN stays NaN, and is no ratio < 30
        return Check(worst, f"exact squares, {rows.size * columns.size} of {result.size}")

    return check


def transport_checker(args: Args) -> Checker:
    """Between the values of a plan and of potentials that are certified feasible. Bound: (n+m)u·max|C|·mass."""
    a, b, C = args
    _, plan, f, g = solve(a, b, C)
    high = math.fsum((plan * C).ravel().tolist())
    low = math.fsum([*(a * f).tolist(), *(b * g).tolist()])

    def check(result: np.ndarray, space: Space) -> Check:
        value = float(result)
        outside = max(low - value, value - high, 0.0)
        bound = sum(C.shape) * space.u * float(np.abs(C).max()) * float(a.sum())
        return Check(outside / bound if outside == outside else math.inf, "a certified plan and potentials on either side")

    return check


def sinkhorn_checker(args: Args) -> Checker:
    """The plan's margins over tol·mass, and sampled Γᵢⱼ Γᵢ₊ⱼ₊/(Γᵢⱼ₊ Γᵢ₊ⱼ) = exp(−ΔΔC/reg), whose logarithm is known to
    8u·(|log Γ| + max|C|/reg)."""
    a, b, C, reg, tol = args
    rng = np.random.default_rng(0)
    i, k = (rng.integers(0, len(a), SAMPLE) for _ in range(2))
    j, m = (rng.integers(0, len(b), SAMPLE) for _ in range(2))
    cross = (C[i, j] + C[k, m] - C[i, m] - C[k, j]) / reg

    def check(plan: np.ndarray, space: Space) -> Check:
        residual = float(np.abs(plan.sum(1) - a).sum() + np.abs(plan.sum(0) - b).sum())
        with np.errstate(all="ignore"):
            logs = [np.log(plan[p]) for p in ((i, j), (k, m), (i, m), (k, j))]
        known = np.min(logs, axis=0) > math.log(space.tiny)
        error = np.abs(logs[0] + logs[1] - logs[2] - logs[3] + cross)[known]
        bound = 8 * space.u * (np.abs(logs).sum(axis=0)[known] + float(np.abs(C).max()) / reg)
        form = float((error / bound).max(initial=0.0))
        return Check(max(residual / (tol * float(a.sum())), form), f"margins, and the form of {SAMPLE} minors")

    return check


def iterations_checker(args: Args) -> Checker:
    """Points of equal costs scale alike, so the iteration is one of `PLACES` places, which balls do. Bound: that of the law
    `iterations_are_the_textbook_map`, 4k(3h + n + m + 4)u of each entry."""
    a, b, C, reg, k = args
    rows, i = np.unique(C, axis=0, return_inverse=True)
    places, j = np.unique(rows, axis=1, return_inverse=True)
    A, B = np.bincount(i, a), np.bincount(j, b)
    with precision(BITS):
        K = arb_mat([[(-arb(c) / arb(reg)).exp() for c in row] for row in places.tolist()])
        u, v, height = [arb(count) for count in np.bincount(i).tolist()], [], float(np.abs(C).max()) / reg
        for _ in range(k):
            v = [arb(s) / t for s, t in zip(B.tolist(), (K.transpose() * arb_mat([[x] for x in u])).entries(), strict=True)]
            u = [arb(s) / t for s, t in zip(A.tolist(), (K * arb_mat([[x] for x in v])).entries(), strict=True)]
            height = max(height, *(abs(float(x.log())) for x in (*u, *v)))
        T = [[float(p * K[r, c] * q) for c, q in enumerate(v)] for r, p in enumerate(u)]
    truth = (a / A[i])[:, None] * np.array(T)[np.ix_(i, j)] * (b / B[j])
    bound = 4 * k * (3 * height + sum(C.shape) + 4)

    def check(plan: np.ndarray, space: Space) -> Check:
        known = truth > space.tiny / space.u
        error = np.abs(plan - truth)[known] / truth[known]
        return Check(float(error.max()) / (bound * space.u), f"certified iteration of {len(A)} × {len(B)} places")

    return check


def gaussian_checker(args: Args) -> Checker:
    """First member: tr(S₁ + S₂) − 2Σ√λ(S₁S₂), certified eigenvalues. Bound: what du‖S‖ does through the smallest eigenvalue."""
    m1, S1, m2, S2 = (v.reshape(-1, *v.shape[v.ndim - k :])[0] for v, k in zip(args, (1, 2, 1, 2), strict=True))
    d = len(m1)
    with precision(BITS):
        product = acb_mat(S1.tolist()) * acb_mat(S2.tolist())
        cross = sum((z.sqrt().real for z in product.eig()), arb(0))
        shift = sum(((arb(s) - arb(t)) ** 2 for s, t in zip(m1.tolist(), m2.tolist(), strict=True)), arb(0))
        trace = sum((arb(v) for v in (*np.diag(S1).tolist(), *np.diag(S2).tolist())), arb(0))
        truth = float((shift + trace - 2 * cross).sqrt())
    least = min(float(np.linalg.eigvalsh(S)[0]) for S in (S1, S2))
    size = truth + max(float(np.linalg.norm(S, 2)) for S in (S1, S2)) / math.sqrt(least)

    def check(result: np.ndarray, space: Space) -> Check:
        return Check(abs(float(result.ravel()[0]) - truth) / (d * space.u * size), "certified eigenvalues")

    return check


def sorting_work(args: Args, dtype: str, itemsize: int) -> Work:
    """Points and weights read once; a result a pair."""
    return Work(itemsize * (sum(v.size for v in args if isinstance(v, np.ndarray)) + args[0].size // args[0].shape[-1]))


def cost_work(args: Args, dtype: str, itemsize: int) -> Work:
    """Points read, the matrix written; three operations a coordinate."""
    x, y = args[:2]
    return Work(itemsize * (x.size + y.size + len(x) * len(y)), 3.0 * len(x) * y.size)


def matrix_work(args: Args, dtype: str, itemsize: int) -> Work:
    """The costs read once and a plan written: what any solver does at least; its pivots or iterations are on top."""
    C = args[2]
    return Work(itemsize * 2 * C.size, 2.0 * C.size)


def iterations_work(args: Args, dtype: str, itemsize: int) -> Work:
    """The costs read once and a plan written; two products with the kernel an iteration."""
    C, k = args[2], args[4]
    return Work(itemsize * 2 * C.size, 4.0 * k * C.size)


def gaussian_work(args: Args, dtype: str, itemsize: int) -> Work:
    """Covariances read; at least two factorisations, a product and singular values: 10d³."""
    S = args[1]
    return Work(itemsize * 2 * S.size, 10.0 * S.size * S.shape[-1])


def _assignment(a: Any, b: Any, C: Any) -> Any:
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(C)
    return np.asarray(C[rows, columns].sum() * a[0])


def _kernel_sinkhorn(a: Any, b: Any, C: Any, reg: float, tol: float) -> Any:
    """POT's iteration on exp(−C/reg) itself, which small reg underflows."""
    from ot.bregman import sinkhorn_knopp

    return sinkhorn_knopp(a, b, C, reg, 10_000, tol / len(b) ** 0.5, warn=False)


@cache
def _compiled_ott(reg: float, k: int) -> Callable[..., Any]:
    import jax
    from ott.geometry.geometry import Geometry
    from ott.solvers import linear

    counts = dict.fromkeys(("min_iterations", "max_iterations", "inner_iterations"), k)

    def solve(a: Any, b: Any, C: Any) -> Any:
        return linear.solve(Geometry(cost_matrix=C, epsilon=reg), a, b, lse_mode=False, threshold=-1.0, **counts).matrix

    return jax.jit(solve)


def _kernel_ott(a: Any, b: Any, C: Any, reg: float, k: int) -> Any:
    """ott's iteration on the kernel, compiled."""
    return _compiled_ott(reg, k)(a, b, C)


def _uniform(params: Mapping[str, Any]) -> bool:
    return params["masses"] == "uniform"


def _large_reg(params: Mapping[str, Any]) -> bool:
    return params["reg"] >= 0.01


ASSIGNMENT = (Rival("scipy linear_sum_assignment", "numpy-cpu", _assignment, _uniform),)
KNOPP = (Rival("POT sinkhorn_knopp", "numpy-cpu", _kernel_sinkhorn, _large_reg),)
KERNEL_OTT = (Rival("ott, lse_mode=False", "jax-cpu", _kernel_ott, _large_reg),)


def _line(n: int, m: int, batch: int, p: float, weighted: bool, **options: Any) -> Case:
    lead = () if batch == 1 else (batch,)

    def make(rng: np.random.Generator) -> Args:
        x, y = rng.standard_normal((*lead, n)), rng.standard_normal((*lead, m)) + 0.5
        return (x, y, p, masses(n, lead, rng), masses(m, lead, rng)) if weighted else (x, y, p, None, None)

    params = {"n": n, "m": m, "batch": batch, "p": p, "masses": "random" if weighted else "uniform"}
    return Case("wasserstein_1d", params, make, sorting_work, line_checker, **options)


def _costs(n: int, d: int, p: float, **options: Any) -> Case:
    return Case("cost_matrix", {"n": n, "d": d, "p": p},
                lambda rng: (rng.standard_normal((n, d)), rng.standard_normal((n, d)) + 0.5, p),
                cost_work, cost_checker, **options)  # fmt: skip


def shares(n: int, rng: np.random.Generator, uniform: bool) -> np.ndarray:
    """Numbers over their sum, random ones or ones: doubles with all their digits, so that totals are 1 up to rounding."""
    w = np.ones(n) if uniform else rng.random(n)
    return w / w.sum()


def _transport(n: int, kind: str, **options: Any) -> Case:
    def make(rng: np.random.Generator) -> Args:
        x, y = clouds(n, n, rng)
        a, b = (masses(n, (), rng) if kind == "random" else shares(n, rng, kind == "uniform") for _ in range(2))
        return a, b, np.linalg.norm(x[:, None] - y, axis=-1)

    return Case("transport_cost", {"n": n, "masses": kind}, make, matrix_work,
                transport_checker, dtypes=("float64",), rivals=ASSIGNMENT, **options)  # fmt: skip


def _sinkhorn(n: int, reg: float, **options: Any) -> Case:
    def make(rng: np.random.Generator) -> Args:
        x, y = clouds(n, n, rng)
        C = np.square(x[:, None] - y).sum(-1)
        return positive_masses(n, rng), positive_masses(n, rng), C / C.max(), reg, TOL

    return Case("sinkhorn", {"n": n, "reg": reg, "tol": TOL}, make, matrix_work, sinkhorn_checker, dtypes=("float64",),
                rivals=KNOPP, **options)  # fmt: skip


def _iterations(n: int, reg: float, **options: Any) -> Case:
    """Iterations alone, without a look at the residual, in POT's three forms and ott's two: on exp(−C/reg) where that is
    representable (POT's default, ott's with lse_mode=False, ours), by logarithms (`pot`, `ott`), on a kernel that takes up
    the scalings (POT's sinkhorn_stabilized; ours where reg is small). All give one plan; who has another is marked wrong."""

    def make(rng: np.random.Generator) -> Args:
        x, y = clouds(PLACES, PLACES, rng)
        C = np.square(x[:, None] - y).sum(-1)
        i, j = rng.integers(PLACES, size=(2, n))
        return positive_masses(n, rng), positive_masses(n, rng), (C / C.max())[np.ix_(i, j)], reg, ITERATIONS

    return Case("sinkhorn_iterations", {"n": n, "reg": reg, "iterations": ITERATIONS}, make, iterations_work,
                iterations_checker, rivals=KERNEL_OTT, **options)  # fmt: skip


def _gaussians(d: int, batch: int, **options: Any) -> Case:
    lead = () if batch == 1 else (batch,)

    def make(rng: np.random.Generator) -> Args:
        S = [G @ np.swapaxes(G, -1, -2) / (2 * d) for G in rng.standard_normal((2, *lead, d, 2 * d))]
        S = [(s + np.swapaxes(s, -1, -2)) / 2 for s in S]
        m = rng.standard_normal((2, *lead, d))
        return m[0], S[0], m[1], S[1]

    return Case("gaussian_w2", {"d": d, "batch": batch}, make, gaussian_work, gaussian_checker, **options)


CASES = [
    _line(1000, 1000, 64, 1.0, True, headline=True),
    _line(1000, 1000, 64, 1.0, False),
    _line(1000, 800, 1, 2.0, True),
    _line(100, 100, 256, 2.0, True, quick=False),
    _line(1000, 1000, 64, 2.0, True, quick=False),
    _line(100, 100, 1, 1.0, True),
    _line(10, 8, 1, 2.0, True, quick=False),
    _costs(1000, 3, 2.0, headline=True),
    _costs(1000, 3, 1.0),
    _costs(300, 64, 2.0, quick=False),
    _transport(200, "random"),
    _transport(200, "shares"),
    _transport(500, "random", headline=True),
    _transport(1000, "random", quick=False),
    _transport(30, "random"),
    _transport(500, "uniform"),
    _sinkhorn(200, 0.05, headline=True),
    _sinkhorn(200, 0.001),
    _sinkhorn(1000, 0.01, quick=False),
    _iterations(200, 0.05, headline=True),
    _iterations(200, 0.001),
    _iterations(1000, 0.05),
    _iterations(1000, 0.001, quick=False),
    _gaussians(32, 1, headline=True),
    _gaussians(8, 100),
]


def _sorted(n: int, rng: np.random.Generator) -> Args:
    return rng.standard_normal(n), rng.standard_normal(n) + 0.5, 1.0, None, None


GROWTH = [Growth("wasserstein_1d", "n", tuple(int(2 ** (12 + i / 2)) for i in range(9)), 1.0, _sorted)]

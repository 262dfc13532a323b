"""What is timed of optimal transport: distances on the line, costs, exact transport with its certificate, Sinkhorn to a
tolerance, Gaussians."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
from flint import acb_mat, arb

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


def masses(n: int, lead: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Random probabilities that are multiples of 2⁻¹⁶, so that totals are 1 in every dtype."""
    cuts = np.sort(rng.integers(0, 1 << 16, (*lead, n - 1)), axis=-1)
    return np.diff(cuts, axis=-1, prepend=0, append=1 << 16) / float(1 << 16)


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


def _uniform(params: Mapping[str, Any]) -> bool:
    return params["masses"] == "uniform"


def _large_reg(params: Mapping[str, Any]) -> bool:
    return params["reg"] >= 0.01


ASSIGNMENT = (Rival("scipy linear_sum_assignment", "numpy-cpu", _assignment, _uniform),)
KNOPP = (Rival("POT sinkhorn_knopp", "numpy-cpu", _kernel_sinkhorn, _large_reg),)


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


def _transport(n: int, uniform: bool, **options: Any) -> Case:
    def make(rng: np.random.Generator) -> Args:
        x, y = clouds(n, n, rng)
        a, b = (np.full(n, 1 / n) if uniform else masses(n, (), rng) for _ in range(2))
        return a, b, np.linalg.norm(x[:, None] - y, axis=-1)

    return Case("transport_cost", {"n": n, "masses": "uniform" if uniform else "random"}, make, matrix_work,
                transport_checker, dtypes=("float64",), rivals=ASSIGNMENT, **options)  # fmt: skip


def _sinkhorn(n: int, reg: float, **options: Any) -> Case:
    def make(rng: np.random.Generator) -> Args:
        x, y = clouds(n, n, rng)
        C = np.square(x[:, None] - y).sum(-1)
        return masses(n, (), rng), masses(n, (), rng), C / C.max(), reg, TOL

    return Case("sinkhorn", {"n": n, "reg": reg, "tol": TOL}, make, matrix_work, sinkhorn_checker, dtypes=("float64",),
                rivals=KNOPP, **options)  # fmt: skip


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
    _costs(1000, 3, 2.0, headline=True),
    _costs(1000, 3, 1.0),
    _costs(300, 64, 2.0, quick=False),
    _transport(200, False),
    _transport(500, False, headline=True),
    _transport(1000, False, quick=False),
    _transport(30, False),
    _transport(500, True),
    _sinkhorn(200, 0.05, headline=True),
    _sinkhorn(200, 0.001),
    _sinkhorn(1000, 0.01, quick=False),
    _gaussians(32, 1, headline=True),
    _gaussians(8, 100),
]


def _sorted(n: int, rng: np.random.Generator) -> Args:
    return rng.standard_normal(n), rng.standard_normal(n) + 0.5, 1.0, None, None


GROWTH = [Growth("wasserstein_1d", "n", tuple(int(2 ** (12 + i / 2)) for i in range(9)), 1.0, _sorted)]

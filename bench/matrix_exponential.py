"""What is timed of the matrix exponential: e^A in batches, log det e^A against slogdet(expm), log(I+A), Hutchinson."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from detrace import oracles as exact
from detrace.calls import LinearOperator
from detrace.oracles import ball, frobenius, precision
from detrace.spaces import Space
from detrace.timing import Case, Check, Growth, Rival, Work
from detrace.timing.cases import Args, Checker

DEGREES = {
    "float64": (
        (0, 2.22e-16), (1, 2.58e-8), (2, 3.40e-4), (3, 4.99e-2), (4, 2.99e-1), (5, 1.09),
        (4 + 4 / 3, 0.95), (5 + 4 / 3, 2.10), (6 + 4 / 3, 5.37),
    ),
    "float32": (
        (0, 1.19e-7), (1, 5.97e-4), (2, 5.11e-2), (3, 5.80e-1), (4, 1.46), (5, 3.01),
        (2 + 4 / 3, 0.426), (3 + 4 / 3, 1.88), (4 + 4 / 3, 3.93),
    ),
}  # fmt: skip
"""(matrix products, largest norm) with backward error below u: Taylor polynomials of degree 1, 2, 4, 8, 12, 18 (Bader,
Blanes & Casas, Mathematics 7 (2019) 1174), then Padé [7/7], [9/9], [13/13] in double, [3/3], [5/5], [7/7] in single
precision (Higham 2005), whose linear solve counts as 4/3 of a product: the cheapest methods that we know."""


def gaussian(n: int, batch: int, *, scale: float = 1.0, rng: np.random.Generator) -> np.ndarray:
    """(batch, n, n), or (n, n) for batch 1: entries N(0, scale²/n), so that the spectral radius is about `scale`."""
    a = rng.standard_normal((batch, n, n)) * (scale / math.sqrt(n))
    return a[0] if batch == 1 else a


def unit_norm(n: int, rng: np.random.Generator) -> np.ndarray:
    """(n, n) with 1-norm 1 whatever n, so that every size takes the same number of products."""
    a = rng.standard_normal((n, n))
    return a / np.abs(a).sum(axis=0).max()


def slices(a: np.ndarray) -> list[np.ndarray]:
    """First and last matrix of a batch, the sample that is certified."""
    stack = a.reshape(-1, *a.shape[-2:])
    return [stack[i] for i in sorted({0, len(stack) - 1})]


def products(norm: float, dtype: str) -> float:
    """Fewest matrix products that are known to give e^A at this norm, squarings included."""
    return min(p + max(0, math.ceil(math.log2(max(norm, 1e-300) / theta))) for p, theta in DEGREES[dtype])


def effective_norms(a: np.ndarray) -> np.ndarray:
    """min over p of max(‖Aᵖ‖₁^{1/p}, ‖Aᵖ⁺¹‖₁^{1/(p+1)}), p = 1…8, of each matrix (b, n, n): what decides the number of
    squarings in place of ‖A‖₁ (Al-Mohy & Higham, SIMAX 31, 2009)."""
    power, roots = a, []
    for p in range(1, 10):
        roots.append(np.abs(power).sum(axis=1).max(axis=1) ** (1 / p))
        power = power @ a
    return np.min(np.maximum(roots[:-1], roots[1:]), axis=0)


def expm_work(args: Args, dtype: str, itemsize: int) -> Work:
    """Input read, output written; the fewest products for each matrix."""
    (a,) = args
    n = a.shape[-1]
    norms = effective_norms(a.reshape(-1, n, n))
    return Work(2.0 * a.size * itemsize, 2.0 * n**3 * sum(products(float(m), dtype) for m in norms))


def expm_checker(args: Args) -> Checker:
    """Certified forward error over √n·u·max(1, κ), κ a certified lower bound of κ_exp(A): the ratio may be overstated.

    √n: rounding errors of inner products of length n add up like a random walk (Higham & Mary, SISC 41, 2019).
    """
    sample = slices(args[0])
    truths = [(a, exact.expm(a), exact.exp_condition(a).lower) for a in sample]

    def check(result: np.ndarray, space: Space) -> Check:
        worst = 0.0
        for (_, truth, kappa), got in zip(truths, slices(result), strict=True):
            size = frobenius(truth)
            bound = math.sqrt(len(got)) * space.u * kappa + len(got) * space.smallest / float(size.abs_lower())
            worst = _worse(worst, _upper(frobenius(ball(got) - truth) / size) / bound)
        return Check(worst, f"certified forward error of {len(truths)} matrices")

    return check


def logdet_checker(args: Args) -> Checker:
    """Exact trace (correctly rounded sum) over u·Σ|aᵢᵢ|."""
    diagonals = [np.diagonal(a) for a in slices(args[0])]

    def check(result: np.ndarray, space: Space) -> Check:
        got = np.atleast_1d(result).ravel()[[0, -1]] if result.size > 1 else np.atleast_1d(result)
        worst = 0.0
        for d, g in zip(diagonals, got.tolist(), strict=True):
            worst = _worse(worst, abs(g - math.fsum(d)) / (space.u * math.fsum(np.abs(d))))
        return Check(worst, "exact trace")

    return check


def log1pm_checker(args: Args) -> Checker:
    """Certified residual ‖e^L̂ − (I+A)‖_F over u·(‖I+A‖_F ‖L̂‖_F + ‖A‖_F): what rounding L̂ and A alone costs, since
    ‖K(L)‖ ≥ ‖e^L‖/√n makes the first term no larger than the residual of a correctly rounded L."""
    sample = slices(args[0])

    def check(result: np.ndarray, space: Space) -> Check:
        worst = 0.0
        for a, got in zip(sample, slices(result), strict=True):
            if not np.isfinite(got).all():
                return Check(math.inf, "not finite")
            with precision(128):
                target = ball(a) + exact.identity(len(a))
                residual = frobenius(ball(got).exp() - target)
                bound = frobenius(target) * frobenius(ball(got)) + frobenius(ball(a))
            worst = _worse(worst, _upper(residual) / (space.u * float(bound.abs_lower())))
        return Check(worst, f"certified residual of {len(sample)} matrices")

    return check


def hutchinson_checker(args: Args) -> Checker:
    """Exact mean (all products are dyadic and fit into a double) over u·mean of |v|ᵀ|M||v|."""
    operator, probes = args
    m = operator.matrix
    truth = math.fsum(((probes @ m) * probes).ravel()) / len(probes)
    size = float(((np.abs(probes) @ np.abs(m)) * np.abs(probes)).sum()) / len(probes)

    def check(result: np.ndarray, space: Space) -> Check:
        return Check(abs(float(result) - truth) / (space.u * size), "exact mean of dyadic values")

    return check


def dyadic_probes(n: int, m: int, rng: np.random.Generator) -> Args:
    """A symmetric matrix of multiples of 1/64 below 4, and m Rademacher probes."""
    a = rng.integers(-127, 128, size=(n, n)) / 64.0
    return LinearOperator(a + a.T), rng.choice([-1.0, 1.0], size=(m, n))


def with_columns(n: int, k: int, rng: np.random.Generator) -> Args:
    """A Gaussian matrix and k columns of standard normal numbers."""
    return gaussian(n, 1, rng=rng), rng.standard_normal((n, k))


def multiply_checker(args: Args) -> Checker:
    """Certified error of e^A V over √n·u·max(1, κ)·‖e^A‖_F‖V‖_F/√n."""
    a, v = args
    truth = exact.expm(a) * ball(v)
    bound = exact.exp_condition(a).lower * float(frobenius(exact.expm(a)).abs_lower()) * float(np.linalg.norm(v))

    def check(result: np.ndarray, space: Space) -> Check:
        return Check(_upper(frobenius(ball(result) - truth)) / (space.u * bound), "certified forward error")

    return check


def multiply_work(args: Args, dtype: str, itemsize: int) -> Work:
    """Operands read, the result written; one product with A at least."""
    a, v = args
    return Work(itemsize * (a.size + 2 * v.size), 2.0 * a.size * v.shape[1])


def memory_work(args: Args, dtype: str, itemsize: int) -> Work:
    """Only the diagonal has to be read."""
    (a,) = args
    return Work(2.0 * a.size / a.shape[-1] * itemsize)


def log1pm_work(args: Args, dtype: str, itemsize: int) -> Work:
    """Input and output, and one product at least: no method is known that needs fewer than one."""
    (a,) = args
    return Work(2.0 * a.size * itemsize, 2.0 * a.size * a.shape[-1])


def hutchinson_work(args: Args, dtype: str, itemsize: int) -> Work:
    operator, probes = args
    n, m = operator.matrix.shape[0], len(probes)
    return Work((n * n + m * n) * itemsize, 2.0 * n * n * m)


def _numpy_slogdet(a: Any) -> Any:
    import scipy.linalg

    return np.linalg.slogdet(scipy.linalg.expm(a))[1]


def _torch_slogdet(a: Any) -> Any:
    import torch

    return torch.linalg.slogdet(torch.linalg.matrix_exp(a))[1]


def _dense_multiply(a: Any, v: Any) -> Any:
    import scipy.linalg

    return scipy.linalg.expm(a) @ v


def _affordable(params: Mapping[str, Any]) -> bool:
    return params["n"] <= 256


SLOGDET = (
    Rival("slogdet(scipy expm)", "numpy-cpu", _numpy_slogdet, _affordable),
    Rival("slogdet(torch expm)", "torch-cpu", _torch_slogdet, _affordable),
)
DENSE = (Rival("scipy expm(A) @ V", "numpy-cpu", _dense_multiply),)
HEADLINE = ((4, 1000), (16, 100), (256, 1))
SIZES = (2, 4, 8, 16, 32, 64, 128, 256)


def _square(contract: str, n: int, batch: int, work: Any, checker: Any, *, scale: float = 1.0, **options: Any) -> Case:
    def make(rng: np.random.Generator) -> Args:
        return (gaussian(n, batch, scale=scale, rng=rng),)

    return Case(contract, {"n": n, "batch": batch}, make, work, checker, **options)


def _expm_cases() -> list[Case]:
    both = ("float64", "float32")
    found = [_square("expm", n, b, expm_work, expm_checker, headline=True, quick_dtypes=both) for n, b in HEADLINE]
    grid = ((1, SIZES, (2, 8, 32, 64, 128)), (100, SIZES[:6], (4,)), (10_000, SIZES[:4], (2,)))
    for batch, sizes, quick in grid:
        for n in sizes:
            if (n, batch) not in HEADLINE:
                found.append(_square("expm", n, batch, expm_work, expm_checker, quick=n in quick))
    return found


CASES = [
    *_expm_cases(),
    *(_square("logdet_expm", n, b, memory_work, logdet_checker, rivals=SLOGDET, headline=n == 256, quick=q)
      for n, b, q in ((256, 1, True), (16, 100, True), (4, 1000, False), (64, 1, True), (1024, 1, False))),
    *(_square("log1pm", n, b, log1pm_work, log1pm_checker, scale=0.4, headline=n == 16, quick=q, control="solve/1")
      for n, b, q in ((16, 10, True), (4, 100, True), (64, 1, True), (4, 1000, False), (128, 1, False))),
    *(Case("hutchinson_trace", {"n": n, "probes": m}, partial(dyadic_probes, n, m), hutchinson_work,
           hutchinson_checker, headline=n == 256, quick=q)
      for n, m, q in ((256, 64, True), (1024, 16, True), (64, 1024, False))),
    *(Case("expm_multiply", {"n": n, "k": k}, partial(with_columns, n, k), multiply_work, multiply_checker,
           rivals=DENSE, headline=n == 128, quick=q)
      for n, k, q in ((128, 8, True), (16, 1, True), (256, 1, False))),
]  # fmt: skip

def _one(n: int, rng: np.random.Generator) -> Args:
    return (unit_norm(n, rng),)


def _sixteen(n: int, rng: np.random.Generator) -> Args:
    """Sixteen matrices, so that the traces outgrow the fixed cost of a call at sizes that fit into memory."""
    return (gaussian(n, 16, rng=rng),)


RANGE = (48, 64, 96, 128, 192, 256, 384, 512, 768)
TRACE_RANGE = (64, 96, 128, 176, 256, 352, 512, 704, 1024)
GROWTH = [Growth("expm", "n", RANGE, 3.0, _one), Growth("logdet_expm", "n", TRACE_RANGE, 1.0, _sixteen, blocks=True)]


def _upper(x: Any) -> float:
    return float(x.abs_upper()) if x.is_finite() else math.inf


def _worse(a: float, b: float) -> float:
    """The larger ratio; NaN counts as infinite."""
    return max(a, b) if not math.isnan(b) else math.inf

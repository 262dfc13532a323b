"""What is timed of low-rank exponentials: exp(xyᵀ)V in O(n) a column against dense expm and Krylov-like rivals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from flint import acb, acb_mat

from detrace.oracles import ball, entries, precision
from detrace.spaces import Space
from detrace.timing import Case, Check, Growth, Rival, Work
from detrace.timing.cases import Args, Checker

BITS = 192
SAMPLE = 64
"""Rows and elements that are certified; errors of the rest are of the same kind."""


def factors(n: int, rank: int | None, batch: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """x, y (n,) or X, Y (n, rank) with ‖X‖_F ≈ 1 and YᵀX ≈ I/rank + noise of size 1/√n: an ordinary, regular case."""
    shape = (n,) if rank is None else (n, rank)
    lead = () if batch == 1 else (batch,)
    scale = 1.0 / math.sqrt(n * (rank or 1))
    x = rng.standard_normal((*lead, *shape)) * scale
    return x, x + rng.standard_normal((*lead, *shape)) * scale


def first(a: np.ndarray, core: int) -> np.ndarray:
    """First member of a batch whose members have `core` dimensions."""
    return a.reshape(-1, *a.shape[a.ndim - core :])[0]


class Truth:
    """Certified entries of V + X φ₁(YᵀX) (YᵀV) at sampled rows and columns of the first member of a batch.

    `size` is what bounds are made of: |V| + |X| (|φ₁(S)| + ½e^{‖S‖}|Y|ᵀ|X|) |Y|ᵀ|V|, the effect of relative
    perturbations u of every operand and of S = YᵀX.
    """

    def __init__(self, X: np.ndarray, Y: np.ndarray, V: np.ndarray) -> None:
        n, r = X.shape
        self.rows = np.unique(np.linspace(0, n - 1, min(n, SAMPLE)).astype(int))
        self.columns = np.unique(np.linspace(0, V.shape[1] - 1, min(V.shape[1], 4)).astype(int))
        v = V[:, self.columns]
        with precision(BITS):
            yt, x = ball(np.ascontiguousarray(Y.T)), ball(X)
            s = yt * x
            big = acb_mat([[s[i, j] if j < r else int(j == r + i) for j in range(2 * r)] for i in range(r)]
                          + [[0] * (2 * r) for _ in range(r)]).exp()  # fmt: skip
            phi = acb_mat([[big[i, r + j] for j in range(r)] for i in range(r)])
            self.value = ball(v[self.rows]) + ball(X[self.rows]) * (phi * (yt * ball(v)))
        p = np.abs(Y).T @ np.abs(X)
        phi_abs = np.array([float(z.abs_upper()) for z in entries(phi)]).reshape(r, r)
        inner = phi_abs + 0.5 * math.exp(np.linalg.norm(X, 2) * np.linalg.norm(Y, 2)) * p
        size = np.abs(v[self.rows]) + np.abs(X[self.rows]) @ (inner @ (np.abs(Y).T @ np.abs(v)))
        self.size = float(np.linalg.norm(size))

    def check(self, result: np.ndarray, space: Space) -> Check:
        got = result[np.ix_(self.rows, self.columns)]
        if not np.isfinite(got).all():
            return Check(math.inf, "not finite")
        with precision(BITS):
            difference = ball(np.ascontiguousarray(got)) - self.value
            error = math.hypot(*(float(z.abs_upper()) for z in entries(difference)))
        return Check(error / (space.u * self.size), f"certified entries, {got.size} of a result")


def _checker(args: Args, core: int, v: np.ndarray | None) -> Checker:
    x, y = (first(a, core) for a in args[:2])
    if core == 1:
        x, y = x[:, None], y[:, None]
    truth = Truth(x, y, np.eye(len(x)) if v is None else v)
    return lambda result, space: truth.check(first(result, 2), space)


def rank1_checker(args: Args) -> Checker:
    return _checker(args, 1, first(args[2], 2) if len(args) == 3 else None)


def rank_checker(args: Args) -> Checker:
    return _checker(args, 2, first(args[2], 2) if len(args) == 3 else None)


def logdet_checker(core: int) -> Any:
    """Exact Σ xᵢyᵢ of the first member over u·Σ|xᵢyᵢ|."""

    def make(args: Args) -> Checker:
        x, y = (first(a, core).ravel() for a in args)
        with precision(BITS):
            truth = float((ball(x[None, :]) * ball(y))[0, 0].real)
        size = float(np.abs(x) @ np.abs(y))


        def check(result: np.ndarray, space: Space) -> Check:
            return Check(abs(float(result.ravel()[0]) - truth) / (space.u * size), "exact inner product")

        return check

    return make


def phi1_checker(args: Args) -> Checker:
    """Certified (eˢ−1)/s at sampled elements over u·max(1, |sφ′/φ|)."""
    (s,) = args
    where = np.linspace(0, s.size - 1, SAMPLE).astype(int)
    with precision(BITS):
        truth = [(acb(v).expm1() / acb(v)) if v else acb(1) for v in s.ravel()[where].tolist()]

    def check(result: np.ndarray, space: Space) -> Check:
        worst = 0.0
        for v, t, got in zip(s.ravel()[where].tolist(), truth, result.ravel()[where].tolist(), strict=True):
            if not math.isfinite(got):
                return Check(math.inf, "not finite")
            kappa = max(1.0, abs(v / -math.expm1(-v) - 1.0)) if v else 1.0
            with precision(BITS):
                worst = max(worst, float((abs(acb(got) - t) / abs(t)).abs_upper()) / (space.u * kappa))
        return Check(worst, f"certified values, {SAMPLE} of {s.size}")

    return check


def read_write(*outputs_like: int) -> Any:
    """Every input once and an output as large as the named inputs, written once."""

    def work(args: Args, dtype: str, itemsize: int) -> Work:
        return Work(itemsize * (sum(a.size for a in args) + sum(args[i].size for i in outputs_like)))

    return work


def apply_work(args: Args, dtype: str, itemsize: int) -> Work:
    """Factors and V read, the result written; 4nrk operations. YᵀV takes all of V before the result begins: unless blocks
    of columns wait in a cache, V is read twice, which this limit does not count (docs/benchmarks.md has the measured floor)."""
    x, y, v = args
    rank = x.size / v.size * v.shape[-1]
    return Work(itemsize * (x.size + y.size + 2 * v.size), 4.0 * v.size * rank)


def dense_work(args: Args, dtype: str, itemsize: int) -> Work:
    """Factors read, the n×n result written."""
    x, y = args
    n = x.shape[1] if x.ndim == 3 or (x.ndim == 2 and x.shape[1] > RANK) else x.shape[0]
    batch = x.shape[0] if x.ndim == 2 and x.shape[1] > RANK else 1
    return Work(itemsize * (x.size + y.size + batch * n * n))


def _matrix(x: Any, y: Any) -> Any:
    return np.einsum("...i,...j->...ij", x, y) if x.ndim == 1 else x @ y.T


def _scipy_dense(x: Any, y: Any) -> Any:
    import scipy.linalg

    return scipy.linalg.expm(_matrix(x, y))


def _scipy_dense_apply(x: Any, y: Any, v: Any) -> Any:
    return _scipy_dense(x, y) @ v


def _scipy_multiply(x: Any, y: Any, v: Any) -> Any:
    """scipy.sparse.linalg.expm_multiply with the matrix as an operator, so that it too costs O(n) a product."""
    from scipy.sparse.linalg import LinearOperator, expm_multiply

    X, Y = (x[:, None], y[:, None]) if x.ndim == 1 else (x, y)
    operator = LinearOperator(
        (len(X), len(X)), matvec=lambda u: X @ (Y.T @ u), matmat=lambda u: X @ (Y.T @ u),
        rmatvec=lambda u: Y @ (X.T @ u), rmatmat=lambda u: Y @ (X.T @ u), dtype=X.dtype,
    )  # fmt: skip
    return expm_multiply(operator, v, traceA=float(np.sum(X * Y)))


def _slogdet(x: Any, y: Any) -> Any:
    return np.linalg.slogdet(_scipy_dense(x, y))[1]


def _small(params: Mapping[str, Any]) -> bool:
    return params["n"] <= 256 and params["batch"] == 1


def _single(params: Mapping[str, Any]) -> bool:
    return params["batch"] == 1


RANK = 8
DENSE = (Rival("scipy expm(xyᵀ)", "numpy-cpu", _scipy_dense, _small),)
APPLY = (
    Rival("scipy expm(xyᵀ) @ V", "numpy-cpu", _scipy_dense_apply, _small),
    Rival("scipy expm_multiply", "numpy-cpu", _scipy_multiply, _single),
)
LOGDET = (Rival("slogdet(scipy expm)", "numpy-cpu", _slogdet, _small),)


def _vectors(contract: str, n: int, batch: int, rank: int | None, k: int | None, work: Any, checker: Any,
             **options: Any) -> Case:  # fmt: skip
    params = {"n": n, "batch": batch, **({"r": rank} if rank else {}), **({"k": k} if k else {})}

    def make(rng: np.random.Generator) -> Args:
        x, y = factors(n, rank, batch, rng)
        if k is None:
            return x, y
        return x, y, rng.standard_normal((n, k) if batch == 1 else (batch, n, k))

    return Case(contract, params, make, work, checker, **options)


def _phi1(size: int, **options: Any) -> Case:
    return Case("phi1", {"elements": size}, lambda rng: (4.0 * rng.standard_normal(size),), read_write(0), phi1_checker,
                **options)  # fmt: skip


QUICK_APPLY = ((16, 64), (256, 64), (4096, 64), (16384, 64), (4096, 1))
CASES = [
    _phi1(1_000_000, headline=True, quick_dtypes=("float64", "float32")),
    _phi1(1_000, quick=False),
    *(_vectors("expm_rank1_apply", n, 1, None, k, apply_work, rank1_checker, rivals=APPLY,
               headline=(n, k) == (16384, 64), quick=(n, k) in QUICK_APPLY)
      for k in (1, 64) for n in (16, 64, 256, 1024, 4096, 16384)),
    _vectors("expm_rank1_apply", 64, 100, None, 4, apply_work, rank1_checker),
    *(_vectors("expm_rank1", n, b, None, None, dense_work, rank1_checker, rivals=DENSE,
               headline=n == 1024, quick=q)
      for n, b, q in ((1024, 1, True), (64, 100, True), (256, 1, False), (16, 1, False))),
    *(_vectors("expm_low_rank_apply", n, b, RANK, k, apply_work, rank_checker, rivals=APPLY,
               headline=n == 4096, quick=q)
      for n, b, k, q in ((4096, 1, 64, True), (256, 1, 64, True), (64, 100, 4, True), (16384, 1, 64, False))),
    _vectors("expm_low_rank", 256, 1, RANK, None, dense_work, rank_checker, rivals=DENSE, headline=True),
    *(_vectors("logdet_expm_rank1", n, b, None, None, read_write(), logdet_checker(1), rivals=LOGDET,
               headline=n == 256, quick=q)
      for n, b, q in ((256, 1, True), (16384, 1, True), (64, 100, False))),
    *(_vectors("logdet_expm_low_rank", n, b, RANK, None, read_write(), logdet_checker(2), rivals=LOGDET,
               headline=n == 256, quick=q)
      for n, b, q in ((256, 1, True), (4096, 1, True), (64, 100, False))),
]  # fmt: skip


def _column(n: int, rng: np.random.Generator) -> Args:
    return (*factors(n, None, 1, rng), rng.standard_normal((n, 1)))


RANGE = tuple(int(2 ** (14 + i / 2)) for i in range(9))
"""From where a call's fixed cost stops to dominate to where the operands (10 MB) still fit into a last-level cache."""
GROWTH = [Growth("expm_rank1_apply", "n", RANGE, 1.0, _column)]

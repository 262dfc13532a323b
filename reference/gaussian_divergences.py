"""Divergences between normal distributions p = N(m₁, S₁) and q = N(m₂, S₂), covariances of full rank, in closed form.

∫ pᵃ q^{1−a} is a Gaussian integral, so each divergence is a determinant and a quadratic form of Δ = m₁ − m₂:

KL(p‖q) = ½[tr S₂⁻¹S₁ − d + Δᵀ S₂⁻¹ Δ + log det S₂/det S₁]
∫ √(pq) = (det S₁ det S₂)^{1/4} (det S)^{−1/2} exp(−⅛ Δᵀ S⁻¹ Δ), S = (S₁ + S₂)/2
∫ p²/q = det S₂ (det S₁ det W)^{−1/2} exp(Δᵀ W⁻¹ Δ), W = 2S₂ − S₁, +∞ unless W is positive definite.

As written these cancel between close Gaussians. Here all is expressed by S₁ − S₂: det(S₁ W)/det S₂² = det(1 − E²) with
E = S₂^{−½}(S₁ − S₂)S₂^{−½}, and likewise for the mean S; KL of close ones is a sum of squares and of x² − 1 − log x², x a ratio
of Cholesky pivots. Coordinates are first scaled to standard deviations near 1, which changes no divergence.
"""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple, cast

from array_api_compat import is_cupy_array

from .arrays import QUIET, stop_gradient
from .measures import finite_check, refuse, unit_roundoff, working_arrays


class Pair(NamedTuple):
    """Δ (..., d, 1), both covariances and their Cholesky factors (..., d, d), and the dtype to return."""

    xp: Any
    dtype: Any
    shift: Any
    S1: Any
    S2: Any
    L1: Any
    L2: Any


@QUIET
def gaussian_kl(m1: Any, S1: Any, m2: Any, S2: Any) -> Any:
    """KL(N(m1, S1)‖N(m2, S2)) in nats: means (..., d), covariances (..., d, d) -> (...).

    Error: what perturbing each covariance by du√(SᵢᵢSⱼⱼ) does, also between close Gaussians; differentiable, also there.
    Raises ValueError if shapes do not fit, values are not finite, or a covariance is not symmetric (beyond 32du‖S‖) or not
    positive definite; TypeError if a dtype is not real floating.
    """
    xp, dtype, m1, S1, m2, S2 = _arrays("gaussian_kl", m1, S1, m2, S2)
    k1, k2 = _exponents(xp, S1), _exponents(xp, S2)
    L1, L2 = (_cholesky(xp, "gaussian_kl", _scaled(xp, S, k)) for S, k in ((S1, k1), (S2, k2)))
    logs = xp.log(_diagonal(xp, L2)) - xp.log(_diagonal(xp, L1)) + (k2 - k1) * math.log(2)
    A, B, shift = _scaled(xp, S1, k2), _scaled(xp, S2, k2), ((m1 - m2) / xp.pow(xp.full_like(k2, 2.0), k2))[..., None]
    apart = xp.sum(_diagonal(xp, xp.linalg.solve(B, A)) - 1 + 2 * logs, axis=-1)
    near = stop_gradient(apart) < 0.5
    close = _sum_of_squares(xp, xp.linalg.cholesky(xp.where(near[..., None, None], A, B)), L2)
    total = xp.where(near, close, apart) + _sum(xp, shift * xp.linalg.solve(B, shift))
    return xp.astype(total / 2, dtype, copy=False)


def gaussian_reverse_kl(m1: Any, S1: Any, m2: Any, S2: Any) -> Any:
    """KL(N(m2, S2)‖N(m1, S1)) in nats; shapes and errors as for `gaussian_kl`."""
    return gaussian_kl(m2, S2, m1, S1)


@QUIET
def gaussian_squared_hellinger(m1: Any, S1: Any, m2: Any, S2: Any) -> Any:
    """∫ (√p − √q)² = 2 − 2∫√(pq), in [0, 2] (no factor ½); shapes and errors as for `gaussian_kl`."""
    xp, dtype, shift, S1, S2, L1, L2 = _pair("gaussian_squared_hellinger", m1, S1, m2, S2)
    F = xp.linalg.cholesky((S1 + S2) / 2)
    k = xp.linalg.eigvalsh(_congruent(xp, F, (S1 - S2) / 2))
    near = xp.max(xp.abs(k), axis=-1) < 0.5
    middle = _diagonal(xp, F)
    close = xp.sum(xp.log1p(-xp.square(xp.where(near[..., None], k, xp.zeros_like(k)))), axis=-1) / 4
    apart = xp.sum(xp.log((_diagonal(xp, L1) / middle) * (_diagonal(xp, L2) / middle)), axis=-1) / 2
    overlap = xp.where(near, close, apart) - _sum(xp, xp.square(xp.linalg.solve(F, shift))) / 8
    return xp.astype(-2 * xp.expm1(overlap), dtype, copy=False)


@QUIET
def gaussian_pearson(m1: Any, S1: Any, m2: Any, S2: Any) -> Any:
    """χ²(p‖q) = ∫ (p − q)²/q; +∞ unless 2·S2 − S1 is positive definite, or where it is not representable; shapes and errors
    as for `gaussian_kl`."""
    xp, dtype, shift, S1, S2, L1, L2 = _pair("gaussian_pearson", m1, S1, m2, S2)
    e, Q = xp.linalg.eigh(_congruent(xp, L2, S1 - S2))
    largest = xp.max(e, axis=-1)
    finite, near = largest < 1, xp.max(xp.abs(e), axis=-1) < 0.5
    e = xp.where(finite[..., None], e, xp.zeros_like(e))
    close = -xp.sum(xp.log1p(-xp.square(xp.where(near[..., None], e, xp.zeros_like(e)))), axis=-1) / 2
    ratio = _diagonal(xp, L1) / _diagonal(xp, L2)
    apart = -xp.sum(xp.log1p(-e) / 2 + xp.log(ratio), axis=-1)
    z = (xp.matrix_transpose(Q) @ xp.linalg.solve(L2, shift))[..., 0]
    total = xp.expm1(xp.where(near, close, apart) + xp.sum(xp.square(z) / (1 - e), axis=-1))
    return xp.astype(xp.where(finite, total, xp.full_like(total, float("inf"))), dtype, copy=False)


def gaussian_neyman(m1: Any, S1: Any, m2: Any, S2: Any) -> Any:
    """∫ (p − q)²/p = χ²(q‖p); +∞ unless 2·S1 − S2 is positive definite; shapes and errors as for `gaussian_kl`."""
    return gaussian_pearson(m2, S2, m1, S1)


def _arrays(name: str, m1: Any, S1: Any, m2: Any, S2: Any) -> tuple[Any, ...]:
    """The namespace, the dtype to return, and the four arrays in the dtype to work in, once they are means and covariances."""
    xp, dtype, (m1, S1, m2, S2) = working_arrays(name, m1, S1, m2, S2)
    d = m1.shape[-1] if m1.ndim else 0
    given = [m1, S1, m2, S2]
    if d == 0 or any(tuple(v.shape[-k:]) != (d,) * k for v, k in zip(given, (1, 2, 1, 2), strict=True)):
        shapes = ", ".join(str(tuple(v.shape)) for v in given)
        raise ValueError(f"{name} needs means (d,) and covariances (d, d), d >= 1, got m1, S1, m2, S2 of shapes {shapes}.")
    slack = 32 * d * unit_roundoff(xp, dtype)
    refuse(*(finite_check(xp, name, "means and covariances", v) for v in given),
           *(_symmetric(xp, name, S, slack) for S in (S1, S2)))  # fmt: skip
    return xp, dtype, m1, S1, m2, S2


def _pair(name: str, m1: Any, S1: Any, m2: Any, S2: Any) -> Pair:
    xp, dtype, m1, S1, m2, S2 = _arrays(name, m1, S1, m2, S2)
    k = xp.maximum(_exponents(xp, S1), _exponents(xp, S2))
    S1, S2, shift = _scaled(xp, S1, k), _scaled(xp, S2, k), ((m1 - m2) / xp.pow(xp.full_like(k, 2.0), k))[..., None]
    return Pair(xp, dtype, shift, S1, S2, _cholesky(xp, name, S1), _cholesky(xp, name, S2))


def _exponents(xp: Any, S: Any) -> Any:
    """Base-2 logarithms of the standard deviations, as integers; 0 for what is no variance."""
    variances = stop_gradient(_diagonal(xp, S))
    return xp.round(xp.log2(xp.where(variances > 0, variances, xp.ones_like(variances))) / 2)


def _scaled(xp: Any, S: Any, k: Any) -> Any:
    scale = xp.pow(xp.full_like(k, 2.0), k)
    return S / scale[..., None] / scale[..., None, :]


def _symmetric(xp: Any, name: str, S: Any, slack: float) -> Any:
    S = stop_gradient(S)
    largest = xp.max(xp.abs(S), axis=(-2, -1), keepdims=True)
    return (xp.all(xp.abs(S - xp.matrix_transpose(S)) <= slack * largest),
            lambda: f"{name} needs symmetric covariances; symmetrise them by (S + Sᵀ)/2.")  # fmt: skip


def _cholesky(xp: Any, name: str, S: Any) -> Any:
    try:
        with _told(S):
            L = xp.linalg.cholesky(S)
    except (ValueError, RuntimeError):  # of NumPy and CuPy, of torch; JAX gives NaN
        L = xp.full_like(S, float("nan"))
    refuse((xp.all(xp.isfinite(stop_gradient(L))), lambda: f"{name} needs positive definite covariances; add a ridge."))
    return L


def _told(S: Any) -> AbstractContextManager[Any]:
    """CuPy returns what a factorisation that failed left behind, unless it is asked to raise."""
    if not is_cupy_array(S):
        return nullcontext()
    import cupyx

    return cast(AbstractContextManager[Any], cupyx.errstate(linalg="raise"))


def _congruent(xp: Any, L: Any, A: Any) -> Any:
    """L⁻¹AL⁻ᵀ for a symmetric A, symmetric again."""
    B = xp.linalg.solve(L, xp.matrix_transpose(xp.linalg.solve(L, A)))
    return (B + xp.matrix_transpose(B)) / 2


def _sum_of_squares(xp: Any, L1: Any, L2: Any) -> Any:
    """tr S₂⁻¹S₁ − d + log det S₂/det S₁, with all its digits where S₁ and S₂ are close; far apart its derivative has none."""
    ratio = _diagonal(xp, L1) / _diagonal(xp, L2)
    pivots = (ratio - 1) * (ratio + 1) - 2 * xp.log(ratio)
    return xp.sum(pivots, axis=-1) + _sum(xp, xp.square(xp.tril(xp.linalg.solve(L2, L1), k=-1)))


def _diagonal(xp: Any, A: Any) -> Any:
    return xp.linalg.diagonal(A)


def _sum(xp: Any, A: Any) -> Any:
    return xp.sum(A, axis=(-2, -1))

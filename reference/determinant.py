"""log|det M| and the action of e^A: the two sides of det e^A = e^{tr A} that a program evaluates."""

from __future__ import annotations

from math import frexp
from typing import Any

from .matrix_exponential import expm, square_array


def logabsdet(M: Any) -> Any:
    """log|det M| = log of the product of the pivots of LU, summed as logarithms: (…,n,n) → (…), real dtype.

    Never overflows where det M does; −inf for an exactly singular M; 0 for 0×0. Differentiable: ∂/∂M = M⁻*.
    Raises ValueError if the last two axes differ, TypeError for a dtype that is not floating.
    """
    xp, B, dtype = square_array(M, "logabsdet")
    B, shift = _above_underflow(xp, B) if B.shape[-1] else (B, 0.0)
    result = xp.linalg.slogdet(B).logabsdet - shift
    return result if xp.isdtype(B.dtype, "complex floating") else xp.astype(result, dtype, copy=False)


def _above_underflow(xp: Any, B: Any) -> tuple[Any, Any]:
    """B, its slices of tiny entries times 2ᵏ, and n log 2ᵏ for those: an LU may divide by a pivot through its reciprocal, which
    subnormal numbers need not have (torch), or leave their rows where they are (OpenBLAS)."""
    limits = xp.finfo(B.dtype)
    k = frexp(limits.max)[1] - 24
    peak = xp.max(xp.abs(B), axis=(-2, -1))
    one = xp.ones_like(peak)
    scale = xp.where(peak < 2.0**64 * limits.smallest_normal, 2.0**k * one, one)
    return B * xp.astype(scale, B.dtype, copy=False)[..., None, None], B.shape[-1] * xp.log(scale)


def expm_multiply(A: Any, V: Any) -> Any:
    """e^A V, the solution at time 1 of x' = Ax, x(0) = V: (…,n,n), (…,n,k) → (…,n,k).

    Dense: forms e^A once, which is the cheaper way when k is not small against n or A is used again.
    """
    return expm(A) @ V

"""The principal logarithm of I + A."""

from __future__ import annotations

from typing import Any

import numpy as np
from array_api_compat import device

from .arrays import QUIET
from .matrix_exponential import square_array


@QUIET
def log1pm(A: Any) -> Any:
    """Principal logarithm of I + A: (..., n, n) -> (..., n, n), accurate for small A (log(I+A) = A - A²/2 + ...).

    Inverse scaling and squaring: E ↦ sqrt(I+E) - I until ‖E‖₁ <= 1/4, then log(I+E) = ∫₀¹ E (I+tE)⁻¹ dt by
    Gauss-Legendre quadrature (= the diagonal Padé approximant), times 2 for each root.
    Domain: no eigenvalue of I + A on (-inf, 0]; else NaN for that slice (within rounding of the cut: NaN or the log of
    either side); accuracy falls in proportion as an eigenvalue comes near the cut. NaN or inf in a slice gives NaN
    there. Real in, real out.
    Computed in double precision throughout, whatever the dtype.
    Raises ValueError if the last two axes differ, TypeError for a dtype that is not floating.
    Sources: Denman & Beavers 1976; Cheng, Higham, Kenney & Laub 2001 (product form); Higham 2008, ch. 11.
    """
    xp, E, dtype = square_array(A, "log1pm")
    if 0 in E.shape:
        return xp.astype(E, dtype, copy=True)
    E = xp.reshape(E, (-1, *E.shape[-2:]))
    E = xp.astype(E, xp.complex128 if xp.isdtype(E.dtype, "complex floating") else xp.float64, copy=False)
    identity = xp.eye(E.shape[-1], dtype=E.dtype, device=device(E))
    bad = ~xp.all(xp.isfinite(E), axis=(-2, -1), keepdims=True)
    E = xp.where(bad, xp.zeros_like(E), E)
    scale = xp.astype(xp.ones_like(bad), E.dtype)
    for _ in range(64):
        large = xp.max(xp.sum(xp.abs(E), axis=-2, keepdims=True), axis=-1, keepdims=True) > 0.25
        if not bool(xp.any(large)):
            break
        root, failed = _sqrt1pm(xp, xp.where(large, E, xp.zeros_like(E)), identity)
        bad = bad | failed
        E = xp.where(large & ~failed, root, xp.where(failed, xp.zeros_like(E), E))
        scale = xp.where(large, 2 * scale, scale)
    nodes, weights = np.polynomial.legendre.leggauss(8)
    L = xp.zeros_like(E)
    for t, w in zip(((nodes + 1) / 2).tolist(), (weights / 2).tolist(), strict=True):
        L = L + w * xp.linalg.solve(identity + t * E, E)
    L = xp.where(bad, xp.asarray(float("nan"), dtype=L.dtype, device=device(L)), scale * L)
    return xp.astype(xp.reshape(L, A.shape), dtype, copy=False)


def _sqrt1pm(xp: Any, A: Any, identity: Any) -> tuple[Any, Any]:
    """sqrt(I+A) - I, and where it failed: product-form Denman-Beavers, M = I+N -> I and X = I+Y -> sqrt(I+A).

    M ↦ ½I + ¼(pM + M⁻¹/p), X ↦ ½√p X(I + M⁻¹/p), with determinantal scaling p = |det M|^(-1/n) while far; then p = 1
    and, so that small A keeps its digits, N ↦ ¼(N - Z), Y ↦ Y - ½(Z + YZ), Z = M⁻¹N. Always X² = (I+A)M.
    """
    n = A.shape[-1]
    eps = xp.finfo(A.dtype).eps
    N, Y = A, A
    bad = xp.zeros((A.shape[0], 1, 1), dtype=xp.bool, device=device(A))
    for _ in range(100):
        M = identity + N
        sign, log_det = xp.linalg.slogdet(M)
        bad = bad | (sign == 0)[:, None, None] | ~xp.all(xp.isfinite(N), axis=(-2, -1), keepdims=True)
        N, M = xp.where(bad, xp.zeros_like(N), N), xp.where(bad, identity, M)
        both = xp.linalg.solve(M, xp.concat([N, xp.zeros_like(N) + identity], axis=-1))
        Z, inverse = both[..., :n], both[..., n:]
        log_p = -log_det[:, None, None] / n
        far = xp.abs(log_p) > 1
        p = xp.astype(xp.exp(xp.where(far & ~bad, log_p, xp.zeros_like(log_p))), A.dtype)
        far_Y = xp.sqrt(p) / 2 * ((identity + Y) + (identity + Y) @ inverse / p) - identity
        Y = xp.where(far, far_Y, Y - (Z + Y @ Z) / 2)
        N = xp.where(far, (p * M + inverse / p) / 4 - identity / 2, (N - Z) / 4)
        size = xp.max(xp.abs(N), axis=(-2, -1), keepdims=True)
        if not bool(xp.any((size > 8 * n * eps) & ~bad)):
            break
    return Y - (N + N @ Y) / 2, bad | ~(size <= 8 * n * eps) | ~xp.all(xp.isfinite(Y), axis=(-2, -1), keepdims=True)

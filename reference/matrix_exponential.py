"""Matrix exponential, its determinant identity, the principal logarithm of I + A, and Hutchinson's trace estimator.

det e^A = e^{tr A} (https://kexue.fm/archives/6377). Every function takes arrays of any library that
``array_api_compat`` knows, batches in the leading axes, and returns arrays of the same library, device and dtype.
float16 and bfloat16 are computed in float32 and rounded once.
"""

from __future__ import annotations

from collections.abc import Callable
from math import factorial, frexp
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

# Degree 16 Taylor, truncation error below 2^-53 relative to e^A for a norm up to this.
TAYLOR_RADIUS = 0.8


def working_array(A: Any, name: str) -> tuple[Any, Any, Any]:
    """Namespace of A, A in the dtype to compute in (float32 at least), and the dtype to return."""
    xp = array_namespace(A)
    if not xp.isdtype(A.dtype, ("real floating", "complex floating")):
        raise TypeError(f"{name} needs a real or complex floating-point array, got dtype {A.dtype}; convert it first.")
    half = xp.finfo(A.dtype).bits < 32
    return xp, xp.astype(A, xp.float32) if half else A, A.dtype


def square_array(A: Any, name: str) -> tuple[Any, Any, Any]:
    """`working_array`, and A must be (..., n, n)."""
    xp, B, dtype = working_array(A, name)
    if B.ndim < 2 or B.shape[-1] != B.shape[-2]:
        raise ValueError(f"{name} needs square matrices (..., n, n), got shape {tuple(A.shape)}.")
    return xp, B, dtype


def expm(A: Any) -> Any:
    """e^A = Σ Aᵏ/k! of every matrix of a batch: (..., n, n) -> (..., n, n).

    Domain: all real or complex floating matrices, 0×0 and empty batches included. Each slice has its own scaling.
    A slice that holds NaN or inf gives NaN; overflow gives inf or NaN; other slices are not touched.
    Raises ValueError if the last two axes differ, TypeError for other dtypes.
    """
    xp, B, dtype = square_array(A, "expm")
    n = B.shape[-1]
    if 0 in B.shape:
        return xp.astype(B, dtype, copy=True)
    B = xp.reshape(B, (-1, n, n))
    norm = xp.max(xp.sum(xp.abs(B), axis=-2), axis=-1)
    finite = xp.all(xp.isfinite(B), axis=(-2, -1))
    cap = xp.finfo(B.dtype).max
    top = frexp(float(cap))[1] + n.bit_length() + 1  # a norm that overflows is below 2^top
    norm = xp.where(norm > TAYLOR_RADIUS, norm, xp.asarray(TAYLOR_RADIUS, dtype=norm.dtype, device=device(B)))
    squarings = xp.ceil(xp.where(xp.isfinite(norm), xp.log2(norm / TAYLOR_RADIUS), float(top)))
    squarings = xp.astype(xp.where(finite, squarings, xp.zeros_like(squarings)), xp.int32)
    X = _taylor_and_square(xp, B, squarings)
    X = xp.where(finite[:, None, None], X, xp.asarray(float("nan"), dtype=X.dtype, device=device(X)))
    return xp.astype(xp.reshape(X, A.shape), dtype, copy=False)


def _taylor_and_square(xp: Any, B: Any, squarings: Any) -> Any:
    identity = xp.eye(B.shape[-1], dtype=B.dtype, device=device(B))
    least, most = int(xp.min(squarings)), int(xp.max(squarings))
    real = xp.abs(B[0, 0, 0]).dtype
    for part in (0, 1):  # in two steps, so that no factor is subnormal
        table = xp.asarray([0.5 ** ((k + part) // 2) for k in range(most + 1)], dtype=real, device=device(B))
        B = B * xp.astype(xp.take(table, squarings)[:, None, None], B.dtype)
    order = None
    if least < most:
        order = xp.argsort(squarings, descending=True, stable=True)
        B = xp.take(B, order, axis=0)
    X = _taylor(xp, B, identity) + identity
    done = []
    for k in range(most):
        active = int(xp.sum(xp.astype(squarings > k, xp.int32)))
        if active < X.shape[0]:
            done.insert(0, X[active:, ...])
            X = X[:active, ...]
        X = X @ X
    if order is not None:
        X = xp.take(xp.concat([X, *done]), xp.argsort(order, stable=True), axis=0)
    return X


def _taylor(xp: Any, A: Any, identity: Any) -> Any:
    """e^A - I to degree 16, by Paterson and Stockmeyer."""
    c = [1 / factorial(k) for k in range(17)]
    A2 = A @ A
    A3 = A2 @ A
    A4 = A2 @ A2
    H = c[13] * A + c[14] * A2 + c[15] * A3 + c[16] * A4
    H = c[12] * identity + H
    for k in (8, 4):
        H = c[k] * identity + c[k + 1] * A + c[k + 2] * A2 + c[k + 3] * A3 + A4 @ H
    return A + (c[2] * A2 + c[3] * A3 + A4 @ H)


def logdet_expm(A: Any) -> Any:
    """log|det e^A| = Re tr A: (..., n, n) -> (...), real dtype. The phase of det e^A is e^{i Im tr A}.

    Raises ValueError if the last two axes differ, TypeError for a dtype that is not floating.
    """
    xp, B, dtype = square_array(A, "logdet_expm")
    if xp.isdtype(B.dtype, "complex floating"):
        return xp.linalg.trace(xp.real(B))
    return xp.astype(xp.linalg.trace(B), dtype, copy=False)


def log1pm(A: Any) -> Any:
    """Principal logarithm of I + A: (..., n, n) -> (..., n, n), accurate for small A (log(I+A) = A - A²/2 + ...).

    Inverse scaling and squaring: E ↦ sqrt(I+E) - I until ‖E‖₁ <= 1/4, then log(I+E) = ∫₀¹ E (I+tE)⁻¹ dt by
    Gauss-Legendre quadrature (= the diagonal Padé approximant), times 2 for each root.
    Domain: no eigenvalue of I + A on (-inf, 0]; else NaN for that slice (within rounding of the cut: NaN or the log of
    either side). NaN or inf in a slice gives NaN there. Real in, real out.
    Raises ValueError if the last two axes differ, TypeError for a dtype that is not floating.
    Sources: Denman & Beavers 1976; Cheng, Higham, Kenney & Laub 2001 (product form); Higham 2008, ch. 11.
    """
    xp, E, dtype = square_array(A, "log1pm")
    if 0 in E.shape:
        return xp.astype(E, dtype, copy=True)
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
    return xp.astype(L, dtype, copy=False)


def _sqrt1pm(xp: Any, A: Any, identity: Any) -> tuple[Any, Any]:
    """sqrt(I+A) - I and where it failed: product-form Denman-Beavers, M = I+N -> I and X = I+Y -> sqrt(I+A).

    With Z = M⁻¹N and determinantal scaling p = |det M|^(-1/n) (p = 1 once near):
    M ↦ ½I + ¼(pM + M⁻¹/p),  X ↦ ½√p X(I + M⁻¹/p), written in N and Y so that small A keeps its digits.
    """
    n = A.shape[-1]
    eps = xp.finfo(A.dtype).eps
    N, Y = A, A
    bad = xp.zeros((*A.shape[:-2], 1, 1), dtype=xp.bool, device=device(A))
    settled = 0
    for _ in range(64):
        sign, logabs = xp.linalg.slogdet(identity + N)
        bad = bad | (sign == 0)[..., None, None] | ~xp.all(xp.isfinite(N), axis=(-2, -1), keepdims=True)
        N = xp.where(bad, xp.zeros_like(N), N)
        logp = xp.where(bad[..., 0, 0] | (xp.abs(logabs) < n), xp.zeros_like(logabs), -logabs / n)[..., None, None]
        p, root = xp.astype(xp.exp(logp), A.dtype), xp.astype(xp.exp(logp / 2), A.dtype)
        Z = xp.linalg.solve(identity + N, N)
        g = root * (1 + 1 / p) / 2
        Y = (g - 1) * identity + g * Y - root / p / 2 * (Z + Y @ Z)
        N = ((p + 1 / p - 2) * identity + p * N - Z / p) / 4
        size = xp.max(xp.abs(N), axis=(-2, -1), keepdims=True)
        if not bool(xp.any((size > 8 * n * eps) & ~bad)):
            settled += 1
            if settled == 2:
                break
    return Y, bad | ~(size <= 8 * n * eps) | ~xp.all(xp.isfinite(Y), axis=(-2, -1), keepdims=True)


def hutchinson_trace(matvec: Callable[[Any], Any], probes: Any) -> Any:
    """Estimate tr M by the mean of vᴴMv over the probes v: probes (m, n) -> scalar array.

    `matvec(V)` gets all probes at once as the columns of V (n, m) and returns M V (n, m), like ``lambda V: M @ V``.
    Unbiased if E v vᴴ = I. For symmetric real M one probe has variance 2‖M‖_F² (Gaussian) or
    2(‖M‖_F² - Σ mᵢᵢ²) (Rademacher). Raises ValueError if probes is not (m, n) with m >= 1, or M V is not (n, m).
    Source: Hutchinson 1990.
    """
    xp = array_namespace(probes)
    if probes.ndim != 2 or probes.shape[0] == 0:
        raise ValueError(f"hutchinson_trace needs probes (m, n) with m >= 1, got shape {tuple(probes.shape)}.")
    V = probes.T
    MV = matvec(V)
    if tuple(MV.shape) != tuple(V.shape):
        raise ValueError(f"matvec must map (n, m) to (n, m), here {tuple(V.shape)}; it returned {tuple(MV.shape)}.")
    conj = xp.conj(V) if xp.isdtype(V.dtype, "complex floating") else V
    return xp.sum(conj * MV) / probes.shape[0]

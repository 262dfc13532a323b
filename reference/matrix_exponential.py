"""Matrix exponential, its determinant identity, the principal logarithm of I + A, and Hutchinson's trace estimator.

det e^A = e^{tr A} (https://kexue.fm/archives/6377). Every function takes arrays of any library that
``array_api_compat`` knows, batches in the leading axes, and returns arrays of the same library, device and dtype.
float16 and bfloat16 are computed in float32 and rounded once.
"""

from __future__ import annotations

from collections.abc import Callable
from math import frexp, log, log2
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device, is_numpy_array

from . import compiled
from .arrays import QUIET, working_array

# The Taylor polynomial Σₖ Aᵏ/k!, k <= degree, of e^A - I in 4 or 5 matrix products (after Bader, Blanes, Casas 2019).
# With L₁..L₅ combinations of A, A², A³ (degree 18: and A⁶ = A³A³), one row of coefficients each, and no multiple of I,
#     Q = L₃ + L₁L₂,   e^A - I ≈ L₅ + (d₀I + L₄ + Q) Q.
# Expanding and equating each Aᵏ with 1/k! gives 11 (18) equations for d₀, Q's, L₄'s and L₅'s coefficients, solved by
# Newton's method in 60 digits; the root with the least Σ|terms| at ‖A‖ = 1 is kept: 1.00 (2.57) times e - 1.
# Degree 12 fixes L₁ = A³ and A's own coefficient 1; degree 18 fixes A⁶'s coefficient 1 in L₂.
# Entries: d₀, then L₁..L₅.
TAYLOR = {
    12: (
        5.018851975928506,
        (0.0, 0.0, 1.0),
        (0.0021931723165325634, 0.0002741465395665704, 4.569108992776174e-05),
        (0.0, 0.038063431169682894, 0.017732587452050738),
        (1.3093238729699403, 0.1574459893713522, -0.0014710039978467423),
        (1.0, 0.3089652732634183, 0.02783207597700284),
    ),
    18: (
        11.148502971774368,
        (-1.4059892894192667e-06, -1.1247914315354133e-07, -1.2497682572615703e-08, 0.0),
        (0.0, 6591.375, 1209.0, 1.0),
        (0.06764045190713819, -0.06759613017704597, -0.029555257042931552, 1.391802575160607e-05),
        (-1.680158138789062, -0.05717798464788655, 0.0069821012248805206, -3.3497501708607054e-05),
        (0.24591022090110864, 1.3626670832081904, 0.4989210256916943, -0.0006409274300585366),
    ),
}

# ‖A‖ up to which the neglected tail, e^θ θ^(degree+1)/(degree+1)!, stays below u/4 even relative to e^(-θ).
RADIUS = {(32, 12): 1.25, (64, 12): 0.29, (64, 18): 1.0}


def square_array(A: Any, name: str) -> tuple[Any, Any, Any]:
    """`working_array`, and A must be (..., n, n)."""
    xp, B, dtype = working_array(A, name)
    if B.ndim < 2 or B.shape[-1] != B.shape[-2]:
        raise ValueError(f"{name} needs square matrices (..., n, n), got shape {tuple(A.shape)}.")
    return xp, B, dtype


@QUIET
def expm(A: Any) -> Any:
    """e^A = Σ Aᵏ/k! of every matrix of a batch: (..., n, n) -> (..., n, n).

    Scaling and squaring: e^A = (e^(μ/2ˢ) (I + T((A - μI)/2ˢ)))^(2ˢ), T the Taylor polynomial above, μ = tr A/n or 0;
    each slice has its own s and μ.
    Target: ‖error‖_F <= 10 u max(1, κ_exp(A)) ‖e^A‖_F. e⁰ = I exactly, exact zeros outside diagonal blocks (and of
    block triangles) stay, 1×1 is the scalar exp.
    Domain: all real or complex floating matrices, 0×0 and empty batches included. A slice that holds NaN or inf gives
    NaN; overflow gives inf or NaN; other slices are not touched. Differentiable by torch and jax.grad (no jax.jit).
    In NumPy, 64 and more real slices of up to 16 rows go the same way in a loop that numba compiles, where it is installed.
    Raises ValueError if the last two axes differ, TypeError for a dtype that is not floating.
    Sources: Bader, Blanes & Casas 2019 (polynomials); Al-Mohy & Higham 2009 (scaling by norms of powers).
    """
    xp, B, dtype = square_array(A, "expm")
    n = B.shape[-1]
    if n == 1 or 0 in B.shape:
        nan = xp.asarray(float("nan"), dtype=B.dtype, device=device(B))
        return xp.astype(xp.where(xp.isfinite(B), xp.exp(B), nan), dtype, copy=False)
    B = xp.reshape(B, (-1, n, n))
    if _many_tiny(B):
        B = _batch_last(xp, B)
    bits = 64 if xp.finfo(B.dtype).bits >= 64 else 32
    log_norm = _log2_norm(xp, B)
    degree = 12 if bits == 32 or bool(xp.all(log_norm <= log2(RADIUS[64, 12]))) else 18
    limit = frexp(float(xp.finfo(B.dtype).max))[1] // degree - 1  # powers up to A^degree stay below overflow
    halvings, finite = 0, None
    if not bool(xp.all(log_norm <= limit)):
        B, halvings, finite = _halve(xp, B, limit)
        log_norm = _log2_norm(xp, B)
    B, log_norm, mean = _shift(xp, B, log_norm)
    X = compiled.exponentials(B, log_norm, mean, halvings, degree, TAYLOR[degree], RADIUS[bits, degree])
    if X is None:
        X, squarings = _scaled_taylor(xp, B, log_norm, degree, RADIUS[bits, degree])
        if mean is not None:
            X = X * xp.exp(mean * _power_of_half(xp, squarings, B))
        X = _square(xp, X, squarings + halvings)
    if finite is not None:
        X = xp.where(finite, X, xp.asarray(float("nan"), dtype=X.dtype, device=device(X)))
    return xp.astype(xp.reshape(X, A.shape), dtype, copy=False)


def _shift(xp: Any, A: Any, log_norm: Any) -> tuple[Any, Any, Any]:
    """A - μI, its norm, and μ = tr A/n where n|μ|² > ‖A‖_F²/10 (elsewhere μ = 0; None if nowhere).

    ‖e^(A - μI)‖_F >= √n since its determinant is 1, so the Taylor sum does not cancel. No shift where e^μ > √max: it
    might overflow alone, and inf times an exact zero would be NaN; none where e^μ < max⁻²: 0 times inf would be NaN.
    """
    n = A.shape[-1]
    mean = xp.linalg.trace(A) / n
    part = xp.real(mean) if xp.isdtype(A.dtype, "complex floating") else mean
    log_max = log(float(xp.finfo(A.dtype).max))
    shift = (xp.log2(xp.abs(mean)) + log2(10 * n) / 2 > log_norm) & (part > -2 * log_max) & (part < log_max / 2)
    if not bool(xp.any(shift)):
        return A, log_norm, None
    mean = xp.where(shift, mean, xp.zeros_like(mean))[:, None, None]
    if is_numpy_array(A):
        A = A.copy("K")
        np.einsum("...ii->...i", A)[...] -= mean[:, 0]
    else:
        A = A - mean * xp.eye(n, dtype=A.dtype, device=device(A))
    return A, _log2_norm(xp, A), mean


def _log2_norm(xp: Any, A: Any) -> Any:
    """log₂‖A‖_F of each slice; -inf for (nearly) zero, inf or NaN if ‖A‖_F² overflows or A is not finite."""
    if _many_tiny(A):
        square = xp.sum(xp.conj(A) * A if xp.isdtype(A.dtype, "complex floating") else A * A, axis=(-2, -1))
    else:
        v = xp.reshape(A, (A.shape[0], -1))
        square = xp.vecdot(v, v)
    return xp.log2(xp.real(square) if xp.isdtype(A.dtype, "complex floating") else square) / 2


def _halve(xp: Any, A: Any, limit: int) -> tuple[Any, Any, Any]:
    """A/2ʰ with ‖A/2ʰ‖_F <= 2^limit, h per slice, and which slices are finite (the others become 0)."""
    finite = xp.all(xp.isfinite(A), axis=(-2, -1), keepdims=True)
    A = xp.where(finite, A, xp.zeros_like(A))
    highest = frexp(float(xp.finfo(A.dtype).max))[1] + 1  # |a + ib| may overflow
    log_peak = xp.clip(xp.log2(xp.max(xp.abs(A), axis=(-2, -1))), 0.0, float(highest))
    h = xp.clip(xp.astype(xp.ceil(log_peak), xp.int32) + (A.shape[-1].bit_length() - limit), 0, None)
    return A * _power_of_half(xp, h // 2, A) * _power_of_half(xp, h - h // 2, A), h, finite


def _power_of_half(xp: Any, s: Any, A: Any) -> Any:
    """2⁻ˢ, exactly, shaped to scale the slices of A."""
    if is_numpy_array(A):
        return np.ldexp(A.real.dtype.type(1), -s)[:, None, None]
    powers = xp.asarray([0.5**k for k in range(int(xp.max(s)) + 1)], dtype=A.dtype, device=device(A))
    return xp.take(powers, s)[:, None, None]


def _many_tiny(A: Any) -> bool:
    return A.shape[-1] <= 4 and A.shape[0] >= 128


def _batch_last(xp: Any, A: Any) -> Any:
    """A itself, stored with the batch axis fastest, which makes products of many tiny matrices fast."""
    N, n, _ = A.shape
    flat = xp.reshape(xp.permute_dims(A, (1, 2, 0)), (-1,))
    return xp.permute_dims(xp.reshape(flat, (n, n, N)), (2, 0, 1))


def _product(A: Any, B: Any) -> Any:
    """A B; for many tiny matrices as Σₖ of outer products."""
    if not _many_tiny(A):
        return A @ B
    if is_numpy_array(A):
        return np.einsum("...ik,...kj->...ij", A, B)
    total = A[:, :, 0, None] * B[:, None, 0, :]
    for k in range(1, A.shape[-1]):
        total += A[:, :, k, None] * B[:, None, k, :]
    return total


def _scaled_taylor(xp: Any, A: Any, log_norm: Any, degree: int, radius: float) -> tuple[Any, Any]:
    """I + T(A/2ˢ) and s per slice.

    s is the least with α/2ˢ <= radius, where ‖Aᵏ‖ <= αᵏ for every k > degree: with b = 3 (degree 12) or 6 (degree 18),
    ‖A^(degree + r)‖ <= ‖Aᵇ‖^(degree/b) ‖Aʳ‖, r < b. So a nilpotent or non-normal A is not scaled more than it needs.
    """
    A2 = _product(A, A)
    A3 = _product(A2, A)
    powers = {1: A, 2: A2, 3: A3}
    logs = {1: log_norm, 2: _log2_norm(xp, A2), 3: _log2_norm(xp, A3)}
    b = {12: 3, 18: 6}[degree]
    if b == 6:
        powers[6] = _product(A3, A3)
        logs |= {4: 2 * logs[2], 5: logs[2] + logs[3], 6: _log2_norm(xp, powers[6])}
    log_alpha = xp.maximum(xp.full_like(log_norm, log2(radius)), logs[b] / b)
    for r in range(1, b):
        log_alpha = xp.maximum(log_alpha, (degree // b * logs[b] + logs[r]) / (degree + r))
    s = xp.astype(xp.ceil(log_alpha - log2(radius)), xp.int32)
    half = _power_of_half(xp, s, A) if int(xp.min(s)) < int(xp.max(s)) else 0.5 ** int(xp.max(s))
    cube = half * half * half
    scales = {1: half, 2: half * half, 3: cube, 6: cube * cube}
    d0, *table = TAYLOR[degree]
    L1, L2, L3, L4, L5 = _combinations(xp, table, [(P, scales[k]) for k, P in powers.items()])
    Q = _product(L1, L2)
    Q += L3
    X = _product(L4 + Q, Q)
    X += d0 * Q
    X += L5
    X += xp.eye(A.shape[-1], dtype=A.dtype, device=device(A))
    return X, s


def _combinations(xp: Any, table: Any, powers: list[tuple[Any, Any]]) -> list[Any]:
    """Σ cₖ sₖPₖ over the pairs (Pₖ, sₖ) for each row c of the table, by one matrix product."""
    A = powers[0][0]
    to, back = ((1, 2, 0), (2, 0, 1)) if _many_tiny(A) else ((0, 1, 2), (0, 1, 2))
    shape = tuple(A.shape[axis] for axis in to)
    rows, terms = len(table), len(powers)
    coefficients = xp.asarray(table, dtype=A.dtype, device=device(A))
    if is_numpy_array(A):
        # one block, larger than needed: freeing it teaches malloc to keep that much, where it gave each array back
        block = np.empty((terms + 2 * rows, *shape), dtype=A.dtype)
        scaled, L = block[:terms], block[terms : terms + rows]
        for (P, s), out in zip(powers, scaled, strict=True):
            np.multiply(P, s, out=out.transpose(back))
        np.matmul(coefficients, scaled.reshape(terms, -1), out=L.reshape(rows, -1))
    else:
        scaled = xp.stack([xp.permute_dims(P * s, to) for P, s in powers])
        L = xp.reshape(coefficients @ xp.reshape(scaled, (terms, -1)), (rows, *shape))
    return [xp.permute_dims(L[r, ...], back) for r in range(rows)]


def _square(xp: Any, X: Any, squarings: Any) -> Any:
    """X^(2ˢ) with s per slice: slices sorted by s, those that are done leave the batch."""
    least, most = int(xp.min(squarings)), int(xp.max(squarings))
    if is_numpy_array(X) and _many_tiny(X) and 0 < most - least <= 2:
        for k in range(most):
            np.copyto(X, _product(X, X), where=(squarings > k)[:, None, None])
        return X
    order = None
    if least < most:
        order = xp.argsort(squarings, descending=True, stable=True)
        X = _take(xp, X, order)
    done: list[Any] = []
    for k in range(most):
        active = int(xp.sum(xp.astype(squarings > k, xp.int32))) if k >= least else X.shape[0]
        if active < X.shape[0]:
            done.insert(0, X[active:, ...])
            X = X[:active, ...]
        X = _product(X, X)
    if order is None:
        return X
    return _take(xp, xp.concat([X, *done]), xp.argsort(order, stable=True))


def _take(xp: Any, X: Any, order: Any) -> Any:
    if not _many_tiny(X):
        return xp.take(X, order, axis=0)
    return xp.permute_dims(xp.take(xp.permute_dims(X, (1, 2, 0)), order, axis=2), (2, 0, 1))


def logdet_expm(A: Any) -> Any:
    """log|det e^A| = Re tr A: (..., n, n) -> (...), real dtype. The phase of det e^A is e^{i Im tr A}.

    Raises ValueError if the last two axes differ, TypeError for a dtype that is not floating.
    """
    xp, B, dtype = square_array(A, "logdet_expm")
    if xp.isdtype(B.dtype, "complex floating"):
        return xp.linalg.trace(xp.real(B))
    return xp.astype(xp.linalg.trace(B), dtype, copy=False)


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

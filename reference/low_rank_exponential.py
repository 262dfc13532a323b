"""Exponentials of low-rank matrices: explicit, always invertible, with a free determinant.

exp(xyᵀ) = I + φ(yᵀx) xyᵀ, φ(s) = (eˢ - 1)/s (https://kexue.fm/archives/6407). Functions take arrays of any library
that ``array_api_compat`` knows and returns arrays of the same library, device and dtype; float16 and bfloat16 are
computed in float32 and rounded once. yᵀ is the plain transpose, for complex dtypes too.
"""

from __future__ import annotations

from functools import cache, partial
from math import expm1, factorial, inf, prod
from typing import Any

import numpy as np
from array_api_compat import device, is_numpy_array, is_torch_array

from . import compiled
from .arrays import QUIET, known_number, working_array
from .compiled import BLOCK
from .matrix_exponential import expm


@QUIET
def phi1(s: Any) -> Any:
    """φ(s) = (eˢ - 1)/s elementwise, φ(0) = 1, φ′(0) = ½; any shape, real or complex.

    With h = s/2, |s| < 1: eʰ sinh(h)/h, sinh(h)/h = Σ h²ᵏ/(2k+1)! (value and derivatives of every order keep their
    digits at 0). Else (eʰ + 1)(eʰ - 1)/s, which overflows only where φ does. Real NumPy arrays have no derivatives to keep:
    (expm1(h)/h)(eʰ + 1)/2. Relative error: a few u·max(1, |s φ′(s)/φ(s)|). Overflow gives inf (complex: inf or NaN),
    φ(-inf) = 0; +inf and NaN give NaN.
    Raises TypeError if s is not floating.
    """
    xp, s, dtype = working_array(s, "phi1")
    if prod(s.shape) > BLOCK and (is_numpy_array(s) or (is_torch_array(s) and s.device.type == "cpu")):
        flat = xp.reshape(s, (-1,))
        parts = [_phi1(xp, flat[i : i + BLOCK]) for i in range(0, flat.shape[0], BLOCK)]
        phi = xp.reshape(xp.concat(parts), s.shape)
    else:
        phi = _phi1(xp, s)
    return xp.astype(phi, dtype, copy=False)


def _phi1(xp: Any, s: Any) -> Any:
    h = s / 2
    root = xp.exp(h)
    if is_numpy_array(s) and s.dtype.kind == "f":
        return np.where(h == 0, 1, np.expm1(h) / h * ((root + 1) / 2))
    size, one = xp.abs(s), xp.ones_like(s)
    h2 = xp.square(xp.where(size < 100, h, one))  # 1 where the unused series could overflow
    series = one
    for k in range(7 if xp.finfo(s.dtype).eps < 1e-10 else 4, 0, -1):
        ratio = 1 / (2 * k * (2 * k + 1))
        series = one.addcmul(h2, series, value=ratio) if is_torch_array(s) else one + ratio * h2 * series
    t = xp.where(size > 0.01, s, one)  # 1 where the unused quotient is near 0/0
    return xp.where(size < 1, root * series, (root + one) * ((root - one) / t))


def _phi1_of_one(xp: Any, s: Any) -> Any:
    """φ of the one number in s (1,): an array (1,) or, where nothing else asks for s, a Python float."""
    number = known_number(s)
    if number is None:
        return _phi1(xp, s)
    try:
        return expm1(number) / number if number else 1.0
    except OverflowError:
        return inf


def _vectors(x: Any, y: Any, name: str) -> tuple[Any, Any, Any, Any]:
    if x.ndim < 1 or tuple(x.shape) != tuple(y.shape):
        raise ValueError(f"{name} needs x and y of one shape (..., n), got {tuple(x.shape)} and {tuple(y.shape)}.")
    xp, x, dtype = working_array(x, name)
    return xp, x, working_array(y, name)[1], dtype


def _factors(X: Any, Y: Any, name: str) -> tuple[Any, Any, Any, Any]:
    if X.ndim < 2 or tuple(X.shape) != tuple(Y.shape):
        raise ValueError(f"{name} needs X and Y of one shape (..., n, r), got {tuple(X.shape)} and {tuple(Y.shape)}.")
    xp, X, dtype = working_array(X, name)
    return xp, X, working_array(Y, name)[1], dtype


def _columns(V: Any, n: int, name: str) -> Any:
    if V.ndim < 2 or V.shape[-2] != n:
        raise ValueError(f"{name} needs V of shape (..., {n}, k), got {tuple(V.shape)}.")
    return working_array(V, name)[1]


def _exponent(xp: Any, x: Any, y: Any) -> Any:
    """s = yᵀx (..., 1), NaN where it is not finite: nothing is known of exp(xyᵀ) then. For one pair without an array of its n
    products: freeing that made malloc return the memory of PyTorch's large results to the system, too."""
    s = (x @ y)[None] if x.ndim == 1 else xp.sum(x * y, axis=-1, keepdims=True)
    return s + (s - s)


@QUIET
def expm_rank1(x: Any, y: Any) -> Any:
    """exp(xyᵀ) = I + φ(s) xyᵀ, s = yᵀx: x, y (..., n) -> (..., n, n). Its inverse is expm_rank1(x, -y).

    NaN throughout a slice where s is NaN or inf. φ(s) overflows to inf near s = 716 (float64), 93 (float32).
    Raises ValueError if the shapes differ, TypeError if a dtype is not floating.
    """
    xp, x, y, dtype = _vectors(x, y, "expm_rank1")
    s = _exponent(xp, x, y)
    if x.shape[-1] == 1:  # no cancellation of 1 + (eˢ - 1)
        return xp.astype(xp.exp(s)[..., None], dtype, copy=False)
    phi = _phi1_of_one(xp, s) if x.ndim == 1 else _phi1(xp, s)
    out = (phi * x)[..., :, None] * y[..., None, :]
    out += xp.eye(x.shape[-1], dtype=x.dtype, device=device(x))
    return xp.astype(out, dtype, copy=False)


@QUIET
def expm_rank1_apply(x: Any, y: Any, V: Any) -> Any:
    """exp(xyᵀ) V = V + φ(s) x (yᵀV) in O(n) a column: x, y (..., n), V (..., n, k) -> (..., n, k).

    Raises ValueError if the shapes do not fit, TypeError if a dtype is not floating.
    """
    xp, x, y, dtype = _vectors(x, y, "expm_rank1_apply")
    V = _columns(V, x.shape[-1], "expm_rank1_apply")
    s = _exponent(xp, x, y)
    if x.shape[-1] == 1:
        return xp.astype(xp.exp(s)[..., None] * V, dtype, copy=False)
    if V.ndim == x.ndim + 1 == 2:
        w = _phi1_of_one(xp, s) * (y @ V)
        out = _plus_outer(V, x, w)
    else:
        w = _phi1(xp, s) * (y[..., None, :] @ V)[..., 0, :]
        out = x[..., :, None] * w[..., None, :]
        out += V
    return xp.astype(out, dtype, copy=False)


def _plus_outer(V: Any, x: Any, w: Any) -> Any:
    """V + xwᵀ of one matrix with as few passes over V as its library offers."""
    if is_torch_array(V):
        return V.addr(x, w) if w.requires_grad else V.addcmul(x[:, None], w)  # the faster one backwards, forwards
    out: Any = compiled.plus_outer(V, x, w)
    if out is None:
        out = x[:, None] * w
        out += V
    return out


@QUIET
def logdet_expm_rank1(x: Any, y: Any) -> Any:
    """log|det exp(xyᵀ)| = Re yᵀx: x, y (..., n) -> (...), real dtype. Never overflows where yᵀx does not."""
    xp, x, y, dtype = _vectors(x, y, "logdet_expm_rank1")
    s = xp.sum(x * y, axis=-1)
    return xp.real(s) if xp.isdtype(s.dtype, "complex floating") else xp.astype(s, dtype, copy=False)


def _phi1m(xp: Any, S: Any) -> Any:
    """φ₁ of square matrices: Σ Sᵏ/(k+1)! if every ‖S‖_F <= 1 (Σ of norms <= e - 1, ‖φ₁(S)‖ >= 3 - e, tail <= u/50);
    else the top-right block of exp([[S, I], [0, 0]]), singular S included."""
    r = S.shape[-1]
    eye = xp.eye(r, dtype=S.dtype, device=device(S))
    if r and bool(xp.all(xp.linalg.vector_norm(S, axis=(-2, -1)) <= 1)):
        return _phi1_series(xp, S, xp.zeros_like(S) + eye)
    top = xp.concat([S, xp.zeros_like(S) + eye], axis=-1)
    return expm(xp.concat([top, xp.zeros_like(top)], axis=-2))[..., :r, r:]


def _phi1_series(xp: Any, S: Any, eye: Any) -> Any:
    """Σ Sᵏ/(k+1)! by Horner's rule in S⁴, its coefficients combinations of I, S, S², S³."""
    S2 = S @ S
    powers = xp.reshape(xp.stack([eye, S, S2, S2 @ S]), (4, -1))
    groups = 5 if xp.finfo(S.dtype).eps < 1e-10 else 3
    table = xp.asarray(_coefficients(groups), dtype=S.dtype, device=device(S))
    sums = xp.reshape(table @ powers, (groups, *S.shape))
    phi, S4 = sums[-1, ...], S2 @ S2
    for g in range(groups - 2, -1, -1):
        phi = S4 @ phi + sums[g, ...]
    return phi


@cache
def _coefficients(groups: int) -> list[list[float]]:
    """1/(4g+k+1)!, g by k."""
    return [[1 / factorial(4 * g + k + 1) for k in range(4)] for g in range(groups)]


@QUIET
def expm_low_rank(X: Any, Y: Any) -> Any:
    """exp(XYᵀ) = I + X φ₁(YᵀX) Yᵀ: X, Y (..., n, r) -> (..., n, n). Its inverse is expm_low_rank(X, -Y).

    Raises ValueError if the shapes differ, TypeError if a dtype is not floating.
    """
    xp, X, Y, dtype = _factors(X, Y, "expm_low_rank")
    YT = xp.matrix_transpose(Y)
    return xp.astype(_exponential(xp, X, YT), dtype, copy=False)


def _exponential(xp: Any, X: Any, YT: Any) -> Any:
    """I + X φ₁(YᵀX) Yᵀ; slices where the sum cancels, which takes r >= n, by expm."""
    change = X @ (_phi1m(xp, YT @ X) @ YT)
    out = xp.eye(X.shape[-2], dtype=X.dtype, device=device(X)) + change
    if X.shape[-2] > X.shape[-1]:  # n - r eigenvalues are 1
        return out
    size, whole = (xp.linalg.vector_norm(m, axis=(-2, -1), keepdims=True) for m in (change, out))
    cancels = size > 2 * whole
    return xp.where(cancels, expm(X @ YT), out) if bool(xp.any(cancels)) else out


@QUIET
def expm_low_rank_apply(X: Any, Y: Any, V: Any) -> Any:
    """exp(XYᵀ) V = V + X φ₁(YᵀX) (YᵀV), O(nr) a column: X, Y (..., n, r), V (..., n, k) -> (..., n, k).

    Raises ValueError if the shapes do not fit, TypeError if a dtype is not floating.
    """
    xp, X, Y, dtype = _factors(X, Y, "expm_low_rank_apply")
    V = _columns(V, X.shape[-2], "expm_low_rank_apply")
    YT = xp.matrix_transpose(Y)
    if X.shape[-2] <= X.shape[-1]:
        return xp.astype(_exponential(xp, X, YT) @ V, dtype, copy=False)
    S, single = YT @ X, V.ndim == X.ndim == 2
    if single and is_torch_array(V):
        out: Any = V.addmm(X, _phi1m(xp, S) @ (YT @ V))
    elif not single or (out := compiled.plus_low_rank(V, X, S, Y, partial(_phi1m, xp))) is None:
        out = X @ (_phi1m(xp, S) @ (YT @ V))
        out += V
    return xp.astype(out, dtype, copy=False)


@QUIET
def logdet_expm_low_rank(X: Any, Y: Any) -> Any:
    """log|det exp(XYᵀ)| = Re tr YᵀX = Re Σ xᵢⱼyᵢⱼ: X, Y (..., n, r) -> (...), real dtype."""
    xp, X, Y, dtype = _factors(X, Y, "logdet_expm_low_rank")
    s = xp.sum(X * Y, axis=(-2, -1))
    return xp.real(s) if xp.isdtype(s.dtype, "complex floating") else xp.astype(s, dtype, copy=False)


def product_apply(X: Any, Y: Any, V: Any) -> Any:
    """M V for M = exp(x_r y_rᵀ) ··· exp(x₁y₁ᵀ): X, Y (..., r, n) hold a factor a row, V (..., n, k) -> (..., n, k)."""
    for i in range(X.shape[-2]):
        V = expm_rank1_apply(X[..., i, :], Y[..., i, :], V)
    return V


def product_inverse_apply(X: Any, Y: Any, V: Any) -> Any:
    """M⁻¹V for the M of `product_apply`: the factors exp(-xᵢyᵢᵀ) in reversed order."""
    for i in reversed(range(X.shape[-2])):
        V = expm_rank1_apply(X[..., i, :], -Y[..., i, :], V)
    return V


def product_logdet(X: Any, Y: Any) -> Any:
    """log|det M| = Re Σ yᵢᵀxᵢ for the M of `product_apply`: X, Y (..., r, n) -> (...), real dtype."""
    return logdet_expm_low_rank(X, Y)

"""Ball arithmetic on matrices (python-flint): exact conversion of floats, norms, and precision doubled until certain."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from flint import acb, acb_mat, arb, ctx

Ball = Any
"""A flint ball: `acb` (scalar), `acb_mat` (matrix) or `arb` (real)."""

WORKING_PRECISION = 192
"""Bits in which laws do their own arithmetic on balls: three times a double, so that its rounding never shows."""


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Do ball arithmetic at this precision inside the block."""
    before = ctx.prec
    ctx.prec = bits
    try:
        yield
    finally:
        ctx.prec = before


def ball(x: Any) -> Ball:
    """The exact ball of host floats: 0-d → `acb`, vector (n,) → column (n,1), matrix (m,n) → `acb_mat`.

    Every finite float is a dyadic rational, so nothing is rounded; NaN and inf give non-finite balls.
    """
    a = np.asarray(x)
    if a.ndim == 0:
        return acb(complex(a)) if np.iscomplexobj(a) else acb(float(a))
    if a.ndim == 1:
        a = a[:, None]
    if a.ndim != 2:
        raise ValueError(f"a ball matrix is made of at most two dimensions, not of shape {a.shape}")
    rows, columns = a.shape
    return acb_mat(rows, columns, a.ravel().tolist())


def identity(n: int) -> Ball:
    return acb_mat([[int(i == j) for j in range(n)] for i in range(n)])


def entries(m: Ball) -> list[Any]:
    return m.entries() if isinstance(m, acb_mat) else [m]


def frobenius(m: Ball) -> arb:
    """‖M‖_F as a ball; of a scalar its modulus."""
    total = arb(0)
    for z in entries(m):
        re, im = z.real, z.imag
        total += re * re + im * im
    return total.sqrt() if total > 0 else arb(0).union(total.abs_upper().sqrt())


def radius(m: Ball) -> float:
    """Upper bound of the Frobenius norm of the matrix of radii."""
    return math.hypot(*(float(part.rad()) for z in entries(m) for part in (z.real, z.imag)))


def spectral_norm(m: Ball) -> arb:
    """An upper bound of ‖M‖₂, at most n^{1/32} too large: ‖(MᴴM)^16‖_F^{1/32}."""
    scale = frobenius(m).abs_upper()
    if not scale > 0:
        return scale
    m = m * acb(1 / scale)
    gram = m.conjugate().transpose() * m
    for _ in range(4):
        gram = gram * gram
    return scale * frobenius(gram).abs_upper().root(32)


def certify(compute: Callable[[], Ball], bits: int = 96, *, start: int = 128, limit: int = 1 << 15) -> Ball:
    """`compute()` at doubling precision until its normwise relative radius is ≤ 2^−bits.

    Raises ArithmeticError when `limit` bits do not suffice (the quantity is not computable to relative accuracy, such
    as a difference that is exactly zero).
    """
    bits_now = start
    while bits_now <= limit:
        with precision(bits_now):
            try:
                value = compute()
            except ZeroDivisionError:  # an inverse that this precision cannot tell from one that does not exist
                bits_now *= 2
                continue
            size = float(frobenius(value).abs_lower()) if _finite(value) else 0.0
            if size > 0.0 and radius(value) <= size * 2.0**-bits:
                return value
            if _finite(value) and radius(value) == 0.0:
                return value
        bits_now *= 2
    raise ArithmeticError(f"not certain to {bits} relative bits at {limit} bits of precision")


def determinant(m: Ball) -> Ball:
    """det M to 64 relative bits for an exact M; exactly 0 where 2¹⁵ bits cannot tell it from 0."""
    try:
        return certify(m.det, bits=64)
    except ArithmeticError:
        return acb(0)


def floats(m: Ball) -> np.ndarray:
    """Midpoints as host floats, for display: shape of the ball, complex only if an imaginary part is not zero."""
    if isinstance(m, arb):
        return np.asarray(float(m))
    flat = [complex(float(z.real.mid()), float(z.imag.mid())) for z in entries(m)]
    shape = (m.nrows(), m.ncols()) if isinstance(m, acb_mat) else ()
    a = np.array(flat).reshape(shape)
    return a.real if not a.imag.any() else a


def _finite(m: Ball) -> bool:
    return all(z.is_finite() for z in entries(m))

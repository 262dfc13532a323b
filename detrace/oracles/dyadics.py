"""Exact sums over large arrays of floats, as integers times one power of two: much cheaper than rationals.

Every finite float is an integer times a power of two, so arrays that are only added, subtracted and compared need one common
unit: int64 where all entries fit into 60 bits of it, Python's integers elsewhere.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from flint import fmpq

from .rationals import Rational

SMALL = 60
"""Bits of entries of which sums and differences of a few stay below 2⁶³."""


def integers(*arrays: Any) -> tuple[list[np.ndarray], int]:
    """Integer arrays p and one exponent k with array = p·2ᵏ, exactly; dtype int64, or object where that is too narrow.

    Raises ValueError for NaN and infinity."""
    parts = []
    low, high = 1 << 20, -(1 << 20)
    for x in (np.asarray(a, dtype=np.float64) for a in arrays):
        if not np.isfinite(x).all():
            raise ValueError("an exact sum needs finite numbers")
        fraction, exponent = np.frexp(x)
        whole = (fraction * 2.0**53).astype(np.int64)
        some = whole != 0
        if some.any():
            _, trailing = np.frexp((whole & -whole)[some].astype(np.float64))
            low = min(low, int((exponent[some] + trailing).min()) - 54)
            high = max(high, int(exponent[some].max()))
        parts.append((whole, exponent))
    if low > high:
        return [whole for whole, _ in parts], 0
    return [_shifted(whole, exponent - 53 - low, high - low <= SMALL) for whole, exponent in parts], low


def _shifted(whole: np.ndarray, shift: np.ndarray, small: bool) -> np.ndarray:
    """whole·2^shift, where no bit is lost if `shift` is negative."""
    shift = np.where(whole == 0, 0, shift)
    down = whole >> np.maximum(-shift, 0)
    up = np.maximum(shift, 0)
    if small:
        return np.asarray(down << up)
    return np.asarray(down.astype(object) << up.astype(object))


def scaled(value: int, exponent: int) -> Rational:
    """value·2^exponent."""
    return fmpq(int(value) << exponent) if exponent >= 0 else fmpq(int(value), 1 << -exponent)


def least_slack(C: np.ndarray, f: np.ndarray, g: np.ndarray) -> Rational:
    """min C − f⊕g, exactly: C (n,m), f (n,), g (m,)."""
    (costs, rows, columns), k = integers(C, f, g)
    return scaled((costs - rows[:, None] - columns).min(), k)


def inner(x: np.ndarray, y: np.ndarray) -> Rational:
    """Σ xᵢ yᵢ over all entries, exactly; cells where either is 0 cost nothing."""
    some = (x != 0) & (y != 0)
    (p,), j = integers(x[some])
    (q,), k = integers(y[some])
    return scaled(sum(s * t for s, t in zip(p.tolist(), q.tolist(), strict=True)), j + k)


def margin_errors(plan: np.ndarray, a: np.ndarray, b: np.ndarray) -> Rational:
    """‖Γ1 − a‖₁ + ‖Γᵀ1 − b‖₁, exactly: Γ (n,m), a (n,), b (m,)."""
    i, j = np.nonzero(plan)
    (values, rows, columns), k = integers(plan[i, j], a, b)
    left, wanted = rows.tolist(), columns.tolist()
    for r, c, value in zip(i.tolist(), j.tolist(), values.tolist(), strict=True):
        left[r] -= value
        wanted[c] -= value
    return scaled(sum(map(abs, left)) + sum(map(abs, wanted)), k)

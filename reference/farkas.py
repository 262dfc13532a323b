"""Farkas' lemma with its certificate: exactly one of {x >= 0 : Ax = b} and {y : Aᵀy <= 0, bᵀy > 0} is non-empty.

Phase one of the simplex method decides it (https://kexue.fm/archives/6280), here in integers: the numbers of A and b are
binary fractions, and fraction-free pivots (Edmonds 1967) with Bland's rule neither round nor cycle.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import gcd, lcm
from typing import Any

import numpy as np

from .arrays import QUIET
from .measures import finite_check, from_host, refuse, to_host, unit_roundoff, working_arrays

PIVOTS = 10_000


@QUIET
def farkas_certificate(A: Any, b: Any) -> tuple[Any, Any]:
    """(x, 0) with x >= 0 and Ax = b, or (0, y) with Aᵀy <= 0 and bᵀy > 0: A (m, n), b (m,) -> (n,), (m,).

    Which of the two is decided in exact arithmetic for the numbers as given. x is a vertex, correctly rounded, so that
    |Ax − b| <= u|A||x|; y has coprime integers where they fit the dtype, else these divided by a power of two to |y| <= 1.
    Where they have no more digits than the dtype, the inequalities hold exactly; else y is rounded, and they are proven for
    the rounded y up to u|A|ᵀ|y|, with bᵀy > 0 exactly.
    Computed on the host, for sizes up to some hundreds. Leading axes broadcast, and are decided one by one.
    Raises ValueError if the shapes do not fit or values are not finite; TypeError if a dtype is not real floating;
    RuntimeError if the certificate could not be proven or 10⁴ pivots did not decide.
    """
    xp, dtype, (A, b) = working_arrays("farkas_certificate", A, b)
    if A.ndim < 2 or b.ndim < 1 or A.shape[-2] != b.shape[-1] or 0 in A.shape[-2:]:
        raise ValueError(f"farkas_certificate needs A (m, n) and b (m,), m, n >= 1, got {tuple(A.shape)} and {tuple(b.shape)}.")
    refuse(finite_check(xp, "farkas_certificate", "numbers", A), finite_check(xp, "farkas_certificate", "numbers", b))
    lead = np.broadcast_shapes(tuple(A.shape[:-2]), tuple(b.shape[:-1]))
    hA, hb = (np.broadcast_to(to_host(v).astype(float), (*lead, *v.shape[v.ndim - k :])) for v, k in ((A, 2), (b, 1)))
    unit = unit_roundoff(xp, dtype)
    y, x = (np.empty((*lead, k)) for k in A.shape[-2:])
    for i in np.ndindex(*lead):
        x[i], y[i] = _decide(hA[i], hb[i], unit)
    if max(x.max(initial=0.0), np.abs(y).max(initial=0.0)) > float(xp.finfo(dtype).max):
        raise RuntimeError(f"farkas_certificate found a certificate out of {dtype}'s range; rescale A and b.")
    return tuple(xp.astype(from_host(xp, v, A), dtype, copy=False) for v in (x, y))


def _decide(A: np.ndarray, b: np.ndarray, unit: float) -> tuple[np.ndarray, np.ndarray]:
    m, n = A.shape
    exact = [[Fraction(v) for v in row] for row in np.column_stack([A, b]).tolist()]
    x, y = phase_one(exact)
    if x is not None:
        rounded = _rounded(x, unit)
        for row in exact:
            error = abs(sum((p * Fraction(q) for p, q in zip(row, rounded, strict=False)), -row[n]))
            if error > 2 * Fraction(unit) * sum((abs(p) * q for p, q in zip(row, x, strict=False)), Fraction(0)):
                raise RuntimeError("farkas_certificate found a solution whose rounding is out of range; rescale A and b.")
        return np.array(rounded), np.zeros(m)
    assert y is not None
    common = lcm(*(v.denominator for v in y))
    whole = [int(v * common) for v in y]
    shared = gcd(*whole)
    whole = [v // shared for v in whole]
    largest = max(abs(v) for v in whole)
    scale = 1 if largest * unit <= 1 else 2 ** largest.bit_length()
    rounded = _rounded([Fraction(v, scale) for v in whole], unit)
    fits = all(Fraction(r) * scale == v for r, v in zip(rounded, whole, strict=True))
    for j in range(n):
        value = sum((exact[i][j] * Fraction(rounded[i]) for i in range(m)), Fraction(0))
        size = sum((abs(exact[i][j] * Fraction(rounded[i])) for i in range(m)), Fraction(0))
        if value > (0 if fits else 2 * Fraction(unit) * size):
            raise RuntimeError("farkas_certificate could not prove its rounded y; rescale the columns of A.")
    if sum((exact[i][n] * Fraction(rounded[i]) for i in range(m)), Fraction(0)) <= 0:
        raise RuntimeError("farkas_certificate found A and b so near to the boundary that the dtype cannot hold a proof.")
    return np.zeros(n), np.array(rounded)


def _rounded(values: list[Fraction], unit: float) -> list[float]:
    narrow = np.float32 if unit > 2.0**-53 else np.float64
    return [float(narrow(float(v))) for v in values]


def phase_one(exact: list[list[Fraction]]) -> tuple[list[Fraction] | None, list[Fraction] | None]:
    """From rows (A | b): a vertex x of {x >= 0, Ax = b} and None, or None and y with Aᵀy <= 0, bᵀy > 0.

    Columns, b, then rows are made coprime integers first, so that y has few digits whatever their scales.
    """
    m, n = len(exact), len(exact[0]) - 1
    scales = [_content(column) for column in zip(*exact, strict=True)]
    exact = [[v / scale for v, scale in zip(row, scales, strict=True)] for row in exact]
    factors = [(-1 if row[n] < 0 else 1) / _content(row) for row in exact]
    T = np.zeros((m + 1, n + m + 1), dtype=object)  # x, artificial variables, right side; last row: costs
    for i, (row, factor) in enumerate(zip(exact, factors, strict=True)):
        T[i, :n] = [int(v * factor) for v in row[:n]]
        T[i, n + i], T[i, -1] = 1, int(row[n] * factor)
    T[m] = -T[:m].sum(axis=0)
    T[m, n : n + m] = 0
    basis, last = list(range(n, n + m)), 1
    for _ in range(PIVOTS):
        entering = next((j for j in range(n) if T[m, j] < 0), None)
        if entering is None or T[m, -1] == 0:
            break
        rows = [i for i in range(m) if T[i, entering] > 0]
        leaving = min(rows, key=lambda i: (Fraction(T[i, -1], T[i, entering]), basis[i]))
        pivot = T[leaving, entering]
        row, column = T[leaving].copy(), T[:, entering].copy()
        T = (T * pivot - np.outer(column, row)) // last
        T[leaving] = row
        basis[leaving], last = entering, pivot
    else:
        raise RuntimeError(f"farkas_certificate did not decide within {PIVOTS} pivots.")
    if T[m, -1] == 0:
        x = [Fraction(0)] * n
        for i, k in enumerate(basis):
            if k < n:
                x[k] = Fraction(T[i, -1], last) * scales[n] / scales[k]
        return x, None
    return None, [(last - T[m, n + i]) * factors[i] for i in range(m)]


def _content(values: Iterable[Fraction]) -> Fraction:
    """The g > 0 for which values/g are coprime integers; 1 for zeros."""
    values = list(values)
    return Fraction(gcd(*(v.numerator for v in values)), lcm(*(v.denominator for v in values))) or Fraction(1)

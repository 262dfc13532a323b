"""Several pairs at once, exact in the space's dtype: lists of factors exp(xᵢyᵢᵀ), and (X, Y) with exp(XYᵀ)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..judging import branch
from ..spaces import Space
from .deferred import per_space, st
from .low_rank import Dice, Pair, columns, draw_pair, largest_inner
from .scalars import Draw, entries


def draw_factors(draw: Draw, space: Space, *, min_n: int = 1, max_n: int = 5, min_r: int = 1, max_r: int = 4,
                 **pair: Any) -> Pair:  # fmt: skip
    """(X, Y), both (r,n): a pair of any kind in each row; all exp(xᵢyᵢᵀ) can be multiplied without overflow."""
    dice = Dice(draw, 2)
    n, r = dice.size(space, min_n, max_n), dice.size(space, min_r, max_r)
    rows = [draw_pair(draw, space, min_n=n, max_n=n, **{"share": r, **pair}) for _ in range(r)]
    return np.stack([x for x, _ in rows]), np.stack([y for _, y in rows])


@per_space
def factor_lists(draw: Draw, space: Space, **factors: Any) -> Pair:
    """(X, Y), both (r,n); options as for `draw_factors`."""
    return draw_factors(draw, space, **factors)


MATRIX_SWITCHES = (1.0, 0.5, 2.0, 0.25, 4.0)
"""Norms of YᵀX where a series of φ₁ may stop to do, or a method change its degree or scaling."""


@dataclass(frozen=True)
class ColumnsKind:
    """A named type of (X, Y), both (n,r), by what YᵀX (r,r) is."""

    name: str
    purpose: str
    build: Callable[[Draw, Space, int, int], Pair]
    promise: Callable[[np.ndarray, np.ndarray], bool]


def _dense_columns(draw: Draw, space: Space, n: int, r: int) -> Pair:
    X, Y = (entries(draw, (n, r), complex_values=space.is_complex) for _ in range(2))
    return X, Y


def _zero_column(draw: Draw, space: Space, n: int, r: int) -> Pair:
    X, Y = _dense_columns(draw, space, n, r)
    (X if draw(st.booleans()) else Y)[:, draw(st.integers(0, r - 1))] = 0.0
    return X, Y


def _dependent_columns(draw: Draw, space: Space, n: int, r: int) -> Pair:
    X, Y = _dense_columns(draw, space, n, r)
    return X[:, :1] * 2.0 ** -np.arange(r), Y


def _owned(draw: Draw, space: Space, n: int, r: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Dense columns, and to which column each coordinate belongs, (n,1)."""
    owner = np.frombuffer(draw(st.binary(min_size=n, max_size=n)), dtype=np.uint8)[:, None] % (r + 1)
    return *_dense_columns(draw, space, n, r), owner


def _superposed(draw: Draw, space: Space, n: int, r: int) -> Pair:
    X, Y, owner = _owned(draw, space, n, r)
    own = owner == np.arange(r)
    return np.where(own, X, 0.0), np.where(own, Y, 0.0)


def _orthogonal_columns(draw: Draw, space: Space, n: int, r: int) -> Pair:
    X, Y, owner = _owned(draw, space, n, r)
    return np.where(owner % 2 == 0, X, 0.0), np.where(owner % 2 == 1, Y, 0.0)


def _nilpotent_columns(draw: Draw, space: Space, n: int, r: int) -> Pair:
    X, Y, owner = _owned(draw, space, n, r)
    return np.where(owner == np.arange(r), X, 0.0), np.where(owner > np.arange(r), Y, 0.0)


COLUMNS = {
    k.name: k
    for k in (
        ColumnsKind("dense columns", "no structure", _dense_columns, lambda X, Y: True),
        ColumnsKind("zero column", "rank below r, YᵀX singular", _zero_column,
                    lambda X, Y: not (X.any(axis=0) & Y.any(axis=0)).all()),
        ColumnsKind("dependent columns", "X of rank one, YᵀX singular", _dependent_columns,
                    lambda X, Y: bool((X[:, :1] * 2.0 ** -np.arange(X.shape[1]) == X).all())),
        ColumnsKind("superposed columns", "YᵀX diagonal: the factors commute", _superposed,
                    lambda X, Y: all(not (Y[:, i] * X[:, j]).any() for i in range(X.shape[1]) for j in range(X.shape[1])
                                     if i != j)),
        ColumnsKind("orthogonal columns", "YᵀX = 0: e^{XYᵀ} = I + XYᵀ", _orthogonal_columns,
                    lambda X, Y: not (np.abs(Y).T @ np.abs(X)).any()),
        ColumnsKind("nilpotent columns", "YᵀX strictly triangular: singular, not zero", _nilpotent_columns,
                    lambda X, Y: not np.tril(np.abs(Y).T @ np.abs(X)).any()),
    )
}  # fmt: skip


def draw_columns(draw: Draw, space: Space, *, kinds: Sequence[str] = tuple(COLUMNS), max_n: int = 6, min_r: int = 1,
                 max_r: int = 3, reach: float = 30.0, floor: float = 0.0) -> Pair:  # fmt: skip
    """(X, Y), both (n,r), r above n included: ‖YᵀX‖ up to `reach` (of XYᵀ where YᵀX = 0), e^{±XYᵀ} representable."""
    dice = Dice(draw, 10)
    kind = COLUMNS[kinds[dice.below(len(kinds))]]
    n, r = dice.size(space, 1, max_n), dice.size(space, min_r, max_r)
    X, Y = kind.build(draw, space, n, r)
    branch(kind.name)
    size = math.hypot(*np.abs(X).ravel()) * math.hypot(*np.abs(Y).ravel())
    if size == 0.0:
        return space.round(X), space.round(Y)
    unit = float(np.abs(Y.T @ X).sum(axis=0).max()) or size
    cap = min(reach, largest_inner(space, size / unit, "both", 1, False))
    if dice.below(4) or unit > cap or unit < floor:
        t = dice.magnitude(space, cap, max(floor, 2.0**20 * space.smallest), MATRIX_SWITCHES)
        e = math.frexp(t)[1]
        Y = np.ldexp(1.0, e) * (Y * (math.ldexp(t, -e) / unit))
    return space.round(X), space.round(-Y if dice.below(2) else Y)


@per_space
def low_rank_pairs(draw: Draw, space: Space, **pair: Any) -> Pair:
    """(X, Y), both (n,r); options as for `draw_columns`."""
    return draw_columns(draw, space, **pair)


@per_space
def low_rank_pairs_and_columns(draw: Draw, space: Space, *, max_k: int = 3,
                               **pair: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """(X, Y, V): as `draw_columns`, with columns V (n,k) made for the first column of each."""
    X, Y = draw_columns(draw, space, **pair)
    return X, Y, columns(draw, space, X[:, 0], Y[:, 0], max_k)


@per_space
def factor_lists_and_columns(draw: Draw, space: Space, *, max_k: int = 3,
                             **factors: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """(X, Y, V): as `draw_factors`, with columns V (n,k) made for the first factor."""
    X, Y = draw_factors(draw, space, **factors)
    return X, Y, columns(draw, space, X[0], Y[0], max_k)


@per_space
def generic_factors(draw: Draw, space: Space, *, max_n: int = 4, max_r: int = 4) -> Pair:
    """(X, Y), both (r,n), n ≥ 2, where the product of factors moves in as many directions as it can: row i of X is near
    eᵢ, row i of Y near ±(eᵢ₊₁ + eᵢ/2), so that neighbours among the first n + 1 do not commute; moved by up to ¼."""
    dice = Dice(draw, 2)
    n, r = dice.size(space, 2, max_n), dice.size(space, 1, max_r)
    i = np.arange(r)
    eye = np.eye(n)
    X, Y = (entries(draw, (r, n), complex_values=space.is_complex) / 16.0 for _ in range(2))
    return X + eye[i % n], Y + (-1.0) ** i[:, None] * (eye[(i + i // n + 1) % n] + eye[i % n] / 2)

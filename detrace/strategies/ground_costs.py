"""Named kinds of costs: any n×m matrix, and ground costs between the points of one space, metric or not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..spaces import FORMATS, Space
from .scalars import _ENTRIES

Bytes = Callable[[int], np.ndarray]
"""``take(n)``: the next n bytes of a draw, as integers."""


def bits(space: Space) -> int:
    """Precision of the dtype in bits."""
    return FORMATS[space.real_dtype][0]


@dataclass(frozen=True)
class CostKind:
    """A named type of cost matrices: `build(bytes, n, m, space)`; `promise(C, u)`."""

    name: str
    purpose: str
    build: Callable[[Bytes, int, int, Space], np.ndarray]
    promise: Callable[[np.ndarray, float], bool]


@dataclass(frozen=True)
class GroundKind:
    """A named type of costs between n points: `build(bytes, n, space)`; what holds of it, exactly or up to rounding."""

    name: str
    purpose: str
    build: Callable[[Bytes, int, Space], np.ndarray]
    symmetric: bool = True
    triangle: bool = True
    exact: bool = True


def lattice_points(take: Bytes, n: int) -> np.ndarray:
    """n points of a lattice of 1 to 3 dimensions: anywhere, collinear, or in two clusters; some may coincide."""
    layout, dims = (int(k) for k in take(2))
    points = (take(3 * n).reshape(n, 3) % 8)[:, : 1 + dims % 3].astype(float)
    if layout % 4 == 1:
        points = points[:, :1] * np.arange(1, points.shape[1] + 1)
    if layout % 4 == 2:
        points = points % 2 + 8.0 * (points[:, :1] > 3)
    return points


def differences(take: Bytes, n: int, m: int) -> np.ndarray:
    points = lattice_points(take, n + m)
    return points[:n, None, :] - points[None, n:, :]


def _among(take: Bytes, n: int) -> np.ndarray:
    points = lattice_points(take, n)
    return points[:, None, :] - points[None, :, :]


def _matrix(take: Bytes, n: int, m: int) -> np.ndarray:
    return take(n * m).reshape(n, m)


def _signed(take: Bytes, n: int, m: int, space: Space) -> np.ndarray:
    return _ENTRIES[_matrix(take, n, m)]


def _offset(take: Bytes, n: int, m: int, space: Space) -> np.ndarray:
    return _matrix(take, n, m) % 8 + 2.0 ** (bits(space) - 5)


def _graded(take: Bytes, n: int, m: int, space: Space) -> np.ndarray:
    i, j = np.indices((n, m))
    return np.abs(_signed(take, n, m, space)) * 2.0 ** -((1 + 7 * (bits(space) > 12)) * ((i + j) % 6))


def _separable(take: Bytes, n: int, m: int, space: Space) -> np.ndarray:
    return (take(n) % 16)[:, None] + (take(m) % 16)[None, :] - 8.0


COSTS = {
    k.name: k
    for k in (
        CostKind("integer", "whole numbers, zeros among them", lambda t, n, m, s: _matrix(t, n, m) % 12 * 1.0,
                 lambda C, u: bool((C >= 0).all())),
        CostKind("dyadic", "non-negative fractions", lambda t, n, m, s: np.abs(_signed(t, n, m, s)),
                 lambda C, u: bool((C >= 0).all())),
        CostKind("tied", "0, 1 or 2: many optimal plans", lambda t, n, m, s: _matrix(t, n, m) % 3 * 1.0,
                 lambda C, u: len(np.unique(C)) <= 3),
        CostKind("squared", "squared distances of lattice points", lambda t, n, m, s: (differences(t, n, m) ** 2).sum(-1),
                 lambda C, u: bool((C >= 0).all())),
        CostKind("distance", "Euclidean distances of lattice points, rounded",
                 lambda t, n, m, s: np.sqrt((differences(t, n, m) ** 2).sum(-1)), lambda C, u: bool((C >= 0).all())),
        CostKind("signed", "negative costs too", _signed, lambda C, u: True),
        CostKind("offset", "small differences on a large constant", _offset,
                 lambda C, u: bool(np.ptp(C) <= 8 * C.max() * 32 * u)),
        CostKind("graded", "costs of many magnitudes side by side", _graded, lambda C, u: bool((C >= 0).all())),
        CostKind("rounded", "multiples of 1/255, with all their digits", lambda t, n, m, s: _matrix(t, n, m) / 255,
                 lambda C, u: bool((C >= 0).all())),
        CostKind("separable", "C = r⊕s: every plan is optimal", _separable,
                 lambda C, u: bool((C - C[:1] - C[:, :1] + C[:1, :1] == 0).all())),
    )
}  # fmt: skip


def _graph(take: Bytes, n: int, space: Space, *, directed: bool = False) -> np.ndarray:
    """Distances in a complete graph with whole lengths 1…16."""
    d = _matrix(take, n, n) % 16 + 1.0
    if not directed:
        d = np.minimum(d, d.T)
    np.fill_diagonal(d, 0.0)
    for k in range(n):
        d = np.minimum(d, d[:, k : k + 1] + d[k : k + 1, :])
    return d


def _asymmetric(take: Bytes, n: int, space: Space) -> np.ndarray:
    d = _matrix(take, n, n) % 16 * 1.0
    np.fill_diagonal(d, 0.0)
    return d


def _fractions(take: Bytes, n: int, space: Space) -> np.ndarray:
    return _matrix(take, n, n) * (1 - np.eye(n)) / 255


def _lifted(take: Bytes, n: int, space: Space) -> np.ndarray:
    return _graph(take, n, space) + np.diag(take(n) % 4 + 1.0)


def _tilted(take: Bytes, n: int, space: Space) -> np.ndarray:
    h = take(n) % 16 * 1.0
    return _asymmetric(take, n, space) + h[:, None] - h[None, :]


GROUND = {
    k.name: k
    for k in (
        GroundKind("line", "|x − y| on the line", lambda t, n, s: np.abs(_among(t, n)[..., 0])),
        GroundKind("discrete", "1 off the diagonal: total variation", lambda t, n, s: 1.0 - np.eye(n)),
        GroundKind("graph", "shortest ways in a graph", _graph),
        GroundKind("manhattan", "ℓ₁ on a lattice", lambda t, n, s: np.abs(_among(t, n)).sum(-1)),
        GroundKind("chebyshev", "ℓ∞ on a lattice", lambda t, n, s: np.abs(_among(t, n)).max(-1)),
        GroundKind("euclidean", "ℓ₂ on a lattice, rounded", lambda t, n, s: np.sqrt((_among(t, n) ** 2).sum(-1)), exact=False),
        GroundKind("root", "|x − y|^½, a metric too, rounded", lambda t, n, s: np.sqrt(np.abs(_among(t, n)[..., 0])),
                   exact=False),
        GroundKind("one-way", "shortest ways in a directed graph: a quasi-metric",
                   lambda t, n, s: _graph(t, n, s, directed=True), symmetric=False),
        GroundKind("squared", "squared distances: no triangle inequality", lambda t, n, s: (_among(t, n) ** 2).sum(-1),
                   triangle=False),
        GroundKind("asymmetric", "any non-negative costs, zero diagonal", _asymmetric, symmetric=False, triangle=False),
        GroundKind("fractions", "multiples of 1/255 with all their digits, zero diagonal", _fractions, symmetric=False,
                   triangle=False),
        GroundKind("lifted", "staying costs too: a metric with a positive diagonal", _lifted, triangle=False),
        GroundKind("tilted", "negative costs without a negative cycle: D(i,j) + h(i) − h(j)", _tilted, symmetric=False,
                   triangle=False),
    )
}  # fmt: skip
METRICS = tuple(k.name for k in GROUND.values() if k.symmetric and k.triangle)
QUASI_METRICS = tuple(k.name for k in GROUND.values() if k.triangle)
EXACT_METRICS = tuple(k.name for k in GROUND.values() if k.triangle and k.exact)
NON_NEGATIVE = tuple(k for k in GROUND if k != "tilted")
ZERO_DIAGONAL = tuple(k for k in GROUND if k != "lifted")
DETOURS = 3 * ("squared", "asymmetric", "fractions")
"""Costs whose cheapest paths are mostly not the direct ones: for laws that paths decide."""
ONE_WAY = 6 * ("one-way",)
"""For laws about metrics that a quasi-metric decides."""

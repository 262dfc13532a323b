"""Large problems of transport, written down as recipes: sizes, kinds, and the seed of a stream of bytes.

A recipe is a handful of words and numbers, so that what falsifies a law of 40 000 costs can be printed, replayed and shrunk;
`build` and `planted` make the problem of it, exact in the space's dtype, scaled as `transport_problems` are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..judging import branch
from ..spaces import Space
from .deferred import Deferred, st
from .ground_costs import COSTS, Bytes, CostKind, bits
from .measures import MASSES, Masses, MassKind, Problem, balanced, real_values

SIZES = ((4, 4), (7, 5), (16, 16), (33, 26), (24, 24), (60, 60), (48, 48), (64, 37), (25, 60), (1, 150), (150, 3), (2, 90))
"""Usual sizes; shrinking goes to the first."""
LARGEST = ((1, 200), (200, 3), (128, 96), (200, 200))
FEW_SIZES = ((33, 26),)
"""Where every shape is compiled."""


class Recipe(NamedTuple):
    """What a large problem is made of; `seed` decides the numbers and the scales."""

    n: int
    m: int
    masses: str
    costs: str
    seed: int


def stream(seed: int) -> Bytes:
    """``take(n)``: the next n bytes of the raw output of PCG64, which NumPy promises to keep."""
    raw = np.random.PCG64(seed).random_raw

    def take(n: int) -> np.ndarray:
        words = np.asarray(raw(-(-n // 8)), dtype="<u8") if n else np.zeros(0, dtype="<u8")
        return words.view(np.uint8)[:n].astype(np.int64)

    return take


def words(take: Bytes, *shape: int) -> np.ndarray:
    """Integers of [0, 65536)."""
    return take(2 * int(np.prod(shape))).reshape(*shape, 2) @ np.array([1, 256])


def digits(space: Space) -> int:
    """Binary digits of numbers below 2 whose sums of three are exact."""
    return min(bits(space) - 2, 48)


def fractions(take: Bytes, count: int, *shape: int) -> np.ndarray:
    """Random numbers of [0, 2) with `count` ≤ 48 binary digits."""
    whole = sum(words(take, *shape) << shift for shift in (0, 16, 32))
    return np.asarray((whole >> (48 - count)) * 2.0 ** (1 - count))


def staircase(take: Bytes, n: int, m: int) -> tuple[np.ndarray, np.ndarray]:
    """n + m − 1 cells that are the basis of a vertex: a way from the first cell right and down to the last, rows and columns
    in any order afterwards."""
    down = np.zeros(n + m - 2, dtype=np.int64)
    down[np.argsort(words(take, n + m - 2), kind="stable")[: n - 1]] = 1
    i, j = (np.concatenate([[0], np.cumsum(step)]) for step in (down, 1 - down))
    rows, columns = (np.argsort(words(take, k), kind="stable") for k in (n, m))
    return rows[i], columns[j]


def _margins(i: np.ndarray, j: np.ndarray, flows: np.ndarray, n: int, m: int) -> Masses:
    return np.bincount(i, flows, n), np.bincount(j, flows, m)


def _graded(take: Bytes, count: int, space: Space) -> np.ndarray:
    return (1 + take(count) % 16) * 2.0 ** -(take(count) % (bits(space) - 13))


def _sparse(take: Bytes, count: int, space: Space) -> np.ndarray:
    flows = take(count) % 8 * (take(count) % 2) * 1.0
    flows[0] += not flows.any()
    return flows


FLOWS = {
    "whole": lambda take, count, space: 1.0 + take(count) % 8,
    "graded": _graded,
    "degenerate": _sparse,
}
"""Flows on the basis of a vertex: whole numbers; such that differ by half of the dtype's digits; mostly 0."""


def _of_flows(name: str, purpose: str) -> MassKind:
    def make(take: Bytes, n: int, m: int, space: Space) -> Masses:
        return _margins(*staircase(take, n, m), FLOWS[name](take, n + m - 1, space), n, m)

    return MassKind(name, purpose, make, lambda a, b: bool(a.sum() == b.sum()))


LARGE_MASSES = {k: MASSES[k] for k in ("uniform", "counts", "thirds", "normalised", "dust")} | {
    k.name: k
    for k in (
        _of_flows("graded", "margins of a vertex whose flows differ by half of the dtype's digits"),
        _of_flows("degenerate", "margins of a vertex most of whose flows are 0"),
    )
}
"""Kinds of masses that make sense at any size."""


def _near_ties(take: Bytes, n: int, m: int, space: Space) -> np.ndarray:
    return take(n * m).reshape(n, m) % 3 + words(take, n, m) * 2.0 ** (3 - bits(space))


def _line(take: Bytes, n: int, m: int, space: Space) -> np.ndarray:
    return np.abs(np.subtract.outer(words(take, n) % (4 * n), words(take, m) % (4 * m))) * 1.0


LARGE_COSTS = {k: COSTS[k] for k in ("integer", "tied", "squared", "distance", "signed", "offset", "graded", "separable")} | {
    k.name: k
    for k in (
        CostKind("near ties", "0, 1 or 2, and up to 2¹⁶ of the dtype's last digits more", _near_ties,
                 lambda C, u: int((np.diff(np.sort(C.ravel())) > C.max() / 8).sum()) <= 2),
        CostKind("full", "random, with all their digits", lambda t, n, m, s: fractions(t, 48, n, m),
                 lambda C, u: bool((C >= 0).all())),
        CostKind("line", "distances of whole points of the line: many optimal plans, long trees", _line,
                 lambda C, u: bool((C >= 0).all())),
        CostKind("products", "ij: the cheapest cells first lead far from the optimum",
                 lambda t, n, m, s: np.multiply.outer(np.arange(n) + 1.0, np.arange(m) + 1.0),
                 lambda C, u: bool((C * C[0, 0] == np.outer(C[:, 0], C[0])).all())),
    )
}  # fmt: skip
"""Kinds of costs that make sense at any size."""
SLACKS = {
    "tied": lambda take, n, m, space: take(n * m).reshape(n, m) // 64 % 2 * 1.0,
    "near ties": lambda take, n, m, space: take(n * m).reshape(n, m) * 2.0 ** (1 - digits(space)),
    "wide": lambda take, n, m, space: fractions(take, digits(space), n, m),
}
"""Costs above a planted optimum's potentials: 0 or 1; multiples of the last digit up to 255; up to 2."""


def recipes(masses: Sequence[str] = tuple(LARGE_MASSES), costs: Sequence[str] = tuple(LARGE_COSTS)) -> Deferred:
    """A `Recipe`, as a tuple; one in nine is larger than 64 × 64 or 150 × 3."""

    def make(space: Space) -> st.SearchStrategy[Recipe]:
        sizes = FEW_SIZES if space.few_shapes else (*SIZES, *SIZES[3:], *SIZES[3:], *LARGEST)
        parts = st.tuples(*map(st.sampled_from, (sizes, tuple(masses), tuple(costs))), st.integers(0, 65535))
        return parts.map(lambda drawn: Recipe(*drawn[0], *drawn[1:]))

    return Deferred(make, f"recipes({tuple(masses)}, {tuple(costs)})", Recipe._fields)


def planted_recipes() -> Deferred:
    """A `Recipe` for `planted`; flows are whole for every other one, so that square problems are often assignments."""
    return recipes((*FLOWS, "whole"), tuple(SLACKS))


def build(recipe: Recipe, space: Space, *, scaled: bool = True) -> Problem:
    """(a, b, C) of a recipe."""
    n, m, masses, costs, seed = recipe
    branch(f"{masses}, {costs}")
    take = stream(seed)
    a, b = (real_values(space, w) for w in LARGE_MASSES[masses].build(take, n, m, space))
    C = real_values(space, LARGE_COSTS[costs].build(take, n, m, space))
    return balanced(take, space, a, b, C, scaled)


def planted(recipe: Recipe, space: Space) -> tuple[Problem, tuple[np.ndarray, np.ndarray]]:
    """(a, b, C), and potentials f, g that are optimal: C = f ⊕ g + s with slack s ≥ 0, 0 on the cells of a vertex whose flows
    have the margins a, b; with whole flows and n = m, on those of an assignment."""
    n, m, flows, slack, seed = recipe
    branch(f"{flows}, {slack}")
    take = stream(seed)
    i, j = staircase(take, n, m)
    values = FLOWS[flows](take, n + m - 1, space)
    if n == m and flows == "whole":
        i, j, values = np.arange(n), np.argsort(words(take, n), kind="stable"), np.ones(n)
    a, b = _margins(i, j, values, n, m)
    f, g = (words(take, k) % 512 - 256.0 if slack == "tied" else fractions(take, digits(space), k) - 1.0 for k in (n, m))
    s = SLACKS[slack](take, n, m, space)
    s[i, j] = 0.0
    costs = np.vstack([(f[:, None] + g + s).reshape(-1, 1), f[:, None], g[:, None]])
    a, b, costs = balanced(take, space, a, b, real_values(space, costs), True)
    C, f, g = np.split(costs[:, 0], [n * m, n * m + n])
    return (a, b, C.reshape(n, m)), (f, g)

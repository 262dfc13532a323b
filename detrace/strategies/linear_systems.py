"""Systems Ax = b, x ≥ 0 of which it is known whether they have a solution: b inside, on the border of, just outside or far
outside the cone of the columns of A; values exact in the space's dtype."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..judging import branch
from ..spaces import FORMATS, Space
from .deferred import per_space
from .ground_costs import Bytes, bits
from .measures import FAR, bytes_of, real_values, rescale, sizes
from .scalars import Draw

System = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class SystemKind:
    """A named type of systems: `build(bytes, m, n, space)`, and whether x ≥ 0 with Ax = b exists."""

    name: str
    purpose: str
    build: Callable[[Bytes, int, int, Space], System]
    feasible: bool


def _small(take: Bytes, *shape: int) -> np.ndarray:
    """Whole numbers −3…3, 0 first."""
    order = np.array([0.0, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0])
    return order[take(int(np.prod(shape))) % 7].reshape(shape)


def _inside(take: Bytes, m: int, n: int, space: Space) -> System:
    A = _small(take, m, n)
    return A, A @ (take(n) % 4)


def _border(take: Bytes, m: int, n: int, space: Space) -> System:
    A = _small(take, m, n)
    return A, A[:, int(take(1)[0]) % n] * (1 + take(1)[0] % 3)


def _outside(take: Bytes, m: int, n: int, space: Space) -> System:
    A, y, b = _small(take, m, n), _small(take, m), _small(take, m)
    y[0] += not y.any()
    A = np.where(y @ A > 0, -A, A)
    return A, y if y @ b == 0 else b * np.sign(y @ b)


def _redundant(take: Bytes, m: int, n: int, space: Space) -> System:
    A, b = _inside(take, m, n, space)
    return np.vstack([A, A.sum(axis=0)]), np.append(b, b.sum())


def _contradictory(take: Bytes, m: int, n: int, space: Space) -> System:
    A, b = _redundant(take, m, n, space)
    b[-1] += 1 - 2 * (take(1)[0] % 2)
    return A, b


def _just(take: Bytes, m: int, n: int, space: Space, sign: float) -> System:
    """Columns on a facet's hyperplane or below it, b at a small height above it: `sign` < 0 where one column is as high."""
    A = np.vstack([_small(take, m, n), -(take(n) % 2)])
    height = 2.0 ** -(1 + int(take(1)[0]) % (bits(space) - 7))
    x = take(n) % 4 * (A[-1] == 0)
    if sign < 0:
        A[-1, 0], x[0] = height, 1
    b = A @ x
    b[-1] = height
    return A, b


def _just_inside(take: Bytes, m: int, n: int, space: Space) -> System:
    return _just(take, m, n, space, -1.0)


def _just_outside(take: Bytes, m: int, n: int, space: Space) -> System:
    return _just(take, m, n, space, 1.0)


SYSTEMS = {
    k.name: k
    for k in (
        SystemKind("inside", "b is a non-negative combination", _inside, True),
        SystemKind("border", "b is a multiple of one column, often on the border of the cone", _border, True),
        SystemKind("redundant", "one equation is the sum of the others", _redundant, True),
        SystemKind("just inside", "only a column almost in the border reaches b", _just_inside, True),
        SystemKind("outside", "a hyperplane separates b from the columns", _outside, False),
        SystemKind("contradictory", "one equation contradicts the sum of the others", _contradictory, False),
        SystemKind("just outside", "b is a little above a facet of the cone", _just_outside, False),
    )
}
FEASIBLE = tuple(k.name for k in SYSTEMS.values() if k.feasible)
JUST = ("just inside", "just outside")
"""Nearly degenerate: a tolerance decides them."""
INFEASIBLE = tuple(k.name for k in SYSTEMS.values() if not k.feasible)


@per_space
def linear_systems(draw: Draw, space: Space, *, kinds: Sequence[str] = tuple(SYSTEMS), max_m: int = 3, max_n: int = 5,
                   scaled: bool = True) -> System:  # fmt: skip
    """(A, b): A (m,n) and b (m,) of a named kind, each scaled by a power of two so that x neither overflows nor is subnormal;
    m counts a row that the kind adds."""
    take = bytes_of(draw, 16 + 4 * max_n + 2 * max_m + max_m * max_n)
    (m,), (n,) = sizes(take, space, 1, 1, max_m), sizes(take, space, 1, 1, max_n)
    kind = SYSTEMS[kinds[int(take(1)[0]) % len(kinds)]]
    branch(kind.name)
    A, b = kind.build(take, m, n, space)
    A, b = real_values(space, A), real_values(space, b)
    if not scaled:
        return A, b
    scaled_A = rescale(take, space, A)
    shift = math.log2(np.abs(scaled_A).max() / np.abs(A).max()) if A.any() else 0.0
    _, least, greatest = FORMATS[space.real_dtype]
    return scaled_A, rescale(take, space, b, max(-FAR, least + 16 + shift), min(FAR, greatest - 8 + shift))

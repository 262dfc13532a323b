"""Scalars, vectors and scales, exact in the space's dtype."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..spaces import Space
from .deferred import Deferred, per_space, same_everywhere, st

Draw = Callable[["st.SearchStrategy[Any]"], Any]

_SIMPLE = (0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 3.0)
_ENTRIES = np.array([*_SIMPLE, *((-1) ** b * (b - 7) / 64.0 for b in range(8, 256))])
"""What a byte means as an entry: 0, ±1, ±2, ±½, 3, then dyadic fractions of both signs up to 4. One draw of bytes makes
a whole matrix, and Hypothesis shrinks bytes towards 0, hence matrices towards [[0, 1], [0, 0]]."""


def entries(draw: Draw, shape: Sequence[int], *, complex_values: bool = False) -> np.ndarray:
    """Dyadic rationals |x| ≤ 4, exact in every dtype, of the given shape."""
    size = math.prod(shape)
    count = 2 * size if complex_values else size
    table = _ENTRIES[np.frombuffer(draw(st.binary(min_size=count, max_size=count)), dtype=np.uint8)]
    if complex_values:
        return (table[:size] + 1j * table[size:]).reshape(shape)
    return table.reshape(shape)


def size(draw: Draw, space: Space, low: int, high: int) -> int:
    """A size of [low, high], one of few where every shape is compiled (`Space.sizes`); shrinks towards `low`."""
    return draw(st.sampled_from(space.sizes(low, high)))


def log_uniform(draw: Draw, low: float, high: float) -> float:
    """A positive number of [low, high], its logarithm uniform on either side of the number nearest 1; shrinks towards that.

    Two bytes, since Hypothesis draws bytes uniformly but wide integers mostly small; 0, 1, 2, 3, … are the steps 0, +1, −1,
    +2, … of 2⁻¹⁵ of the way to either end.
    """
    a, b = math.log2(low), math.log2(high)
    near = min(max(0.0, a), b)
    code = int.from_bytes(draw(st.binary(min_size=2, max_size=2)), "big")
    step = ((code + 1) // 2) / 2**15
    return 2.0 ** (near + step * (b - near) if code % 2 else near - step * (near - a))


def magnitude(draw: Draw, space: Space, high: float, *, low: float = 0.0, switches: Sequence[float] = ()) -> float:
    """A norm up to `high`: mostly log-uniform on 1e-3…high, sometimes around a switch, sometimes down to the subnormals."""
    branch = draw(st.integers(0, 7))
    floor = low or space.smallest
    if branch <= 4:
        return log_uniform(draw, max(floor, min(1e-3, high / 2)), high)
    if branch <= 6 and switches:
        return around_switch(draw, space, high, [s for s in switches if s >= low])
    return log_uniform(draw, floor, min(1.0, high))


def around_switch(draw: Draw, space: Space, high: float, switches: Sequence[float]) -> float:
    """θ·2ᵏ·(1 ± few ulp), half of them with k = 0: where a method changes its degree or its number of squarings."""
    theta = draw(st.sampled_from([s for s in switches if s <= high] or [high]))
    octaves = max(int(math.log2(high / theta)), 0)
    doubled = theta * 2.0 ** max(draw(st.integers(-octaves, octaves)), 0)
    return min(doubled * (1.0 + 4 * draw(st.integers(-2, 2)) * space.u), high)


@per_space
def scalars(draw: Draw, space: Space, *, high: float | None = None, low: float = 0.0, switches: Sequence[float] = (),
            negative: bool = True) -> np.ndarray:  # fmt: skip
    """A 0-d array: 0, ± log-uniform from the smallest subnormal to `high` (default: where exp overflows)."""
    top = math.log(space.max) if high is None else high
    if draw(st.integers(0, 15)) == 0:
        return space.round(np.zeros(()))
    size = magnitude(draw, space, top, low=low, switches=switches)
    sign = -1.0 if negative and draw(st.booleans()) else 1.0
    value: Any = sign * size
    if space.is_complex:
        value = size * np.exp(1j * draw(st.integers(0, 63)) * math.pi / 32)
    return np.clip(space.round(value).real, -top, top) + (1j * space.round(value).imag if space.is_complex else 0.0)


@per_space
def vectors(draw: Draw, space: Space, *, n: int | None = None, high: float = 1e3) -> np.ndarray:
    """A vector with entries of one log-uniform scale; n from 1 to 8."""
    pattern = entries(draw, (size(draw, space, 1, 8) if n is None else n,), complex_values=space.is_complex)
    return space.round(pattern * magnitude(draw, space, high / 4))


def integers(low: int, high: int) -> Deferred:
    """An integer, the same in every space."""
    return same_everywhere(lambda: st.integers(low, high), f"integers({low}, {high})")


def choices(*values: Any, few: int | None = None) -> Deferred:
    """One of these values, or of the first `few` where every shape is compiled (`Space.few_shapes`); shrinks to the first."""
    return Deferred(lambda space: st.sampled_from(values[:few] if space.few_shapes else values), f"choices{values}")

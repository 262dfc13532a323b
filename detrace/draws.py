"""Draws: what Hypothesis draws for a theorem in a dtype. All subjects and libraries are given the same, so it is drawn once.

Nothing decides what is drawn but the theorem, the dtype and the profile: the seed is made of them, strategies may not look at
the library, and where hill climbing listens to the ratios, or the profile is random, nothing is kept.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NoReturn, TypeVar

import numpy as np
from hypothesis import strategies as st

from .backends import Backend
from .judging import Example, current
from .laws import Law
from .spaces import Space
from .strategies.deferred import Deferred

T = TypeVar("T")

SEARCHES = 32
"""Searches whose inputs are kept: those of a law in all its dtypes, and of a few laws before it."""


@dataclass(frozen=True)
class Drawn:
    """One example's inputs, read-only, and the branches that its strategies noted."""

    inputs: dict[str, Any]
    branches: tuple[str, ...]


class AnyLibrary(Backend):
    """The library that a strategy sees: it has a dtype to draw in, and nothing that one library has and another has not."""

    name = "any"

    def to_native(self, x: Any, dtype: str) -> NoReturn:
        raise TypeError("a strategy must not depend on the library, since all are given the same inputs: ask in the law's body")


Draws = tuple[tuple[str, Deferred], ...]


def strategy(law: Law, space: Space) -> st.SearchStrategy[dict[str, Any]]:
    """All quantified variables as one strategy, built once for a law and dtype."""
    return _strategy(tuple(law.draws.items()), space.dtype, space.few_shapes)


@cache
def _strategy(draws: Draws, dtype: str, few_shapes: bool) -> st.SearchStrategy[dict[str, Any]]:
    space = Space(AnyLibrary(), dtype, few_shapes)
    strategies = {name: deferred.on(space) for name, deferred in draws}

    def drawn(draw: Any) -> dict[str, Any]:
        record = current.get()
        if record is not None:
            record.example = Example()  # so that the branches which strategies note are this example's own
        return read_only({name: draw(strategy) for name, strategy in strategies.items()})

    return st.composite(drawn)()


def search(law: Law, space: Space, examples: int, seed: int) -> Hashable:
    """What decides the inputs of a search: two that are equal draw the same."""
    return tuple(law.draws.items()), space.dtype, space.few_shapes, examples, seed


_kept: OrderedDict[Hashable, Sequence[Drawn]] = OrderedDict()


def keep(key: Hashable, examples: Sequence[Drawn]) -> None:
    """Keep the inputs of a search that went through all of them; the oldest search makes room."""
    _kept[key] = examples
    while len(_kept) > SEARCHES:
        _kept.popitem(last=False)


def kept(key: Hashable) -> Sequence[Drawn] | None:
    """The inputs of an earlier search in the order of their drawing; None if there was none."""
    return _kept.get(key)


def forget() -> None:
    """Draw everything anew (for tests and timings)."""
    _kept.clear()


def read_only(value: T) -> T:
    """The same plain data with all its arrays read-only, since other subjects are given them too."""
    if isinstance(value, np.ndarray):
        value.flags.writeable = False
    elif isinstance(value, dict):
        for part in value.values():
            read_only(part)
    elif isinstance(value, tuple | list):
        for part in value:
            read_only(part)
    return value

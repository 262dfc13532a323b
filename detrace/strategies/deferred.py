"""Strategies that wait for a space: a law says *what* it draws, the space says in which dtype."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

from ..spaces import Space

P = ParamSpec("P")


class _Later:
    """``hypothesis.strategies``, imported when the first strategy is made: the catalogue of laws makes none."""

    def __getattr__(self, name: str) -> Any:
        from hypothesis import strategies

        found = self.__dict__[name] = getattr(strategies, name)
        return found


if TYPE_CHECKING:
    from hypothesis import strategies as st
else:
    st = _Later()


class Deferred:
    """A strategy once `on(space)` is known. `parts` names the entries of what it draws, if that is a tuple, for the reader of a
    violation."""

    def __init__(self, make: Callable[[Space], st.SearchStrategy[Any]], label: str, parts: Sequence[str] = ()) -> None:
        self.make, self.label, self.parts = make, label, tuple(parts)

    def on(self, space: Space) -> st.SearchStrategy[Any]:
        return self.make(space)

    def __repr__(self) -> str:
        return self.label


def per_space(function: Callable[Concatenate[Callable[..., Any], Space, P], Any]) -> Callable[P, Deferred]:
    """Like ``hypothesis.strategies.composite``, with the space as second argument: ``f(draw, space, …)``."""

    @wraps(function)
    def build(*args: P.args, **kwargs: P.kwargs) -> Deferred:
        label = f"{function.__name__}({', '.join([*map(repr, args), *(f'{k}={v!r}' for k, v in kwargs.items())])})"

        def make(space: Space) -> st.SearchStrategy[Any]:
            return st.composite(lambda draw: function(draw, space, *args, **kwargs))()

        return Deferred(make, label)

    return build


def same_everywhere(make: Callable[[], st.SearchStrategy[Any]], label: str) -> Deferred:
    """A plain Hypothesis strategy whose values do not depend on the dtype (sizes, powers of two)."""
    return Deferred(lambda _space: make(), label)

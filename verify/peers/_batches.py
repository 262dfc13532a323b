"""What adapters share whose functions take no batches, or batches of one size only."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from detrace import NotOffered


def of_one_size(loss: Callable[..., Any]) -> Callable[..., Any]:
    """The loss of flattened batches; NotOffered, which leaves the example out, where they are not of one size."""

    def of(real: Any, fake: Any, *numbers: Any) -> Any:
        if real.numel() != fake.numel():
            raise NotOffered("batches of one size")
        return loss(real.reshape(-1), fake.reshape(-1), *numbers)

    return of


def one_problem(*axes: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A function of one problem, whose first arguments have so many axes; NotOffered, which leaves the example out, where one
    has more."""

    def of(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def single(*arguments: Any) -> Any:
            if any(v.ndim > k for v, k in zip(arguments, axes, strict=False)):
                raise NotOffered("one problem a call")
            return function(*arguments)

        return single

    return of


def rows(stack: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A function (x, y, p, a, b) of samples of the line, row by row where all of them have one leading axis, put together by
    `stack`; NotOffered, which leaves the example out, for other leading axes."""

    def of(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def by_rows(x: Any, y: Any, p: Any, a: Any, b: Any) -> Any:
            arrays = [v for v in (x, y, a, b) if v is not None]
            if all(v.ndim == 1 for v in arrays):
                return function(x, y, p, a, b)
            if any(v.ndim != 2 or len(v) != len(x) for v in arrays) or len(x) == 0:
                raise NotOffered("batches that are not rows")
            weights = ((None if w is None else w[i] for w in (a, b)) for i in range(len(x)))
            return stack([function(x[i], y[i], p, *w) for i, w in enumerate(weights)])

        return by_rows

    return of

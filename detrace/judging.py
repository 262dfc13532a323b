"""Judging: every error is divided by a justified bound, and one visible LIMIT decides.

LAPACK's habit: ratio = error / bound, where the bound holds everything that theory lets vary (unit roundoff, condition
number, size), and the ratio must be < LIMIT. The comparison is written so that NaN fails.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any

LIMIT = 30.0
"""Largest ratio that counts as held (exclusive). LAPACK's test programs use the same number: room for the modest
constants that rounding-error analyses leave out, far below what a wrong digit costs."""

REFINE = 3.0
"""A bound may come cheap (too small, hence too strict) with a costly exact form; the exact one is asked for only when
the cheap ratio reaches this. Ratios below it may therefore be overstated, never understated."""


MAX_POINTS = 60
"""Points kept of one item for the page's plot of ratio by norm."""


class Violation(AssertionError):
    """A law does not hold, with everything that the reader needs to see why."""

    def __init__(self, reason: str, *, kind: str = "ratio", ratio: float = math.inf, error: float | None = None,
                 bound: float | None = None, why: str = "", got: Any = None, truth: Any = None) -> None:  # fmt: skip
        super().__init__(reason)
        self.reason, self.kind, self.ratio, self.error, self.bound = reason, kind, ratio, error, bound
        self.why, self.got, self.truth = why, got, truth


NOT_FINITE = "returned NaN or infinity where a finite value is due"


class NotOffered(NotImplementedError):
    """Raised by an adapter on input for which its implementation was not made: the example is no verdict, it counts as
    undecided."""


@dataclass
class Example:
    """What one drawn input led to."""

    inputs: dict[str, Any] = field(default_factory=dict)
    calls: list[tuple[str, tuple[Any, ...], Any]] = field(default_factory=list)
    ratio: float = 0.0
    decided: bool = False
    undecided: str = ""
    branches: list[str] = field(default_factory=list)
    finite: bool = True


@dataclass
class Record:
    """What all examples of one item led to; the engine writes it, `judge` fills the current example."""

    examples: int = 0
    decided: int = 0
    undecided: int = 0
    undecided_reason: str = ""
    worst: float = 0.0
    worst_example: Example | None = None
    branches: Counter[str] = field(default_factory=Counter)
    example: Example = field(default_factory=Example)
    known: tuple[str, Violation, Example] | None = None
    points: list[tuple[float, float]] | None = None

    def begin(self, inputs: dict[str, Any]) -> None:
        self.example = Example(inputs)

    def copy(self) -> Record:
        """As it is now, for `restore`."""
        points = None if self.points is None else list(self.points)
        return replace(self, branches=self.branches.copy(), points=points)

    def restore(self, before: Record) -> None:
        """Forget what came after the copy."""
        vars(self).update(vars(before))

    def excuse(self, deviation: str, violation: Violation) -> None:
        """Keep the first violation that a known deviation explains; the search goes on for what none explains."""
        self.known = self.known or (deviation, violation, self.example)

    def finish(self) -> None:
        """Count the current example."""
        example = self.example
        self.examples += 1
        self.branches.update(example.branches)
        if example.decided:
            self.decided += 1
            if self.points is not None and len(self.points) < MAX_POINTS:
                self.points.append((_norm(example.inputs), example.ratio))
            if self.worst_example is None or example.ratio > self.worst:
                self.worst, self.worst_example = example.ratio, example
        elif example.undecided:
            self.undecided += 1
            self.undecided_reason = example.undecided


current: ContextVar[Record | None] = ContextVar("detrace_record", default=None)


def judge(error: Any, bound: Any, refine: Callable[[], Any] | None = None, *, scale: Any = 1.0, why: str = "",
          got: Any = None, truth: Any = None) -> float:  # fmt: skip
    """Hold `error` against `bound`; return the ratio.

    Parameters
    ----------
    error : non-negative float, or a ball whose lower end is taken (an accusation must be certain).
    bound : what theory allows before constants, in the same unit as `error`; of a ball the upper end is taken.
    scale : the size of an error that would mean "no correct digit". Where LIMIT·bound reaches it the law cannot decide,
        and the example counts as undecided, unless the error is not even finite.
    refine : computes a larger, exact bound when the cheap one is exceeded `REFINE` times.
    got, truth : values shown to the reader on violation. `why`: the bound's meaning in words.

    Raises
    ------
    Violation : when the ratio is not < LIMIT; so NaN fails.
    """
    e, b, s = _low(error), _high(bound), _high(scale)
    ratio = _ratio(e, b)
    if not ratio < REFINE and refine is not None and math.isfinite(e):
        b = max(b, _high(refine()))
        ratio = _ratio(e, b)
    record = current.get()
    example = record.example if record is not None else Example()
    if not math.isfinite(e) and example.calls and example.finite:
        raise ArithmeticError("the judge ran out of precision: every result is finite, the error computed from them is not")
    if math.isfinite(e) and not LIMIT * b < s:
        example.undecided = (
            why and f"bound useless: {LIMIT:g}·bound = {LIMIT * b:.1e} ≥ {s:.1e} ({why})"
        ) or f"bound useless: {LIMIT:g}·bound = {LIMIT * b:.1e} ≥ {s:.1e}"
        return ratio
    example.decided = True
    example.ratio = max(example.ratio, ratio)
    if not ratio < LIMIT:
        raise Violation(
            f"error {e:.3g} is {ratio:.3g} times the bound {b:.3g}; the limit is {LIMIT:g}",
            ratio=ratio, error=e, bound=b, why=why, got=got, truth=truth,
        )  # fmt: skip
    return ratio


def require(condition: bool, reason: str, *, got: Any = None, truth: Any = None) -> None:
    """A fact without a tolerance (a shape, an exact zero, an exception that is due): violated unless `condition`."""
    record = current.get()
    if record is not None:
        record.example.decided = True
    if not condition:
        raise Violation(reason, kind="fact", got=got, truth=truth)


def undecided(reason: str) -> None:
    """State that this example cannot decide; it counts as undecided unless another judgement of it decides."""
    record = current.get()
    if record is not None:
        record.example.undecided = reason


def branch(name: str) -> None:
    """Note a branch of the input space that this example reached (counted in the results)."""
    record = current.get()
    if record is not None:
        record.example.branches.append(name)


def _norm(inputs: dict[str, Any]) -> float:
    """Largest modulus of a row's or column's absolute sum in the first array input; 0 without one."""
    first = next((v for v in inputs.values() if hasattr(v, "ndim")), None)
    if first is None or first.size == 0:
        return 0.0
    sizes = abs(first)
    return float(sizes.sum(axis=-2).max() if first.ndim > 1 else sizes.max())


def _ratio(error: float, bound: float) -> float:
    if error == 0.0:
        return 0.0
    if not math.isfinite(error):
        return math.inf
    return error / bound if bound > 0.0 else math.inf


def _low(x: Any) -> float:
    return _end(x, "abs_lower")


def _high(x: Any) -> float:
    return _end(x, "abs_upper")


def _end(x: Any, end: str) -> float:
    if hasattr(x, end):  # a flint ball; |·| costs nothing since errors and bounds are non-negative
        if not x.is_finite():
            return math.inf
        return min(float(getattr(x, end)()), sys.float_info.max)  # finite, however large
    return float(x)

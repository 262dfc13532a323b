"""What a known deviation explains: single violations, by their kind, their size and the arguments that led to them."""

from __future__ import annotations

import math
import runpy
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from .calls import contract_of
from .judging import LIMIT, NOT_FINITE, Violation

KINDS = ("ratio", "not finite", "fact", "form", "mutation", "raised", "flaky", "crashed", "hung")
"""What an entry of the ledger can speak of: a violation's kind, where wrong digits ("ratio") and results that are not
finite are told apart."""


@dataclass(frozen=True)
class Known:
    """A known deviation as one law meets it.

    It explains wrong digits below LIMIT·`ceiling`: the largest error of its cause, in units roundoff `u`; infinity where every
    digit can be lost, and there the other `kinds` that it names too. Or `ceiling` names a function, ``file.py:name``, that
    derives it from the arguments of a call of the `contract`; where it gives 0 for all calls of an example, the cause is
    silent, and whatever is violated there has another.
    """

    id: str
    kinds: tuple[str, ...] = ("ratio",)
    ceiling: float | str = math.inf
    contract: str = ""
    u: float = 0.0

    def explains(self, violation: Violation, calls: Iterable[tuple[str, tuple[Any, ...], Any]] = ()) -> bool:
        """Whether a violation that these calls led to needs no other cause."""
        kind, error = violation.kind, violation.error
        if violation.reason.endswith(NOT_FINITE) or (kind == "ratio" and error is not None and not math.isfinite(error)):
            kind = "not finite"
        if kind not in self.kinds:
            return False
        most = self._most(calls) if isinstance(self.ceiling, str) else self.ceiling
        return most == math.inf or (kind == "ratio" and violation.ratio < LIMIT * most)

    def _most(self, calls: Iterable[tuple[str, tuple[Any, ...], Any]]) -> float:
        file, _, name = str(self.ceiling).rpartition(":")
        derive: Callable[..., float] = functions(file)[name]
        mine = [args for called, args, _ in calls if contract_of(called) == self.contract]
        return max((float(derive(self.u, *args)) for args in mine), default=math.inf)


@cache
def functions(file: str) -> dict[str, Any]:
    """The names of a Python file of ceilings."""
    return runpy.run_path(file)

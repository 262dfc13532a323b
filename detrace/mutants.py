"""Mutants: wrong implementations, each a known mistake, that the laws must reject."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .laws import Law
from .subjects import Subject


@dataclass(frozen=True)
class Mutant:
    """A mistake: what contract it breaks, in words what is wrong, which laws must reject it, in which space.

    Of a theorem about each of several contracts, the law is meant that judges the contract which the mutant breaks.
    """

    name: str
    trap: str
    functions: Mapping[str, Callable[..., Any]]
    rejected_by: tuple[str, ...]
    space: str
    origin: str

    def rejects(self, law: Law) -> bool:
        """Whether this law must reject the mutant."""
        return law.name in self.rejected_by or (law.base in self.rejected_by and next(iter(self.functions)) in law.contracts)

    def subject(self) -> Subject:
        return Subject(name=f"mutant {self.name}", functions=dict(self.functions), role="mutant", backends=("any",))


def mutant(contract: str, *, rejected_by: str | tuple[str, ...], space: str = "numpy-cpu-float64", origin: str = "",
           **others: Callable[..., Any]) -> Callable[[Callable[..., Any]], Mutant]:  # fmt: skip
    """Make a mutant of a function; its docstring's first line says the mistake.

    Parameters
    ----------
    contract : the contract that the function pretends to fulfil.
    rejected_by : names of the laws that must reject it; the test matrix runs each of them.
    space : where the mistake lives.
    origin : the real library, version or issue where this was seen, if it was.
    others : right implementations of other contracts that those laws need beside it.
    """

    def make(function: Callable[..., Any]) -> Mutant:
        doc = inspect.getdoc(function) or ""
        if not doc:
            raise TypeError(f"mutant {function.__name__} needs a docstring that says the mistake")
        return Mutant(
            name=function.__name__, trap=doc.splitlines()[0], functions={contract: function, **others},
            rejected_by=(rejected_by,) if isinstance(rejected_by, str) else rejected_by, space=space, origin=origin,
        )  # fmt: skip

    return make

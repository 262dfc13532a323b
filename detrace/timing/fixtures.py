"""The cases for pytest-benchmark: one parameter for each case × dtype × subject × space that is here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from .. import plan
from ..spaces import Space, backends, probe
from ..suite import load as load_suite
from . import cases, members
from .campaign import make_groups, wanted_spaces
from .cases import Case, Check, Checker
from .records import Group
from .sampling import QUICK
from .worker import at_most


@dataclass(frozen=True)
class Timed:
    """One subject (or rival) on one case; nothing is computed before it is asked for."""

    owner: Group
    subject: str
    backend: str
    cold: bool

    @property
    def is_rival(self) -> bool:
        """Rivals are judged by the bounds of the contract that they stand beside, but not failed by them."""
        return any(r.name == self.subject for r in self.owner.case.rivals)

    @property
    def group(self) -> str:
        return f"{self.owner.case.id} {self.owner.dtype}"

    def __str__(self) -> str:
        return f"{self.owner.case.id}-{self.subject}-{self.backend}-{self.owner.dtype}{'-cold' if self.cold else ''}"

    def extra(self) -> dict[str, Any]:
        return {"contract": self.owner.case.contract, **self.owner.params(self.cold), "subject": self.subject}

    def member(self) -> members.Member:
        """Bound to its arguments and called once. Skips, with the reason, what cannot be timed in reasonable time."""
        import pytest

        try:
            member = self._bound()
            with at_most(QUICK.call_s):
                member.call()
        except (members.NotCompilableError, RuntimeError) as error:
            pytest.skip(str(error))
        return member

    def _bound(self) -> members.Member:
        case, dtype = self.owner.case, self.owner.dtype
        if self.is_rival:
            return members.of_rival(case, self.subject, dtype, _arguments(case.id, dtype))
        subject = _subjects()[self.subject]
        space = Space(backends()[self.backend], dtype)
        return members.of_subject(subject, case.contract, space, _arguments(case.id, dtype))

    def check(self, result: np.ndarray, space: Space) -> Check:
        return _checker(self.owner.case.id, self.owner.dtype)(result, space)


def quick_cases() -> list[Timed]:
    """All that quick mode times on this machine, references and installed peers."""
    suite = load_suite()
    groups = make_groups(suite, _cases().values(), list(_subjects().values()), wanted_spaces(None), quick=True)
    return [Timed(g, *m) for g in groups for m in g.members if not probe(m[1])]


@cache
def _subjects() -> dict[str, Any]:
    return {s.name: s for s in plan.subjects(load_suite(), ("reference", "peers"))[0]}


@cache
def _cases() -> dict[str, tuple[str, Case]]:
    return cases.load(load_suite().families)[0]


@cache
def _arguments(case_id: str, dtype: str) -> cases.Args:
    return _cases()[case_id][1].arguments(dtype)


@cache
def _checker(case_id: str, dtype: str) -> Checker:
    return _cases()[case_id][1].checker(_arguments(case_id, dtype))

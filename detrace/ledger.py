"""The ledger: known deviations of public libraries, each confirmed by a certified value on a minimal input.

`verify/deviations.toml` holds one table a deviation. An entry is replayed whenever its subject is verified: if it no
longer reproduces, that is an error, so the ledger cannot go stale. Nothing of ours is ever in it.
"""

from __future__ import annotations

import fnmatch
import math
import tomllib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import numpy as np
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from .engine import VIOLATED, Outcome, Profile, run
from .laws import Law
from .plan import Plan
from .spaces import Space, space
from .subjects import Subject
from .suite import Suite

REPLAY = Profile("replay", 0, shrink=False)


@dataclass
class Deviation:
    """One entry. `spaces` are patterns such as ``torch-*-float64``; `input` maps the law's variables to values.

    `law` is the one that is replayed; with `contract` every violation of a law about that contract, by this subject in
    these spaces, is put down to this entry. `isolate` is a time limit in seconds for what crashes or hangs.
    """

    id: str
    law: str
    subject: str
    spaces: list[str]
    verdict: Literal["defect", "by design"]
    summary: str
    input: dict[str, Any]
    measured: str
    true: str
    upstream: str = ""
    versions: str = ""
    contract: str = ""
    isolate: float | None = None
    status: str = "not run"
    reason: str = ""

    def covers(self, law: Law, subject: str, space_id: str) -> bool:
        return (
            subject == self.subject and (law.name == self.law or self.contract in law.contracts)
            and any(fnmatch.fnmatch(space_id, pattern) for pattern in self.spaces)
        )  # fmt: skip

    def excuses(self, outcome: Outcome) -> bool:
        """Whether a violation of a covered law can be put down to this: of another law than its own only wrong digits (a
        finite ratio), so that an exception, a mutation, a NaN or a wrong form of the same contract is still news."""
        ratio = outcome.worst is not None and math.isfinite(outcome.worst)
        return outcome.law == self.law or (ratio and (outcome.violation or {}).get("kind") == "ratio")

    def applies(self, requires: str) -> bool:
        """Whether the installed version of the distribution is one of those that the entry speaks of."""
        if not self.versions or not requires:
            return True
        return _installed(requires) in SpecifierSet(self.versions, prereleases=True)


def read(path: Path, laws: Collection[str] | None = None) -> list[Deviation]:
    """The entries of a ledger file. ValueError names the entry and what is wrong; `laws` are those that exist."""
    if not path.is_file():
        return []
    found = []
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path.name} is not valid TOML: {error}") from error
    for name, table in tables.items():
        try:
            entry = Deviation(id=name, **table)
            SpecifierSet(entry.versions)
        except (TypeError, InvalidSpecifier) as error:
            raise ValueError(
                f"{path.name}: entry {name}: {str(error).removeprefix('Deviation.__init__() ')}"
            ) from error
        if laws is not None and entry.law not in laws:
            raise ValueError(f"{path.name}: entry {name} speaks of a law that does not exist: {entry.law}")
        if entry.subject == "reference":
            raise ValueError(f"{path.name}: entry {name} is about our own reference; fix it instead")
        entry.input = {k: _array(v) for k, v in entry.input.items()}
        found.append(entry)
    return found


def explaining(entries: list[Deviation], law: Law, subject: str, space_id: str) -> Deviation | None:
    """The entry that a violation is put down to: one about this very law before one about its contract."""
    found = [d for d in entries if d.covers(law, subject, space_id)]
    return min(found, key=lambda d: d.law != law.name, default=None)


def replay(entries: list[Deviation], plan: Plan, suite: Suite, judge: Callable[..., Outcome] | None = None) -> None:
    """Set the status of each entry: reproduced, stale, or not run (subject, version or space not here).

    `judge(law, subject, space, profile, explicit)` runs an item; by default in this process.
    """
    if judge is None:

        def judge(law: Law, subject: Subject, at: Space, profile: Profile, explicit: list[dict[str, Any]]) -> Outcome:
            return run(law, subject, at, suite.contracts, profile, explicit=explicit)

    by_name = {s.name: s for s in plan.subjects}
    for entry in entries:
        subject = by_name.get(entry.subject)
        here = [s.id for _, sub, s in plan.items if sub.name == entry.subject]
        chosen = next((s for pattern in entry.spaces for s in here if fnmatch.fnmatch(s, pattern)), None)
        if subject is None or chosen is None:
            entry.status, entry.reason = "not run", "its subject or space is not part of this run"
        elif not entry.applies(subject.requires):
            entry.status, entry.reason = "not run", f"about {entry.versions}; {subject.version} is installed"
        else:
            outcome = judge(suite.laws[entry.law], subject, space(chosen), REPLAY, [entry.input])
            entry.status = "reproduced" if outcome.outcome == VIOLATED else "stale"
            entry.reason = outcome.reason


@cache
def _installed(distribution: str) -> Version:
    """Asked for every item and entry, so only once."""
    return Version(metadata.version(distribution))


def _array(value: Any) -> Any:
    """Nested lists of numbers (complex ones as strings such as ``"1+2j"``) as host arrays; lists of unlike things as tuples of
    them, in which numbers stay numbers and ``"none"`` is None."""
    if isinstance(value, list):
        try:
            a = np.array(value)
        except ValueError:  # ragged
            return tuple(None if v == "none" else v if isinstance(v, float) else _array(v) for v in value)
        return a.astype(np.complex128) if a.dtype.kind == "U" else a.astype(np.float64)
    if isinstance(value, float):
        return np.asarray(value)
    return value

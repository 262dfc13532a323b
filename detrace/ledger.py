"""The ledger: known deviations of public libraries, each confirmed by a certified value on a minimal input.

`verify/deviations.toml` holds one table a deviation. An entry is replayed whenever its subject is verified: if it no
longer reproduces, that is an error, so the ledger cannot go stale. Nothing of ours is ever in it.
"""

from __future__ import annotations

import fnmatch
import tomllib
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import numpy as np
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from .engine import VIOLATED, Profile, run
from .plan import Plan
from .spaces import space
from .suite import Suite

REPLAY = Profile("replay", 0, shrink=False)


@dataclass
class Deviation:
    """One entry. `spaces` are patterns such as ``torch-*-float64``; `input` maps the law's variables to values."""

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
    laws: list[str] = field(default_factory=list)
    status: str = "not run"
    reason: str = ""

    def covers(self, law: str, subject: str, space_id: str) -> bool:
        return (
            subject == self.subject and law in (self.law, *self.laws)
            and any(fnmatch.fnmatch(space_id, pattern) for pattern in self.spaces)
        )  # fmt: skip

    def applies(self, requires: str) -> bool:
        """Whether the installed version of the distribution is one of those that the entry speaks of."""
        if not self.versions or not requires:
            return True
        return Version(metadata.version(requires)) in SpecifierSet(self.versions, prereleases=True)


def read(path: Path) -> list[Deviation]:
    """The entries of a ledger file. ValueError names the entry and what it lacks."""
    if not path.is_file():
        return []
    found = []
    for name, table in tomllib.loads(path.read_text(encoding="utf-8")).items():
        try:
            entry = Deviation(id=name, **table)
        except TypeError as error:
            raise ValueError(f"{path.name}: entry {name}: {error}") from error
        if entry.subject == "reference":
            raise ValueError(f"{path.name}: entry {name} is about our own reference; fix it instead")
        entry.input = {k: _array(v) for k, v in entry.input.items()}
        found.append(entry)
    return found


def replay(entries: list[Deviation], plan: Plan, suite: Suite) -> None:
    """Set the status of each entry: reproduced, stale, or not run (subject, version or space not here)."""
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
            outcome = run(suite.laws[entry.law], subject, space(chosen), suite.contracts, REPLAY, explicit=[entry.input])
            entry.status = "reproduced" if outcome.outcome == VIOLATED else "stale"
            entry.reason = outcome.reason


def _array(value: Any) -> Any:
    """Nested lists of numbers (complex ones as strings such as ``"1+2j"``) as host arrays."""
    if isinstance(value, list):
        a = np.array(value)
        return a.astype(np.complex128) if a.dtype.kind == "U" else a.astype(np.float64)
    if isinstance(value, float):
        return np.asarray(value)
    return value

"""The ledger: known deviations of public libraries, each confirmed by a certified value on a minimal input.

`verify/deviations.toml` holds one table a deviation. An entry is replayed whenever its subject is verified: if it no
longer reproduces in each of its spaces, that is an error, so the ledger cannot go stale. Nothing of ours is ever in it.

An entry explains single violations, not whole items: the search goes on past those that it explains, and what it does not
explain is news, in the same item too.
"""

from __future__ import annotations

import fnmatch
import math
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from .engine import VIOLATED, Outcome, Profile, run
from .known import KINDS, Known, functions
from .laws import Law
from .plan import Plan
from .spaces import Space
from .subjects import Subject
from .suite import Suite

REPLAY = Profile("replay", 0, shrink=False)
DEFECT, BY_DESIGN, UNCHECKED = VERDICTS = "defect", "by design", "unchecked"
"""A mistake; what the library documents or does on purpose; input outside what it promises, taken without an error, where it
documents no check."""


@dataclass
class Deviation:
    """One entry. `spaces` are patterns such as ``torch-*-float64``; `input` maps the law's variables to values.

    `law` is the one that is replayed, `laws` others that the same cause breaks, `kinds` what that looks like (see
    `detrace.known`). With `contract` it may break every law about that, as far as the cause can explain. `ceiling` is the
    largest error that the cause makes, derived, in units roundoff, that is, of a law's bound: ratios below LIMIT·ceiling.
    It is infinite where another function is computed than asked, so that by digits no second cause can be told; or it names
    a function in ceilings.py beside the ledger, which derives it from the arguments, 0 where the cause is silent. What an
    entry does not explain is news.

    `verdict` is one of VERDICTS. What is unchecked breaks a law that asks for an error, and never has wrong digits: such an
    entry speaks of facts only, in the laws that it names.
    `isolate` is a time limit in seconds for what crashes or hangs.
    """

    id: str
    law: str
    subject: str
    spaces: list[str]
    verdict: str
    summary: str
    input: dict[str, Any]
    measured: str
    true: str
    upstream: str = ""
    versions: str = ""
    kinds: list[str] = field(default_factory=lambda: ["ratio"])
    laws: list[str] = field(default_factory=list)
    contract: str = ""
    ceiling: float | str | None = None
    isolate: float | None = None
    status: str = "not run"
    reason: str = ""
    file: str = ""

    def covers(self, law: Law, subject: str, space_id: str) -> bool:
        return (
            subject == self.subject and (law.name in (self.law, *self.laws) or self.contract in law.contracts)
            and any(fnmatch.fnmatch(space_id, pattern) for pattern in self.spaces)
        )  # fmt: skip

    def explains(self, at: Space) -> Known:
        """What the entry explains of a law that it covers."""
        ceiling = math.inf if self.ceiling is None else self.ceiling
        if isinstance(ceiling, str):
            ceiling = f"{self.file}:{ceiling}"
        return Known(self.id, tuple(self.kinds), ceiling, self.contract, at.u)

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
        for named in (entry.law, *entry.laws):
            if laws is not None and named not in laws:
                raise ValueError(f"{path.name}: entry {name} speaks of a law that does not exist: {named}")
        if entry.verdict not in VERDICTS:
            raise ValueError(f"{path.name}: entry {name}: unknown verdict {entry.verdict}; there are {', '.join(VERDICTS)}")
        if strange := [kind for kind in entry.kinds if kind not in KINDS]:
            raise ValueError(f"{path.name}: entry {name}: unknown kind of violation {strange[0]}; there are {', '.join(KINDS)}")
        if entry.verdict == UNCHECKED and (entry.kinds != ["fact"] or entry.contract):
            raise ValueError(f"{path.name}: entry {name}: unchecked input breaks facts (kinds) in laws that it names")
        if (entry.ceiling is None) == bool(entry.contract):
            raise ValueError(f"{path.name}: entry {name}: a contract and the ceiling of what is explained go together")
        if isinstance(entry.ceiling, str):
            file = path.with_name("ceilings.py")
            if not file.is_file() or entry.ceiling not in functions(str(file)):
                raise ValueError(f"{path.name}: entry {name}: there is no {entry.ceiling} in {file.name} beside it")
            entry.file = str(file)
        if entry.subject == "reference":
            raise ValueError(f"{path.name}: entry {name} is about our own reference; fix it instead")
        entry.input = {k: _array(v) for k, v in entry.input.items()}
        found.append(entry)
    return found


def covering(entries: list[Deviation], law: Law, subject: str, space_id: str) -> list[Deviation]:
    """The entries that may explain a violation: those about this very law first."""
    found = [d for d in entries if d.covers(law, subject, space_id)]
    return sorted(found, key=lambda d: d.law != law.name)


Judge = Callable[[Law, Subject, Space, Profile, Any, Any], Outcome]
"""Runs an item: law, subject, space, profile, explicit inputs, what is known."""


def reproduces(entry: Deviation, law: Law, subject: Subject, at: Space, judge: Judge) -> tuple[bool, str]:
    """Whether the entry's own input violates its law here as the entry explains, and what came of it."""
    return verdict(entry, at, judge(law, subject, at, REPLAY, [entry.input], [entry.explains(at)]))


def verdict(entry: Deviation, at: Space, outcome: Outcome) -> tuple[bool, str]:
    """What an outcome of the entry's own input says of the entry."""
    if outcome.deviation == entry.id:
        return True, outcome.reason
    what = f"differs: {outcome.reason}" if outcome.outcome == VIOLATED else outcome.outcome
    return False, f"in {at.id}: {what}"


def replay(entries: list[Deviation], plan: Plan, suite: Suite, judge: Judge | None = None,
           done: Mapping[tuple[str, str], tuple[bool, str]] | None = None) -> None:  # fmt: skip
    """Set the status of each entry: reproduced, stale, or not run (subject, version or space not here).

    An entry is stale if in one of its spaces its own input does not violate its law any more, or does so in a way that it does
    not explain. `judge` runs what is not `done` (entry, space) yet; by default in this process.
    """
    if judge is None:

        def judge(law: Law, subject: Subject, at: Space, profile: Profile, explicit: Any, known: Any) -> Outcome:
            return run(law, subject, at, suite.contracts, profile, explicit=explicit, known=known)

    by_name = {s.name: s for s in plan.subjects}
    for entry in entries:
        subject, law = by_name.get(entry.subject), suite.laws[entry.law]
        here = [(of, s) for of, sub, s in plan.items if sub.name == entry.subject and entry.covers(law, sub.name, s.id)]
        chosen = [s for of, s in here if of is law] or [s for _, s in here[:1]]
        if subject is None or not chosen:
            entry.status, entry.reason = "not run", "its subject or space is not part of this run"
        elif not entry.applies(subject.requires):
            entry.status, entry.reason = "not run", f"about {entry.versions}; {subject.version} is installed"
        else:
            for at in chosen:
                known = (done or {}).get((entry.id, at.id))
                held, entry.reason = known or reproduces(entry, law, subject, at, judge)
                entry.status = "reproduced" if held else "stale"
                if not held:
                    break


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
            return a.astype(np.complex128) if a.dtype.kind == "U" else a.astype(np.float64)
        except ValueError:  # ragged, or words among numbers
            return tuple(None if v == "none" else v if isinstance(v, float) else _array(v) for v in value)
    if isinstance(value, float):
        return np.asarray(value)
    return value

"""Families and subjects: how many laws of each family each subject keeps, in one small table."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .catalogue import base, families, laws
from .counts import ANY, BY_DESIGN, COLOURS, OUTCOMES, ROLES, SYMBOLS, UNCHECKED, excuses, outcome
from .show import count, number, ratio

__all__ = ["Family", "Mark", "families", "overview", "shade"]

STEPS = (0.01, 0.03, 0.1, 1 / 3)
"""Shares of the limit at which the colour of a held cell changes: about half a decade each, on a log scale."""
ORDER = {"violated": 0, "held": 1, "undecided": 2, "not run": 3}
"""A law is violated if it is in any space; else held if it is in any; else undecided; else not run."""


@dataclass
class Mark:
    """One subject on one family: laws by outcome, the worst ratio, which violated laws are not in the ledger (`new`), which
    are violated by mistake (`wrong`), and which by design (`chosen`); of the others only input is unchecked."""

    subject: str
    role: str
    laws: dict[str, str] = field(default_factory=dict)
    items: Counter[str] = field(default_factory=Counter)
    worst: float | None = None
    new: set[str] = field(default_factory=set)
    wrong: set[str] = field(default_factory=set)
    chosen: set[str] = field(default_factory=set)

    def add(self, law: str, what: str, worst: float | None = None) -> None:
        self.items[what] += 1
        self.laws[law] = min(self.laws.get(law, "not run"), what, key=ORDER.__getitem__)
        if worst is not None and what in ("held", "violated"):
            self.worst = worst if self.worst is None else max(self.worst, worst)

    @property
    def by_outcome(self) -> Counter[str]:
        return Counter(self.laws.values())

    @property
    def outcome(self) -> str:
        return min(self.laws.values(), key=ORDER.__getitem__)

    @property
    def violated(self) -> dict[str, int]:
        """Violated laws, each by what is most wrong about it."""
        chosen = len(self.chosen - self.wrong)
        parts = {"violated": len(self.wrong), BY_DESIGN: chosen}
        return parts | {UNCHECKED: self.by_outcome["violated"] - len(self.wrong) - chosen}

    @property
    def text(self) -> str:
        """``✓ 50``, ``✕ 3 of 50``, ``≠ 2 of 50`` by design, ``✕ 3, ∉ 2 of 50``; a dagger if the ledger names every mistake."""
        n = self.by_outcome
        if self.outcome == "violated":
            parts = [f"{SYMBOLS[what]} {k}" for what, k in self.violated.items() if k]
            known = "†" if self.wrong and not self.new else ""
            return f"{', '.join(parts)} of {n['violated'] + n['held'] + n['undecided']}{known}"
        return f"{SYMBOLS[self.outcome]} {n[self.outcome]}"

    @property
    def words(self) -> str:
        n = self.by_outcome
        laws = ", ".join(f"{n[o]} {o}" for o in OUTCOMES if n[o])
        notes = {k: v for k, v in self.violated.items() if k != "violated"} | {"not in the ledger": len(self.new)}
        known = "".join(f"; {k} {words}" for words, k in notes.items() if k)
        worst = "" if self.worst is None else f"; worst ratio {ratio(self.worst)}"
        return f"{self.subject}: laws {laws}{known}{worst}"

    def css(self, limit: float) -> str:
        what = self.outcome
        if what == "violated":
            what = next(what for what, n in self.violated.items() if n)
        return COLOURS.get(what) or f"h{shade(self.worst, limit)}"


@dataclass
class Family:
    """One family: its laws and theorems, and a mark for each subject that has anything to do with it, by role."""

    name: str
    title: str
    laws: int
    theorems: int
    marks: list[Mark]

    def of(self, role: str) -> list[Mark]:
        return [m for m in self.marks if m.role == role]

    @property
    def size(self) -> str:
        if self.theorems == self.laws:
            return count(self.laws, "law")
        return f"{count(self.laws, 'law')} from {count(self.theorems, 'theorem')}"


def overview(results: Mapping[str, Any]) -> list[Family]:
    """The families in their order; subjects in theirs."""
    catalogue = laws(results)
    family = {str(law["name"]): str(law.get("family") or "other") for law in catalogue}
    titles = {str(f["name"]): str(f.get("title") or f["name"]) for f in families(results)}
    roles = {str(s.get("name")): str(s.get("role") or "user") for s in results.get("subjects") or []}
    excused = excuses(results)
    marks: dict[tuple[str, str], Mark] = {}

    def mark(law: str, subject: str) -> Mark:
        key = family.get(law, "other"), subject
        return marks.setdefault(key, Mark(subject, roles.get(subject, "user")))

    for item in results.get("items") or []:
        law, subject, what, worst = str(item.get("law")), str(item.get("subject")), outcome(item), number(item.get("worst"))
        worst = math.inf if worst is not None and math.isnan(worst) else worst
        told = mark(law, subject)
        told.add(law, what, worst)
        if what == "violated" and item.get("deviation") not in excused:
            told.wrong.add(law)
            told.new |= set() if item.get("deviation") else {law}
        elif what == "violated" and excused[item["deviation"]] == BY_DESIGN:
            told.chosen.add(law)
    for skipped in results.get("not_run") or []:
        law, subject = str(skipped.get("law", ANY)), str(skipped.get("subject", ANY))
        if law in family and subject in roles:
            mark(law, subject).add(law, "not run")
    order = {name: k for k, name in enumerate(roles)}
    out = []
    for name in dict.fromkeys([*titles, *family.values()]):
        own = [law for law in catalogue if family[str(law["name"])] == name]
        if own:
            present = sorted((m for (f, _), m in marks.items() if f == name), key=lambda m: order.get(m.subject, len(order)))
            out.append(Family(name, titles.get(name, name), len(own), len({base(law) for law in own}), present))
    return out


def roles_shown(found: list[Family]) -> list[tuple[str, str]]:
    """Roles that any family has a mark of, as (role, heading)."""
    return [(role, title) for role, title in ROLES.items() if any(f.of(role) for f in found)]


def shade(worst: float | None, limit: float) -> int:
    """0 (far below the limit) to 4 (close to it)."""
    if worst is None or not math.isfinite(worst):
        return 0
    return sum(worst >= step * limit for step in STEPS)

"""The matrix of laws and subjects: each cell sums up one law on one subject over all spaces.

A cell is violated if any space is; else held if any is; else undecided; else not run. What differs in other spaces is
counted in the cell's second line, so that undecided and not run never hide behind held.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .counts import ANY, OUTCOMES, SYMBOLS, outcome
from .show import number, ratio, slug

STEPS = (0.01, 0.03, 0.1, 1 / 3)
"""Shares of the limit at which the colour of a held cell changes: about half a decade each, on a log scale."""


@dataclass
class Cell:
    """One law on one subject: outcomes by number of spaces, the worst ratio, how many violations the ledger names."""

    counts: Counter[str] = field(default_factory=Counter)
    worst: float | None = None
    known: int = 0
    offered: bool = True

    @property
    def outcome(self) -> str:
        for name in ("violated", "held", "undecided"):
            if self.counts[name]:
                return name
        return "not run"

    def css(self, limit: float) -> str:
        if not self.offered and not self.counts:
            return "x"
        return {"violated": "v", "undecided": "u", "not run": "n"}.get(self.outcome) or f"h{shade(self.worst, limit)}"

    @property
    def text(self) -> str:
        """``✓ 4.1`` and the like; a dagger when the ledger names every violation."""
        if not self.offered and not self.counts:
            return ""
        symbol = SYMBOLS[self.outcome]
        if self.outcome == "violated":
            return f"{symbol} {ratio(self.worst)}" + ("†" if self.known == self.counts["violated"] else "")
        return f"{symbol} {ratio(self.worst)}" if self.outcome == "held" else symbol

    @property
    def also(self) -> str:
        """What became of the other spaces: ``✓3 ?2 ·1``."""
        if not self.offered and not self.counts:
            return ""
        shown = [o for o in OUTCOMES if self.counts[o] and (o != self.outcome or o == "undecided")]
        return " ".join(f"{SYMBOLS[o]}{self.counts[o]}" for o in shown)


@dataclass
class Row:
    """One law, its anchor, and a cell for each subject."""

    index: int
    name: str
    anchor: str
    cells: list[Cell]


@dataclass
class Band:
    """The laws of one family."""

    name: str
    title: str
    rows: list[Row]


def shade(worst: float | None, limit: float) -> int:
    """0 (far below the limit) to 4 (close to it)."""
    if worst is None or not math.isfinite(worst):
        return 0
    return sum(worst >= step * limit for step in STEPS)


def matrix(results: Mapping[str, Any], anchors: Mapping[str, str]) -> list[Band]:
    """All bands, in the families' order; laws in the catalogue's order. Laws known only from items come last."""
    subjects = [str(s.get("name")) for s in results.get("subjects") or []]
    offers = {str(s.get("name")): s for s in results.get("subjects") or []}
    cells = _cells(results)
    bands = {str(f["name"]): Band(str(f["name"]), str(f.get("title") or f["name"]), []) for f in families(results)}
    for index, law in enumerate(laws(results)):
        name, family = str(law["name"]), str(law.get("family") or "other")
        row = [cells.get((name, s)) or Cell() for s in subjects]
        for cell, subject in zip(row, subjects, strict=True):
            cell.offered = not set(law.get("contracts") or ()) & set(offers[subject].get("missing") or ())
        bands.setdefault(family, Band(family, family, [])).rows.append(Row(index, name, anchors[name], row))
    return [b for b in bands.values() if b.rows]


def _cells(results: Mapping[str, Any]) -> dict[tuple[str, str], Cell]:
    cells: dict[tuple[str, str], Cell] = defaultdict(Cell)
    for item in results.get("items") or []:
        cell = cells[str(item.get("law")), str(item.get("subject"))]
        what = outcome(item)
        cell.counts[what] += 1
        cell.known += what == "violated" and bool(item.get("deviation"))
        worst = number(item.get("worst"))
        if worst is not None and what in ("held", "violated"):
            worst = math.inf if math.isnan(worst) else worst
            cell.worst = worst if cell.worst is None else max(cell.worst, worst)
    names = [str(law["name"]) for law in laws(results)]
    subjects = [str(s.get("name")) for s in results.get("subjects") or []]
    for skipped in results.get("not_run") or []:
        if skipped.get("law", ANY) == ANY and skipped.get("subject", ANY) == ANY:
            continue  # a space that is not here at all: the page's head says so once
        for law in names if skipped.get("law", ANY) == ANY else [str(skipped["law"])]:
            for subject in subjects if skipped.get("subject", ANY) == ANY else [str(skipped["subject"])]:
                cells[law, subject].counts["not run"] += 1
    return dict(cells)


def families(results: Mapping[str, Any]) -> list[dict[str, Any]]:
    return sorted(results.get("families") or [], key=lambda f: number(f.get("order")) or 0)


def laws(results: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The catalogue, and behind it the laws that only items name (a results file from another version)."""
    listed = list(results.get("laws") or [])
    known = {law["name"] for law in listed}
    others = dict.fromkeys(str(i.get("law")) for i in results.get("items") or [] if i.get("law") not in known)
    order = {str(f["name"]): k for k, f in enumerate(families(results))}
    listed.sort(key=lambda law: order.get(str(law.get("family")), len(order)))
    return listed + [{"name": name, "family": "other"} for name in others]


def anchors(names: Iterable[str], prefix: str) -> dict[str, str]:
    """A fragment identifier for each name, no two alike."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        anchor = base = f"{prefix}-{slug(name)}"
        n = 2
        while anchor in taken:
            anchor, n = f"{base}-{n}", n + 1
        taken.add(anchor)
        found[name] = anchor
    return found

"""What the page's script knows about single items, as compact JSON: names once, items as columns of numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from .catalogue import base, families, laws
from .counts import ANY, EXCUSES, OUTCOMES, excuses, outcome
from .packed import compact
from .show import brief, number

EVERY = -1


class Names:
    """Texts by number, each kept once."""

    def __init__(self, *known: Any) -> None:
        self.all: dict[str, int] = {}
        for text in known:
            self(text)

    def __call__(self, text: Any) -> int:
        return self.all.setdefault(str(text), len(self.all))


def items(results: Mapping[str, Any], merged: Mapping[str, str] | None = None) -> str:
    """JSON of all items, and of what was not run; `merged` says which deviations are shown under another one.

    ``laws`` holds ``[name, theorem, family, contracts, TeX]`` with families and contracts by number; ``rows`` one list
    an attribute: law, subject, space, outcome, worst ratio, examples, seconds, undecided, reason, deviation, input and
    branches ``[name, count, …]``; ``excused`` the deviations by design and the unchecked ones, by number;
    ``skipped`` holds ``[subject, space, reason, laws]``, where -1 stands for all. Reason and deviation 0 are none.
    """
    catalogue = laws(results)
    names = Names(*(law["name"] for law in catalogue))
    family = Names(*(f["name"] for f in families(results)))
    contracts = Names(*(c.get("name") for c in results.get("contracts") or []))
    listed = [
        [str(law["name"]), base(law), family(law.get("family") or "other"),
         [contracts(c) for c in law.get("contracts") or []], str(law.get("formula") or "")]
        for law in catalogue
    ]  # fmt: skip
    titles = {str(f["name"]): str(f.get("title") or f["name"]) for f in families(results)}
    owners = {str(c.get("name")): str(c.get("family") or "other") for c in results.get("contracts") or []}
    subjects = Names(*(s.get("name") for s in results.get("subjects") or []))
    excused = excuses(results)
    spaces, reasons, branches, deviations = Names(), Names(""), Names(), Names("")
    ordered = sorted(
        results.get("items") or [],
        key=lambda i: (names(i.get("law")), subjects(i.get("subject")), str(i.get("space"))),
    )
    rows = [
        (names(i.get("law")), subjects(i.get("subject")), spaces(i.get("space")), OUTCOMES.index(outcome(i)),
         _short(i.get("worst")), int(number(i.get("examples")) or 0), _trim(round(number(i.get("seconds")) or 0.0, 1)),
         int(number(i.get("undecided")) or 0), reasons(_cut(str(i.get("reason") or ""))),
         deviations(i.get("deviation") or ""), brief(i["input"]) if _telling(i) else "",
         [x for name, n in (i.get("branches") or {}).items() for x in (branches(name), n)] if _telling(i) else [])
        for i in ordered
    ]  # fmt: skip
    keys = ("law", "subject", "space", "outcome", "worst", "examples", "seconds", "undecided", "reason", "deviation",
            "input", "branches")  # fmt: skip
    skipped = _skipped(results, subjects, spaces, reasons, names)
    offers = {str(s.get("name")): s.get("missing") or () for s in results.get("subjects") or []}
    roles = {str(s.get("name")): str(s.get("role") or "user") for s in results.get("subjects") or []}
    versions = {str(s.get("name")): str(s.get("version") or "") for s in results.get("subjects") or []}
    return compact({
        "limit": number(results.get("limit")) or 30, "laws": listed,
        "families": [[name, titles.get(name, name)] for name in family.all],
        "contracts": [[name, owners.get(name, "other")] for name in contracts.all],
        "subjects": [
            [s, roles.get(s, "user"), versions.get(s, ""),
             [contracts.all[c] for c in offers.get(s, ()) if c in contracts.all]]
            for s in subjects.all
        ],
        "spaces": list(spaces.all), "reasons": list(reasons.all), "branches": list(branches.all),
        "deviations": list(deviations.all), "merged": dict(merged or {}),
        "excused": [[k for name, k in deviations.all.items() if excused.get(name) == e] for e in EXCUSES],
        "rows": {k: [row[j] for row in rows] for j, k in enumerate(keys)},
        "skipped": skipped,
    })  # fmt: skip


def _skipped(
    results: Mapping[str, Any], subjects: Names, spaces: Names, reasons: Names, names: Names
) -> list[list[Any]]:
    """Grouped: one subject, space and reason usually holds for many laws."""
    groups: dict[tuple[int, int, int], list[int]] = {}
    for s in results.get("not_run") or []:
        subject = EVERY if s.get("subject", ANY) == ANY else subjects.all.get(str(s["subject"]))
        law = EVERY if s.get("law", ANY) == ANY else names.all.get(str(s["law"]))
        if subject is None or law is None:
            continue
        space = EVERY if s.get("space", ANY) == ANY else spaces(s["space"])
        reason = reasons(_cut(str(s.get("reason") or "no reason given")))
        groups.setdefault((subject, space, reason), []).append(law)
    return [[*key, EVERY if EVERY in group else group] for key, group in groups.items()]


def _telling(item: Mapping[str, Any]) -> bool:
    """Whether input and branches are worth their bytes: of a violation, or where the ratio reaches 1."""
    worst = number(item.get("worst"))
    return item.get("input") not in (None, {}) and not (item.get("outcome") == "held" and worst is not None and worst < 1)


def _short(x: Any) -> Any:
    """Two significant digits, as the page shows; infinity in a word, NaN as infinitely bad, nothing as null."""
    value = number(x)
    if value is None:
        return None
    if math.isfinite(value):
        return _trim(float(f"{value:.1e}"))
    return "-inf" if value < 0 else "inf"


def _trim(x: float) -> float | int:
    return int(x) if x.is_integer() and abs(x) < 1e15 else x


def _cut(text: str, width: int = 300) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"

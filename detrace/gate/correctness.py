"""Correctness is gated too: what the laws found in head against base. Pure: two summaries in, findings out."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ..judging import REFINE
from ..values import NON_FINITE

GROWTH = 10.0
"""A worst ratio that grew tenfold lost a digit; a search that draws other inputs moves it by a factor of 2 or 3."""
FLOOR = REFINE
"""Ratios below this may be overstated by a cheap bound (`detrace.judging.REFINE`) and are a rounding error or two:
from 0.1 to 2 nothing is lost."""
FEWER = 0.5
"""An item that decided less than half the examples that it did has lost its strength; small shifts come with any change
of a strategy."""

Summary = dict[str, Any]


def summary(results: dict[str, Any]) -> Summary:
    """What the gate keeps of a results file: outcome, worst ratio, decided examples of each item, by law, subject, space."""
    items: dict[str, dict[str, dict[str, list[Any]]]] = {}
    for i in results["items"]:
        outcome = "known" if i["outcome"] == "violated" and i.get("deviation") else i["outcome"]
        row = [outcome, _short(i.get("worst")), i.get("decided", 0)]
        items.setdefault(i["law"], {}).setdefault(i["subject"], {})[i["space"]] = row
    return {
        "profile": results.get("profile"), "laws": [law["name"] for law in results["laws"]], "items": items,
        "here": [s["id"] for s in results["spaces"] if s.get("available") is not False],
        "subjects": [s["name"] for s in results["subjects"]],
    }  # fmt: skip


def compare(head: Summary, base: Summary, removed: Collection[str] = ()) -> tuple[list[dict[str, Any]], list[str]]:
    """Findings, each of which fails, and notes on what could not be compared.

    `removed` names laws, subjects and spaces that are gone on purpose. Spaces and subjects that this machine lacks are notes.
    """
    findings: list[dict[str, Any]] = []
    notes: list[str] = []
    lacking: dict[str, int] = {}

    def find(kind: str, law: str, subject: str, space: str, before: Any, now: Any) -> None:
        findings.append({"kind": kind, "law": law, "subject": subject, "space": space, "before": before, "now": now})

    for law in base["laws"]:
        if law not in head["laws"] and law not in removed:
            find("law gone", law, "*", "*", "in the catalogue", "gone")
    same_search = head["profile"] == base["profile"]
    if not same_search:
        notes.append(f"profiles differ ({base['profile']}, now {head['profile']}): numbers of examples are not compared")
    for law, subjects in base["items"].items():
        for subject, spaces in subjects.items():
            for space, (outcome, worst, decided) in spaces.items():
                now = head["items"].get(law, {}).get(subject, {}).get(space)
                if {law, subject, space} & set(removed) or law not in head["laws"]:
                    continue
                if now is None:
                    missing = subject if subject not in head["subjects"] else space.rpartition("-")[0]
                    if missing in head["here"]:
                        find("item gone", law, subject, space, outcome, "not run")
                    else:
                        lacking[missing] = lacking.get(missing, 0) + 1
                    continue
                if _number(now[1]) >= max(FLOOR, GROWTH * _number(worst)) and now[0] == outcome == "held":
                    find("worst ratio grew", law, subject, space, worst, now[1])
                if outcome == "held" and now[0] == "undecided":
                    find("no longer decided", law, subject, space, outcome, now[0])
                elif same_search and now[2] < FEWER * decided:
                    find("fewer examples decided", law, subject, space, decided, now[2])
    for law, subjects in head["items"].items():
        for subject, spaces in subjects.items():
            for space, (outcome, worst, _) in spaces.items():
                before = base["items"].get(law, {}).get(subject, {}).get(space, ["not run"])
                if outcome == "violated" and before[0] != "violated":
                    find("newly violated", law, subject, space, before[0], f"violated, ratio {worst}")
    notes += [f"{name} is not in this run: {count} items are not compared" for name, count in lacking.items()]
    return findings, notes


def sentence(finding: dict[str, Any]) -> str:
    """A finding as a line of text."""
    f = finding
    return f"{f['kind']}: {f['law']} · {f['subject']} · {f['space']} ({f['before']} → {f['now']})"


def _short(worst: Any) -> Any:
    return float(f"{worst:.3g}") if isinstance(worst, float) else worst


def _number(worst: Any) -> float:
    """NaN counts as infinite, nothing as zero."""
    value = NON_FINITE.get(worst, worst) if isinstance(worst, str) else worst
    return 0.0 if value is None else float("inf") if value != value else float(value)

"""What was found: deviations, new ones first, each with the cases of this run: smallest input, result, truth, script."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from .catalogue import base
from .counts import EXCUSES, outcome
from .show import number, pretty, ratio, significant, size

KINDS = {
    "ratio": "the error exceeds its bound",
    "fact": "a fact without tolerance does not hold",
    "raised": "the call raised an exception",
    "form": "the result has the wrong type, dtype, shape or device",
    "mutation": "the call changed its argument",
    "flaky": "the same input gave different verdicts",
    "crashed": "the process crashed",
    "hung": "the call did not return in time",
}
ROLE_ORDER = {"reference": 0, "user": 1, "peer": 2}
STATUS = {"stale": "stale: no longer reproduces", "reproduced": "reproduced in this run"}
EVIDENCE = ("input", "got", "truth", "why", "script")
"""What only the first case of a known deviation shows: the others have the same cause."""
VERDICTS = ("defect", *EXCUSES)


def found(results: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Violations that the ledger does not name, one entry a subject; then the ledger: stale, defects, by design, unchecked."""
    roles = {str(s.get("name")): str(s.get("role")) for s in results.get("subjects") or []}
    theorem = {str(law["name"]): base(law) for law in results.get("laws") or []}
    formulas = {str(law["name"]): str(law.get("formula") or "") for law in results.get("laws") or []}
    groups: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for item in results.get("items") or []:
        if outcome(item) == "violated":
            key = str(item.get("deviation") or ""), str(item.get("law")), str(item.get("subject"))
            groups.setdefault(key, []).append(item)
    cases = [
        _case(law, subject, items) | {"deviation": deviation, "formula": formulas.get(law, "")}
        for (deviation, law, subject), items in groups.items()
    ]
    ledger = [e for e in results.get("ledger") or [] if isinstance(e, Mapping)]
    entries = [_new(subject, roles, cases, theorem) for subject in _in_order(cases, roles)]
    rank = {verdict: k for k, verdict in enumerate(VERDICTS)}
    ledger.sort(key=lambda e: (e.get("status") != "stale", rank.get(str(e.get("verdict")), len(rank)), str(e.get("subject"))))
    entries += [_entry(e, [c for c in cases if c["deviation"] == str(e.get("id"))]) for e in ledger]
    listed = {str(e.get("id")) for e in ledger}
    for deviation in dict.fromkeys(c["deviation"] for c in cases if c["deviation"] and c["deviation"] not in listed):
        mine = [c for c in cases if c["deviation"] == deviation]
        entries.append(_entry({"id": deviation, "subject": mine[0]["subject"], "status": "reproduced"}, mine))
    taken: Counter[str] = Counter()
    for entry in entries:
        taken[entry["id"]] += 1
        if taken[entry["id"]] > 1:
            entry["id"] += f" ({taken[entry['id']]})"
    return entries


def grouped(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One entry for all that the ledger says the same words of: the first, with all of them as `members`, itself too."""
    groups: dict[Any, list[dict[str, Any]]] = {}
    for e in entries:
        same = (e["subject"], e["verdict"], e["status"], e["summary"]) if not e["new"] and e["summary"] else e["id"]
        groups.setdefault(same, []).append(e)
    return [g[0] | {"members": g, "items": sum(e["items"] for e in g)} for g in groups.values()]


def merged(groups: list[dict[str, Any]]) -> dict[str, str]:
    """By name of a deviation that is shown under another one: the name of that one."""
    return {e["id"]: g["id"] for g in groups for e in g["members"][1:]}


def _in_order(cases: list[dict[str, Any]], roles: Mapping[str, str]) -> list[str]:
    subjects = dict.fromkeys(c["subject"] for c in cases if not c["deviation"])
    return sorted(subjects, key=lambda s: (ROLE_ORDER.get(roles.get(s, "user"), 3), s))


def _new(subject: str, roles: Mapping[str, str], cases: list[dict[str, Any]], theorem: Mapping[str, str]) -> dict[str, Any]:
    mine = [c for c in cases if not c["deviation"] and c["subject"] == subject]
    names = list(dict.fromkeys(theorem.get(c["law"], c["law"]) for c in mine))
    return {
        "id": f"new-{subject}", "subject": subject, "new": True, "ours": roles.get(subject) == "reference", "cases": mine,
        "verdict": "not in the ledger", "status": "", "names": names[:4], "more": max(0, len(names) - 4),
        "items": sum(len(c["spaces"]) for c in mine), "entry": {},
    }  # fmt: skip


def _entry(e: Mapping[str, Any], cases: list[dict[str, Any]]) -> dict[str, Any]:
    status = str(e.get("status") or "not run")
    cases = sorted(cases, key=lambda c: bool(c["law"] != e.get("law")))
    cases = [c if i == 0 else c | dict.fromkeys(EVIDENCE, "") for i, c in enumerate(cases)]
    cases = [c | {"formula": ""} for c in cases]  # the law is a link away
    if e.get("verdict") in EXCUSES and cases and cases[0]["kind"] != "ratio":
        cases[0] |= {"script": ""}  # input that is not refused needs no script
    return {
        "id": str(e.get("id")), "subject": str(e.get("subject")), "new": False, "ours": False, "cases": cases,
        "verdict": str(e.get("verdict") or "no verdict"), "status": STATUS.get(status, status),
        "stale": status == "stale", "reproduced": status == "reproduced",
        "summary": str(e.get("summary") or ""), "entry": e, "items": sum(len(c["spaces"]) for c in cases),
        "laws": [str(law) for law in [e.get("law"), *(e.get("laws") or [])] if law],
    }  # fmt: skip


def _case(law: str, subject: str, items: list[Mapping[str, Any]]) -> dict[str, Any]:
    shown = min(items, key=lambda i: (not i.get("script"), size(i.get("input")), str(i.get("space"))))
    violation = shown.get("violation") or {}
    kind = str(violation.get("kind") or "ratio")
    return {
        "law": law, "subject": subject, "kind": kind, "meaning": KINDS.get(kind, kind),
        "reason": str(shown.get("reason") or ""), "space": str(shown.get("space")),
        "spaces": [
            {"space": str(i.get("space")), "ratio": ratio(i.get("worst"))}
            for i in sorted(items, key=lambda i: str(i.get("space")))
        ],
        "input": pretty(shown.get("input")) if shown.get("input") not in (None, {}) else "",
        "got": _value(violation.get("got")), "truth": _value(violation.get("truth")),
        "ratio": ratio(violation.get("ratio") if number(violation.get("ratio")) is not None else shown.get("worst")),
        "error": significant(violation.get("error"), 3), "bound": significant(violation.get("bound"), 3),
        "why": str(violation.get("why") or ""), "script": str(shown.get("script") or ""),
    }  # fmt: skip


def _value(encoded: Any) -> str:
    return "" if encoded is None else pretty(encoded)

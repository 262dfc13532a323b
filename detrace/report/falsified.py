"""Falsifying inputs: for each law and subject that disagree, the smallest input, what came out and what is true."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .counts import outcome
from .show import number, pretty, ratio, significant, size, slug

KINDS = {
    "ratio": "the error exceeds its bound",
    "fact": "a fact without tolerance does not hold",
    "raised": "the call raised an exception",
    "form": "the result has the wrong type, dtype, shape or device",
    "mutation": "the call changed its argument",
    "flaky": "the same input gave different verdicts",
    "crash": "the process crashed",
    "hang": "the call did not return in time",
}
ROLE_ORDER = {"reference": 0, "user": 1, "peer": 2}


def falsified(results: Mapping[str, Any], anchors: Mapping[str, str], scripts: int, full: int) -> list[dict[str, Any]]:
    """One entry a law, with one case a subject; news first, then what the ledger knows.

    `full` is how many cases are shown with their values and `scripts` how many with their reproduction script; of the
    others the page shows a line, and the rest is in the results file.
    """
    roles = {str(s.get("name")): str(s.get("role")) for s in results.get("subjects") or []}
    formulas = {str(law["name"]): law for law in results.get("laws") or []}
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for item in results.get("items") or []:
        if outcome(item) == "violated":
            groups.setdefault((str(item.get("law")), str(item.get("subject"))), []).append(item)
    cases = [_case(law, subject, items, roles.get(subject, "user")) for (law, subject), items in groups.items()]
    cases.sort(key=lambda c: (c["known"], ROLE_ORDER.get(c["role"], 3), c["law"], c["subject"]))
    for k, case in enumerate(cases):
        case["full"] = k < full
        if k >= scripts:
            case["script"] = ""
    by_law: dict[str, dict[str, Any]] = {}
    for case in cases:
        law = by_law.setdefault(
            case["law"],
            {"name": case["law"], "anchor": anchors.get(case["law"], ""), "formula": "", "cases": []},
        )
        law["formula"] = str(formulas.get(case["law"], {}).get("formula") or "")
        law["cases"].append(case)
    return list(by_law.values())


def case_anchor(law: str, subject: str) -> str:
    return f"falsified-{slug(law, subject)}"


def _case(law: str, subject: str, items: list[Mapping[str, Any]], role: str) -> dict[str, Any]:
    shown = min(items, key=lambda i: (not i.get("script"), size(i.get("input")), str(i.get("space"))))
    violation = shown.get("violation") or {}
    kind = str(violation.get("kind") or "ratio")
    deviations = list(dict.fromkeys(str(i["deviation"]) for i in items if i.get("deviation")))
    return {
        "law": law, "subject": subject, "role": role, "anchor": case_anchor(law, subject),
        "known": all(i.get("deviation") for i in items), "deviations": deviations,
        "kind": kind, "meaning": KINDS.get(kind, kind), "reason": str(shown.get("reason") or ""),
        "space": str(shown.get("space")),
        "spaces": [
            {"space": str(i.get("space")), "ratio": ratio(i.get("worst")), "deviation": i.get("deviation") or ""}
            for i in sorted(items, key=lambda i: str(i.get("space")))
        ],
        "input": pretty(shown.get("input")) if shown.get("input") not in (None, {}) else "",
        "got": _value(violation.get("got")), "truth": _value(violation.get("truth")),
        "ratio": ratio(violation.get("ratio") if number(violation.get("ratio")) is not None else shown.get("worst")),
        "error": significant(violation.get("error"), 3), "bound": significant(violation.get("bound"), 3),
        "why": str(violation.get("why") or ""), "script": str(shown.get("script") or ""),
        "has_script": bool(shown.get("script")),
    }  # fmt: skip


def _value(encoded: Any) -> str:
    return "" if encoded is None else pretty(encoded)

"""The catalogue of laws: what each states, where it is from, what it judges, and which mistakes it rejects.

Laws that are one theorem about several contracts are named ``theorem.contract`` and share the field ``base``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from .counts import excuses, outcome
from .show import number, ratio

WORDS = {"reference": "our reference", "peer": "public libraries", "user": "your subjects", "mutant": "mutants"}


def families(results: Mapping[str, Any]) -> list[dict[str, Any]]:
    return sorted(results.get("families") or [], key=lambda f: number(f.get("order")) or 0)


def laws(results: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The catalogue by family, theorems together; behind it the laws that only items name (another version's file)."""
    listed = [law for law in results.get("laws") or [] if isinstance(law, Mapping)]
    known = {law["name"] for law in listed}
    others = dict.fromkeys(str(i.get("law")) for i in results.get("items") or [] if i.get("law") not in known)
    order = {str(f["name"]): k for k, f in enumerate(families(results))}
    first: dict[str, int] = {}
    for k, law in enumerate(listed):
        first.setdefault(base(law), k)
    listed.sort(key=lambda law: (order.get(str(law.get("family")), len(order)), first[base(law)]))
    return [dict(law) for law in listed] + [{"name": name, "family": "other"} for name in others]


def base(law: Mapping[str, Any]) -> str:
    """The theorem that a law belongs to; its own name when it stands alone."""
    return str(law.get("base") or law["name"])


def theorems(results: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """By family: one entry a theorem, with its laws, mistakes and the worst ratio by role of the subject."""
    traps = {str(m.get("name")): m for m in results.get("mutants") or []}
    contracts = {str(c.get("name")): c for c in results.get("contracts") or []}
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for law in laws(results):
        groups.setdefault((str(law.get("family") or "other"), base(law)), []).append(law)
    worst = _worst(results, {law["name"]: name for (_, name), group in groups.items() for law in group})
    found: dict[str, list[dict[str, Any]]] = {}
    for (family, name), group in groups.items():
        first = group[0]
        found.setdefault(family, []).append({
            "name": name, "several": len(group) > 1 or first["name"] != name,
            "formula": str(first.get("formula") or ""), "statement": str(first.get("statement") or ""),
            "sources": [str(s) for s in first.get("sources") or []],
            "contracts": [contracts.get(c, {"name": c}) for c in _union(group, "contracts")],
            "mutants": [traps.get(m, {"name": m, "trap": ""}) for m in _union(group, "mutants")],
            "worst": worst.get(name, []),
        })  # fmt: skip
    return found


def _union(group: Iterable[Mapping[str, Any]], key: str) -> list[str]:
    return list(dict.fromkeys(str(x) for law in group for x in law.get(key) or []))


def _worst(results: Mapping[str, Any], theorem: Mapping[str, str]) -> dict[str, list[dict[str, Any]]]:
    """By theorem: the worst ratio of each role, who had it and where."""
    excused = excuses(results)
    roles = {str(s.get("name")): str(s.get("role")) for s in results.get("subjects") or []}
    found: dict[str, dict[str, tuple[float, Mapping[str, Any]]]] = {}
    for item in results.get("items") or []:
        value = number(item.get("worst"))
        if value is None or outcome(item) not in ("held", "violated"):
            continue
        value = math.inf if math.isnan(value) else value
        role = roles.get(str(item.get("subject")), "user")
        best = found.setdefault(theorem.get(str(item.get("law")), str(item.get("law"))), {})
        if role not in best or value > best[role][0]:
            best[role] = (value, item)
    return {
        law: [
            {"role": WORDS.get(role, role), "ratio": ratio(value), "subject": str(i.get("subject")),
             "space": str(i.get("space")), "outcome": excused.get(str(i.get("deviation")), outcome(i)),
             "own": role == "reference"}
            for role, (value, i) in sorted(best.items())
        ]
        for law, best in found.items()
    }  # fmt: skip

"""The catalogue of laws: what each states, where it is from, what it judges, and which mistakes it rejects."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from .counts import outcome
from .matrix import laws
from .show import number, ratio


def catalogue(results: Mapping[str, Any], anchors: Mapping[str, str]) -> list[dict[str, Any]]:
    """One entry a law, in the matrix's order, with its worst ratio by role of the subject."""
    traps = {str(m.get("name")): m for m in results.get("mutants") or []}
    contracts = {str(c.get("name")): c for c in results.get("contracts") or []}
    titles = {str(f.get("name")): str(f.get("title") or f.get("name")) for f in results.get("families") or []}
    worst = _worst(results)
    return [
        {
            "name": str(law["name"]), "anchor": anchors[str(law["name"])],
            "family": titles.get(str(law.get("family")), str(law.get("family") or "")),
            "formula": str(law.get("formula") or ""), "statement": str(law.get("statement") or ""),
            "sources": [str(s) for s in law.get("sources") or []],
            "contracts": [contracts.get(str(c), {"name": c}) for c in law.get("contracts") or []],
            "mutants": [traps.get(str(m), {"name": m, "trap": ""}) for m in law.get("mutants") or []],
            "worst": worst.get(str(law["name"]), []),
        }
        for law in laws(results)
    ]  # fmt: skip


def _worst(results: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """By law: the worst ratio of each role, who had it and where."""
    roles = {str(s.get("name")): str(s.get("role")) for s in results.get("subjects") or []}
    found: dict[str, dict[str, tuple[float, Mapping[str, Any]]]] = {}
    for item in results.get("items") or []:
        value = number(item.get("worst"))
        if value is None or outcome(item) not in ("held", "violated"):
            continue
        value = math.inf if math.isnan(value) else value
        role = roles.get(str(item.get("subject")), "user")
        best = found.setdefault(str(item.get("law")), {})
        if role not in best or value > best[role][0]:
            best[role] = (value, item)
    words = {"reference": "our reference", "peer": "public libraries", "user": "your subjects", "mutant": "mutants"}
    return {
        law: [
            {"role": words.get(role, role), "ratio": ratio(value), "subject": str(i.get("subject")),
             "space": str(i.get("space")), "outcome": outcome(i), "own": role == "reference"}
            for role, (value, i) in sorted(best.items())
        ]
        for law, best in found.items()
    }  # fmt: skip

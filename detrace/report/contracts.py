"""One entry a contract, by family: what it is, how fast its implementations are, and its pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .benchmarks import benchmarks
from .catalogue import families
from .figures import figures
from .show import significant


def contracts(results: Mapping[str, Any], bench: Mapping[str, Any] | None = None) -> dict[str, list[dict[str, Any]]]:
    """By family, in the catalogue's order; contracts that only timings or samples name come last."""
    bench = benchmarks(results) if bench is None else bench
    pictures = figures(results)
    listed = {str(c.get("name")): dict(c) for c in results.get("contracts") or []}
    for b in results.get("benchmarks") or []:
        listed.setdefault(str(b.get("contract")), {"name": str(b.get("contract")), "family": str(b.get("family") or "other")})
    for name in [*pictures, *bench["growth"]]:
        listed.setdefault(name, {"name": name, "family": "other"})
    laws: dict[str, int] = {}
    for law in results.get("laws") or []:
        for name in law.get("contracts") or []:
            laws[str(name)] = laws.get(str(name), 0) + 1
    offered: dict[str, list[str]] = {}
    for s in results.get("subjects") or []:
        for name in s.get("offers") or []:
            offered.setdefault(str(name), []).append(str(s.get("name")))
    found: dict[str, list[dict[str, Any]]] = {str(f["name"]): [] for f in families(results)}
    for name, c in listed.items():
        table = bench["tables"].get(name)
        entry = {
            "name": name, "signature": str(c.get("signature") or ""), "summary": str(c.get("summary") or ""),
            "laws": laws.get(name, 0), "subjects": offered.get(name, []), "plots": pictures.get(name, []),
            "table": table, "growth": bench["growth"].get(name, []), "speed": _speed(table),
        }  # fmt: skip
        found.setdefault(str(c.get("family") or "other"), []).append(entry)
    return {family: entries for family, entries in found.items() if entries}


def _speed(table: Mapping[str, Any] | None) -> str:
    if not table or not table["best"]:
        return ""
    words = f"fastest: {table['best']}"
    return words if not table["pace"] else f"{words}; our reference {significant(table['pace'][0])}× the fastest library"

"""What the page's script knows about single items, as compact JSON: names once, items as short rows of numbers.

The inputs and branches of three thousand items would outweigh everything else, so they fill what is left of the page's
size, violated and undecided items first, then the worst ratios; what is left out says so and is in the results file.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from .counts import ANY, OUTCOMES, outcome
from .show import brief, number


class Names:
    """Texts by number, each kept once."""

    def __init__(self) -> None:
        self.all: dict[str, int] = {}

    def __call__(self, text: Any) -> int:
        return self.all.setdefault(str(text), len(self.all))


def details(results: Mapping[str, Any], law_names: list[str], budget: int) -> str:
    """JSON for a ``<script type="application/json">``: no ``<``, ``>`` or ``&`` in it.

    ``rows[law]`` holds ``[subject, space, outcome, worst, examples, undecided, seconds, reason, in_ledger, extra]``;
    ``skipped`` holds ``[subject, space, reason, [laws] or -1]``, where -1 stands for all.
    """
    subjects = [str(s.get("name")) for s in results.get("subjects") or []]
    laws, owners = Names(), Names()
    for n in law_names:
        laws(n)
    for n in subjects:
        owners(n)
    spaces, reasons, branches = Names(), Names(), Names()
    rows: dict[int, list[list[Any]]] = {}
    placed: list[tuple[list[Any], Mapping[str, Any]]] = []
    for item in results.get("items") or []:
        known = bool(item.get("deviation"))
        row = [
            owners(item.get("subject")), spaces(item.get("space")), OUTCOMES.index(outcome(item)), _short(item.get("worst")),
            int(number(item.get("examples")) or 0), int(number(item.get("undecided")) or 0),
            round(number(item.get("seconds")) or 0, 1), reasons(_cut(str(item["reason"]))) if item.get("reason") else -1,
            int(known),
        ]  # fmt: skip
        rows.setdefault(laws(item.get("law")), []).append(row)
        placed.append((row, item))
    data: dict[str, Any] = {
        "limit": number(results.get("limit")) or 30, "laws": list(laws.all), "subjects": list(owners.all),
        "spaces": list(spaces.all), "reasons": list(reasons.all), "branches": list(branches.all), "extras": [],
        "rows": rows, "skipped": _skipped(results, laws, owners, spaces, reasons),
    }  # fmt: skip
    left = budget - len(_json(data).encode())
    for row, item in sorted(placed, key=lambda p: _priority(p[1])):
        extra = [brief(item["input"]) if item.get("input") not in (None, {}) else ""]
        for name, n in (item.get("branches") or {}).items():
            extra += [branches(name), n]
        left -= len(_json(extra).encode()) + 6
        if left < 0:
            data["cut"] = 1
            break
        if len(extra) > 1 or extra[0]:
            row.append(len(data["extras"]))
            data["extras"].append(extra)
    data |= {"spaces": list(spaces.all), "reasons": list(reasons.all), "branches": list(branches.all)}
    return _json(data)


def _skipped(results: Mapping[str, Any], laws: Names, owners: Names, spaces: Names, reasons: Names) -> list[list[Any]]:
    """Grouped: one subject, space and reason usually holds for many laws."""
    groups: dict[tuple[int, int, int], list[int]] = {}
    for s in results.get("not_run") or []:
        subject, space = (
            -1 if s.get(k, ANY) == ANY else names(s[k]) for k, names in (("subject", owners), ("space", spaces))
        )
        key = (subject, space, reasons(_cut(str(s.get("reason") or "no reason given"))))
        groups.setdefault(key, []).append(-1 if s.get("law", ANY) == ANY else laws(s["law"]))
    return [[*key, -1 if -1 in group else group] for key, group in groups.items()]


def _priority(item: Mapping[str, Any]) -> tuple[int, float]:
    rank = {"violated": 0, "undecided": 1}.get(outcome(item), 2)
    worst = number(item.get("worst"))
    return rank, -worst if worst is not None and not math.isnan(worst) else 0.0


def _short(x: Any) -> float | str | None:
    """Three significant digits; the page shows two."""
    value = number(x)
    if value is None:
        return None
    return float(f"{value:.2e}") if math.isfinite(value) else ("inf" if value > 0 or math.isnan(value) else "-inf")


def _cut(text: str, width: int = 300) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _json(data: Any) -> str:
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text

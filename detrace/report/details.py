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

Row = list[Any]

ROW = 12
"""Bytes by which a row grows at most when it gets an extra: up to three zeros that were left off, and the number."""


class Names:
    """Texts by number, each kept once."""

    def __init__(self, *known: Any) -> None:
        self.all: dict[str, int] = {}
        for text in known:
            self(text)

    def __call__(self, text: Any) -> int:
        return self.all.setdefault(str(text), len(self.all))


class Details:
    """All items of a results document; `text` gives as much of them as fits.

    ``rows[law][subject]`` holds ``[space, outcome, worst, examples, seconds, undecided, reason, in_ledger, extra]``,
    where zeros at the end are left off and reason and extra count from 1; ``skipped`` holds ``[subject, space, reason,
    laws]``, where -1 stands for all.
    """

    def __init__(self, results: Mapping[str, Any], law_names: list[str]) -> None:
        self.laws = Names(*law_names)
        self.subjects = Names(*(s.get("name") for s in results.get("subjects") or []))
        self.spaces, self.reasons, self.branches = Names(), Names(""), Names()
        self.limit = number(results.get("limit")) or 30
        self.rows: list[tuple[Mapping[str, Any], int, int, Row]] = [
            (item, self.laws(item.get("law")), self.subjects(item.get("subject")), self._row(item))
            for item in results.get("items") or []
        ]
        self.skipped = self._skipped(results)
        self.extras = {id(row): _json(self._extra(item)) for item, _, _, row in self.rows}
        self.rows.sort(key=lambda r: _priority(r[0]))

    def text(self, budget: int) -> str:
        """JSON for a ``<script type="application/json">``: no ``<``, ``>`` or ``&`` in it."""
        extras: dict[str, int] = {}
        for *_, row in self.rows:
            row[8] = 0
        left, cut = budget - len(_json(self._data(extras, False)).encode()), False
        for *_, row in self.rows:
            extra = self.extras[id(row)]
            left -= ROW + (0 if extra in extras else len(extra.encode()) + 1)
            if cut := left < 0:
                break
            row[8] = extras.setdefault(extra, len(extras)) + 1
        return _json(self._data(extras, cut))

    def _row(self, item: Mapping[str, Any]) -> Row:
        return [
            self.spaces(item.get("space")), OUTCOMES.index(outcome(item)), _short(item.get("worst")),
            int(number(item.get("examples")) or 0), _trim(round(number(item.get("seconds")) or 0.0, 1)),
            int(number(item.get("undecided")) or 0), self.reasons(_cut(str(item.get("reason") or ""))),
            int(bool(item.get("deviation"))), 0,
        ]  # fmt: skip

    def _extra(self, item: Mapping[str, Any]) -> list[Any]:
        extra: list[Any] = ["" if item.get("input") in (None, {}) else brief(item["input"])]
        for name, n in (item.get("branches") or {}).items():
            extra += [self.branches(name), n]
        return extra

    def _data(self, extras: dict[str, int], cut: bool) -> dict[str, Any]:
        rows: dict[int, dict[int, list[Row]]] = {}
        for _, law, subject, row in self.rows:
            end = max(k for k in range(9) if row[k] != 0 or k == 0) + 1
            rows.setdefault(law, {}).setdefault(subject, []).append(row[:end])
        return {
            "limit": self.limit, "laws": list(self.laws.all), "subjects": list(self.subjects.all),
            "spaces": list(self.spaces.all), "reasons": list(self.reasons.all), "branches": list(self.branches.all),
            "rows": rows, "skipped": self.skipped, "extras": [json.loads(e) for e in extras], "cut": int(cut),
        }  # fmt: skip

    def _skipped(self, results: Mapping[str, Any]) -> list[Row]:
        """Grouped: one subject, space and reason usually holds for many laws."""
        groups: dict[tuple[int, int, int], list[int]] = {}
        for s in results.get("not_run") or []:
            subject = -1 if s.get("subject", ANY) == ANY else self.subjects(s["subject"])
            space = -1 if s.get("space", ANY) == ANY else self.spaces(s["space"])
            reason = self.reasons(_cut(str(s.get("reason") or "no reason given")))
            law = -1 if s.get("law", ANY) == ANY else self.laws(s["law"])
            groups.setdefault((subject, space, reason), []).append(law)
        return [[*key, -1 if -1 in group else group] for key, group in groups.items()]


def _priority(item: Mapping[str, Any]) -> tuple[int, float]:
    rank = {"violated": 0, "undecided": 1}.get(outcome(item), 2)
    worst = number(item.get("worst"))
    return rank, -worst if worst is not None and not math.isnan(worst) else 0.0


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


def _json(data: Any) -> str:
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text

"""Benchmark tables: sizes as rows, subjects as columns, each time beside the fastest one and the machine's limit."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from .counts import ROLES
from .show import memory, number, ratio, seconds, significant

BAR_STEPS = 20
"""Lengths that a bar can have; the style sheet knows one class for each."""
BAR_DECADES = 3.0
"""A bar is full at this many powers of ten over the fastest."""


def benchmarks(results: Mapping[str, Any]) -> dict[str, Any]:
    """Tables and growth by contract; how many were measured, the machine's limits, the suite's own speed."""
    rows = [b for b in results.get("benchmarks") or [] if isinstance(b, Mapping)]
    roles = {str(s.get("name")): str(s.get("role")) for s in results.get("subjects") or []}
    by_contract: dict[str, list[Mapping[str, Any]]] = {}
    for b in rows:
        by_contract.setdefault(str(b.get("contract")), []).append(b)
    growth: dict[str, list[dict[str, Any]]] = {}
    for g in results.get("growth") or []:
        growth.setdefault(str(g.get("contract")), []).append(_growth(g))
    return {
        "tables": {contract: _table(entries, roles) for contract, entries in by_contract.items()}, "growth": growth,
        "measured": sum(measured(b) for b in rows), "total": len(rows),
        "unchecked": sum(measured(b) and not b.get("checked") for b in rows),
        "limits": _limits(results.get("machine_limits") or {}),
        "suite": [_speed(s) for s in results.get("suite_speed") or []],
    }  # fmt: skip


def pace(rows: Iterable[Mapping[str, Any]], roles: Mapping[str, str]) -> tuple[float, int] | None:
    """Time of the faster of our references over the fastest library's, geometric mean over sizes; and how many sizes.

    Wrong results do not count, nor do rivals: they are other ways to the same result, made of library functions.
    """
    groups: dict[tuple[str, str], dict[str, float]] = {}
    for b in rows:
        slower, role = number(b.get("ratio")), roles.get(str(b.get("subject")), "peer")
        if measured(b) and slower and slower > 0 and b.get("right") is not False and not b.get("rival"):
            best = groups.setdefault((str(b.get("contract")), str(b.get("params"))), {})
            best[role] = min(slower, best.get(role, slower))
    logs = [math.log(g["reference"] / g["peer"]) for g in groups.values() if {"reference", "peer"} <= set(g)]
    return (math.exp(sum(logs) / len(logs)), len(logs)) if logs else None


def _table(entries: list[Mapping[str, Any]], roles: Mapping[str, str]) -> dict[str, Any]:
    """Columns stand together by where they ran, since those compare best; our reference first in each group."""
    rank = {role: k for k, role in enumerate(ROLES)}
    ran = {backend(b) for b in entries if measured(b)}
    places = sorted({backend(b) for b in entries}, key=lambda k: (k not in ran, not k.startswith("numpy"), k))
    columns = sorted(
        {(str(b.get("subject")), backend(b)) for b in entries},
        key=lambda c: (places.index(c[1]), rank.get(roles.get(c[0], ""), 9), c[0]),
    )
    footnotes: dict[str, int] = {}
    fastest = _fastest(entries)
    lines: dict[tuple[tuple[str, str], ...], dict[tuple[str, str], dict[str, Any]]] = {}
    params: dict[tuple[tuple[str, str], ...], Mapping[str, Any]] = {}
    for b in entries:
        key = tuple((str(k), str(v)) for k, v in (b.get("params") or {}).items())
        params.setdefault(key, b)
        lines.setdefault(key, {})[str(b.get("subject")), backend(b)] = _cell(b, footnotes, best=any(b is f for f in fastest))
    order = sorted(lines, key=lambda key: _sort_key(params[key]))
    return {
        "columns": [{"subject": s, "backend": k} for s, k in columns],
        "groups": [(k, sum(c[1] == k for c in columns)) for k in places],
        "rows": [
            {**_row_head(params[k]), "cells": [lines[k].get(c, {"state": "none"}) for c in columns]} for k in order
        ],
        "memory": any(measured(b) and memory(b.get("peak_memory")) for b in entries),
        "footnotes": list(footnotes), "pace": pace(entries, roles), "sizes": len(order), "best": _winner(fastest),
        "against": next((str(b["against"]) for b in entries if b.get("against")), ""),
    }  # fmt: skip


def _fastest(entries: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """At each size who is fastest and not wrong; where times are multiples of a rival's, among the rivals."""
    sizes: dict[str, list[Mapping[str, Any]]] = {}
    for b in entries:
        if measured(b) and number(b.get("ratio")) is not None and b.get("right") is not False:
            sizes.setdefault(str(b.get("params")), []).append(b)
    return [min(some, key=lambda b: (bool(b.get("against")) and not b.get("rival"), b["ratio"])) for some in sizes.values()]


def _winner(fastest: Iterable[Mapping[str, Any]]) -> str:
    """Who is fastest at most sizes; '' if nothing was measured."""
    wins = Counter(str(b.get("subject")) for b in fastest)
    return wins.most_common(1)[0][0] if wins else ""


def _cell(b: Mapping[str, Any], footnotes: dict[str, int], *, best: bool = False) -> dict[str, Any]:
    if not measured(b):
        note = footnotes.setdefault(f"Not measured: {b.get('reason') or 'no reason given'}", len(footnotes) + 1)
        return {"state": "not", "note": note}
    slower = number(b.get("ratio"))
    low, high = significant(b.get("ratio_low")), significant(b.get("ratio_high"))
    share = number(b.get("limit_share"))
    wrong = bool(b.get("checked")) and b.get("right") is False
    reason = f"Wrong: {b.get('reason') or 'no reason given'}"
    note = footnotes.setdefault(reason, len(footnotes) + 1) if wrong else 0
    return {
        "state": "best" if best else "measured",
        "ratio": significant(slower), "time": seconds(b.get("median_s")), "iqr": seconds(b.get("iqr_s")),
        "interval": "" if "–" in (low, high) else f"{low}–{high}",
        "share": "" if share is None else f"{significant(share * 100)} %",
        "error": "" if b.get("error_ratio") is None else ratio(b.get("error_ratio")),
        "wrong": note, "checked": bool(b.get("checked")), "launch_bound": b.get("launch_bound") is True,
        "memory": memory(b.get("peak_memory")), "bar": bar(slower),
    }  # fmt: skip


def bar(slower: float | None) -> int:
    """Length of a ratio's bar on a log scale: 1 for the fastest, so that it has a bar at all, to BAR_STEPS."""
    if slower is None or not math.isfinite(slower):
        return 0
    return min(BAR_STEPS, 1 + round((BAR_STEPS - 1) * math.log10(max(slower, 1.0)) / BAR_DECADES))


def _row_head(b: Mapping[str, Any]) -> dict[str, Any]:
    params = dict(b.get("params") or {})
    first = next((k for k in ("n", "size", "shape", "m") if k in params), next(iter(params), ""))
    others = {k: v for k, v in params.items() if k != first and v not in (None, "")}
    rest = [str(v) if k == "dtype" else f"{k} {_number_text(v)}" for k, v in others.items()]
    limit = number(b.get("limit_s"))
    return {
        "size": f"{first} = {_number_text(params[first])}" if first else "one size", "rest": " · ".join(rest),
        "limit": "" if limit is None else f"{seconds(limit)} ({b.get('limit_kind') or 'limit'})",
    }  # fmt: skip


def _sort_key(b: Mapping[str, Any]) -> list[tuple[int, float, str]]:
    """Strings (dtypes) before numbers, so that the sizes of one dtype stand together."""
    parts = (b.get("params") or {}).items()
    ordered = sorted(parts, key=lambda kv: (not isinstance(kv[1], str), kv[0] == "n", str(kv[0])))
    return [(0, 0.0, v) if isinstance(v, str) else (1, number(v) or 0.0, str(v)) for _, v in ordered]


def _number_text(v: Any) -> str:
    return f"{v:,}".replace(",", "\u202f") if isinstance(v, int) and not isinstance(v, bool) and v >= 10_000 else str(v)


def backend(b: Mapping[str, Any]) -> str:
    """``numpy-cpu`` of a space such as ``numpy-cpu-float64``."""
    space, dtype = str(b.get("space") or ""), str((b.get("params") or {}).get("dtype") or "")
    return space.removesuffix(f"-{dtype}") if dtype else space


def measured(b: Mapping[str, Any]) -> bool:
    return b.get("status", "measured") == "measured" and number(b.get("median_s")) is not None


def _growth(g: Mapping[str, Any]) -> dict[str, Any]:
    known = number(g.get("exponent")) is not None
    interval = f"{significant(g.get('low'), 3)} to {significant(g.get('high'), 3)}" if known else ""
    low, theory = number(g.get("low")), number(g.get("theory"))
    return {
        "contract": str(g.get("contract")), "subject": str(g.get("subject")), "space": str(g.get("space")),
        "theory": significant(g.get("theory")), "interval": interval,
        "exponent": significant(g.get("exponent"), 3) if known else "not measured",
        "reason": "" if known else str(g.get("reason") or "no reason given"), "variable": str(g.get("variable") or "n"),
        "range": f"{_number_text(g.get('n0'))} to {_number_text(g.get('n1'))}",
        "steeper": low is not None and theory is not None and low > theory + 0.6,
    }  # fmt: skip


def _limits(limits: Mapping[str, Any]) -> list[str]:
    out = []
    if (copy := number(limits.get("copy_bandwidth_gbs"))) is not None:
        out.append(f"memory copies {significant(copy, 3)} GB/s")
    gemm: Any = limits.get("gemm_gflops") or {}
    entries: Iterable[tuple[Any, Any]] = gemm.items() if isinstance(gemm, Mapping) else [("", gemm)]
    out += [f"matrix products {dtype} {significant(rate, 3)} Gflop/s".replace("  ", " ") for dtype, rate in entries]
    held: Any = limits.get("held_back") or {}
    if isinstance(held, Mapping):
        out += [f"{k}={v} was set, which slows what obeys it" for k, v in sorted(held.items())]
    return out


def _speed(s: Mapping[str, Any]) -> dict[str, str]:
    value = number(s.get("value"))
    return {
        "name": str(s.get("name") or ""), "aim": str(s.get("aim") or ""),
        "value": significant(value, 3) if value is not None else str(s.get("value", "–")),
        "unit": str(s.get("unit") or ""), "how": str(s.get("how") or ""),
    }  # fmt: skip

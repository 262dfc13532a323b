"""The three pictures of a contract: error against time, ratio against the input's norm, and growth with size."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from .benchmarks import backend, measured
from .norms import finite, samples, thin
from .plots import Point, Series, legend, plot
from .show import count, number, ratio, significant

POINTS = 100
"""Marks of one plot, all series together."""
_SQUARE = re.compile(r"\((\w+),\1\)")

T = TypeVar("T")
Styles = Callable[[tuple[str, str]], tuple[int, int]]


def figures(results: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """By contract: its pictures, of at most POINTS points each."""
    limit = number(results.get("limit")) or 30.0
    styles = _styles(results)
    parts = [
        ("Error and time", _planes(results, limit, styles)), ("Ratio and norm", _norms(results, limit, styles)),
        ("Growth", _growths(results, styles)),
    ]  # fmt: skip
    names = dict.fromkeys(c for _, p in parts for c in p)
    return {c: [{"title": t, **p[c]} for t, p in parts if c in p] for c in names}


def _styles(results: Mapping[str, Any]) -> Styles:
    """Colour by subject and shape by subject and space, the same in every picture."""
    subjects = {str(s.get("name")): k for k, s in enumerate(results.get("subjects") or [])}
    kinds: dict[str, int] = {}

    def style(who: tuple[str, str]) -> tuple[int, int]:
        subject = subjects.setdefault(who[0], len(subjects))
        kind = who[1].rpartition("-")[0] if who[1].count("-") > 1 else who[1]
        return subject, subject + kinds.setdefault(kind, len(kinds))

    return style


def _planes(results: Mapping[str, Any], limit: float, styles: Styles) -> dict[str, dict[str, Any]]:
    """A point for each subject and backend: geometric mean of time ratios, worst certified error ratio."""
    found: dict[str, dict[tuple[str, str], list[Mapping[str, Any]]]] = {}
    silent: dict[str, int] = {}
    for b in results.get("benchmarks") or []:
        contract = str(b.get("contract"))
        if not measured(b) or not (number(b.get("ratio")) or 0) > 0:
            continue
        if number(b.get("error_ratio")) is None:
            silent[contract] = silent.get(contract, 0) + 1
            continue
        found.setdefault(contract, {}).setdefault((str(b.get("subject")), backend(b)), []).append(b)
    out = {}
    for contract, groups in found.items():
        ordered = _in_order(groups, styles)
        series = [Series(_label(who, groups), styles(who), [_plane_point(who, rows)]) for who, rows in ordered]
        note = f"{count(silent[contract], 'timing')} without a certified error not drawn." if contract in silent else ""
        title = f"{contract}: worst certified ratio against time"
        named = any(b.get("against") for rows in groups.values() for b in rows)
        out[contract] = _figure(series, title, f"time ÷ {'baseline' if named else 'fastest'}", "error ÷ bound", limit, note)
    return out


def _plane_point(who: tuple[str, str], rows: Sequence[Mapping[str, Any]]) -> Point:
    times = [number(b["ratio"]) or 1.0 for b in rows]
    slower = math.exp(sum(map(math.log, times)) / len(times))
    worst = max((finite(b["error_ratio"]) for b in rows), default=0.0)
    base = next((str(b["against"]) for b in rows if b.get("against")), "the fastest")
    label = f"{who[0]} ({who[1]}): {significant(slower)} times {base}, error {ratio(worst)} of its bound"
    return Point(slower, worst, f"{label}, {len(rows)} timings")


def _norms(results: Mapping[str, Any], limit: float, styles: Styles) -> dict[str, dict[str, Any]]:
    found, worst = samples(results)
    square = _square(results)
    out = {}
    for contract, groups in found.items():
        share = max(4, POINTS // len(groups))
        thinned = any(len(points) > share for points in groups.values())
        series = [
            Series(_label(who, groups), styles(who), thin(points, share)) for who, points in _in_order(groups, styles)
        ]
        note = ("The worst example of each law and space. " if contract in worst else "") + (
            "Of neighbouring inputs only the worst is drawn." if thinned else ""
        )
        title, across = f"{contract}: ratio against the norm of the input", "‖A‖₁"
        if contract not in square:
            title, across = f"{contract}: ratio against the size of the first input", "size of the first input"
        out[contract] = _figure(series, title, across, "error ÷ bound", limit, note)
    return out


def _square(results: Mapping[str, Any]) -> set[str]:
    """Contracts with a square matrix among their arguments; of the others the plot knows no norm."""
    signatures = {str(c.get("name")): str(c.get("signature") or "(n,n)") for c in results.get("contracts") or []}
    found = {name for name, s in signatures.items() if _SQUARE.search(s.partition("->")[0])}
    return found | {str(r.get("contract")) for r in results.get("ratio_by_norm") or []} - set(signatures)


def _growths(results: Mapping[str, Any], styles: Styles) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[tuple[str, str], Mapping[str, Any]]] = {}
    for g in results.get("growth") or []:
        if g.get("points"):
            found.setdefault(str(g.get("contract")), {})[str(g.get("subject")), str(g.get("space"))] = g
    out = {}
    for contract, groups in found.items():
        share = max(8, POINTS // len(groups))
        series = [
            Series(
                f"{_label(who, groups)}: exponent {significant(g.get('exponent'), 3)}",
                styles(who),
                [Point(finite(n), finite(t)) for n, t in _pairs(g["points"])][:share],
                [Point(finite(n), finite(t)) for n, t in _pairs(g.get("fitted"))][:share],
            )
            for who, g in _in_order(groups, styles)
        ]
        out[contract] = _figure(series, f"{contract}: seconds against size", "n", "seconds", None, "")
    return out


def _figure(series: list[Series], title: str, x: str, y: str, limit: float | None, note: str) -> dict[str, Any]:
    words = f"limit {limit:g}" if limit else ""
    svg = plot(series, title=title, x=x, y=y, line=limit, line_label=words)
    return {"svg": svg, "legend": legend(series), "note": note}


def _in_order(groups: Mapping[tuple[str, str], T], styles: Styles) -> list[tuple[tuple[str, str], T]]:
    """In the order of the subjects."""
    return sorted(groups.items(), key=lambda g: (styles(g[0])[0], g[0]))


def _label(who: tuple[str, str], all_of_them: Iterable[tuple[str, str]]) -> str:
    """The subject; with its space where it has several."""
    alone = sum(other[0] == who[0] for other in all_of_them) == 1
    return who[0] if alone else f"{who[0]} · {who[1]}"


def _pairs(points: Any) -> list[tuple[Any, Any]]:
    return [(p[0], p[1]) for p in points or [] if len(p) == 2]

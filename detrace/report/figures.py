"""The three pictures of a contract: error against time, ratio against the input's norm, and growth with size."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from .benchmarks import _measured, backend
from .plots import Point, Series, legend, plot
from .show import number, ratio, significant, slug


def figures(results: Mapping[str, Any], most: int, growth: bool = True) -> list[dict[str, Any]]:
    """One entry a contract that has any picture. `most` bounds the points of a plot; `growth` asks for that kind."""
    if not most:
        return []
    limit = number(results.get("limit")) or 30.0
    parts = [
        ("Error and time", _planes(results, limit)), ("Ratio and norm", _norms(results, limit, most)),
        ("Growth", _growths(results, most) if growth else {}),
    ]  # fmt: skip
    order = [str(c.get("name")) for c in results.get("contracts") or []]
    names = dict.fromkeys([c for c in order if any(c in p for _, p in parts)] + [c for _, p in parts for c in p])
    return [
        {"contract": c, "anchor": f"figures-{slug(c)}", "plots": [{"title": t, **p[c]} for t, p in parts if c in p]}
        for c in names
    ]


def _planes(results: Mapping[str, Any], limit: float) -> dict[str, dict[str, Any]]:
    """A point for each subject and backend: geometric mean of time ratios, worst certified error ratio."""
    found: dict[str, dict[tuple[str, str], list[Mapping[str, Any]]]] = {}
    silent: dict[str, int] = {}
    for b in results.get("benchmarks") or []:
        contract = str(b.get("contract"))
        if not _measured(b) or not (number(b.get("ratio")) or 0) > 0:
            continue
        if number(b.get("error_ratio")) is None:
            silent[contract] = silent.get(contract, 0) + 1
            continue
        found.setdefault(contract, {}).setdefault((str(b.get("subject")), backend(b)), []).append(b)
    out = {}
    for contract, groups in found.items():
        series = [Series(_label(who, groups), [_plane_point(who, rows)]) for who, rows in sorted(groups.items())]
        note = f"{silent[contract]} timings without a certified error are not drawn." if silent.get(contract) else ""
        title = f"{contract}: worst certified ratio against time"
        out[contract] = _figure(series, title, "time ÷ fastest", "error ÷ bound", limit, note)
    return out


def _plane_point(who: tuple[str, str], rows: Sequence[Mapping[str, Any]]) -> Point:
    times = [number(b["ratio"]) or 1.0 for b in rows]
    slower = math.exp(sum(map(math.log, times)) / len(times))
    worst = max((_finite(b["error_ratio"]) for b in rows), default=0.0)
    label = f"{who[0]} ({who[1]}): {significant(slower)} times the fastest, error {ratio(worst)} of its bound"
    return Point(slower, worst, f"{label}, {len(rows)} timings")


def _norms(results: Mapping[str, Any], limit: float, most: int) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[tuple[str, str], list[Point]]] = {}
    for r in results.get("ratio_by_norm") or []:
        points = [Point(_finite(p[0]), _finite(p[1])) for p in r.get("points") or [] if len(p) == 2]
        if points:
            found.setdefault(str(r.get("contract")), {})[str(r.get("subject")), str(r.get("space"))] = points
    out = {}
    for contract, groups in found.items():
        share = max(4, most // len(groups))
        thinned = any(len(points) > share for points in groups.values())
        series = [Series(_label(who, groups), thin(points, share)) for who, points in sorted(groups.items())]
        note = "Of neighbouring inputs only the worst is drawn." if thinned else ""
        title = f"{contract}: ratio against the norm of the input"
        out[contract] = _figure(series, title, "‖A‖₁", "error ÷ bound", limit, note)
    return out


def _growths(results: Mapping[str, Any], most: int) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[tuple[str, str], Mapping[str, Any]]] = {}
    for g in results.get("growth") or []:
        if g.get("points"):
            found.setdefault(str(g.get("contract")), {})[str(g.get("subject")), str(g.get("space"))] = g
    out = {}
    for contract, groups in found.items():
        share = max(8, most // len(groups))
        series = [
            Series(
                f"{_label(who, groups)}: n^{significant(g.get('exponent'), 3)}",
                [Point(_finite(n), _finite(t)) for n, t in _pairs(g["points"])][:share],
                [Point(_finite(n), _finite(t)) for n, t in _pairs(g.get("fitted"))][:share],
            )
            for who, g in sorted(groups.items())
        ]
        out[contract] = _figure(series, f"{contract}: seconds against size", "n", "seconds", None, "")
    return out


def _figure(series: list[Series], title: str, x: str, y: str, limit: float | None, note: str) -> dict[str, Any]:
    words = f"limit {limit:g}" if limit else ""
    svg = plot(series, title=title, x=x, y=y, line=limit, line_label=words)
    return {"svg": svg, "legend": legend(series), "note": note}


def thin(points: list[Point], most: int) -> list[Point]:
    """At most `most` points: sorted by x, of each run of neighbours the one with the largest y."""
    if len(points) <= most:
        return points
    ordered = sorted(points, key=lambda p: p.x)
    edges = [round(k * len(ordered) / most) for k in range(most + 1)]
    return [max(ordered[a:b], key=lambda p: p.y) for a, b in pairwise(edges)]


def _label(who: tuple[str, str], all_of_them: Iterable[tuple[str, str]]) -> str:
    """The subject; with its space where it has several."""
    alone = sum(other[0] == who[0] for other in all_of_them) == 1
    return who[0] if alone else f"{who[0]} · {who[1]}"


def _pairs(points: Any) -> list[tuple[Any, Any]]:
    return [(p[0], p[1]) for p in points or [] if len(p) == 2]


def _finite(x: Any) -> float:
    """A number; what is none, and NaN, counts as infinitely bad."""
    value = number(x)
    return math.inf if value is None or math.isnan(value) else value

"""Ratios against the size of the input: the samples in the results; for other contracts the worst example of each item."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from .counts import outcome
from .plots import Point
from .show import decoded, number

Samples = dict[str, dict[tuple[str, str], list[Point]]]


def samples(results: Mapping[str, Any]) -> tuple[Samples, set[str]]:
    """Points (size, ratio) by contract, then by subject and backend; and the contracts that have worst examples only."""
    found: Samples = {}
    for r in results.get("ratio_by_norm") or []:
        points = [Point(finite(p[0]), finite(p[1])) for p in r.get("points") or [] if len(p) == 2]
        if points:
            who = str(r.get("subject")), str(r.get("space")).rpartition("-")[0]
            found.setdefault(str(r.get("contract")), {}).setdefault(who, []).extend(points)
    worst = {c: who for c, who in _worst_examples(results).items() if c not in found}
    return found | worst, set(worst)


def _worst_examples(results: Mapping[str, Any]) -> Samples:
    contracts = {str(law["name"]): [str(c) for c in law.get("contracts") or []] for law in results.get("laws") or []}
    found: Samples = {}
    for item in results.get("items") or []:
        if outcome(item) not in ("held", "violated") or item.get("worst") is None:
            continue
        norm = norm_of(item.get("input"))
        if norm is not None:
            backend = str(item.get("space")).rpartition("-")[0]
            for contract in contracts.get(str(item.get("law")), [])[:1]:
                who = found.setdefault(contract, {}).setdefault((str(item.get("subject")), backend), [])
                who.append(Point(norm, finite(item["worst"])))
    return found


def norm_of(inputs: Any) -> float | None:
    """Of the first array among the inputs: ‖·‖₁ of a matrix (the largest of a batch), the largest entry of a vector."""
    x = _first(decoded(inputs))
    if x is None:
        return None
    with np.errstate(all="ignore"):
        sizes = np.abs(x)
        norm = float(sizes.sum(axis=-2).max() if x.ndim > 1 else sizes.max())
    return norm if norm > 0 else None


def _first(value: Any) -> np.ndarray | None:
    if isinstance(value, np.ndarray):
        return value if value.size and value.ndim and value.dtype.kind in "fciu" else None
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return next((x for x in map(_first, parts) if x is not None), None)


def thin(points: list[Point], most: int) -> list[Point]:
    """At most `most` points: sorted by x, of each run of neighbours the one with the largest y."""
    if len(points) <= most:
        return points
    ordered = sorted(points, key=lambda p: p.x)
    edges = [round(k * len(ordered) / most) for k in range(most + 1)]
    return [max(ordered[a:b], key=lambda p: p.y) for a, b in pairwise(edges)]


def finite(x: Any) -> float:
    """A number; what is none, and NaN, counts as infinitely bad."""
    value = number(x)
    return math.inf if value is None or math.isnan(value) else value

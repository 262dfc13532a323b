"""Ratios against the norm of the input: the samples in the results, or else the worst example of each item."""

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


def samples(results: Mapping[str, Any]) -> Samples:
    """Points (norm, ratio) by contract, then by subject and space."""
    found: Samples = {}
    for r in results.get("ratio_by_norm") or []:
        points = [Point(finite(p[0]), finite(p[1])) for p in r.get("points") or [] if len(p) == 2]
        if points:
            found.setdefault(str(r.get("contract")), {})[str(r.get("subject")), str(r.get("space"))] = points
    return found or _worst_examples(results)


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
    """‖·‖₁ of the first square matrix among the inputs (the largest of a batch); None if there is none."""
    value = decoded(inputs)
    for x in value.values() if isinstance(value, dict) else ():
        if isinstance(x, np.ndarray) and x.ndim >= 2 and x.shape[-1] == x.shape[-2] and x.size:
            with np.errstate(all="ignore"):
                norm = float(np.abs(x).sum(axis=-2).max())
            return norm if norm > 0 else None
    return None


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

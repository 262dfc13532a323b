"""Records: what the results file holds for each benchmark and each growth curve (docs/benchmarks.md)."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ..judging import LIMIT
from . import growth, statistics
from .cases import Case, Growth, Work
from .limits import limit

MEASURED, NOT_MEASURED = "measured", "not measured"


@dataclass
class Group:
    """One case in one dtype: subjects that stand side by side, and those that cannot, with the reason."""

    family: str
    case: Case
    dtype: str
    members: list[tuple[str, str, bool]] = field(default_factory=list)
    absent: list[tuple[str, str, str]] = field(default_factory=list)

    def task(self) -> dict[str, Any]:
        return {"case": self.case.id, "dtype": self.dtype, "members": self.members}

    def params(self, cold: bool = False) -> dict[str, Any]:
        return {**self.case.params, "dtype": self.dtype, **({"cache": "cold"} if cold else {})}

    @cached_property
    def work(self) -> Work:
        return self.case.work(self.case.arguments(self.dtype), self.dtype, np.dtype(self.dtype).itemsize)


def group_records(group: Group, answers: list[Any], limits: dict[str, Any]) -> list[dict[str, Any]]:
    """Records of one group from the answers of each process (a string where the process died)."""
    rng = np.random.default_rng(zlib.crc32(group.case.id.encode()))
    rows = [_row(group, *member, answers) for member in group.members]
    for cold in (False, True):
        _compare([r for r in rows if (r["params"].get("cache") == "cold") is cold], rng, group.case.baseline)
    for row in rows:
        row.pop("blocks")
        if row["status"] == MEASURED and limits and row["space"].split("-")[1] != "cuda":
            row["limit_s"], row["limit_kind"] = limit(group.work, group.dtype, limits)
            row["limit_share"] = row["limit_s"] / row["median_s"]
    return rows + [_empty(group, subject, backend, False, reason) for subject, backend, reason in group.absent]


def _empty(group: Group, subject: str, backend: str, cold: bool, reason: str) -> dict[str, Any]:
    params = group.params(cold)
    named = ",".join(f"{k}={v}" for k, v in params.items())
    space = f"{backend}-{group.dtype}"
    return {
        "id": f"{group.case.contract}[{named}][{subject}-{space}]", "contract": group.case.contract,
        "family": group.family, "headline": group.case.headline,
        "params": params, "subject": subject, "space": space, "median_s": None, "iqr_s": None,
        "ratio": None, "ratio_low": None, "ratio_high": None, "limit_s": None, "limit_kind": None, "limit_share": None,
        "against": "", "error_ratio": None, "checked": False, "right": False, "check": "", "launch_bound": None, "wall_s": None,
        "peak_memory": None,
        "quantiles": [], "lag1": None, "lag1_ratio": None, "lost": None, "processes": 0, "rounds": 0,
        "rival": any(r.name == subject for r in group.case.rivals), "status": NOT_MEASURED, "reason": reason,
    }  # fmt: skip


def _row(group: Group, subject: str, backend: str, cold: bool, answers: list[Any]) -> dict[str, Any]:
    row = _empty(group, subject, backend, cold, "")
    key = f"{subject}-{backend}-{group.dtype}{'-cold' if cold else ''}"
    parts = [a[key] for a in answers if isinstance(a, dict) and key in a]
    reasons = [a for a in answers if isinstance(a, str)] + [p["reason"] for p in parts if p["reason"]]
    row["blocks"] = blocks = [np.array(p["samples"]) for p in parts if p["samples"]]
    if reasons or not blocks:
        row["reason"] = reasons[0] if reasons else "no sample was taken"
        row["blocks"] = []
        return row
    first = parts[0]
    row |= {
        "status": MEASURED, "median_s": statistics.centre(blocks), "iqr_s": statistics.spread(blocks),
        "quantiles": statistics.quantiles(blocks), "lag1": statistics.lag1(blocks), "processes": len(blocks),
        "rounds": min(len(b) for b in blocks), "error_ratio": first["error_ratio"],
        "check": first["how"], "launch_bound": first["launch_bound"], "wall_s": first["wall_s"],
        "peak_memory": first["peak_memory"], "lost": first["lost"],
    }  # fmt: skip
    error = row["error_ratio"]
    row["checked"] = error is not None
    row["right"] = row["checked"] and not isinstance(error, str) and error < LIMIT
    if row["checked"] and not row["right"]:
        shown = error if isinstance(error, str) else f"{error:.3g}"
        row["reason"] = f"the timed result errs {shown} times its bound; the limit is {LIMIT:g}"
    return row


def _compare(rows: list[dict[str, Any]], rng: np.random.Generator, baseline: str = "") -> None:
    """Ratios to the baseline, else to the fastest row, whose result is right; all blocks of a group have the same shape."""
    measured = [r for r in rows if r["blocks"]]
    right = [r for r in measured if r["right"]]
    base = min(right, key=lambda r: (r["subject"] != baseline, r["median_s"]), default=None)
    if base is None:
        return
    for r in measured:
        r["against"] = baseline if base["subject"] == baseline else ""
        r["ratio"], r["ratio_low"], r["ratio_high"] = statistics.ratio(r["blocks"], base["blocks"], rng)
        if r is not base:
            r["lag1_ratio"] = statistics.lag1([np.log(a / b) for a, b in zip(r["blocks"], base["blocks"], strict=True)])


def growth_record(family: str, curve: Growth, subject: str, backend: str, answers: list[Any]) -> dict[str, Any]:
    """One fitted curve; exponent None with the reason where it could not be had."""
    record: dict[str, Any] = {
        "contract": curve.contract, "family": family, "subject": subject, "space": f"{backend}-{curve.dtype}",
        "variable": curve.variable, "theory": curve.theory, "n0": min(curve.sizes), "n1": max(curve.sizes),
        "exponent": None, "low": None, "high": None, "offset_s": None, "points": [], "fitted": [], "reason": "",
    }  # fmt: skip
    good = [a["times"] for a in answers if isinstance(a, dict)]
    if not good:
        return record | {"reason": next((a for a in answers if isinstance(a, str)), "no sample was taken")}
    rounds = min(len(sizes) for times in good for sizes in times)
    samples = np.array([[size[:rounds] for size in times] for times in good]).transpose(0, 2, 1)
    times = np.median(np.median(samples, axis=1), axis=0)
    best = growth.fit(curve.sizes, times)
    rng = np.random.default_rng(zlib.crc32(curve.id.encode()))
    low, high = growth.exponent_interval(curve.sizes, samples, rng, best=best)
    return record | {
        "exponent": best.exponent, "low": low, "high": high, "offset_s": best.offset,
        "points": [[int(n), float(t)] for n, t in zip(curve.sizes, times, strict=True)],
        "fitted": [[int(n), float(best(n))] for n in curve.sizes],
    }  # fmt: skip

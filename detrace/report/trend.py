"""How each kernel's ratio to its control went over the runs, with its steps: words for the page, numbers for its script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .packed import compact
from .show import moment, number

MOST = 60
"""Runs of one kernel that are drawn, the newest; more stand too close to be told apart."""
POINTS = 2400
"""Runs of all kernels together that are drawn: what keeps the section at a few bytes a run within a few kilobytes."""
FEWEST = 12
LISTED = 30
"""Steps that are put in words, the newest first; the plots mark all."""


def trend(results: Mapping[str, Any], given: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
    """The section's content from ``gate.trend`` or, before it, from `given`; None without runs."""
    block = results.get("gate")
    kept = given if given is not None else block.get("trend") if isinstance(block, Mapping) else None
    kernels = [k for name, e in (kept or {}).items() if (k := _kernel(str(name), e))]
    if not kernels:
        return None
    most = max(FEWEST, min(MOST, POINTS // len(kernels)))
    found = [s | {"case": k["case"], "who": k["who"]} for k in kernels for s in k["steps"]]
    found.sort(key=lambda s: s["time"], reverse=True)
    kernels.sort(key=lambda k: max((s["time"] for s in k["steps"]), default=""), reverse=True)
    times = sorted(r[0] for k in kernels for r in k["runs"])
    return {
        "kernels": len(kernels), "runs": len({(r[0], r[1]) for k in kernels for r in k["runs"]}),
        "first": moment(times[0]), "last": moment(times[-1]), "steps": found[:LISTED], "more": max(0, len(found) - LISTED),
        "cut": any(len(k["runs"]) > most for k in kernels), "most": most, "data": _data(kernels, most),
    }  # fmt: skip


def _kernel(name: str, e: Any) -> dict[str, Any] | None:
    """A kernel's runs [time, commit, ratio, low, high] and its steps; None where nothing is usable."""
    if not isinstance(e, Mapping):
        return None
    rows: Sequence[Sequence[Any]] = e.get("runs") or []
    if not rows or not all(len(r) == 5 and all(0.0 < (number(v) or 0.0) < float("inf") for v in r[2:]) for r in rows):
        return None
    case, who = _parts(name)
    steps = [
        {"run": s["run"], "factor": s["factor"], "time": str(rows[s["run"]][0]), "when": moment(rows[s["run"]][0]),
         "commit": str(s.get("commit") or "")[:10], "words": change(s["factor"])}
        for s in e.get("steps") or [] if 0 <= s["run"] < len(rows)
    ]  # fmt: skip
    return {
        "case": case, "who": who, "control": str(e.get("control") or ""),
        "runs": [[str(r[0]), str(r[1])[:10], *map(float, r[2:])] for r in rows], "steps": steps,
    }  # fmt: skip


def _parts(kernel: str) -> tuple[str, str]:
    """``expm[n=4]`` and ``reference · numpy-cpu-float64`` of a kernel's id, as the gate's own section names it."""
    case, _, rest = kernel.rpartition("][")
    subject, *space = rest.rstrip("]").rsplit("-", 3)
    if not case or len(space) < 3:
        return kernel, ""
    case = case.removesuffix(f"dtype={space[-1]}").rstrip(",")
    return f"{case}]", f"{subject} · {'-'.join(space)}"


def change(factor: float) -> str:
    """``21 % slower``, ``12 % faster``, ``2.5 times slower``."""
    if not 0.5 < factor < 2.0:
        return f"{max(factor, 1 / factor):.3g} times {'slower' if factor > 1 else 'faster'}"
    return f"{100 * abs(factor - 1):.0f} % {'slower' if factor > 1 else 'faster'}"


def _data(kernels: Sequence[Mapping[str, Any]], most: int) -> str:
    """JSON: ``runs`` [[time, commit]] once; by kernel a column each of runs by number, ratios, and their ends in permille.

    ``first`` is how many older runs are left out, ``steps`` [[position among those drawn, factor]].
    """
    runs = {key: i for i, key in enumerate(sorted({(r[0], r[1]) for k in kernels for r in k["runs"]}))}
    out = []
    for k in kernels:
        first = max(0, len(k["runs"]) - most)
        rows = k["runs"][first:]
        out.append({
            "case": k["case"], "who": k["who"], "control": k["control"], "first": first,
            "run": [runs[r[0], r[1]] for r in rows], "ratio": [float(f"{r[2]:.4g}") for r in rows],
            "low": [round(1000 * (1 - r[3] / r[2])) for r in rows],
            "high": [round(1000 * (min(r[4] / r[2], 1e6) - 1)) for r in rows],
            "steps": [[s["run"] - first, float(f"{s['factor']:.4g}")] for s in k["steps"] if s["run"] > first],
        })  # fmt: skip
    return compact({"runs": [[moment(time), commit] for time, commit in runs], "kernels": out})

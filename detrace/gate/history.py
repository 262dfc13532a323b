"""History: one file a run, by machine, and the level shifts that the runs show. Schema ``detrace.history/1``.

What is kept of a kernel is the log-ratio to its frozen control, which compares across runs as a raw time does not.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from .. import results as store
from .baseline import key
from .trees import GateError

SCHEMA = "detrace.history/1"
KEPT = ("control", "inputs", "code", "log_ratio", "low", "high", "median_s")

SMALLEST = math.log(1.05)
"""Smaller shifts are not marked: they are as large as what memory layout does to identical code."""
SIGMAS = 4.0
"""A shift must exceed so many standard errors. Of histories of thirty runs of nothing but noise 1 % then have a mark, and 4 %
with 3, since the position is the best of many."""
SIDE = 3
"""Runs on each side of a step: two have no median that one outlier does not move."""


def record(part: dict[str, Any]) -> dict[str, Any]:
    """A run's record from this machine's part of a baseline (`detrace.gate.run.part`)."""
    kernels = {name: {k: e[k] for k in KEPT} for name, e in part["kernels"].items()}
    return {"schema": SCHEMA, **{k: part[k] for k in ("fingerprint", "created", "commit", "dirty")}, "kernels": kernels}


def save(run: dict[str, Any], folder: Path) -> Path:
    """Write a record to ``folder/<machine>/<time>-<commit>.json``, atomically."""
    name = f"{run['created'].replace(':', '').replace('+0000', 'Z')}-{run['commit'][:10] or 'nocommit'}.json"
    path = folder / key(run["fingerprint"]) / name
    try:
        store.write_text(json.dumps(run, indent=1, allow_nan=False) + "\n", path)
    except OSError as error:
        raise GateError(f"the history cannot be written to {path}: {error.strerror}; name another folder") from None
    return path


def load(folder: Path, machine: str) -> list[dict[str, Any]]:
    """All runs on a machine, in the order of time. GateError for a file that is unreadable or of another schema."""
    runs = []
    for path in sorted((folder / machine).glob("*.json")):
        try:
            run = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise GateError(f"{path} cannot be read ({error}); move it out of the history") from None
        schema = run.get("schema") if isinstance(run, dict) else None
        if schema != SCHEMA:
            raise GateError(f"{path} has schema {schema}, this gate reads {SCHEMA}; move it out of the history")
        if missing := sorted({"fingerprint", "created", "commit", "kernels"} - set(run)):
            raise GateError(f"{path} is damaged (it has no {', '.join(missing)}); move it out of the history")
        runs.append(run)
    return sorted(runs, key=lambda r: r["created"])


def newest(folder: Path) -> list[dict[str, Any]]:
    """All runs on the machine that ran last. GateError without a run, or for a file that `load` refuses."""
    machines = sorted({path.parent.name for path in folder.glob("*/*.json")})
    if not machines:
        raise GateError(f"there is no history in {folder}; `detrace gate --baseline FILE --history {folder}` keeps one")
    return max((load(folder, machine) for machine in machines), key=lambda runs: str(runs[-1]["created"]))


def trend(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """JSON-ready: by kernel its runs as [time, commit, ratio, low, high], and its steps as {run, commit, factor}.

    Only runs with the newest run's control and inputs count: ratios to other controls are other quantities.
    """
    found: dict[str, Any] = {}
    for name in dict.fromkeys(k for run in runs for k in run["kernels"]):
        own = [(run, run["kernels"][name]) for run in runs if name in run["kernels"]]
        last = own[-1][1]
        own = [(r, e) for r, e in own if (e["control"], e["inputs"]) == (last["control"], last["inputs"])]
        found[name] = {
            "control": last["control"],
            "runs": [[r["created"], r["commit"], *(math.exp(e[k]) for k in ("log_ratio", "low", "high"))] for r, e in own],
            "steps": [
                {"run": i, "commit": own[i][0]["commit"], "factor": math.exp(shift)}
                for i, shift in steps([e["log_ratio"] for _, e in own])
            ],
        }  # fmt: skip
    return found


def steps(values: Iterable[float]) -> list[tuple[int, float]]:
    """Level shifts of a series: (index of the first value after, shift), in order.

    Binary segmentation by medians: the position where two levels fit best is a step if its shift exceeds `SIGMAS` standard
    errors and `SMALLEST`; then each side is searched. Noise is the median absolute difference of neighbours, which steps do not
    raise; slow drift is no step.
    """
    x = np.asarray(list(values), dtype=float)
    if len(x) < 2 * SIDE:
        return []
    noise = float(np.median(np.abs(np.diff(x)))) / (0.6745 * math.sqrt(2.0))
    where = _split(x, 0, len(x), noise)
    edges = [0, *where, len(x)]
    levels = [float(np.median(x[a:b])) for a, b in pairwise(edges)]
    return [(k, after - before) for k, (before, after) in zip(where, pairwise(levels), strict=True)]


def _split(x: np.ndarray, start: int, end: int, noise: float) -> list[int]:
    """Steps within [start, end): where two medians fit best, if the shift there is large enough; then each side."""
    places = range(start + SIDE, end - SIDE + 1)
    if not places:
        return []
    where = min(places, key=lambda k: _misfit(x[start:k]) + _misfit(x[k:end]))
    shift = abs(float(np.median(x[where:end]) - np.median(x[start:where])))
    error = 1.2533 * noise * math.sqrt(1.0 / (where - start) + 1.0 / (end - where))
    if not (shift > SMALLEST and shift > SIGMAS * error):
        return []
    return [*_split(x, start, where, noise), where, *_split(x, where, end, noise)]


def _misfit(x: np.ndarray) -> float:
    return float(np.abs(x - np.median(x)).sum())

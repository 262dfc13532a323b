"""A gate's run, from what was asked to one document (schema ``detrace.gate/1``, docs/gate.md)."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import baseline, correctness
from .decision import CONTAMINATED, GONE, INCONCLUSIVE, NEW, PAIRS, SLOWER, Decision, moved, settle, verdict_of
from .kernels import Kernel, check_names, choose, every, listing, listing_of
from .measure import Bench, scout
from .trees import GateError, base_tree, head_tree, merge_base, state

SCHEMA = "detrace.gate/1"
NOTHING = "the working tree is the base commit itself: nothing to compare"


@dataclass(frozen=True)
class Asked:
    """What to gate: subjects as `detrace verify` takes them, kernels by name (all headlines by default), backend ids (the
    first in which a subject works), a dtype, and the names of what is gone on purpose."""

    subjects: Sequence[str] = ("reference",)
    kernels: Sequence[str] = ()
    backends: Sequence[str] = ()
    dtype: str = "float64"
    removed: Collection[str] = ()
    progress: Callable[[str], None] = lambda text: None
    pairs: int = PAIRS


def against_tree(ref: str, asked: Asked) -> dict[str, Any]:
    """The working tree against its merge base with `ref`. GateError for what cannot be gated."""
    start = time.monotonic()
    commit, head = merge_base(ref), head_tree()
    document = _document({"kind": "tree", "ref": ref, "commit": commit})
    if state() == {"commit": commit, "dirty": False}:
        document["notes"].append(NOTHING)
        return document
    with base_tree(commit) as base:
        now = every(listing(), scout(head, asked.subjects, asked.dtype, asked.backends), asked.dtype)
        offers = scout(base, asked.subjects, asked.dtype, asked.backends)
        try:
            before = every(listing_of(base), offers, asked.dtype)
        except GateError as error:
            document["notes"].append(f"benchmarks that only base has are not seen, base does not list its own ({error})")
            before = every(listing(), offers, asked.dtype)
        chosen, missing = _chosen(asked, now, before)
        bench = Bench(head, asked.subjects, {i: k for i, k in chosen.items() if i in before}, base, progress=asked.progress)
        trails = settle(bench.kernels, bench, asked.pairs)
    rows = _rows(bench, trails)
    rows += [_row(k, NEW, "base does not have it") for i, k in chosen.items() if i not in before]
    return _finish(document, rows + _gone(missing, asked.removed, "head does not have it"), bench, start)


def against_file(path: Path, asked: Asked) -> tuple[dict[str, Any], Bench | None]:
    """The working tree against a stored baseline; without one for this machine a report that never fails."""
    start = time.monotonic()
    stored, here = baseline.read(path), baseline.fingerprint()
    part = stored["machines"].get(baseline.key(here))
    document = _document({"kind": "file", "file": str(path), "commit": (part or {}).get("commit", "")})
    if part is None:
        for name, other in stored["machines"].items():
            told = "; ".join(baseline.differences(here, other["fingerprint"]))
            document["notes"].append(f"no times are compared: the baseline of {name} is of another machine ({told})")
        return document, None
    if any(d["verdict"] in (SLOWER, "FASTER") for d in part["canary"].values()):
        document["notes"].append("the baseline was written in a contaminated run: write it again when the machine is quiet")
    entries = [Kernel(*(e[k] for k in ("case", "contract", "subject", "backend", "dtype"))) for e in part["kernels"].values()]
    before = {k.id: (k, True) for k in entries if k.dtype == asked.dtype and k.backend in (asked.backends or [k.backend])}
    now = _every(replace(asked, backends=asked.backends or sorted({k.backend for k, _ in before.values()})))
    before = {i: k for i, k in before.items() if k[0].subject in {s.subject for s, _ in now.values()}}
    chosen, missing = _chosen(asked, now, before)
    chosen |= {i: k for i, k in choose(asked.kernels, before).items() if i in now}
    kept = {i: k for i, k in chosen.items() if i in before}
    bench = Bench(head_tree(), asked.subjects, kept, progress=asked.progress,
                  stored={i: part["kernels"][i] for i in kept})  # fmt: skip
    rows = _rows(bench, settle(kept, bench, asked.pairs))
    for row in rows:
        if row["inputs"] != part["kernels"][row["id"]]["inputs"]:
            row |= {"verdict": NEW, "failed": False, "reason": "its inputs changed since the baseline was written"}
    rows += [_row(k, NEW, "the baseline does not have it") for i, k in chosen.items() if i not in before]
    return _finish(document, rows + _gone(missing, asked.removed, "head does not have it"), bench, start), bench


def measured(asked: Asked) -> Bench:
    """Kernels against the controls of their classes, to be stored."""
    chosen, _ = _chosen(asked, _every(asked), {})
    bench = Bench(head_tree(), asked.subjects, chosen, progress=asked.progress)
    bench(list(bench.kernels), asked.pairs)
    return bench


def part(bench: Bench) -> dict[str, Any]:
    """What a pass against controls adds to a baseline file or a history."""
    entries = {n: baseline.entry(bench.kernels[n].as_json(), t) for n, t in bench.trials.items() if not t.broken}
    return baseline.machine(entries, {n: d[-1] for n, d in bench.canaries.items()})


def add_correctness(document: dict[str, Any], head: correctness.Summary, base: correctness.Summary,
                    removed: Collection[str]) -> None:  # fmt: skip
    """Hold what the laws found in head against what they found in base; any finding fails."""
    findings, notes = correctness.compare(head, base, removed)
    document["correctness"] = {"compared": True, "findings": findings, "notes": notes}
    document["failed"] = document["failed"] or bool(findings)


def _every(asked: Asked) -> dict[str, tuple[Kernel, bool]]:
    if cuda := [b for b in asked.backends if b.endswith("-cuda")]:
        raise GateError(f"there are no controls for {cuda[0]}; gate it with --base")
    return every(listing(), scout(head_tree(), asked.subjects, asked.dtype, asked.backends), asked.dtype)


def _chosen(asked: Asked, now: Mapping[str, tuple[Kernel, bool]],
            before: Mapping[str, tuple[Kernel, bool]]) -> tuple[dict[str, Kernel], dict[str, Kernel]]:  # fmt: skip
    """Head's kernels that are asked for, and those asked for that only base has."""
    check_names(asked.kernels, [k for found in (now, before) for k, _ in found.values()])
    chosen = choose(asked.kernels, now)
    missing = {i: k for i, k in choose(asked.kernels, before).items() if i not in now}
    if not chosen and not missing:
        raise GateError(f"no benchmark can be timed of {', '.join(asked.subjects)} in {asked.dtype}")
    return chosen, missing


def _document(base: dict[str, Any]) -> dict[str, Any]:
    here = baseline.fingerprint()
    return {
        "schema": SCHEMA, "created": datetime.now(UTC).isoformat(timespec="seconds"), "base": base,
        "head": state(), "machine": baseline.key(here), "fingerprint": here,
        "failed": False, "contaminated": False, "notes": [], "kernels": [], "counts": {}, "seconds": 0.0,
        "correctness": {"compared": False, "findings": [], "notes": []},
    }  # fmt: skip


def _finish(document: dict[str, Any], rows: list[dict[str, Any]], bench: Bench, start: float) -> dict[str, Any]:
    return document | {
        "kernels": rows, "contaminated": bench.contaminated(), "failed": any(r["failed"] for r in rows),
        "counts": dict(Counter(r["verdict"] for r in rows)), "seconds": round(time.monotonic() - start, 1),
    }  # fmt: skip


def _row(kernel: Kernel, verdict: str, reason: str = "", failed: bool = False) -> dict[str, Any]:
    return {
        "id": kernel.id, "case": kernel.case, "contract": kernel.contract, "subject": kernel.subject, "space": kernel.space,
        "verdict": verdict, "failed": failed, "ratio": None, "low": None, "high": None, "base_s": None, "head_s": None,
        "pairs": 0, "rounds": 0, "control": "", "inputs": "", "code": "", "canary": None, "trail": [], "reason": reason,
    }  # fmt: skip


def _gone(missing: Mapping[str, Kernel], removed: Collection[str], reason: str) -> list[dict[str, Any]]:
    rows = []
    for kernel in missing.values():
        listed = bool(kernel.names() & set(removed))
        rows.append(_row(kernel, GONE, "on the removal list" if listed else reason, failed=not listed))
    return rows


def _rows(bench: Bench, trails: Mapping[str, Sequence[Decision]]) -> list[dict[str, Any]]:
    return [_measured_row(bench, name, trails.get(name, ())) for name in bench.kernels]


def _measured_row(bench: Bench, name: str, trail: Sequence[Decision]) -> dict[str, Any]:
    trial, kernel = bench.trials[name], bench.kernels[name]
    if not trail:
        where = "; ".join(f"{lane}: {reason}" for lane, reason in trial.broken.items())
        base_works = not {"base", "canary"} & set(trial.broken)
        if "head" in trial.broken and base_works:
            return _row(kernel, GONE, where, failed=True)
        return _row(kernel, INCONCLUSIVE if "head" in trial.broken else NEW, where)
    verdict, reason = judged(bench, name, trail)
    numbers = trail[-1].as_json()
    numbers.pop("verdict")
    return _row(kernel, verdict, reason, failed=verdict == SLOWER) | numbers | trial.about | {
        "base_s": bench.stored[name]["median_s"] if name in bench.stored else _median(trial.seconds["base"]),
        "head_s": _median(trial.seconds["head"]),
        "canary": bench.canaries[name][-1].as_json(), "trail": [d.as_json() for d in trail],
    }  # fmt: skip


def judged(bench: Bench, name: str, trail: Sequence[Decision]) -> tuple[str, str]:
    """What a trail comes to in this run, and why it decides nothing where it does not."""
    verdict = verdict_of(trail)
    if any(map(moved, bench.canaries[name])) or (verdict == SLOWER and bench.contaminated()):
        return CONTAMINATED, "base against base differs as much: the machine is too noisy now"
    unconfirmed = verdict == INCONCLUSIVE and any(d.verdict == SLOWER for d in trail)
    return verdict, "slower once, not confirmed by fresh processes" if unconfirmed else ""


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]

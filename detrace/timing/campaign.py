"""The campaign: which case meets which subject in which space, in how many fresh processes, and what follows."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .. import suite as suites
from ..spaces import Space, backends, probe
from ..subjects import Subject
from . import cases, pool
from .cases import Case
from .limits import best
from .records import Group, group_records, growth_record
from .sampling import FULL, QUICK

NOT_TIMED = ("strict",)
"""Array libraries whose purpose is to check, not to compute."""

LATER = 0.6
"""What a later process takes of the mean of the earlier ones: only the first checks results and compiles."""
MIN_PROCESSES = 2
"""So many there are at any cost: one process says nothing of how processes differ."""

Progress = Callable[[str], None]


def run(suite: suites.Suite, subjects: Sequence[Subject], spaces: Iterable[Space | str] | None = None, *,
        families: Sequence[str] | None = None, quick: bool = True,
        progress: Progress | None = None) -> dict[str, Any]:  # fmt: skip
    """Time subjects side by side; see docs/benchmarks.md for the records.

    Parameters
    ----------
    subjects : as `detrace.plan.subjects` resolves them.
    spaces : `Space` objects, their ids, or backend ids (``"torch-cpu"``); all that detrace knows by default. A backend
        that is not here gives records "not measured" with the probe's reason.
    families : names; all by default.
    quick : fewer cases, rounds and processes (about two minutes); else all.
    progress : called with a line such as ``"[12/120] expm[n=4,batch=1000] float64"``.

    Returns ``{"benchmarks": [...], "growth": [...], "machine_limits": {...}}``, ready for the results file.
    """
    effort = QUICK if quick else FULL
    wanted = wanted_spaces(spaces)
    chosen, curves = cases.load([f for f in suite.families if families is None or f in families])
    groups = make_groups(suite, chosen.values(), subjects, wanted, quick=quick)
    tasks: list[dict[str, Any]] = [{"limits": True}]
    tasks += [g.task() for g in groups if g.members]
    plotted = [
        (family, curve, name, backend)
        for family, curve in curves.values()
        for name, backend in curve.subjects[: 1 if quick else None]
        if (backend, curve.dtype) in wanted and not probe(backend)
        and any(s.name == name and curve.contract in s.functions for s in subjects)
    ]  # fmt: skip
    tasks += [{"growth": c.id, "subject": name, "backend": backend} for _, c, name, backend in plotted]
    answers = _measure(tasks, subjects, sorted({b for b, _ in wanted}), asdict(effort), progress)
    limits = best([a for a in answers[0] if isinstance(a, dict)])
    benchmarks, position = [], 1
    for group in groups:
        blocks: list[Any] = []
        if group.members:
            blocks, position = answers[position], position + 1
        benchmarks += group_records(group, blocks, limits)
    growth = [growth_record(*p, blocks) for p, blocks in zip(plotted, answers[position:], strict=True)]
    return {"benchmarks": benchmarks, "growth": growth, "machine_limits": limits}


def _measure(tasks: list[dict[str, Any]], subjects: Sequence[Subject], backend_ids: list[str], effort: dict[str, Any],
             progress: Progress | None) -> list[list[Any]]:  # fmt: skip
    """Answers to each task, one for each process. Only the first process checks results."""
    answers: list[list[Any]] = [[] for _ in tasks]
    total = effort["processes"] * len(tasks)
    done = 0
    job = {
        "specs": [s.spec for s in subjects], "effort": effort, "core": _core(),
        "backends": [b for b in backend_ids if not probe(b)], "path": [p for p in sys.path if p],
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as cache:
        start = time.perf_counter()
        for process in range(effort["processes"]):
            elapsed = time.perf_counter() - start
            if process >= MIN_PROCESSES and elapsed * (1 + LATER / process) > effort["total_s"]:
                break
            todo = [(i, {**t, "check": process == 0}) for i, t in enumerate(tasks)]
            for index, answer in pool.run({**job, "seed": process}, todo, Path(cache)):
                if answer is not None:
                    answers[index].append(answer)
                    done += 1
                elif progress is not None:
                    progress(f"[{done + 1}/{total}] {_title(tasks[index])}")
            if process == 0:
                tasks = [_without_failures(t, a) for t, a in zip(tasks, answers, strict=True)]
    return answers


def _without_failures(task: dict[str, Any], answers: list[Any]) -> dict[str, Any]:
    """The task without the members that the first process could not measure: they are known, and may have killed it."""
    if "members" not in task or not answers:
        return task
    first = answers[0]
    if isinstance(first, str):
        return {**task, "members": []}
    names = ["{}-{}-{}{}".format(s, b, task["dtype"], "-cold" if cold else "") for s, b, cold in task["members"]]
    return {**task, "members": [m for m, name in zip(task["members"], names, strict=True) if not first[name]["reason"]]}


def make_groups(suite: suites.Suite, chosen: Iterable[tuple[str, Case]], subjects: Sequence[Subject],
                wanted: set[tuple[str, str]], *, quick: bool) -> list[Group]:  # fmt: skip
    """Who stands beside whom: every case and dtype with all subjects and rivals that can do it."""
    return [g for family, case in chosen for g in _groups(suite, family, case, subjects, wanted, quick)]


def _groups(suite: suites.Suite, family: str, case: Case, subjects: Sequence[Subject], wanted: set[tuple[str, str]],
            quick: bool) -> list[Group]:  # fmt: skip
    if quick and not case.quick:
        return []
    found = []
    for dtype in case.quick_dtypes if quick else case.dtypes:
        group = Group(family, case, dtype)
        for backend_id, backend in backends().items():
            if (backend_id, dtype) not in wanted:
                continue
            absent = probe(backend_id)
            for subject in subjects:
                if case.contract not in subject.functions:
                    continue
                if absent:
                    claims = subject.backends is not None and {"any", backend.name, backend_id} & set(subject.backends)
                    if case.headline and claims:
                        group.absent.append((subject.name, backend_id, absent))
                    continue
                reason = subject.why_not(suite.contracts[case.contract], Space(backend, dtype))
                if not reason:
                    group.members.append((subject.name, backend_id, False))
                    if backend.device == "cuda" and case.headline:
                        group.members.append((subject.name, backend_id, True))
                elif reason != "-" and case.headline:
                    group.absent.append((subject.name, backend_id, reason))
            for rival in case.rivals:
                if rival.backend == backend_id and not absent and rival.reach(case.params):
                    group.members.append((rival.name, backend_id, False))
        if group.members or group.absent:
            found.append(group)
    return found


def wanted_spaces(spaces: Iterable[Space | str] | None) -> set[tuple[str, str]]:
    """(backend id, dtype) pairs; ValueError for a name that is none."""
    known = {b: backend for b, backend in backends().items() if backend.name not in NOT_TIMED}
    dtypes = ("float64", "float32")
    found = set()
    for space in known if spaces is None else spaces:
        name = space if isinstance(space, str) else space.id
        backend_id, _, dtype = name.rpartition("-")
        if name in backends():
            found |= {(name, d) for d in dtypes}
        elif backend_id in backends():
            found.add((backend_id, dtype))
        else:
            raise ValueError(f"unknown space {name!r}; there are {', '.join(known)}")
    return {(b, d) for b, d in found if b in known}


def _core() -> int | None:
    """The core that the workers are pinned to: the last that this process may use (the first takes more interrupts)."""
    if not hasattr(os, "sched_getaffinity"):
        return None
    cores = os.sched_getaffinity(0)
    return max(cores) if len(cores) > 1 else None


def _title(task: dict[str, Any]) -> str:
    if "limits" in task:
        return "machine limits"
    if "growth" in task:
        return f"growth of {task['growth']}, {task['subject']} on {task['backend']}"
    return f"{task['case']} {task['dtype']}"

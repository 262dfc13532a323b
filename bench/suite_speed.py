"""The suite's own speed: what its machinery adds to a bare test, how soon it rejects mutants, what users pay."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given, seed, target
from hypothesis.errors import HypothesisException

from detrace import engine
from detrace import suite as suites
from detrace.engine import PROFILES, Profile, hypothesis_settings
from detrace.oracles import matrices
from detrace.spaces import probe, space

try:
    import resource
except ImportError:  # not on Windows
    resource = None  # type: ignore[assignment]

LAW, SPACE = "exponential_is_its_series", "numpy-cpu-float64"
EXAMPLES, REPETITIONS = 200, 9
PAIRS, STARTS = 15, 5
LONGEST_S = 900.0
"""A subprocess that takes longer is given up; what it should show is then not measured."""

Row = dict[str, Any]


def measure(progress: Callable[[str], None] | None = None) -> list[Row]:
    """Rows ``{name, value, unit, aim, how}``; what cannot be measured has value None and the reason in `how`."""
    rows: list[Row] = []
    for part in (overhead, mutants, quick_profile, plugin_cost, catalogue):
        if progress is not None:
            progress(f"the suite's own speed: {part.__name__.replace('_', ' ')}")
        rows += part()
    return rows


def overhead() -> list[Row]:
    """CPU time an example: a law, the machinery without its judge, a bare Hypothesis test that makes the same call."""
    suite = suites.load()
    law, where, subject = suite.laws[LAW], space(SPACE), suite.reference()
    profile = Profile("overhead", EXAMPLES, shrink=False)
    unjudged = replace(law, body=_call_only)
    expm = subject.functions["expm"]
    subject.functions["expm"] = lambda A: counted(A)

    calls = 0

    def counted(A: Any) -> Any:
        nonlocal calls
        calls += 1
        return expm(A)

    def bare(A: Any) -> None:
        counted(A)
        target(0.0, label="ratio")  # so that Hypothesis searches as it does for the engine

    inputs = {name: draw.on(where) for name, draw in law.draws.items()}
    test = given(**inputs)(bare)
    test = seed(zlib.crc32(f"{law.name} {where.dtype}".encode()))(hypothesis_settings(profile, law.cost)(test))
    runs: dict[str, Callable[[], Any]] = {
        "law": lambda: engine.run(law, subject, where, suite.contracts, profile),
        "machinery": lambda: engine.run(unjudged, subject, where, suite.contracts, profile),
        "bare": quietly(test),
    }
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for repetition in range(REPETITIONS + 1):
        for name, run in runs.items():
            matrices._CACHE.clear()  # a repeated input must not find the last repetition's oracle
            calls, start = 0, time.process_time()
            run()
            if repetition:  # the first fills the caches of Hypothesis and of the interpreter
                seconds[name].append((time.process_time() - start) / calls)
    how = f"{LAW}, reference, {SPACE}, CPU time of {EXAMPLES} examples, median of {REPETITIONS} interleaved ratios"

    def share(name: str) -> float:
        return 100 * (statistics.median(a / b for a, b in zip(seconds[name], seconds["bare"], strict=True)) - 1)

    per_example = 1e3 * statistics.median(seconds["bare"])
    return [
        _row("overhead of the machinery over a bare Hypothesis test", share("machinery"), "%", "≤ 25", how),
        _row("the same with the certified judge", share("law"), "%", "", f"{how}; the oracle's work, not overhead"),
        _row("bare Hypothesis test, one example", per_example, "ms", "", how),
    ]


def quietly(test: Callable[[], None]) -> Callable[[], None]:
    """As the engine runs a test: NumPy's warnings are not even made."""

    def run() -> None:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            test()

    return run


def _call_only(expm: Any, A: Any, space: Any) -> None:
    """The law's body without its judge."""
    expm(A)


def mutants() -> list[Row]:
    """Seconds until the first of the laws that must reject a mutant does so."""
    suite = suites.load()
    taken: dict[str, float] = {}
    survivors, absent = [], 0
    for m in suite.mutants().values():
        if probe(m.space.rpartition("-")[0]):
            absent += 1
            continue
        start = time.perf_counter()
        matrices._CACHE.clear()
        try:
            law = suite.laws[m.rejected_by[0]]
            outcome = engine.run(law, m.subject(), space(m.space), suite.contracts, PROFILES["mutants"])
        except (HypothesisException, KeyError, ArithmeticError):
            survivors.append(m.name)
            continue
        taken[m.name] = time.perf_counter() - start
        if outcome.outcome != engine.VIOLATED:
            survivors.append(m.name)
    if not taken:
        return [_row("seconds to reject a mutant", None, "s", "", "not measured: there are no mutants")]
    slowest = max(taken, key=taken.__getitem__)
    how = f"{len(taken)} mutants, each by the first law that must reject it, oracle caches empty"
    how += f"; not rejected: {', '.join(survivors)}" if survivors else ""
    how += f"; {absent} in spaces that are not here" if absent else ""
    return [
        _row("time to reject a mutant, median", statistics.median(taken.values()), "s", "", how),
        _row("time to reject a mutant, longest", taken[slowest], "s", "", slowest),
    ]


def quick_profile() -> list[Row]:
    """Wall time of the quick profile on the reference in NumPy and torch, two worker processes."""
    with tempfile.TemporaryDirectory() as folder:
        results = str(Path(folder) / "results.json")
        command = ["verify", "reference", "--backend", "numpy", "--backend", "torch", "--profile", "quick", "-n", "2"]
        before = _children_s()
        seconds, problem = _detrace([*command, "--results", results])
    shown = f"{' '.join(['detrace', *command])}; {_children_s() - before:.0f} s of CPU time"
    return [_row("quick profile, references on NumPy and torch", seconds, "s", "≤ 90", problem or shown)]


def plugin_cost() -> list[Row]:
    """What the installed plugin adds to somebody else's pytest: collecting an empty file with and without it.

    No other plugin is loaded, so that the difference is not lost in their start-up.
    """
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "test_empty.py").write_text("", encoding="utf-8")
        pytest = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "test_empty.py"]
        variants = (pytest, [*pytest, "-p", "detrace.plugin"])
        differences = []
        for pair in range(PAIRS + 1):
            cost = {i: _cpu(variants[i], folder) for i in ((0, 1) if pair % 2 else (1, 0))}
            if pair:  # the first compiles and fills the disk cache
                differences.append(1e3 * (cost[1] - cost[0]))
    how = f"CPU time of pytest --collect-only on an empty file, median of {PAIRS} interleaved differences"
    return [_row("plugin's cost to somebody else's pytest", statistics.median(differences), "ms", "≤ 30", how)]


def catalogue() -> list[Row]:
    """Wall time of ``detrace laws``."""
    times = [_detrace(["laws"]) for _ in range(STARTS)]
    problem = next((p for _, p in times if p), "")
    seconds = None if problem else min(t for t, _ in times if t is not None)
    return [_row("detrace laws", seconds, "s", "≤ 0.5", problem or f"best of {STARTS} runs")]


def _row(name: str, value: float | None, unit: str, aim: str, how: str) -> Row:
    return {"name": name, "value": None if value is None else round(value, 4), "unit": unit, "aim": aim, "how": how}


def _detrace(arguments: list[str]) -> tuple[float | None, str]:
    """Seconds of a detrace command, or None and why it cannot be timed (status 1, a violated law, can)."""
    try:
        seconds, status, output = _wall([sys.executable, "-m", "detrace", *arguments])
    except subprocess.TimeoutExpired:
        return None, f"not measured: longer than {LONGEST_S:g} s"
    if status not in (0, 1):
        return None, f"not measured: status {status}, {(output.strip().splitlines() or ['no message'])[-1][:200]}"
    return seconds, ""


def _cpu(command: list[str], folder: str) -> float:
    """User and system seconds of a command: its cost whoever else is at work. Wall time where they are not known."""
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    start, before = time.perf_counter(), _children_s()
    subprocess.run(command, cwd=folder, capture_output=True, timeout=LONGEST_S, env=environment, check=False)
    return _children_s() - before or time.perf_counter() - start


def _children_s() -> float:
    if resource is None:
        return 0.0
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _wall(command: list[str]) -> tuple[float, int, str]:
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_S)
    return time.perf_counter() - start, done.returncode, done.stderr

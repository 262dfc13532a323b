"""The suite's own speed: what its machinery adds to a bare test, how soon it rejects mutants, what users pay.

``python -m bench.suite_speed`` measures this alone, as ``detrace bench --suite`` does after the benchmarks.
"""

from __future__ import annotations

import inspect
import itertools
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
from hypothesis import given, seed
from hypothesis.errors import HypothesisException
from threadpoolctl import threadpool_limits

from detrace import draws, engine
from detrace import suite as suites
from detrace.calls import Call
from detrace.engine import PROFILES, Profile, hypothesis_settings
from detrace.laws import Law
from detrace.oracles import matrices
from detrace.spaces import Space, probe, space
from detrace.subjects import Subject

try:
    import resource
except ImportError:  # not on Windows
    resource = None  # type: ignore[assignment]

LAWS = (
    "exponential_is_its_series", "rank_one_exponential_is_its_series", "loss_is_its_formula.hinge_discriminator",
    "penalty_is_certified.one_sided_penalty", "plan_and_potentials_are_complementary", "single_loss_is_the_discriminators_loss",
)  # fmt: skip
"""One of each family; those that ask for gradients would charge the library's work on them to the machinery."""
SPACES = ("numpy-cpu-float64", "torch-cpu-float64")
EXAMPLES, REPETITIONS = 100, 7
MATRICES = ("matrix_exponential", "low_rank_exponential")
PAIRS, STARTS = 15, 5
QUICK = replace(PROFILES["quick"], shrink=False)
LONGEST_S = 900.0
"""A subprocess that takes longer is given up; what it should show is then not measured."""

Row = dict[str, Any]
Made = tuple[str, tuple[Any, ...]]


def measure(progress: Callable[[str], None] | None = None) -> list[Row]:
    """Rows ``{name, value, unit, aim, how}``; what cannot be measured has value None and the reason in `how`."""
    rows: list[Row] = []
    for part in (overhead, mutants, quick_profile, plugin_cost, catalogue):
        if progress is not None:
            progress(f"the suite's own speed: {part.__name__.replace('_', ' ')}")
        rows += part()
    return rows


def overhead() -> list[Row]:
    """CPU time an example: a law, the machinery without its judge, a bare Hypothesis test that makes the same calls."""
    suite = suites.load()
    here = [where for where in SPACES if not probe(where.rpartition("-")[0])]
    with threadpool_limits(1):  # a thread that waits for work spends CPU time
        shares = {(law, where): shares_of(suite, law, where) for law in LAWS for where in here}
    how = f"reference, CPU time of {EXAMPLES} examples, median of {REPETITIONS} interleaved ratios"
    each = {k: f"{suite.family_of(suite.laws[k[0]])} on {k[1]}" for k in shares}

    def listed(what: str) -> str:
        return "; ".join(f"{each[k]} {s[what]:.0f}" for k, s in shares.items())

    def row(name: str, what: str, aim: str, note: str = "") -> Row:
        values = [s[what] for s in shares.values()]
        return _row(name, max(values), "%", aim, f"the most of {len(values)}: {listed(what)}; {how}{note}")

    bare = statistics.median(s["bare"] for s in shares.values())
    return [
        row("overhead of the machinery over a bare Hypothesis test", "machinery", "≤ 25"),
        row("the same with the certified judge", "law", "", "; the oracle's work, not overhead"),
        _row("bare Hypothesis test, one example, median", bare, "ms", "", how),
    ]


def shares_of(suite: suites.Suite, law_name: str, space_id: str) -> dict[str, float]:
    """What the machinery adds to a bare test, alone and with the judge (`machinery`, `law`), in percent; its ms (`bare`).

    The calls are those of the law's first examples, recorded once. The bare test takes their arguments to the library, as any
    test must, makes the calls, and looks at nothing.
    """
    law, where, subject = suite.laws[law_name], space(space_id), suite.reference()
    profile = Profile("overhead", EXAMPLES, climb=False, shrink=False)
    draws.forget()
    recorded = _calls_of(law, subject, where, suite.contracts, profile)
    turn = itertools.count()
    examples = 0

    def unjudged(**given: Any) -> None:
        for name, args in recorded[next(turn) % len(recorded)]:
            given[name](*args)

    def bare(**_drawn: Any) -> None:
        nonlocal examples
        examples += 1
        for name, args in recorded[next(turn) % len(recorded)]:
            subject.functions[law.asks[name]](*(_bound(a, where) for a in args))

    test = given(**{name: draw.on(where) for name, draw in law.draws.items()})(bare)
    test = hypothesis_settings(profile, engine.examples(law, where, profile))(test)
    test = quietly(seed(zlib.crc32(f"{law.base} {where.dtype}".encode()))(test))
    seconds: dict[str, list[float]] = {"law": [], "machinery": [], "bare": []}
    for repetition in range(REPETITIONS + 1):
        for name, taken in seconds.items():
            matrices._CACHE.clear()  # a repeated input must not find the last repetition's oracle
            draws.forget()  # nor be kept from it
            examples, start = 0, time.process_time()
            if name == "bare":
                test()
            else:
                judged = law if name == "law" else replace(law, body=unjudged)
                examples = engine.run(judged, subject, where, suite.contracts, profile).examples
            if repetition:  # the first fills the caches of Hypothesis and of the interpreter
                taken.append((time.process_time() - start) / examples)
    of_bare = {name: [a / b for a, b in zip(s, seconds["bare"], strict=True)] for name, s in seconds.items()}
    shares = {name: 100 * (statistics.median(of_bare[name]) - 1) for name in ("law", "machinery")}
    return shares | {"bare": 1e3 * statistics.median(seconds["bare"])}


def _calls_of(law: Law, subject: Subject, where: Space, contracts: Any, profile: Profile) -> list[list[Made]]:
    """The calls that a law makes, example by example."""
    made: list[list[Made]] = []

    def noting(**given: Any) -> None:
        made.append([])
        noted = {n: _Noted(v, n, made[-1]) if isinstance(v, Call) else v for n, v in given.items()}
        law.body(**noted, **({"space": where} if "space" in inspect.signature(law.body).parameters else {}))

    engine.run(replace(law, body=noting), subject, where, contracts, profile)
    return made


class _Noted(Call):
    """A call that is written down: the law's parameter, and the host arguments."""

    def __init__(self, call: Call, parameter: str, made: list[Made]) -> None:
        super().__init__(call.function, call.contract, call.space, call.record)
        self.parameter, self.made = parameter, made

    def __call__(self, *args: Any) -> Any:
        self.made.append((self.parameter, args))
        return super().__call__(*args)


def _bound(argument: Any, where: Space) -> Any:
    if isinstance(argument, np.ndarray):
        return where.to_native(argument)
    return argument.bind(where) if hasattr(argument, "bind") else argument


def quietly(test: Callable[[], None]) -> Callable[[], None]:
    """As the engine runs a test: NumPy's warnings are not even made."""

    def run() -> None:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            test()

    return run


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
            law = next(law for law in suite.laws.values() if m.rejects(law) and m.rejected_by[0] in (law.name, law.base))
            outcome = engine.run(law, m.subject(), space(m.space), suite.contracts, QUICK)
        except (HypothesisException, ArithmeticError):
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
    """Wall time of the quick profile, references in NumPy and PyTorch, two worker processes: the matrices, and everything."""
    return [
        _quick("quick profile, both families of matrices on NumPy and PyTorch", MATRICES, "≤ 90"),
        _quick("quick profile, all families on NumPy and PyTorch", (), ""),
    ]


def _quick(name: str, families: tuple[str, ...], aim: str) -> Row:
    with tempfile.TemporaryDirectory() as folder:
        results = str(Path(folder) / "results.json")
        command = ["verify", "reference", "--backend", "numpy", "--backend", "torch", "--profile", "quick", "-n", "2"]
        command += [f"--family={f}" for f in families]
        before = _children_s()
        seconds, problem = _detrace([*command, "--results", results])
    shown = f"{' '.join(['detrace', *command])}; {_children_s() - before:.0f} s of CPU time"
    return _row(name, seconds, "s", aim, problem or shown)


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
    """What two short commands take, wall time and CPU time: ``detrace laws``, and one law on NumPy alone."""
    one = ["verify", "reference", "--law", LAWS[0], "--backend", "numpy", "--dtype", "float64"]
    return [_short("detrace laws", ["laws"], "≤ 0.5"), _short("one law on NumPy, from start to end", one, "")]


def _short(name: str, command: list[str], aim: str) -> Row:
    wall, cpu = [], []
    with tempfile.TemporaryDirectory() as folder:
        results = ["--results", str(Path(folder) / "results.json")] if command[0] == "verify" else []
        for _ in range(STARTS):
            before = _children_s()
            seconds, problem = _detrace([*command, *results])
            if seconds is None:
                return _row(name, None, "s", aim, problem)
            wall.append(seconds)
            cpu.append(_children_s() - before)
    shown = f"detrace {' '.join(command)}; best of {STARTS} runs; {min(cpu):.2f} s of CPU time"
    return _row(name, min(wall), "s", aim, shown)


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


if __name__ == "__main__":
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")  # for the commands that are timed
    for measured in measure(print):
        print("{name}: {value} {unit} (aim: {aim}); {how}".format(**measured))

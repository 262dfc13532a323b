"""Isolation: crashes, exits and hangs are results; everything else is what it is without isolation."""

from __future__ import annotations

import importlib
import os
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from detrace import isolation
from detrace.engine import HELD, PROFILES, VIOLATED, run
from detrace.isolation import Worker
from detrace.known import Known
from detrace.reproduction import script
from detrace.spaces import space
from detrace.subjects import resolve
from detrace.suite import load
from detrace.values import decode

CODE = """
import ctypes, os, sys, time
import numpy as np
from reference.matrix_exponential import expm
BACKENDS = "numpy"

class Impl:
    def __init__(self, fault): self.fault = fault
    def expm(self, A):
        if A.shape[-1] > 2: self.fault()
        return expm(A)

def noise():
    print("noise on stdout", flush=True)
    os.write(1, b'{"outcome": {}}' + bytes([10]))
    print("noise on stderr", file=sys.stderr)
    assert sys.stdin.read() == ""

def last_words():
    print("out of luck", file=sys.stderr, flush=True)
    os._exit(7)

fine = Impl(lambda: None)
noisy = Impl(noise)
segfault = Impl(lambda: ctypes.string_at(0))
aborts = Impl(os.abort)
leaves = Impl(last_words)
leaves_politely = Impl(lambda: sys.exit(4))
hangs = Impl(lambda: time.sleep(1000))
spins = Impl(lambda: [None for _ in iter(int, 1)])
wrong = Impl(None)
wrong.expm = lambda A: np.eye(len(A)) + A
class Always:
    def expm(self, A): os._exit(5)
always = Always()
"""
LAW = "exponential_is_its_series"
HANG_SECONDS = 2.0
"""Time limit of these tests: far above what a call and its oracle take here, far below patience."""


@pytest.fixture(scope="module")
def code(tmp_path_factory):
    """The user's module, importable here and in children."""
    folder = tmp_path_factory.mktemp("users")
    (folder / "isolated_code.py").write_text(CODE, encoding="utf-8")
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    yield
    sys.path.remove(str(folder))
    sys.modules.pop("isolated_code", None)


@pytest.fixture(scope="module")
def worker(code):
    """One worker for all tests: it must survive each of them."""
    worker = Worker(30.0)
    yield worker
    worker.close()


def judged(worker, name, explicit=(), profile=PROFILES["quick"], known=()):
    """The outcome of one isolated item."""
    suite = load()
    subject = resolve(f"isolated_code:{name}", suite.contracts)
    return worker.run(suite.laws[LAW], subject, space("numpy-cpu-float64"), profile, explicit, known)


@pytest.mark.parametrize("name", ["fine", "wrong"])
def test_outcomes_are_those_without_isolation(worker, name):
    """A subject that behaves, right or wrong, is judged exactly as in this process."""
    suite = load()
    subject = resolve(f"isolated_code:{name}", suite.contracts)
    here = run(suite.laws[LAW], subject, space("numpy-cpu-float64"), suite.contracts, PROFILES["quick"])
    there = judged(worker, name)
    assert there.outcome == (HELD if name == "fine" else VIOLATED)
    assert replace(there, seconds=0.0) == replace(here, seconds=0.0)


def test_what_a_subject_prints_disturbs_nothing(worker):
    """Prints, raw writes to descriptor 1 and reads of standard input do not reach the protocol."""
    assert judged(worker, "noisy").outcome == HELD


@pytest.mark.parametrize(
    ("name", "kind", "reason"),
    [
        ("segfault", "crashed", "expm crashed with SIGSEGV"),
        ("aborts", "crashed", "expm crashed with SIGABRT"),
        ("leaves", "crashed", "expm ended the process with exit status 7"),
        ("leaves_politely", "raised", "expm called sys.exit(4)"),
    ],
)
def test_a_death_is_a_violation_with_its_input(worker, name, kind, reason):
    """Segfault, abort and exit name themselves; the input is one that does it, simplified; the next item runs."""
    outcome = judged(worker, name)
    assert (outcome.outcome, outcome.reason) == (VIOLATED, reason)
    assert outcome.violation["kind"] == kind
    assert outcome.worst == np.inf
    A = decode(outcome.input)["A"]
    assert A.shape == (3, 3)
    assert (abs(A).max() <= 1) if kind == "raised" else (not A.any())
    assert [c[0] for c in outcome.violation["calls"]] == ["expm"]
    assert outcome.examples > 0
    if name == "leaves":
        assert outcome.violation["why"] == "out of luck"
    assert judged(worker, "fine").outcome == HELD


def test_the_script_of_a_crash_calls_the_subject(worker, float64):
    """The reproduction script of a crash imports the subject and makes the fatal call."""
    suite = load()
    outcome = judged(worker, "segfault")
    text = script(
        suite.laws[LAW], resolve("isolated_code:segfault", suite.contracts), float64, outcome, suite.contracts
    )
    assert "from isolated_code import segfault\nexpm = segfault.expm\n" in text
    assert "got_1 = expm(np.array([[0.0, 0.0, 0.0], " in text
    assert "raise SystemExit(1)" not in text  # reaching the end means that it is gone


@pytest.mark.parametrize(("name", "kind"), [("wrong", "ratio"), ("segfault", "crashed")])
def test_known_deviations_reach_the_child(worker, name, kind):
    """A known deviation explains wrong digits found in the child, and the child's own end, and nothing else."""
    explicit = [{"A": np.eye(3)}]
    assert judged(worker, name, explicit, known=[Known("this", (kind,))]).deviation == "this"
    assert judged(worker, name, explicit, known=[Known("that", ("fact",)), Known("low", ("ratio",), 1.0)]).deviation is None


@pytest.mark.parametrize("name", ["hangs", "spins"])
def test_a_hang_is_a_violation(code, name):
    """A subject that sleeps or spins for ever is stopped after the time limit, and nothing of it stays behind."""
    worker = Worker(HANG_SECONDS)
    try:
        outcome = judged(worker, name, [{"A": np.zeros((3, 3))}])
        assert (outcome.outcome, outcome.reason) == (VIOLATED, f"expm hangs: no answer within {HANG_SECONDS:g} s")
        assert outcome.violation["kind"] == "hung"
        assert outcome.violation["limit_s"] == HANG_SECONDS
    finally:
        worker.close()


def test_explicit_inputs_reach_the_child(worker):
    """A rerun's inputs are tried first, in the child."""
    outcome = judged(worker, "segfault", [{"A": np.eye(3)}])
    assert outcome.examples == 1


def test_probing_is_isolated_and_not_repeated(worker, monkeypatch, float64):
    """A subject that dies on the harmless example gives a reason; other spaces are not tried again."""
    suite = load()
    subject = resolve("isolated_code:always", suite.contracts)
    reason = worker.probe(subject, suite.contracts["expm"], float64)
    assert reason == "on a harmless 2×2 input: expm ended the process with exit status 5"
    monkeypatch.setattr(worker, "_ask", lambda *_: pytest.fail("asked again"))
    assert worker.probe(subject, suite.contracts["expm"], space("numpy-cpu-float32")) == reason


def test_probing_what_works_or_raises(worker, float64):
    """A subject that works is fine; one that raises says what."""
    suite = load()
    assert worker.probe(resolve("isolated_code:fine", suite.contracts), suite.contracts["expm"], float64) == ""


def test_an_import_that_kills_is_found(worker, tmp_path):
    """Importing a module that takes the process down is answered, not followed."""
    path = tmp_path / "deadly.py"
    path.write_text("import os; os.abort()")
    assert worker.resolve(str(path)) == "crashed with SIGABRT"
    assert worker.resolve("isolated_code:fine") == ""
    assert worker.resolve("no_such_module") == ""  # the parent says this one better


def test_mistakes_of_ours_are_errors(worker, float64):
    """A law that does not exist is our mistake, not a verdict on the subject."""
    suite = load()
    subject = resolve("isolated_code:fine", suite.contracts)
    with pytest.raises(RuntimeError, match="KeyError"):
        worker.run(replace(suite.laws[LAW], name="no_such_law"), subject, float64, PROFILES["quick"])


def test_a_child_does_not_outlive_its_parent(code):
    """When its standard input ends, the child ends, whatever the subject is doing."""
    worker = Worker(30.0)
    worker.resolve("isolated_code:fine")
    child = worker._child
    child.stdin.close()
    for _ in range(100):
        if child.poll() is not None:
            break
        time.sleep(0.1)
    assert child.returncode == 0
    worker.close()


def test_ctrl_c_ends_the_child(code, monkeypatch):
    """KeyboardInterrupt while waiting goes through, and the child that was in the middle of something is gone."""
    worker = Worker(30.0)
    worker.resolve("isolated_code:fine")
    pid = worker._child.pid
    monkeypatch.setattr(worker, "_read", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        judged(worker, "fine")
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_simplifications_are_simpler_and_different():
    """What is tried after a crash: blocks of 1, 2 and 3, zeros, round entries, in tuples too; never the input."""
    A, v = np.array([[1.5, 2.0], [0.0, 1.0]]), np.array([0.25, 1.0])
    tried = list(isolation._simplifications({"A": A, "v": (v, 3)}))
    assert tried[0]["A"].shape == (1, 1)
    assert not tried[0]["A"].any()
    assert tried[0]["v"][1] == 3
    assert not any(t["A"].shape == A.shape and (t["A"] == A).all() and (t["v"][0] == v).all() for t in tried)
    assert len({str(t) for t in tried}) == len(tried)

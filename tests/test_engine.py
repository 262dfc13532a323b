"""The engine: what a subject does becomes one of four outcomes, the same ones every time."""

from __future__ import annotations

import itertools
import random
import sys
import types
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import toy
from hypothesis import core
from hypothesis.internal.conjecture import pareto, providers

from detrace import NotOffered, engine, law, undecided
from detrace.engine import HELD, PROFILES, UNDECIDED, VIOLATED, Outcome, Profile, run
from detrace.strategies.matrices import square_matrices
from detrace.strategies.scalars import integers
from detrace.subjects import Subject
from detrace.values import decode

QUICK = PROFILES["quick"]
REPLAY = Profile("replay", 0, shrink=False)
CONTRACTS = toy.suite().contracts


def judged(function, space, which=toy.twice_is_the_sum, profile=QUICK, **settings):
    """The outcome of one item about `twice`."""
    return run(which, toy.subject(twice=function), space, CONTRACTS, profile, **settings)


def test_a_right_subject_holds(float64):
    """A right function holds, with its examples, branches and worst input counted."""
    outcome = judged(lambda a: a + a, float64)
    assert (outcome.outcome, outcome.reason, outcome.violation) == (HELD, "", None)
    assert outcome.worst == 0.0
    assert outcome.decided == outcome.examples >= QUICK.examples
    assert sum(outcome.branches.values()) == outcome.examples
    assert decode(outcome.input)["A"].ndim == 2


def test_a_wrong_subject_is_violated_on_a_small_input(float64):
    """A mistake that needs a 2×2 matrix is found, shrunk to 2×2 with small entries, and fully described."""
    outcome = judged(lambda a: a + a + (len(a) > 1) * np.eye(len(a)), float64)
    assert outcome.outcome == VIOLATED
    A = decode(outcome.input)["A"]
    assert A.shape == (2, 2)
    assert abs(A).max() <= 2
    v = outcome.violation
    assert v["kind"] == "ratio"
    assert v["why"] == "one rounding"
    np.testing.assert_array_equal(decode(v["truth"]), 2 * A)
    assert [c[0] for c in v["calls"]] == ["twice"]
    assert outcome.worst > 30


def _exits(a):
    sys.exit(1)


def _mutates(a):
    a += 1
    return a - 1


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda a: a * np.nan, "twice returned NaN or infinity where a finite value is due"),
        (lambda a: (a + a).tolist(), "twice returned list, not an array of numpy-cpu"),
        (lambda a: float(a[0, 0]), "twice returned float, not an array of numpy-cpu"),
        (lambda a: a[0], r"twice returned shape"),
        (lambda a: np.float32(a), "twice returned dtype float32, expected float64"),
        (lambda a: 1 / 0, "twice raised ZeroDivisionError: division by zero"),
        (_exits, "twice called sys.exit(1)"),
        (_mutates, "twice changed the array that it was given"),
    ],
)
def test_every_fault_is_a_violation_with_one_sentence(float64, function, reason):
    """Non-finite, wrong type, shape or dtype, exceptions, exits and mutation: violated, one sentence each."""
    outcome = judged(function, float64)
    assert outcome.outcome == VIOLATED
    assert outcome.reason.startswith(reason)
    assert "\n" not in outcome.reason


def test_nan_that_breaks_an_oracle_is_the_subjects_fault(float64):
    """An oracle that raises because the result is NaN means a violation; one that raises on its own is an error."""

    @law("x", source="toy", A=square_matrices(max_n=2))
    def oracle_cannot(twice, A):
        """For every A."""
        if not np.isfinite(twice(A)).all():
            raise np.linalg.LinAlgError("SVD did not converge")
        raise ArithmeticError("the oracle is at its wits' end")

    assert judged(lambda a: a * np.nan, float64, oracle_cannot).reason.startswith("twice returned NaN")
    with pytest.raises(ArithmeticError, match="wits"):
        judged(lambda a: a, float64, oracle_cannot)


def test_undecided_is_not_held(float64):
    """A law that cannot decide any example is undecided, with its reason; so is one that never judges."""

    @law("x", source="toy", A=square_matrices(max_n=1))
    def cannot(twice, A):
        """For every A."""
        twice(A)
        undecided("too hard")

    @law("x", source="toy", A=square_matrices(max_n=1))
    def forgets(twice, A):
        """For every A."""

    outcome = judged(lambda a: a, float64, cannot)
    assert (outcome.outcome, outcome.reason, outcome.decided) == (UNDECIDED, "too hard", 0)
    assert judged(lambda a: a, float64, forgets).reason == "no example was judged"


def test_a_subject_with_a_mind_of_its_own_is_not_deterministic(float64):
    """A result that changes when the input is repeated is a violation that says so."""
    count = itertools.count()
    outcome = judged(lambda a: a + a + (next(count) == 7), float64)
    assert outcome.outcome == VIOLATED
    assert outcome.reason.startswith("not deterministic")


def test_the_same_item_is_searched_the_same_way(float64):
    """Two runs draw the same inputs, whatever other modules are loaded meanwhile."""

    def inputs() -> list[str]:
        seen: list[str] = []
        judged(lambda a: a + a, float64, watch=lambda drawn: seen.append(repr(drawn)))
        return seen

    first = inputs()
    module = types.ModuleType("loaded_meanwhile")
    module.__file__ = __file__.replace("tests", "somewhere")
    sys.modules["loaded_meanwhile"] = module
    try:
        assert inputs() == first
    finally:
        del sys.modules["loaded_meanwhile"]
    assert len(set(first)) > QUICK.examples / 2


def test_hypothesis_keeps_its_own_constants_outside_of_a_run(float64):
    """The user's own Hypothesis tests in the same process draw as ever: the switch is undone, even by a violation."""
    before = providers._get_local_constants, pareto.sort_key
    judged(lambda a: 1 / 0, float64)
    assert (providers._get_local_constants, pareto.sort_key) == before


def test_keys_are_computed_once_and_the_search_is_the_same(float64, monkeypatch, tmp_path):
    """With a database, as in the deep profile, the key by which Hypothesis sorts an example is computed once; which examples it
    draws does not change."""
    key, computed = pareto.sort_key, []

    def counted(nodes):
        computed.append(nodes)
        return key(nodes)

    def inputs(folder: str) -> list[str]:
        seen: list[str] = []
        (tmp_path / folder).mkdir()
        monkeypatch.chdir(tmp_path / folder)  # a database of its own
        computed.clear()
        judged(lambda a: (a + a) * (1 + 20 * float64.u), float64, profile=replace(PROFILES["deep"], examples=100),
               watch=lambda drawn: seen.append(repr(drawn)))  # fmt: skip
        return seen

    monkeypatch.setattr(core, "global_force_seed", 1)
    monkeypatch.setattr(pareto, "sort_key", counted)
    drawn = inputs("once")
    assert len(drawn) / 2 < len(computed) == len({id(nodes) for nodes in computed})
    monkeypatch.setattr(engine, "keys_computed_once", nullcontext)
    assert inputs("each time") == drawn
    assert len(computed) > 5 * len(drawn)


@pytest.mark.parametrize("wrong", [False, True])
def test_generators_are_kept_once_and_examples_start_from_the_same_seeds(float64, monkeypatch, wrong):
    """Those of Python and NumPy: the seeds that Hypothesis gives; after the search, a violation's too, as they were."""

    def starts() -> list[tuple[float, float]]:
        seen: list[tuple[float, float]] = []
        random.seed(5)
        np.random.seed(5)
        before = random.getstate(), np.random.get_state()[1].tolist()
        outcome = judged(lambda a: a + a + wrong, float64,
                         watch=lambda _: seen.append((random.random(), np.random.random())))  # fmt: skip
        assert outcome.outcome == (VIOLATED if wrong else HELD)
        assert (random.getstate(), np.random.get_state()[1].tolist()) == before
        return seen

    ours, prng = starts(), core.deterministic_PRNG
    assert len(set(ours)) == 1
    monkeypatch.setattr(engine, "generators_kept_once", nullcontext)
    assert starts() == ours
    assert core.deterministic_PRNG is prng


def test_a_replay_tries_what_it_is_given_and_nothing_else(float64):
    """With a profile of no examples only the explicit inputs are judged."""
    seen = []
    good, bad = np.eye(1), np.eye(3)
    outcome = judged(
        lambda a: a + a + (len(a) == 2), float64, profile=REPLAY, explicit=[{"A": good}], watch=seen.append
    )
    assert outcome.outcome == HELD
    assert len(seen) == 1
    assert judged(lambda a: a + a + (len(a) == 3), float64, profile=REPLAY, explicit=[{"A": bad}]).outcome == VIOLATED


def test_explicit_inputs_come_first(float64):
    """What failed before is tried before anything is drawn."""
    seen = []
    judged(lambda a: a + a, float64, explicit=[{"A": 5 * np.eye(2)}], watch=seen.append)
    np.testing.assert_array_equal(seen[0]["A"], 5 * np.eye(2))


def test_targeting_climbs(float64):
    """The ratio is pushed up: an error that grows with the norm is found beyond what the first draws reach."""
    outcome = judged(lambda a: (a + a) * (1 + 20 * float64.u), float64, profile=PROFILES["ci"])
    assert outcome.outcome == HELD
    assert 10 < outcome.worst < 30


def test_dear_laws_are_searched_less(float64):
    """A law's cost divides its number of examples, down to five."""

    def examples(cost):
        @law("x", source="toy", k=integers(0, 10**6), cost=cost)
        def counted(twice, k):
            """For every k."""
            undecided("only counted")

        return judged(lambda a: a, float64, counted).examples

    assert examples(1.0) == QUICK.examples
    assert examples(2.0) == 13
    assert examples(100.0) == 5


def test_shrinking_has_a_time_limit(float64):
    """A slow subject is not shrunk for longer than the profile allows (plus one example)."""
    import time

    def slow(a):
        time.sleep(0.05)
        return a + a + (abs(a).max() > 0.5)

    profile = Profile("short", 25, shrink_seconds=0.5)
    start = time.perf_counter()
    assert judged(slow, float64, profile=profile).outcome == VIOLATED
    assert (
        time.perf_counter() - start < 15
    )  # 25 draws and 0.5 s of shrinking at 0.05 s each are 2 s; a slow machine has room


def test_ctrl_c_goes_through(float64):
    """KeyboardInterrupt is not turned into an outcome."""

    def interrupted(a):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        judged(interrupted, float64)


def test_outcomes_are_plain_data(float64):
    """An outcome survives JSON, infinities included."""
    import json

    outcome = judged(lambda a: a * np.nan, float64)
    data = json.loads(json.dumps(outcome.as_json(), allow_nan=False))
    data |= {"worst": decode(data["worst"]), "points": list(decode(data["points"]))}
    assert Outcome(**data) == outcome


def test_a_law_without_strategies_is_run_once(float64):
    """A law that quantifies over nothing is one example."""

    @law("x", source="toy")
    def fixed(twice):
        """twice(1) = 2."""
        assert twice(np.eye(1)).shape == (1, 1)
        undecided("only counted")

    assert judged(lambda a: a + a, float64, fixed).examples == 1


def test_laws_refuse_strategies_without_parameters():
    """A strategy for a parameter that the law does not have is a mistake, said at once."""
    with pytest.raises(TypeError, match=r"draws \['B'\] but has no such parameters"):
        law("x", source="toy", B=square_matrices())(lambda twice: None)


def test_laws_say_where_they_do_not_apply():
    """dtypes and needs of a law give the reasons why it is not asked."""
    from detrace.spaces import space

    real = toy.twice_is_linear
    assert real.not_applicable(space("numpy-cpu-complex64")) == "a law about real matrices"
    assert real.not_applicable(space("numpy-cpu-float64")) == ""

    @law("x", source="toy", dtypes="complex", needs="autodiff")
    def other(twice):
        """Nothing."""

    assert other.not_applicable(space("numpy-cpu-float64")) == "a law about complex matrices"
    assert other.not_applicable(space("numpy-cpu-complex64")) == "numpy has no automatic differentiation"


@pytest.mark.parametrize("role", ["peer", "user"])
def test_what_an_adapter_does_not_offer_is_undecided(float64, role):
    """NotOffered of an adapter is no verdict on anybody's code; a NotImplementedError that the code raises is a violation."""

    def refusing(error):
        def twice(A):
            raise error("only on Sundays")

        return Subject("theirs", {"twice": twice}, role=role, backends=("numpy",))

    for error, due in ((NotOffered, UNDECIDED), (NotImplementedError, VIOLATED)):
        outcome = run(toy.twice_is_the_sum, refusing(error), float64, CONTRACTS, QUICK)
        assert outcome.outcome == due
        assert "only on Sundays" in outcome.reason

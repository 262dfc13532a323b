"""Draws: inputs are drawn once for a law and dtype, and nobody can tell by the outcome."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import toy
from hypothesis import assume

from detrace import draws, law, require
from detrace.engine import HELD, PROFILES, VIOLATED, run
from detrace.known import Known
from detrace.spaces import space
from detrace.strategies.deferred import Deferred, per_space
from detrace.strategies.matrices import square_matrices
from detrace.strategies.scalars import integers

QUICK = PROFILES["quick"]
CONTRACTS = toy.suite().contracts


def right(a):
    """Twice the matrix."""
    return a + a


def wrong(a):
    """Wrong for what is larger than 1×1."""
    return a + a + (a.shape[0] > 1)


def judged(function, where, which=toy.twice_is_the_sum, profile=QUICK, **settings):
    """The outcome of one item about `twice`, and the inputs that it was given."""
    seen: list[str] = []
    settings["watch"] = lambda inputs: seen.append(repr(inputs))
    outcome = run(which, toy.subject(twice=function), where, CONTRACTS, profile, **settings)
    return replace(outcome, seconds=0.0), seen


@pytest.fixture
def drawn(monkeypatch):
    """How many examples were drawn, so far."""
    count = itertools.count()
    strategy = draws.strategy

    def counted(law, space):
        return strategy(law, space).map(lambda inputs: (next(count), inputs)[1])

    monkeypatch.setattr(draws, "strategy", counted)
    return lambda: int(repr(count)[6:-1])


def test_the_next_subject_is_given_the_same_inputs(float64, drawn):
    """They are not drawn again, and the second outcome is the first one, branches and worst input included."""
    first = judged(right, float64)
    before = drawn()
    assert before >= QUICK.examples
    assert judged(right, float64) == first
    assert drawn() == before


def test_so_is_the_next_library(float64, drawn):
    """Inputs are exact in a dtype, whatever library computes with it: a dearer one is given the first of them, whichever comes
    first. Another dtype has its own."""
    strict = space("strict-device1-float64")
    _, seen = judged(right, float64)
    before = drawn()
    _, first = judged(right, strict)
    assert 5 <= len(first) < len(seen)
    assert first == seen[: len(first)]
    assert drawn() == before
    draws.forget()
    assert judged(right, strict)[1] == first
    assert judged(right, float64)[1] == seen
    assert judged(right, space("numpy-cpu-float32"))[1] != seen


def test_a_theorem_about_several_contracts_is_given_the_same_inputs(float64):
    """What decides is the theorem, so its laws share their inputs; another theorem has others."""
    one = replace(toy.twice_is_the_sum, name="theorem.one", base="theorem")
    other = replace(one, name="theorem.other")
    elsewhere = replace(one, name="elsewhere", base="elsewhere")
    seen = [judged(right, float64, which)[1] for which in (one, other, elsewhere)]
    assert seen[0] == seen[1] != seen[2]


def test_a_violation_is_the_same_as_without(float64):
    """What fails on kept inputs is searched as ever: smallest input, counts and reason are those of a search of its own."""
    which = replace(toy.twice_is_the_sum, plot=True)
    alone, _ = judged(wrong, float64, which)
    draws.forget()
    judged(right, float64, which)
    after, _ = judged(wrong, float64, which)
    assert alone.outcome == VIOLATED
    assert alone.points
    assert after == alone


def test_only_whole_searches_are_kept(float64, drawn):
    """A search that ended with a violation saw only the first inputs."""
    judged(wrong, float64)
    before = drawn()
    judged(right, float64)
    assert drawn() >= before + QUICK.examples


@pytest.mark.parametrize("profile", [PROFILES["ci"], replace(PROFILES["deep"], examples=20, climb=False)], ids=lambda p: p.name)
def test_searches_that_listen_or_gamble_are_not_kept(float64, drawn, profile, tmp_path, monkeypatch):
    """Hill climbing draws what the subject's ratios ask for, a random search something else each time."""
    monkeypatch.chdir(tmp_path)  # where a random search keeps what failed
    judged(right, float64, profile=profile)
    before = drawn()
    judged(right, float64, profile=profile)
    assert drawn() > before


def test_known_deviations_are_passed_over(float64):
    """What the ledger explains does not end the inputs of a subject."""
    known = [Known("late")]
    alone, seen = judged(wrong, float64, known=known)
    draws.forget()
    judged(right, float64)
    assert judged(wrong, float64, known=known) == (alone, seen)


def test_what_fails_only_once_is_not_deterministic(float64):
    """A failure on kept inputs that Hypothesis does not meet again is a violation, and says why."""
    judged(right, float64)
    count = itertools.count()
    outcome, _ = judged(lambda a: a + a + (next(count) == 7), float64)
    assert outcome.outcome == VIOLATED
    assert outcome.reason.startswith("not deterministic")


def test_assumptions_about_results_start_a_search(float64):
    """A law that discards by what was returned discards other inputs of another subject, which Hypothesis replaces."""

    @law("x", source="toy", A=square_matrices(max_n=3))
    def of_small_results(twice, A):
        """For every A that is doubled to less than 1."""
        assume(np.abs(twice(A)).max(initial=0) < 1)
        require(True, "")

    assert judged(right, float64, of_small_results)[0].outcome == HELD
    outcome, _ = judged(lambda a: a, float64, of_small_results)
    assert outcome.outcome == HELD
    assert outcome.decided >= 20


def test_random_numbers_start_from_the_same_seeds(float64):
    """A subject that draws random numbers draws the same ones on kept inputs."""

    def dithered(a):
        noise.append(np.random.rand())
        return a + a

    noise: list[float] = []
    judged(dithered, float64)
    first, noise[:] = list(noise), []
    judged(dithered, float64)
    assert noise == first
    assert len(set(noise)) == 1


def test_inputs_are_read_only(float64):
    """A law that wrote into its input would spoil it for the next subject."""

    @law("x", source="toy", A=square_matrices(max_n=2))
    def writes(twice, A):
        """For every A."""
        A += 1

    with pytest.raises(ValueError, match="read-only"):
        judged(right, float64, writes)


@pytest.mark.parametrize("value", [np.zeros(2), (np.zeros(2), 1.0), [np.zeros(2)], {"a": np.zeros(2)}, (1, [np.zeros(2)])])
def test_all_arrays_of_plain_data_are_read_only(value):
    """In tuples, lists and words' values too."""

    def arrays(value):
        if isinstance(value, np.ndarray):
            return [value]
        parts = value.values() if isinstance(value, dict) else value if isinstance(value, tuple | list) else ()
        return [a for part in parts for a in arrays(part)]

    assert draws.read_only(value) is value
    assert [a.flags.writeable for a in arrays(value)] == [False]


def test_strategies_do_not_see_the_library(float64):
    """What depends on the library would differ from one to the next; a strategy that asks is told where to."""

    @per_space
    def of_the_library(draw, space):
        return space.flushes

    @law("x", source="toy", flushes=of_the_library())
    def asks(twice, flushes):
        """Never."""

    with pytest.raises(TypeError, match="must not depend on the library"):
        judged(right, float64, asks)


def test_few_searches_are_kept():
    """A long run does not fill the memory: the oldest search makes room."""
    keys = [draws.search(toy.twice_is_the_sum, space("numpy-cpu-float64"), 25, k) for k in range(draws.SEARCHES + 1)]
    for key in keys:
        draws.keep(key, [])
    assert draws.kept(keys[0]) is None
    assert all(draws.kept(key) == [] for key in keys[1:])


def test_what_decides_the_inputs():
    """Strategies, dtype, few shapes, number and seed; two strategies that look alike are two."""

    def key(where="numpy-cpu-float64", which=toy.twice_is_the_sum, examples=25, seed=0, few=False):
        return draws.search(which, replace(space(where), few_shapes=few), examples, seed)

    same = [key(), key("strict-device1-float64")]
    alike = replace(toy.twice_is_the_sum, draws={"A": Deferred(integers(0, 1).make, "square_matrices(max_n=3)")})
    others = [key("numpy-cpu-float32"), key(examples=24), key(seed=1), key(few=True), key(which=alike)]
    assert len(set(same)) == 1
    assert len({*same, *others}) == 1 + len(others)

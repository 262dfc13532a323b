"""Judging: every acceptance can fail, NaN fails, and what cannot decide says so."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
from flint import arb

from detrace import LIMIT, branch, judge, require, undecided
from detrace.judging import Example, Record, Violation, current


@pytest.fixture
def record() -> Iterator[Record]:
    """A record as the engine sets it."""
    record = Record()
    token = current.set(record)
    yield record
    current.reset(token)


def test_ratio_below_the_limit_holds(record):
    """An error just below LIMIT·bound is accepted, and the ratio is returned and kept."""
    assert judge(29.9, 1.0, scale=math.inf) == 29.9
    assert record.example.ratio == 29.9
    assert record.example.decided


@pytest.mark.parametrize("error", [LIMIT, math.nextafter(LIMIT, math.inf), 1e300, math.inf, math.nan])
def test_ratio_at_or_above_the_limit_fails(error):
    """The limit itself, anything above, infinity and NaN are violations."""
    with pytest.raises(Violation) as caught:
        judge(error, 1.0, scale=math.inf)
    assert caught.value.ratio >= LIMIT


def test_nan_array_scalar_and_ball_fail():
    """NaN fails in whatever clothes it comes: NumPy scalar, flint ball."""
    for nan in (np.float64("nan"), arb("nan"), arb("inf")):
        with pytest.raises(Violation):
            judge(nan, 1.0)


@pytest.mark.parametrize("bound", [math.nan, 0.0, -1.0])
def test_a_bound_that_is_no_bound_does_not_accept(bound):
    """A bound that is NaN, zero or negative accepts no error (NaN and infinity can never decide in favour)."""
    try:
        judge(1e-3, bound)
    except Violation:
        return
    record = current.get()
    assert record is None, "outside a run an undecided judgement raises nothing, and is counted nowhere"


def test_a_nan_bound_is_undecided_not_held(record):
    """A NaN bound leaves the example undecided, so it is never counted as passed."""
    judge(1e-3, math.nan)
    assert not record.example.decided
    assert "bound useless" in record.example.undecided


def test_zero_error_holds_against_zero_bound(record):
    """An exact result is exact, whatever the bound."""
    assert judge(0.0, 0.0) == 0.0
    assert record.example.decided


def test_useless_bound_is_undecided(record):
    """Where LIMIT·bound reaches "no correct digit" the example is undecided, although the error is small."""
    judge(1e-9, 1.0, why="κ·u")
    assert not record.example.decided
    assert "κ·u" in record.example.undecided


def test_useless_bound_does_not_excuse_nan(record):
    """An error that is not finite is a violation even where the bound is useless."""
    with pytest.raises(Violation):
        judge(math.nan, 1.0)


def test_refine_is_asked_only_when_needed():
    """The costly bound is computed only when the cheap one is exceeded, and then excuses what it justifies."""
    asked = []

    def refine() -> float:
        asked.append(1)
        return 1e-3

    assert judge(1e-6, 1e-6, refine) == pytest.approx(1.0)
    assert not asked
    assert judge(1e-4, 1e-6, refine) == pytest.approx(0.1)
    assert asked


def test_refine_never_tightens():
    """A refined bound below the cheap one is ignored: refining may excuse, never accuse."""
    assert judge(1e-5, 1e-6, lambda: 1e-12) == pytest.approx(10.0)


def test_an_accusation_must_be_certain():
    """Of a ball of errors the lower end counts, of a ball of bounds the upper end."""
    wide = arb(40, 39)  # 1…79
    assert judge(wide, 1.0, scale=math.inf) == pytest.approx(1.0, abs=1e-6)
    assert judge(40.0, wide, scale=math.inf) == pytest.approx(40 / 79, rel=1e-6)


def test_violation_carries_what_a_reader_needs():
    """Ratio, error, bound, its reason, got and truth travel with the violation."""
    with pytest.raises(Violation, match=r"error 1 is 1e\+03 times the bound 0.001; the limit is 30") as caught:
        judge(1.0, 1e-3, why="because", got=1, truth=2)
    v = caught.value
    assert (v.ratio, v.error, v.bound, v.why, v.got, v.truth) == (pytest.approx(1e3), 1.0, 1e-3, "because", 1, 2)


def test_require_fails_and_decides(record):
    """A fact decides the example; a false one is a violation of kind fact."""
    require(True, "fine")
    assert record.example.decided
    with pytest.raises(Violation, match="not so"):
        require(False, "not so")


def test_record_counts_held_undecided_and_worst(record):
    """Examples are counted by what became of them; the worst keeps its input and branches are tallied."""
    for x, ratio in ((1, 2.0), (2, 7.0), (3, 5.0)):
        record.begin({"x": x})
        branch("odd" if x % 2 else "even")
        judge(ratio, 1.0, scale=math.inf)
        record.finish()
    record.begin({"x": 4})
    undecided("too ill-conditioned")
    record.finish()
    assert (record.examples, record.decided, record.undecided) == (4, 3, 1)
    assert (record.worst, record.worst_example.inputs) == (7.0, {"x": 2})
    assert record.branches == {"odd": 2, "even": 1}
    assert record.undecided_reason == "too ill-conditioned"


def test_an_example_without_a_judgement_counts_as_neither():
    """A law that forgets to judge passes nothing."""
    record = Record()
    record.begin({})
    record.finish()
    assert (record.examples, record.decided, record.undecided) == (1, 0, 0)
    assert Example().ratio == 0.0


def test_infinite_error_of_finite_results_is_the_judges_fault(record):
    """If every result was finite and the error is not, the judge ran out of precision: no verdict."""
    record.example.calls.append(("f", (), 1.0))
    with pytest.raises(ArithmeticError, match="judge"):
        judge(math.inf, 1.0)
    record.example.finite = False
    with pytest.raises(Violation):
        judge(math.inf, 1.0)

"""Results: values keep every bit, files are whole, and what is not ours is neither read nor overwritten."""

from __future__ import annotations

import json
import math
import os
import sys
from typing import Any

import numpy as np
import pytest
import toy
from flint import arb, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes
from hypothesis.extra.numpy import arrays as numpy_arrays

from detrace import results
from detrace.engine import HELD, VIOLATED
from detrace.plan import Plan
from detrace.results import SCHEMA, ResultsError
from detrace.session import RequirementError, Session, SessionError, check_required
from detrace.spaces import backends, probe, space
from detrace.terminal import Progress, summary_lines, violation_text
from detrace.values import decode, encode, literal

FLOATS = numpy_arrays(
    np.float64, array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3), elements=st.floats(width=64)
)


def same_bits(a: Any, b: Any) -> bool:
    """Equal, signed zeros and NaN included."""
    a, b = np.asarray(a), np.asarray(b)
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if np.iscomplexobj(a):
        return same_bits(a.real, b.real) and same_bits(a.imag, b.imag)
    return bool((((a == b) & (np.signbit(a) == np.signbit(b))) | ((a != a) & (b != b))).all())


@settings(max_examples=100, database=None, derandomize=True, deadline=None)
@given(re=FLOATS, data=st.data())
def test_arrays_survive_json_and_source(re, data):
    """Real and complex arrays of any shape come back bit for bit from JSON and from the source of a script."""
    whole = np.empty(re.shape, complex)
    whole.real = re
    whole.imag = data.draw(numpy_arrays(np.float64, re.shape, elements=st.floats(width=64)))
    for a in (re, whole):
        assert same_bits(decode(json.loads(json.dumps(encode(a), allow_nan=False))), a)
        if a.size:
            assert same_bits(eval(literal(a), {"np": np}), a)


@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
def test_long_batches_of_equal_neighbours_are_short_source(dtype):
    """A long batch is written as its short one, bit by bit; -0 is not 0, and an odd one out keeps all entries."""
    rows = np.array([[0.0, -0.0, np.nan], [1.0, -0.0, np.inf]], dtype=dtype)
    whole = np.repeat(rows, 64, axis=0)
    assert literal(whole) == f"np.repeat({literal(rows)}, 64, axis=0)"
    assert same_bits(eval(literal(whole), {"np": np}), whole)
    assert same_bits(eval(literal(whole[:, 0]), {"np": np}), whole[:, 0])
    whole[5, 1] = 0.0
    assert "repeat" not in literal(whole)
    assert same_bits(eval(literal(whole), {"np": np}), whole)


def test_exact_numbers_are_shown_as_floats():
    """What a judge computed in rationals or balls does not cost the whole results file."""
    exact = np.array([fmpq(1, 3), arb(0.5)], dtype=object)
    assert decode(json.loads(json.dumps(encode((exact,)))))[0].tolist() == [1 / 3, 0.5]


def test_other_values_survive_json():
    """Numbers, strings, booleans, None, tuples and dicts; unknown objects become their text."""
    value = {"a": (1, 2.5, (True, None)), "b": "word", "c": 1 + 2j, "d": np.float64(-0.0), "e": math.inf}
    back = decode(json.loads(json.dumps(encode(value), allow_nan=False)))
    assert back == value
    assert math.copysign(1, back["d"]) == -1
    assert math.isnan(decode(encode(math.nan)))
    assert encode(object).startswith("<class")


def document(**changes: Any) -> dict[str, Any]:
    """A small results file."""
    item = {"law": "b", "subject": "s", "space": "x", "outcome": "held", "deviation": None, "worst": 1.0}
    return {
        "schema": SCHEMA, "items": [item], "laws": [{"name": "a"}, {"name": "b"}], "subjects": [], "spaces": [],
        "not_run": [], "ledger": [],
    } | changes  # fmt: skip


def test_a_file_is_written_whole_and_read_back(tmp_path):
    """Folders are made, nothing is left beside the file, and it reads back as it was."""
    path = tmp_path / "deep" / "results.json"
    results.write(document(), path)
    assert results.read(path) == document()
    assert os.listdir(path.parent) == ["results.json"]


def test_an_interrupted_write_leaves_the_earlier_file(tmp_path, monkeypatch):
    """If writing fails in the middle the earlier file is whole and no part of the new one remains."""
    path = tmp_path / "results.json"
    results.write(document(), path)
    monkeypatch.setattr(results.os, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        results.write(document(items=[]), path)
    assert results.read(path) == document()
    assert os.listdir(tmp_path) == ["results.json"]


def test_what_json_cannot_hold_is_not_written(tmp_path):
    """A NaN that was not encoded is a mistake, found before the file is touched."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        results.write(document(limit=math.nan), tmp_path / "results.json")
    assert os.listdir(tmp_path) == []


FOREIGN = {
    "unreadable": ("{half", "is no readable JSON"),
    "binary": ("\x00", "is no readable JSON"),
    "foreign": ('{"name": "theirs"}', "is not a results file of detrace"),
    "list": ("[1]", "is not a results file of detrace"),
    "other schema": (
        json.dumps(document(schema="detrace.results/99")),
        "has schema detrace.results/99, this detrace reads",
    ),
    "damaged": (json.dumps(document(items=None)), "is damaged (it lacks items)"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_files_that_are_not_ours_are_one_sentence_and_stay(tmp_path, name):
    """Unreadable, foreign, damaged, or of another schema: refused for reading and for writing, and left as it is."""
    text, sentence = FOREIGN[name]
    path = tmp_path / "file.json"
    path.write_text(text)
    for refuse in (results.read, results.check_writable):
        with pytest.raises(ResultsError) as caught:
            refuse(path)
        assert sentence in str(caught.value)
        assert "\n" not in str(caught.value)
    assert path.read_text() == text


def test_a_missing_file_says_what_writes_it(tmp_path):
    """Reading what is not there names the command that makes it; writing there is fine."""
    with pytest.raises(ResultsError, match=r"there is no results file at .* `detrace verify` writes one"):
        results.read(tmp_path / "none.json")
    results.check_writable(tmp_path / "new" / "none.json")


def test_places_that_cannot_be_written_are_known_before_the_run(tmp_path):
    """A folder that cannot be made, or a folder in the file's place, is one sentence."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ResultsError, match=r"results cannot be written to .*; name another file"):
        results.check_writable(tmp_path / "file" / "results.json")
    with pytest.raises(ResultsError, match="nothing is written over"):
        results.check_writable(tmp_path)


def test_items_are_sorted_and_counted():
    """The order of the catalogue, whatever the order of the run; four outcomes."""
    items = [
        {"law": law, "subject": "s", "space": where, "outcome": outcome}
        for law, where, outcome in [("b", "y", "held"), ("a", "z", "violated"), ("b", "x", "undecided")]
    ]
    whole = document(items=items)
    results.sort_items(whole)
    assert [(i["law"], i["space"]) for i in whole["items"]] == [("a", "z"), ("b", "x"), ("b", "y")]
    assert results.count(items, [{}, {}]) == {"held": 1, "violated": 1, "undecided": 1, "not run": 2}


@pytest.fixture
def session(tmp_path):
    """A session about a subject that is wrong for matrices beyond 1×1, in two dtypes."""
    suite = toy.suite()
    mine = toy.subject(twice=lambda a: a + a + (len(a) > 1))
    items = [(suite.laws["twice_is_the_sum"], mine, space(f"numpy-cpu-{d}")) for d in ("float32", "float64")]
    items.append((suite.laws["twice_is_linear"], toy.subject(twice=lambda a: a + a), space("numpy-cpu-float64")))
    return Session(suite, Plan(items=items, subjects=[mine]), profile="quick", path=tmp_path / "r.json", command="test")


def test_a_session_writes_what_was_finished(session, tmp_path):
    """Items, their scripts, the environment and the catalogue go into one file; an interruption is said."""
    finished = [session.run(*session.plan.items[0])[1], session.run(*session.plan.items[2])[1]]
    assert session.finish(finished, interrupted=True) == []
    written = results.read(tmp_path / "r.json")
    assert written["interrupted"] is True
    assert [i["outcome"] for i in written["items"]] == [VIOLATED, HELD]
    assert written["items"][0]["script"].startswith('"""mine violates: twice is the sum.')
    assert written["items"][1]["script"] == ""
    assert written["subjects"][0]["spec"] == "mine"
    assert written["environment"]["versions"]["numpy"] == np.__version__
    assert {s["id"] for s in written["spaces"]} == set(backends())


def test_nothing_finished_writes_nothing(session, tmp_path):
    """An earlier file is not replaced by an empty one."""
    session.finish([], interrupted=True)
    assert not (tmp_path / "r.json").exists()


def test_benchmarks_outlive_another_verification(session, tmp_path):
    """What `detrace bench` added to the file stays when laws are run again."""
    results.write(document(benchmarks=[{"x": 1}]), tmp_path / "r.json")
    session.finish([session.run(*session.plan.items[2])[1]], interrupted=False)
    assert results.read(tmp_path / "r.json")["benchmarks"] == [{"x": 1}]


def test_a_rerun_keeps_everything_else(session, tmp_path):
    """Items that were run again replace theirs, all others stay, and the falsifying input is tried first."""
    session.finish([session.run(*item)[1] for item in session.plan.items], interrupted=False)
    before = results.read(tmp_path / "r.json")
    again = Session(session.suite, session.plan, profile="quick", path=tmp_path / "r.json", rerun=before)
    assert {key[2] for key in again.explicit} == {"numpy-cpu-float32", "numpy-cpu-float64"}
    law, _, where = session.plan.items[0]
    outcome, data = again.run(law, toy.subject(twice=lambda a: a + a), where)
    assert outcome.outcome == HELD
    assert outcome.examples == again.profile.examples + 1
    again.finish([data], interrupted=False)
    after = results.read(tmp_path / "r.json")
    assert after["rerun"] == 1
    assert sorted(i["outcome"] for i in after["items"]) == [HELD, HELD, VIOLATED]


def test_a_violation_prints_all_that_the_reader_needs(session):
    """Law, formula, subject, space, input, got, true, ratio, bound, its reason, and the script."""
    _, data = session.run(*session.plan.items[1])
    text = violation_text(data, "FORMULA")
    for part in (
        "twice is the sum", "mine on numpy-cpu-float64", "law      FORMULA", "input A  [[", "got      [[",
        "true     [[", "ratio    ", "(limit 30)", "bound    one rounding", "reproduce",
        "raise SystemExit(0 if ratio < 30 else 1)",
    ):  # fmt: skip
        assert part in text


def test_a_violation_speaks_in_words_and_names_the_entries_of_an_input(session):
    """The law's statement, line under line, and each entry of a tuple under its own name, where the strategy gives names."""
    _, data = session.run(*session.plan.items[1])
    pair = data | {"input": {"batches": encode((np.array([1.0]), np.array([2.0])))}}
    text = violation_text(pair, "FORMULA", statement="For every A.\nBound: u.", parts={"batches": ("real", "fake")})
    assert "\n  in words For every A.\n           Bound: u.\n" in text
    assert "\n  input real [1.]\n  input fake [2.]\n" in text
    assert "\n  input batches (" in violation_text(pair, "FORMULA", parts={"batches": ("only one",)})


def test_the_summary_counts_four_outcomes():
    """Held, violated, undecided and not run stand side by side, what is known by its verdict, what is not here with why."""
    described = {"name": "mine", "version": "", "role": "user", "offers": ["twice"]}
    silent = {"name": "theirs", "version": "1", "role": "peer", "offers": ["expm"]}
    lines = summary_lines(document(
        subjects=[described, silent], contracts=[{}, {}], absent_peers={"jax": "no module"},
        items=[*({"subject": "mine", "outcome": "violated", "deviation": d} for d in ("u", "d", "w", "w", "gone", None)),
               {"subject": "mine", "outcome": "held", "deviation": None}],
        ledger=[{"id": "w", "verdict": "defect"}, {"id": "d", "verdict": "by design"}, {"id": "u", "verdict": "unchecked"}],
        not_run=[{"law": "*", "subject": "*", "space": "cupy-cuda", "reason": "no GPU"},
                 {"law": "a", "subject": "mine", "space": "x", "reason": "y"}],
    ))  # fmt: skip
    assert lines == [
        "mine: 1 held, 6 violated (2 known as defects, 1 by design, 1 unchecked, 1 known), 0 undecided, 1 not run",
        "  coverage: 1 of 2 contracts: twice",
        "1 other public library offers nothing that these laws judge",
        "not run: cupy-cuda: no GPU", "not run: peer jax: no module",
    ]  # fmt: skip


def test_required_devices():
    """A device that is here passes; one that is not is a failed requirement; one that does not exist is a mistake."""
    check_required(["numpy-cpu"])
    with pytest.raises(SessionError, match="no such device; there are numpy-cpu") as caught:
        check_required(["cuda"])
    assert not isinstance(caught.value, RequirementError)
    for absent in [b for b in backends() if probe(b)][:1]:
        with pytest.raises(RequirementError, match=f"--require {absent}: it is not here: "):
            check_required([absent])


def test_a_closed_pipe_does_not_stop_a_run(monkeypatch):
    """`detrace verify | head`: progress that nobody reads is dropped, the run goes on."""

    class Closed:
        def isatty(self) -> bool:
            return False

        def write(self, text: str) -> int:
            raise BrokenPipeError

        flush = write

    monkeypatch.setattr("sys.stdout", Closed())
    progress = Progress(None)  # type: ignore[arg-type]
    progress._print("one line")
    print("another", flush=True)
    sys.stdout.close()


def test_literals_of_nested_values_are_source() -> None:
    """Arrays inside tuples and lists are written so that the script can be run."""
    value = (np.array([[1.0, math.inf]]), [np.float64(0.5), np.zeros((0, 2))], 3)
    back = eval(literal(value), {"np": np})
    assert np.array_equal(back[0], value[0])
    assert (back[1][0], back[1][1].shape, back[2]) == (0.5, (0, 2), 3)

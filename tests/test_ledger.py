"""The ledger: entries are replayed on their own input, stale ones are errors, and nothing of ours gets in."""

from __future__ import annotations

import numpy as np
import pytest
import toy

from detrace import ledger
from detrace.engine import VIOLATED
from detrace.ledger import read, replay
from detrace.plan import Plan
from detrace.session import Session
from detrace.spaces import space
from detrace.subjects import Subject

ENTRY = """
[{id}]
law = "{law}"
subject = "{subject}"
spaces = ["numpy-*-float64"]
verdict = "defect"
summary = "wrong for 3×3"
input = {{ A = [[1.0, 2.0, 3.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]] }}
measured = "3"
true = "2"
versions = "{versions}"
"""


@pytest.fixture
def write(tmp_path):
    """Write a ledger file."""

    def write(*, id="numpy-3x3", subject="peer", versions="", extra="", law="twice_is_the_sum"):
        path = tmp_path / "deviations.toml"
        path.write_text(ENTRY.format(id=id, subject=subject, versions=versions, law=law) + extra, encoding="utf-8")
        return path

    return write


def peer(wrong=lambda a: len(a) == 3):
    """A public library that is wrong for some matrices."""
    return Subject("peer", {"twice": lambda a: a + a + wrong(a)}, role="peer", backends=("numpy",), requires="numpy")


def replayed(path, subject, where="numpy-cpu-float64"):
    """The entry after a replay."""
    suite = toy.suite()
    (entry,) = read(path, suite.laws)
    replay([entry], Plan(items=[(suite.laws["twice_is_the_sum"], subject, space(where))], subjects=[subject]), suite)
    return entry


def test_an_entry_that_reproduces(write):
    """The entry's own input violates its law: reproduced, with the reason."""
    entry = replayed(write(), peer())
    assert entry.status == "reproduced"
    assert "times the bound" in entry.reason


def test_an_entry_that_no_longer_reproduces_is_stale(write):
    """A subject that is right on the entry's input makes it stale, although it is wrong elsewhere."""
    assert replayed(write(), peer(lambda a: False)).status == "stale"
    assert replayed(write(), peer(lambda a: len(a) < 3)).status == "stale"


@pytest.mark.parametrize(
    ("versions", "status"),
    [
        (f"=={np.__version__}", "reproduced"),
        (">=1", "reproduced"),
        ("<1", "not run"),
        (f"!={np.__version__}", "not run"),
    ],
)
def test_versions_are_honoured(write, versions, status):
    """An entry about other versions is not run, and says which is installed."""
    entry = replayed(write(versions=versions), peer())
    assert entry.status == status
    assert status == "reproduced" or f"about {versions}; numpy {np.__version__} is installed" in entry.reason


def test_absent_subjects_and_spaces_are_not_run(write):
    """An entry about something that is not part of the run is neither reproduced nor stale."""
    assert replayed(write(subject="another"), peer()).status == "not run"
    assert replayed(write(), peer(), "numpy-cpu-float32").status == "not run"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"subject": "reference"}, "entry numpy-3x3 is about our own reference; fix it instead"),
        ({"extra": 'colour = "red"\n'}, "entry numpy-3x3: .*unexpected keyword argument 'colour'"),
        ({"versions": "about 1"}, "entry numpy-3x3: Invalid specifier"),
        ({"law": "no_such_law"}, "entry numpy-3x3 speaks of a law that does not exist: no_such_law"),
        ({"extra": "[half"}, "deviations.toml is not valid TOML"),
        ({"extra": '[short]\nlaw = "twice_is_the_sum"\n'}, "entry short: .*missing .* required positional arguments"),
    ],
)
def test_wrong_entries_are_one_sentence(write, settings, sentence):
    """Entries about ourselves, unknown keys, versions or laws, missing keys and broken TOML name the entry."""
    with pytest.raises(ValueError, match=sentence) as caught:
        read(write(**settings), toy.LAWS)
    assert "\n" not in str(caught.value)


def test_no_file_is_an_empty_ledger(tmp_path):
    """A suite without a ledger has no deviations."""
    assert read(tmp_path / "none.toml") == []


def test_inputs_keep_their_meaning(write):
    """Lists are arrays, strings with j complex, integers stay integers."""
    path = write(extra='[other]\nlaw = "twice_is_the_sum"\nsubject = "peer"\nspaces = ["*"]\nverdict = "by design"\n'
                 'summary = ""\ninput = { z = ["1+2j", "0j"], k = 3, x = 0.5 }\n'
                 'measured = ""\ntrue = ""\n')  # fmt: skip
    entry = read(path)[1]
    np.testing.assert_array_equal(entry.input["z"], [1 + 2j, 0])
    assert entry.input["k"] == 3
    assert entry.input["x"].shape == ()


def test_covering_is_by_law_or_contract_subject_and_space_pattern(write):
    """An entry covers its law on its subject in its spaces; with a contract, every law about that; nothing else."""
    (entry,) = read(write())
    (wide,) = read(write(extra='contract = "twice"\n'))
    other = toy.LAWS["twice_is_linear"]
    assert entry.covers(toy.twice_is_the_sum, "peer", "numpy-cpu-float64")
    assert wide.covers(other, "peer", "numpy-cpu-float64")
    assert not entry.covers(other, "peer", "numpy-cpu-float64")
    assert not wide.covers(toy.sum_is_the_sum, "peer", "numpy-cpu-float64")
    assert not entry.covers(toy.twice_is_the_sum, "mine", "numpy-cpu-float64")
    assert not entry.covers(toy.twice_is_the_sum, "peer", "numpy-cpu-float32")
    assert ledger.explaining([wide, entry], toy.twice_is_the_sum, "peer", "numpy-cpu-float64") in (wide, entry)
    assert ledger.explaining([wide], other, "peer", "numpy-cpu-float32") is None


def session_about(path, subject, tmp_path):
    """A session whose ledger is this file."""
    suite = toy.suite()
    items = [(suite.laws["twice_is_the_sum"], subject, space("numpy-cpu-float64"))]
    session = Session(suite, Plan(items=items, subjects=[subject]), profile="quick", path=tmp_path / "r.json")
    session.__dict__["ledger"] = read(path, suite.laws)
    return session


def test_a_session_marks_known_deviations(write, tmp_path):
    """A violation that the ledger knows carries the entry's name, even if only the entry's own input shows it."""
    session = session_about(write(), peer(), tmp_path)
    outcome, data = session.run(*session.plan.items[0])
    assert outcome.outcome == VIOLATED
    assert data["deviation"] == "numpy-3x3"
    assert session.finish([data], interrupted=False) == []
    assert session.results["ledger"][0]["status"] == "reproduced"
    rare = session_about(write(), peer(lambda a: a.shape == (3, 3) and a[0, 2] == 3.0), tmp_path)
    assert rare.run(*rare.plan.items[0])[1]["deviation"] == "numpy-3x3"


def test_an_entry_about_other_versions_excuses_nothing(write, tmp_path):
    """A violation by a version that the entry does not speak of is a violation like any other."""
    session = session_about(write(versions="<1"), peer(), tmp_path)
    outcome, data = session.run(*session.plan.items[0])
    assert outcome.outcome == VIOLATED
    assert data["deviation"] is None


def test_a_session_fails_for_a_stale_entry(write, tmp_path):
    """The run is told that the entry must go, although everything held."""
    session = session_about(write(), peer(lambda a: False), tmp_path)
    _, data = session.run(*session.plan.items[0])
    assert data["outcome"] == "held"
    (line,) = session.finish([data], interrupted=False)
    assert line == "the ledger's entry numpy-3x3 no longer reproduces on peer; remove it or state its versions"


def test_the_suites_own_ledger_is_readable():
    """Every entry of the shipped ledger names laws that exist and peers that ship, and none is about us."""
    from detrace.suite import load

    suite = load()
    entries = read(suite.root / "verify" / "deviations.toml", suite.laws)
    assert {e.subject for e in entries} <= set(suite.peer_names())
    assert {e.verdict for e in entries} <= {"defect", "by design"}
    assert ledger.REPLAY.examples == 0


def test_inputs_of_unlike_parts_are_tuples():
    """A list of arrays of different length, numbers and "none" is what a law drew as a tuple."""
    x, p, none, y = ledger._array([[1.0, 2.0], 1.5, "none", [[3.0], [4.0]]])
    assert (x.tolist(), p, none, y.shape) == ([1.0, 2.0], 1.5, None, (2, 1))

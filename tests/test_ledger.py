"""The ledger: entries are replayed on their own input, stale ones are errors, and nothing of ours gets in."""

from __future__ import annotations

import math

import numpy as np
import pytest
import toy

from detrace import ledger
from detrace.engine import VIOLATED
from detrace.judging import NOT_FINITE, Violation
from detrace.known import Known, functions
from detrace.ledger import read, replay
from detrace.plan import Plan
from detrace.session import Session
from detrace.spaces import space
from detrace.subjects import Subject
from detrace.values import decode

ENTRY = """
[{id}]
law = "{law}"
subject = "{subject}"
spaces = ["numpy-*-float64"]
verdict = "{verdict}"
summary = "wrong for 3×3"
input = {{ A = [[1.0, 2.0, 3.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]] }}
measured = "3"
true = "2"
versions = "{versions}"
"""


@pytest.fixture
def write(tmp_path):
    """Write a ledger file."""

    def write(*, id="numpy-3x3", subject="peer", versions="", extra="", law="twice_is_the_sum", verdict="defect"):
        path = tmp_path / "deviations.toml"
        text = ENTRY.format(id=id, subject=subject, versions=versions, law=law, verdict=verdict) + extra
        path.write_text(text, encoding="utf-8")
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
        ({"extra": 'laws = ["no_such_law"]\n'}, "entry numpy-3x3 speaks of a law that does not exist: no_such_law"),
        ({"extra": 'contract = "twice"\n'}, "entry numpy-3x3: a contract and the ceiling of what is explained go together"),
        ({"extra": "ceiling = 1.0\n"}, "entry numpy-3x3: a contract and the ceiling of what is explained go together"),
        ({"extra": 'contract = "twice"\nceiling = "none"\n'}, "entry numpy-3x3: there is no none in ceilings.py beside it"),
        ({"extra": 'kinds = ["odd"]\n'}, "entry numpy-3x3: unknown kind of violation odd; there are ratio, not finite, fact"),
        ({"verdict": "wrong"}, "entry numpy-3x3: unknown verdict wrong; there are defect, by design, unchecked"),
        ({"verdict": "unchecked"}, "entry numpy-3x3: unchecked input breaks facts \\(kinds\\) in laws that it names"),
        ({"verdict": "unchecked", "extra": 'kinds = ["fact", "ratio"]\n'}, "entry numpy-3x3: unchecked input breaks facts"),
        ({"verdict": "unchecked", "extra": 'kinds = ["fact"]\ncontract = "twice"\nceiling = inf\n'},
         "entry numpy-3x3: unchecked input breaks facts"),
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


def test_covering_is_by_laws_or_contract_subject_and_space_pattern(write):
    """An entry covers its laws on its subject in its spaces; with a contract, every law about that; nothing else."""
    (entry,) = read(write())
    (named,) = read(write(extra='laws = ["twice_is_linear"]\n'))
    (wide,) = read(write(extra='contract = "twice"\nceiling = 1e3\n'))
    other = toy.LAWS["twice_is_linear"]
    assert entry.covers(toy.twice_is_the_sum, "peer", "numpy-cpu-float64")
    assert wide.covers(other, "peer", "numpy-cpu-float64")
    assert named.covers(other, "peer", "numpy-cpu-float64")
    assert not entry.covers(other, "peer", "numpy-cpu-float64")
    assert not wide.covers(toy.sum_is_the_sum, "peer", "numpy-cpu-float64")
    assert not entry.covers(toy.twice_is_the_sum, "mine", "numpy-cpu-float64")
    assert not entry.covers(toy.twice_is_the_sum, "peer", "numpy-cpu-float32")
    assert ledger.covering([wide, entry], toy.twice_is_the_sum, "peer", "numpy-cpu-float64") == [wide, entry]
    named.law = "sum_is_the_sum"
    assert ledger.covering([named, wide, entry], other, "peer", "numpy-cpu-float64") == [named, wide]
    assert ledger.covering([wide], other, "peer", "numpy-cpu-float32") == []


FLOAT64 = space("numpy-cpu-float64")


def test_an_entry_explains_its_kinds_and_digits_below_its_ceiling(write):
    """Finite ratios below LIMIT times the ceiling; other kinds that it names only where the ceiling is infinite."""
    extra = 'kinds = ["raised", "ratio"]\ncontract = "twice"\nceiling = {}\n'
    digits, worse = Violation("", ratio=299.0, error=1.0), Violation("", ratio=300.0, error=1.0)
    raised, nan = Violation("", kind="raised"), Violation("", ratio=math.inf, error=math.nan)
    (entry,) = read(write(extra=extra.format("10.0")))
    assert [entry.explains(FLOAT64).explains(v) for v in (digits, worse, raised, nan)] == [True, False, False, False]
    (entry,) = read(write(extra=extra.format("inf")))
    assert [entry.explains(FLOAT64).explains(v) for v in (digits, worse, raised, nan)] == [True, True, True, False]
    assert not entry.explains(FLOAT64).explains(Violation(f"twice {NOT_FINITE}", kind="form"))
    assert Known("free").explains(Violation("", ratio=math.inf, error=1.0)), "an error where none is allowed is wrong digits"
    assert Known("nan", ("not finite",)).explains(Violation(f"twice {NOT_FINITE}", kind="form"))


CEILINGS = """
def of_three(u, a, *_):
    return {3: 1e-6 / u, 4: float("inf")}.get(len(a), 0.0)
"""


def test_a_ceiling_can_depend_on_the_arguments(write, tmp_path):
    """It is the largest over the calls of the contract and of its gradient; 0 where the cause is silent, whatever the kind."""
    (tmp_path / "ceilings.py").write_text(CEILINGS)
    (entry,) = read(write(extra='kinds = ["ratio", "raised"]\ncontract = "twice"\nceiling = "of_three"\n'))
    known = entry.explains(FLOAT64)
    small, large = (Violation("", ratio=r * 2.0**53, error=1.0) for r in (1e-6, 1e-4))
    raised = Violation("", kind="raised")
    two, three, four = (("twice", (np.zeros((n, n)),), None) for n in (2, 3, 4))
    for calls, expected in (
        ([two, three], [True, False, False]),
        ([("gradient of twice", three[1], None)], [True, False, False]),
        ([three, four], [True, True, True]),
        ([two], [False, False, False]),
        ([two, ("another", three[1], None)], [False, False, False]),
    ):
        assert [known.explains(v, calls) for v in (small, large, raised)] == expected
    assert known.explains(large, []), "of calls that were not recorded it cannot tell"


def session_about(path, subject, tmp_path, law="twice_is_the_sum"):
    """A session whose ledger is this file."""
    suite = toy.suite()
    items = [(suite.laws[law], subject, space("numpy-cpu-float64"))]
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


def test_an_entry_is_replayed_where_its_item_runs(write, tmp_path, monkeypatch):
    """With xdist that is in a worker, beside the others; at the end nothing is called again, and the file does not have it."""
    session = session_about(write(), peer(), tmp_path)
    _, data = session.run(*session.plan.items[0])
    assert data["replays"]["numpy-3x3"][0]
    monkeypatch.setattr(Session, "judge", None)
    assert session.finish([data], interrupted=False) == []
    assert session.results["ledger"][0]["status"] == "reproduced"
    assert "replays" not in session.results["items"][0]


def two_defects(known, second):
    """A public library with relative errors, of 3×3 matrices that known to the ledger, of 2×2 matrices another."""
    return Subject("peer", {"twice": lambda a: (a + a) * (1 + (known if len(a) == 3 else second if len(a) == 2 else 0))},
                   role="peer", backends=("numpy",), requires="numpy")  # fmt: skip


def test_a_second_defect_above_the_ceiling_is_news(write, tmp_path):
    """The search goes on past what the entry explains, and shrinks what it does not; the known defect alone stays known."""
    path = write(extra='contract = "twice"\nceiling = 1e10\n')  # relative errors of about 1e-6
    session = session_about(path, two_defects(1e-6, 1e-6), tmp_path)
    alone, data = session.run(*session.plan.items[0])
    assert data["deviation"] == "numpy-3x3"
    assert alone.examples > 20, "the first known violation does not end the search"
    assert decode(data["input"])["A"].shape == (3, 3), "the ledger's own input is shown"
    session = session_about(path, two_defects(1e-6, 1e-2), tmp_path)
    outcome, data = session.run(*session.plan.items[0])
    assert outcome.outcome == VIOLATED
    assert data["deviation"] is None
    assert decode(data["input"])["A"].shape == (2, 2)
    assert outcome.worst > 1e13
    assert session.finish([data], interrupted=False) == [], "the entry itself is not stale"


def test_a_second_defect_where_the_first_is_silent_is_news(write, tmp_path):
    """Of the same size, in the same law: the arguments tell them apart."""
    (tmp_path / "ceilings.py").write_text(CEILINGS)
    path = write(extra='contract = "twice"\nceiling = "of_three"\n')
    for second, deviation in ((0, "numpy-3x3"), (1e-6, None)):
        session = session_about(path, two_defects(1e-6, second), tmp_path)
        assert session.run(*session.plan.items[0])[1]["deviation"] == deviation


def test_a_second_defect_in_a_law_without_a_name_is_news(write, tmp_path):
    """Where every digit can be lost, digits hide nothing more; but only in the laws that are named."""
    subject = two_defects(1e-6, 1e-2)
    subject.functions["summed"] = lambda a: np.asarray(2.0 * abs(a.sum()))
    for law, extra, deviation in (
        ("twice_is_the_sum", "", "numpy-3x3"),
        ("sum_is_the_sum", "", None),
        ("sum_is_the_sum", 'laws = ["sum_is_the_sum"]\n', "numpy-3x3"),
    ):
        session = session_about(write(extra=extra), subject, tmp_path, law)
        assert session.run(*session.plan.items[0])[1]["deviation"] == deviation


def test_another_kind_of_violation_is_news(write, tmp_path):
    """An exception or a NaN beside known wrong digits, in the entry's own law too."""

    def raises(a):
        if len(a) == 2:
            raise ZeroDivisionError
        return 2.0 * a + (len(a) == 3)

    def nan(a):
        return np.full_like(a, np.nan) if len(a) == 2 else 2.0 * a + (len(a) == 3)

    for function, kind in ((raises, "raised"), (nan, "ratio")):
        subject = Subject("peer", {"twice": function}, role="peer", backends=("numpy",), requires="numpy")
        for extra in ("", 'contract = "twice"\nceiling = inf\n'):
            session = session_about(write(extra=extra), subject, tmp_path)
            data = session.run(*session.plan.items[0])[1]
            assert (data["deviation"], data["violation"]["kind"]) == (None, kind)


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
    assert line == (
        "the ledger's entry numpy-3x3 no longer reproduces on peer (in numpy-cpu-float64: held); "
        "remove it or state its versions"
    )


def test_an_entry_whose_violation_has_changed_is_stale(write):
    """A function that raises where it had wrong digits, or errs far more, does not reproduce them."""

    def gone(a):
        raise AttributeError

    entry = replayed(write(), Subject("peer", {"twice": gone}, role="peer", backends=("numpy",), requires="numpy"))
    assert (entry.status, entry.reason) == ("stale", "in numpy-cpu-float64: differs: twice raised AttributeError")
    for ceiling, status in (("1e3", "stale"), ("1e10", "reproduced")):
        path = write(extra=f'contract = "twice"\nceiling = {ceiling}\n')
        assert replayed(path, two_defects(1e-6, 0)).status == status


def test_an_entry_is_replayed_in_each_of_its_spaces(write):
    """What is mended in one dtype is stale, whatever the other dtypes do."""
    path = write()
    path.write_text(path.read_text().replace('"numpy-*-float64"', '"numpy-*"'))
    suite, subject = toy.suite(), peer(lambda a: len(a) == 3 and a.dtype == np.float64)
    law, spaces = suite.laws["twice_is_the_sum"], [space("numpy-cpu-float64"), space("numpy-cpu-float32")]
    (entry,) = read(path, suite.laws)
    replay([entry], Plan(items=[(law, subject, s) for s in spaces], subjects=[subject]), suite)
    assert (entry.status, entry.reason) == ("stale", "in numpy-cpu-float32: held")


def test_the_suites_own_ledger_is_readable():
    """Every entry of the shipped ledger names laws that exist and peers that ship, and none is about us; what is unchecked
    breaks a law that asks for a refusal."""
    from detrace.suite import load

    suite = load()
    entries = read(suite.root / "verify" / "deviations.toml", suite.laws)
    assert {e.subject for e in entries} <= set(suite.peer_names())
    assert {e.verdict for e in entries} == set(ledger.VERDICTS)
    for e in entries:
        if e.verdict == ledger.UNCHECKED:
            assert "refuse" in e.law, e.id
    assert ledger.REPLAY.examples == 0


def test_inputs_of_unlike_parts_are_tuples():
    """A list of arrays of different length, numbers and "none" is what a law drew as a tuple."""
    x, p, none, y = ledger._array([[1.0, 2.0], 1.5, "none", [[3.0], [4.0]]])
    assert (x.tolist(), p, none, y.shape) == ([1.0, 2.0], 1.5, None, (2, 1))


@pytest.fixture(scope="module")
def derived():
    """The shipped functions that derive ceilings."""
    from detrace.suite import load

    return functions(str(load().root / "verify" / "ceilings.py"))


A, U = np.array, 2.0**-53
PLAN = (A([0.5, 0.5]), A([0.5, 0.5]), A([[1.0, 2.0], [3.0, 4.0]]))
LINE = (A([[0.0], [1.0]]), A([[2.0]]), 1.0, None, None)
TINY = (LINE[0] * 2.0**-60, LINE[1] * 2.0**-60, *LINE[2:])
PAIR = (np.zeros(2), np.eye(2), np.zeros(2), 2 * np.eye(2))
CLOSE = (A([[1e8]]), A([[1e8 + 1]]), 1.0)
MANY = (1e8 + np.arange(26.0)[:, None], A([[1e8]]), 1.0)
ENTROPIC = (*PLAN, 1.0, 0.01)


@pytest.mark.parametrize(
    ("name", "silent", "speaks"),
    [
        ("pot_tolerance", PLAN, (*PLAN[:2], PLAN[2] * 2.0**-60)),
        ("pot_tolerance_of_distances", LINE, TINY),
        ("pot_negative_costs", PLAN, (*PLAN[:2], -PLAN[2])),
        ("pot_large_masses", PLAN, (2.0**27 * PLAN[0], 2.0**27 * PLAN[1], PLAN[2])),
        ("highs_margins", PLAN, (A([1.0, 2.0**-40]), A([2.0**-40, 1.0]), PLAN[2])),
        ("highs_huge_distances", LINE, (1e20 * LINE[0], 1e20 * LINE[1], *LINE[2:])),
        ("expanded_squares", LINE[:3], CLOSE),
        ("expanded_squares_of_many", CLOSE, MANY),
        ("singular_covariance", PAIR, (*PAIR[:3], np.ones((2, 2)))),
        ("cross_entropy_cancels", (np.ones(3), np.zeros(2)), (np.zeros(3), A([-40.0]))),
        ("relativistic_cross_entropy_cancels", (np.zeros(2), np.ones(2)), (A([20.0]), A([-20.0]))),
        ("sigmoid_in_between", (np.ones(2), np.zeros(2)), (np.zeros(2), A([-40.0]))),
        ("saturated_sigmoid", (np.ones(2), np.zeros(2)), (np.zeros(2), A([40.0]))),
        ("states_without_mass", (A([0.0, 1.0]), A([0.5, 0.5])), (A([0.0, 1.0]), A([0.0, 1.0]))),
        ("norm_of_a_batch", (None, np.zeros((1, 3)), np.zeros((1, 3)), np.zeros(1), 1.0), (None, np.zeros((4, 3)))),
        ("norm_over_one_axis", (None, np.zeros((4, 3))), (None, np.zeros((4, 3, 2)))),
        ("atoms_without_mass", ENTROPIC, (A([0.0, 1.0]), *ENTROPIC[1:])),
        ("atoms_without_mass_on_both_sides", (A([0.0, 1.0]), *ENTROPIC[1:]), (A([0.0, 1.0]), A([0.0, 1.0]), *ENTROPIC[2:])),
        ("another_regularisation", ENTROPIC, (*PLAN, 1e-9, 0.01)),
        ("differences_of_exponentials", (A([[1.0, 1.0], [0.0, 2.0]]),), (A([[8.0, 1.0], [0.0, 8 + 2.0**-40]]),)),
        ("differences_of_exponentials", (A([[8.0, 1.0], [1.0, 8.0]]),), (A([[-8.0, 0, 0], [1, -8 - 2e-12, 0], [0, 1, -9]]),)),
        ("many_squarings", (np.eye(2),), (A([[0.0, 2.0**20], [0.0, 0.0]]),)),
    ],
)
def test_ceilings_are_low_where_their_cause_is_silent(derived, name, silent, speaks):
    """Where it is not, at least half of the digits can be lost."""
    u = 2.0**-24 if "sigmoid" in name else U
    assert derived[name](u, *silent) < 1e6
    assert derived[name](u, *speaks) > 2.0**26


def test_highs_distances_are_off_by_its_tolerance(derived):
    """An error of 1e-7 beside distances of 1 and masses of ½, every digit of distances of 1e-7."""
    assert derived["highs_distances"](U, *LINE) == pytest.approx(2e-7 / U)
    assert derived["highs_distances"](U, *TINY) == math.inf


def test_every_shipped_ceiling_is_used(derived):
    """No function of ceilings.py is left over."""
    from detrace.suite import load

    suite = load()
    named = {e.ceiling for e in read(suite.root / "verify" / "deviations.toml", suite.laws) if isinstance(e.ceiling, str)}
    assert named == {k for k, f in derived.items() if callable(f) and not k.startswith("_")}

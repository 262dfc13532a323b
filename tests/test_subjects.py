"""Subjects: every way of naming one resolves, and everything that is wrong with one is a single sentence."""

from __future__ import annotations

import importlib
import sys
import types
from importlib import metadata

import numpy as np
import pytest
import toy

from detrace import plan, subjects
from detrace.plan import Selection
from detrace.spaces import space
from detrace.subjects import SubjectError, from_object, resolve

CONTRACTS = toy.suite().contracts


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a module of the user and make it importable."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(text: str, name: str = "users_code.py"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        sys.modules.pop(name.removesuffix(".py"), None)
        importlib.invalidate_caches()
        return tmp_path / name

    yield write
    for name in [n for n, m in sys.modules.items() if str(tmp_path) in (getattr(m, "__file__", None) or "")]:
        del sys.modules[name]


RIGHT = """
import numpy as np
class Impl:
    def __init__(self, k=2): self.k = k
    def twice(self, A): return self.k * A
class Static:
    twice = staticmethod(lambda A: 2 * A)
right = Impl()
inner = Impl()
inner.deeper = Impl()
def twice(A, scale=2): return scale * A
def by_another_name(A): return A + A
number = 3
"""


@pytest.mark.parametrize(
    "spec",
    [
        "users_code", "users_code:right", "users_code:Static", "users_code:inner.deeper", "users_code:twice",
        "users_code:right.twice", "twice=users_code:by_another_name", "twice=users_code:right.twice",
    ],
)  # fmt: skip
def test_every_form_of_a_spec(write, spec):
    """Module, object, class of static functions, nested attribute, function, and a function told its contract."""
    write(RIGHT)
    subject = resolve(spec, CONTRACTS)
    assert list(subject.functions) == ["twice"]
    assert subject.spec == spec
    np.testing.assert_array_equal(subject.functions["twice"](np.eye(2)), 2 * np.eye(2))
    scope: dict = {}
    exec(subject.imports["twice"], scope)  # what reproduction scripts import it with
    np.testing.assert_array_equal(scope["twice"](np.eye(2)), 2 * np.eye(2))


def test_adapter_files_and_what_they_state(write):
    """A file resolves by path; its BACKENDS, DTYPES and CONVENTIONS are honoured, and dataclasses work in it."""
    path = write(
        '"""Mine, adapted.\n\nMore."""\nfrom __future__ import annotations\nfrom dataclasses import dataclass\n'
        "BACKENDS = 'numpy'\nDTYPES = {'twice': ('float64', 'float16')}\nCONVENTIONS = {'twice': 'doubles'}\n"
        "@dataclass\nclass D:\n    x: int = 2\ndef twice(A): return A * D().x\n",
        "my_adapter.py",
    )
    subject = resolve(str(path), CONTRACTS)
    assert subject.backends == ("numpy",)
    assert subject.conventions == {"twice": "doubles"}
    assert subject.description == "Mine, adapted."
    reasons = {s: subject.why_not(toy.TWICE, space(f"numpy-cpu-{s}")) for s in ("float64", "float16", "float32")}
    assert reasons == {"float64": "", "float16": "", "float32": f"{subject.name} does not claim float32"}
    assert subject.why_not(toy.TWICE, space("strict-device1-float64")) == "-"
    scope: dict = {}
    exec(subject.imports["twice"], scope)
    np.testing.assert_array_equal(scope["twice"](np.eye(2)), 2 * np.eye(2))


def test_entry_points(write, monkeypatch):
    """A subject announced as an entry point is found by its name, and a script imports what it points to."""
    write(RIGHT)
    point = metadata.EntryPoint("theirs", "users_code:right", subjects.ENTRY_POINTS)
    monkeypatch.setattr(metadata, "entry_points", lambda group: [point] if group == subjects.ENTRY_POINTS else [])
    subject = resolve("theirs", CONTRACTS)
    assert list(subject.functions) == ["twice"]
    assert subject.imports["twice"] == "from users_code import right\ntwice = right.twice"


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("no_such_module", "there is no module named 'no_such_module'; is it installed"),
        (
            "users_code.twice",
            "no module named 'users_code.twice'; for an attribute of users_code write users_code:twice",
        ),
        ("users_code:twise", r"has no attribute 'twise'; did you mean twice\?"),
        ("twise=users_code:twice", r"no contract is named 'twise'; did you mean twice\?"),
        ("twice=users_code:number", "users_code:number is a int, not a function"),
        ("twice=users_code", "users_code is a module, not a function"),
        (
            "users_code:Impl",
            "twice of users_code.Impl takes 2 arguments, the contract is .* is a class, give an instance",
        ),
        (
            "users_code:number",
            "users_code:number offers no contract: it needs functions with contract names such as twice",
        ),
        ("missing/adapter.py", "missing/adapter.py: there is no such file"),
        ("two words", "'two words' is no module name"),
    ],
)
def test_wrong_specs_are_one_sentence(write, spec, sentence):
    """Each wrong name gets one sentence that says what to do, with near names where there are any."""
    write(RIGHT)
    with pytest.raises(SubjectError, match=sentence) as caught:
        resolve(spec, CONTRACTS)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1 / 0", "importing users_code failed: ZeroDivisionError: division by zero"),
        ("import sys; sys.exit('bye')", "importing users_code failed: SystemExit: bye"),
        (
            "import nothing_like_it",
            "importing users_code failed: ModuleNotFoundError: No module named 'nothing_like_it'",
        ),
        ("def f(:", "importing users_code failed: SyntaxError"),
        ("def doubled(A): return A", "doubled looks like twice — rename it, or say which contract it is"),
        ("def Twice_(A): return A", "Twice_ looks like twice"),
        ("twice = 2.0", "users_code.twice is a float, not a function"),
        ("def twice(): pass", r"twice of users_code takes 0 arguments, the contract is \(n,n\)->\(n,n\)"),
        ("def twice(A, B): pass", "twice of users_code takes 2 arguments, the contract is"),
        ("def twice(*, A): pass", "twice of users_code takes 0 arguments, the contract is"),
        ("def twice(A, *, k): pass", r"twice of users_code has the signature \(A, \*, k\) \(missing a required"),
        ("BACKENDS = 'nunpy'\ndef twice(A): pass", "BACKENDS names 'nunpy'; there are any, "),
        ("BACKENDS = 3\ndef twice(A): pass", "BACKENDS must be a tuple of names"),
        ("DTYPES = ('float80',)\ndef twice(A): pass", "DTYPES names 'float80'; there are "),
        ("CONVENTIONS = 'none'\ndef twice(A): pass", "CONVENTIONS must map contract names"),
    ],
)
def test_wrong_modules_are_one_sentence(write, text, sentence):
    """Imports that raise or exit, aliases, attributes that are no functions, wrong signatures and statements."""
    write(text)
    with pytest.raises(SubjectError, match=sentence) as caught:
        resolve("users_code", CONTRACTS)
    assert "\n" not in str(caught.value)


def test_signatures_that_cannot_be_told_are_accepted():
    """C functions and anything that takes *args are asked by calling them, not by their signature."""
    target = types.SimpleNamespace(twice=lambda *args, **kwargs: args[0] * 2, summed=np.sum)
    assert set(from_object(target, CONTRACTS, name="c").functions) == {"twice", "summed"}


def test_a_users_code_is_tried_where_it_lives():
    """Without BACKENDS a subject is judged where its harmless example works, and in NumPy if it works nowhere."""
    numpy_only = from_object(types.SimpleNamespace(twice=lambda A: np.add(A, A).copy()), CONTRACTS, name="mine")
    assert numpy_only.home(toy.TWICE) == "numpy-cpu"
    broken = from_object(types.SimpleNamespace(twice=lambda A: 1 / 0), CONTRACTS, name="mine")
    assert broken.why_not(toy.TWICE, space("numpy-cpu-float64")) == ""
    assert "on a harmless 2×2 input: twice raised ZeroDivisionError" in broken.why_not(
        toy.TWICE, space("strict-device1-float64")
    )


def test_claimed_dtypes_are_asked_for_only_when_claimed():
    """float16 is silently left out unless a subject claims it."""
    subject = from_object(types.SimpleNamespace(twice=lambda A: A + A, BACKENDS="numpy"), CONTRACTS, name="mine")
    assert subject.why_not(toy.TWICE, space("numpy-cpu-float16")) == "-"


def test_plan_crosses_and_gives_reasons(monkeypatch):
    """Laws × subjects × spaces: what is asked for, what is not applicable and why, and what is unknown."""
    suite = toy.suite()
    mine = toy.subject(twice=lambda A: A + A)
    monkeypatch.setattr(plan, "subjects", lambda suite, specs: ([mine], {}))
    made = plan.make(suite, Selection(backends=("numpy",)))
    asked = {(law.name, s.dtype) for law, _, s in made.items}
    assert ("twice_is_the_sum", "complex64") in asked
    assert ("twice_is_linear", "complex64") not in asked
    assert not any(name == "sum_is_the_sum" for name, _ in asked)
    assert {"law": "twice_is_linear", "subject": "mine", "space": "numpy-cpu-complex64",
            "reason": "a law about real matrices"} in made.not_run  # fmt: skip
    one = plan.make(suite, Selection(laws=("twice_is_linear",), backends=("numpy-cpu",), dtypes=("float32",)))
    assert [(x.name, s.id) for x, _, s in one.items] == [("twice_is_linear", "numpy-cpu-float32")]
    for wrong, words in [
        (Selection(laws=("twice_is_liner",)), "unknown law 'twice_is_liner'; did you mean twice_is_linear"),
        (Selection(families=("toys",)), "unknown family 'toys'; did you mean toy"),
        (Selection(backends=("nunpy",)), "unknown backend 'nunpy'; did you mean"),
        (Selection(dtypes=("float",)), "unknown dtype 'float'"),
    ]:
        with pytest.raises(ValueError, match=words):
            plan.make(suite, wrong)


def test_two_subjects_of_one_name_are_both_judged(write):
    """The same function told two contracts is two subjects, not one that replaces the other."""
    write("def f(A): return A")
    suite = toy.suite()
    found, _ = plan.subjects(suite, ["twice=users_code:f", "summed=users_code:f"])
    assert [list(s.functions) for s in found] == [["twice"], ["summed"]]
    assert len({s.name for s in found}) == 2

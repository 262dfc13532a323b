"""Reproduction scripts: each fails on the wrong code, succeeds once the code is right, and needs no detrace."""

from __future__ import annotations

import fnmatch
import json
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import toy

from detrace import judge, law, ledger
from detrace.engine import PROFILES, VIOLATED, Profile, run
from detrace.reproduction import script
from detrace.spaces import probe, space
from detrace.strategies.matrices import square_matrices
from detrace.strategies.scalars import integers
from detrace.subjects import resolve
from detrace.suite import load

CONTRACTS = toy.suite().contracts
HERE = [b for b in ("numpy-cpu", "torch-cpu", "strict-device1", "jax-cpu") if not probe(b)]

WRONG = """
    import itertools, sys
    count = itertools.count()
    BACKENDS = "any"
    def numbers(A): return A + A + 0.25
    def jump(A): return 2 * A if A.shape[-1] < 2 else A
    def raises(A): raise ValueError("no")
    def exits(A): sys.exit(3)
    def mutates(A):
        A += 1
        return 2 * (A - 1)
    def shape(A): return (A + A)[0]
    def kind(A): return 4.0
    def dtype(A): return (A + A).astype("float32")
    def nan(A): return A * float("nan")
    def dice(A): return A + A + (next(count) % 3 == 1)
    def imaginary(A): return 2 * A + 1j
    def total(A): return abs(A.sum()) + 1
    def applied(f, v): return f(v) + 1
    class Impl:
        def twice(self, A): return A
    impl = Impl()
"""
RIGHT = """
    BACKENDS = "any"
    def twice(A): return A + A
    numbers = jump = raises = exits = mutates = shape = kind = dtype = nan = dice = imaginary = twice
    def total(A): return abs(A.sum())
    def applied(f, v): return f(v)
    class Impl:
        def twice(self, A): return A + A
    impl = Impl()
"""
DRIVER = """
import contextlib, io, json, runpy, sys, traceback
if "--without-detrace" in sys.argv:
    sys.modules["detrace"] = None
answers = {}
for path in json.loads(sys.argv[1]):
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        try:
            runpy.run_path(path)
            status = 0
        except SystemExit as stop:
            status = int(stop.code or 0)
        except Exception:
            status, _ = 1, text.write(traceback.format_exc())
    answers[path] = [status, text.getvalue()]
print(json.dumps(answers))
"""


@law(r"\text{applied}(f, v) = f(v)", source="toy", A=square_matrices(max_n=2))
def application(applied, A, space):
    """For every square A, f(v) = Av and v = (1,…,1)."""
    from detrace.calls import LinearOperator

    v = np.ones(len(A), dtype=A.dtype)
    got = applied(LinearOperator(A), v)
    judge(np.linalg.norm(got - A @ v), 4 * space.u * np.abs(A).sum() + space.tiny, scale=np.inf, got=got, truth=A @ v)


@law(r"\text{twice}'", source="toy", A=square_matrices(max_n=2), needs="autodiff")
def gradient_is_two(twice, A, space):
    """For every square A the gradient of the sum is 2."""
    got = twice.gradient(A)
    judge(np.linalg.norm(got - 2), space.u * len(A), got=got, truth=2 * np.ones_like(got))


@law(r"\text{twice}", source="toy", A=square_matrices(max_n=2), needs="autodiff")
def differentiated_twice_is_twice(twice, A, space):
    """For every square A, while it is differentiated."""
    got = twice.while_differentiated(A)
    judge(np.linalg.norm(got - 2 * A), space.u * np.linalg.norm(A), scale=np.inf, got=got, truth=2 * A)


@law(r"\text{twice}", source="toy", A=square_matrices(min_n=2, max_n=2))
def any_memory(twice, A, space):
    """For every square A, in column-major memory."""
    got = twice.transposed_memory(A)
    judge(np.linalg.norm(got - 2 * A), space.u * np.linalg.norm(A), scale=np.inf, got=got, truth=2 * A)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The wrong code to judge, and beside it the same names put right."""
    for name, text in (("wrong", WRONG), ("right", RIGHT)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "users_code.py").write_text(textwrap.dedent(text), encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path / "wrong"))
    sys.modules.pop("users_code", None)
    yield tmp_path
    sys.modules.pop("users_code", None)


def falsify(folder, name, spec, which, where, contracts=CONTRACTS):
    """Judge, and write the script of the violation."""
    subject = resolve(spec, contracts)
    outcome = run(which, subject, where, contracts, Profile("short", 25, shrink_seconds=1.0))
    assert outcome.outcome == VIOLATED, f"{name} held"
    path = folder / "scripts" / f"{name}.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text(script(which, subject, where, outcome, contracts), encoding="utf-8")
    return str(path)


def statuses(folder, which, paths, *flags):
    """Exit status and output of each script, run on the wrong or the right code."""
    driver = folder / "driver.py"
    driver.write_text(DRIVER)
    done = subprocess.run(
        [sys.executable, str(driver), json.dumps(paths), *flags], cwd=folder / which, capture_output=True, text=True,
        env={"PYTHONPATH": str(folder / which), "PATH": "", "JAX_PLATFORMS": "cpu"}, timeout=120, check=True,
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


DECIDES_ALONE = {
    "numbers": toy.twice_is_the_sum, "jump": toy.twice_is_the_sum, "raises": toy.twice_is_the_sum,
    "exits": toy.twice_is_the_sum, "mutates": toy.twice_is_the_sum, "shape": toy.twice_is_the_sum,
    "kind": toy.twice_is_the_sum, "dtype": toy.twice_is_the_sum, "nan": toy.twice_is_the_sum,
    "dice": toy.twice_is_the_sum, "any_memory": any_memory,
}  # fmt: skip
"""Faults, and the law that finds them, whose scripts decide without detrace."""


def test_scripts_decide_without_detrace(folder):
    """For every kind of fault the script exits with 1 on the wrong code and 0 on the right one, without detrace."""
    float64 = space("numpy-cpu-float64")
    names = {n: "numbers" if n == "any_memory" else n for n in DECIDES_ALONE}
    paths = [falsify(folder, n, f"twice=users_code:{names[n]}", which, float64) for n, which in DECIDES_ALONE.items()]
    paths.append(
        falsify(folder, "imaginary", "twice=users_code:imaginary", toy.twice_is_the_sum, space("numpy-cpu-complex64"))
    )
    paths.append(falsify(folder, "object", "users_code:impl", toy.twice_is_the_sum, float64))
    paths.append(
        falsify(folder, "by_path", str(folder / "wrong" / "users_code.py") + ":impl", toy.twice_is_the_sum, float64)
    )
    paths.append(falsify(folder, "operator", "applied=users_code:applied", application, float64))
    wrong = statuses(folder, "wrong", paths, "--without-detrace")
    assert {p: text for p, (s, text) in wrong.items() if s == 0 or (s == 1 and text.startswith("Traceback"))} == {
        paths[2]: wrong[paths[2]][1]  # the one that raises
    }
    (folder / "wrong" / "users_code.py").write_text(textwrap.dedent(RIGHT))  # put right where it is, for `by_path`
    right = statuses(folder, "wrong", paths, "--without-detrace")
    assert {p: text for p, (s, text) in right.items() if s != 0} == {}


@pytest.mark.parametrize("where", [b for b in HERE if b != "numpy-cpu"])
def test_scripts_in_other_libraries(folder, where):
    """The same in torch, jax and array-api-strict: values, gradients and forms."""
    s = space(f"{where}-float32")
    paths = [falsify(folder, "numbers", "twice=users_code:numbers", toy.twice_is_the_sum, s),
             falsify(folder, "kind", "twice=users_code:kind", toy.twice_is_the_sum, s),
             falsify(folder, "shape", "twice=users_code:shape", toy.twice_is_the_sum, s)]  # fmt: skip
    if s.backend.vjp is not None:
        paths.append(falsify(folder, "gradient", "users_code:impl", gradient_is_two, s))
        paths.append(falsify(folder, "recorded", "twice=users_code:numbers", differentiated_twice_is_twice, s))
        assert "requires_grad_()" in Path(paths[-1]).read_text() or "jax.vjp" in Path(paths[-1]).read_text()
    assert {s for s, _ in statuses(folder, "wrong", paths, "--without-detrace").values()} == {1}
    right = statuses(folder, "right", paths, "--without-detrace")
    assert {p: text for p, (s, text) in right.items() if s != 0} == {}


def test_scripts_of_laws_about_several_results(folder):
    """Where a law relates several calls the script knows the wrong results again, and asks detrace about others."""
    (folder / "wrong" / "users_code.py").write_text("import numpy as np\ndef expm(A): return np.eye(len(A)) + A\n")
    (folder / "right" / "users_code.py").write_text("from scipy.linalg import expm\n")
    suite = load()
    path = falsify(
        folder,
        "semigroup",
        "users_code",
        suite.laws["exponential_is_a_semigroup"],
        space("numpy-cpu-float64"),
        suite.contracts,
    )
    ((status, text),) = statuses(folder, "wrong", [path], "--without-detrace").values()
    assert (status, "times the bound" in text) == (1, True)
    ((status, text),) = statuses(folder, "right", [path], "--without-detrace").values()
    assert (status, "install detrace to have them judged" in text) == (2, True)
    ((status, text),) = statuses(folder, "right", [path]).values()
    assert (status, "exponential is a semigroup: held" in text) == (0, True)


def test_a_script_keeps_every_bit(float64):
    """Signed zeros, subnormals and full mantissas of the input stand in the script as they are."""
    from detrace.values import literal

    A = np.array([[-0.0, 5e-324], [0.1, -1 / 3]])
    subject = toy.subject(twice=lambda a: a)
    outcome = run(toy.twice_is_the_sum, subject, float64, CONTRACTS, Profile("replay", 0), explicit=[{"A": A}])
    text = script(toy.twice_is_the_sum, subject, float64, outcome, CONTRACTS)
    assert f"twice({literal(A).removesuffix(')')}, dtype=np.float64))" in text


def test_a_script_about_results_of_several_shapes(float64):
    """A law may show several arrays as what it got; none of them alone decides, and the script still comes out."""

    @law("x", source="toy", A=square_matrices(min_n=2, max_n=2))
    def several(twice, A):
        """For every A."""
        judge(1.0, 1e-9, got=[twice(A), A[0]], truth=2.0)

    outcome = run(several, toy.subject(twice=lambda a: a + a), float64, CONTRACTS, PROFILES["quick"])
    text = script(several, toy.subject(twice=lambda a: a + a), float64, outcome, CONTRACTS)
    assert "these are not the results that violated the law" in text


def test_a_script_of_large_arrays_is_short(float64):
    """Matrices of 160,000 numbers stand neither in the results nor in the script, which has the law make them again."""

    @law("x", source="toy", n=integers(400, 400))
    def large(twice, n):
        """For every n."""
        judge(1.0, 1e-9, got=twice(np.eye(n))[0], truth=2.0)

    subject = toy.subject(twice=lambda a: a + a)
    outcome = run(large, subject, float64, CONTRACTS, PROFILES["quick"])
    text = script(large, subject, float64, outcome, CONTRACTS)
    assert len(json.dumps(outcome.as_json())) < 30_000
    assert len(text) < 2_000
    assert 'judge_again("large", {"twice": twice}, "numpy-cpu-float64", n=400)' in text


def test_what_source_cannot_rebuild_is_left_to_the_law(float64):
    """A call with an argument that is only known by its text is not repeated; the script asks detrace."""

    @law("x", source="toy", k=integers(0, 3))
    def opaque(applied, k):
        """For every k."""
        applied(lambda v: v, np.ones(2))

    subject = toy.subject(applied=lambda f, v: 1 / 0)
    outcome = run(opaque, subject, float64, CONTRACTS, PROFILES["quick"])
    text = script(opaque, subject, float64, outcome, CONTRACTS)
    assert "<function" not in text
    assert 'judge_again("opaque", {"applied": applied}, "numpy-cpu-float64", k=0)' in text


def test_a_script_of_a_hang_ends(folder):
    """A subject that does not come back is stopped by the script itself, with status 1."""
    from detrace.engine import Outcome

    (folder / "wrong" / "users_code.py").write_text("def twice(A):\n    while True: pass\n")
    violation = {"kind": "hung", "ratio": "inf", "why": "", "limit_s": 0.5,
                 "calls": [["twice", [{"shape": [1, 1], "re": [1.0]}], None]]}  # fmt: skip
    outcome = Outcome(
        "twice_is_the_sum", "users_code", "numpy-cpu-float64", VIOLATED, reason="hangs", violation=violation
    )
    subject = resolve("users_code", CONTRACTS)
    path = folder / "hang.py"
    path.write_text(script(toy.twice_is_the_sum, subject, space("numpy-cpu-float64"), outcome, CONTRACTS))
    done = subprocess.run([sys.executable, str(path)], cwd=folder, capture_output=True, text=True, timeout=60,
                          env={"PYTHONPATH": str(folder / "wrong"), "PATH": ""})  # fmt: skip
    assert done.returncode == 1
    assert "Timeout" in done.stderr


def test_scripts_about_public_libraries(tmp_path):
    """Each known deviation of an installed library is shown by a script that needs nothing but that library, and detrace where
    the adapter or the verdict does."""
    suite = load()
    peers = {p.name: p for p in suite.peers()[0]}
    paths = []
    for entry in ledger.read(suite.root / "verify" / "deviations.toml", suite.laws):
        peer = peers.get(entry.subject)
        where = next((s for s in REPRODUCED_IN if any(fnmatch.fnmatch(s, p) for p in entry.spaces)), None)
        if peer is None or where is None or probe(where.rpartition("-")[0]) or not entry.applies(peer.requires):
            continue
        if entry.isolate:
            continue  # it would take this process down
        which = suite.laws[entry.law]
        outcome = run(which, peer, space(where), suite.contracts, ledger.REPLAY, explicit=[entry.input])
        assert outcome.outcome == VIOLATED, entry.id
        path = tmp_path / f"{entry.id}.py"
        path.write_text(script(which, peer, space(where), outcome, suite.contracts), encoding="utf-8")
        paths.append(str(path))
    (tmp_path / "right").mkdir()
    alone = [p for p in paths if "from detrace." not in Path(p).read_text(encoding="utf-8")]
    answers = statuses(tmp_path, "right", alone, "--without-detrace")
    answers |= statuses(tmp_path, "right", [p for p in paths if p not in alone])
    assert len(answers) == len(paths)
    raising = {p for p in paths if " raised " in Path(p).read_text(encoding="utf-8")}
    assert {p: t for p, (s, t) in answers.items() if s != 1 or (t.startswith("Traceback") and p not in raising)} == {}


REPRODUCED_IN = [f"{b}-{d}" for d in ("float64", "float32", "complex128", "complex64") for b in HERE]
"""Where a deviation is looked for, in this order."""

"""The command line as a user meets it: bad input is one sentence, results are kept, statuses mean what they say."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import textwrap
import time

import click
import pytest
from conftest import QUICK, ROOT

from detrace.cli import app, main
from detrace.plugin import theorem_of
from detrace.results import SCHEMA
from detrace.session import Session, SessionError
from detrace.spaces import backends, probe
from detrace.suite import load
from detrace.terminal import _simplicity

WRONG = "import numpy as np\ndef expm(A): return np.eye(len(A)) + A\n"
RIGHT = "from right.matrix_exponential import expm\n"
ABSENT = next((b for b in backends() if probe(b)), None)


def one_sentence(done: subprocess.CompletedProcess[str], status: int) -> str:
    """The one line that a failed command printed, without a traceback."""
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    assert len(lines) == 1, lines
    return lines[0]


# -- what cannot be run -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"subject": ["no_such_module"]}, "there is no module named 'no_such_module'"),
        ({"subject": ["refrence"]}, "there is no module named 'refrence'.*; did you mean reference"),
        ({"law": ["exponential_is_its_serie"]}, "unknown law .* did you mean exponential_is_its_series"),
        ({"family": ["matrix"]}, "unknown family 'matrix'"),
        ({"backend": ["numpi"]}, "unknown backend 'numpi'; did you mean numpy"),
        ({"dtype": ["double"]}, "unknown dtype 'double'"),
        ({"profile": "slow"}, "unknown profile 'slow'; there are quick, ci, deep"),
        ({"isolate": 0.0}, "--isolate 0: give a number of seconds above 0"),
        ({"rerun": "none.json"}, "there is no results file at none.json"),
        ({"subject": ["json"]}, "json offers no contract"),
    ],
)
def test_what_cannot_be_run_is_one_sentence(tmp_path, monkeypatch, options, sentence):
    """Unknown subjects, laws, families, backends, dtypes and profiles, with near names; a rerun of nothing."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SessionError, match=sentence) as caught:
        Session.of({f"detrace_{k}": v for k, v in options.items()})
    assert "\n" not in str(caught.value)
    assert os.listdir(tmp_path) in ([], [".detrace"])


def test_no_law_for_many_subjects(project):
    """No public library offers an optimiser's turns; the sentence names a few of the fifty."""
    line = one_sentence(project.detrace("verify", "peers", "--family", "single_loss", "--backend", "numpy"), 2)
    assert re.match(r"ERROR: nothing to run: no chosen law asks for what is offered by (\w+, ){2}\w+ and \d+ more; ", line)


@pytest.mark.skipif(ABSENT is None, reason="every device is here")
def test_no_space_available(project):
    """Asking only for a device that is not here says why; requiring it fails the run with status 1 before it starts."""
    assert ABSENT is not None
    project.write("mine.py", WRONG)
    line = one_sentence(project.detrace("verify", "mine", "--backend", ABSENT), 2)
    assert line == f"ERROR: nothing to run for mine: {probe(ABSENT)}"
    line = one_sentence(project.detrace("verify", "--require", ABSENT), 1)
    assert line == f"detrace: --require {ABSENT}: it is not here: {probe(ABSENT)}"


@pytest.mark.parametrize(
    ("module", "sentence"),
    [
        ("1 / 0", "ERROR: importing mine failed: ZeroDivisionError: division by zero"),
        ("def expm(): pass", "ERROR: expm of mine takes 0 arguments, the contract is (n,n)->(n,n)"),
    ],
)  # fmt: skip
def test_subjects_that_cannot_be_judged(project, module, sentence):
    """An import that raises, a wrong signature: one sentence, status 2 (all the others are in test_subjects)."""
    project.write("mine.py", module)
    assert one_sentence(project.detrace("verify", "mine"), 2) == sentence


def test_an_import_that_crashes_is_one_sentence_in_isolation(project):
    """With --isolate even a module that takes its process down on import is only a sentence."""
    project.write("mine.py", "import os; os.abort()")
    line = one_sentence(project.detrace("verify", "mine", "--isolate", "30"), 2)
    assert line == "ERROR: importing mine crashed with SIGABRT"


@pytest.mark.parametrize("text", ["{half", '{"theirs": 1}', json.dumps({"schema": SCHEMA + "0"})])
def test_files_of_others_are_never_overwritten(project, text):
    """verify, --rerun-failed and report refuse an unreadable, foreign or other-schema file and leave it as it is."""
    file = project.write("theirs.json", text)
    for command in (["verify", *QUICK], ["verify", "--rerun-failed"], ["report"]):
        if text != "{half" and command != ["verify", *QUICK]:
            continue  # one of each is enough
        assert "theirs.json" in one_sentence(project.detrace(*command, "--results", "theirs.json"), 2)
    assert file.read_text() == text
    assert not (project.path / "report.html").exists()


def test_places_that_cannot_be_written(project):
    """A results file below a file is refused before anything runs."""
    project.write("file", "")
    assert "results cannot be written to" in one_sentence(project.detrace("verify", "--results", "file/r.json"), 2)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[tool.detrace\n", "pyproject.toml is not valid TOML"),
        ("[tool.detrace]\nsubjects = 3\n", "subjects must be a list"),
    ],
)
def test_wrong_configuration(project, text, sentence):
    """A pyproject.toml that cannot be read, or whose subjects are no list, is one sentence."""
    project.write("pyproject.toml", text)
    assert sentence in one_sentence(project.detrace("verify"), 2)


def test_wrong_options(project):
    """Numbers of workers that are none, and subjects beside --rerun-failed."""
    assert one_sentence(project.detrace("verify", "-n", "many"), 2).endswith(
        "give a number of worker processes or auto"
    )
    line = one_sentence(project.detrace("verify", "mine", "--rerun-failed"), 2)
    assert line == "detrace: --rerun-failed takes its subjects from the results file; leave out mine"


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("verfy", "detrace: No such command 'verfy'. Did you mean 'verify'? (`detrace --help`)"),
        ("--version", "detrace: No such option '--version' (`detrace --help`)"),
        ("verify --bakend x", "detrace verify: No such option '--bakend'. Did you mean '--backend'? (`detrace verify --help`)"),
        ("verify --law", "detrace verify: Option '--law' requires an argument (`detrace verify --help`)"),
        ("bench --full=2", "detrace bench: Option '--full' does not take a value (`detrace bench --help`)"),
        ("laws all", "detrace laws: Got unexpected extra argument (all) (`detrace laws --help`)"),
        ("laws --long=3", "detrace laws: Option '--long' does not take a value (`detrace laws --help`)"),
    ],
)  # fmt: skip
def test_what_cannot_be_read(capsys, typed, sentence):
    """An unknown command or option with near names, a value that is missing, wrong or too much: one sentence, status 2."""
    with pytest.raises(SystemExit) as left:
        main(typed.split())
    assert left.value.code == 2
    said = capsys.readouterr()
    assert said.err == sentence + "\n"
    assert said.out == ""


# -- what can ---------------------------------------------------------------------------------------------------------


def comparable(results):
    """The content of a results file without what differs from run to run."""
    for item in results["items"]:
        item.pop("seconds")
    catalogue = ("families", "contracts", "laws", "mutants")  # of the suite, not of the run
    return {k: v for k, v in results.items() if k not in ("created", "finished", "command", "environment", *catalogue)}


def test_violations_reruns_and_pages(project):
    """A wrong subject: status 1, results, page, and the same content under xdist; put right, --rerun-failed is 0."""
    project.write("mine.py", WRONG)
    project.write("pyproject.toml", '[tool.detrace]\nsubjects = ["mine"]\n')
    project.write("verify/__init__.py", "raise RuntimeError('the user has a folder of this name')")
    project.write("reference/__init__.py", "raise RuntimeError('and of this')")
    project.write("bench/__init__.py", "raise RuntimeError('and of this')")
    laws = ("exponential_is_its_series", "exponential_is_a_semigroup", "scalar_multiple_of_identity")
    options = [x for law in laws for x in ("--law", law)] + ["--backend", "numpy", "--dtype", "float64"]
    done = project.detrace("verify", *options)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "✘ exponential_is_its_series" in done.stdout
    assert "coverage: 1 of" in done.stdout
    assert done.stdout.count("reproduce (save as a file") == 1  # one function: its first broken law in full
    assert "where    expm is e^A" in done.stdout
    for law in laws:
        assert law.replace("_", " ") in done.stdout or f"  and breaks {law}: error" in done.stdout
    assert "after a fix: detrace verify --rerun-failed" in done.stdout
    serial = project.results()
    assert {i["outcome"] for i in serial["items"]} == {"violated"}
    assert not serial["interrupted"]

    done = project.detrace("verify", *options, "-n", "2")
    assert done.returncode == 1, done.stdout + done.stderr
    assert comparable(project.results()) == comparable(serial)

    done = project.detrace("report", "-o", "page.html")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "mine" in (project.path / "page.html").read_text(encoding="utf-8")

    shutil.copytree(ROOT / "reference", project.path / "right")
    project.write("mine.py", RIGHT)
    done = project.detrace("verify", "--rerun-failed")
    assert done.returncode == 0, done.stdout + done.stderr
    wanted = {law: 1 + max(25, load().laws[law].least) for law in laws}  # the input that failed, then the quick profile's
    assert {i["law"]: i["examples"] for i in project.results()["items"]} == wanted
    assert {i["outcome"] for i in project.results()["items"]} == {"held"}
    line = one_sentence(project.detrace("verify", "--rerun-failed"), 2)
    assert line.startswith("ERROR: nothing to run again: ")
    assert line.endswith("results.json has no violated item but known ones")


def test_crashes_and_hangs_end_to_end(project):
    """With --isolate a segfault and a hang are violated items, and the run goes on."""
    project.write("mine.py", """\
        import ctypes, time
        from reference.matrix_exponential import expm as right
        BACKENDS = "numpy"
        def expm(A):
            if A.dtype == "float32": ctypes.string_at(0)
            if A.dtype == "complex64": time.sleep(1000)
            return right(A)
        """)  # fmt: skip
    done = project.detrace("verify", "mine", "--law", QUICK[-1], "--isolate", "2")
    assert done.returncode == 1, done.stdout + done.stderr
    reasons = {i["space"].removeprefix("numpy-cpu-"): i["reason"] for i in project.results()["items"]}
    assert reasons == {
        "float32": "expm crashed with SIGSEGV", "complex64": "expm hangs: no answer within 2 s", "float64": "",
        "complex128": "",
    }  # fmt: skip


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["serial", "xdist"])
def test_ctrl_c_keeps_what_was_finished(project, workers):
    """SIGINT in the middle: what was finished is written and reported, the file says so, the status is 130."""
    project.write("mine.py", """\
        import pathlib, time
        from reference.matrix_exponential import expm as right
        BACKENDS = "numpy"
        DTYPES = ("float32", "float64")
        def expm(A):
            if A.dtype == "float64":
                pathlib.Path("reached").touch()
                time.sleep(600)
            pathlib.Path("called").touch()
            return right(A)
        """)  # fmt: skip
    command = [sys.executable, "-m", "detrace", "verify", "mine", "--law", QUICK[-1], *workers]
    process = subprocess.Popen(command, cwd=project.path, env=project.environment(), stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, start_new_session=True)  # fmt: skip
    deadline = time.monotonic() + 60
    called = project.path / "called"
    while time.monotonic() < deadline:
        quiet = called.exists() and time.time() - called.stat().st_mtime > 2  # float32 is finished, and xdist knows it
        if quiet and (project.path / "reached").exists():
            break
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)  # what a terminal does
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert "interrupted: only what was finished" in output
    assert "Traceback" not in output
    results = project.results()
    assert results["interrupted"] is True
    assert [(i["space"], i["outcome"]) for i in results["items"]] == [("numpy-cpu-float32", "held")]


def test_plain_pytest_says_the_same(project):
    """`pytest verify --detrace-subject` runs the same items, fails for the same reason, and writes the same file."""
    project.write("mine.py", WRONG)
    done = project.python(
        "-m", "pytest", str(load().root / "verify"), "-q", "-p", "no:cacheprovider", "--detrace-subject=mine",
        f"--detrace-law={QUICK[-1]}", "--detrace-backend=numpy", "--detrace-dtype=float64",
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    assert "exponential_is_its_series[mine-numpy-cpu-float64]" in done.stdout
    assert "true     [[" in done.stdout
    assert "mine: 0 held, 1 violated" in done.stdout
    assert [i["outcome"] for i in project.results()["items"]] == ["violated"]
    done = project.python(
        "-m", "pytest", str(load().root / "verify"), "-q", "-p", "no:cacheprovider", "--detrace-subject=nothing"
    )
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "ERROR: there is no module named 'nothing'" in done.stdout + done.stderr


def test_the_plugin_is_silent_elsewhere(project):
    """In an unrelated project pytest loads the plugin, and with it neither NumPy nor anything of a run."""
    project.write("test_theirs.py", """\
        import sys
        def test_nothing_heavy():
            assert "detrace.plugin" in sys.modules
            heavy = {"numpy", "hypothesis", "flint", "torch", "detrace.engine", "detrace.session", "detrace.terminal"}
            assert not heavy & set(sys.modules)
        """)  # fmt: skip
    done = project.python("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:jaxtyping")
    assert done.returncode == 0, done.stdout
    assert "detrace" not in done.stdout
    assert not (project.path / ".detrace").exists()


def test_help_laws_and_spaces(project):
    """Help teaches, the catalogue names every law with its formula, spaces say what is here and why others are not."""
    done = project.detrace("--help")
    assert done.returncode == 0
    for word in ("verify", "bench", "report", "laws", "spaces", "Exit status"):
        assert word in done.stdout
    nothing = project.detrace()
    assert (nothing.returncode, nothing.stdout) == (2, done.stdout)
    done = project.detrace("laws")
    for law in load().laws.values():
        assert law.name in done.stdout
        assert law.formula in done.stdout
    done = project.detrace("spaces")
    for backend in backends():
        assert backend in done.stdout
    if ABSENT is not None:
        assert probe(ABSENT) in done.stdout
    assert "unknown family 'x'" in one_sentence(project.detrace("laws", "--family", "x"), 2)


def test_every_option_is_explained(capsys):
    """Each command's help has its summary, each of its options and what they mean, within the terminal's width."""
    for name, command in app.commands.items():
        with pytest.raises(SystemExit) as left:
            main([name, "--help"])
        assert not left.value.code
        text = capsys.readouterr().out
        words = " ".join(text.split())
        assert words.startswith(f"Usage: detrace {name} ")
        for option in command.params:
            if isinstance(option, click.Option):
                assert " ".join(option.help.split()) in words
                assert option.opts[-1] in words
        assert max(map(len, text.splitlines())) <= 110


def test_bench_times_every_family_unless_told(project):
    """No --family is all of them, not none."""
    code = """
        import bench
        from detrace.cli import app
        bench.run = lambda suite, subjects, *, families, **_: print("families:", families) or {}
        app.main(["bench"], standalone_mode=False)
        app.main(["bench", "--family", "single_loss"], standalone_mode=False)
        """
    done = project.python("-c", textwrap.dedent(code))
    assert done.returncode == 0, done.stderr
    assert re.findall("families: (.*)", done.stdout) == ["None", "('single_loss',)"]


def test_a_reader_that_leaves_is_no_error(project):
    """`detrace laws | head -1` ends without a traceback."""
    laws = f"{shlex.quote(sys.executable)} -m detrace laws"
    done = subprocess.run(f"{laws} | head -1", shell=True, cwd=project.path, env=project.environment(),
                          capture_output=True, text=True, timeout=120)  # fmt: skip
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


def test_numpy_is_judged_without_torch(project):
    """Where torch cannot be imported, one law of every family holds on NumPy, mutants are catalogued, and the reason is kept;
    with --backend numpy nobody looks for torch."""
    project.write("../hidden/torch.py", "raise ModuleNotFoundError('there is no torch here')")
    firsts = {load().family_of(law): law.name for law in reversed(load().laws.values()) if not law.needs}
    laws = [x for name in firsts.values() for x in ("--law", name)]
    done = project.detrace("verify", "reference", *laws, "--dtype", "float64", "--backend", "numpy", "--backend", "torch")
    assert done.returncode == 0, done.stdout + done.stderr
    results = project.results()
    assert {i["law"] for i in results["items"]} == set(firsts.values())
    here = {s["id"]: (s["available"], s["reason"]) for s in results["spaces"]}
    assert here["torch-cpu"] == (False, "ModuleNotFoundError: there is no torch here")
    assert here["jax-cpu"] == (None, "not asked for")
    project.write("../hidden/torch.py", "import os; os._exit(3)  # whoever imports this is found out")
    done = project.detrace("verify", *QUICK)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {s["id"]: s["available"] for s in project.results()["spaces"]}["torch-cpu"] is None
    assert project.detrace("report").returncode == 0


def test_nothing_of_a_run_lands_in_the_suite():
    """Runs write where the user stands, not into the suite's own folders."""
    assert not (ROOT / "verify" / ".detrace").exists()


def test_what_jax_compiled_is_there_for_the_next_run(project, monkeypatch):
    """By kind of processor; the second run compiles nothing and finds the same. JAX's own variable goes before."""
    pytest.importorskip("jax")
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    (project.path.parent / "hidden/jax.py").unlink()
    law = ("verify", "reference", "--law", "total_variation_is_a_metric", "--backend", "jax", "--dtype", "float32")
    kept, found = [], []
    for _ in range(2):
        assert project.detrace(*law).returncode == 0
        kept.append({file.name for file in project.path.glob(".detrace/jax/*/*-cache")})
        found.append([{**item, "seconds": 0} for item in project.results()["items"]])
    assert kept[0]
    assert kept[1] == kept[0]
    assert found[1] == found[0]
    shutil.rmtree(project.path / ".detrace/jax")
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(project.path / "own"))
    assert project.detrace(*law).returncode == 0
    assert not (project.path / ".detrace/jax").exists()


@pytest.mark.parametrize(("profile", "kept"), [(None, True), ("ci", True), ("deep", False)])
def test_random_profiles_keep_nothing_that_jax_compiled(tmp_path, monkeypatch, profile, kept):
    """They draw other shapes every time."""
    monkeypatch.chdir(tmp_path)
    for name in ("COMPILATION_CACHE_DIR", "PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"):
        monkeypatch.setenv(f"JAX_{name}", "")  # so that what was there comes back
        monkeypatch.delenv(f"JAX_{name}")
    law = "determinant_is_exponential_of_trace"
    Session.of({"detrace_profile": profile, "detrace_backend": ["numpy"], "detrace_law": [law]})
    assert ("JAX_COMPILATION_CACHE_DIR" in os.environ) == kept


def test_one_worker_has_all_items_of_a_theorem(project):
    """Under -n, so that its inputs are drawn once, and its oracle is asked once."""
    project.write("recorder.py", """
        def pytest_runtest_logreport(report):
            if report.when == "call" and hasattr(report, "node"):
                with open("workers.txt", "a") as file:
                    print(report.node.gateway.id, report.nodeid, file=file)
    """)
    project.write("run.py", """
        import os, sys
        os.environ["PYTEST_PLUGINS"] = "recorder"
        from detrace.cli import main
        laws = "loss_is_its_formula", "logits_that_are_nan_show", "phi1_reflects"
        options = [x for law in laws for x in ("--law", law)]
        sys.argv = ["detrace", "verify", "reference", *options, "--backend", "numpy", "--dtype", "float64", "-n", "2"]
        main()
    """)
    done = project.python("run.py")
    assert done.returncode == 0, done.stdout + done.stderr
    workers: dict[str, set[str]] = {}
    items = (project.path / "workers.txt").read_text(encoding="utf-8").splitlines()
    for worker, nodeid in map(str.split, items):
        workers.setdefault(theorem_of(nodeid), set()).add(worker)
    assert len(workers) > 2, "theorems"
    assert len(items) > 10 * len(workers), "items"
    assert all(len(theirs) == 1 for theirs in workers.values()), workers
    assert len(set.union(*workers.values())) == 2


def test_the_plainest_violation_is_read_first():
    """A wrong value of one short call stands before one of a long call, of two calls, of calls that were not kept, and before
    an exception, however short the inputs from which the law made the calls."""
    one, zero, word = [[1.0]], [[0.0]], {"m": 1}

    def item(name, kind, calls, given):
        return {"law": name, "input": given, "violation": {"kind": kind, "calls": [["f", [a], None] for a in calls]}}

    items = [
        item("raises", "raised", [one], word),
        item("not kept", "ratio", [], word),
        item("two calls", "ratio", [one, zero], word),
        item("long", "ratio", [[1.0 / 3.0]], word),
        item("short", "ratio", [one], {"A": one, "B": zero}),
    ]
    assert [i["law"] for i in sorted(items, key=_simplicity)] == ["short", "long", "two calls", "not kept", "raises"]

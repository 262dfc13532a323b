"""`detrace init`: what it finds and writes, that it never overwrites, and that the workflow's own commands judge."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from workflow import steps

from detrace import starter
from detrace.starter import ADAPTER, PROJECT, WORKFLOW, StarterError, start
from detrace.starter.candidates import search
from detrace.subjects import resolve
from detrace.suite import load

CONTRACTS = load().contracts

LINALG = """\
    raise RuntimeError("reading the source must not run it")

    def expm(A, order=13): ...
    def matrix_exponential(A): ...
    def logdet_expm(A, B): ...
    def log1pm(A, *, tolerance): ...
    def _phi1(s): ...
    def unrelated_helper(A): ...
    class Layer:
        def phi1(self, s): ...
    """


def written(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(textwrap.dedent(text), encoding="utf-8")
    return root


def content(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() if p.is_file() else b"/" for p in root.rglob("*")}


def test_what_is_found(tmp_path):
    """Contracts by name if the arguments fit, near names and others as suggestions; private, nested and tests' ones not."""
    root = written(tmp_path, {
        "src/mypkg/linalg.py": LINALG, "src/mypkg/__init__.py": "def expm(A): ...", "train.py": "def loss_G(fake): ...",
        "losses.py": "def d_loss(d_real, d_fake, step): ...\ndef gen_loss(pred): ...\ndef discriminator_loss(x): ...",
        "broken.py": "def expm(:", "test_mine.py": "def phi1(s): ...", "tests/helpers.py": "def phi1(s): ...",
        "env/pyvenv.cfg": "", "env/lib.py": "def phi1(s): ...", ".hidden/m.py": "def phi1(s): ...",
    })  # fmt: skip
    found = search(root, CONTRACTS)
    assert [(c.module, c.function) for c in found.exact] == [("mypkg", "expm")]
    assert {(c.module, c.function, c.contract) for c in found.near} == {
        ("mypkg.linalg", "expm", "expm"), ("mypkg.linalg", "matrix_exponential", "expm"),
        ("mypkg.linalg", "logdet_expm", "logdet_expm"), ("mypkg.linalg", "log1pm", "log1pm"),
    }  # fmt: skip
    assert [(c.function, c.contract, c.takes) for c in found.players] == [
        ("d_loss", "discriminator", "real fake"), ("gen_loss", "generator", "fake"),
        ("discriminator_loss", "discriminator", "real fake"), ("loss_G", "generator", "fake"),
    ]  # fmt: skip


def test_suggestions_are_code(tmp_path, monkeypatch):
    """Each suggestion, uncommented, gives the adapter a function with a contract's name that takes a contract's arguments."""
    losses = ("def d_hinge(d_real, d_fake): ...\ndef g_hinge(d_fake): ...\ndef d_loss(fake, real): ...\n"
              "def matrix_exp(A): ...\n"
              "def compute_gradient_penalty(netD, real_samples, generated, lambda_gp=10): ...\n")  # fmt: skip
    written(tmp_path, {"theirs_losses.py": losses})
    monkeypatch.syspath_prepend(str(tmp_path))
    start(tmp_path, CONTRACTS)
    lines = (tmp_path / ADAPTER).read_text().splitlines()
    assert max(map(len, lines)) <= 128
    text = "\n".join(re.sub(r"^# (from |\w+ = (loss|penalty))", r"\1", line) for line in lines)
    text = text.replace("\nfrom", "\nfrom detrace.conventions import loss, penalty\nfrom", 1)  # what the lines that need it say
    (tmp_path / ADAPTER).write_text(text)
    subject = resolve(str(tmp_path / ADAPTER), CONTRACTS)
    assert set(subject.functions) == {"expm", "hinge_discriminator", "hinge_generator", "two_sided_penalty"}
    assert 'two_sided_penalty = penalty(compute_gradient_penalty, takes="critic real fake")' in text
    assert 'hinge_discriminator = loss(d_loss, takes="fake real")' in text
    assert 'hinge_generator = loss(g_hinge, takes="fake")' in text


def test_an_existing_project(tmp_path, monkeypatch):
    """The adapter imports what is found, the table is appended and read by `detrace verify`, the rest stays byte for byte."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    before = '[project]\r\nname = "theirs"  # theirs'
    written(tmp_path, {"theirs_linalg.py": "def expm(A): return A\ndef matrix_exponential(A): return A"})
    (tmp_path / PROJECT).write_bytes(before.encode())
    result = start(tmp_path, CONTRACTS)
    text = (tmp_path / PROJECT).read_bytes().decode()
    assert text.startswith(before + "\r\n")
    assert tomllib.loads(text)["tool"]["detrace"]["subjects"] == [str(ADAPTER)]
    subject = resolve(str(ADAPTER), CONTRACTS)
    assert set(subject.functions) == {"expm"}
    assert "# from theirs_linalg import matrix_exponential as expm" in (tmp_path / ADAPTER).read_text()
    assert "pip install -e ." in (tmp_path / WORKFLOW).read_text()
    said = starter.said(result)
    assert "1 function has the name of a contract, imported; 1 looks like one, commented" in said
    assert "\n  2. detrace verify    then: detrace report" in said


@pytest.mark.parametrize(
    ("text", "state"), [('[tool.detrace]\nsubjects = ["x"]\n', "theirs"), ("[tool]\ndetrace = {}\n", "kept"), ("", "added")]
)
def test_tables_of_theirs_stay(tmp_path, text, state):
    """A table that is there, in any spelling, is left as it is; an empty file gets one. CI never judges by default only us."""
    (tmp_path / PROJECT).write_text(text)
    result = start(tmp_path, CONTRACTS)
    assert result.table == state
    assert ("stays as it is" in starter.said(result)) == (state != "added")
    judge = steps((tmp_path / WORKFLOW).read_text())["Judge"]
    assert (f"detrace verify {ADAPTER} " in judge) == (state == "kept")
    added = '[tool.detrace]\nsubjects = ["detrace_adapter.py"]\n'
    assert (tmp_path / PROJECT).read_text() == (text or added)


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({str(ADAPTER): "theirs"}, "detrace_adapter.py is there already"),
        ({str(WORKFLOW): "theirs"}, "detrace.yml is there already"),
        ({str(PROJECT): "[tool.detrace"}, "pyproject.toml is not valid TOML"),
        ({str(PROJECT): "tool = {ruff = {}}"}, "cannot be appended; add it by hand"),
        ({".github": "a file"}, "cannot be written"),
    ],
)
def test_nothing_is_overwritten_or_half_written(tmp_path, files, sentence):
    """Whatever stands in the way: one sentence, and every file and folder is as it was."""
    before = content(written(tmp_path, files))
    with pytest.raises(StarterError, match=sentence) as caught:
        start(tmp_path, CONTRACTS)
    assert "nothing was written" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert content(tmp_path) == before


def test_a_failed_append_takes_everything_back(tmp_path, monkeypatch):
    """If pyproject.toml fails last, the adapter, the workflow and its folders are gone again."""
    (tmp_path / PROJECT).write_text("[project]\n")
    before = content(tmp_path)

    def full(path, table):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(starter, "_append", full)
    with pytest.raises(StarterError, match=r"pyproject\.toml cannot be written: No space left on device; nothing was written"):
        start(tmp_path, CONTRACTS)
    assert content(tmp_path) == before


@pytest.mark.parametrize(
    ("origin", "record", "source"),
    [
        ('{"url": "file:///here", "dir_info": {}}', "x", starter.UNKNOWN_SOURCE),
        ('{"url": "https://x.org/d", "vcs_info": {"vcs": "git", "commit_id": "abc"}}', "x", "detrace @ git+https://x.org/d@abc"),
        (None, "x", "detrace==9.9"),
        (None, None, starter.UNKNOWN_SOURCE),
    ],
)
def test_where_ci_gets_detrace_from(tmp_path, monkeypatch, origin, record, source):
    """What is installed here: a local folder (to be filled in), a commit, a version; without metadata nothing is guessed."""

    class Distribution:
        version = "9.9"

        def read_text(self, name):
            return {"direct_url.json": origin, "RECORD": record}[name]

    monkeypatch.setattr(metadata, "distribution", lambda name: Distribution())
    result = start(tmp_path, CONTRACTS)
    assert f'pip install "{source}"' in (tmp_path / WORKFLOW).read_text()
    assert ("where CI installs detrace from" in starter.said(result)) == (source == starter.UNKNOWN_SOURCE)


def test_the_command_and_its_workflow(project):
    """In an empty folder `detrace init` says what is next; the workflow's steps judge, summarise and end as they must."""
    done = project.detrace("init")
    assert done.returncode == 0, done.stderr
    assert "no function here looks like a contract yet" in done.stdout
    assert "next:\n  1. " in done.stdout
    text = (project.path / WORKFLOW).read_text()
    assert "\t" not in text
    run = steps(text)
    assert list(run) == ["Install", "Judge", "Job summary", "Page"]
    assert project.detrace("init").returncode == 2
    assert (project.path / WORKFLOW).read_text() == text
    tools = project.write("../bin/detrace", f'#!/bin/sh\nexec {sys.executable} -m detrace "$@"\n')
    tools.chmod(0o755)
    environment = project.environment() | {"GITHUB_STEP_SUMMARY": str(project.path / "summary.md")}
    environment["PATH"] = f"{tools.parent}{os.pathsep}{environment['PATH']}"

    def step(name):
        quick = run[name].replace("--profile ci -n auto", "--backend numpy --dtype float64 --law log_determinant_is_the_trace")
        command = ["bash", "-eo", "pipefail", "-c", quick]
        return subprocess.run(command, cwd=project.path, env=environment, capture_output=True, text=True, timeout=120)

    for wrong, status in (("2 *", 1), ("", 0)):
        project.write(str(ADAPTER), f"def logdet_expm(A): return {wrong} A.trace(axis1=-2, axis2=-1).real\n")
        done = step("Judge")
        assert done.returncode == status, done.stdout + done.stderr
        assert step("Job summary").returncode == 0
    assert step("Page").returncode == 0
    summary = (project.path / "summary.md").read_text()
    assert "✘ log determinant is the trace" in summary
    assert "detrace_adapter: " in summary
    assert "detrace_adapter" in (project.path / "detrace.html").read_text(encoding="utf-8")

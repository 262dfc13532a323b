"""The gate as a user runs it: two trees, a stored baseline, bad input. No verdict here hangs on a clock."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, Project

from detrace.gate import baseline, command, run
from detrace.gate.trees import GateError, base_tree, head_tree, merge_base, translate
from detrace.results import ResultsError

BASE = """
import numpy as np
def logdet_expm(A): return np.trace(A, axis1=-2, axis2=-1)
def expm(A): raise ValueError("this is base")
def log1pm(A): return A
def phi1(s): return s
"""
HEAD = """
import numpy as np
def logdet_expm(A):
    for _ in range(20): result = np.trace(A, axis1=-2, axis2=-1)
    return result
def expm(A): return A
def log1pm(A): raise ValueError("this is head")
def expm_multiply(A, V): return V
"""
CASES = ("logdet_expm[n=256,batch=1]", "expm[n=4,batch=1000]", "log1pm[n=16,batch=10]", "phi1[elements=1000000]",
         "expm_multiply[n=128,k=8]")  # fmt: skip


def git(folder: Path, *arguments: str) -> None:
    """A git command that must succeed."""
    identity = ("-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(project: Project, monkeypatch) -> Project:
    """A user's repository whose working tree differs from its only commit; the tests stand in it."""
    project.write("userlib.py", BASE)
    git(project.path, "init")
    git(project.path, "add", ".")
    git(project.path, "commit", "-m", "base")
    project.write("userlib.py", HEAD)
    monkeypatch.chdir(project.path)
    monkeypatch.syspath_prepend(str(project.path))
    return project


def asked(**changes: Any) -> run.Asked:
    """One subject, one pair of processes and two in the rerun: too few to decide, enough to see all that is not time."""
    return run.Asked(**({"subjects": ["userlib"], "pairs": 1} | changes))


class TestTrees:
    """Base and head are what they are said to be."""

    def test_each_side_runs_its_own_code(self, repository, tmp_path):
        """One run with every verdict that does not hang on the clock; all outputs; nothing left behind."""
        files = command.Files(base="HEAD", json=tmp_path / "g.json", junit=tmp_path / "g.xml", markdown=tmp_path / "g.md")
        status = command.gate(asked(kernels=CASES), files)
        document = json.loads((tmp_path / "g.json").read_text())
        rows = {r["contract"]: r for r in document["kernels"]}
        assert status == 1
        assert document["failed"]
        assert document["schema"] == "detrace.gate/1"
        assert (rows["expm"]["verdict"], rows["expm"]["failed"]) == ("NEW", False)
        assert "base: ValueError: this is base" in rows["expm"]["reason"]
        assert (rows["log1pm"]["verdict"], rows["log1pm"]["failed"]) == ("GONE", True)
        assert rows["log1pm"]["reason"] == "head: ValueError: this is head"
        assert (rows["phi1"]["verdict"], rows["phi1"]["failed"]) == ("GONE", True)
        assert rows["expm_multiply"]["verdict"] == "NEW"
        timed = rows["logdet_expm"]
        assert timed["ratio"] > 2, "head does the work twenty times"
        assert timed["base_s"] < timed["head_s"]
        assert timed["canary"]["pairs"] == timed["pairs"] == 2
        assert timed["verdict"] == "INCONCLUSIVE"
        assert "<failure" in (tmp_path / "g.xml").read_text()
        assert "GONE" in (tmp_path / "g.md").read_text()
        worktrees = subprocess.run(["git", "worktree", "list"], capture_output=True, text=True, check=True).stdout
        assert len(worktrees.splitlines()) == 1

    def test_the_removal_list_lets_kernels_go(self, repository):
        """A kernel named there, by contract or case or id, is GONE and does not fail."""
        document = run.against_tree("HEAD", asked(kernels=["phi1"], removed=["phi1"]))
        assert {(r["verdict"], r["failed"]) for r in document["kernels"]} == {("GONE", False)}
        assert not document["failed"]

    def test_nothing_to_compare(self, repository):
        """A clean working tree at its own base passes at once and says so."""
        git(repository.path, "checkout", ".")
        document = run.against_tree("HEAD", asked())
        assert document["notes"] == [run.NOTHING]
        assert not document["failed"]

    def test_paths_are_translated(self, repository):
        """Inside the repository to the other tree, dropped where base has nothing; outside and the environment stay."""
        (repository.path / "new").mkdir()
        with base_tree(merge_base("HEAD")) as base:
            assert translate(str(repository.path), repository.path, base.root) == str(base.root)
            assert translate(str(repository.path / "new"), repository.path, base.root) == ""
            assert translate(sys.prefix, Path("/"), base.root) == sys.prefix
            assert translate("/elsewhere", repository.path, base.root) == "/elsewhere"
            assert str(repository.path) not in base.path
            assert base.root.name in base.path[0]
        assert not base.root.exists()
        assert head_tree().path[0] == str(repository.path)

    def test_code_of_head_in_base_is_refused(self, repository, monkeypatch):
        """A path that leads back to the working tree would compare head with itself."""
        monkeypatch.setattr("detrace.gate.trees.translate", lambda entry, root, tree: entry)
        with pytest.raises(GateError, match=r"the base tree .* does not import: .* of the working tree, not from base"):
            run.against_tree("HEAD", asked())


class TestBadInput:
    """One clear sentence each."""

    @pytest.mark.parametrize(("files", "changes", "sentence"), [
        ({}, {}, "name one of --base"),
        ({"base": "HEAD", "baseline": Path("b.json")}, {}, "name one of --base"),
        ({"base": "no-such-ref"}, {}, "'no-such-ref' is no commit here"),
        ({"base": "--help"}, {}, "'--help' is no commit here"),
        ({"base": "HEAD"}, {"kernels": ["expn"]}, "no kernel is named 'expn'; did you mean expm"),
        ({"base": "HEAD"}, {"subjects": ["nolib"]}, "head does not import: .*no module named 'nolib'"),
        ({"base": "HEAD", "results": Path("none.json")}, {}, "there is no results file at none.json"),
        ({"base": "HEAD", "base_results": Path("none.json")}, {}, "--base-results needs --results"),
        ({"base": "HEAD", "history": Path("h")}, {}, "--history keeps ratios to controls"),
        ({"baseline": Path("none.json")}, {}, "there is no baseline at none.json"),
        ({"baseline": Path("userlib.py")}, {}, "userlib.py cannot be read"),
        ({"baseline": Path("old.json")}, {}, "old.json has schema detrace.baseline/0, this gate reads detrace.baseline/1"),
        ({"write_baseline": Path("old.json")}, {}, "old.json has schema"),
        ({"write_baseline": Path("b.json")}, {"backends": ["torch-cuda"]}, "there are no controls for torch-cuda"),
        ({"write_baseline": Path("b.json")}, {"subjects": ["empty:Nothing"]}, "head does not import: .*offers no contract"),
    ])  # fmt: skip
    def test_one_sentence(self, repository, files, changes, sentence):
        """Unknown refs, kernels, subjects and files; schemas of another time; options that do not go together."""
        repository.write("old.json", '{"schema": "detrace.baseline/0"}')
        repository.write("empty.py", "class Nothing: pass")
        before = sorted(p.name for p in repository.path.iterdir())
        with pytest.raises((GateError, ResultsError), match=sentence) as caught:
            command.gate(asked(**changes), command.Files(**files))
        assert "\n" not in str(caught.value)
        assert set(before) >= {p.name for p in repository.path.iterdir()} - {"__pycache__"}, "nothing was written"

    def test_a_base_that_does_not_import(self, repository):
        """The commit is named, and what it raised."""
        git(repository.path, "checkout", ".")
        repository.write("userlib.py", "raise RuntimeError('broken')")
        git(repository.path, "commit", "-am", "broken")
        repository.write("userlib.py", HEAD)
        with pytest.raises(GateError, match=r"the base tree \([0-9a-f]{10}\) does not import: .*RuntimeError: broken"):
            run.against_tree("HEAD", asked())

    def test_the_command_line_says_it_with_status_two(self, project):
        """No repository: one line, no traceback, status 2."""
        done = project.detrace("gate", "--base", "main")
        assert done.returncode == 2
        assert "Traceback" not in done.stderr
        assert done.stderr.startswith("detrace: --base needs a git repository here")
        assert len(done.stderr.splitlines()) == 1

    def test_lists_in_pyproject_are_checked(self, project):
        """The removal list must be a list of strings."""
        project.write("pyproject.toml", "[tool.detrace]\nremoved = 3\n")
        done = project.detrace("gate", "--base", "main")
        assert done.returncode == 2
        assert "[tool.detrace] removed must be a list of strings" in done.stderr


class TestBaseline:
    """A stored baseline: written, read back, compared, and of another machine."""

    def test_write_then_gate(self, repository, tmp_path):
        """The file has what the schema says; comparing with it keeps a history; lost and changed kernels are told apart."""
        file, kernels = tmp_path / "b.json", ["logdet_expm[n=256,batch=1]"]
        assert command.gate(asked(kernels=kernels), command.Files(write_baseline=file)) == 0
        document = baseline.read(file)
        ((key, part),) = document["machines"].items()
        (entry,) = part["kernels"].values()
        assert key == baseline.key(baseline.fingerprint())
        assert {"cpu", "isa", "cores", "versions", "blas", "gpu", "driver", "cuda"} <= set(part["fingerprint"])
        assert {"commit", "dirty", "created", "canary"} <= set(part)
        assert len(entry["quantiles"]) == 51
        assert entry["low"] <= entry["log_ratio"] <= entry["high"]
        assert entry["control"]
        assert entry["inputs"]
        assert entry["code"]
        assert entry["design"] == {"processes": 1, "rounds": 20}
        files = command.Files(baseline=file, history=tmp_path / "h", json=tmp_path / "g.json")
        command.gate(asked(kernels=kernels), files)
        told = json.loads((tmp_path / "g.json").read_text())
        assert told["base"]["kind"] == "file"
        assert told["kernels"][0]["control"] == entry["control"]
        assert len(told["trend"][told["kernels"][0]["id"]]["runs"]) == 1
        assert len(list((tmp_path / "h" / key).iterdir())) == 1

        repository.write("userlib.py", HEAD.replace("logdet_expm", "logdet"))
        told, _ = run.against_file(file, asked())
        assert {r["contract"]: r["verdict"] for r in told["kernels"]}["logdet_expm"] == "GONE"
        assert told["failed"]

    def test_other_inputs_are_not_compared(self, repository, tmp_path):
        """A benchmark whose inputs changed is NEW, however its time moved."""
        file, kernels = tmp_path / "b.json", ["logdet_expm[n=256,batch=1]"]
        command.gate(asked(kernels=kernels), command.Files(write_baseline=file))
        document = baseline.read(file)
        (part,) = document["machines"].values()
        for entry in part["kernels"].values():
            entry |= {"inputs": "other", "log_ratio": -9.0}
        file.write_text(json.dumps(document))
        told, _ = run.against_file(file, asked(kernels=kernels))
        assert [r["verdict"] for r in told["kernels"]] == ["NEW"]
        assert not told["failed"]

    def test_another_machine_is_reported_and_never_fails(self, repository, tmp_path):
        """What differs is named; writing adds this machine's part and keeps the other."""
        file = tmp_path / "b.json"
        here = baseline.fingerprint()
        other = here | {"cpu": "another", "versions": here["versions"] | {"numpy": "1.0"}}
        part = {"fingerprint": other, "created": "", "commit": "", "dirty": False, "canary": {}, "kernels": {}}
        baseline.write(file, part, None)
        told, bench = run.against_file(file, asked())
        assert bench is None
        assert not told["failed"]
        assert "cpu: another there" in told["notes"][0]
        assert "numpy: 1.0 there" in told["notes"][0]
        baseline.write(file, part | {"fingerprint": here}, None)
        assert len(baseline.read(file)["machines"]) == 2


def results(outcome: str, worst: float) -> dict[str, Any]:
    """A results file with one item."""
    item = {"law": "a", "subject": "userlib", "space": "numpy-cpu-float64", "outcome": outcome, "worst": worst, "decided": 5}
    return {
        "schema": "detrace.results/1", "profile": "quick", "laws": [{"name": "a"}], "subjects": [{"name": "userlib"}],
        "spaces": [{"id": "numpy-cpu", "available": True}], "items": [item], "not_run": [], "ledger": [],
    }  # fmt: skip


class TestCorrectnessFiles:
    """Results files go in, and the block ``gate`` comes out."""

    @pytest.mark.parametrize(("now", "status"), [(("held", 1.0), 0), (("violated", 99.0), 1)])
    def test_head_against_base(self, repository, tmp_path, now, status):
        """A violation alone fails the gate; the results file keeps everything and gets the outcome."""
        git(repository.path, "checkout", ".")
        head, base = repository.path.parent / "head.json", repository.path.parent / "base.json"
        head.write_text(json.dumps(results(*now)))
        base.write_text(json.dumps(results("held", 1.0)))
        assert command.gate(asked(), command.Files(base="HEAD", results=head, base_results=base)) == status
        document = json.loads(head.read_text())
        assert document["gate"]["correctness"]["compared"]
        assert document["gate"]["failed"] == bool(status)
        assert len(document["items"]) == 1

    def test_the_baseline_remembers_what_the_laws_found(self, repository, tmp_path, monkeypatch):
        """Its summary stands in for base's results file, on any machine."""
        file, head = tmp_path / "b.json", tmp_path / "head.json"
        head.write_text(json.dumps(results("held", 1.0)))
        command.gate(asked(kernels=["logdet_expm[n=256,batch=1]"]), command.Files(write_baseline=file, results=head))
        head.write_text(json.dumps(results("violated", 99.0)))
        monkeypatch.setattr(baseline, "key", lambda of: "elsewhere")
        assert command.gate(asked(), command.Files(baseline=file, results=head)) == 1


def test_our_own_references_come_from_the_base_tree():
    """In this repository `reference` is base's, while detrace, verify and bench are head's, and keep head's references that
    they use: base may lack them."""
    if subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True).returncode:
        pytest.skip("no git repository here")
    code = (
        "import json, reference as heads; from detrace.gate import trees, worker\n"
        "with trees.base_tree(trees.merge_base('HEAD')) as t:\n"
        "    job = {'path': t.path, 'cwd': str(t.cwd), 'root': str(t.root), 'of': str(t.of), 'subjects': ['reference']}\n"
        "    server = worker.Server(job)\n"
        "    import bench, detrace, reference, verify\n"
        "    assert heads is not reference\n"
        "    files = [m.__file__ for m in (bench, detrace, verify, heads, reference)]\n"
        "    print(json.dumps([files, str(t.root), len(server.subjects['reference'].functions)]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    files, base, count = json.loads(done.stdout.splitlines()[-1])
    assert all(f.startswith(f"{ROOT}/") for f in files[:4])
    assert files[4].startswith(f"{base}/")
    assert count > 0

"""The examples as a newcomer runs them: red with the law that their mistake breaks, in words that teach; green with the fix."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, Project
from workflow import steps

from detrace import starter

EXAMPLES = ROOT / "examples"
QUICK = ("--backend", "torch", "--dtype", "float32")
TAUGHT = {
    "loss_is_its_formula.non_saturating_discriminator": (
        "non_saturating_discriminator returned NaN or infinity where a finite value is due",
        "where    non_saturating_discriminator is −E log σ(D(r)) − E log(1 − σ(D(f)))",
    ),
    "loss_is_its_formula.non_saturating_generator": ("cross entropy with clamped probabilities", "the loss saturates"),
    "interpolation_lies_on_the_segment": ("one α for the whole batch",),
    "penalty_of_a_linear_critic.two_sided_penalty": ("norm over batch and features",),
    "discriminators_turn_leaves_the_generator_alone": (
        "a gradient reaches the generator in the discriminator's turn",
        "D(G(z)) without detach: the generator collects gradients of the discriminator's loss",
    ),
}
"""Laws that usual_mistakes/train.py breaks, and what its reader must be told."""


def copied(project: Project, example: str) -> Path:
    """The example in the project's folder."""
    shutil.copytree(EXAMPLES / example, project.path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    return project.path


def outcomes(project: Project) -> dict[str, str]:
    return {i["law"]: i["outcome"] for i in project.results()["items"]}


def test_usual_mistakes(project):
    """Each mistake of the script is found by the law that is about it, in words; the script put right holds all of them."""
    folder = copied(project, "usual_mistakes")
    laws = [x for law in TAUGHT for x in ("--law", law)]
    done = project.detrace("verify", "detrace_adapter.py", *QUICK, *laws)
    assert done.returncode == 1, done.stdout + done.stderr
    assert outcomes(project) == dict.fromkeys(TAUGHT, "violated")
    blocks = done.stdout.split("\n✘ ")[1:]
    assert len(blocks) == len(TAUGHT)
    for law, words in TAUGHT.items():
        base, _, contract = law.partition(".")
        (block,) = [b for b in blocks if b.startswith(base.replace("_", " ") + (f": {contract}" if contract else "") + "\n")]
        for word in words:
            assert word.lower() in block.lower(), block
        assert "reproduce (save as a file and run)" in block
    assert "Traceback" not in done.stdout + done.stderr

    shutil.copy(folder / "train_fixed.py", folder / "train.py")
    done = project.detrace("verify", "--rerun-failed")
    assert done.returncode == 0, done.stdout + done.stderr
    assert outcomes(project) == dict.fromkeys(TAUGHT, "held")


def test_the_table_of_usual_mistakes_names_these_laws():
    """What the README says is what the test above runs."""
    text = (EXAMPLES / "usual_mistakes" / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| .*? \| `(\w+)` \|", text, flags=re.M)
    assert set(rows) == {law.partition(".")[0] for law in TAUGHT}


def test_ci_of_tiny_gan(project):
    """Its workflow goes red for the one wrong loss, whose summary teaches, and green with the fix of its README."""
    folder = copied(project, "tiny_gan")
    run = steps((folder / starter.WORKFLOW).read_text(encoding="utf-8"))
    tools = project.write("../bin/detrace", f'#!/bin/sh\nexec {sys.executable} -m detrace "$@"\n')
    tools.chmod(0o755)
    environment = project.environment() | {"GITHUB_STEP_SUMMARY": str(folder / "summary.md")}
    environment["PATH"] = f"{tools.parent}{os.pathsep}{environment['PATH']}"
    environment["PYTHONPATH"] += f"{os.pathsep}{folder / 'src'}"  # what the step Install does

    def step(name):
        fewer = (*QUICK, "--law", "loss_is_its_formula", "--law", "penalty_of_a_linear_critic")
        quick = run[name].replace("--profile ci -n auto", " ".join(fewer))
        command = ["bash", "-eo", "pipefail", "-c", quick]
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)

    right = ("loss_is_its_formula.non_saturating_discriminator", "loss_is_its_formula.non_saturating_generator",
             "loss_is_its_formula.hinge_discriminator", "penalty_of_a_linear_critic.two_sided_penalty")  # fmt: skip
    wrong = "loss_is_its_formula.hinge_generator"
    assert step("Judge").returncode == 1
    assert outcomes(project) == dict.fromkeys(right, "held") | {wrong: "violated"}
    assert step("Job summary").returncode == step("Page").returncode == 0
    summary = (folder / "summary.md").read_text(encoding="utf-8")
    readme = (folder / "README.md").read_text(encoding="utf-8")
    shown = readme.partition("```\n✘")[2].partition("```")[0].splitlines()
    assert [line for line in shown[1:] if line and line not in summary] == []
    assert summary.count("\n✘ ") == 1

    losses = folder / "src" / "tiny_gan" / "losses.py"
    before, after = (re.search(rf"^\{sign}( .*)$", readme, flags=re.M)[1] for sign in "-+")
    assert before in losses.read_text(encoding="utf-8")
    losses.write_text(losses.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")
    done = step("Judge")
    assert done.returncode == 0, done.stdout
    assert outcomes(project) == dict.fromkeys((*right, wrong), "held")


def test_the_workflow_is_what_init_writes():
    """tiny_gan's workflow and its table in pyproject.toml are those of `detrace init`."""
    folder = EXAMPLES / "tiny_gan"
    python = re.search('python-version: "(.*)"', (folder / starter.WORKFLOW).read_text(encoding="utf-8"))[1]
    written = starter._filled("workflow.yml", python=python, install="-e .", detrace=starter.UNKNOWN_SOURCE, subject="")
    assert (folder / starter.WORKFLOW).read_text(encoding="utf-8") == written
    assert starter._table(folder / "pyproject.toml")[1] == "theirs"
    assert starter._install(folder) == "-e ."


@pytest.mark.parametrize("script", ["tiny_gan.train", "usual_mistakes/train.py", "usual_mistakes/train_fixed.py"])
def test_the_scripts_train(script, monkeypatch, capsys):
    """The wrong ones run as well, which is why nobody notices."""
    monkeypatch.syspath_prepend(str(EXAMPLES / "tiny_gan" / "src"))
    module = runpy.run_path(str(EXAMPLES / script)) if script.endswith(".py") else runpy.run_module(script)
    module["train"](steps=3, batch=8)
    assert "step 0: " in capsys.readouterr().out

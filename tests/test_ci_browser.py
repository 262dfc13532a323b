"""`.ci/browser`: a browser that is here is named; one that is not is installed, or is said to be missing; it never fails."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / ".ci" / "browser"
TOOLS = ("bash", "env", "grep", "tail", "timeout", "touch", "chmod")
BROWSER = "printf '#!/bin/sh\\nexit 0\\n' >{folder}/chromium; chmod +x {folder}/chromium"
NONE = "browser: none, so the tests of the page in a browser will be skipped"


@pytest.mark.skipif(not SCRIPT.exists() or not shutil.which("timeout"), reason="a checkout and GNU's timeout are needed")
@pytest.mark.parametrize(
    ("commands", "said"),
    [
        ({}, f"{NONE} (no apt-get here)"),
        ({"chromium": "exit 0"}, "browser: {folder}/chromium"),
        ({"chromium": "exit 1", "chrome": "exit 0"}, "browser: {folder}/chrome"),
        ({"apt-get": BROWSER}, "browser: {folder}/chromium, just installed"),
        ({"apt-get": f'case "$*" in *" update") touch {{folder}}/listed;; *) [ -e {{folder}}/listed ] && {BROWSER};; esac'},
         "browser: {folder}/chromium, just installed"),
        ({"apt-get": "echo E: no such package >&2; exit 100"}, f"{NONE} (apt-get: E: no such package)"),
        ({"apt-get": "exit 0"}, f"{NONE} (apt-get: no browser in its packages)"),
        ({"apt-get": BROWSER, "id": "echo 1000"},
         f"{NONE} (apt-get needs root, and sudo asks for a password or is not here)"),
        ({"apt-get": BROWSER, "id": "echo 1000", "sudo": 'shift; [ "$1" = true ] || exec "$@"'},
         "browser: {folder}/chromium, just installed"),
    ],
)  # fmt: skip
def test_it_says_in_one_line_what_became_of_it(tmp_path: Path, commands: dict[str, str], said: str) -> None:
    """With these commands on the path, as root or not: status 0 and the one line."""
    for name in TOOLS:
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    for name, body in ({"id": "echo 0"} | commands).items():
        file = tmp_path / name
        file.write_text(f"#!{shutil.which('bash')}\n{body.format(folder=tmp_path)}\n")
        file.chmod(0o755)
    done = subprocess.run(["bash", SCRIPT], env={"PATH": str(tmp_path)}, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, said.format(folder=tmp_path) + "\n", "")


def test_ci_calls_it_before_the_tests() -> None:
    """In the script that runs everywhere, and in the workflow."""
    run = (SCRIPT.parent / "run").read_text(encoding="utf-8")
    assert run.index(".ci/browser") < run.index("make test")
    assert ".ci/browser" in (SCRIPT.parents[1] / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")

"""What the tests share: spaces, the toy suite, and `detrace` run as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import detrace
from detrace import draws
from detrace.spaces import Space, space

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def float64() -> Space:
    """NumPy in double precision."""
    return space("numpy-cpu-float64")


@pytest.fixture(autouse=True)
def nothing_is_kept() -> None:
    """No test is given the inputs that another one drew."""
    draws.forget()


@dataclass
class Project:
    """A user's folder, and `python -m detrace` run in it."""

    path: Path

    def write(self, name: str, text: str) -> Path:
        """A file of the project, dedented."""
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text), encoding="utf-8")
        return file

    def python(self, *arguments: str, **settings: Any) -> subprocess.CompletedProcess[str]:
        """Run Python in the project."""
        return subprocess.run(
            [sys.executable, *arguments], cwd=self.path, env=self.environment(), capture_output=True, text=True,
            timeout=120, **settings,
        )  # fmt: skip

    def detrace(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command line in the project."""
        return self.python("-m", "detrace", *arguments)

    def environment(self) -> dict[str, str]:
        hidden = self.path.parent / "hidden"
        path = os.pathsep.join([str(self.path), str(hidden), str(Path(detrace.__file__).resolve().parent.parent)])
        private = ("PYTEST_", "COV_", "DETRACE_", "PYTHONPATH")
        return {k: v for k, v in os.environ.items() if not k.startswith(private)} | {
            "PYTHONPATH": path,
            "COLUMNS": "100",
        }

    def results(self) -> dict[str, Any]:
        """The results file that the last run wrote."""
        document: dict[str, Any] = json.loads((self.path / ".detrace/results.json").read_text(encoding="utf-8"))
        return document


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty folder of a user, on whose path JAX is broken (it would take seconds to load)."""
    project = Project(tmp_path / "project")
    project.path.mkdir()
    project.write("../hidden/jax.py", "raise ImportError('this JAX is broken')")
    return project


QUICK = ("--backend", "numpy", "--dtype", "float64", "--law", "exponential_is_its_series")
"""One item: the cheapest real run."""

Run = Callable[..., subprocess.CompletedProcess[str]]

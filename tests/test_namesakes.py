"""Namesakes: a user's `reference` is what their code imports, ours is back afterwards, whatever happens inside."""

from __future__ import annotations

import importlib
import sys

import pytest

from detrace import namesakes
from detrace.suite import load

NAMES = ("reference", "verify", "bench")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder on the path that has a package `reference` and a module `bench`."""
    load()
    (tmp_path / "reference").mkdir()
    (tmp_path / "reference" / "__init__.py").write_text("WHOSE = 'theirs'\n")
    (tmp_path / "bench.py").write_text("WHOSE = 'theirs'\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    monkeypatch.setattr(namesakes, "_theirs", {})
    return tmp_path


def test_their_packages_inside_and_ours_outside(folder):
    """Inside, the names that their path holds are theirs, one module for all visits; outside nothing has changed."""
    ours, path = {n: m for n, m in sys.modules.items() if n.partition(".")[0] in NAMES}, list(sys.path)
    names = namesakes.found()
    assert names == ("reference", "bench")
    modules = []
    for _ in range(2):
        with namesakes.visible(names):
            modules.append(importlib.import_module("reference"))
            assert modules[-1].WHOSE == importlib.import_module("bench").WHOSE == "theirs"
            assert sys.modules.get("verify") is ours.get("verify")
            with namesakes.visible(names):  # a subject that calls another one
                assert importlib.import_module("reference") is modules[-1]
    assert modules[0] is modules[1]
    assert {n: m for n, m in sys.modules.items() if n.partition(".")[0] in NAMES} == ours
    assert sorted(sys.path) == sorted(path)


def test_an_error_inside_leaves_ours(folder):
    """A function that imports theirs and raises gives its error, and the suite's modules are back."""

    def wrong(A):
        """What it does."""
        import reference

        raise ValueError(reference.WHOSE)

    call = namesakes.seen_by(wrong, namesakes.found())
    assert call.__doc__ == "What it does."
    with pytest.raises(ValueError, match="theirs"):
        call(1)
    assert not hasattr(importlib.import_module("reference"), "WHOSE")


def test_nothing_happens_where_there_are_none():
    """In a folder without such names functions stay what they are."""
    assert namesakes.found() == ()
    assert namesakes.seen_by(len, ()) is len

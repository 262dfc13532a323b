"""docs/equations.md: every row names laws that exist, or says why none can."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from detrace import suite

PAGE = Path(__file__).resolve().parent.parent / "docs" / "equations.md"
EXPECTED = {"6280": (36, 17), "6377": (20, 16), "6387": (5, 12), "6407": (7, 8)}
"""Posts whose families are here in full: numbered equations, claims."""


def rows() -> list[tuple[str, str]]:
    lines = [line.strip().strip("|").split("|") for line in PAGE.read_text(encoding="utf-8").splitlines()]
    return [(cells[0].strip(), cells[-1].strip()) for cells in lines if re.match(r"\s*\d{4}\.", cells[0])]


@pytest.mark.parametrize(("row", "checked_by"), rows(), ids=[r for r, _ in rows()])
def test_every_row_names_a_law_or_a_reason(row: str, checked_by: str) -> None:
    """The names before the first ';' are laws of the suite; a row without one starts with 'none:' and a reason."""
    if checked_by.startswith("none:"):
        assert len(checked_by) > len("none: a reason")
        return
    names = re.findall(r"`(\w+)`", checked_by.split(";")[0])
    assert names
    assert set(names) <= {law.base for law in suite.load().laws.values()}


@pytest.mark.parametrize("post", EXPECTED)
def test_no_row_is_missing(post: str) -> None:
    """All numbered equations and all claims of a post are there, once each."""
    equations, claims = EXPECTED[post]
    due = [f"{post}.{k}" for k in range(1, equations + 1)] + [f"{post}.c{k}" for k in range(1, claims + 1)]
    assert sorted(r for r, _ in rows() if r.startswith(post)) == sorted(due)


def test_sources_of_laws_are_rows() -> None:
    """A law that cites row NNNN.k cites one that is in the table."""
    known = {r for r, _ in rows()}
    sources = {s for law in suite.load().laws.values() for s in law.sources if s.startswith("kexue")}
    cited = {c for s in sources for c in re.findall(r"\b\d{4}\.c?\d+\b", s)}
    assert cited <= known

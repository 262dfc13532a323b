"""The laws bite: every mutant is rejected by each law that it names, and every law rejects at least one mutant.

`bench/escapes.py` counts how much luck of the seed that is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from detrace.engine import PROFILES, VIOLATED, run
from detrace.spaces import space
from detrace.suite import load

SUITE = load()
MUTANTS = SUITE.mutants()
QUICK = replace(PROFILES["quick"], shrink=False)


@pytest.mark.parametrize("name", MUTANTS)
def test_every_mutant_is_rejected(name):
    """Each law that a mutant names finds a counter-example to it, in the space where the mistake lives, in the profile
    that users run on every commit."""
    mutant = MUTANTS[name]
    assert mutant.rejected_by, f"{name} names no law"
    try:
        where = space(mutant.space)
    except ValueError as error:
        pytest.skip(str(error))
    named = {n: [law for law in SUITE.laws.values() if n in (law.name, law.base) and mutant.rejects(law)]
             for n in mutant.rejected_by}  # fmt: skip
    assert all(named.values()), f"{name} names a law that there is not, or that does not judge its contract: {named}"
    for law in [law for laws in named.values() for law in laws]:
        outcome = run(law, mutant.subject(), where, SUITE.contracts, QUICK)
        assert outcome.outcome == VIOLATED, (
            f"{law.name} lets {name} pass ({outcome.outcome}, worst {outcome.worst}): {mutant.trap}"
        )


@pytest.mark.parametrize("name", SUITE.laws)
def test_every_law_rejects_a_mutant(name):
    """A law that no mutant breaks could be empty; of a theorem about each of several contracts one law must reject."""
    theorem = [law for law in SUITE.laws.values() if law.base == SUITE.laws[name].base]
    assert any(SUITE.mutants_of(law) for law in theorem), f"no mutant is rejected by {name}"

"""A theorem about each of several contracts is a law for each; contracts of real numbers; results of any shape."""

from __future__ import annotations

import numpy as np
import pytest

from detrace import Contract, law
from detrace.laws import Law, Laws, each
from detrace.mutants import mutant
from detrace.strategies.scalars import choices


def theorem() -> Laws:
    @law("f' = g", source="test", f=each("a", "b"), g=each("da", "db"), x=choices(1.0, 2.0))
    def derivative_is_right(f, g, x):
        """For every x."""

    assert isinstance(derivative_is_right, Laws)
    return derivative_is_right


def test_each_makes_a_law_for_each_contract() -> None:
    """Named base.contract, asking for the contracts that belong together, drawing the same."""
    laws = theorem().laws
    assert [x.name for x in laws] == ["derivative_is_right.a", "derivative_is_right.b"]
    assert [x.contracts for x in laws] == [("a", "da"), ("b", "db")]
    assert [x.asks for x in laws] == [{"f": "a", "g": "da"}, {"f": "b", "g": "db"}]
    assert {x.base for x in laws} == {"derivative_is_right"}
    assert all(set(x.draws) == {"x"} for x in laws)


def test_tables_of_unequal_length_are_refused() -> None:
    """Parameters that stand for each of several contracts advance together."""
    with pytest.raises(ValueError, match="zip"):

        @law("", source="test", f=each("a", "b"), g=each("da"))
        def derivative_is_right(f, g):
            """Nothing."""


def test_a_law_without_a_table_is_itself() -> None:
    """Its own name, its own base."""
    @law("", source="test", x=choices(1.0))
    def plain(f, x):
        """Nothing."""

    assert isinstance(plain, Law)
    assert (plain.name, plain.base, plain.contracts) == ("plain", "plain", ("f",))


def test_a_mutant_is_rejected_by_the_law_about_its_contract() -> None:
    """A mutant that names the theorem means the law about the contract that it breaks, and no other."""

    @mutant("a", rejected_by="derivative_is_right", db=abs)
    def wrong(x):
        """Wrong."""

    about_a, about_b = theorem().laws
    assert wrong.rejects(about_a)
    assert not wrong.rejects(about_b)


@pytest.mark.parametrize(
    ("signature", "args", "shapes"),
    [
        ("(r...),(f...)->()", (np.zeros((2, 3)), np.zeros(4)), [()]),
        ("(r...),(f...)->(r...),(f...)", (np.zeros((2, 3)), np.zeros(())), [(2, 3), ()]),
        ("*,(n,s...),(n)->(n)", (abs, np.zeros((5, 2, 3)), np.zeros(5)), [(5,)]),
        ("(n),(m),*,(n),(m)->()", (np.zeros((7, 2)), np.zeros((7, 3)), 1.0, None, None), [(7,)]),
    ],
)
def test_shapes_of_results(signature: str, args: tuple, shapes: list) -> None:
    """Any further shape is carried over; what is None or no array has no part in it."""
    assert Contract("f", signature, "").result_shapes(args) == shapes

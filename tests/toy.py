"""A toy suite: contracts and laws so simple that what the machinery must make of them is known beforehand."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from detrace import Contract, Family, Law, Mutant, judge, law, require
from detrace.strategies.matrices import square_matrices
from detrace.strategies.scalars import integers
from detrace.subjects import Subject
from detrace.suite import Suite

FAMILY = Family("toy", "Toy family", 1)
TWICE = Contract("twice", "(n,n)->(n,n)", "2A", "toy", aliases=("double", "doubled"))
SUMMED = Contract("summed", "(n,n)->()", "|Σ A|", "toy", result="real")
SPLIT = Contract("split", "(n,n)->(n,n),(n,n)", "positive and negative part", "toy")
APPLIED = Contract("applied", "*,(n)->(n)", "f(v)", "toy", example=lambda: (_identity, np.ones(2)))


def _identity(v: Any) -> Any:
    return v


@law(r"\text{twice}(A) = A + A", source="toy", A=square_matrices(max_n=3))
def twice_is_the_sum(twice, A, space):
    """For every square A. Doubling is exact, so one rounding u‖2A‖ is generous."""
    got, bound = twice(A), space.u * np.linalg.norm(2 * A) + space.tiny
    judge(np.linalg.norm(got - 2 * A), bound, scale=math.inf, why="one rounding", got=got, truth=2 * A)


@law(
    r"\text{twice}(kA) = k\,\text{twice}(A)", source="toy", A=square_matrices(max_n=2), k=integers(1, 3), dtypes="real"
)
def twice_is_linear(twice, A, k, space):
    """For every square A and k = 1, 2, 4. Powers of two commute with rounding: no tolerance."""
    a, b = twice(A / 2), twice(A / 2 * 2)
    require(bool((a * 2 == b).all()), "twice is not linear", got=b, truth=2 * a)


@law(r"\text{summed}(A) = |\sum_{ij} a_{ij}|", source="toy", A=square_matrices(max_n=3))
def sum_is_the_sum(summed, A, space):
    """For every square A. Bound: n² roundings of the absolute sum."""
    size = max(float(np.abs(A).sum()), space.tiny)
    judge(abs(float(summed(A)) - abs(A.sum())) / size, A.size * space.u, why="n²·u")


LAWS: dict[str, Law] = {x.name: x for x in (twice_is_the_sum, twice_is_linear, sum_is_the_sum)}


class ToySuite(Suite):
    """A suite without mutants and peers."""

    def mutants(self) -> dict[str, Mutant]:
        return {}

    def peer_names(self) -> list[str]:
        return []


def suite() -> Suite:
    """The toy suite as the machinery sees a suite."""
    contracts = {c.name: c for c in (TWICE, SUMMED, SPLIT, APPLIED)}
    return ToySuite({"toy": FAMILY}, contracts, dict(LAWS), root=Path("no such folder"))


def subject(**functions: Any) -> Subject:
    """A user's subject made of these functions, for NumPy."""
    return Subject("mine", functions, backends=("numpy",), spec="mine")

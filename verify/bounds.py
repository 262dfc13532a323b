"""Bounds that several laws share, each derived once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from detrace import judge
from detrace import oracles as exact
from detrace.oracles import ball, frobenius
from detrace.spaces import Space


def forward_error(got: np.ndarray, truth: Any) -> Any:
    """‖Ê − E‖_F/‖E‖_F as a ball."""
    return frobenius(ball(got) - truth) / frobenius(truth)


def underflow(space: Space, truth: Any) -> float:
    """n·(underflow of one number)/‖E‖_F: the most that underflow of n² entries costs, relative to E."""
    size = float(frobenius(truth).abs_lower())
    return truth.nrows() * space.underflow / size if size > 0.0 else math.inf


Bound = tuple[float, Callable[[], float]]
"""A bound as `judge` takes it: a cheap lower one, and a function that computes the exact one on demand."""


def as_accurate(A: np.ndarray, space: Space, factor: float = 1.0, underflow_of: Any = None) -> Bound:
    """factor·ε(A) with ε(A) = u·max(1, κ_exp(A)).

    ε(A) is the forward error of a backward-stable method: it returns e^{A+ΔA} with ‖ΔA‖ ≤ u‖A‖, rounded.
    """
    kappa = exact.exp_condition(A)
    slack = 0.0 if underflow_of is None else underflow(space, underflow_of)
    return factor * space.u * kappa.lower + slack, lambda: factor * space.u * kappa.value + slack


def together(parts: Sequence[Bound]) -> Bound:
    """The sum of bounds: errors of several computed exponentials in one formula add up to first order."""
    return sum(low for low, _ in parts), lambda: sum(exact() for _, exact in parts)


def judge_exponential(got: np.ndarray, A: np.ndarray, space: Space, truth: Any = None) -> float:
    """Hold a computed e^A against its certified value (or a closed form of it) with bound ε(A) and underflow."""
    truth = exact.expm(A) if truth is None else truth
    low, refine = as_accurate(A, space, underflow_of=truth)
    return judge(
        forward_error(got, truth), low, refine=refine, got=got, truth=exact.floats(truth),
        why="u·max(1, κ_exp(A)): what rounding the input alone costs",
    )  # fmt: skip

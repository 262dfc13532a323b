"""Mistakes in Sinkhorn's iteration itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from detrace import mutant
from reference import sinkhorn as right


def iterated(a: Any, b: Any, C: Any, reg: float, step: Any, n: int) -> tuple[Any, Any, Any]:
    """n times (u, v) ← step(u, v, K) from ones."""
    with np.errstate(all="ignore"):
        K = np.exp(-C / reg)
        u, v = np.ones_like(a), np.ones_like(b)
        for _ in range(int(n)):
            u, v = step(u, v, K)
        return u[:, None] * K * v, reg * np.log(u), reg * np.log(v)


@mutant("sinkhorn_iterations", rejected_by="iterations_are_the_textbook_map")
def iterations_of_both_sides_at_once(a, b, C, reg, n):
    """Both scalings from the old ones: Jacobi's iteration for that of Gauss and Seidel."""
    return iterated(a, b, C, reg, lambda u, v, K: (a / (K @ v), b / (K.T @ u)), n)


@mutant("sinkhorn_iterations", rejected_by="iterations_are_the_textbook_map")
def iterations_that_begin_with_the_rows(a, b, C, reg, n):
    """u before v: another plan, with the other margin."""

    def step(u, v, K):
        u = a / (K @ v)
        return u, b / (K.T @ u)

    return iterated(a, b, C, reg, step, n)


@mutant("sinkhorn_iterations", rejected_by="iterations_are_the_textbook_map")
def iterations_one_too_few(a, b, C, reg, n):
    """range(1, n) for range(n), except where that leaves none."""
    return right.sinkhorn_iterations(a, b, C, reg, max(int(n) - 1, 1))


@mutant("sinkhorn_iterations", rejected_by=("iterations_are_the_textbook_map", "iterations_contract_in_hilberts_metric"))
def iterations_that_are_averaged(a, b, C, reg, n):
    """Geometric mean of old and new scaling, which is due where both sides move at once."""

    def step(u, v, K):
        v = np.sqrt(v * (b / (K.T @ u)))
        return np.sqrt(u * (a / (K @ v))), v

    return iterated(a, b, C, reg, step, n)


@mutant("sinkhorn_iterations", rejected_by="iterations_survive_small_regularisation")
def iterations_in_the_exponential_domain(a, b, C, reg, n):
    """exp(−C/reg) underflows: rows of zeros, NaN."""

    def step(u, v, K):
        v = b / (K.T @ u)
        return a / (K @ v), v

    return iterated(a, b, C, reg, step, n)

"""Oracles of Wasserstein distances: known values, and agreement of independent ways."""

from __future__ import annotations

import numpy as np
import pytest
from flint import arb, arb_mat, fmpq

from detrace.oracles import precision
from detrace.oracles import wasserstein as exact


def near(got: arb, value: float) -> bool:
    """Whether a ball holds a float up to its last digit."""
    return abs(float(got) - value) <= 4e-16 * max(abs(value), 1e-300)


def test_coupling_of_a_translate():
    """Three samples moved by 5: W_p^p = 5^p, 11 pieces at most, mass 1."""
    x = np.array([0.0, 1.0, 3.0])
    line = exact.coupling(x, x[::-1] + 5.0)
    assert line.mass == 1
    assert line.reach == 8
    assert near(line.cost(1), 5.0)
    assert near(line.cost(3), 125.0)
    assert near(line.cost(1.5), 5.0**1.5)


def test_coupling_splits_masses():
    """Weights ¾, ¼ against ½, ½ on 0, 1: a quarter moves by 1, and zero masses do not count for the reach."""
    line = exact.coupling(np.array([0.0, 1.0, 9.0]), np.array([0.0, 1.0]), np.array([0.75, 0.25, 0.0]), np.array([0.5, 0.5]))
    assert line.cost(2) == arb("0.25")
    assert line.reach == 1


def test_unequal_totals_are_scaled():
    """b counts as b·(Σa/Σb)."""
    line = exact.coupling(np.array([0.0]), np.array([1.0]), np.array([2.0]), np.array([3.0]))
    assert line.cost(1) == 2


@pytest.mark.parametrize("p", [1.0, 1.5, 2.0, 3.0])
def test_the_line_agrees_with_the_linear_program(p):
    """Two oracles that share nothing but rationals."""
    rng = np.random.default_rng(1)
    for _ in range(5):
        x, y = rng.integers(-8, 8, 4) / 4, rng.integers(-8, 8, 3) / 4
        a, b = np.array([1.0, 2.0, 3.0, 2.0]), np.array([4.0, 0.0, 4.0])
        line, program = exact.coupling(x, y, a, b).cost(p), exact.transport_cost(x[:, None], y[:, None], p, a, b)
        assert abs(float(line - arb(program))) <= 1e-14 * max(float(line), 1.0)


def test_ground_costs_are_exact_for_even_powers():
    """3-4-5: squares as integers, roots to many digits."""
    x, y = np.array([[0.0, 0.0]]), np.array([[3.0, 4.0], [1.0, 1.0]])
    assert exact.ground_costs(x, y, 2.0).tolist() == [[fmpq(25), fmpq(2)]]
    root = exact.ground_costs(x, y, 1.0)[0]
    assert abs(root[0] - 5) < fmpq(1, 10**60)
    assert abs(root[1] ** 2 - 2) < fmpq(1, 10**60)


def test_squared_factor():
    """LDLᵀ rebuilds the matrix, also a singular one; no covariance is an error."""
    S = np.array([[4.0, 2.0, 0.0], [2.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    L, d = exact.squared_factor(S)
    rebuilt = [[sum((L[i][k] * d[k] * L[j][k] for k in range(3)), fmpq(0)) for j in range(3)] for i in range(3)]
    assert np.array([[float(v) for v in row] for row in rebuilt]).tolist() == S.tolist()
    for bad in ([[1.0, 2.0], [2.0, 1.0]], [[1.0, 2.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, 1.0]], [[-1.0, 0.0], [0.0, 1.0]]):
        with pytest.raises(ValueError, match="not symmetric positive"):
            exact.squared_factor(np.array(bad))


def test_eigenvalues_enclose():
    """Eigenvalues 1 and 3, double eigenvalues, and a matrix that is singular."""
    for rows, truth in (([[2, 1], [1, 2]], (1, 3)), ([[2, 0], [0, 2]], (2, 2)), ([[1, 1], [1, 1]], (0, 2))):
        with precision(192):
            found = sorted(exact.eigenvalues(arb_mat(rows)), key=float)
        assert all(f.overlaps(arb(t)) and float(f.rad()) < 1e-40 for f, t in zip(found, truth, strict=True))


def test_gaussian_costs():
    """Commuting: Σ(√s − √t)²; rank one: ‖v‖² + ‖w‖² − 2|v·w|; equal: 0; means add their distance."""
    zero, one = np.zeros(2), np.ones(2)
    assert near(exact.gaussian_cost(zero, np.diag([4.0, 1.0]), one, np.diag([9.0, 1.0])), 3.0)
    v, w = np.array([1.0, 2.0]), np.array([3.0, -1.0])
    assert near(exact.gaussian_cost(zero, np.outer(v, v), zero, np.outer(w, w)), 13.0)
    S = np.array([[2.0, 1.0], [1.0, 2.0]])
    assert abs(float(exact.gaussian_cost(one, S, one, S))) < 1e-40
    assert exact.gaussian_cost(one, 0 * S, zero, 0 * S) == 2


def test_answers_are_remembered():
    """The same input gives the very same object; another p does not."""
    x, y = np.array([0.0, 1.0]), np.array([2.0, 5.0])
    assert exact.coupling(x, y) is exact.coupling(x.copy(), y)
    assert exact.ground_costs(x[:, None], y[:, None], 1.0) is not exact.ground_costs(x[:, None], y[:, None], 2.0)

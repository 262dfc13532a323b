"""Exact transport and linear programs agree with enumeration, carry their certificates, and know what has no answer."""

from __future__ import annotations

import math
from itertools import permutations, product

import numpy as np
import pytest
from flint import fmpq

from detrace.oracles import linear_programs, rationals, transport
from detrace.oracles.rationals import floats, rational

RNG = np.random.default_rng(6280)


def integers(low: int, high: int, *shape: int) -> np.ndarray:
    return RNG.integers(low, high, shape).astype(float)


# -- rationals --------------------------------------------------------------------------------------------------------


def test_floats_are_exact_rationals():
    """0.1 is what its bits say; subnormals and huge numbers too; NaN and infinity are refused."""
    assert rational(0.1) == fmpq(3602879701896397, 36028797018963968)
    values = np.array([[5e-324, -1e308], [0.0, 1 / 3]])
    assert (floats(rational(values)) == values).all()
    assert rational(values).sum() * 1 == sum((rational(v) for v in values.ravel()), fmpq(0))
    for bad, error in ((math.nan, ValueError), (math.inf, OverflowError)):
        with pytest.raises(error):
            rational(np.array([bad]))


def test_whole_numbers_over_one_denominator():
    """p/q gives every entry back; nothing has denominator 1."""
    x = np.array([[0.5, -3.0], [0.1, 0.0]])
    p, q = rationals.whole(x)
    assert [fmpq(v, q) for v in p] == list(rational(x).ravel())
    assert rationals.whole(np.zeros(0)) == ([], 1)


# -- transport --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_assignments_are_the_best_permutation(n):
    """Equal masses: some permutation is optimal (Birkhoff), so the least of n! sums is the value."""
    for C in (integers(0, 9, n, n), integers(-3, 3, n, n), RNG.normal(size=(n, n))):
        best = min(sum(rational(C[i, j]) for i, j in enumerate(order)) for order in permutations(range(n)))
        assert transport.optimal_transport(np.ones(n), np.ones(n), C).value == best


def test_masses_are_unit_masses_side_by_side():
    """Whole masses: the best permutation of atoms that are repeated as often as they weigh."""
    for _ in range(20):
        a, b = (np.bincount(RNG.integers(0, 3, 5), minlength=3).astype(float) for _ in range(2))
        C = integers(0, 7, 3, 3)
        rows, columns = (np.repeat(np.arange(3), x.astype(int)) for x in (a, b))
        best = min(sum(C[i, j] for i, j in zip(rows, order, strict=True)) for order in permutations(columns))
        assert transport.optimal_transport(a, b, C).value == int(best)


def test_an_optimum_is_its_own_certificate():
    """Margins, signs, feasibility and equal values, exactly: any sizes, zeros, ties, dust, fractions, huge and tiny scales."""
    for k in range(60):
        n, m = RNG.integers(1, 8, 2)
        a = integers(0, 4, n)
        a[0] += 1.0
        b = np.bincount(RNG.integers(0, m, int(a.sum())), minlength=m).astype(float)
        if k % 3 == 0 and n > 1 and m > 1:
            a, b = np.append(a, 2.0**-60), np.append(b, 2.0**-60)
        scale = 2.0 ** ((k % 5 - 2) * 40)
        C = scale * (integers(-2, 3, len(a), len(b)) if k % 2 else RNG.normal(size=(len(a), len(b))))
        t = transport.optimal_transport(a, b, C)
        assert (t.plan >= 0).all()
        assert (t.plan.sum(axis=1) == rational(a)).all()
        assert (t.plan.sum(axis=0) == rational(b)).all()
        assert (t.f[:, None] + t.g[None, :] <= rational(C)).all()
        assert t.value == (t.plan * rational(C)).sum() == rational(a) @ t.f + rational(b) @ t.g
        assert np.count_nonzero(t.plan != 0) <= len(a) + len(b) - 1


def test_totals_that_differ_are_those_of_the_first():
    """b counts as b·Σa/Σb: the margins are a and that, exactly."""
    a, b = np.full(3, 1 / 3), np.full(7, 1 / 7)
    t = transport.optimal_transport(a, b, RNG.normal(size=(3, 7)))
    assert (t.plan.sum(axis=1) == rational(a)).all()
    assert (t.plan.sum(axis=0) == rational(b) * (rational(a).sum() / rational(b).sum())).all()


def test_uniqueness_is_known():
    """A tie has several plans; a degenerate problem several potentials; a generic one neither."""
    tie = transport.optimal_transport(np.array([1.0, 1.0]), np.array([1.5, 0.5]), np.ones((2, 2)))
    assert not tie.one_plan
    assert tie.one_potential
    degenerate = transport.optimal_transport(np.ones(2), np.ones(2), 1.0 - np.eye(2))
    assert degenerate.one_plan
    assert not degenerate.one_potential
    generic = transport.optimal_transport(np.array([1.0, 2.0]), np.array([2.0, 1.0]), np.array([[0.0, 5.0], [1.0, 3.0]]))
    assert generic.one_plan
    assert generic.one_potential


def test_impossible_masses_are_refused():
    """A negative mass, or one total 0 beside one that is not."""
    for a, b in (([-1.0, 2.0], [1.0]), ([0.0, 0.0], [1.0])):
        with pytest.raises(ValueError, match="masses"):
            transport.optimal_transport(np.array(a), np.array(b), np.zeros((2, 1)))


def test_results_are_remembered_by_all_inputs():
    """The same arrays are solved once; another cost of the same masses is another problem."""
    a, C = np.ones(2), np.array([[0.0, 1.0], [2.0, 0.0]])
    assert transport.optimal_transport(a, a, C) is transport.optimal_transport(a.copy(), a.copy(), C.copy())
    assert transport.optimal_transport(a, a, C).value != transport.optimal_transport(a, a, C + 1).value


def test_the_closure_is_the_cheapest_of_all_paths():
    """Against every simple path of four points, negative costs included; 0 on the diagonal."""
    for _ in range(20):
        h = integers(0, 5, 4)
        D = integers(0, 9, 4, 4) + h[:, None] - h[None, :]
        K = transport.closure(D)
        for i, j in product(range(4), repeat=2):
            between = [k for k in range(4) if k not in (i, j)]
            paths = [(i, *p, j) for r in range(3) for p in permutations(between, r)]
            costs = [sum(D[path[s], path[s + 1]] for s in range(len(path) - 1)) for path in paths]
            assert K[i, j] == (0 if i == j else int(min(costs)))
    with pytest.raises(ValueError, match="negative"):
        transport.closure(np.array([[0.0, 1.0], [-2.0, 0.0]]))


def test_one_potential_is_the_maximum_over_potentials():
    """Against the linear program max (a − b)·f, f(i) − f(j) ≤ D(i,j), in its standard form with slacks."""
    for D in (np.abs(np.subtract.outer([0.0, 1.0, 3.0], [0.0, 1.0, 3.0])) ** 2, np.array([[0.0, 1, 9], [4, 0, 1], [1, 5, 0]])):
        a, b = np.array([2.0, 1.0, 0.0]), np.array([0.0, 1.0, 2.0])
        pairs = [(i, j) for i in range(3) for j in range(3) if i != j]
        slopes = np.array([[(k == i) - (k == j) for k in range(3)] for i, j in pairs], dtype=float)
        A = np.hstack([slopes, -slopes, np.eye(len(pairs))])
        c = np.concatenate([b - a, a - b, np.zeros(len(pairs))])
        found = linear_programs.solve(A, np.array([D[p] for p in pairs]), c)
        assert found.value is not None
        assert transport.kantorovich_rubinstein(a, b, D) == -found.value


@pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 4), (3, 2), (4, 5)])
def test_the_constraint_matrix(n, m):
    """Row (i,j) of Aᵀ has a 1 at fᵢ and a 1 at gⱼ; rank n + m − 1; (1, −1) is its left null vector; A·vec Γ are the margins."""
    A = transport.constraint_matrix(n, m)
    for k in range(n * m):
        assert np.flatnonzero(A[:, k]).tolist() == [k // m, n + k % m]
    assert transport.rank(A) == n + m - 1
    assert not (np.concatenate([np.ones(n), -np.ones(m)]) @ A).any()
    G = RNG.normal(size=(n, m)).round(2)
    np.testing.assert_array_equal(A @ (1024 * G).round().reshape(-1), np.concatenate([x.ravel() for x in (
        (1024 * G).round().sum(axis=1), (1024 * G).round().sum(axis=0))]))  # fmt: skip


def test_potentials_that_are_tight_everywhere_need_separable_costs():
    """AᵀF = C has no solution for generic C, one for C = r⊕s: the rank of (Aᵀ | C) against that of Aᵀ (6280.c8)."""
    A = transport.constraint_matrix(3, 3)
    generic, separable = np.arange(9.0) ** 2, np.add.outer([1.0, 5.0, 2.0], [0.0, 3.0, 7.0]).reshape(-1)
    assert transport.rank(np.column_stack([A.T, generic])) == transport.rank(A) + 1
    assert transport.rank(np.column_stack([A.T, separable])) == transport.rank(A)


def test_the_north_west_plan_is_a_plan():
    """Margins as asked, in exact arithmetic, zeros included."""
    a, b = np.array([0.0, 1.5, 0.5, 0.0]), np.array([1.0, 0.0, 1.0])
    plan = transport.north_west(a, b)
    assert (plan.sum(axis=1) == rational(a)).all()
    assert (plan.sum(axis=0) == rational(b)).all()
    assert (plan >= 0).all()


def test_the_c_transform_is_exact():
    """minᵢ C(i,j) − f(i) of numbers whose difference no float holds."""
    got = transport.c_transform(np.array([2.0**-80]), np.array([[1.0]]))
    assert got[0] == 1 - fmpq(1, 2**80)


# -- linear programs --------------------------------------------------------------------------------------------------


def best_vertex(A: np.ndarray, b: np.ndarray, c: np.ndarray) -> fmpq | None:
    """Least cᵀx over the basic feasible solutions, by enumerating supports of linearly independent columns."""
    from itertools import combinations

    from flint import fmpq_mat

    m, n = A.shape
    best = None
    for size in range(min(m, n) + 1):
        for support in combinations(range(n), size):
            columns = A[:, support]
            if transport.rank(columns) < size if size else False:
                continue
            if transport.rank(np.column_stack([columns, b])) > size:
                continue
            gram = fmpq_mat([[int(v) for v in row] for row in columns.T @ columns]) if size else None
            x = gram.solve(fmpq_mat([[int(v)] for v in columns.T @ b])).entries() if gram is not None else []
            if all(v >= 0 for v in x):
                value = sum((v * int(c[j]) for v, j in zip(x, support, strict=True)), fmpq(0))
                best = value if best is None else min(best, value)
    return best


def test_programs_agree_with_their_vertices():
    """With c ≥ 0 nothing is unbounded: optimum or infeasibility against the enumeration of all vertices."""
    seen = set()
    for _ in range(60):
        m, n = int(RNG.integers(1, 4)), int(RNG.integers(1, 5))
        A, b, c = integers(-2, 3, m, n), integers(-2, 3, m), integers(0, 4, n)
        found = linear_programs.solve(A, b, c)
        assert found.value == best_vertex(A, b, c)
        assert (found.status == "infeasible") == (found.value is None)
        seen.add(found.status)
    assert seen == {"optimal", "infeasible"}


def test_unbounded_programs_are_told_from_infeasible_ones():
    """min −x₁, x₁ − x₂ = 0 falls for ever; A = 0, b = 1, c = −1 has no feasible side at all."""
    assert linear_programs.solve(np.array([[1.0, -1.0]]), np.zeros(1), np.array([-1.0, 0.0])).status == "unbounded"
    nothing = np.zeros((1, 1)), np.ones(1), -np.ones(1)
    assert linear_programs.solve(*nothing).status == "infeasible"
    assert linear_programs.solve(*linear_programs.dual(*nothing)).status == "infeasible"


def test_all_forms_have_one_value():
    """Paired inequalities, the dual and the dual's dual of a program with redundant rows."""
    form = transport.constraint_matrix(2, 3), np.array([1.0, 2.0, 1.0, 1.0, 1.0]), integers(-4, 5, 6)
    value = linear_programs.solve(*form).value
    assert value is not None
    assert linear_programs.solve(*linear_programs.with_inequalities(*form)).value == value
    assert linear_programs.solve(*linear_programs.dual(*form)).value == -value
    assert linear_programs.solve(*linear_programs.dual(*linear_programs.dual(*form))).value == value


def test_farkas_alternatives_exclude_each_other():
    """Exactly one certificate, and it certifies; also for the post's A = I, b = (1, −1)."""
    cases = [(integers(-2, 3, 2, 3), integers(-2, 3, 2)) for _ in range(40)] + [(np.eye(2), np.array([1.0, -1.0]))]
    sides = set()
    for A, b in cases:
        x, y = linear_programs.farkas(A, b)
        assert (x is None) != (y is None)
        sides.add(x is None)
        if x is not None:
            assert (rational(A) @ x == rational(b)).all()
            assert (x >= 0).all()
        else:
            assert (rational(A).T @ y <= 0).all()
            assert rational(b) @ y > 0
    assert sides == {True, False}

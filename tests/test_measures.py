"""Strategies of optimal transport: masses that balance, costs of their kind, in the dtype and at all scales."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import find, given, seed, settings
from test_strategies import arrays, draws, exact

from detrace.judging import Record, current
from detrace.oracles import linear_programs, transport
from detrace.oracles.rationals import rational
from detrace.spaces import Space, space
from detrace.strategies import ground_costs, linear_systems, measures
from detrace.strategies.ground_costs import COSTS, GROUND, METRICS, QUASI_METRICS
from detrace.strategies.linear_systems import SYSTEMS
from detrace.strategies.measures import EXACT, MASSES

SPACES = [space(s) for s in ("numpy-cpu-float64", "numpy-cpu-float32", "numpy-cpu-float16", "torch-cpu-bfloat16")]
DOUBLE = SPACES[0]
by_dtype = pytest.mark.parametrize("where", SPACES, ids=lambda s: s.dtype)


def balanced(a: np.ndarray, b: np.ndarray, where: Space, kind: str) -> bool:
    A, B = rational(a).sum(), rational(b).sum()
    near = (len(a) + len(b)) * where.u * float(max(A, B))
    return bool(A > 0) and (A == B if MASSES[kind].exact else float(abs(A - B)) <= near)


@by_dtype
@pytest.mark.parametrize("kind", MASSES)
def test_masses_balance_and_keep_their_kinds_promise(kind, where):
    """Non-negative, exact in the dtype, totals equal exactly (or up to (n+m)u), the kind's structure kept."""
    for a, b in draws(measures.masses(kinds=(kind,)), where, 30):
        assert exact((a, b), where)
        assert (a >= 0).all()
        assert (b >= 0).all()
        assert balanced(a, b, where, kind)
        assert MASSES[kind].promise(a, b)


@pytest.mark.parametrize("kind", ["uniform", "one atom", "powers", "thirds"])
def test_promises_of_masses_can_fail(kind):
    """Masses without structure keep none of them."""
    assert not MASSES[kind].promise(np.array([1.0, 3.0, 0.5]), np.array([3.0, 1.5]))


def test_masses_hold_zeros_and_dust():
    """Some atoms weigh nothing; some next to nothing."""
    found = [np.concatenate(pair) for pair in draws(measures.masses(kinds=("counts", "dust"), min_n=2), DOUBLE, 100)]
    assert any((x == 0).any() for x in found)
    ratios = [x[x > 0].min() / x.max() for x in found]
    assert min(ratios) < 1e-15 < max(ratios)


def test_rounded_totals_do_differ():
    """Thirds, normalised masses and shares: some totals differ, else the kinds would be pointless."""
    for kind in ("thirds", "normalised", "shares"):
        pairs = draws(measures.masses(kinds=(kind,)), DOUBLE, 100)
        assert any(rational(a).sum() != rational(b).sum() for a, b in pairs)


@by_dtype
@pytest.mark.parametrize("kind", COSTS)
def test_costs_keep_their_kinds_promise(kind, where):
    """Exact in the dtype, scaled by powers of two; structure kept."""
    for a, b, C in draws(measures.transport_problems(costs=(kind,)), where, 25):
        assert exact((a, b, C), where)
        assert C.shape == (len(a), len(b))
        assert COSTS[kind].promise(C, where.u)


@pytest.mark.parametrize("kind", ["integer", "squared", "graded", "tied", "offset", "separable"])
def test_promises_of_costs_can_fail(kind):
    """No structured kind accepts any matrix."""
    assert not COSTS[kind].promise(np.array([[-1.0, 5.0], [2.0, 3.25]]), DOUBLE.u)


def test_scales_reach_far():
    """Costs and masses reach 1e±15 and beyond in float64, together and apart; one in three or so keeps its round numbers."""
    found = draws(measures.transport_problems(), DOUBLE, 300)
    costs = np.array([abs(C).max() for _, _, C in found if C.any()])
    totals = np.array([a.sum() for a, _, _ in found])
    for x in (costs, totals):
        assert x.min() < 1e-15
        assert x.max() > 1e15
    assert sum(bool((np.round(C) == C).all() and abs(C).max() < 1e3) for _, _, C in found) > 30


@by_dtype
def test_problems_neither_overflow_nor_underflow(where):
    """(n+m)·mass·max|C| is finite; in single and double precision entries that are not 0 are normal numbers, and mass·max|C|
    keeps all its digits."""
    for a, b, C in draws(measures.transport_problems(masses=tuple(MASSES)), where, 150):
        top = float(abs(C).max())
        assert (len(a) + len(b)) * a.sum() * top < where.max
        if where in SPACES[:2]:  # half precision cannot hold dust beside large products
            assert all((abs(x[x != 0]) >= where.tiny).all() for x in (a, b, C))
            assert top == 0.0 or a.sum() * top >= where.tiny / where.u


def test_sizes_are_those_asked_for():
    """n and m independent, from min_n to max_n."""
    shapes = {C.shape for _, _, C in draws(measures.transport_problems(max_n=4), DOUBLE, 150)}
    assert {k for shape in shapes for k in shape} == {1, 2, 3, 4}
    assert any(n != m for n, m in shapes)
    assert sum(n == m for n, m in (C.shape for _, _, C in draws(measures.transport_problems(), DOUBLE, 200))) > 45
    large = [k for _, _, C in draws(measures.transport_problems(min_n=12, max_n=24), DOUBLE, 30) for k in C.shape]
    assert min(large) >= 12
    assert max(large) > 20


def test_few_shapes_where_every_shape_is_compiled():
    """A quick search in JAX keeps to two sizes."""
    where = replace(space("jax-cpu-float32"), few_shapes=True)
    assert {k for _, _, C in draws(measures.transport_problems(), where, 40) for k in C.shape} == {2, 3}
    assert {len(D) for _, _, D in draws(measures.kantorovich_problems(), where, 40)} == {2, 3}


def test_problems_shrink_to_one_point():
    """The simplest problem is 1×1 with mass 1 and cost 0."""
    a, b, C = find(measures.transport_problems().on(DOUBLE), lambda problem: True)
    assert a.tolist() == [1.0]
    assert b.tolist() == [1.0]
    assert C.tolist() == [[0.0]]


def gap(D: np.ndarray) -> float:
    """How far the triangle inequality is missed, relative to the largest entry."""
    K = transport.closure(D)
    return float(abs(rational(D) - K).max()) / (abs(D).max() or 1.0)


@pytest.mark.parametrize("where", SPACES[:2], ids=lambda s: s.dtype)
@pytest.mark.parametrize("kind", GROUND)
def test_ground_costs_keep_what_their_kind_says(kind, where):
    """Symmetry, the triangle inequality (exactly, or up to rounding), zero diagonals, signs; others do break them somewhere."""
    k = GROUND[kind]
    found = draws(measures.ground_costs(kinds=(kind,)), where, 60)
    for D in found:
        assert exact(D, where)
        assert D.shape[0] == D.shape[1]
        assert not k.symmetric or (D == D.T).all()
        assert kind == "tilted" or (D >= 0).all()
        assert kind == "lifted" or not D.diagonal().any()
        if k.triangle:
            assert gap(D) <= (0.0 if k.exact else 4 * where.u)
    assert k.symmetric or any((D != D.T).any() for D in found)
    assert k.triangle or any(gap(D) > 0.01 for D in found)


def test_lists_of_ground_costs_are_what_they_say():
    """Metrics are symmetric with the triangle inequality, quasi-metrics need not be symmetric."""
    assert set(METRICS) < set(QUASI_METRICS) < set(GROUND)
    assert "one-way" in QUASI_METRICS
    assert "one-way" not in METRICS
    assert "squared" not in QUASI_METRICS
    assert set(GROUND) - set(ground_costs.NON_NEGATIVE) == {"tilted"}
    assert set(GROUND) - set(ground_costs.ZERO_DIAGONAL) == {"lifted"}
    assert all(not GROUND[k].triangle for k in ground_costs.DETOURS)
    assert all(GROUND[k].triangle and not GROUND[k].symmetric for k in ground_costs.ONE_WAY)


def test_points_coincide_line_up_and_cluster():
    """Some lattice points coincide; some clouds of three points or more are collinear; some fall into two far clusters."""
    clouds = [np.concatenate([x, y]) for _, _, x, y in draws(measures.lattice_samples(max_n=4), DOUBLE, 200)]
    assert any(len(np.unique(c, axis=0)) < len(c) for c in clouds)
    assert any(c.shape[1] > 1 and len(c) > 2 and c.any() and np.linalg.matrix_rank(c - c[0]) == 1 for c in clouds)
    assert {c.shape[1] for c in clouds} == {1, 2, 3}


def test_unique_problems_have_one_plan_and_one_potential():
    """By the exact optimum, at every scale."""
    for a, b, C in draws(measures.unique_problems(), DOUBLE, 80):
        t = transport.optimal_transport(a, b, C)
        assert t.one_plan
        assert t.one_potential
        assert balanced(a, b, DOUBLE, "counts")


def test_potentials_below_come_with_their_problem():
    """f is of the size of the costs, and with its exact c-transform feasible by construction."""
    for a, b, C, f in draws(measures.potentials_below(), DOUBLE, 50):
        assert exact((a, b, C, f), DOUBLE)
        assert f.shape == a.shape
        assert C.shape == (len(a), len(b))
        assert abs(f).max() <= 2.0**9 * (abs(C).max() or math.inf)
        assert (rational(f)[:, None] + transport.c_transform(f, C)[None, :] <= rational(C)).all()


def test_lipschitz_functions_are_lipschitz():
    """f(i) − f(j) ≤ D(i,j) for both orders of each pair: exactly for whole distances, up to rounding for others."""
    for kind in QUASI_METRICS:
        for a, _, D, f in draws(measures.lipschitz_functions(grounds=(kind,)), DOUBLE, 25):
            x = rational(f)
            excess = float((x[:, None] - x[None, :] - rational(D)).max())
            assert excess <= (0.0 if GROUND[kind].exact else 8 * DOUBLE.u * float(abs(f).max() + D.max()))
            assert len(a) == len(f) == len(D)


@pytest.mark.parametrize("where", SPACES[:2], ids=lambda s: s.dtype)
def test_detours_are_cheaper(where):
    """One potential is worth clearly less than the transport cost, with the diagonal free or lifted."""
    for a, b, C in draws(measures.detours(), where, 60):
        D = np.where(np.eye(len(C), dtype=bool), 0.0, C)
        assert exact((a, b, C), where)
        assert transport.kantorovich_rubinstein(a, b, D) * 21 <= transport.optimal_transport(a, b, C).value * 20


@by_dtype
@pytest.mark.parametrize("kind", SYSTEMS)
def test_linear_systems_have_the_answer_that_their_kind_says(kind, where):
    """Feasible or not, in exact arithmetic, after scaling and rounding; values exact in the dtype."""
    for A, b in draws(linear_systems.linear_systems(kinds=(kind,)), where, 30):
        assert exact((A, b), where)
        assert A.shape[0] == len(b)
        assert (linear_programs.farkas(A, b)[0] is not None) == SYSTEMS[kind].feasible


def test_nearly_degenerate_systems_are_drawn():
    """Some b is less than 1e−10 above a facet, but none less than 64u."""
    heights = [b[-1] for _, b in draws(linear_systems.linear_systems(kinds=("just outside",), scaled=False), DOUBLE, 100)]
    assert 64 * DOUBLE.u <= min(heights) < 1e-10 < max(heights)


def test_every_kind_is_noted_as_a_branch():
    """Masses, costs, ground costs and systems turn up under their names."""
    record = Record()
    token = current.set(record)
    try:
        draws(measures.transport_problems(masses=tuple(MASSES)), DOUBLE, 300)
        draws(measures.kantorovich_problems(grounds=tuple(GROUND)), DOUBLE, 300)
        draws(linear_systems.linear_systems(), DOUBLE, 100)
    finally:
        current.reset(token)
    assert set(record.example.branches) == set(MASSES) | set(COSTS) | set(GROUND) | set(SYSTEMS)


@seed(0)
@settings(max_examples=30, database=None, deadline=None)
@given(problem=measures.kantorovich_problems(grounds=tuple(GROUND), masses=EXACT).on(DOUBLE))
def test_kantorovich_problems_live_on_one_space(problem):
    """Two masses on the points between which D is given."""
    a, b, D = problem
    assert a.shape == b.shape == D.shape[:1]
    assert all(np.isfinite(x).all() for x in arrays(problem))

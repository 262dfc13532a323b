"""Large transport: recipes give what they promise at every size, planted optima are optimal, exact sums are exact."""

from __future__ import annotations

import math

import numpy as np
import pytest
from flint import fmpq
from test_strategies import draws, exact

from detrace.oracles import dyadics, transport
from detrace.oracles.rationals import rational
from detrace.spaces import space
from detrace.strategies.large_transport import (
    FLOWS,
    LARGE_COSTS,
    LARGE_MASSES,
    LARGEST,
    SIZES,
    SLACKS,
    Recipe,
    build,
    planted,
    recipes,
    staircase,
    stream,
)

SPACES = [space(f"numpy-cpu-{d}") for d in ("float64", "float32")]
by_dtype = pytest.mark.parametrize("where", SPACES, ids=lambda s: s.dtype)
RNG = np.random.default_rng(200)


@by_dtype
@pytest.mark.parametrize("masses", LARGE_MASSES)
@pytest.mark.parametrize("costs", LARGE_COSTS)
def test_recipes_keep_the_promises_of_their_kinds(masses, costs, where):
    """Shapes, masses ≥ 0 of one positive total (up to roundings), values of the dtype, the structure of the kinds."""
    for seed, (n, m) in enumerate(((1, 1), *SIZES[::2], *LARGEST[::3])):
        a, b, C = build(Recipe(n, m, masses, costs, seed), where)
        assert (a.shape, b.shape, C.shape) == ((n,), (m,), (n, m))
        assert exact((a, b, C), where)
        assert min(a.min(), b.min()) >= 0
        A, B = rational(a).sum(), rational(b).sum()
        assert A > 0
        assert A == B if LARGE_MASSES[masses].exact else float(abs(A - B)) <= (n + m) * where.u * float(A)
        assert LARGE_MASSES[masses].promise(a, b)
        assert LARGE_COSTS[costs].promise(C, where.u)


@pytest.mark.parametrize("kind", ["products", "full", "line", "near ties"])
def test_promises_of_large_costs_can_fail(kind):
    """No structured kind accepts any matrix."""
    assert not LARGE_COSTS[kind].promise(np.array([[-1.0, 5.0], [2.0, 3.25]]), SPACES[0].u)


def test_recipes_reach_every_size_and_kind():
    """Large and very oblong ones too; a recipe is the same problem every time."""
    drawn = draws(recipes(), SPACES[0], 600)
    assert {r[:2] for r in drawn} == {*SIZES, *LARGEST}
    assert {r[2] for r in drawn} == set(LARGE_MASSES)
    assert {r[3] for r in drawn} == set(LARGE_COSTS)
    one, again = (build(Recipe(*drawn[7]), SPACES[0]) for _ in range(2))
    assert all((x == y).all() for x, y in zip(one, again, strict=True))


def test_graded_flows_differ_by_half_of_the_digits():
    """Some masses are 2³⁰ times others, and some flows of the degenerate kind are 0."""
    a, b, _ = build(Recipe(60, 60, "graded", "tied", 1), SPACES[0])
    assert max(a.max() / a.min(), b.max() / b.min()) > 2.0**30
    assert (build(Recipe(60, 60, "degenerate", "tied", 1), SPACES[0])[0] == 0).any()


def test_near_ties_are_near():
    """Random costs of three levels differ by 2⁻³⁴ and less within each, in double precision."""
    C = build(Recipe(60, 60, "uniform", "near ties", 2), SPACES[0])[2]
    apart = np.diff(np.sort(C.ravel())) / C.max()
    assert (apart[apart > 0] < 1e-12).sum() > 1000
    assert (apart > 0.1).sum() == 2


def test_staircases_are_spanning_trees():
    """n + m − 1 cells that touch every row and column and hold no cycle: removing leaves ends with nothing."""
    for seed, (n, m) in enumerate(((1, 1), (1, 9), (7, 5), (33, 26))):
        i, j = staircase(stream(seed), n, m)
        cells = set(zip(i.tolist(), (n + j).tolist(), strict=True))
        assert len(cells) == n + m - 1
        assert {v for cell in cells for v in cell} == set(range(n + m))
        for _ in range(n + m):
            ends = [v for cell in cells for v in cell]
            cells = {cell for cell in cells if min(map(ends.count, cell)) > 1}
        assert not cells


@by_dtype
@pytest.mark.parametrize("flows", FLOWS)
@pytest.mark.parametrize("slack", SLACKS)
def test_planted_optima_are_optimal(flows, slack, where):
    """Feasible without a rounding, totals equal, values of the dtype; the exact solver finds the same value on small ones."""
    for seed, (n, m) in enumerate(((1, 1), (2, 5), *SIZES, *LARGEST)):
        (a, b, C), (f, g) = planted(Recipe(n, m, flows, slack, seed), where)
        assert exact((a, b, C, f, g), where)
        assert dyadics.least_slack(C, f, g) == 0
        assert rational(a).sum() == rational(b).sum() > 0
        if n * m <= 35:
            assert transport.optimal_transport(a, b, C).value == dyadics.inner(a, f) + dyadics.inner(b, g)


@pytest.mark.parametrize("size", [1.0, 1e-300, 1e300, 5e-324])
@pytest.mark.parametrize("mixed", [False, True])
def test_exact_sums_agree_with_rationals(size, mixed):
    """Least slack, inner product and margins, of whole numbers, of full digits, and over hundreds of magnitudes."""
    for whole in (True, False):
        C, P = RNG.integers(-9, 9, (2, 5, 4)) * 1.0 if whole else RNG.normal(size=(2, 5, 4))
        if mixed:
            C = C * 10.0 ** RNG.integers(-200, 1, C.shape)
        C, P, (f, g) = C * size, np.abs(P), (RNG.normal(size=5), RNG.normal(size=4))
        R, Q = rational(C), rational(P)
        assert dyadics.least_slack(C, f, g) == (R - rational(f)[:, None] - rational(g)).min()
        assert dyadics.inner(P, C) == (Q * R).sum()
        a, b = np.abs(f), np.abs(g)
        assert dyadics.margin_errors(P, a, b) == abs(Q.sum(1) - rational(a)).sum() + abs(Q.sum(0) - rational(b)).sum()


def test_integers_keep_every_bit():
    """The largest and the smallest double side by side; zeros only; nothing at all; 64 bits where they suffice."""
    (x, y), k = dyadics.integers(np.array([1.7976931348623157e308, -5e-324]), 0.0)
    assert [dyadics.scaled(v, k) for v in x.tolist()] == list(rational(np.array([1.7976931348623157e308, -5e-324])))
    assert y == 0
    assert dyadics.integers(np.zeros(3))[0][0].tolist() == [0, 0, 0]
    assert dyadics.inner(np.zeros(0), np.zeros(0)) == 0
    (p, q), k = dyadics.integers(np.array([2.0**58, -3.0]), 0.25)
    assert (p.dtype, p.tolist(), int(q), k) == (np.int64, [2**60, -12], 1, -2) or p.dtype == object
    assert dyadics.scaled(3, -2) == fmpq(3, 4)
    for bad in (math.nan, math.inf):
        with pytest.raises(ValueError, match="finite"):
            dyadics.integers(np.array([1.0, bad]))


def test_sixty_bits_do_not_overflow():
    """C − f − g of the largest entries that are kept in 64 bits."""
    C, f, g = np.array([[2.0**59]]), np.array([-(2.0**59)]), np.array([-(2.0**59) + 64.0])
    assert dyadics.least_slack(C, f, g) == 3 * 2**59 - 64
    assert dyadics.least_slack(-C, -f, -g) == 64 - 3 * 2**59

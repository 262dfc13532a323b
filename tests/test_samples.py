"""Samples, masses, Gaussians and entropic problems: each strategy produces what it promises, exactly in the space's dtype."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from test_strategies import NARROW, WIDE, draws, exact

from detrace.oracles.wasserstein import squared_factor
from detrace.spaces import space
from detrace.strategies import samples
from detrace.strategies.low_rank import Dice

REAL = [WIDE[0], WIDE[1], *NARROW]
IDS = [s.dtype for s in REAL]


def total(a: np.ndarray) -> Fraction:
    return sum(map(Fraction, a.tolist()), Fraction(0))


@pytest.mark.parametrize("where", REAL, ids=IDS)
@pytest.mark.parametrize("strategy", [samples.line_problems(), samples.problems(), samples.gaussians(),
                                      samples.entropic_problems()], ids=repr)  # fmt: skip
def test_values_are_exact_in_the_dtype(strategy, where):
    """Everything drawn is finite and representable."""
    assert all(exact(value, where) for value in draws(strategy, where, 60))


@pytest.mark.parametrize("where", REAL, ids=IDS)
@pytest.mark.parametrize("word", samples.MASSES)
def test_masses_keep_their_promise(word, where):
    """Masses are ≥ 0 with exactly equal totals; "rounded" differ by roundings only; "uniform" is None."""
    for _, _, _, a, b in draws(samples.line_problems(weights=(word,)), where, 40):
        if word == "uniform":
            assert a is None
            assert b is None
            continue
        assert min(*a, *b) >= 0
        assert total(a) > 0
        assert abs(total(a) - total(b)) <= (len(a) + len(b)) * Fraction(where.u) * total(a) * (word == "rounded")


def test_dyadic_masses_are_multiples():
    """Multiples of total/64, so that all partial sums are exact; `least` keeps them positive."""
    for _, _, _, a, b in draws(samples.line_problems(weights=("dyadic",), least=1), WIDE[1], 40):
        for v in (a, b):
            assert all((64 * Fraction(w) / total(v)).denominator == 1 and w > 0 for w in v.tolist())


@pytest.mark.parametrize("where", REAL, ids=IDS)
@pytest.mark.parametrize("strategy", [samples.line_problems, samples.problems])
def test_empty_atoms_are_outermost(strategy, where):
    """Where there is more than one atom, one of no mass is leftmost or rightmost, of either measure; totals are equal."""
    for x, y, _, a, b in draws(strategy(weights=(samples.EMPTY,)), where, 40):
        assert total(a) == total(b) > 0
        for points, v in ((x, a), (y, b)):
            along = points.reshape(len(points), -1)[:, 0]
            ends = v[(along == along.min()) | (along == along.max())]
            assert len(v) == 1 or (ends == 0).any()


def test_rounded_totals_do_differ():
    """For one problem in four or more, else the kind would be pointless."""
    found = draws(samples.line_problems(weights=("rounded",)), WIDE[1], 100)
    assert sum(total(a) != total(b) for *_, a, b in found) > 25


def test_dyadic_masses_are_empty_and_levels_touch():
    """Some atoms weigh nothing; some partial sums of both measures agree inside."""
    found = [(np.cumsum(a), np.cumsum(b)) for *_, a, b in draws(samples.line_problems(weights=("dyadic",)), WIDE[1], 100)]
    assert sum(bool((np.diff(F, prepend=0.0) == 0).any()) for F, _ in found) > 5
    assert sum(len({*F} & {*G}) > 1 for F, G in found) > 10


@pytest.mark.parametrize("where", WIDE[:2], ids=lambda s: s.dtype)
def test_dust_is_an_atom_of_its_own(where):
    """Beside others, one atom weighs 2⁻⁴⁰ of the total (2⁻¹⁶ in float32), on either side."""
    speck = 2.0 ** (-16 if where.dtype == "float32" else -40)
    for _, _, _, a, b in draws(samples.line_problems(weights=("dust",)), where, 40):
        for v in (a, b):
            assert len(v) == 1 or Fraction(speck) in [Fraction(w) / total(v) * (1 + Fraction(speck)) for w in v.tolist()]


@pytest.mark.parametrize("p", samples.EXPONENTS)
@pytest.mark.parametrize("where", WIDE[:2], ids=lambda s: s.dtype)
def test_costs_stay_representable(where, p):
    """mass·D^p of what was drawn neither overflows nor underflows, and the far ends of the scale are reached."""
    reached = set()
    for x, y, _, a, _ in draws(samples.line_problems(p=(p,), kinds=("lattice",)), where, 150):
        distances = abs(x[:, None] - y).ravel()
        distances = distances[distances > 0]
        mass = 1.0 if a is None else float(a.sum())
        if len(distances):
            costs = np.log2(distances) * p
            assert costs.max() + max(np.log2(mass), 0) < np.log2(where.max) - 1
            assert costs.min() + min(np.log2(mass), 0) > np.log2(where.tiny) + 1
            reached.add(bool(distances.max() > 2.0**30) - bool(distances.max() < 2.0**-30))
    assert reached == {-1, 0, 1} or (where.real_dtype == "float32" and p > 2)


@pytest.mark.parametrize("kind", samples.KINDS)
def test_kinds_of_points(kind):
    """Lattice and offset points are whole, offset ones far; clusters hold near points; collinear ones lie on a line."""
    far = near = False
    for x, y, *_ in draws(samples.problems(kinds=(kind,), scaled=False), WIDE[1], 60):
        points = np.concatenate([x, y])
        if kind in ("lattice", "offset", "collinear"):
            assert (points == np.round(points)).all()
        if kind == "collinear":
            assert np.linalg.matrix_rank(points) <= 1
        far |= bool(abs(points).max() >= 2.0**25)
        gaps = abs(points[:, None] - points).max(axis=-1)
        near |= bool(((gaps > 0) & (gaps < 1e-6)).any())
    assert far == (kind == "offset")
    assert near == (kind == "clusters")


def test_options_of_problems():
    """`same` sizes, `apart` points, `p`, and sizes up to `max_n`; without `same` a third of them or so are equal."""
    for x, y, p, _, _ in draws(samples.line_problems(same=True, apart=True, p=(2.0,), max_n=3, scaled=False), WIDE[0], 40):
        assert len(x) == len(y) <= 3
        assert p == 2.0
        assert len({*x.tolist(), *y.tolist()}) == 2 * len(x)
    equal = sum(len(x) == len(y) for x, y, *_ in draws(samples.line_problems(), WIDE[1], 200))
    assert 45 < equal < 120


def test_few_shapes_where_every_shape_is_compiled():
    """A quick search in JAX keeps to two pairs of sizes, and to the plane."""
    from dataclasses import replace

    where = replace(space("jax-cpu-float32"), few_shapes=True)
    assert {(len(x), len(y)) for x, y, *_ in draws(samples.line_problems(), where, 40)} == {(2, 2), (2, 3)}
    assert {len(m) for m, *_ in draws(samples.gaussians(), where, 20)} == {2}


def test_counts_add_up():
    """n whole numbers of a given sum, none below `least`."""
    drawn = [samples.counts(Dice(lambda _: bytes([7, 200, 31, 90]), 4), 5, 64, least) for least in (0, 1, 5)]
    assert [(v.sum(), v.min() >= least, len(v)) for v, least in zip(drawn, (0, 1, 5), strict=True)] == [(64, True, 5)] * 3


@pytest.mark.parametrize("where", REAL, ids=IDS)
@pytest.mark.parametrize("kind", samples.COVARIANCES)
def test_covariances_keep_their_promise(kind, where):
    """Symmetric and ≥ 0 exactly; commuting, of low rank, near, or equal as the kind says."""
    low = False
    for _, S, _, T in draws(samples.gaussians(kinds=(kind,)), where, 30):
        pivots = [squared_factor(C)[1] for C in (S, T)]
        low |= len(S) > 1 and any(0 in d for d in pivots)
        if kind == "diagonal":
            assert all((np.diag(np.diagonal(C)) == C).all() for C in (S, T))
        if kind == "equal":
            assert (S == T).all()
    assert low or kind != "degenerate"


def test_entropic_problems_keep_their_promise():
    """reg > 0 within the promised range of the costs, tol from 2⁻⁸ down, masses as ever."""
    for a, b, C, reg, tol in draws(samples.entropic_problems(scaled=False), WIDE[1], 60):
        assert 2.0**-4 <= reg <= 4.0
        assert 2.0**-30 <= tol <= 2.0**-8
        assert C.shape == (len(a), len(b))
        assert abs(C).max() <= 4.0
    assert {n for _, _, C, *_ in draws(samples.entropic_problems(min_n=2, max_n=3), WIDE[1], 40) for n in C.shape} == {2, 3}

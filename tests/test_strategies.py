"""Strategies: each produces what it promises, in the dtype of the space, and shrinks to what a person would write."""

from __future__ import annotations

import importlib
import math
import pkgutil
import re
import zlib
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, find, given, seed, settings

import detrace.strategies
from detrace.judging import Record, current
from detrace.spaces import Space, space
from detrace.strategies import low_rank, low_rank_columns, matrices, scalars
from detrace.strategies.deferred import Deferred

WIDE = [space(f"numpy-cpu-{d}") for d in ("float32", "float64", "complex64", "complex128")]
TWO = [WIDE[0], WIDE[3]]
"""Real and complex, single and double."""
NARROW = [space("numpy-cpu-float16"), space("torch-cpu-bfloat16")]


def draws(strategy: Deferred, where: Space, count: int = 40) -> list[Any]:
    """The first values that a strategy draws in a space, the same ones every time."""
    seen: list[Any] = []

    @seed(zlib.crc32(repr(strategy).encode()))
    @settings(max_examples=count, database=None, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(strategy.on(where))
    def collect(value: Any) -> None:
        seen.append(value)

    collect()
    return seen


def arrays(value: Any) -> list[np.ndarray]:
    """All arrays of a drawn value."""
    if isinstance(value, tuple | list):
        return [a for part in value for a in arrays(part)]
    return [value] if isinstance(value, np.ndarray) else []


def exact(value: Any, where: Space) -> bool:
    """Whether every array is finite and holds values that the dtype represents, complex only if the dtype is."""
    return all(
        np.isfinite(a).all() and (where.is_complex or not np.iscomplexobj(a)) and (where.round(a) == a).all()
        for a in arrays(value)
    )


def one_norm(a: np.ndarray) -> float:
    return float(np.abs(a).sum(axis=0).max(initial=0.0))


# -- square matrices --------------------------------------------------------------------------------------------------

DENSE = np.array([[1.0, -2.0], [3.0, 5.0]])
"""Keeps no kind's promise, so each promise can fail."""
WITHOUT_PROMISE = {"dense", "graded", "grcar", "integer", "permutation"}
"""Kinds whose structure rounding hides; what they are for is tested below."""


@pytest.mark.parametrize("where", [*TWO, *NARROW], ids=lambda s: s.dtype)
@pytest.mark.parametrize("kind", matrices.KINDS)
def test_square_matrices_keep_their_kinds_promise(kind, where):
    """In every dtype: structure, exact entries, and a norm within the kind's reach."""
    for a in draws(matrices.square_matrices(kinds=(kind,)), where, 25):
        n = len(a)
        assert 1 <= n <= 6
        assert exact(a, where)
        assert matrices.KINDS[kind].promise(a)
        # scaling, rounding and (for generators) repairing the diagonal move the norm by a few roundings an entry
        assert one_norm(a) <= matrices.KINDS[kind].reach(where, n) * (1 + 8 * n * where.u)


@pytest.mark.parametrize("kind", sorted(set(matrices.KINDS) - WITHOUT_PROMISE))
def test_promises_can_fail(kind):
    """No structured kind would accept a matrix without structure."""
    assert not matrices.KINDS[kind].promise(DENSE)


def test_generators_have_zero_row_sums():
    """Row sums vanish up to the rounding of the diagonal: n additions and one rounding to the dtype."""
    for where in WIDE[:2]:
        for a in draws(matrices.square_matrices(kinds=("generator",)), where):
            assert (np.abs(a.sum(axis=1)) <= (len(a) + 1) * where.u * np.abs(a).sum(axis=1)).all()


def test_graded_rows_span_magnitudes(float64):
    """Some graded matrix has rows whose sizes differ a million times."""
    spans = []
    for a in draws(matrices.square_matrices(kinds=("graded",), min_n=4), float64):
        rows = np.abs(a).max(axis=1)
        spans.append(rows.max() / rows[rows > 0].min(initial=rows.max() or 1.0) if rows.any() else 1.0)
    assert max(spans) > 1e6


def test_grcar_is_not_normal(float64):
    """Grcar matrices beyond 2×2 do not commute with their transpose, by far."""
    for a in draws(matrices.square_matrices(kinds=("grcar",), min_n=3), float64):
        b = a / np.abs(a).max()
        assert np.linalg.norm(b @ b.T - b.T @ b) > 0.5


@pytest.mark.parametrize("where", WIDE, ids=lambda s: s.dtype)
def test_the_smallest_matrices_are_lifted_far(where):
    """By a power of two that is itself beyond the range."""
    a = where.round(np.full((1, 1), where.smallest))
    assert 2048.0 < float(abs(matrices._lifted(a, 4096.0))[0, 0]) <= 4096.0


def test_confluent_eigenvalues_differ_by_one_rounding_and_by_more(float64):
    """Among neighbours on the diagonal: equal ones, some a few roundings apart, some by a thousandth and more."""
    apart = []
    for a in draws(matrices.square_matrices(kinds=("confluent",), min_n=2), float64):
        apart += [abs(x - y) / abs(x) for x, y in pairwise(np.diag(a))]
    steps = np.array(apart)
    assert (steps == 0).any()
    assert ((steps > 0) & (steps <= 16 * float64.u)).any()
    assert (steps > 1e-3).any()


def test_integers_and_permutations_stay_so_where_they_are_not_scaled(float64):
    """One in four keeps round entries: whole numbers, permutation matrices."""
    assert any(
        (a == np.round(a)).all() and abs(a).max() > 1
        for a in draws(matrices.square_matrices(kinds=("integer",)), float64)
    )
    found = draws(matrices.square_matrices(kinds=("permutation",)), float64)
    assert any((a @ a.T == np.eye(len(a))).all() and len(a) > 1 for a in found)
    assert all((np.count_nonzero(a, axis=k) == 1).all() for a in found for k in (0, 1))


def test_every_kind_is_drawn_and_noted(float64):
    """All kinds turn up, and each is noted as a branch of the example."""
    record = Record()
    token = current.set(record)
    try:
        draws(matrices.square_matrices(), float64, 400)
    finally:
        current.reset(token)
    assert set(record.example.branches) == set(matrices.KINDS)


def test_norms_cover_tiny_large_and_switches(float64):
    """Norms reach from far below u to the edge of overflow, and some sit within a few ulp of a method's switch."""
    norms = np.array([one_norm(a) for a in draws(matrices.square_matrices(kinds=("dense",)), float64, 200)])
    norms = norms[norms > 0]
    cap = matrices.before_overflow(float64, 2)
    assert norms.min() < 1e-100
    assert norms.max() > cap / 4
    switches = np.array([t * 2.0**k for t in matrices.SWITCHES for k in range(12)])
    near = np.abs(norms[:, None] / switches - 1).min(axis=1) < 1e-13
    assert near.sum() >= 5


def test_headroom_and_reach_bound_the_norm(float64):
    """`headroom` keeps e^{hA} representable, `reach` replaces the kind's own largest norm."""
    for a in draws(matrices.square_matrices(headroom=4.0), float64, 60):
        assert one_norm(a) <= matrices.before_overflow(float64, len(a)) / 4 * (1 + 1e-12)
    for a in draws(matrices.square_matrices(reach=1.0), float64, 60):
        assert one_norm(a) <= 1 + 1e-12


def test_square_matrices_shrink_to_readable_ones(float64):
    """The smallest matrix with an off-diagonal entry is 2×2 with zeros and one 1."""
    found = find(
        matrices.square_matrices(kinds=("dense",)).on(float64),
        lambda a: len(a) > 1 and (a - np.diag(np.diag(a))).any(),
        settings=settings(database=None, max_examples=500),
    )  # fmt: skip
    assert found.shape == (2, 2)
    assert sorted(np.abs(found).ravel()) == [0.0, 0.0, 0.0, 1.0]


def _dyadic(where: Space) -> None:
    for a in draws(matrices.dyadic_matrices(bits=3, denominator=4), where):
        for part in (a.real, a.imag):
            assert (part * 4 == np.round(part * 4)).all()
            assert np.abs(part * 4).max() < 8


def _unimodular(where: Space) -> None:
    for a, inverse in draws(matrices.unimodular_pairs(), where):
        assert (a == np.round(a)).all()
        assert (a @ inverse == np.eye(len(a))).all()


def _batches(where: Space) -> None:
    found = draws(matrices.batches(max_n=3), where)
    assert {a.ndim for a in found} == {3}
    assert {len(a) for a in found} == {1, 2, 3, 4}
    spread = [math.log2(n.max()) - math.log2(n.min()) for a in found if (n := np.array([one_norm(x) for x in a])).min() > 0]
    assert max(spread) > 10


# -- scalars and vectors ----------------------------------------------------------------------------------------------


def _scalars(where: Space) -> None:
    top = math.log(where.max)
    found = draws(scalars.scalars(), where, 200)
    assert {x.shape for x in found} == {()}
    assert any(x == 0 for x in found)
    sizes = np.abs(np.array([x for x in found if x != 0]))
    assert sizes.min() < math.sqrt(where.tiny)
    assert top / 4 < sizes.max() <= top * (1 + 2 * where.u)
    assert any(x.real < 0 for x in found)
    assert all(x.real >= 0 for x in draws(scalars.scalars(negative=False), WIDE[1], 100))


def _vectors(where: Space) -> None:
    found = draws(scalars.vectors(high=10.0), where, 100)
    assert {x.shape for x in found} == {(n,) for n in range(1, 9)}
    assert max(np.abs(x).max() for x in found) <= 10 * math.sqrt(2) * (1 + 2 * where.u)
    assert {x.shape for x in draws(scalars.vectors(n=3), where)} == {(3,)}


def test_magnitudes_shrink_towards_one(float64):
    """A size for which anything counts shrinks to a number of few digits."""
    found = find(scalars.scalars().on(float64), lambda x: x > 0.1, settings=settings(database=None))
    assert float(found) == 1.0


def test_plain_strategies_do_not_depend_on_the_space(float64):
    """Integers and choices are what they say, in every space."""
    assert set(draws(scalars.integers(2, 4), float64)) == {2, 3, 4}
    assert set(draws(scalars.choices("a", "b"), float64)) == {"a", "b"}
    kept = scalars.choices("a", "b", "c", few=2)
    assert set(draws(kept, float64)) == {"a", "b", "c"}
    assert set(draws(kept, replace(float64, few_shapes=True))) == {"a", "b"}
    assert repr(scalars.integers(2, 4)) == "integers(2, 4)"


# -- low rank ---------------------------------------------------------------------------------------------------------

X, Y = np.array([1.0, 2.0]), np.array([3.0, 5.0])
COLUMNS = np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([[1.0, -2.0], [4.0, 7.0]])


@pytest.mark.parametrize("where", TWO, ids=lambda s: s.dtype)
@pytest.mark.parametrize("kind", low_rank.KINDS)
def test_pairs_keep_their_kinds_promise(kind, where):
    """Structure survives scaling and rounding, entries are exact, and |s| is within reach."""
    for x, y in draws(low_rank.rank_one_pairs(kinds=(kind,), reach=20.0), where):
        assert x.shape == y.shape
        assert exact((x, y), where)
        assert low_rank.KINDS[kind].promise(x, y)
        # rounding x and y moves s by 2u of Σ|xᵢyᵢ|
        assert abs(complex(low_rank.inner(x, y))) <= 20 + 4 * where.u * float(np.abs(x) @ np.abs(y))


@pytest.mark.parametrize("where", [*NARROW, *WIDE], ids=lambda s: s.dtype)
def test_a_large_inner_product_with_a_small_vector_is_finite(where):
    """x = 2⁻⁶ and yᵀx ≥ 1500 ask for a y beyond float16's range; powers of two are moved to x."""
    dice, small = low_rank.Dice(lambda _: bytes(14), 14), np.array([2.0**-6])
    x, y = low_rank._scaled(dice, where, low_rank.KINDS["dense"], small, small, math.inf, 1500.0, "inner", 1)
    assert abs(y @ x) > 1499.0  # from 1500 on, before rounding
    assert np.isfinite(where.round(x)).all()
    assert np.isfinite(where.round(y)).all()


def test_pairs_whose_promise_can_fail():
    """No structured kind would accept a pair without structure."""
    for name in ("aligned", "orthogonal", "symmetric", "zero"):
        assert not low_rank.KINDS[name].promise(X, Y)
    for name in set(low_rank_columns.COLUMNS) - {"dense columns"}:
        assert not low_rank_columns.COLUMNS[name].promise(*COLUMNS)


def _rank_one_pairs(where: Space) -> None:
    for keep in ("both", "forward", "inner"):
        for x, y in draws(low_rank.rank_one_pairs(keep=keep), where, 50):
            s, size = complex(low_rank.inner(x, y)), np.linalg.norm(x) * np.linalg.norm(y)
            if keep == "inner" or size == 0:
                continue
            t = abs(s) if keep == "both" else max(s.real, 0.0)
            growth = math.expm1(t) / t if t > 0 else 1.0
            assert math.log(growth) + math.log(size) < math.log(where.max)  # e^{xyᵀ} − I = φ(s)xyᵀ is representable
    spread = np.abs(
        [complex(low_rank.inner(x, y)) for x, y in draws(low_rank.rank_one_pairs(kinds=("dense",)), where, 100)]
    )
    assert spread[spread > 0].min() < 1e-6
    assert spread.max() > 10
    low = draws(low_rank.rank_one_pairs(kinds=("aligned",), floor=0.125), where)
    assert all(abs(complex(low_rank.inner(x, y))) >= 0.1 for x, y in low if x.any() and y.any() and (x * y).any())


def _pairs_and_columns(where: Space) -> None:
    found = draws(low_rank.pairs_and_columns(), where, 60)
    assert all(V.shape[0] == len(x) == len(y) and V.ndim == 2 for x, y, V in found)
    assert any((np.eye(len(x)) == V).all() for x, y, V in found if V.shape == (len(x), len(x)) and len(x) > 1)
    assert any((V[:, 0] == x).all() for x, y, V in found if V.shape[1] == 1 and x.any())
    assert any(low_rank.inner(y, V[:, 0]) == 0 for x, y, V in found if V.any() and y.any())


def _phi_arguments(where: Space) -> None:
    found = draws(low_rank.phi_arguments(), where, 150)
    assert {s.ndim for s in found} == {0, 1}
    values = np.concatenate([s.ravel() for s in found])
    assert (values == 0).any()
    assert values.real.min() < -1e3
    with np.errstate(over="ignore"):
        wide = values.real.astype(np.longdouble)
        assert (np.expm1(wide[wide > 1]) / wide[wide > 1] < np.longdouble(where.max)).all()
    if where.is_complex:
        turns = values / (2j * math.pi)
        assert (np.abs(turns - np.round(turns.real))[np.round(turns.real) != 0] < 0.2).any()


def _factor_lists(where: Space) -> None:
    found = draws(low_rank_columns.factor_lists(), where, 40)
    for xs, ys in found:
        sizes = [
            math.log1p(np.linalg.norm(x) * np.linalg.norm(y) * (math.expm1(t) / t if (t := abs(x @ y)) > 0 else 1.0))
            for x, y in zip(xs, ys, strict=True)
        ]
        assert sum(sizes) < math.log(where.max)  # ‖Π exp(xᵢyᵢᵀ)‖ ≤ Π (1 + ‖φ(sᵢ)xᵢyᵢᵀ‖)
    assert {len(x) for x, _ in found} == {1, 2, 3, 4}


def _low_rank_pairs(where: Space) -> None:
    for kind, columns in low_rank_columns.COLUMNS.items():
        for x, y in draws(low_rank_columns.low_rank_pairs(kinds=(kind,), reach=5.0), where, 25):
            assert columns.promise(x, y)
            s = np.conj(y).T.conj() @ x
            rounding = 4 * x.shape[0] * where.u * one_norm(np.abs(y).T @ np.abs(x))
            assert one_norm(s) <= 5 * (1 + 1e-6) + rounding or not low_rank_columns.COLUMNS[
                "orthogonal columns"
            ].promise(x, y)


def _low_rank_pairs_and_columns(where: Space) -> None:
    for x, y, v in draws(low_rank_columns.low_rank_pairs_and_columns(), where):
        assert x.shape == y.shape
        assert v.shape[0] == x.shape[0]


def _factor_lists_and_columns(where: Space) -> None:
    for x, y, v in draws(low_rank_columns.factor_lists_and_columns(), where):
        assert x.shape == y.shape
        assert v.shape[0] == x.shape[1]


def _generic_factors(where: Space) -> None:
    for xs, ys in draws(low_rank_columns.generic_factors(), where):
        r, n = xs.shape
        assert ys.shape == xs.shape
        assert n >= 2
        for i in range(r):
            x = xs[i] - np.eye(n)[i % n]
            y = (-1) ** i * ys[i] - np.eye(n)[(i + i // n + 1) % n] - np.eye(n)[i % n] / 2
            for moved in (x.real, x.imag, y.real, y.imag):
                assert np.abs(moved).max() <= 0.25
                assert (moved * 1024 == np.round(moved * 1024)).all()
        factors = [np.outer(x, y) for x, y in zip(xs, ys, strict=True)]
        assert all((a @ b != b @ a).any() for a, b in pairwise(factors[: n + 1]))


# -- all of them ------------------------------------------------------------------------------------------------------

SHOWN: dict[str, Callable[[Space], None] | None] = {
    "square_matrices": None,  # above, kind by kind
    "dyadic_matrices": _dyadic, "unimodular_pairs": _unimodular, "batches": _batches, "scalars": _scalars,
    "vectors": _vectors, "rank_one_pairs": _rank_one_pairs, "pairs_and_columns": _pairs_and_columns,
    "phi_arguments": _phi_arguments, "factor_lists": _factor_lists, "low_rank_pairs": _low_rank_pairs,
    "low_rank_pairs_and_columns": _low_rank_pairs_and_columns, "factor_lists_and_columns": _factor_lists_and_columns,
    "generic_factors": _generic_factors,
}  # fmt: skip
"""What shows that each strategy keeps its promise."""


def strategies() -> dict[str, Callable[..., Deferred]]:
    """Every public strategy that depends on the space."""
    found = {}
    for info in pkgutil.iter_modules(detrace.strategies.__path__):
        module = importlib.import_module(f"detrace.strategies.{info.name}")
        found |= {
            name: f for name, f in vars(module).items()
            if getattr(f, "__module__", "") == module.__name__ and hasattr(f, "__wrapped__") and name[0] != "_"
        }  # fmt: skip
    return found


def test_every_strategy_is_shown_to_keep_its_promise():
    """A strategy that is added needs a test of what it produces, here in SHOWN or in the tests of its family."""
    here = Path(__file__).parent
    elsewhere = "".join(p.read_text(encoding="utf-8") for p in here.glob("test_*.py") if p != Path(__file__))
    assert set(SHOWN) <= set(strategies())
    assert [s for s in strategies() if s not in SHOWN and not re.search(rf"\b{s}\(", elsewhere)] == []
    assert all(f.__doc__ for f in strategies().values())


@pytest.mark.parametrize("where", TWO, ids=lambda s: s.dtype)
@pytest.mark.parametrize("name", [n for n, check in SHOWN.items() if check is not None])
def test_strategies_keep_their_promise(name, where):
    """Shapes, ranges and structure that the docstring promises."""
    check = SHOWN[name]
    assert check is not None
    check(where)


@pytest.mark.parametrize("where", WIDE, ids=lambda s: s.dtype)
@pytest.mark.parametrize("name", strategies())
def test_strategies_draw_exact_values(name, where):
    """Whatever is drawn is finite and exactly representable in the dtype."""
    assert all(exact(value, where) for value in draws(strategies()[name](), where, 25))

"""References of optimal transport: what laws do not see, as refusals, the certificate's own judgement, batches."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

from reference import basis
from reference import optimal_transport as transport
from reference.farkas import farkas_certificate, phase_one
from reference.gaussian_wasserstein import gaussian_w2
from reference.kantorovich import c_transform, kantorovich_rubinstein, metric_closure, total_variation
from reference.optimal_transport import certify, optimal_transport, transport_cost
from reference.sinkhorn import ConvergenceError, sinkhorn
from reference.wasserstein import cost_matrix, wasserstein, wasserstein_1d

HALF, QUARTER = np.array([0.5, 0.5]), np.array([0.25, 0.75])
METRIC = np.array([[0.0, 1.0], [1.0, 0.0]])
POINTS = np.array([0.0, 1.0])
U = 2.0**-53


def masses(a: Any, b: Any = QUARTER) -> list[tuple[str, Any]]:
    """Every function of two measures, called with these masses."""
    return [
        ("optimal_transport", lambda: optimal_transport(a, b, METRIC)),
        ("transport_cost", lambda: transport_cost(a, b, METRIC)),
        ("kantorovich_rubinstein", lambda: kantorovich_rubinstein(a, b, METRIC)),
        ("sinkhorn", lambda: sinkhorn(a, b, METRIC, 1.0)),
        ("wasserstein_1d", lambda: wasserstein_1d(POINTS, POINTS, 1, a, b)),
        ("wasserstein", lambda: wasserstein(POINTS[:, None], POINTS[:, None], 1, a, b)),
    ]


@pytest.mark.parametrize("index", range(6))
@pytest.mark.parametrize(("wrong", "sentence"), [
    ([0.5, 0.6], "equal total masses"), ([-0.5, 1.5], "masses >= 0"), ([np.nan, 1.0], "finite masses"),
    ([np.inf, 1.0], "finite masses"), ([0.0, 0.0], "positive total mass"),
])  # fmt: skip
def test_masses_that_are_no_measures_are_refused(index: int, wrong: list[float], sentence: str) -> None:
    """One sentence that names what is wrong, from every function of two measures, before any solver runs."""
    name, call = masses(np.array(wrong))[index]
    with pytest.raises(ValueError, match=sentence) as error:
        call()
    assert str(error.value).endswith(".")
    assert "\n" not in str(error.value), name


@pytest.mark.parametrize(("call", "sentence"), [
    (lambda: optimal_transport(HALF, QUARTER, METRIC[:, :1]), r"C \(n, m\)"),
    (lambda: optimal_transport(HALF, QUARTER, METRIC * np.nan), "finite costs"),
    (lambda: optimal_transport(HALF[:0], QUARTER, METRIC[:0]), "empty measure"),
    (lambda: sinkhorn(HALF, QUARTER, METRIC, 0.0), "reg > 0"),
    (lambda: sinkhorn(HALF, QUARTER, METRIC, 1.0, 0.0), "tol > 0"),
    (lambda: sinkhorn(HALF, QUARTER, METRIC + np.inf, 1.0), "finite costs"),
    (lambda: wasserstein_1d(POINTS, POINTS, 0.5), "p >= 1"),
    (lambda: wasserstein_1d(POINTS, POINTS, float("nan")), "p >= 1"),
    (lambda: wasserstein_1d(POINTS, POINTS[:0]), "at least one point"),
    (lambda: wasserstein_1d(POINTS, POINTS + np.inf), "finite points"),
    (lambda: wasserstein_1d(POINTS, POINTS, 1, HALF, QUARTER[:1]), "a weight a point"),
    (lambda: wasserstein(POINTS[:, None], POINTS[:, None], float("nan")), "p >= 1"),
    (lambda: wasserstein(POINTS[:, None], np.ones((2, 2))), "one d"),
    (lambda: cost_matrix(POINTS[:, None], POINTS[:, None], 0), "p > 0"),
    (lambda: c_transform(POINTS, METRIC[:1]), "c_transform needs"),
    (lambda: metric_closure(METRIC[:1]), "square costs"),
    (lambda: metric_closure(METRIC * np.nan), "NaN or -inf"),
    (lambda: metric_closure(METRIC - 2.0), "negative cycles"),
    (lambda: kantorovich_rubinstein(HALF, QUARTER, METRIC + 1.0), r"D\(i, i\) = 0"),
    (lambda: kantorovich_rubinstein(HALF, QUARTER, np.array([[0.0, 1.0], [-2.0, 0.0]])), "negative cycles"),
    (lambda: total_variation(HALF, QUARTER[:1]), "one length"),
    (lambda: gaussian_w2(POINTS, METRIC, POINTS, METRIC), "indefinite"),
    (lambda: gaussian_w2(POINTS, np.triu(np.ones((2, 2))), POINTS, np.eye(2)), "symmetric"),
    (lambda: gaussian_w2(POINTS, np.eye(3), POINTS, np.eye(2)), r"covariances \(d, d\)"),
    (lambda: farkas_certificate(METRIC, POINTS[:1]), r"A \(m, n\)"),
    (lambda: farkas_certificate(METRIC, POINTS + np.inf), "finite numbers"),
])  # fmt: skip
def test_input_without_meaning_is_refused(call: Any, sentence: str) -> None:
    """A ValueError with one sentence."""
    with pytest.raises(ValueError, match=sentence):
        call()


def test_integers_are_no_masses() -> None:
    """A dtype that is not floating is refused, never computed in integers."""
    with pytest.raises(TypeError, match="real floating"):
        optimal_transport(np.array([1, 1]), np.array([1, 1]), METRIC)


def solved() -> list[np.ndarray]:
    """Arguments of `certify` for a problem of 5 × 4 points."""
    rng = np.random.default_rng(1)
    a, b, C = rng.random(5), rng.random(4), rng.random((5, 4))
    b *= a.sum() / b.sum()
    _, plan, f, g = transport.solve(a, b, C)
    i, j = np.nonzero(plan)
    return [a, b, C, i, j, plan[i, j], f, g]


def test_certificate_accepts_what_was_solved() -> None:
    """The plan and potentials of the solver pass."""
    certify(*solved())


@pytest.mark.parametrize(("argument", "change", "sentence"), [
    (5, lambda v: v * (1 + 1e-12), "margins"),
    (5, lambda v: np.concatenate([-v[:1], v[1:]]), "not positive"),
    (6, lambda f: f + 1e-12, "feasible potentials"),
    (6, lambda f: f - 1e-12, "gap"),
    (7, lambda g: g * np.nan, "feasible potentials"),
    (2, lambda C: C + 1e-12 * np.arange(20).reshape(5, 4), "gap"),
])  # fmt: skip
def test_certificate_refuses_what_was_tampered_with(argument: int, change: Any, sentence: str) -> None:
    """Each part off by 10⁻¹² is found."""
    args = solved()
    args[argument] = change(args[argument])
    with pytest.raises(RuntimeError, match=sentence):
        certify(*args)


def test_certificate_refuses_a_plan_that_is_not_basic() -> None:
    """The product coupling of a constant cost is optimal, feasible, and no vertex."""
    a = np.full(3, 1 / 3)
    i, j = (v.ravel() for v in np.indices((3, 3)))
    with pytest.raises(RuntimeError, match="too many"):
        certify(a, a, np.zeros((3, 3)), i, j, np.full(9, 1 / 9), np.zeros(3), np.zeros(3))


def test_a_solver_that_does_not_end_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """POT's status is read; its half-finished plan is never returned."""
    import ot.lp.emd_wrap as pot

    monkeypatch.setattr(pot, "emd_c", lambda a, b, C, *_: (np.zeros_like(C), 0.0, a, b, 3))
    with pytest.raises(RuntimeError, match="did not end"):
        optimal_transport(HALF, QUARTER, METRIC)


def test_a_wrong_basis_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A feasible plan that is not optimal does not pass the certificate."""
    worse = np.array([[0.0, 0.5], [0.25, 0.25]])
    monkeypatch.setattr(basis, "_network_simplex", lambda a, b, C: (worse * a.sum(), np.zeros(2)))
    with pytest.raises(RuntimeError, match="gap"):
        optimal_transport(HALF, QUARTER, METRIC)


@pytest.mark.parametrize("exponent", [20, 60, 300])
def test_dust_gets_its_margins(exponent: int) -> None:
    """Masses 2⁻²⁰ to 2⁻³⁰⁰ of the total on both sides: each margin to 4(n+m)u of itself, exactly measured. The solver's
    integers cannot hold them; the dual simplex on exact integers does."""
    rng = np.random.default_rng(exponent)
    a = rng.random(6) * 2.0 ** -np.array([0, 0, exponent, exponent, 0, exponent // 2])
    b = rng.permutation(a)
    _, plan, _, _ = optimal_transport(a, b, rng.random((6, 6)))
    for entries, mass in ((plan, a), (plan.T, b)):
        for row, m in zip(entries, mass, strict=True):
            assert abs(sum(map(Fraction, row)) - Fraction(m)) <= 4 * 12 * Fraction(U) * Fraction(m)


@pytest.mark.parametrize("exponent", [-1003, 0, 1000])
def test_margins_to_the_rounding_of_the_entries(exponent: int) -> None:
    """Masses that use all their digits, more than the solver's integers have: a row's sum is off by one rounding of each entry,
    exactly measured; also where masses are near the ends of the range."""
    rng = np.random.default_rng(7)
    a, b = rng.random(9), rng.random(7)
    a, b = a * 2.0**exponent, b * (a.sum() / b.sum()) * 2.0**exponent
    _, plan, _, _ = optimal_transport(a, b, rng.random((9, 7)))
    for row, mass in zip(plan, a, strict=True):
        assert abs(sum(map(Fraction, row)) - Fraction(mass)) <= Fraction(U) * Fraction(mass)


@pytest.mark.parametrize("n", [3, 7, 10])
def test_equal_masses_are_assigned_whole(n: int) -> None:
    """1/n each on both sides, which no sum of powers of two is: every entry of the plan is 1/n to the last bit, or 0."""
    a = np.full(n, 1 / n)
    _, plan, _, _ = optimal_transport(a, a, np.random.default_rng(n).random((n, n)))
    assert sorted(plan.ravel()) == [0.0] * (n * n - n) + [1 / n] * n


def test_lost_digits_of_the_solver_are_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Potentials off by 10⁻⁹ from the solver: those along the basis are returned, tight on every entry to a few roundings."""
    found = basis._network_simplex
    rng = np.random.default_rng(6)

    def careless(a: np.ndarray, b: np.ndarray, C: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        flow, g = found(a, b, C)
        return flow, g + 1e-9 * rng.random(len(g))

    monkeypatch.setattr(basis, "_network_simplex", careless)
    a, b, C = rng.random(6), rng.random(5), rng.random((6, 5))
    _, plan, f, g = optimal_transport(a, b * (a.sum() / b.sum()), C)
    assert (plan * np.abs(C - f[:, None] - g)).max() <= 8 * U * a.sum()


@pytest.mark.parametrize("costs", [[[1.7e308, -1.7e308], [0.0, 1e308]], [[3e-310, 1e-310], [0.0, 2e-310]]])
def test_costs_at_the_ends_of_the_range(costs: list[list[float]]) -> None:
    """A range of costs that overflows, and costs below the normal numbers."""
    cost, plan, _, _ = optimal_transport(HALF, QUARTER, np.array(costs))
    truth = min(t * Fraction(costs[0][0]) + (Fraction(1, 2) - t) * Fraction(costs[0][1])
                + (Fraction(1, 4) - t) * Fraction(costs[1][0]) + (Fraction(1, 4) + t) * Fraction(costs[1][1])
                for t in (Fraction(0), Fraction(1, 4)))  # fmt: skip
    assert abs(Fraction(float(cost)) - truth) <= 8 * Fraction(U) * abs(truth) + 4 * Fraction(2.0**-1074)
    assert np.count_nonzero(plan) <= 3


def test_elimination_of_leaves_is_exact() -> None:
    """The flows of a path of three edges, and of two trees of which one is out of balance by one."""
    path = basis.eliminate([3, 4, 2, 5], 2, np.array([0, 0, 1]), np.array([0, 1, 1]))
    assert path.flows == [2, 1, 4]
    assert path.balanced
    assert not basis.eliminate([3, 4, 2, 5], 2, np.array([0, 1]), np.array([0, 1])).balanced


def test_batches_are_their_members() -> None:
    """Leading axes, one member at a time, for solvers that loop and for those that do not."""
    rng = np.random.default_rng(2)
    a, b, C = rng.random((2, 3, 4)), rng.random((2, 3, 5)), rng.random((2, 3, 4, 5))
    b *= a.sum(-1, keepdims=True) / b.sum(-1, keepdims=True)
    for function in (optimal_transport, lambda a, b, C: sinkhorn(a, b, C, 0.1)):
        together = function(a, b, C)
        for i in np.ndindex(2, 3):
            for whole, part in zip(together, function(a[i], b[i], C[i]), strict=True):
                assert np.array_equal(whole[i], part)
    x, y = rng.random((2, 3, 4)), rng.random((2, 3, 5))
    for p in (1, 2):
        whole = wasserstein_1d(x, y, p, a, b)
        for i in np.ndindex(2, 3):
            assert abs(whole[i] - wasserstein_1d(x[i], y[i], p, a[i], b[i])) <= 8 * U * whole[i]


def test_gradients_are_finite_where_points_coincide() -> None:
    """0 between coincident points, in both ways to differentiate (torch here; laws ask JAX too)."""
    x = torch.tensor([0.0, 1.0, 2.0], dtype=torch.float64, requires_grad=True)
    a = torch.tensor([0.25, 0.25, 0.5], dtype=torch.float64, requires_grad=True)
    for p in (1, 1.5, 2, 3):
        for distance, z in ((wasserstein_1d, x), (wasserstein, x[:, None])):
            value = distance(z, z.detach(), p, a, a.detach())
            by_points, by_masses = torch.autograd.grad(value, (x, a))
            assert not by_points.any()
            assert bool(torch.isfinite(by_masses).all())


def test_weighted_and_differentiated_distances_agree() -> None:
    """W₁ as the area between distribution functions, and as the coupling of quantiles that is differentiated."""
    rng = np.random.default_rng(3)
    x, y, a, b = rng.random(7), rng.random(5), rng.random(7), rng.random(5)
    b *= a.sum() / b.sum()
    area = float(wasserstein_1d(x, y, 1, a, b))
    coupled = wasserstein_1d(torch.tensor(x, requires_grad=True), torch.tensor(y), 1, torch.tensor(a), torch.tensor(b))
    assert abs(area - float(coupled.detach())) <= 12 * 2 * U * a.sum()


def test_measures_that_differ_by_a_rounding_are_told_apart() -> None:
    """Levels that round to one double, in the wrong order: W₂ is 2·10⁻⁸, not 0, to the digits that the docstring promises."""
    x, y = np.array([-3.0, -1.0, -3.0]), np.array([-1.0, -3.0, -3.0])
    a, b = np.array([1 / 7, 4 / 7, 4 / 7]), np.array([4 / 7 + 2.0**-53, 1 / 7 - 2.0**-53, 4 / 7])
    assert sum(map(Fraction, a)) == sum(map(Fraction, b))
    for p in (1, 2):
        for value in (wasserstein_1d(x, y, p, a, b), wasserstein_1d(y, x, p, b, a)):
            truth = (Fraction(b[0]) - Fraction(a[1])) * 2**p
            assert truth > 0
            assert abs(Fraction(float(value)) ** p - truth) <= 16 * Fraction(U) * (truth + Fraction(U) * 2 * 2**p)


@pytest.mark.parametrize("p", [1, 2, 3.5, float("inf")])
def test_what_rounding_leaves_over_is_not_sent_to_points_without_mass(p: float) -> None:
    """Totals that differ in the last bit, and far points of mass 0 on either side: they count for nothing."""
    x, y = np.array([0.0, 1e9]), np.array([1.0, 1e9])
    one = np.array([1.0, 0.0])
    for a, b in ((one, one * (1 + 4 * U)), (one * (1 + 4 * U), one)):
        assert abs(wasserstein_1d(x, y, p, a, b) - 1) <= 16 * U


@pytest.mark.parametrize("p", [1, 2, 3.5, float("inf")])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_points_are_finite_even_without_mass(p: float, bad: float) -> None:
    """NaN or infinity at a point of mass 0, and at points of equal weights."""
    with pytest.raises(ValueError, match="finite points"):
        wasserstein_1d(np.array([0.0, bad, 1.0]), POINTS, p, np.array([0.5, 0.0, 0.5]), HALF)
    with pytest.raises(ValueError, match="finite points"):
        wasserstein_1d(POINTS, np.array([0.0, bad, 1.0]), p)
    with pytest.raises(ValueError, match="finite points"):
        wasserstein_1d(np.array([0.0, 1.0, bad]), POINTS, p, np.array([0.5, 0.5 + 2 * U, 0.0]), HALF)


@pytest.mark.parametrize("p", [0.5, 1, 2, 3])
def test_costs_of_nan_are_nan(p: float) -> None:
    """Whatever the power, on the line and in the plane; other entries are as they were."""
    for d in (1, 2):
        x = np.zeros((2, d))
        x[0, 0] = np.nan
        C = cost_matrix(x, np.ones((2, d)), p)
        assert np.isnan(C[0]).all()
        assert np.abs(C[1] - d ** (p / 2)).max() <= 16 * U


def test_far_points_without_mass_overflow_nothing() -> None:
    """Distances that are no doubles, where nothing is moved."""
    x, y = np.array([-1.7e308, 0.0, 1.7e308]), np.array([-1.7e308, 1.0, 1.7e308])
    w = np.array([0.0, 1.0, 0.0])
    assert [wasserstein_1d(x, y, p, w, w) for p in (1, 2, float("inf"))] == [1.0, 1.0, 1.0]


def test_too_few_iterations_are_an_error() -> None:
    """A sentence with what was left and what to do, instead of a plan that is none."""
    rng = np.random.default_rng(4)
    with pytest.raises(ConvergenceError, match="raise reg, tol or max_iterations"):
        sinkhorn(np.ones(40), np.ones(40), rng.random((40, 40)), 1e-3, 1e-9, max_iterations=20)


def test_points_without_mass_have_no_potential() -> None:
    """−inf where the mass is 0, plan 0, nothing NaN."""
    plan, f, g = sinkhorn(np.array([0.0, 1.0]), np.array([0.5, 0.5]), METRIC, 0.1)
    assert f[0] == -np.inf
    assert np.isfinite(f[1])
    assert np.isfinite(g).all()
    assert np.array_equal(plan[0], [0.0, 0.0])


def test_farkas_decides_where_rounding_cannot() -> None:
    """b off the cone of A by one part in 2⁵² falls under the second alternative, b on it under the first."""
    A = np.array([[1.0, 1.0], [1.0, 1.0]])
    x, y = farkas_certificate(A, np.array([1.0, 1.0]))
    assert x.sum() == 1
    assert not y.any()
    x, y = farkas_certificate(A, np.array([1.0, 1.0 + 2.0**-52]))
    assert not x.any()
    assert (A.T @ y <= 0).all()
    assert Fraction(y[0]) + Fraction(y[1]) * Fraction(1.0 + 2.0**-52) > 0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("k", [-66, 0, 60])
def test_farkas_vector_does_not_mind_scales(k: int, dtype: str) -> None:
    """b, a column, a row times 2ᵏ: the same alternative, with a vector of few digits."""
    A = np.array([[-2.0, 1.0], [0.0, 1.0], [1.0, 1.0], [-1.0, 3.0]], dtype)
    b = np.array([-2.0, 0.0, 1.0, 0.0], dtype)
    for rows, columns, right in ((0, 0, k), (0, k, 0), (k, 0, 0), (k, -k, k)):
        scale = 2.0 ** np.array([0, 0, rows, 0])
        S, c = A * scale[:, None] * 2.0 ** np.array([0, columns]), b * scale * 2.0**right
        x, y = farkas_certificate(S.astype(dtype), c.astype(dtype))
        z = [Fraction(float(v)) for v in y]
        exact = [[Fraction(float(v)) for v in row] for row in np.column_stack([S, c]).T]
        slopes = [sum(p * q for p, q in zip(row, z, strict=True)) for row in exact]
        assert not x.any()
        assert max(slopes[:-1]) <= 0 < slopes[-1]
    x, y = farkas_certificate((A * scale[:, None]).astype(dtype), ((A @ [3.0, 5.0]) * scale).astype(dtype))
    assert not y.any()
    assert x.tolist() == [3.0, 5.0]


def test_farkas_refuses_what_the_dtype_cannot_hold() -> None:
    """x = 4/2⁻¹⁴ is beyond float16, not infinite."""
    with pytest.raises(RuntimeError, match="out of float16's range"):
        farkas_certificate(np.array([[2.0**-14]], np.float16), np.array([4.0], np.float16))


def test_phase_one_does_not_cycle() -> None:
    """Beale's degenerate rows, on which the largest coefficient's rule cycles, under Bland's."""
    rows = [[1, 0, 0, 0.25, -8, -1, 9, 0], [0, 1, 0, 0.5, -12, -0.5, 3, 0], [0, 0, 1, 0, 0, 1, 0, 1]]
    x, y = phase_one([[Fraction(v) for v in row] for row in rows])
    assert y is None
    assert x is not None
    assert all(sum(p * q for p, q in zip(row, x, strict=False)) == row[-1] for row in rows)

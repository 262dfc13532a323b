"""Divergences between normal distributions: certified values, what rounding may cost, the strategy, the references' edges."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import mpmath
import numpy as np
import pytest
from flint import arb, fmpq, fmpq_mat
from test_gan_losses import draws, exact

from detrace.oracles.balls import precision
from detrace.spaces import Space, space
from detrace.strategies.normals import WITHIN, Normals, normal_pairs
from reference import gaussian_divergences as reference
from verify.gaussian_closed_forms import Gaussians, gaussians, of, positive, slack, value
from verify.gaussian_critics import DUALS, Normal, Quadratic, distributions, perturbation
from verify.gaussian_divergences import NAMES, PEARSON, exactly, together


@pytest.fixture(autouse=True)
def _fine() -> Iterator[None]:
    """Balls as wide as a law's."""
    with precision(192):
        yield


SPACES = [space(f"torch-cpu-{dtype}") for dtype in ("float16", "bfloat16", "float32", "float64")]
WIDE = SPACES[-1]


def line(m: float, v: float, n: float, w: float) -> Normals:
    """N(m, v) and N(n, w)."""
    return np.array([m]), np.array([[v]]), np.array([n]), np.array([[w]])


PAIRS = [line(0.5, 1.0, -0.25, 2.0), line(0.0, 1.5, 1.0, 1.0), line(0.25, 0.5, 0.0, 0.75)]
COVARIANCES = np.array([[2.0, 0.5], [0.5, 1.0]]), np.array([[1.5, -0.25], [-0.25, 1.25]])
PLANE: Normals = (np.array([0.5, -1.0]), COVARIANCES[0], np.array([0.0, 0.5]), COVARIANCES[1])
INTEGRANDS = {
    "gaussian_kl": lambda p, q: p * mpmath.log(p / q), "gaussian_reverse_kl": lambda p, q: q * mpmath.log(q / p),
    "gaussian_pearson": lambda p, q: (p - q) ** 2 / q, "gaussian_neyman": lambda p, q: (p - q) ** 2 / p,
    "gaussian_squared_hellinger": lambda p, q: (mpmath.sqrt(p) - mpmath.sqrt(q)) ** 2,
}  # fmt: skip


@pytest.mark.parametrize("G", PAIRS, ids=["wider", "narrower", "near"])
@pytest.mark.parametrize("name", NAMES)
def test_certified_values_are_integrals(name: str, G: Normals) -> None:
    """On the line, by quadrature of the definition; infinite where the integrand grows. Both are rounded once to double; the
    quadrature's estimate of its own error and the certified radius are below one rounding each: 4u in all."""
    (m,), ((v,),), (n,), ((w,),) = G
    if name in ("gaussian_pearson", "gaussian_neyman") and not (2 * w > v if name == PEARSON else 2 * v > w):
        assert not value(name, G).is_finite()
        return
    with mpmath.workdps(30):

        def integrand(x: mpmath.mpf) -> mpmath.mpf:
            return INTEGRANDS[name](mpmath.npdf(x, m, mpmath.sqrt(v)), mpmath.npdf(x, n, mpmath.sqrt(w)))

        due, error = mpmath.quad(integrand, np.linspace(-40, 40, 41).tolist(), error=True)
    certified = value(name, G)
    assert max(float(error), float(certified.rad())) < 2.0**-53 * float(due)
    assert math.isclose(float(certified.mid()), float(due), rel_tol=4 * 2.0**-53)


def test_pearson_ends_at_twice_the_covariance() -> None:
    """2T − S: positive definite, zero, indefinite in one direction only."""
    assert value(PEARSON, line(0.0, 1.99, 0.0, 1.0)).is_finite()
    assert not value(PEARSON, line(0.0, 2.0, 0.0, 1.0)).is_finite()
    apart = np.zeros(2), np.diag([1.0, 3.0]), np.zeros(2), np.eye(2)
    assert not value(PEARSON, apart).is_finite()
    assert Gaussians(apart).margin(2.0**-24) < -30
    assert abs(Gaussians(line(0.0, 2.0, 0.0, 1.0)).margin(2.0**-24)) < 1
    assert not positive(fmpq_mat([[1, 2], [2, 1]]))


@pytest.mark.parametrize("name", NAMES)
def test_bounds_hold_derivatives(name: str) -> None:
    """An exact step of each covariance and of the mean moves the certified value as `sensitivity` says, entry by entry."""
    plain, pair = of(name, PLANE)
    D = pair.sensitivity(plain)
    factor = float(pair.log_factor(plain).exp().mid())
    h = 2.0**-30
    for which, derivative in ((1, D.first), (3, D.second)):
        for i in range(2):
            for j in range(i + 1):
                moved = [v.copy() for v in pair.G]
                moved[which][i, j] += h
                moved[which][j, i] = moved[which][i, j]
                slope = float((Gaussians(tuple(moved)).value(plain) - pair.value(plain)).mid()) / h
                assert math.isclose(abs(slope), factor * derivative[i, j] * (1 if i == j else 2), rel_tol=1e-6)
    moved = [v.copy() for v in pair.G]
    moved[0][1] += h
    slope = float((Gaussians(tuple(moved)).value(plain) - pair.value(plain)).mid()) / h
    assert math.isclose(abs(slope), factor * D.shift[1, 0], rel_tol=1e-6)


def test_bounds_are_small_where_gaussians_are_close() -> None:
    """Sharp bounds fall with the divergence, down to the second order of rounding; loose ones stay at the size of the terms."""
    near = line(0.0, 1.0 + 2.0**-20, 0.0, 1.0)
    for name in NAMES:
        assert slack(name, near, WIDE, sharp=True) < 2.0**-20 * slack(name, near, WIDE) * 100
        assert slack(name, line(0.0, 1.0, 0.0, 1.0), WIDE, sharp=True) < 1e-29


def test_gaussian_integrals_of_critics() -> None:
    """E e^{x²/4} = √2 and E e^{x} = e^{½} under N(0, 1); +∞ for e^{x²/2}."""
    normal = Normal(fmpq_mat([[0]]), fmpq_mat([[1]]))

    def quadratic(b: int, a: fmpq) -> Quadratic:
        return Quadratic(arb(0), fmpq(0), fmpq_mat([[b]]), fmpq_mat([[a]]))

    assert abs(normal.mean_exp(quadratic(0, fmpq(1, 4))) - arb(2).sqrt()) < 1e-30
    assert abs(normal.mean_exp(quadratic(1, fmpq(0))) - arb(0.5).exp()) < 1e-30
    assert normal.mean(quadratic(3, fmpq(1, 4))) == 0.25
    assert not normal.mean_exp(quadratic(0, fmpq(1, 2))).is_finite()


@pytest.mark.parametrize("name", DUALS)
def test_best_critics_attain_the_certified_divergence(name: str) -> None:
    """Two derivations of each divergence: closed form, and the f-GAN's value at its best quadratic critic; another is worse."""
    p, q = distributions(PLANE)
    best = (p.log_density() + q.log_density().times(fmpq(-1))).times(DUALS[name].multiple)
    best = best._replace(c=best.c + DUALS[name].constant)
    assert abs(DUALS[name].value(p, q, best) - value(name, PLANE)) < 1e-40
    worse = best + perturbation(np.full(10, 2.0**-5), PLANE)
    assert DUALS[name].value(p, q, worse) < value(name, PLANE) - 1e-6


@pytest.mark.parametrize("where", SPACES, ids=lambda s: s.dtype)
def test_normal_pairs_keep_their_promise(where: Space) -> None:
    """Exact, symmetric, positive definite; one to three dimensions; equal and graded ones, S = 2T among them."""
    pairs = draws(normal_pairs(), where, 300)
    for m1, S, m2, T in pairs:
        assert all(exact(v, where) for v in (m1, S, m2, T))
        assert len(m1) == len(m2) == len(S) == len(T)
        assert all((M == M.T).all() for M in (S, T))
        assert all(np.linalg.eigvalsh(M / np.sqrt(np.outer(M.diagonal(), M.diagonal())))[0] > 0 for M in (S, T))
    assert {len(m1) for m1, *_ in pairs} == {1, 2, 3}
    assert any((S == T).all() and (m1 == m2).all() for m1, S, m2, T in pairs)
    assert any((S == 2 * T).all() for _, S, _, T in pairs)
    assert any(S.diagonal().max() > 8 * T.diagonal().min() for _, S, _, T in pairs)
    assert all((S == T).all() for _, S, _, T in draws(normal_pairs(kinds=("equal",)), where))
    assert all(len(m1) <= 2 for m1, *_ in draws(normal_pairs(max_dims=2), where))


@pytest.mark.parametrize("where", SPACES, ids=lambda s: s.dtype)
def test_one_covariance_lies_within_the_other(where: Space) -> None:
    """Exact; T − S is positive definite, so that χ² is finite, and mostly so much larger than S that the reverse one is not."""
    pairs = draws(normal_pairs(kinds=(WITHIN,)), where, 100)
    assert all(exact(v, where) for G in pairs for v in G)
    for _, S, _, T in pairs:
        assert (T == T.T).all()
        assert np.linalg.eigvalsh((T - S) / np.sqrt(np.outer(T.diagonal(), T.diagonal())))[0] > 0
    assert sum(not gaussians((m2, T, m1, S)).finite for m1, S, m2, T in pairs) > 0.5 * len(pairs)


def test_laws_know_when_arithmetic_is_exact() -> None:
    """Sums that float64 rounds are found out; blocks are put side by side."""
    shear = np.array([[1.0, 0.0], [1.0, 1.0]])
    assert exactly(shear, PLANE, WIDE)
    tiny = PLANE[0], np.diag([1.0, 2.0**-60]), PLANE[2], PLANE[3]
    assert not exactly(shear, tiny, WIDE)
    both = together(PAIRS[0], PLANE)
    assert both[1].shape == (3, 3)
    assert both[1][0, 1] == 0.0


@pytest.mark.parametrize("name", NAMES)
def test_batches_broadcast(name: str) -> None:
    """Means (5, d), one covariance; covariances (5, d, d), one mean."""
    function = getattr(reference, name)
    m1, S, m2, T = PLANE
    means = m1 + np.arange(5)[:, None] / 8
    alone = np.array([function(m, S, m2, T) for m in means])
    np.testing.assert_allclose(function(means, S, m2, T), alone, rtol=1e-13)
    many = S + np.arange(5)[:, None, None] / 8 * np.eye(2)
    np.testing.assert_allclose(function(m1, many, m2, T), np.array([function(m1, V, m2, T) for V in many]), rtol=1e-13)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_gaussian_is_refused_in_words(name: str) -> None:
    """Shapes, symmetry, definiteness, NaN, dtype."""
    function = getattr(reference, name)
    m, eye = np.zeros(2), np.eye(2)
    for args, words in (
        ((m, eye, np.zeros(3), np.eye(3)), "covariances \\(d, d\\)"), ((m, eye + np.eye(2, k=1), m, eye), "symmetric"),
        ((m, eye, m, np.diag([1.0, 0.0])), "positive definite"), ((m * np.nan, eye, m, eye), "finite"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=words):
            function(*args)
    with pytest.raises(TypeError, match="floating"):
        function(m.astype(int), eye, m, eye)


def test_cupy_is_asked_to_report_a_failed_factorisation(monkeypatch):
    """Its default leaves what the factorisation left behind: a number for covariances that are none."""
    asked: list[str] = []

    @contextmanager
    def errstate(*, linalg: str) -> Iterator[None]:
        asked.append(linalg)
        yield

    monkeypatch.setitem(sys.modules, "cupyx", SimpleNamespace(errstate=errstate))
    monkeypatch.setattr(reference, "is_cupy_array", lambda A: True)
    m, bad = np.zeros(2), np.array([[1.0, 2.0], [2.0, 1.0]])
    with pytest.raises(ValueError, match="positive definite"):
        reference.gaussian_kl(m, np.eye(2), m, bad)
    assert asked == ["raise", "raise"]


def test_kl_of_variances_whose_ratio_is_beyond_the_dtype():
    """Each covariance is scaled by itself: ½(2⁻²⁰⁰ − 1 + 200 log 2) in float32, where 2⁻²⁰⁰ is no number. Bound 4u: log 2,
    its product with 200, and two sums are rounded."""
    m, S, T = (np.array(v, dtype=np.float32) for v in ([0.0], [[2.0**-100]], [[2.0**100]]))
    due = (200 * math.log(2) - 1) / 2
    assert abs(float(reference.gaussian_kl(m, S, m, T)) - due) <= 4 * 2.0**-24 * due

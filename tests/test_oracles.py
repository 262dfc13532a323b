"""Oracles: the enclosures hold the truth, are as tight as they claim, and refuse what they cannot know."""

from __future__ import annotations

import math

import numpy as np
import pytest
from flint import acb, acb_mat, arb, ctx

from detrace.oracles import balls, matrices, phi
from detrace.oracles.balls import ball, certify, entries, floats, frobenius, identity, precision, spectral_norm

NILPOTENT = np.array([[0.0, 3.0], [0.0, 0.0]])
TURN = np.array([[0.0, -2.0], [2.0, 0.0]])
EXPONENTIALS = [
    (np.zeros((3, 3)), np.eye(3)),
    (NILPOTENT, np.array([[1.0, 3.0], [0.0, 1.0]])),
    (TURN, np.array([[math.cos(2), -math.sin(2)], [math.sin(2), math.cos(2)]])),
    (np.diag([1.0, -30.0]), np.diag([math.e, math.exp(-30)])),
    (np.array([[1.0, 1.0], [0.0, 1.0]]), math.e * np.array([[1.0, 1.0], [0.0, 1.0]])),
]


def within(m, truth, slack: float) -> bool:
    """Whether the midpoints agree with closed forms in double precision to `slack` roundings."""
    return bool((np.abs(floats(m) - truth) <= slack * 2.0**-53 * np.abs(truth)).all())


@pytest.mark.parametrize(("a", "truth"), EXPONENTIALS)
def test_exponentials_with_closed_forms(a, truth):
    """e^A agrees with the closed form, whose functions are accurate to an ulp or two."""
    assert within(matrices.expm(a), truth, 8)
    assert within(matrices.expm1(a) + identity(len(a)), truth, 8)


@pytest.mark.parametrize(("a", "truth"), EXPONENTIALS)
def test_certified_means_96_bits(a, truth):
    """The radius of a certified value is at most 2^−96 of its norm."""
    e = matrices.expm(a)
    assert balls.radius(e) <= 2.0**-96 * float(frobenius(e))


def test_exponentials_where_doubles_fail():
    """A matrix with huge cancellation: the oracle still satisfies e^A e^{−A} = I to 90 bits."""
    a = np.array([[-49.0, 24.0], [-64.0, 31.0]])  # Moler & Van Loan's example
    product = certify(lambda: ball(a).exp() * (-ball(a)).exp())
    assert float(frobenius(product - identity(2)).abs_upper()) < 2.0**-90


def test_balls_are_exact():
    """A double becomes the ball of exactly that dyadic rational: radius 0, back bit for bit."""
    for x in (0.1, 5e-324, 1.7976931348623157e308, -0.5):
        assert float(ball(np.array([[x]]))[0, 0].real) == x
        assert balls.radius(ball(np.array([[x]]))) == 0.0
    z = ball(np.array(0.1 + 0.2j))
    assert (float(z.real), float(z.imag)) == (0.1, 0.2)
    assert ball(np.ones(3)).nrows() == 3
    assert entries(acb(1)) == [acb(1)]


def test_balls_of_nan_are_not_finite():
    """NaN and infinity give balls that are not finite, so nothing can be concluded from them."""
    for bad in (math.nan, math.inf, -math.inf):
        assert not ball(np.array(bad)).is_finite()
    with pytest.raises(ArithmeticError):
        certify(lambda: ball(np.array([[math.nan]])))


def test_balls_have_at_most_two_dimensions():
    """A batch is refused: laws judge slice by slice."""
    with pytest.raises(ValueError, match="two dimensions"):
        ball(np.zeros((2, 2, 2)))


def test_certify_doubles_until_it_is_certain():
    """Precision doubles until the radius is small, and is restored afterwards."""
    tried = []

    def difference():
        tried.append(ctx.prec)
        return (acb(1) + acb(2) ** -300).log()

    before = ctx.prec
    value = certify(difference)
    assert tried == [128, 256, 512]
    assert ctx.prec == before
    assert float(abs(value)) == pytest.approx(2.0**-300)


def test_certify_gives_up_on_what_cannot_be_known():
    """A difference that is zero but not provably so raises instead of answering."""
    with pytest.raises(ArithmeticError, match="not certain to 96 relative bits at 512 bits"):
        certify(lambda: acb(2).sqrt() ** 2 - 2, limit=512)


def test_precision_is_restored_by_exceptions():
    """The working precision does not leak out of a block that raises."""
    before = ctx.prec
    with pytest.raises(KeyError), precision(777):
        raise KeyError
    assert ctx.prec == before


def test_norms_enclose_numpys():
    """Frobenius norms agree with NumPy's; spectral norms are upper bounds, at most n^(1/32) too large."""
    rng = np.random.default_rng(0)
    for n in (1, 2, 5):
        a = rng.normal(size=(n, n)) + 1j * rng.normal(size=(n, n))
        assert float(frobenius(ball(a))) == pytest.approx(np.linalg.norm(a), rel=1e-14)
        two = float(spectral_norm(ball(a)))
        # 1e-14: NumPy's own rounding
        assert np.linalg.norm(a, 2) * (1 - 1e-14) <= two <= np.linalg.norm(a, 2) * n ** (1 / 32) * (1 + 1e-14)
    assert float(frobenius(acb_mat(2, 2))) == 0.0
    assert float(spectral_norm(acb_mat(2, 2))) == 0.0


@pytest.mark.parametrize("function", [matrices.exp_condition, matrices.condition])
def test_condition_numbers_grow_when_they_should(function):
    """The exponential of a strongly non-normal matrix is worse conditioned than that of a normal one."""

    def number(a):
        value = function(a)
        return value.value if hasattr(value, "value") else value

    normal, skewed = np.eye(2), np.array([[1.0, 1e4], [0.0, -1.0]])
    assert number(skewed) > 100 * number(normal)


def test_the_condition_of_the_exponential_is_that_of_finite_differences():
    """κ_exp is at least what any perturbation shows, at most 10% above the largest, and not below `lower`."""
    rng = np.random.default_rng(1)
    for a in (TURN, np.array([[1.0, 20.0], [0.0, -1.0]]), rng.normal(size=(3, 3))):
        kappa, e = matrices.exp_condition(a), matrices.expm(a)
        scale = float(frobenius(ball(a))) / float(frobenius(e))
        shown = []
        directions = [rng.normal(size=a.shape) for _ in range(30)]
        for d in directions:
            for _ in range(8):  # power iteration: L(Aᵀ, ·) is the adjoint of L(A, ·)
                d = floats(matrices.frechet(ball(a.T), matrices.frechet(ball(a), ball(d))))
                d = d / np.linalg.norm(d)
            shown.append(float(frobenius(matrices.frechet(ball(a), ball(d)))) * scale)
        assert max(shown) <= kappa.value * (1 + 1e-12)
        assert kappa.value <= 1.1 * max(*shown, 1.0)
        assert kappa.lower <= kappa.value * (1 + 1e-12)


def test_an_exponential_times_what_it_almost_annihilates():
    """exp(c·swap)(1, -1) = e^-c (1, -1), 39 digits below the norm of the exponential."""
    c = 44.430927703655335
    got = matrices.expm_times(np.array([[0.0, c], [c, 0.0]]), np.array([[1.0], [-1.0]]))
    with precision(128):
        quotients = got[0, 0] / ball(-c).exp(), got[1, 0] / ball(-c).exp()
        assert all(float(abs(q - due).abs_upper()) < 2.0**-90 for q, due in zip(quotients, (1, -1), strict=True))


def test_the_frechet_derivative_is_a_derivative():
    """L(A,E) agrees with the difference quotient to the quotient's own second-order error."""
    a, d, h = np.array([[0.5, 1.0], [-0.25, 0.0]]), np.array([[1.0, 0.0], [2.0, -1.0]]), 2.0**-20
    quotient = (floats(matrices.expm(a + h * d)) - floats(matrices.expm(a - h * d))) / (2 * h)
    np.testing.assert_allclose(floats(matrices.frechet(ball(a), ball(d))), quotient, rtol=0, atol=100 * 2.0**-53 / h)


def test_the_condition_of_the_logarithm_inverts_that_of_the_exponential():
    """At A = e^L − I with L = c·I the condition of log(I+A) is known: |A|/(|1+A|·|L|)."""
    a = math.expm1(0.5) * np.eye(1)
    log = certify(lambda: (ball(a)[0, 0] + 1).log())
    kappa = matrices.log1pm_condition(a, acb_mat([[log]]))
    assert kappa == pytest.approx(max(1.0, math.expm1(0.5) / math.exp(0.5) / 0.5), rel=1e-9)


def test_results_are_remembered_by_value():
    """An equal matrix is not computed twice; a different dtype or shape is."""
    a = np.array([[0.125, 7.0], [1.0, 0.5]])
    assert matrices.expm(a) is matrices.expm(a.copy())
    assert matrices.expm(a) is not matrices.expm(a.astype(complex))


def test_the_cache_is_bounded(monkeypatch):
    """Old entries leave when the cache is full."""
    monkeypatch.setattr(matrices, "CACHE_SIZE", 3)
    monkeypatch.setattr(matrices, "_CACHE", type(matrices._CACHE)())
    for k in range(9):
        matrices.expm(k * np.eye(1))
    assert len(matrices._CACHE) == 3


@pytest.mark.parametrize("s", [0.0, 1.0, -3.0, 1e-300, 2j * math.pi, 50.0, -700.0])
def test_phi_is_its_power_series(s):
    """φ and its first derivatives agree with Σ sʲ/(j+k+1)/j!, summed with 800 bits."""
    for k in range(3):
        with precision(4000):
            total, term = acb(0), acb(1)
            for j in range(3000):
                total += term / (j + k + 1)
                term = term * acb(complex(s)) / (j + 1)
        with precision(1500):
            difference = abs(phi.phi1(np.array(s), k) - total)
        assert float(difference.abs_upper()) <= 2.0**-100 * max(float(abs(total).abs_upper()), 2.0**-100)


def test_phi_of_matrices_is_phi_of_their_diagonal():
    """φ₁ of a diagonal matrix is φ of its entries, 0 included; of a 0×0 matrix nothing."""
    found = phi.phi1_matrix(ball(np.diag([0.0, 1.0, -2.0])))
    for i, s in enumerate((0.0, 1.0, -2.0)):
        assert found[i, i].overlaps(phi.phi1(np.array(s)))
    assert phi.phi1_matrix(acb_mat(0, 0)).nrows() == 0


def test_singular_values_come_with_their_error():
    """Proposed singular values of a matrix with known ones lie within the stated error; NaN is worth nothing."""
    q = np.array([[3.0, 4.0], [-4.0, 3.0]])  # 5 times a rotation
    sigma, error = phi.singular_values(ball(q @ np.diag([1.0, 2.0**-40])))
    assert error < 1e-13
    np.testing.assert_allclose(sigma, [5.0, 5 * 2.0**-40], rtol=0, atol=error)
    sigma, error = phi.singular_values(ball(np.array([[math.nan]])))
    assert error == math.inf


def test_floats_show_midpoints():
    """For display: real where everything is real, scalars without dimensions."""
    assert floats(arb("0.5")).shape == ()
    assert floats(acb_mat([[acb(1, 2)]])).dtype == complex
    assert floats(acb_mat([[acb(1)]])).dtype == float


def test_the_determinant_is_exact():
    """det of integer matrices is the integer; of a singular one zero."""
    assert floats(balls.determinant(ball(np.array([[2.0, 1.0], [4.0, 3.0]])))) == 2.0
    assert abs(floats(balls.determinant(ball(np.ones((2, 2)))))) < 1e-30

r"""Laws of what looks at samples or features beside logits: GAN-QP's quadratic potential, the pulling-away term (SPEC 4)."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb

from detrace import Contract, branch, judge, law, require
from detrace.strategies.logits import feature_rows, logit_batches, positive_numbers
from detrace.strategies.scalars import choices, integers
from verify.gan_losses import FAMILY

GAN_QP = Contract(
    "gan_qp_discriminator", "(r...),(f...),(d...)->()", "−E[δ − δ²/(20 d)], δ = D(rᵢ) − D(fᵢ): (real, fake, distance)",
    FAMILY.name, real=True, aliases=("qp_loss", "gan_qp_d_loss"),
)  # fmt: skip
GAN_QP_GRADIENT = Contract(
    "gan_qp_discriminator_gradient", "(r...),(f...),(d...)->(r...),(f...)", "∂/∂real, ∂/∂fake of −E[δ − δ²/(20 d)]",
    FAMILY.name, real=True,
)  # fmt: skip
PULLING_AWAY = Contract(
    "pulling_away_term", "(n,d)->()", "mean over i ≠ j of cos²(sᵢ, sⱼ); 0 for fewer than two rows", FAMILY.name, real=True,
    example=lambda: (np.array([[1.0, 0.0], [1.0, 1.0]]),), aliases=("pullaway_loss", "pt_loss", "repelling_regularizer", "pt"),
)  # fmt: skip
SCALE = 10.0
SU = "arXiv:1811.07296"
EBGAN = "arXiv:1609.03126"


def _pairs(batches: Any, distance: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n = min(len(distance), *map(len, batches))
    return batches[0][:n], batches[1][:n], distance[:n]


@law(r"-E[\delta - \delta^2/(2\lambda d)]", source=SU, batches=logit_batches(most=64.0, paired=True),
     distance=positive_numbers())  # fmt: skip
def quadratic_potential_is_its_formula(gan_qp_discriminator, batches, distance, space):
    """For δ = D(rᵢ) − D(fᵢ), distances from 1/16 to 16, λ = 10. Bound: u·E[(|D_r|+|D_f|)(1 + |δ|/λd)], the size of δ and of
    δ²/2λd."""
    r, f, d = _pairs(batches, distance)
    delta = [arb(a) - arb(b) for a, b in zip(r, f, strict=True)]
    truth = -sum((x - x * x / (2 * SCALE * arb(y)) for x, y in zip(delta, d, strict=True)), arb(0)) / len(d)
    size = float(((abs(r) + abs(f)) * (1 + abs(r - f) / (SCALE * d))).mean())
    got = gan_qp_discriminator(r, f, d)
    judge(abs(arb(float(got)) - truth), space.u * size + space.tiny, scale=math.inf, why="u·size", got=got,
          truth=float(truth.mid()))  # fmt: skip


@law(r"\min_\delta\, -E[\delta - \delta^2/(2\lambda d)] = -\tfrac\lambda2 E\,d \text{ at } \delta = \lambda d", source=SU,
     distance=positive_numbers(), x=logit_batches(most=64.0, paired=True), sign=choices(0.0, 1.0))  # fmt: skip
def quadratic_potential_is_bounded_without_a_constraint(gan_qp_discriminator, distance, x, sign, space):
    """No critic goes below −λE d/2, and δ = λd (sign = 0) attains it: no Lipschitz constraint is needed. Bound: the value's."""
    r, f, d = _pairs(x, distance)
    if sign == 0.0:
        r, f = space.round(SCALE * d), np.zeros(len(d))
    least = -SCALE / 2 * sum((arb(y) for y in d), arb(0)) / len(d)
    got = gan_qp_discriminator(r, f, d)
    gap = arb(float(got)) - least
    size = float(((abs(r) + abs(f)) * (1 + abs(r - f) / (SCALE * d))).mean() + SCALE * d.mean())
    error = abs(gap) if sign == 0.0 else (-gap if gap < 0 else arb(0))
    judge(error, space.u * size, scale=math.inf, why="u·size", got=got, truth=float(least.mid()))


@law(r"\partial/\partial D(r_i) = -(1 - \delta_i/(\lambda d_i))/n", source=SU, batches=logit_batches(most=64.0, paired=True),
     distance=positive_numbers())  # fmt: skip
def quadratic_potential_has_its_gradient(gan_qp_discriminator_gradient, batches, distance, space):
    """In closed form, for both batches. Bound: u·(1 + (|D_r| + |D_f|)/λd)/n."""
    r, f, d = _pairs(batches, distance)
    on_real, on_fake = gan_qp_discriminator_gradient(r, f, d)
    for i, (a, b) in enumerate(zip(on_real, on_fake, strict=True)):
        truth = ((arb(r[i]) - arb(f[i])) / (SCALE * arb(d[i])) - 1) / len(d)
        bound = space.u * (1 + (abs(r[i]) + abs(f[i])) / (SCALE * d[i])) / len(d)
        for got, due in ((a, truth), (b, -truth)):
            judge(abs(arb(float(got)) - due), bound, scale=math.inf, why="u·size", got=got, truth=float(due.mid()))


@law(r"\nabla J \text{ by reverse mode}", source=SU, batches=logit_batches(most=64.0, paired=True),
     distance=positive_numbers(), wrt=choices(0, 1), needs="autodiff")  # fmt: skip
def quadratic_potential_differentiates(gan_qp_discriminator, batches, distance, wrt, space):
    """Reverse mode, for both batches. Bound: u·(1 + (|D_r| + |D_f|)/λd)/n."""
    r, f, d = _pairs(batches, distance)
    for i, got in enumerate(gan_qp_discriminator.gradient(r, f, d, wrt=wrt)):
        truth = (1 - 2 * wrt) * ((arb(r[i]) - arb(f[i])) / (SCALE * arb(d[i])) - 1) / len(d)
        bound = space.u * (1 + (abs(r[i]) + abs(f[i])) / (SCALE * d[i])) / len(d)
        judge(abs(arb(float(got)) - truth), bound, scale=math.inf, why="u·size", got=got, truth=float(truth.mid()))


def squared_cosine(a: np.ndarray, b: np.ndarray) -> Fraction:
    """cos²(a, b), exact; 0 if either is 0."""
    x, y = ([Fraction(v) for v in row.tolist()] for row in (a, b))
    inner = sum((s * t for s, t in zip(x, y, strict=True)), Fraction(0))
    norms = sum((s * s for s in x), Fraction(0)) * sum((t * t for t in y), Fraction(0))
    return inner * inner / norms if norms else Fraction(0)


def cosines(s: np.ndarray) -> list[Fraction]:
    n = len(s)
    return [squared_cosine(s[i], s[j]) for i in range(n) for j in range(n) if i != j]


def judge_pulling_away(got: np.ndarray, s: np.ndarray, space: Any) -> None:
    """Against the exact mean of squared cosines; an error δ = (d+2)u of each cosine costs 2|cos|δ + δ²."""
    squares = cosines(s)
    truth = sum(squares, Fraction(0)) / max(len(squares), 1)
    delta = (s.shape[1] + 2) * space.u
    bound = 2 * delta * sum(math.sqrt(c) for c in squares) / max(len(squares), 1) + delta * delta
    judge(float(abs(Fraction(float(got)) - truth)), bound, scale=math.inf, why="2|cos|δ + δ², δ = (d+2)u", got=got,
          truth=float(truth))  # fmt: skip


@law(r"\frac{1}{n(n-1)}\sum_{i\ne j} \cos^2(s_i, s_j)", source=EBGAN, s=feature_rows())
def pulling_away_is_the_mean_squared_cosine(pulling_away_term, s, space):
    """For rows of any scale, rows of zeros (cosine 0), a single row (0): exact rationals. Bound: 2|cos|δ + δ², δ = (d+2)u."""
    branch("a row of zeros" if not s.any(axis=1).all() else "no row of zeros")
    judge_pulling_away(pulling_away_term(s), s, space)


@law(r"0 \le PT \le 1,\quad PT = 1 \text{ for parallel rows, } 0 \text{ for orthogonal}", source=EBGAN, n=integers(2, 4),
     k=integers(-8, 8))  # fmt: skip
def pulling_away_is_between_zero_and_one(pulling_away_term, n, k, space):
    """Multiples of one vector, signs included, and multiples of the unit vectors. Bound: 2|cos|δ + δ², δ = (d+2)u."""
    weights = (-1.0) ** np.arange(n) * 2.0**k
    for s in (weights[:, None] * np.array([[1.0, 2.0, -1.0]]), weights[:, None] * np.eye(n)):
        judge_pulling_away(pulling_away_term(s), s, space)


@law(r"PT(c_1 s_1, \dots, c_n s_n) = PT(s_1, \dots, s_n)", source=EBGAN, s=feature_rows(), k=integers(-3, 3), i=integers(0, 3))
def pulling_away_does_not_see_the_scale(pulling_away_term, s, k, i, space):
    """One row times −2ᵏ, which is exact: directions matter, up to sign. Bound: that of both values."""
    scaled = s.copy()
    scaled[i % len(s)] *= -(2.0**k)
    judge_pulling_away(pulling_away_term(scaled), s, space)


@law(r"\langle s_i, \partial PT/\partial s_i \rangle = 0", source=EBGAN, s=feature_rows(), needs="autodiff")
def pulling_away_has_a_finite_gradient(pulling_away_term, s, space):
    """Finite for every input, rows of zeros and parallel rows included; orthogonal to each row, since the row's scale does not
    matter. Bound: |s|·|∂|·(d+2)u and the cosines' own 4(d+2)u/n."""
    g = pulling_away_term.gradient(s)
    require(bool(np.isfinite(g).all()), "a gradient that is not finite", got=g)
    for row, slope in zip(s, g, strict=True):
        inner = sum((Fraction(a) * Fraction(b) for a, b in zip(row.tolist(), slope.tolist(), strict=True)), Fraction(0))
        size = float(np.abs(row) @ np.abs(slope)) + 4 / len(s) + s.shape[1] * float(np.abs(row).max()) * space.tiny / space.u
        judge(float(abs(inner)), (s.shape[1] + 2) * space.u * size, scale=math.inf, why="an inner product", got=slope)


@law(r"\partial PT/\partial s_i = \tfrac{4}{n(n-1)\|s_i\|} \sum_{j \ne i} c_{ij}(\hat s_j - c_{ij}\hat s_i)", source=EBGAN,
     s=feature_rows(), needs="autodiff")  # fmt: skip
def pulling_away_has_its_gradient(pulling_away_term, s, space):
    """c = cos(sᵢ, sⱼ), ŝ = s/‖s‖, for every row that is not 0: both factors of a cosine learn. Bound: δ = (d+2)u of each cosine
    and of each ŝ makes 5δ of a summand, so 20δ/(n‖sᵢ‖)."""
    got, n = pulling_away_term.gradient(s), len(s)
    norms = [sum((arb(v) ** 2 for v in row), arb(0)).sqrt() for row in s.tolist()]
    unit = [[arb(v) / r if r > 0 else arb(0) for v in row] for row, r in zip(s.tolist(), norms, strict=True)]
    for i in (k for k in range(n) if norms[k] > 0):
        due = [arb(0)] * s.shape[1]
        for other in (unit[j] for j in range(n) if j != i):
            c = sum((a * b for a, b in zip(unit[i], other, strict=True)), arb(0))
            due = [x + 4 * c * (b - c * a) / (n * (n - 1) * norms[i]) for x, a, b in zip(due, unit[i], other, strict=True)]
        size = float((1 / norms[i]).abs_upper())
        if size < space.max / 64:
            bound, truth = 20 * (s.shape[1] + 2) * space.u * size / n + 4 * space.tiny, np.array([float(x.mid()) for x in due])
            for g, x in zip(got[i], due, strict=True):
                judge(abs(arb(float(g)) - x), bound, scale=math.inf, why="20(d+2)u/(n‖sᵢ‖)", got=got[i], truth=truth)

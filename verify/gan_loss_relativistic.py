r"""What relativistic losses are at their best critic (Jolicoeur-Martineau, "On relativistic f-divergences", ICML 2020).

In pairs, the best critic is log(p/q): its difference is the best of all functions of two samples that tell p⊗q from q⊗p, so
the loss there is log 2 − JS(p⊗q, q⊗p). Averages of least squares are a quadratic in the critic's means and variances under p
and q; with Δ = Σ(p−q)²/(p+q), the triangular discrimination, the minimum is 2(2−Δ)/(2+3Δ) at C = 4/(2+3Δ)·(p−q)/(p+q). The same
direction shows that the other averages tell p from q too. Distributions are in sixteenths, so 16 samples realise each.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb

from detrace import branch, judge, law
from detrace.laws import each
from detrace.strategies.logits import SIXTEENTHS, distribution_pairs, logit_batches, logits
from detrace.strategies.scalars import choices
from verify.gan_loss_formulas import certified
from verify.gan_loss_identities import MODERATE
from verify.gan_loss_optima import either_way, log_ratio, samples, xlog
from verify.gan_losses import arguments

SOURCE = "arXiv:1901.02474"
AVERAGE = "relativistic_average"
AVERAGES = (f"{AVERAGE}_discriminator", f"{AVERAGE}_hinge_discriminator", f"{AVERAGE}_least_squares_discriminator")
PAIRS = "relativistic_discriminator"


def softplus(d: arb) -> arb:
    return (1 + d.exp()).log() if d < 0 else d + (1 + (-d).exp()).log()


OF_THE_MEANS: dict[str, Callable[[arb], arb]] = {
    PAIRS: lambda m: softplus(-m),
    AVERAGES[0]: lambda m: 2 * softplus(-m),
    AVERAGES[1]: lambda m: 2 * (1 - m) if m < 1 else arb(0),
    AVERAGES[2]: lambda m: 2 * (1 - m) * (1 - m),
}
"""The loss of a critic that is m higher on every real sample than on every fake one."""


def exact_mean(x: np.ndarray) -> arb:
    return sum(map(arb, x.tolist()), arb(0)) / len(x)


def all_pairs(critic: np.ndarray, p: np.ndarray, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logits of 16·16 pairs that realise p⊗q."""
    real, fake = samples(critic, p), samples(critic, q)
    return np.repeat(real, SIXTEENTHS), np.tile(fake, SIXTEENTHS)


def least_in_pairs(p: np.ndarray, q: np.ndarray) -> arb:
    """log 2 − JS(p⊗q, q⊗p) = Σᵢⱼ pᵢqⱼ log(1 + pⱼqᵢ/(pᵢqⱼ)), certified."""
    weights = [[arb(a) * arb(b) for b in q.tolist()] for a in p.tolist()]
    n = range(len(p))
    return -sum((xlog(weights[i][j], lambda i=i, j=j: weights[i][j] / (weights[i][j] + weights[j][i])) for i in n for j in n),
                arb(0))  # fmt: skip


def discrimination(p: np.ndarray, q: np.ndarray) -> Fraction:
    """Δ = Σ(p−q)²/(p+q), exact."""
    pairs = [(Fraction(a), Fraction(b)) for a, b in zip(p.tolist(), q.tolist(), strict=True)]
    return sum(((a - b) ** 2 / (a + b) for a, b in pairs if a + b), Fraction(0))


def direction(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """(p−q)/(p+q), 0 where no mass is."""
    return np.asarray((p - q) / np.where(p + q == 0, 1, p + q))


def rounding_of_pairs(real: np.ndarray, fake: np.ndarray, space: Any) -> float:
    """u·E[softplus(−δ) + (|C(r)| + |C(f)|)·σ(−δ)], δ = C(r) − C(f): of the terms, and of their arguments."""
    delta = real - fake
    with np.errstate(over="ignore"):
        return float(space.u * (np.logaddexp(0, -delta) + (np.abs(real) + np.abs(fake)) / (1 + np.exp(delta))).mean())


@law(r"J(D_r, D_f) \ge J(E\,D_r, E\,D_f)", source=(SOURCE, "Jensen's inequality"), loss=each(PAIRS, *AVERAGES),
     batches=logit_batches(most=MODERATE), kind=choices("any", "equal distributions", "constant"), cost=3.0)  # fmt: skip
def relativistic_loss_is_at_least_that_of_its_means(loss, batches, kind, space):
    """For any batches; so no critic tells equal distributions (fakes are the reals, in another order) better than a constant
    one, which attains the bound. Bound: of the value, and of the means' rounding."""
    name = loss.contract.name
    real, fake, _ = arguments(name, batches, ())
    if kind == "equal distributions":
        fake = np.roll(real, 1)
    elif kind == "constant":
        real, fake = np.full_like(real, real[0]), np.full_like(fake, fake[0])
    branch(kind)
    truth, got = certified(name, real, fake, (), space), loss(real, fake)
    least = OF_THE_MEANS[name](exact_mean(real) - exact_mean(fake))
    gap = arb(float(got)) - least
    error = abs(gap) if kind == "constant" else -gap if gap < 0 else arb(0)
    judge(error, float(truth.value.rad()) + space.u * truth.size + space.tiny, scale=math.inf, why="u·size, and u·|D|·slope",
          got=got, truth=float(least.mid()))  # fmt: skip


@law(r"\min_C J(C) = \log 2 - JS(p\otimes q, q\otimes p),\ \text{at } C = \log(p/q)", source=SOURCE, pair=distribution_pairs(),
     cost=4.0)  # fmt: skip
def relativistic_optimum_is_a_divergence_of_pairs(relativistic_discriminator, pair, space):
    """All pairs of independent samples, zeros and disjoint supports included. Bound: u·E[loss + |C|·slope]; rounding C costs
    second order."""
    p, q = pair
    real, fake = all_pairs(space.round(log_ratio(p, q)), p, q)
    got, truth = relativistic_discriminator(real, fake), least_in_pairs(p, q)
    judge(abs(arb(float(got)) - truth), rounding_of_pairs(real, fake, space) + space.tiny, scale=math.inf,
          why="u·E[loss + |C|·slope]", got=got, truth=float(truth.mid()))  # fmt: skip


@law(r"J(C) \ge \log 2 - JS(p\otimes q, q\otimes p) \text{ for every } C", source=SOURCE, pair=distribution_pairs(),
     x=logits(most=16.0, n=5), away=choices(1.0, 2.0**-3, 2.0**-6, 0.0), cost=4.0)  # fmt: skip
def no_critic_beats_the_log_ratio_in_pairs(relativistic_discriminator, pair, x, away, space):
    """Any critic (away = 0: not near the optimum), and perturbations of log(p/q) by up to 16, 2, ¼, either way. Bound: of the
    value."""
    p, q = pair
    for critic in either_way(log_ratio(p, q), x[: len(p)], away, space):
        real, fake = all_pairs(critic, p, q)
        got = relativistic_discriminator(real, fake)
        below = least_in_pairs(p, q) - arb(float(got))
        judge(below if below > 0 else arb(0), rounding_of_pairs(real, fake, space) + space.tiny, scale=math.inf,
              why="u·E[loss + |C|·slope]", got=got)  # fmt: skip


BEST: dict[str, tuple[Callable[[Fraction], Fraction], Callable[[Fraction], arb], bool]] = {
    AVERAGES[0]: (lambda d: 8 / (2 + 3 * d), lambda d: 2 * arb(2).log() - quotient(4 * d, 2 + 3 * d), False),
    AVERAGES[1]: (lambda d: 2 / (2 + d), lambda d: 2 - quotient(4 * d, 2 + d), True),
    AVERAGES[2]: (lambda d: 4 / (2 + 3 * d), lambda d: quotient(2 * (2 - d), 2 + 3 * d), True),
}
"""Of Δ: the multiple of (p−q)/(p+q), the loss there, and whether it is exactly that or at most that (since softplus″ ≤ ¼)."""


def quotient(a: Fraction, b: Fraction) -> arb:
    x = Fraction(a, b)
    return arb(x.numerator) / arb(x.denominator)


@law(r"p \ne q \Rightarrow J\Bigl(t\tfrac{p-q}{p+q}\Bigr) < J(0):\ 2\log 2 - \tfrac{4\Delta}{2+3\Delta},\ "
     r"2 - \tfrac{4\Delta}{2+\Delta},\ \tfrac{2(2-\Delta)}{2+3\Delta}", source=SOURCE, loss=each(*AVERAGES),
     pair=distribution_pairs(), cost=4.0)  # fmt: skip
def relativistic_averages_tell_distributions_apart(loss, pair, space):
    """The critic t(p−q)/(p+q) is below the constant one by as much as Δ says: exactly for hinge (no difference passes its
    margin) and least squares, at least for cross entropy. Bound: of the value; t and the critic are rounded."""
    name, (p, q) = loss.contract.name, pair
    multiple, value, exactly = BEST[name]
    delta = discrimination(p, q)
    critic = space.round(float(multiple(delta)) * direction(p, q))
    real, fake = samples(critic, p), samples(critic, q)
    truth, got, due = certified(name, real, fake, (), space), loss(real, fake), value(delta)
    above = arb(float(got)) - due
    slopes = float(np.abs(critic).max()) * space.u * sum(map(sum, truth.steepness))
    error = abs(above) if exactly else above if above > 0 else arb(0)
    judge(error, float(truth.value.rad()) + space.u * truth.size + slopes + space.tiny, scale=math.inf,
          why="u·size, and u·|C|·slope", got=got, truth=float(due.mid()))  # fmt: skip


@law(r"J(C) \ge \tfrac{2(2-\Delta)}{2+3\Delta} \text{ for every } C", source=SOURCE, pair=distribution_pairs(),
     x=logits(most=16.0, n=5), away=choices(1.0, 2.0**-3, 2.0**-6, 0.0), cost=4.0)  # fmt: skip
def no_critic_beats_the_triangular_discrimination(relativistic_average_least_squares_discriminator, pair, x, away, space):
    """Any critic (away = 0: not near the optimum), and perturbations of the best by up to 16, 2, ¼. Bound: of the value."""
    p, q = pair
    name = AVERAGES[2]
    delta = discrimination(p, q)
    best = float(BEST[name][0](delta)) * direction(p, q)
    critic = space.round(best + away * x[: len(p)] if away else x[: len(p)])
    real, fake = samples(critic, p), samples(critic, q)
    got = relativistic_average_least_squares_discriminator(real, fake)
    truth, below = certified(name, real, fake, (), space), BEST[name][1](delta) - arb(float(got))
    judge(below if below > 0 else arb(0), float(truth.value.rad()) + space.u * truth.size + space.tiny, scale=math.inf,
          why="u·size, and u·|D|·slope", got=got)  # fmt: skip

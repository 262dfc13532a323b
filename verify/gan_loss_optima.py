r"""What a discriminator's loss is at the optimal critic: a divergence between the two distributions (SPEC 4).

p and q are distributions in sixteenths on few states; a batch of 16 samples realises each exactly, so that the expected loss
is the loss of a batch and no sampling is needed. The loss at any critic is at least the value at the optimal one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from flint import arb

from detrace import judge, law
from detrace.laws import each, kexue
from detrace.strategies.logits import SIXTEENTHS, distribution_pairs, fractions, logits
from detrace.strategies.scalars import choices
from verify.gan_loss_formulas import FORMULAS, certified
from verify.gan_losses import SPEC

FAR = 1000.0
"""A logit that stands for ±∞: e^{−1000} is 0 in every dtype."""


class Optimum(NamedTuple):
    """The optimal critic, state by state; the loss there, a sum over states; whether p, q > 0 is needed for it to be finite."""

    critic: Callable[..., np.ndarray]
    value: Callable[..., arb]
    positive: bool = False


def log_ratio(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """log(p/q), ±FAR where one of them is 0, 0 where both are."""
    with np.errstate(all="ignore"):
        return np.asarray(np.nan_to_num(np.clip(np.log(p / q), -FAR, FAR), nan=0.0))


def xlog(x: arb, ratio: Any) -> arb:
    """x log(ratio()), 0 where x = 0."""
    return x * ratio().log() if x > 0 else arb(0)


def entropy_loss(p: arb, q: arb, y: float = 1.0, z: float = 0.0) -> arb:
    """min over d of −(yp + zq) log σ(d) − (p + q − yp − zq) log(1 − σ(d))."""
    high, low = y * p + z * q, (1 - y) * p + (1 - z) * q
    return -xlog(high, lambda: high / (p + q)) - xlog(low, lambda: low / (p + q))


def smoothed(p: np.ndarray, q: np.ndarray, y: float, z: float) -> np.ndarray:
    return log_ratio(y * p + z * q, (1 - y) * p + (1 - z) * q)


def squares(p: arb, q: arb, a: float = 0.0, b: float = 1.0) -> arb:
    return (b - a) ** 2 * p * q / (p + q) / 2 if p + q > 0 else arb(0)


def weighted_label(p: np.ndarray, q: np.ndarray, a: float = 0.0, b: float = 1.0) -> np.ndarray:
    return (a * q + b * p) / np.where(p + q == 0, 1, p + q)


def overlap(p: arb, q: arb) -> arb:
    """min(p, q); the sum over states is 1 − TV."""
    return p if p < q else q


def mixture(p: arb, q: arb) -> arb:
    """p log(2p/(p+q)) + q log(2q/(p+q)); the sum is 2·JS."""
    return xlog(p, lambda: 2 * p / (p + q)) + xlog(q, lambda: 2 * q / (p + q))


OPTIMA: dict[str, Optimum] = {
    "minimax_discriminator": Optimum(log_ratio, entropy_loss),
    "non_saturating_discriminator": Optimum(log_ratio, entropy_loss),
    "label_smoothing_discriminator": Optimum(smoothed, entropy_loss),
    "least_squares_discriminator": Optimum(weighted_label, squares),
    "labelled_least_squares_discriminator": Optimum(weighted_label, squares),
    "hinge_discriminator": Optimum(lambda p, q: np.sign(p - q), lambda p, q: 2 * overlap(p, q)),
    "energy_hinge_discriminator": Optimum(lambda p, q: np.sign(q - p), lambda p, q: 2 * overlap(p, q)),
    "energy_margin_discriminator": Optimum(lambda p, q, m: m * (q > p), lambda p, q, m: m * overlap(p, q)),
    "f_gan_kl_discriminator": Optimum(
        lambda p, q: 1 + log_ratio(p, q), lambda p, q: -xlog(p, lambda: p / q), positive=True
    ),
    "f_gan_reverse_kl_discriminator": Optimum(log_ratio, lambda p, q: -xlog(q, lambda: q / p), positive=True),
    "f_gan_pearson_discriminator": Optimum(lambda p, q: 2 * (p - q) / q, lambda p, q: -(p - q) * (p - q) / q, positive=True),
    "f_gan_neyman_discriminator": Optimum(
        lambda p, q: 2 * log_ratio(p, q), lambda p, q: -(p - q) * (p - q) / p, positive=True
    ),
    "f_gan_squared_hellinger_discriminator": Optimum(
        lambda p, q: log_ratio(p, q) / 2, lambda p, q: 2 * (p * q).sqrt() - p - q
    ),
    "f_gan_jensen_shannon_discriminator": Optimum(log_ratio, lambda p, q: -mixture(p, q)),
    "f_gan_gan_discriminator": Optimum(log_ratio, lambda p, q: 2 * arb(2).log() * (p + q) / 2 - mixture(p, q)),
    "f_gan_total_variation_discriminator": Optimum(lambda p, q: FAR * np.sign(p - q), lambda p, q: -abs(p - q) / 2),
}  # fmt: skip
"""By loss: −(the divergence) and constants, as SPEC 4 lists them."""


def least(name: str, p: np.ndarray, q: np.ndarray, given: tuple[float, ...]) -> arb:
    """The certified minimum of the loss over all critics."""
    return sum((OPTIMA[name].value(arb(a), arb(b), *given) for a, b in zip(p.tolist(), q.tolist(), strict=True)), arb(0))


def samples(critic: np.ndarray, p: np.ndarray) -> np.ndarray:
    """The critic's logits on 16 samples that realise p."""
    return np.repeat(critic, (SIXTEENTHS * p).astype(int))


def chosen(name: str, any_pair: Any, positive_pair: Any, numbers: Any) -> tuple[np.ndarray, np.ndarray, tuple[float, ...]]:
    """Distributions for which the minimum is finite, and the loss's further arguments."""
    p, q = positive_pair if OPTIMA[name].positive else any_pair
    return p, q, tuple(numbers[: len(FORMULAS[name].parameters)])


@law(r"\min_D J(D) = \text{a divergence, at } D^*", source=(SPEC, kexue(6316, 4, 5)), loss=each(*OPTIMA),
     pair=distribution_pairs(), positive=distribution_pairs(positive_p=True, positive_q=True), numbers=fractions(),
     cost=3.0)  # fmt: skip
def optimal_critic_attains_the_divergence(loss, pair, positive, numbers, space):
    """Minimax 2 log 2 − 2JS, hinge 2(1 − TV), margin m(1 − TV), least squares ½(b−a)²Σpq/(p+q), f-GAN −D_f, at the critic of
    each, zeros and disjoint supports included where the divergence is finite. Bound: of the value; rounding D* costs second
    order."""
    name = loss.contract.name
    p, q, given = chosen(name, pair, positive, numbers)
    critic = space.round(OPTIMA[name].critic(p, q, *given))
    real, fake = samples(critic, p), samples(critic, q)
    truth, minimum, got = certified(name, real, fake, given, space), least(name, p, q, given), loss(real, fake, *given)
    judge(abs(arb(float(got)) - minimum), float(truth.value.rad()) + space.u * truth.size + space.tiny, scale=math.inf,
          why="u·size, and u·|D|·slope", got=got, truth=float(minimum.mid()))  # fmt: skip


def either_way(best: np.ndarray, x: np.ndarray, away: float, space: Any) -> list[np.ndarray]:
    """The best critic, within ±16, plus and minus `away`·x; x and −x themselves if that is 0. Of a loss that falls with a small
    step one way this finds it."""
    start = np.clip(best, -16.0, 16.0) if away else 0.0
    return [space.round(start + sign * (away or 1.0) * x) for sign in (1.0, -1.0)]


@law(r"J(D) \ge \min_D J \text{ for every } D", source=(SPEC, kexue(6316, 4, 5)), loss=each(*OPTIMA), pair=distribution_pairs(),
     positive=distribution_pairs(positive_p=True, positive_q=True), numbers=fractions(), x=logits(most=16.0, n=5),
     away=choices(1.0, 2.0**-3, 2.0**-6, 2.0**-3, 2.0**-6, 0.0), cost=2.0)  # fmt: skip
def no_critic_beats_the_optimal_one(loss, pair, positive, numbers, x, away, space):
    """Any critic (away = 0: not near the optimum), and perturbations of D* by up to 16, 2, ¼, either way: never below the
    certified minimum, so every critic of an f-GAN bounds its divergence from below. The margin loss keeps U ≥ 0. Bound: of the
    value."""
    name = loss.contract.name
    p, q, given = chosen(name, pair, positive, numbers)
    for critic in either_way(OPTIMA[name].critic(p, q, *given), x[: len(p)], away, space):
        critic = np.abs(critic) if name == "energy_margin_discriminator" else critic
        real, fake = samples(critic, p), samples(critic, q)
        truth, got = certified(name, real, fake, given, space), loss(real, fake, *given)
        below = least(name, p, q, given) - arb(float(got))
        judge(below if below > 0 else arb(0), float(truth.value.rad()) + space.u * truth.size + space.tiny, scale=math.inf,
              why="u·size, and u·|D|·slope", got=got)  # fmt: skip

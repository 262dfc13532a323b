r"""Identities between GAN losses, and what their gradients do far out: signs, shifts, roles, scales, dead zones (SPEC 4)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from flint import arb

from detrace import judge, law, require
from detrace.laws import each, kexue
from detrace.strategies.logits import fractions, logit_batches, logits
from detrace.strategies.scalars import choices, integers
from verify.gan_loss_formulas import FORMULAS, certified
from verify.gan_losses import LOSSES, SPEC, arguments, judge_value

AVERAGES = tuple(name for name in LOSSES if FORMULAS[name].meets == "averaged")
SHIFT_INVARIANT = (
    "wasserstein_discriminator", "gan_qp_generator", "relativistic_discriminator", "relativistic_generator", *AVERAGES,
)  # fmt: skip
SYMMETRIC = (
    "minimax_discriminator", "non_saturating_discriminator", "hinge_discriminator", "wasserstein_discriminator",
    "relativistic_discriminator", *AVERAGES, "energy_hinge_discriminator", "f_gan_gan_discriminator",
    "f_gan_total_variation_discriminator",
)  # fmt: skip
RELATIVISTIC = tuple(name for name in LOSSES if name.startswith("relativistic") and name.endswith("discriminator"))
MODERATE = 64.0
"""Largest logit of identities between two values: both are representable in float16, squared differences included."""
SHAPES = ("(n,) (n,1)", "(n,1) (n,)", "(n,1,1,1) (n,)", "(1,n) (n,1)", "(2,n/2,1) (n,)")


def same(first: Any, second: Any, names: tuple[str, str], args: tuple[Any, Any], space: Any, *, shift: Any = 0,
         factor: float = 1.0, parameters: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())) -> None:  # fmt: skip
    """first(args₁) = factor·second(args₂) + shift, within the bounds of both values."""
    a, b = (certified(n, real, fake, p, space) for n, (real, fake), p in zip(names, args, parameters, strict=True))
    x, y = (call(*given, *p) for call, given, p in zip((first, second), args, parameters, strict=True))
    rounding = sum(float(t.value.rad()) + space.u * t.size for t in (a, b)) + 2 * space.tiny
    bound = max(abs(factor), 1.0) * rounding + space.u * float(abs(arb(shift)))
    judge(abs(arb(float(x)) - factor * arb(float(y)) - shift), bound, scale=math.inf, why="the bounds of both values", got=x,
          truth=float(factor * arb(float(y)) + shift))  # fmt: skip


def quarters(space: Any, x: np.ndarray) -> np.ndarray:
    """The logits as multiples of ¼ up to 4, so that integers up to 16 can be added to them exactly in every dtype."""
    return np.asarray(np.round(4 * np.clip(x, -4, 4)) / 4)


@law(r"J(\pi D_r, \sigma D_f) = J(D_r, D_f) \text{ in any shape}", source=SPEC, loss=each(*LOSSES), numbers=fractions(),
     batches=logit_batches(constant=False), shapes=choices(*SHAPES), roll=integers(0, 3), cost=2.0)  # fmt: skip
def loss_is_a_mean_over_entries(loss, batches, numbers, shapes, roll, space):
    """Whatever the shape of either batch ((n,1) against (n,) is no matrix), their order (pairs move together), (n,c,h,w)
    for both, 0-d for a batch of one. Bound: as for the value of the flat batches."""
    name = loss.contract.name
    real, fake, given = arguments(name, batches, numbers)
    truth = certified(name, real, fake, given, space)
    shaped = []
    for x, word in zip((np.roll(real, roll), np.roll(fake, roll)), shapes.split(), strict=True):
        n = len(x)
        rows = {"(n,)": (n,), "(n,1)": (n, 1), "(n,1,1,1)": (n, 1, 1, 1), "(1,n)": (1, n)}.get(word)
        shaped.append(x.reshape(rows or ((2, n // 2, 1) if n % 2 == 0 else (n, 1))))
    judge_value(loss(*shaped, *given), truth, space)
    if len(real) == len(fake) and len(real) % 2 == 0:
        judge_value(loss(real.reshape(2, 1, -1, 1), fake.reshape(2, 1, -1, 1), *given), truth, space)
    if len(real) == len(fake) == 1:
        judge_value(loss(real.reshape(()), fake.reshape(()), *given), truth, space)


@law(r"J(D_r + t, D_f + t) = J(D_r, D_f)", source=SPEC, loss=each(*SHIFT_INVARIANT), batches=logit_batches(),
     t=integers(-8, 8), cost=3.0)  # fmt: skip
def critic_may_be_shifted(loss, batches, t, space):
    """Wasserstein and relativistic losses see differences only; logits in quarters, so that D + t is exact. Bound: that of both
    values; the arguments' rounding u(|D| + |t|) is in them."""
    name = loss.contract.name
    real, fake, _ = arguments(name, tuple(quarters(space, x) for x in batches), ())
    same(loss, loss, (name, name), ((real + t, fake + t), (real, fake)), space)


@law(r"J_D(D_r, D_f) = J_D(-D_f, -D_r)", source=SPEC, loss=each(*SYMMETRIC), batches=logit_batches(most=MODERATE), cost=3.0)
def negation_swaps_the_roles(loss, batches, space):
    """For losses that treat real and fake alike up to sign: negated critic, exchanged batches. Bound: of both values."""
    name = loss.contract.name
    real, fake, _ = arguments(name, batches, ())
    same(loss, loss, (name, name), ((real, fake), (-fake, -real)), space)


@law(r"J_G(D_r, D_f) = J_D(D_f, D_r)", source=(SPEC, "arXiv:1807.00734"), discriminator=each(*RELATIVISTIC),
     generator=each(*(n.replace("discriminator", "generator") for n in RELATIVISTIC)),
     batches=logit_batches(most=MODERATE), cost=3.0)  # fmt: skip
def relativistic_generator_exchanges_the_batches(discriminator, generator, batches, space):
    """For the relativistic losses: the generator wants what the discriminator fears. Bound: of both values."""
    names = generator.contract.name, discriminator.contract.name
    real, fake, _ = arguments(names[0], batches, ())
    same(generator, discriminator, names, ((real, fake), (fake, real)), space)


@law(r"J_{Ra}(d_r, d_f) = 2 J_{R}(d_r, d_f) \text{ for one pair}", source="arXiv:1807.00734", x=logits(n=2),
     average=each("relativistic_average_discriminator"), plain=each("relativistic_discriminator"))  # fmt: skip
def relativistic_average_of_one_pair_is_twice_relativistic(average, plain, x, space):
    """A batch of one is its own mean. Bound: of both values."""
    same(average, plain, (average.contract.name, plain.contract.name), ((x[:1], x[1:]),) * 2, space, factor=2.0)


@law(r"J_{\text{energy}}(U_r, U_f) = J_{\text{hinge}}(-U_r, -U_f)", source=kexue(6316, 4, "c11"),
     energy=each("energy_hinge_discriminator", "energy_hinge_generator"),
     hinge=each("hinge_discriminator", "hinge_generator"), batches=logit_batches(most=MODERATE))  # fmt: skip
def energy_hinge_is_hinge_of_minus_the_energy(energy, hinge, batches, space):
    """D = −U maps 6316's loss onto that of SNGAN, SAGAN and BigGAN, for both players. Bound: of both values."""
    real, fake = batches
    same(energy, hinge, (energy.contract.name, hinge.contract.name), ((real, fake), (-real, -fake)), space)


@law(r"\nabla_U J_{\text{energy}}(U) = -\nabla_D J_{\text{hinge}}(-U)", source=kexue(6316, "c11"), batches=logit_batches(),
     energy=each("energy_hinge_discriminator_gradient", "energy_hinge_generator_gradient"),
     hinge=each("hinge_discriminator_gradient", "hinge_generator_gradient"))  # fmt: skip
def energy_hinge_gradient_is_minus_that_of_hinge(energy, hinge, batches, space):
    """The chain rule with D = −U, off the kinks |U| = 1, where any subgradient is right. Exact: slopes are 0 or ±1 over n."""
    for x, u, d in zip(batches, energy(*batches), hinge(*(-b for b in batches)), strict=True):
        off = np.abs(x) != 1.0
        require(bool((u[off] == -d[off]).all()), "gradients are not each other's negative", got=u, truth=-d)


@law(r"J = 0,\ \nabla J = 0 \text{ beyond the margin}", source=kexue(6316, "c10"), batches=logit_batches(), needs="autodiff",
     loss=each("hinge_discriminator", "energy_hinge_discriminator"), wrt=choices(0, 1))  # fmt: skip
def hinge_has_no_gradient_beyond_its_margin(loss, batches, wrt, space):
    """Real samples with D > 1 (U < −1) and fakes with D < −1 (U > 1): value and gradient are exactly 0."""
    sign = 1.0 if loss.contract.name == "hinge_discriminator" else -1.0
    real, fake = (s * np.maximum(np.abs(x), 1 + 2 * space.u) for s, x in zip((sign, -sign), batches, strict=True))
    require(float(loss(real, fake)) == 0.0, "a positive loss beyond the margin")
    require(not loss.gradient(real, fake, wrt=wrt).any(), "a gradient beyond the margin")


@law(r"-\tfrac1n \le \partial J_G/\partial d_i \le -\tfrac1n(1 - e^{d_i})", source=SPEC, x=logits(n=3), needs="autodiff")
def non_saturating_generator_keeps_its_slope(non_saturating_generator, x, space):
    """For d → −∞ the slope tends to −1/n: its distance from it is at most e^d/n. Bound: u/n."""
    d = -np.abs(x)
    for g, e in zip(non_saturating_generator.gradient(x, d, wrt=1), d, strict=True):
        outside = max(-1 / 3 - g, g + (1 - arb(float(e)).exp()) / 3, arb(0), key=lambda t: float(arb(t).mid()))
        judge(arb(outside), space.u, why="one rounding of a slope of size 1", got=g)


@law(r"-\tfrac1n e^{d_i} \le \partial J_G/\partial d_i \le 0", source=SPEC, x=logits(n=3), needs="autodiff")
def saturating_generator_stalls(minimax_generator, x, space):
    """For d → −∞ the minimax generator's slope vanishes like e^d. Bound: u·e^d/n and what underflow loses."""
    d = -np.abs(x)
    for g, e in zip(minimax_generator.gradient(x, d, wrt=1), d, strict=True):
        steepest = arb(float(e)).exp() / 3
        outside = max(-steepest - g, arb(float(g)), arb(0), key=lambda t: float(arb(t).mid()))
        judge(arb(outside), space.u * float(steepest) + space.tiny, scale=math.inf, why="u·e^d/n", got=g)


@law(r"J(kD) = k\,J(D)", source=kexue(6316, 1, "c9"), batches=logit_batches(most=100.0), k=choices(2.0, 0.5, 64.0),
     loss=each("wasserstein_discriminator", "wasserstein_generator", "gan_qp_generator"))  # fmt: skip
def wasserstein_is_homogeneous(loss, batches, k, space):
    """For k = 2ʲ, exact in floating point: wherever J(D) < 0 the critic can lower it without end. Bound: of both values."""
    real, fake = batches
    name = loss.contract.name
    if not all((space.round(k * x) == k * x).all() for x in batches):
        k = 2.0  # halved subnormal numbers are not exact
    same(loss, loss, (name, name), ((k * real, k * fake), (real, fake)), space, factor=k)


@law(r"J_{\text{f-GAN}} = J_{\text{minimax}} - c", source="arXiv:1606.00709", batches=logit_batches(most=MODERATE),
     f_gan=each("f_gan_gan_discriminator", "f_gan_jensen_shannon_discriminator", "f_gan_gan_generator"),
     minimax=each("minimax_discriminator", "minimax_discriminator", "minimax_generator"))  # fmt: skip
def f_gan_of_the_gan_divergence_is_minimax(f_gan, minimax, batches, space):
    """The rows gan and jensen_shannon of the f-GAN are the minimax game, the latter 2 log 2 lower. Bound: of both values."""
    names = f_gan.contract.name, minimax.contract.name
    shift = -2 * arb(2).log() if "jensen_shannon" in names[0] else arb(0)
    same(f_gan, minimax, names, (batches, batches), space, shift=shift)


@law(r"J(\text{labels } 1, 0) = J", source=(SPEC, "arXiv:1606.03498"), batches=logit_batches(most=MODERATE),
     labelled=each("label_smoothing_discriminator", "labelled_least_squares_discriminator"),
     plain=each("minimax_discriminator", "least_squares_discriminator"))  # fmt: skip
def hard_labels_give_the_plain_loss(labelled, plain, batches, space):
    """Labels 1 for real and 0 for fake. Bound: of both values."""
    names = labelled.contract.name, plain.contract.name
    labels = (1.0, 0.0) if "smoothing" in names[0] else (0.0, 1.0)
    same(labelled, plain, names, (batches, batches), space, parameters=(labels, ()))

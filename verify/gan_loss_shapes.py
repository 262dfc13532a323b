r"""Laws of gradients in shapes: those of (n,1) and (n,c,h,w) logits are those of the flat batch, put back in shape (SPEC 4)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from flint import arb

from detrace import judge, law
from detrace.laws import each
from detrace.oracles.balls import precision
from detrace.strategies.logits import fractions, logit_tensors, positive_numbers
from verify.gan_loss_formulas import FORMULAS, Truth, bits, certified
from verify.gan_loss_pairs import SCALE, SU
from verify.gan_losses import GRADIENTS, LOSSES, SPEC, representable

Batches = tuple[np.ndarray, np.ndarray]
FORMULA = r"\nabla J(D) = \operatorname{reshape} \nabla J(D_1, \dots, D_{nchw})"


def as_many(batches: Batches) -> Batches:
    """Pairs need as many fake as real entries: where there are not, the fakes in turn, shaped as the reals."""
    real, fake = batches
    return real, fake if fake.size == real.size else np.resize(fake, real.shape)


def arguments(name: str, batches: Batches, numbers: Any) -> tuple[Batches, tuple[float, ...]]:
    """Logits in their shapes and as many of the numbers as the loss takes."""
    formula = FORMULAS[name]
    return as_many(batches) if formula.meets == "paired" else batches, tuple(numbers[: len(formula.parameters)])


def arranged(batches: Batches) -> list[Batches]:
    """As they were drawn, and as a column against a list."""
    return [batches, (batches[0].reshape(-1, 1), batches[1].ravel())]


def flat(batches: Batches) -> Batches:
    return batches[0].ravel(), batches[1].ravel()


def judge_same(got: np.ndarray, due: np.ndarray, truth: Truth, side: int, space: Any, natural: float) -> None:
    """Entry by entry, over what two right gradients may differ by: twice u·(moduli of the slope's summands + natural/n) and the
    slopes' change by rounded arguments. Nothing is said where both are infinite or NaN, or a slope is not representable."""
    n, entries = got.size, zip(got.ravel().tolist(), due.tolist(), strict=True)
    with precision(bits(space)):
        for (g, h), slope, steep in zip(entries, truth.slopes[side], truth.steepness[side], strict=True):
            finite = math.isfinite(g), math.isfinite(h)
            if not any(finite) or not (all(finite) or representable(steep * n, steep, space)):
                continue
            bound = 2 * (space.u * (steep + natural / n) + space.tiny + slope.rad()) if steep else 0.0
            judge(abs(arb(g) - arb(h)), bound, scale=math.inf, got=got, truth=due.reshape(got.shape), why="both slopes' bounds")


@law(FORMULA, source=SPEC, gradient=each(*GRADIENTS), batches=logit_tensors(), numbers=fractions(), cost=2.5)
def closed_form_does_not_see_the_shape(gradient, batches, numbers, space):
    """Batches of shape (n,), (n,1), (n,c,h,w), each its own, and a column against a list, against lists: the mean is over all
    n·c·h·w entries, a slope stands where its logit stood. Bound: those of both slopes, u·(moduli of the slope's summands)."""
    name = gradient.contract.name.removesuffix("_gradient")
    logits, given = arguments(name, batches, numbers)
    truth = certified(name, *logits, given, space)
    slopes = gradient(*flat(logits), *given)
    for shaped in arranged(logits):
        for side, (got, due) in enumerate(zip(gradient(*shaped, *given), slopes, strict=True)):
            judge_same(got, due, truth, side, space, natural=0.0)


@law(FORMULA, source=SPEC, loss=each(*LOSSES), batches=logit_tensors(), numbers=fractions(), needs="autodiff", cost=3.0)
def reverse_mode_does_not_see_the_shape(loss, batches, numbers, space):
    """Batches of shape (n,), (n,1), (n,c,h,w), each its own, and a column against a list, against lists, for real and fake
    logits. Bound: those of both slopes, u·(1 + moduli of the slope's summands)/(n·c·h·w)."""
    name = loss.contract.name
    logits, given = arguments(name, batches, numbers)
    truth = certified(name, *logits, given, space)
    for side in (1, 0):
        due = loss.gradient(*flat(logits), *given, wrt=side)
        for shaped in arranged(logits):
            judge_same(loss.gradient(*shaped, *given, wrt=side), due, truth, side, space, natural=1.0)


@law(r"J,\ \nabla J \text{ of any shape are those of } \delta_1, \dots, \delta_{nchw}", source=SU,
     batches=logit_tensors(most=64.0), distance=positive_numbers(n=12))  # fmt: skip
def quadratic_potential_does_not_see_the_shape(gan_qp_discriminator, gan_qp_discriminator_gradient, batches, distance, space):
    """GAN-QP with (n,1) or (n,c,h,w) logits against lists; distances in a list. Bound: twice u·E[(|D_r|+|D_f|)(1 + |δ|/λd)] of
    the value, u·(1 + (|D_r| + |D_f|)/λd)/(n·c·h·w) of a slope."""
    logits = as_many(batches)
    r, f = lists = flat(logits)
    n, d = r.size, distance[: r.size]
    size = (np.abs(r) + np.abs(f)) * (1 + np.abs(r - f) / (SCALE * d))
    value, of_lists = (float(gan_qp_discriminator(*x, d)) for x in (logits, lists))
    judge(abs(arb(value) - arb(of_lists)), 2 * space.u * size.mean() + space.tiny, scale=math.inf, why="both values' bounds",
          got=value, truth=of_lists)  # fmt: skip
    bounds = 2 * space.u * (1 + (np.abs(r) + np.abs(f)) / (SCALE * d)) / n
    slopes = [*zip(*(gan_qp_discriminator_gradient(*x, d) for x in (logits, lists)), strict=True)]
    if space.backend.vjp is not None:
        of = gan_qp_discriminator.gradient
        slopes += [(of(*logits, d, wrt=side), of(*lists, d, wrt=side)) for side in (0, 1)]
    for got, due in slopes:
        for g, h, bound in zip(got.ravel().tolist(), due.tolist(), bounds.tolist(), strict=True):
            judge(abs(arb(g) - arb(h)), bound, scale=math.inf, why="both slopes' bounds", got=got, truth=due.reshape(got.shape))

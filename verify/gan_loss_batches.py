r"""Laws of GAN losses about their batches: long ones, strided ones, unequal pairs, logits that are NaN (SPEC 4).

A batch over and over again has the mean of one: any summation of N terms is off by at most N roundings of the sum of their
moduli, and float16 or bfloat16 must be added in float32, where 2¹⁰ additions cost less than one rounding of the result.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from flint import arb

from detrace import branch, judge, law, require
from detrace.laws import each
from detrace.oracles.balls import precision
from detrace.strategies.logits import fractions, logit_batches, positive_numbers
from detrace.strategies.scalars import choices, integers
from verify.gan_loss_formulas import FORMULAS, bits, certified
from verify.gan_loss_identities import MODERATE
from verify.gan_loss_pairs import SU
from verify.gan_losses import LOSSES, SPEC, arguments, judge_value, representable

LONG = 1536
"""A multiple of every size that is drawn; ones added up in bfloat16 stop at 256, in float16 a mean above 43 overflows."""
WORKING = 2.0**-24
"""Unit roundoff of the widest dtype that a sum needs: float32's, or the batch's own."""
MIXED = "Micikevicius et al. 2018"


@law(r"J(D_r, \dots, D_r;\ D_f, \dots, D_f) = J(D_r, D_f)", source=(SPEC, MIXED), loss=each(*LOSSES), batches=logit_batches(),
     numbers=fractions(), cost=3.0)  # fmt: skip
def long_batches_have_the_mean_of_short_ones(loss, batches, numbers, space):
    """Each logit over and over again, 1536 of either batch. Bound: u·size as for the short batch, and N roundings of every sum
    in float32, or in the dtype itself if that is wider, where a mean moves a difference times its slope."""
    name = loss.contract.name
    real, fake, given = arguments(name, batches, numbers)
    truth, got = certified(name, real, fake, given, space), loss(*(np.repeat(b, LONG // len(b)) for b in (real, fake)), *given)
    if not representable(LONG * truth.reach, truth.size, space) and not np.isfinite(got).all():
        return
    bent = 0.0
    if FORMULAS[name].meets == "averaged":
        bent = max(float(np.abs(b).max()) for b in (real, fake)) * sum(map(sum, truth.steepness))
    added = LONG * min(space.u, WORKING) * (truth.size + bent)
    with precision(bits(space)):
        judge(abs(arb(float(got)) - truth.value), space.u * truth.size + added + space.tiny, scale=math.inf, got=got,
              truth=float(truth.value.mid()), why="u·mean of the summands' moduli, N·u for N additions")  # fmt: skip


@law(r"J \text{ of any memory layout}", source=SPEC, loss=each(*LOSSES), numbers=fractions(),
     batches=logit_batches(constant=False), cost=8.0)  # fmt: skip
def strided_logits_count_as_they_are_indexed(loss, batches, numbers, space):
    """Column-major views of 4×3 logits, as a transpose or channels_last leaves them: pairs meet by index, not by memory, and
    nothing needs contiguous memory. Bound: as for the value."""
    name = loss.contract.name
    real, fake = (np.resize(b, (4, 3)) for b in batches)
    given = arguments(name, batches, numbers)[2]
    judge_value(loss.transposed_memory(real, fake, *given), certified(name, real, fake, given, space), space)


@law(r"D_i = \mathrm{NaN} \Rightarrow J \text{ is not finite}", source="SPEC 4: non-finite input", loss=each(*LOSSES),
     batches=logit_batches(most=MODERATE), numbers=fractions(), i=integers(0, 7), first=choices(0, 1), cost=8.0)  # fmt: skip
def logits_that_are_nan_show(loss, batches, numbers, i, first, space):
    """One logit of a batch that the loss reads: an exception, or a loss that is not finite. A mask such as where(D < 1, 1 − D,
    0) takes NaN for a logit beyond the margin, so that a critic that has diverged has loss 0. No tolerance."""
    name = loss.contract.name
    real, fake, given = arguments(name, batches, numbers)
    both = [real.copy(), fake.copy()]
    formula = FORMULAS[name]
    side = 1 if formula.real is None else 0 if formula.fake is None and formula.meets != "paired" else first
    both[side][i % len(both[side])] = np.nan
    branch(("real", "fake")[side])
    if loss.raises(*both, *given) is not None:
        require(True, "an error")
        return
    got = loss(*both, *given)
    require(not np.isfinite(got), f"a finite loss although a {('real', 'fake')[side]} logit is NaN", got=got, truth=np.nan)


def unequal(batches: Any) -> tuple[np.ndarray, np.ndarray]:
    """Two batches of different size."""
    real, fake = batches
    return real, fake if len(real) != len(fake) else np.append(fake, fake[:1])


@law(r"n \ne m \mapsto \text{error}", source=("arXiv:1807.00734", SPEC), batches=logit_batches(most=MODERATE),
     loss=each("relativistic_discriminator", "relativistic_generator"))  # fmt: skip
def unequal_batches_are_no_pairs(loss, batches, space):
    """More reals than fakes, or fewer: an error, not a loss of some of them; one logit may stand for a partner of all. Bound:
    as for the value."""
    real, fake = unequal(batches)
    n, least = max(len(real), len(fake)), min(len(real), len(fake))
    if loss.raises(real, fake) is not None:
        require(True, "an error")
        return
    got = loss(real, fake)
    require(least == 1, f"{len(real)} real and {len(fake)} fake logits gave a loss; an error is due", got=got)
    judge_value(got, certified(loss.contract.name, np.resize(real, n), np.resize(fake, n), (), space), space)


@law(r"n \ne m \text{ or } n \ne |d| \mapsto \text{error}", source=SU, batches=logit_batches(most=MODERATE, paired=True),
     distance=positive_numbers(n=3), which=integers(0, 2))  # fmt: skip
def unequal_batches_have_no_quadratic_potential(gan_qp_discriminator, batches, distance, which):
    """Three reals, three fakes and three distances but one too many of either: an error. No tolerance."""
    given = [np.resize(b, 3 + (which == k)) for k, b in enumerate((*batches, distance))]
    sizes = ", ".join(str(len(b)) for b in given)
    raised = gan_qp_discriminator.raises(*given)
    require(raised is not None, f"{sizes} reals, fakes and distances gave a loss; an error is due")

r"""Laws of GAN losses on logits: values, gradients and the form of every loss of one table (SPEC 4, posts 6316 and 6387).

D is high on real, energies U = −D are low on real, every loss is minimised and is a mean. u is the unit roundoff; the size of a
loss is the mean of the moduli of its summands (`gan_loss_formulas`), below which cancellation is the formula's own.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from flint import arb

from detrace import Contract, Family, judge, law
from detrace.laws import each, kexue
from detrace.oracles.balls import precision
from detrace.strategies.logits import fractions, logit_batches
from verify.gan_loss_formulas import FORMULAS, Truth, bits, certified

FAMILY = Family("gan_losses", "GAN losses: values, gradients, and the divergences behind them", 4)

LOSSES = tuple(FORMULAS)
GRADIENTS = tuple(f"{name}_gradient" for name in LOSSES)
BATCH = np.array([0.5, -0.5])
SPEC = "SPEC 4"


def aliases(name: str) -> tuple[str, ...]:
    """Names under which implementations go."""
    base, _, player = name.rpartition("_")
    d = player[0]
    return f"{base}_{d}_loss", f"{base}_{d}", f"{base}_loss_{d}", f"{d}_{base}", f"{d}_{base}_loss", f"loss_{base}_{player[:3]}"


def contract(name: str) -> tuple[Contract, Contract]:
    """A loss and its gradient as contracts."""
    formula = FORMULAS[name]
    numbers = ",*" * len(formula.parameters)
    parameters = f", then {', '.join(formula.parameters)}" if formula.parameters else ""

    def example() -> tuple[Any, ...]:
        return (BATCH, BATCH[::-1].copy(), *(1.0 for _ in formula.parameters))

    return (
        Contract(name, f"(r...),(f...){numbers}->()", f"{formula.text}: (real, fake{parameters})", FAMILY.name, real=True,
                 example=example, aliases=aliases(name)),
        Contract(f"{name}_gradient", f"(r...),(f...){numbers}->(r...),(f...)", f"∂/∂real, ∂/∂fake of {formula.text}",
                 FAMILY.name, real=True, example=example),
    )  # fmt: skip


globals().update({c.name.upper(): c for name in LOSSES for c in contract(name)})


def arguments(name: str, batches: Any, numbers: Any) -> tuple[np.ndarray, np.ndarray, tuple[float, ...]]:
    """Logits (as many real as fake where the loss pairs them) and as many of the numbers as the loss takes."""
    real, fake = batches
    if FORMULAS[name].meets == "paired":
        n = min(len(real), len(fake))
        real, fake = real[:n], fake[:n]
    return real, fake, tuple(numbers[: len(FORMULAS[name].parameters)])


def representable(reach: float, mean: float, space: Any) -> bool:
    """Whether a careful evaluation is finite: the mean in float16, whose sum float32 holds; elsewhere the sum (bfloat16 has the
    range of float32)."""
    return mean < 0.99 * space.max if space.real_dtype == "float16" else 4 * reach < space.max


def judge_value(got: np.ndarray, truth: Truth, space: Any) -> None:
    """Error of a value, over u·size; where it is not representable, infinite or right."""
    if not representable(truth.reach, truth.size, space) and not np.isfinite(got).all():
        return
    with precision(bits(space)):
        judge(abs(arb(float(got)) - truth.value), space.u * truth.size + space.tiny, scale=math.inf, got=got,
              truth=float(truth.value.mid()), why="u·mean of the summands' moduli")  # fmt: skip


def judge_slopes(got: np.ndarray, truth: Truth, side: int, space: Any, natural: float) -> None:
    """Error of each entry of a gradient, over u·(moduli of the slope's summands + natural/n); exactly 0 where the loss does not
    read the batch; infinite or right where a slope is not representable."""
    n, due = got.size, np.array([float(s.mid()) for s in truth.slopes[side]]).reshape(got.shape)
    with precision(bits(space)):
        for g, slope, steep in zip(got.ravel().tolist(), truth.slopes[side], truth.steepness[side], strict=True):
            if not representable(steep * n, steep, space) and not math.isfinite(g):
                continue
            unread = not steep and slope.is_zero()  # moduli of a slope that is read may underflow
            bound = 0.0 if unread else space.u * (steep + natural / n) + space.tiny
            judge(abs(arb(g) - slope), bound, scale=math.inf, got=got, truth=due,
                  why=f"u·moduli of the slope's summands; in the {('real', 'fake')[side]} logits")  # fmt: skip


@law(r"J(D_r, D_f)", source=(SPEC, kexue(6316, 4, 5), kexue(6387, 1)), loss=each(*LOSSES), batches=logit_batches(),
     numbers=fractions())  # fmt: skip
def loss_is_its_formula(loss, batches, numbers, space):
    """For every loss of the table, logits up to ±10⁴, batches of 1 to 8, unequal ones too: never NaN or infinite where the
    value is representable. A result that is always half, twice or minus the truth follows another convention, which
    `detrace.conventions.loss` states. Bound: u·(mean of the moduli of its summands), beside 2u|d| in each term's argument."""
    real, fake, given = arguments(loss.contract.name, batches, numbers)
    judge_value(loss(real, fake, *given), certified(loss.contract.name, real, fake, given, space), space)


@law(r"\nabla J = (\partial J/\partial D_r,\ \partial J/\partial D_f)", source=(SPEC, kexue(6316, 4, 5)),
     gradient=each(*GRADIENTS), batches=logit_batches(), numbers=fractions(), cost=3.0)  # fmt: skip
def closed_form_is_the_gradient(gradient, batches, numbers, space):
    """For every gradient of the table, entry by entry, any subgradient at a kink. Bound: u·(moduli of the slope's summands):
    relative, since slopes in closed form do not cancel."""
    name = gradient.contract.name.removesuffix("_gradient")
    real, fake, given = arguments(name, batches, numbers)
    truth = certified(name, real, fake, given, space)
    for side, got in enumerate(gradient(real, fake, *given)):
        judge_slopes(got, truth, side, space, natural=0.0)


@law(r"\nabla_{D} J \text{ by reverse mode}", source=(SPEC, kexue(6316, 4, 5)), loss=each(*LOSSES), batches=logit_batches(),
     numbers=fractions(), needs="autodiff")  # fmt: skip
def autodiff_finds_the_gradient(loss, batches, numbers, space):
    """Reverse mode through every loss, for real and fake logits: what is detached, clamped or masked on the way is missing
    here, while the value may be right. Exactly 0 for a batch that the loss does not read. Bound: u·(1 + moduli of the slope's
    summands)/n: σ(d) − 1 of a cross entropy and 1 − tanh² round at the size 1 of their range."""
    name = loss.contract.name
    real, fake, given = arguments(name, batches, numbers)
    truth = certified(name, real, fake, given, space)
    for side in (1, 0):
        judge_slopes(loss.gradient(real, fake, *given, wrt=side), truth, side, space, natural=1.0)

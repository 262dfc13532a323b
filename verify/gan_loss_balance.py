r"""Laws of BEGAN's control: the weight k that keeps E U(f) at γ E U(r), and the measure of convergence (arXiv:1703.10717)."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from detrace import Contract, branch, judge, law, require
from detrace.strategies.logits import fractions, logit_batches
from detrace.strategies.scalars import choices
from verify.gan_losses import BATCH, FAMILY

WEIGHT = Contract(
    "boundary_equilibrium_weight", "(r...),(f...),*,*,*->()",
    "clip(k + λ(γ E U(r) − E U(f)), 0, 1): (real, fake, k, gamma, rate)", FAMILY.name, real=True,
    example=lambda: (BATCH + 1, BATCH + 1, 0.5, 0.5, 0.25), aliases=("update_k", "began_k", "began_update"),
)  # fmt: skip
CONVERGENCE = Contract(
    "boundary_equilibrium_convergence", "(r...),(f...),*->()", "E U(r) + |γ E U(r) − E U(f)|: (real, fake, gamma)",
    FAMILY.name, real=True, example=lambda: (BATCH + 1, BATCH + 1, 0.5), aliases=("convergence_metric", "began_measure"),
)  # fmt: skip
BEGAN = "arXiv:1703.10717"
ENERGIES: dict[str, Any] = {"batches": logit_batches(most=64.0), "rate": choices(2.0**-10, 2.0**-4, 1.0)}


def mean(x: np.ndarray) -> Fraction:
    """Exact."""
    return sum(map(Fraction, x.tolist()), Fraction(0)) / len(x)


def energies(batches: Any) -> tuple[np.ndarray, np.ndarray]:
    """U ≥ 0, as an autoencoder's loss is."""
    return np.abs(batches[0]), np.abs(batches[1])


@law(r"k' = \operatorname{clip}\bigl(k + \lambda(\gamma E\,U_r - E\,U_f),\, 0,\, 1\bigr)", source=BEGAN, numbers=fractions(),
     **ENERGIES)  # fmt: skip
def balance_weight_is_its_formula(boundary_equilibrium_weight, batches, numbers, rate, space):
    """For energies up to 64, k and γ in sixteenths; never outside [0, 1]. Bound: u·(k + λ(γ E U_r + E U_f)), since clipping
    widens no error."""
    (real, fake), (k, gamma) = energies(batches), numbers
    a, b = mean(real), mean(fake)
    step = Fraction(k) + Fraction(rate) * (Fraction(gamma) * a - b)
    truth = min(max(step, Fraction(0)), Fraction(1))
    branch("clipped" if truth != step else "inside")
    got = boundary_equilibrium_weight(real, fake, k, gamma, rate)
    require(bool(0 <= got <= 1), "the weight is not in [0, 1]", got=got, truth=float(truth))
    bound = space.u * (k + rate * (gamma * float(a) + float(b))) + space.tiny
    judge(float(abs(Fraction(float(got)) - truth)), bound, why="u·(k + λ(γ E U_r + E U_f))", got=got, truth=float(truth))


@law(r"E\,U_f = \gamma E\,U_r \Rightarrow k' = k", source=BEGAN, numbers=fractions(), gamma=choices(0.5, 0.25, 1.0), **ENERGIES)
def balance_weight_rests_at_the_equilibrium(boundary_equilibrium_weight, batches, numbers, gamma, rate, space):
    """Fake energies that are γ times the real ones, in reverse order. Bound: u·(k + 2λγ E U_r), of two means that cancel."""
    real, k = energies(batches)[0], numbers[0]
    real = np.where(real < 2.0**-8, 0.0, real)  # γ U is exact
    got = boundary_equilibrium_weight(real, gamma * real[::-1], k, gamma, rate)
    judge(abs(float(got) - k), space.u * (k + 2 * rate * gamma * float(mean(real))), why="u·(k + 2λγ E U_r)", got=got, truth=k)


@law(r"M = E\,U_r + |\gamma E\,U_r - E\,U_f|", source=BEGAN, batches=logit_batches(most=64.0), numbers=fractions())
def convergence_measure_is_its_formula(boundary_equilibrium_convergence, batches, numbers, space):
    """For energies up to 64. Bound: u·((1 + γ) E U_r + E U_f), the size of its terms."""
    (real, fake), gamma = energies(batches), numbers[0]
    a, b = mean(real), mean(fake)
    truth = a + abs(Fraction(gamma) * a - b)
    got = boundary_equilibrium_convergence(real, fake, gamma)
    judge(float(abs(Fraction(float(got)) - truth)), space.u * ((1 + gamma) * float(a) + float(b)) + space.tiny, scale=math.inf,
          why="u·((1+γ) E U_r + E U_f)", got=got, truth=float(truth))  # fmt: skip


@law(r"M \ge E\,U_r,\quad M = E\,U_r \text{ at } E\,U_f = \gamma E\,U_r", source=BEGAN, batches=logit_batches(most=64.0),
     gamma=choices(0.5, 0.25, 1.0))  # fmt: skip
def convergence_measure_is_least_at_the_equilibrium(boundary_equilibrium_convergence, batches, gamma, space):
    """For any fake energies it is at least E U_r, which γU_r in reverse order attains. Bound: of M's formula."""
    real, fake = energies(batches)
    real = np.where(real < 2.0**-8, 0.0, real)
    least = mean(real)
    for other, lowest in ((fake, False), (gamma * real[::-1], True)):
        got = boundary_equilibrium_convergence(real, other, gamma)
        above = Fraction(float(got)) - least
        bound = space.u * ((1 + gamma) * float(least) + float(mean(other))) + space.tiny
        judge(float(abs(above) if lowest else max(-above, Fraction(0))), bound, scale=math.inf, why="of M's formula", got=got,
              truth=float(least))  # fmt: skip


@law(r"\partial k'/\partial U = 0", source=BEGAN, needs="autodiff", numbers=fractions(), wrt=choices(0, 1), **ENERGIES)
def balance_weight_is_a_constant(boundary_equilibrium_weight, batches, numbers, rate, wrt):
    """No gradient flows through k: kept in the loss of the next step it would reach back into this one, whose graph is gone, or
    stays in memory for ever. No tolerance."""
    (real, fake), (k, gamma) = energies(batches), numbers
    got = boundary_equilibrium_weight.gradient(real, fake, k, gamma, rate, wrt=wrt)
    require(not got.any(), "a gradient flows through the weight k", got=got, truth=0 * got)

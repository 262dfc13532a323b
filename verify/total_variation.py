r"""Laws of the total variation ½ Σ|aᵢ − bᵢ| (SPEC 3). u unit roundoff, M = Σaᵢ = Σbᵢ."""

from __future__ import annotations

import math

import numpy as np
from flint import arb, fmpq

from detrace import judge, law, require
from detrace.oracles.rationals import rational
from detrace.strategies.samples import line_problems
from detrace.strategies.scalars import choices
from verify.wasserstein_bounds import lost, positive

PAIRS = {"same": True, "weights": ("dyadic", "counts", "dust", "rounded"), "p": (1.0,)}


def half_distance(a: np.ndarray, b: np.ndarray) -> arb:
    return arb(sum(abs(rational(a) - rational(b)), fmpq(0)) / 2)


@law(r"\mathrm{TV}(a,b) = \tfrac12 \sum_i |a_i - b_i|", source="SPEC 3", P=line_problems(**PAIRS))
def total_variation_is_half_the_distance(total_variation, P, space):
    """Masses with zeros, dust, roundings, scaled by 10^±20. Bound: n+1 roundings of the value itself; so it is 0 for equal
    masses."""
    *_, a, b = P
    truth = half_distance(a, b)
    judge(abs(arb(float(total_variation(a, b))) - truth), (len(a) + 1) * space.u * truth + lost(space, 2),
          scale=truth if truth > 0 else math.inf, why="(n+1) u TV", truth=float(truth))  # fmt: skip


@law(r"\mathrm{TV}(a,b) = \min\langle\Gamma, 1 - I\rangle", source="SPEC 3", P=line_problems(**PAIRS))
def total_variation_is_transport_in_the_discrete_metric(total_variation, transport_cost, P, space):
    """What is moved at all, however far. Bound: (2n+2) u·M, both errors."""
    *_, a, b = P
    mass = arb(sum(rational(a)))
    error = abs(arb(float(total_variation(a, b))) - arb(float(transport_cost(a, b, 1.0 - np.eye(len(a))))))
    slack = abs(arb(sum(rational(a)) - sum(rational(b))))  # totals that differ by roundings
    judge(positive(error - slack), (3 * len(a) + 1) * space.u * mass + lost(space, len(a)), scale=mass, why="(3n+1) u M")


@law(r"\mathrm{TV}(a,c) \le \mathrm{TV}(a,b) + \mathrm{TV}(b,c) \le 2M,\quad \mathrm{TV}(a,b) = \mathrm{TV}(b,a)",
     source="SPEC 3", P=line_problems(**PAIRS))  # fmt: skip
def total_variation_is_a_metric(total_variation, P, space):
    """The third masses are the second's, reversed. Bound: (n+1) u of each value."""
    *_, a, b = P
    c = b[::-1].copy()
    whole, first, second, back = (arb(float(total_variation(*pair))) for pair in ((a, c), (a, b), (b, c), (b, a)))
    mass = arb(sum(rational(a)) + sum(rational(b))) / 2
    unit = (len(a) + 1) * space.u
    for excess in (whole - first - second, first - mass, second - mass, abs(first - back)):
        judge(positive(excess), unit * (whole + first + second + mass), scale=mass, why="(n+1) u of each")


@law(r"\text{NaN} \mapsto \text{not finite};\ n \ne m \mapsto \text{error}", source="SPEC 3: form",
     bad=choices(math.nan, math.inf, -math.inf))  # fmt: skip
def total_variation_keeps_form(total_variation, bad, space):
    """A bad mass gives no finite value (an error will do); vectors of different lengths are an error. No tolerance."""
    good, spoiled = np.array([0.5, 0.5]), np.array([0.5, bad])
    for pair in ((good, spoiled), (spoiled, good)):
        refused = total_variation.raises(*pair) is not None
        require(refused or not np.isfinite(total_variation(*pair)), f"finite result although a mass is {bad}")
    require(total_variation.raises(np.ones(3) / 3, np.ones(1)) is not None, "lengths 3 and 1 were broadcast")
    require(total_variation.raises(np.ones(3) / 3, good) is not None, "lengths 3 and 2 were accepted")

r"""Laws of the gradients of divergences between distributions, as they are minimised over p or over q (SPEC 4).

With x the argument that is differentiated, y the other and ρ = y/x, every ∂D/∂xᵢ is a function of ρ alone. Distributions sum to
1, so gradients are compared up to a constant: a form of the divergence that differs by Σp − Σq is as good.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from flint import arb

from detrace import branch, judge, law
from detrace.laws import each
from detrace.strategies.logits import distribution_pairs
from detrace.strategies.scalars import choices
from verify.divergences import DIVERGENCES, NOWOZIN

Slope = Callable[[arb], arb]
ONE = arb(1)
SLOPES: dict[str, tuple[tuple[Slope, bool], tuple[Slope, bool]]] = {
    "kl_divergence": ((lambda r: 1 - r.log(), False), (lambda r: -r, True)),
    "reverse_kl_divergence": ((lambda r: -r, True), (lambda r: 1 - r.log(), False)),
    "pearson_divergence": ((lambda r: 2 / r - 2, False), (lambda r: 1 - r * r, True)),
    "neyman_divergence": ((lambda r: 1 - r * r, True), (lambda r: 2 / r - 2, False)),
    "squared_hellinger_divergence": ((lambda r: 1 - r.sqrt(), True), (lambda r: 1 - r.sqrt(), True)),
    "jensen_shannon_divergence": ((lambda r: (2 / (1 + r)).log() / 2, True), (lambda r: (2 / (1 + r)).log() / 2, True)),
}  # fmt: skip
"""∂D/∂pᵢ and ∂D/∂qᵢ as functions of ρ, and whether they are finite at ρ = 0."""


def room(r: arb) -> float:
    """(1 + ρ)² + 1/ρ + |log ρ|, what autodiff adds up."""
    size = (1 + r) * (1 + r) + (1 / r + abs(r.log()) if r > 0 else 0)
    return float(size.abs_upper())


@law(r"\partial D/\partial p_i,\ \partial D/\partial q_i", source=NOWOZIN, divergence=each(*DIVERGENCES),
     pair=distribution_pairs(positive_q=True), wrt=choices(0, 1), needs="autodiff")  # fmt: skip
def divergence_has_its_gradient(divergence, pair, wrt, space):
    """In the first (wrt = 0) or the second argument, which is q > 0; the other is p with its zeros, whose mask after a
    logarithm makes 0·∞ = NaN, or (p+q)/2 where D = ∞ at p = 0. Up to a constant. Bound: 4u((1+ρ)² + 1/ρ + |log ρ|) of two
    entries."""
    slope, at_zero = SLOPES[divergence.contract.name][wrt]
    y, x = pair if at_zero else (pair[0] / 2 + pair[1] / 2, pair[1])
    branch("zeros" if not y.all() else "p, q > 0")
    got = divergence.gradient(*((x, y) if wrt == 0 else (y, x)), wrt=wrt)
    ratios = [arb(b) / arb(a) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
    off = [arb(float(g)) - slope(r) for g, r in zip(got, ratios, strict=True)]
    truth = [float(slope(r).mid()) for r in ratios]
    for e, r in zip(off, ratios, strict=True):
        judge(abs(e - off[0]), 4 * space.u * (room(r) + room(ratios[0])), scale=math.inf, got=got, truth=truth,
              why="4u((1+ρ)² + 1/ρ + |log ρ|)")  # fmt: skip

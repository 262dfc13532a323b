r"""Laws of gradient norms and penalties in every dtype, float16 and bfloat16 too, where squares and sums overflow first.

A linear critic's slope w is exact in any dtype, so that nothing but the penalty itself rounds. Its norm r is off by a few u·r,
a penalty φ(r) by u·|φ| and φ′ times that, its gradient φ′(r)w/r by u·(|φ′| + |φ″|(r + t)). With at most six features sums over
these in the narrow dtype itself stay within the limit too; the mean over 1024 samples takes a wider sum, in which N additions
cost less than a rounding of the result (in float32 and float64 N·u).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from flint import arb

from detrace import branch, judge, law, require
from detrace.laws import each
from detrace.networks import Linear, balls
from detrace.strategies.networks import linear_critics_and_sizes
from verify.gradient_penalties import SPEC
from verify.penalty_bounds import ALL, PENALTIES, SETTINGS, Setting, charge, distance, floats, high, length

SMALL, LONG = (1, 4), (1, 4, 1024, 1024, 1024)
WORKING = 2.0**-24
"""Unit roundoff of the narrowest dtype in which a long sum may be taken."""
MIXED = (SPEC, "Micikevicius et al. 2018")


def fits(size: float, space: Any) -> bool:
    """Whether a result of this size is representable beyond doubt."""
    return size < 0.9 * space.max


def spread(kind: str, r: float, setting: Setting) -> tuple[float, float]:
    """How much, over u, φ(r) and φ′(r) may be off."""
    if kind == "zero":
        return 3 * r * r, 4 * r
    if kind == "power":
        k, p = setting
        return (p + 1) * k * r**p, k * p * p * r ** (p - 1)
    off, sum_ = abs(r - setting[0]), r + setting[0]
    return off * off + 2 * off * sum_, 2 * off + 2 * sum_


def slope(kind: str, r: Any, setting: Setting) -> Any:
    """φ′(r) of a ball r > 0."""
    if kind == "zero":
        return 2 * r
    if kind == "power":
        return setting[0] * setting[1] * r ** int(setting[1] - 1)
    return 2 * (r - setting[0]) if kind == "two-sided" or r > setting[0] else arb(0)


@law(r"\|\nabla (w\cdot x)\| = \|w\| \text{ in every dtype}", source=MIXED, data=linear_critics_and_sizes(SMALL))
def norm_does_not_overflow_in_its_squares(gradient_norms, data, space):
    """Weights up to 1000: a norm that is representable though its squares are not in float16. Bound: u‖w‖."""
    w, real, _, _ = data
    r = length(balls(w).ravel())
    for g in gradient_norms(Linear(w, np.ones(())), real):
        judge(abs(arb(float(g)) - r), space.u * high(r) + space.tiny, scale=math.inf, why="u‖w‖", got=g, truth=float(r.mid()))


@law(r"P(w\cdot x) = \varphi(\|w\|) \text{ in every dtype}", source=MIXED, cost=2.0, penalty=each(*ALL),
     data=linear_critics_and_sizes(LONG))  # fmt: skip
def penalty_overflows_only_where_it_must(penalty, data, space):
    """A penalty that is representable is finite and right, whatever its squares and sums are, of batches up to 1024. Bound:
    u(|φ| + |φ′|(‖w‖ + t)), and N·2⁻²⁴|φ| or N·u|φ|."""
    w, real, fake, alpha = data
    p, r = PENALTIES[penalty.contract.name], length(balls(w).ravel())
    setting = SETTINGS[p.kind][0]
    truth = charge(p.kind, r, setting)
    got = penalty(*p.arguments(Linear(w, np.ones(())), real, fake, alpha, setting=setting))
    if not fits(high(truth), space):
        branch("not representable")
        require(not np.isnan(got), "NaN where infinity or the value is due", got=got, truth=float(truth.mid()))
        return
    added = len(real) * min(space.u, WORKING) * high(truth)
    bound = space.u * spread(p.kind, high(r), setting)[0] + added + space.tiny
    judge(abs(arb(float(got)) - truth), bound, scale=math.inf, why="u(|φ| + |φ′|(‖w‖ + t)), N·u|φ| for N additions", got=got,
          truth=float(truth.mid()))  # fmt: skip


@law(r"\nabla_w P = \varphi'(\|w\|)\,w/\|w\| \text{ in every dtype}", source=MIXED, cost=2.5, needs="autodiff",
     penalty=each(*ALL), data=linear_critics_and_sizes(SMALL))  # fmt: skip
def penalty_has_its_gradient_in_every_dtype(penalty, data, space):
    """The second derivative in float16 and bfloat16 too, where penalty and gradient are representable. Bound:
    u(|φ′| + |φ″|(‖w‖ + t)); at w = 0 it is finite."""
    w, real, fake, alpha = data
    p, v = PENALTIES[penalty.contract.name], balls(w)
    r, setting = length(v.ravel()), SETTINGS[p.kind][0]
    off = spread(p.kind, high(r), setting)
    got = penalty.gradient(*p.arguments(Linear(w, np.ones(())), real, fake, alpha, setting=setting), wrt=0)[0]
    if not fits(max(high(charge(p.kind, r, setting)), off[1]), space):
        branch("not representable")
        return
    require(bool(np.isfinite(got).all()), "a gradient that is not finite", got=got)
    if not w.any():
        return
    due = slope(p.kind, r, setting) / r * v
    judge(distance([got], [due]), space.u * off[1] + space.tiny, scale=math.inf, why="u(|φ′| + |φ″|(‖w‖ + t))", got=got,
          truth=floats([due])[0])  # fmt: skip

r"""Laws of weight clipping, the first WGAN's constraint, and of what it makes of the distance (SPEC 3, post 6280).

A linear critic D(x) = w·x under |wᵢ| ≤ c can reach max_w w·(E_p x − E_q x) = c‖E_p x − E_q x‖₁: between two Diracs at distance
θ on the line that is cθ, where W₁ is θ.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from detrace import Contract, branch, judge, law, require
from detrace.laws import kexue
from detrace.strategies.networks import arrays, critics_and_batches
from detrace.strategies.scalars import choices, integers
from verify.gradient_penalties import FAMILY

CLIPPING = ("Arjovsky et al. 2017", "SPEC 3")
BOUNDS = (1.0, 0.5, 0.01, 2.0, 2.0**-6)

CLIP_WEIGHTS = Contract(
    "clip_weights", "(s...),*->(s...)", "each entry of a weight moved into [−c, c]: (w, c)", FAMILY.name, real=True,
    example=lambda: (np.array([0.5, -2.0]), 1.0), aliases=("weight_clipping", "clamp_weights", "clip_parameters"),
)  # fmt: skip


@law(r"\min(\max(w_i, -c), c)", source=CLIPPING, data=arrays(), k=integers(-6, 6), c=choices(*BOUNDS))
def clipping_moves_each_weight_to_the_nearest_bound(clip_weights, data, k, c, space):
    """Weights of any shape, 2ᵏ times small dyadics; those within the bounds stay as they are, and a second clipping changes
    nothing. Bound: one rounding of c, u·c, for those outside; none for the others."""
    w = np.asarray(2.0**k * data[0])
    got = clip_weights(w, c)
    inside = np.abs(w) <= c
    branch("some outside" if not inside.all() else "all inside")
    require(bool((got == w)[inside].all()), "a weight within the bounds has changed", got=got, truth=np.clip(w, -c, c))
    judge(np.abs(got - np.clip(w, -c, c)).max(initial=0.0), space.u * c, scale=c, why="u·c", got=got, truth=np.clip(w, -c, c))
    require(bool((clip_weights(got, c) == got).all()), "a second clipping changes weights", got=clip_weights(got, c), truth=got)


def best_clipped(clip_weights: Any, pull: np.ndarray, c: float) -> list[Fraction]:
    """The linear critic after one clipped step of ascent along `pull`, multiples of 1/8: a power of two, just long enough for
    an eighth to reach the bound."""
    return [Fraction(v) for v in clip_weights(2.0 ** math.ceil(math.log2(8 * c)) * pull, c).tolist()]


def total(x: np.ndarray) -> np.ndarray:
    """Sum over the samples, exact: eighths."""
    return x.reshape(len(x), -1).sum(axis=0)


@law(r"\max_{|w_i| \le c} w\cdot(\mathbb E_p x - \mathbb E_q x) = c\,\|\mathbb E_p x - \mathbb E_q x\|_1",
     source=(kexue(6280, 36), *CLIPPING), dtypes="wide", data=critics_and_batches(("Linear",)),
     c=choices(*BOUNDS))  # fmt: skip
def clipped_linear_critic_measures_means(clip_weights, data, c, space):
    """Two batches in R^d: ascent ends at c·sign of the difference of means, whose value has the 1-norm where a 1-Lipschitz
    linear critic has the Euclidean one: c to c√d times that. Bound: one rounding of c, u·c‖·‖₁."""
    _, real, fake, _ = data
    pull = total(real) - total(fake)
    w = best_clipped(clip_weights, pull, c)
    value = sum((a * Fraction(b) for a, b in zip(w, pull.tolist(), strict=True)), Fraction(0)) / len(real)
    due = Fraction(c) * Fraction(float(np.abs(pull).sum())) / len(real)
    judge(float(abs(value - due)), space.u * float(due), scale=math.inf, why="u·c‖E_p x − E_q x‖₁", got=float(value),
          truth=float(due))  # fmt: skip


@law(r"c\,|\mathbb E_p x - \mathbb E_q x| \le c\,W_1,\quad = \iff F \le G \text{ or } F \ge G", dtypes="wide",
     source=(kexue(6280, 36), *CLIPPING), data=critics_and_batches(("Linear",)), c=choices(*BOUNDS),
     order=choices("above", "below", "as drawn"))  # fmt: skip
def clipped_linear_critic_is_c_times_the_distance_at_best(clip_weights, data, c, order, space):
    """Samples of one size on the line, W₁ by pairing them in order: c·W₁ where one sample lies above the other throughout (two
    Diracs θ apart: cθ for θ), less where they cross, even 0 for p ≠ q: biased by c, and blind. Bound: one rounding of c."""
    x, y = (np.sort(b.ravel()) for b in data[1:3])
    x = {"above": np.maximum(x, y), "below": np.minimum(x, y), "as drawn": x}[order]
    w = best_clipped(clip_weights, np.array([x.sum() - y.sum()]), c)
    value = w[0] * Fraction(float(x.sum() - y.sum())) / len(x)
    distance = Fraction(float(np.abs(x - y).sum())) / len(x)
    crossing = bool((x > y).any() and (x < y).any())
    branch("crossing" if crossing else "one above the other")
    if crossing:
        require(value < Fraction(c) * distance, "not less than c·W₁ where the samples cross", got=float(value),
                truth=c * float(distance))  # fmt: skip
        return
    judge(float(abs(value - Fraction(c) * distance)), space.u * c * float(distance), scale=math.inf, why="u·c·W₁",
          got=float(value), truth=c * float(distance))  # fmt: skip

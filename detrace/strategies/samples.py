"""Weighted samples of the line and of R^d, Gaussians and entropic problems; values exact in the space's dtype.

A problem is the tuple of arguments that its contract takes: (x, y, p, a, b). Points are dyadic patterns of a named kind,
masses integers over a power of two, so that both totals are equal exactly; then points and masses are scaled by powers of
two as far as the cost mass·D^p stays representable, D the largest distance.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..judging import branch
from ..spaces import FORMATS, Space
from .deferred import per_space
from .low_rank import Dice
from .scalars import Draw, entries

Problem = tuple[np.ndarray, np.ndarray, float, np.ndarray | None, np.ndarray | None]
Entropic = tuple[np.ndarray, np.ndarray, np.ndarray, float, float]

REACH = 66
"""Points and masses are scaled by up to 2^±66, about 10^±20."""
UNITS = 64
"""Masses of the kind "dyadic" are multiples of total/64."""
EXPONENTS = (1.0, 2.0, 3.0, 1.5)


def _dense(draw: Draw, space: Space, shape: tuple[int, ...]) -> np.ndarray:
    return entries(draw, shape)


def _lattice(draw: Draw, space: Space, shape: tuple[int, ...]) -> np.ndarray:
    return np.round(entries(draw, shape))


def _clusters(draw: Draw, space: Space, shape: tuple[int, ...]) -> np.ndarray:
    near = 2.0 ** -min(FORMATS[space.real_dtype][0] - 3, 40)
    return 4.0 * np.sign(entries(draw, shape)) + np.round(entries(draw, shape)) * near


def _offset(draw: Draw, space: Space, shape: tuple[int, ...]) -> np.ndarray:
    bits = min(26, FORMATS[space.real_dtype][0] - 4)
    return np.round(entries(draw, shape)) + 2.0**bits


def _collinear(draw: Draw, space: Space, shape: tuple[int, ...]) -> np.ndarray:
    along = np.round(entries(draw, shape[:1]))
    return along.reshape(-1, *(1 for _ in shape[1:])) * np.resize([1.0, -2.0, 2.0], shape[1:])


Kind = Callable[[Draw, Space, tuple[int, ...]], np.ndarray]
KINDS: dict[str, Kind] = {
    "dense": _dense, "lattice": _lattice, "clusters": _clusters, "offset": _offset, "collinear": _collinear,
}  # fmt: skip
"""What the points are: no structure; small integers (ties, duplicates); two clusters of nearly equal points; small integers
about a far integer, where squares cancel; multiples of one integer vector."""

MASSES = ("uniform", "dyadic", "counts", "dust", "rounded")
"""None; multiples of 1/64, of 1/8 for one in three (some may be 0); integers of any total; an atom that weighs 2⁻⁴⁰ of the
rest; fractions of a third, rounded to the dtype, so that the totals mostly differ by roundings."""
EMPTY = "empty"
"""A kind that is not among `MASSES`: as "dyadic", and the outermost atom at one end or both of either measure weighs nothing,
if there is another."""


def counts(dice: Dice, n: int, total: int, least: int = 0) -> np.ndarray:
    """n integers ≥ least of sum `total`."""
    free = total - least * n
    cuts = sorted(dice.below(free + 1) for _ in range(n - 1))
    return np.diff([0, *cuts, free]).astype(np.float64) + least


def masses(dice: Dice, space: Space, kind: str, n: int, m: int, least: int = 0) -> tuple[Any, Any]:
    """Two vectors of a kind of masses, (n,) and (m,), of one total: exactly, but for "rounded"."""
    if kind == "uniform":
        return None, None
    if kind in ("dyadic", EMPTY):
        grain = (1, 1, 8)[dice.below(3)]
        return counts(dice, n, UNITS // grain, least) * grain / UNITS, counts(dice, m, UNITS // grain, least) * grain / UNITS
    if kind == "counts":
        total = max(n, m) * max(least, 1) + dice.below(90)
        return counts(dice, n, total, least), counts(dice, m, total, least)
    if kind == "dust":
        a, b = masses(dice, space, "dyadic", n, m, least)
        speck = 2.0 ** -min(40, FORMATS[space.real_dtype][0] - 8)
        for v in (a, b):  # an atom weighs `speck`, its neighbour takes what it had: both totals are 1 + speck
            i = dice.below(len(v))
            v[i], rest = speck, v[i]
            v[(i + 1) % len(v)] += rest
        return a, b
    a, b = counts(dice, n, 99, 1), counts(dice, m, 97, 1)
    return space.round(a / 297), space.round(b / 291)


def emptied(dice: Dice, points: np.ndarray, masses: np.ndarray) -> np.ndarray:
    """The masses of the leftmost point, the rightmost, or both, by the first coordinate, go to those next to them."""
    order, moved = np.argsort(points.reshape(len(points), -1)[:, 0], kind="stable"), masses.copy()
    ends = (((0, 1),), ((-1, -2),), ((0, 1), (-1, -2)))[dice.below(3 if len(points) > 2 else 2)]
    for end, inner in ends if len(points) > 1 else ():
        moved[order[end]], moved[order[inner]] = 0.0, moved[order[inner]] + moved[order[end]]
    return moved


def _exponent(dice: Dice, low: float, high: float) -> int:
    """An integer of [max(low, −REACH), min(high, REACH)]: the one nearest 0, either end, or any; 0 if there is none."""
    first, last = max(math.ceil(low), -REACH), min(math.floor(high), REACH)
    choice, inside = dice.below(4), dice.below(256)
    if first > last:
        return 0
    return (min(max(0, first), last), first, last, first + inside % (last - first + 1))[choice]


def _scales(dice: Dice, space: Space, p: float, spread: float) -> tuple[int, int]:
    """Exponents of points and masses for which mass·D^p stays well inside the dtype, for distances D of spread/256 to
    spread, times 2^k."""
    low, high = FORMATS[space.real_dtype][1:]
    size = math.log2(spread)
    if dice.below(3) == 0:
        return 0, 0
    k = _exponent(dice, (low + 8) / p + 8 - size, (high - 12) / p - size)
    least, most = p * (k + size - 8), p * (k + size)
    return k, _exponent(dice, low + 20 - min(least, 0.0), high - 12 - max(most, 0.0))


def _sizes(dice: Dice, space: Space, max_n: int, min_n: int = 1) -> tuple[int, int]:
    """Sizes of two samples from `min_n` to `max_n`, equal for one problem in three or more; two pairs only where every shape is
    compiled."""
    most = max_n - min_n + 1
    first, second, equal = dice.below(most), dice.below(most), dice.below(4) == 3
    if space.few_shapes:
        return ((2, 2), (2, 3))[first % 2]
    return min_n + first, min_n + (first if equal else second)


def draw_problem(draw: Draw, space: Space, *, dims: int | None = None, p: Sequence[float] = EXPONENTS, max_n: int = 6,
                 kinds: Sequence[str] = tuple(KINDS), weights: Sequence[str] = MASSES, same: bool = False, least: int = 0,
                 apart: bool = False, scaled: bool = True) -> Problem:  # fmt: skip
    """(x, y, p, a, b): x (n,) and y (m,), or (n,dims) and (m,dims); a, b None together.

    `same`: n = m. `least`: the least count of a mass. `apart`: all points differ. `scaled`: powers of two up to 10^±20.
    """
    dice = Dice(draw, 48)
    kinds = [k for k in kinds if not (apart and k == "offset")]  # no room for sixteenths there
    kind = kinds[dice.below(len(kinds))]
    n, m = _sizes(dice, space, max_n)
    m = n if same else m
    shape = () if dims is None else (dims,)
    points = KINDS[kind](draw, space, (n + m, *shape))
    if dice.below(8) == 7 and not apart:  # the same support twice, in another order
        points[n:] = points[:n][::-1][np.arange(m) % n]
    points = space.round(spread_apart(points) if apart else points)
    power = p[dice.below(len(p))]
    word = weights[dice.below(len(weights))]
    a, b = masses(dice, space, word, n, m, least)
    if word == EMPTY:
        a, b = emptied(dice, points[:n], a), emptied(dice, points[n:], b)
    branch(f"{kind}, {word}")
    if scaled:
        spread = max(float(np.abs(points - points[:1]).max()), 1.0)
        k, j = _scales(dice, space, power if dims is None else max(power, 2.0), spread)  # squares of distances, too
        points = points * 2.0**k
        a, b = (v if v is None else v * 2.0**j for v in (a, b))
    return points[:n], points[n:], power, a, b


def spread_apart(points: np.ndarray) -> np.ndarray:
    """Whole points, moved by distinct multiples of 1/16 so that no two of them agree."""
    order = np.arange(len(points)) / 16.0
    return np.round(points) + (order if points.ndim == 1 else order[:, None])


@per_space
def line_problems(draw: Draw, space: Space, **problem: Any) -> Problem:
    """Weighted samples of the line; options as for `draw_problem`."""
    return draw_problem(draw, space, **problem)


@per_space
def problems(draw: Draw, space: Space, *, max_dims: int = 3, **problem: Any) -> Problem:
    """Weighted samples of R^d, d up to `max_dims`; options as for `draw_problem`."""
    dims = min(2, max_dims) if space.few_shapes else 1 + Dice(draw, 1).below(max_dims)
    return draw_problem(draw, space, dims=dims, **problem)


COVARIANCES = ("dense", "diagonal", "degenerate", "near", "equal", "graded")
"""Pairs S, T: full rank; commuting; of low rank; T nearly S; T = S; variances over many magnitudes, of S alone
or of both."""


@per_space
def gaussians(draw: Draw, space: Space, *, kinds: Sequence[str] = COVARIANCES, max_dims: int = 3, shift: bool = True,
              scaled: bool = True) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """(m1, S1, m2, S2): means (d,), covariances (d,d) = LLᵀ of whole L, symmetric and ≥ 0 exactly, then scaled together."""
    dice = Dice(draw, 12)
    kind = kinds[dice.below(len(kinds))]
    least = min(2, max_dims)
    d = least if space.few_shapes else dice.size(space, least if kind == "graded" else 1, max_dims)
    L, M = np.round(entries(draw, (2, d, d)))
    means = np.round(entries(draw, (2, d))) * shift
    if kind == "diagonal":
        L, M = L * np.eye(d), M * np.eye(d)
    if kind == "degenerate":
        L, M = L[:, : d - d // 2] * (d > 1), M[:, : max(d - 1, 1)]
    if kind == "graded":
        step = max((FORMATS[space.real_dtype][0] - 1) // (2 * max(d - 1, 1)) * (1 + dice.below(3)) // 3, 1)
        scales = 2.0 ** (-step * np.arange(d))[:, None]
        L, M = L * scales, M * scales ** dice.below(2)
    S, T = L @ L.T, M @ M.T
    bits = dice.below(max(FORMATS[space.real_dtype][0] - 9, 1))
    if kind in ("near", "equal"):
        S = S + np.eye(d)
        T = S + 2.0**-bits * np.outer(M[0], M[0]) * (kind == "near")
        means[1] = means[0] * (dice.below(2) == 0) + 2.0**-bits * means[1] * (dice.below(2) == 0)
    k = 0
    if scaled and dice.below(2):
        low, high = FORMATS[space.real_dtype][1:]
        k = _exponent(dice, (low + 20 + 2 * FORMATS[space.real_dtype][0]) / 2, (high - 16) / 2)
    branch(kind)
    return tuple(map(space.round, (means[0] * 2.0**k, S * 4.0**k, means[1] * 2.0**k, T * 4.0**k)))  # type: ignore[return-value]


@per_space
def entropic_problems(draw: Draw, space: Space, *, max_n: int = 4, min_n: int = 1, least_reg: int = 4,
                      weights: Sequence[str] = MASSES[1:], least: int = 0, scaled: bool = True) -> Entropic:  # fmt: skip
    """(a, b, C, reg, tol): masses as in `masses`, costs (n,m) of either sign, reg = 2^(2…−least_reg), tol from 2⁻⁸ to what the
    dtype allows; then C and reg, and a and b, scaled by powers of two."""
    dice = Dice(draw, 40)
    n, m = _sizes(dice, space, max_n, min_n)
    C = entries(draw, (n, m))
    a, b = masses(dice, space, weights[dice.below(len(weights))], n, m, least)
    reg = 2.0 ** (2 - dice.below(3 + least_reg))
    tol = 2.0 ** -(8 + dice.below(max(FORMATS[space.real_dtype][0] // 2 - 4, 1)))
    k, j = _scales(dice, space, 1.0, 8.0) if scaled else (0, 0)
    branch(f"reg {reg:g}")
    return a * 2.0**j, b * 2.0**j, C * 2.0**k, reg * 2.0**k, tol

r"""Laws of Wasserstein distances at sizes and powers beyond small samples (SPEC 3, post 6280).

u unit roundoff, M the total mass, D the largest distance between atoms of the two measures. Closed forms stand in for the
linear program, so that dozens of points cost little.
"""

from __future__ import annotations

import math

import numpy as np

from detrace import judge, law
from detrace.laws import kexue
from detrace.oracles import wasserstein as exact
from detrace.oracles.rationals import rational
from detrace.strategies.samples import line_problems
from detrace.strategies.scalars import choices, integers
from verify.wasserstein_bounds import SHARP, SIZE, Distance, lost, power

SIZES = "SPEC 3: sizes"
TOTAL = 1024
"""Masses of many points are multiples of 1/TOTAL, so that every partial sum is exact."""


def cut(n: int, step: int) -> np.ndarray:
    """n multiples of 1/TOTAL, zeros among them, of sum 1; another list for another step."""
    ends = np.sort(np.arange(1, n) * (64 * step + 37) % (TOTAL + 1))
    return np.diff(np.concatenate([[0], ends, [TOTAL]])) / TOTAL


@law(r"W_p^p = \int_0^1 |F^{-1}(t) - G^{-1}(t)|^p\,dt,\quad n, m \le 97", source=(SIZES, kexue(6280, 3)), dtypes="wide",
     sizes=choices((33, 26), (97, 64), few=1), step=integers(1, 50), p=choices(1.0, 2.0, 1.5, 3.0),
     weighted=choices(True, False), cost=4.0)  # fmt: skip
def line_distance_of_many_points(wasserstein_1d, sizes, step, p, weighted, space):
    """Dozens of whole points with ties, masses of 1/1024 with zeros among them, or none given. Bound: (n+m+p) u·W^p for exact
    masses; (n+m+p) u·M·D^p for masses 1/n, whose sums round."""
    n, m = sizes
    x, y = (np.arange(k) * (step + t) % 101 % (29 + t) * 1.0 for k, t in ((n, 0), (m, 7)))
    a, b = (cut(n, step), cut(m, step + 1)) if weighted else (None, None)
    d = Distance((x, y, p, a, b), space)
    d.judge(wasserstein_1d(x, y, p, a, b), d.sharp if weighted else d.error, why=SHARP if weighted else SIZE)


@law(r"W_p^p = \int_0^M |F^{-1}(t) - G^{-1}(t)|^p\,dt,\quad p = 8, 17", source=(SIZES, kexue(6280, 3)), dtypes="wide",
     P=line_problems(kinds=("lattice",), weights=("dyadic", "uniform"), p=(8.0, 17.0), scaled=False))  # fmt: skip
def line_distance_of_high_powers(wasserstein_1d, P, space):
    """Any p ≥ 1 is allowed: whole points up to 8 apart, whose 17th powers are representable. Bound: (n+m+p) u·M·D^p on the
    p-th power."""
    Distance(P, space).judge(wasserstein_1d(*P))


@law(r"W_p(\mu + t, \mu) = M^{1/p}\,\|t\|", source=(SIZES, kexue(6280, 2)), dtypes="wide", n=choices(9, 20, 33, few=1),
     shift=choices((3.0, 4.0), (0.0, 5.0), (1.0, 2.0, -2.0), (-6.0,), few=2), k=choices(0, 3, -3, 40, -40),
     step=integers(1, 50), p=choices(1.0, 2.0, 1.5), cost=8.0)  # fmt: skip
def distance_of_a_translate(wasserstein, n, shift, k, step, p, space):
    """A translation is optimal for every p ≥ 1 (‖E x − E y‖ ≤ W_p by Jensen): dozens of lattice points of R^d at scale 2ᵏ,
    moved by a vector of whole length, in another order. Bound: (n+m+p) u·M·D^p on the p-th power."""
    d = len(shift)
    points = np.stack([np.arange(n) * (step + 3 * i) % 97 % 11 for i in range(d)], axis=1) * 2.0**k
    t, length = np.array(shift) * 2.0**k, rational(2.0**k) * round(math.hypot(*shift))
    x, y, a = points, (points + t)[::-1].copy(), cut(n, step)
    apart = rational(x)[:, None] - rational(y)[None]
    reach = exact.power(max((apart * apart).sum(axis=-1).ravel()), p / 2)
    truth = exact.power(length, p)
    bound = (2 * n + p) * space.u * reach + lost(space, 2 * n, reach)
    got = wasserstein(x, y, p, a, a[::-1].copy())
    judge(abs(power(got, p) - truth), bound, scale=reach, why=SIZE, got=got, truth=float(length))

r"""Bounds between distances: of projections, of other exponents, of the Gaussians with the same moments (SPEC 3, post 6280)."""

from __future__ import annotations

from math import inf

import numpy as np
from flint import arb

from detrace import judge, law
from detrace.laws import kexue
from detrace.oracles.rationals import rational
from detrace.strategies.samples import line_problems, problems
from detrace.strategies.scalars import choices
from verify.gaussian_wasserstein import Pair
from verify.transport_bottleneck import ROUNDED, offered
from verify.wasserstein_bounds import Distance, positive, power

STRETCH = np.array([[2.0, 1.0], [1.0, 1.0]])
"""A positive definite matrix that commutes with few covariances."""


@law(r"W_2^2(\mu, \nu) \ge \textstyle\sum_k W_2^2(\mu_k, \nu_k),\quad W_1(\mu, \nu) \ge \max_k W_1(\mu_k, \nu_k)", least=24,
     source=("marginals of a plan are plans", kexue(6280, 4)), p=choices(2.0, 1.0),
     P=problems(max_n=4, weights=("uniform", "dyadic"), p=(2.0,)))  # fmt: skip
def coordinates_are_no_further_apart(wasserstein, wasserstein_1d, P, p, space):
    """Coordinates k of samples of R^d, on the line; equality for d = 1 and for translates along an axis. Bound: what all the
    distances may be off, (n+m+p) u·M·D^p on the p-th powers."""
    x, y, _, a, b = P
    whole = Distance((x, y, p, a, b), space)
    parts = [(u, v, p, a, b) for u, v in zip(x.T, y.T, strict=True)]
    costs = [power(wasserstein_1d(*part), p) for part in parts]
    least = sum(costs, arb(0)) if p == 2 else max(costs, key=float)
    off = whole.error + sum((Distance(part, space).error for part in parts), arb(0))
    judge(positive(least - power(wasserstein(x, y, p, a, b), p)), off, scale=whole.natural, why="all the errors")


@law(r"W_p^p \le W_\infty^{p-q}\, W_q^q,\quad q \le p", source="|x−y|^p ≤ W_∞^(p−q) |x−y|^q where mass is moved",
     q=choices(1.0, 1.5), p=choices(2.0, 3.0), P=line_problems(weights=("dyadic", "uniform"), p=(3.0,)))  # fmt: skip
def distances_interpolate(wasserstein_1d, P, p, q, space):
    """Any total mass; one plan serves all exponents on the line; equality for translates. Bound: what the three distances may
    be off, (n+m+p) u·M·D^p on their powers and 8u·W_∞."""
    x, y, _, a, b = P
    if not offered(wasserstein_1d):
        return
    high, low = Distance((x, y, p, a, b), space), Distance((x, y, q, a, b), space)
    top = arb(float(wasserstein_1d(x, y, inf, a, b))) ** arb(p - q)
    most = top * power(wasserstein_1d(x, y, q, a, b), q)
    off = high.error + top * low.error + ROUNDED * (p - q) * space.u * most
    judge(positive(power(wasserstein_1d(x, y, p, a, b), p) - most), off, scale=high.natural, why="all three errors")


@law(r"W_2(\mu, \nu) \ge W_2\bigl(N(\mathrm{E}\mu, \mathrm{cov}\,\mu),\ N(\mathrm{E}\nu, \mathrm{cov}\,\nu)\bigr)",
     source="Gelbrich 1990", dtypes="wide", least=40, k=choices(0, 10, -10), how=choices("apart", "moved", "stretched"),
     P=problems(max_n=5, max_dims=2, p=(2.0,), kinds=("lattice",), weights=("uniform",), same=True, scaled=False))  # fmt: skip
def gaussians_with_these_moments_are_no_further(wasserstein, gaussian_w2, P, k, how, space):
    """Four whole points each, so that means and covariances are exact, at scale 2ᵏ; equality for a translate, and for an image
    by a positive matrix, the slope of a convex function. Bound: what both distances may be off, (n+m+2) u·M·D² on the square
    of one, β(S) + β(T) + rounding of the terms of the other."""
    x, y, *_ = P
    x = np.resize(x, (4, x.shape[1])) * 2.0**k
    stretched = x @ STRETCH[: x.shape[1], : x.shape[1]]
    y = {"apart": np.resize(y, x.shape) * 2.0**k, "moved": x + 2.0**k, "stretched": stretched}[how]
    moments = [part for z in (x, y) for part in (z.mean(axis=0), (z - z.mean(axis=0)).T @ (z - z.mean(axis=0)) / 4)]
    d, pair = Distance((x, y, 2.0, None, None), space), Pair((moments[0], moments[1], moments[2], moments[3]), space)
    near, far = arb(rational(gaussian_w2(*moments))), arb(rational(wasserstein(x, y, 2.0, None, None)))
    judge(positive(near - far), d.off(d.error) + pair.loose, scale=d.largest, why="both errors", got=float(near),
          truth=float(far))  # fmt: skip

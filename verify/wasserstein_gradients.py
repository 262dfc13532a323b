r"""Gradients of the Wasserstein distance in points and weights, on the line and as a linear program (SPEC 3).

By the envelope theorem the derivative of W_p^p in the points is the optimal plan's, in the weights the dual potentials, up to a
constant, since only mass that is moved counts. Points are on the line, where both contracts have one truth.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from flint import arb, fmpq

from detrace import branch, judge, law, require
from detrace.laws import each, kexue
from detrace.oracles import wasserstein as exact
from detrace.oracles.rationals import floats, rational
from detrace.strategies.samples import line_problems, problems
from detrace.strategies.scalars import choices
from verify.wasserstein_bounds import Distance, lost, positive

BOTH = ("wasserstein_1d", "wasserstein")
GENERAL = {"max_n": 4, "weights": ("dyadic",), "least": 1, "apart": True, "scaled": False}


def arguments(distance: Any, P: tuple[Any, ...]) -> tuple[Any, ...]:
    """The problem as the contract takes it: points of the line as points of R¹ for the linear program."""
    x, y, *rest = P
    return P if distance.contract.name == "wasserstein_1d" else (x[:, None], y[:, None], *rest)


@law(r"\partial W_p/\partial x_i = W_p^{1-p} \textstyle\sum_j \Gamma_{ij}\,|x_i-y_j|^{p-1}\operatorname{sgn}(x_i - y_j)",
     source=kexue(6280, 1, 3), needs="autodiff", distance=each(*BOTH), P=line_problems(**GENERAL))  # fmt: skip
def distance_has_its_gradient_in_the_points(distance, P, space):
    """Points that all differ, each of positive mass: W_p is differentiable there. Bound: (n+m+3p+4) roundings of the terms of
    each coordinate, and what the plan of the linear program may be off, (n+m)u·M, at slope D^{p−1} W^{1−p}."""
    x, y, p, a, b = P
    d, pieces = Distance(P, space), exact.coupling(x, y, a, b).pieces
    lever = d.value ** (1 - arb(p))
    got = np.ravel(distance.gradient(*arguments(distance, P), wrt=0))
    xs, ys, terms = rational(x), rational(y), x.size + y.size + 3 * p + 4
    steepest = d.reach ** (1 - 1 / arb(p)) * lever
    sloppy = (x.size + y.size) * space.u * arb(sum(rational(a))) * steepest if distance.contract.name == "wasserstein" else 0
    for i in range(len(x)):
        parts = [arb(w) * exact.power(c, p - 1) * (1 if xs[i] > ys[j] else -1) * lever for k, j, w, c in pieces if k == i]
        size = sum((abs(v) for v in parts), arb(0))
        judge(abs(arb(float(got[i])) - sum(parts, arb(0))), terms * space.u * size + sloppy, why="(n+m+3p+4) roundings",
              scale=max(size, steepest, key=float), got=got, truth=float(sum(parts, arb(0)).mid()))  # fmt: skip


@law(r"\partial W_p/\partial a_i = W_p^{1-p} f_i/p + \text{const}", source=kexue(6280, 14, 30), needs="autodiff", dtypes="wide",
     distance=each(*BOTH), P=line_problems(**GENERAL))  # fmt: skip
def distance_has_its_gradient_in_the_weights(distance, P, space):
    """f the Kantorovich potential, where it is unique up to a constant (no partial sums of both measures agree; else
    undecided). Bound: n+m differences of costs, each off by (p+1)u·D^p, times W^{1−p}/p."""
    x, y, p, a, b = P
    d = Distance(P, space)
    best = exact.optimum(x[:, None], y[:, None], p, a, b)
    lever = d.value ** (1 - arb(p)) / p
    got = np.ravel(distance.gradient(*arguments(distance, P), wrt=3))
    terms, size = (x.size + y.size) * (p + 3), d.reach * lever
    for i in range(1, len(x)):
        error = arb(rational(got[i]) - rational(got[0])) - arb(best.f[i] - best.f[0]) * lever
        judge(abs(error), terms * space.u * size, scale=size if best.one_potential else 0.0, got=got,
              why="(n+m)(p+3)u·D^p W^{1−p}" if best.one_potential else "the potentials are not unique")  # fmt: skip


@law(r"|\partial W_p/\partial x_i| \le a_i^{1/p}", source="SPEC 3", needs="autodiff", distance=each(*BOTH), wrt=choices(0, 1),
     P=problems(max_n=3, max_dims=1, weights=("uniform", "dyadic"), least=1, scaled=False), move=choices(0.0, 1.0))  # fmt: skip
def distance_has_a_finite_gradient_at_coincident_points(distance, P, wrt, move, space):
    """Equal measures, or all atoms but one in place, where roots and norms of 0 are differentiated: finite, and by Hölder's
    inequality no longer than a_i^{1/p}, whatever plan is chosen. Bound: (n+m+3p+4) u."""
    x, _, p, a, _ = P
    x = x[:, 0]
    y = x.copy()
    y[0] += move
    got = np.ravel(distance.gradient(*arguments(distance, (x, y, p, a, a)), wrt=wrt))
    require(bool(np.isfinite(got).all()), "the gradient is not finite", got=got)
    for value, mass in zip(got, exact.weights(a, len(x)), strict=True):
        slope = arb(mass) ** (1 / arb(p))
        judge(positive(abs(arb(float(value))) - slope), (2 * x.size + 3 * p + 4) * space.u * slope + lost(space, 1),
              scale=slope, why="(n+m+3p+4) u", got=got)  # fmt: skip


def spread(x: np.ndarray, y: np.ndarray) -> Any:
    """x as rationals beside the first point of x, y likewise: what a translation cannot change."""
    origin = rational(x[:1])
    return rational(x) - origin, rational(y) - origin


@law(r"\sum_i \langle \partial_{x_i} W_p, x_i\rangle + \sum_j \langle \partial_{y_j} W_p, y_j\rangle = W_p,\quad"
     r" \sum_i \partial_{x_i} W_p + \sum_j \partial_{y_j} W_p = 0", source="Euler; SPEC 3: gradients, scalings",
     needs="autodiff", dtypes="wide", distance=each(*BOTH), least=50,
     P=problems(max_n=4, weights=("uniform", "dyadic"), least=1))  # fmt: skip
def gradient_in_the_points_obeys_euler(distance, P, space):
    """W_p grows with the scale and ignores a translation, so its gradient satisfies Euler's identity, whatever optimal plan it
    comes from, in R^d too (the line for `wasserstein_1d`) and with points and masses scaled by 10^±20: an ε under a root or a
    clamped slope shows at small scales. Bound: each slope is known to (n+m+3p+4)u of M·D^{p−1}W^{1−p} and the plan to
    (n+m)u·M, over distances ≤ 2D; so 2d(3(n+m)+3p+4) u·M·D^p W^{1−p}, against W."""
    x, y, p, a, b = P
    if distance.contract.name == "wasserstein_1d":
        x, y = x[:, 0], y[:, 0]
    P = (x, y, p, a, b)
    d = Distance(P, space)
    if not d.cost > 0:
        branch("equal measures")
        require(bool(np.isfinite(distance.gradient(*P, wrt=0)).all()), "the gradient is not finite")
        return
    slopes = [rational(distance.gradient(*P, wrt=k)) for k in (0, 1)]
    lever = d.value ** (1 - arb(p))
    bound = 2 * (x.ndim if x.ndim == 1 else x.shape[1]) * (3 * (len(x) + len(y)) + 3 * p + 4) * space.u * d.size * lever
    euler = sum(((g * z).sum() for g, z in zip(slopes, spread(x, y), strict=True)), fmpq(0))
    got = [floats(g) for g in slopes]
    judge(abs(arb(euler) - d.value), bound, scale=d.value, why="2d(3(n+m)+3p+4) u·M·D^p W^{1−p}", got=got, truth=float(d.value))
    total = max(abs(v) for v in np.ravel(slopes[0].sum(axis=0) + slopes[1].sum(axis=0)))
    reach = d.reach ** (1 / arb(p))
    judge(arb(total), bound / reach, scale=d.value / reach, why="the same, over D", got=got)


@law(r"|\partial_{a_i} W_1 - \partial_{a_k} W_1| \le |x_i - x_k|", source=("SPEC 3: gradients", kexue(6280, 35)),
     needs="autodiff", dtypes="wide", distance=each(*BOTH), equal=choices(False, True),
     P=line_problems(max_n=4, p=(1.0,), weights=("dyadic",), least=1))  # fmt: skip
def gradient_in_the_weights_is_a_critic(distance, P, equal, space):
    """At p = 1 the derivative by the masses is Kantorovich's potential, hence 1-Lipschitz on atoms with mass, also where it is
    not unique and where both measures are equal, W = 0. Bound: n+m differences of costs, 4(n+m) u·D."""
    x, y, p, a, b = P
    if equal:
        y, b = x[::-1].copy(), a[::-1].copy()
    got = np.ravel(distance.gradient(*arguments(distance, (x, y, p, a, b)), wrt=3))
    require(bool(np.isfinite(got).all()), "the gradient is not finite", got=got)
    f, z, every = rational(got), rational(x), np.concatenate([x, y])
    reach = float(rational(every.max()) - rational(every.min()))
    excess = max(abs(f[i] - f[k]) - abs(z[i] - z[k]) for i in range(len(x)) for k in range(len(x)))
    judge(max(0, excess), 4 * (len(x) + len(y)) * space.u * reach, scale=reach or 1.0, why="4(n+m) u·D", got=got, truth=x)

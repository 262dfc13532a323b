"""Transport beyond a handful of points: answers that carry their proof, optima that are known beforehand, long ways.

Problems of up to 200 × 200 are judged in integers at O(nm), without a solver. Rounding costs what `transport_bounds` derives
for any size: a basis is a tree of n + m − 1 cells.
"""

from __future__ import annotations

import numpy as np
from flint import arb, fmpq

from detrace import branch, judge, law, require
from detrace.laws import each, kexue
from detrace.oracles import dyadics
from detrace.oracles.rationals import floats, rational
from detrace.strategies.large_transport import Recipe, build, planted, planted_recipes, recipes
from detrace.strategies.scalars import choices, integers
from verify.transport_bounds import MASS, POTENTIAL, VALUE, Problem, cost_of
from verify.wasserstein_bounds import lost

SIZES = "SPEC 3: sizes"


@law(r"\Gamma \ge 0,\ A\Gamma = b,\ A^\top F \le C,\ \langle\Gamma,C\rangle = \langle b,F\rangle", source=kexue(6280, 23),
     dtypes="wide", recipe=recipes())  # fmt: skip
def larger_problems_carry_their_certificate(optimal_transport, recipe, space):
    """From 4×4 to 200×200, square and oblong, with ties, duplicates, dust and degenerate bases: the answer is judged by its own
    certificate, exactly: margins, feasibility of the potentials, gap, cost. Bounds: (n+m)u·mass, (n+m)u·max|C| and their
    product."""
    problem = build(Recipe(*recipe), space)
    p = Problem(problem, space)
    a, b, C = problem
    branch("large" if p.n * p.m > 4096 else "n = m" if p.n == p.m else "n ≠ m")
    cost, plan, f, g = optimal_transport(a, b, C)
    require(bool((plan >= 0).all()), "a plan has no negative entries")
    judge(dyadics.margin_errors(plan, a, b), p.mass_error, scale=p.mass, why=MASS)
    judge(max(0, -dyadics.least_slack(C, f, g)), p.potential_error, scale=p.top or 1.0, why=POTENTIAL)
    pays, promises = dyadics.inner(plan, C), dyadics.inner(a, f) + dyadics.inner(b, g)
    judge(abs(pays - promises), p.value_error, scale=p.mass * p.top or 1.0, why=VALUE, got=floats(promises), truth=floats(pays))
    p.judge_value(cost, pays)


@law(r"C = f \oplus g + s,\ s \ge 0,\ s\Gamma = 0 \;\Rightarrow\; \mathrm{OT}(a, b, C) = a\cdot f + b\cdot g",
     source=(SIZES, kexue(6280, 22, 30)), dtypes="wide", cost_function=each("optimal_transport", "transport_cost"),
     recipe=planted_recipes(), least=36)  # fmt: skip
def planted_optimum_is_found(cost_function, recipe, space):
    """A plan and potentials that leave each other no slack are optimal: an optimum is chosen first, assignments among them, and
    costs around it, up to 200×200. Bound: (n+m)u·max|C|·mass."""
    problem, (f, g) = planted(Recipe(*recipe), space)
    a, b, _ = problem
    Problem(problem, space).judge_value(cost_of(cost_function, *problem), dyadics.inner(a, f) + dyadics.inner(b, g))


@law(r"\|\Gamma 1 - a\|_1 + \|\Gamma^\top 1 - b\|_1 \le \mathrm{tol}\cdot M,\quad"
     r" \Gamma = e^{(f \oplus g - C)/\mathrm{reg}},\quad n, m \le 200", source=(SIZES, kexue(6280, 4, 6)), cost=2.0, least=16,
     dtypes="wide", recipe=recipes(("uniform", "normalised"), ("squared", "line", "full")),
     sharp=choices(4, 1, 4))  # fmt: skip
def sinkhorn_of_many_points(sinkhorn, recipe, sharp, space):
    """Dozens of points, costs up to 1, reg = 2^−sharp, tol = 2⁻¹⁰: the residual exactly, 24 cells against their potentials.
    Bounds: beyond tol·mass exponents off by 4u·max C/reg and n + m roundings of a sum, (n + m + 8 + 4 max C/reg)u·mass;
    3u(|fᵢ|+|gⱼ|+|Cᵢⱼ|)/reg + 4u of a cell."""
    a, b, C = build(Recipe(*recipe), space, scaled=False)
    n, m = C.shape
    C, reg, tol = C * 2.0 ** -np.frexp(C.max())[1], 2.0**-sharp, 2.0**-10
    plan, f, g = sinkhorn(a, b, C, reg, tol)
    require(bool((plan >= 0).all()), "a plan has no negative entries")
    mass = float(a.sum())
    excess = dyadics.margin_errors(plan, a, b) - rational(tol) * rational(mass)
    judge(max(0, excess), (n + m + 8 + 4 * float(C.max()) / reg) * space.u * mass + lost(space, n * m, mass), scale=mass,
          why="(n + m + 8 + 4 max C/reg)u·mass, beyond tol·mass")  # fmt: skip
    for k in range(24):
        i, j = k * 7 % n, k * 11 % m
        exponent = arb(sum(map(rational, (f[i], g[j], -C[i, j])), fmpq(0)) / rational(reg))
        sizes = (abs(f[i]) + abs(g[j]) + C[i, j]) / reg
        judge(abs(arb(float(plan[i, j])) - exponent.exp()), (3 * sizes + 4) * space.u * exponent.exp() + lost(space, 1, mass),
              scale=exponent.exp(), why="(3(|f|+|g|+|C|)/reg + 4)u Γ", got=plan[i, j])  # fmt: skip


@law(r"D^*(x_i, x_j) = |s_i - s_j|", source=SIZES, dtypes="wide", n=choices(17, 33), step=integers(1, 50),
     k=choices(0, 40, -40))  # fmt: skip
def closure_of_a_long_chain(metric_closure, n, step, k, space):
    """n points in a row and in any order, where all but neighbours are dearer apart than the whole row is long: the cheapest
    path takes up to n − 1 steps. Whole lengths times 2ᵏ, so no sum is rounded. Bound: u of the longest path."""
    order = np.argsort(np.arange(n) * step % 61, kind="stable")
    place = np.concatenate([[0], np.cumsum(1 + np.arange(n - 1) * step % 7)])[order] * 1.0
    truth = np.abs(np.subtract.outer(place, place))
    rank = np.argsort(np.argsort(place))
    near = np.abs(np.subtract.outer(rank, rank)) <= 1
    got = metric_closure(np.where(near, truth, truth + 7.0 * n) * 2.0**k)
    error = np.abs(got * 2.0**-k - truth).max()
    judge(error, space.u * truth.max(), scale=truth.max(), why="u·longest path", got=got)

r"""Laws of transport in batches: each slice as accurate as if it were alone, whatever lies beside it (SPEC 3: batches).

Leading axes broadcast as in NumPy. Slices have scales of their own, from 10^−20 to 10^+20 where the dtype holds them, so that a
tolerance, a scale or a stopping rule shared by a batch shows. The bounds are those of the single problem; its judge is called
for every slice. An implementation that takes one problem a call and refuses others with an error is not judged here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf
from typing import Any

import numpy as np
from flint import arb

from detrace import branch, judge, law, require, undecided
from detrace.laws import each
from detrace.oracles import linear_programs, transport
from detrace.oracles.rationals import floats, rational
from detrace.strategies.ground_costs import DETOURS, NON_NEGATIVE
from detrace.strategies.linear_systems import linear_systems
from detrace.strategies.measures import ground_costs, kantorovich_problems, potentials_below, transport_problems
from detrace.strategies.samples import entropic_problems, gaussians, line_problems, problems
from detrace.strategies.scalars import choices, integers
from verify.cost_matrix import judge_costs
from verify.gaussian_wasserstein import Pair
from verify.kantorovich import PATHS
from verify.linear_programs import check_separation, check_weights
from verify.sinkhorn import judge_margins
from verify.sinkhorn_iterations import judge_iterations
from verify.total_variation import half_distance
from verify.transport_bottleneck import Line, offered
from verify.transport_bounds import Problem
from verify.wasserstein_bounds import Distance, lost

BATCHES = "SPEC 3: batches"
FORMS = choices("flat", "column", "first shared", "last shared", "crossed", "one", "empty")
"""Leading axes (3,); (3, 1); none for the first or the last group of arguments; (2, 1) and (2,); (1,); (0,)."""
UNSHARED = choices("flat", "column", "first shared", "last shared", "crossed", "one", "empty", "flat", "column")
"""More batches whose slices have everything of their own."""
ORDER = integers(0, 2)
FAR = ((0, 0), (-66, 66), (66, -66))
APART = ((0, 0), (-66, 24), (40, -40))
NEAR = ((0, 0), (-1, 2), (2, -1))
"""Exponents of the slices' masses and costs where the range is that of float64, of float32, or less: products of the largest
and of the smallest, which meet where slices are shared, stay inside."""


def scales(space: Any, order: int) -> list[tuple[int, int]]:
    """Exponents for three slices, as far apart as the dtype allows."""
    table = FAR if space.max > 2.0**1000 else APART if space.max > 2.0**120 else NEAR
    return [table[(i + order) % 3] for i in range(3)]


def batch(form: str, *groups: Sequence[tuple[Any, ...]]) -> list[np.ndarray]:
    """Arguments with leading axes, from three slices of each group of arguments; a group has leading axes of its own."""
    stacked = [[np.stack(v) for v in zip(*slices, strict=True)] for slices in groups]
    place = {"first shared": 0, "last shared": len(groups) - 1, "crossed": len(groups) - 1}.get(form)
    arguments = []
    for k, group in enumerate(stacked):
        for v in group:
            if form in ("first shared", "last shared") and k == place and len(groups) > 1:
                v = v[0]
            elif form == "crossed" and len(groups) > 1:
                v = v[:2] if k == place else v[:2, None]
            elif form in ("one", "empty"):
                v = v[: form == "one"]
            elif form == "column":
                v = v[:, None]
            arguments.append(v)
    branch(form)
    return arguments


def slices(arguments: list[np.ndarray], ranks: tuple[int, ...], result: Any) -> Iterator[tuple[Any, Any]]:
    """Each slice's own arguments, and what was returned for it."""
    lead = np.broadcast_shapes(*(v.shape[: v.ndim - r] for v, r in zip(arguments, ranks, strict=False)))
    whole = [np.broadcast_to(v, (*lead, *v.shape[v.ndim - r :])) for v, r in zip(arguments, ranks, strict=False)]
    for i in np.ndindex(*lead):
        yield tuple(v[i].copy() for v in whole), tuple(r[i] for r in result) if isinstance(result, tuple) else result[i]


def taken(function: Any, *arguments: Any) -> bool:
    """Whether leading axes are taken at all; a refusal leaves the example undecided, since it is no wrong number."""
    refusal = function.raises(*arguments)
    if refusal is not None:
        undecided(f"takes one problem a call: {type(refusal).__name__}")
    return refusal is None


@law(r"\mathrm{OT}([a_k], [b_k], [C_k])_k = \mathrm{OT}(a_k, b_k, C_k)", source=BATCHES, form=FORMS, order=ORDER,
     cost_function=each("optimal_transport", "transport_cost"),
     problem=transport_problems(masses=("counts", "uniform", "powers", "normalised"), max_n=4, scaled=False))  # fmt: skip
def transport_of_a_batch(cost_function, problem, form, order, space):
    """Masses and costs turned and scaled differently in each slice, shared, crossed, or none at all: cost, plan and potentials
    of each. Bounds: (n+m)u·max|C|·mass, (n+m)u·mass, (n+m)u·max|C| of the slice."""
    a, b, C = problem
    powers = scales(space, order)
    masses = [(np.roll(a, i) * 2.0**j, b[:: 1 - 2 * (i % 2)] * 2.0**j) for i, (j, _) in enumerate(powers)]
    costs = [(np.roll(C, 2 * i, axis=i % 2) * 2.0**k,) for i, (_, k) in enumerate(powers)]
    arguments = batch(form, masses, costs)
    if not taken(cost_function, *arguments):
        return
    for given, got in slices(arguments, (1, 1, 2), cost_function(*arguments)):
        p = Problem(given, space)
        if cost_function.contract.name == "transport_cost":
            p.judge_value(got)
            continue
        cost, plan, f, g = got
        p.judge_value(cost)
        require(bool((plan >= 0).all()), "a plan has no negative entries", got=plan)
        p.judge_plan(plan)
        p.judge_dual(f, g)


@law(r"\mathrm{KR}([a_k], [b_k], [D_k])_k = \mathrm{KR}(a_k, b_k, D_k)", source=BATCHES, form=FORMS, order=ORDER,
     problem=kantorovich_problems(max_n=4, scaled=False, grounds=("squared", "line", "one-way", "asymmetric")))  # fmt: skip
def critics_of_a_batch(kantorovich_rubinstein, problem, form, order, space):
    """Value and critic of each slice: the transport cost, 1-Lipschitz, and attained. Bounds: those of one problem, 3nu·max|D|
    and that times mass."""
    a, b, D = problem
    powers = scales(space, order)
    masses = [(np.roll(a, i) * 2.0**j, b[:: 1 - 2 * (i % 2)] * 2.0**j) for i, (j, _) in enumerate(powers)]
    arguments = batch(form, masses, [(np.roll(D, (i, i), axis=(0, 1)) * 2.0**k,) for i, (_, k) in enumerate(powers)])
    if not taken(kantorovich_rubinstein, *arguments):
        return
    for given, (value, f) in slices(arguments, (1, 1, 2), kantorovich_rubinstein(*arguments)):
        p, x = Problem(given, space), rational(f)
        p.judge_value(value, transport.kantorovich_rubinstein(*given), PATHS)
        steep = max(0, (x[:, None] - x[None, :] - p.C).max())
        judge(steep, PATHS * p.potential_error, scale=p.top or 1.0, why="3nu·max|D|", got=f)
        p.judge_value((p.a - p.b) @ x, rational(value), PATHS)


@law(r"[f_k]^{c_k} = [f_k^{c_k}]", source=BATCHES, below=potentials_below(max_n=4), form=FORMS, order=ORDER, least=40)
def c_transforms_of_a_batch(c_transform, below, form, order, space):
    """Potentials turned and costs scaled differently in each slice. Bound: u|f^c(j)|, entry by entry."""
    _, _, C, f = below
    signs = [(-1.0) ** (i + order) for i in range(3)]
    arguments = batch(form, [(np.roll(f, i) * s,) for i, s in enumerate(signs)], [(C * s / 2**i,) for i, s in enumerate(signs)])
    if not taken(c_transform, *arguments):
        return
    for given, got in slices(arguments, (1, 2), c_transform(*arguments)):
        for x, y in zip(rational(got), transport.c_transform(*given), strict=True):
            size = abs(float(y))
            judge(abs(x - y), space.u * size + lost(space, 1), scale=size or 1.0, why="u|f^c(j)|", got=got, truth=floats(y))


@law(r"\overline{[D_k]} = [\overline{D_k}]", source=BATCHES,
     D=ground_costs(kinds=(*NON_NEGATIVE, *DETOURS), max_n=6, min_n=3, scaled=False),
     form=choices("flat", "column", "one", "empty"), order=ORDER, least=40)  # fmt: skip
def closures_of_a_batch(metric_closure, D, form, order, space):
    """Ground costs turned and scaled differently in each slice; paths of several steps. Bound: nu·D̄(i,j) of the slice."""
    costs = [(np.roll(D, (i, i), axis=(0, 1)) * 2.0**k,) for i, (_, k) in enumerate(scales(space, order))]
    arguments = batch(form, costs)
    if not taken(metric_closure, *arguments):
        return
    for (one,), got in slices(arguments, (2,), metric_closure(*arguments)):
        for x, y in zip(rational(got).ravel(), transport.closure(one).ravel(), strict=True):
            size = float(y)
            judge(abs(x - y), len(D) * (space.u * size + lost(space, 1)), scale=size or 1.0, why="nu along the path", got=got)


@law(r"\mathrm{TV}([a_k],[b_k])_k = \mathrm{TV}(a_k,b_k)", source=BATCHES, form=FORMS, order=ORDER,
     P=line_problems(same=True, weights=("dyadic", "counts"), p=(1.0,), scaled=False))  # fmt: skip
def total_variations_of_a_batch(total_variation, P, form, order, space):
    """Masses of very different totals side by side. Bound: n+1 roundings of each value."""
    *_, a, b = P
    powers = [j for j, _ in scales(space, order)]
    arguments = batch(form, [(np.roll(a, i) * 2.0**j,) for i, j in enumerate(powers)], [(b * 2.0**j,) for j in powers])
    if not taken(total_variation, *arguments):
        return
    for given, got in slices(arguments, (1, 1), total_variation(*arguments)):
        truth = half_distance(*given)
        judge(abs(arb(float(got)) - truth), (len(a) + 1) * space.u * truth + lost(space, 2),
              scale=truth if truth > 0 else inf, why="(n+1) u TV", got=got, truth=float(truth))  # fmt: skip


@law(r"C([x_k], [y_k])_k = C(x_k, y_k)", source=BATCHES, form=FORMS, order=ORDER, p=choices(1.0, 2.0, 1.5),
     P=problems(max_n=3, weights=("uniform",), kinds=("lattice", "dense", "clusters"), scaled=False))  # fmt: skip
def costs_of_a_batch(cost_matrix, P, form, order, p, space):
    """Points near each other beside points far away; one of the samples shared. Bound: (d+4)·max(p,1) u of each cost."""
    x, y, *_ = P
    exponents = (0, -20, 20) if space.max > 2.0**120 else (0, -1, 1)
    powers = [exponents[(i + order) % 3] for i in range(3)]
    arguments = batch(form, [(np.roll(x, i, axis=0) * 2.0**k,) for i, k in enumerate(powers)], [(y * 2.0**k,) for k in powers])
    if not taken(cost_matrix, *arguments, p):
        return
    for (first, second), got in slices(arguments, (2, 2), cost_matrix(*arguments, p)):
        judge_costs(got, first, second, p, space)


@law(r"W_p([\mu_k], [\nu_k])_k = W_p(\mu_k, \nu_k)", source=BATCHES, form=FORMS, order=ORDER,
     p=choices(1.0, 2.0, inf), distance=each("wasserstein_1d", "wasserstein"),
     P=line_problems(max_n=4, weights=("dyadic", "rounded", "uniform"), kinds=("lattice", "dense"), scaled=False,
                     p=(1.0,)))  # fmt: skip
def distances_of_a_batch(distance, P, form, order, p, space):
    """Points and masses turned and scaled differently in each slice, masses or points shared; totals equal exactly or up to
    rounding, or no masses given. Bounds: (n+m+p) u·M·D^p of the slice; for p = ∞ as for the quantiles."""
    x, y, _, a, b = P
    line = distance.contract.name == "wasserstein_1d"
    if p == inf and not offered(distance):
        return
    powers = scales(space, order)
    first, second = ([space.round(np.roll(z, i) * 2.0 ** (k // 2)) for i, (_, k) in enumerate(powers)] for z in (x, y))
    c = d = None
    if a is None:
        u, v = batch(form, [(z,) for z in first], [(z,) for z in second])
    else:
        masses = [(np.roll(a, i) * 2.0**j, b[:: 1 - 2 * (i % 2)] * 2.0**j) for i, (j, _) in enumerate(powers)]
        u, v, c, d = batch(form, list(zip(first, second, strict=True)), masses)
    arguments = (u, v, p, c, d) if line else (u[..., None], v[..., None], p, c, d)
    if not taken(distance, *arguments):
        return
    for (s, t, *weights), got in slices([w for w in (u, v, c, d) if w is not None], (1, 1, 1, 1), distance(*arguments)):
        e, f = weights or (None, None)
        if p == inf:
            Line(s, t, e, f, space).judge(got)
        else:
            Distance((s, t, p, e, f), space).judge(got)


@law(r"W_2([N_k], [N'_k])_k = W_2(N_k, N'_k)", source=BATCHES, form=FORMS, order=ORDER, G=gaussians(scaled=False))
def gaussian_distances_of_a_batch(gaussian_w2, G, form, order, space):
    """Covariances of full and low rank scaled differently in each slice. Bound: β(S) + β(T) + rounding of the terms, of the
    slice."""
    m1, S, m2, T = G
    powers = [k // 2 for _, k in scales(space, order)]
    first = [(m1[::-1] * 2.0**k, S[::-1, ::-1] * 4.0**k) if i % 2 else (m1 * 2.0**k, S * 4.0**k) for i, k in enumerate(powers)]
    arguments = batch(form, first, [(m2 * 2.0**k, T * 4.0**k) for k in powers])
    if not taken(gaussian_w2, *arguments):
        return
    for given, got in slices(arguments, (1, 2, 1, 2), gaussian_w2(*arguments)):
        Pair(given, space).judge(got)


def entropic_batch(E: Any, form: str, order: int, space: Any) -> list[np.ndarray]:
    """Masses scaled differently in each slice; costs turned, and small beside reg in all slices but one."""
    a, b, C, *_ = E
    powers = [j for j, _ in scales(space, order)]
    masses = [(np.roll(a, i) * 2.0**j, b[:: 1 - 2 * (i % 2)] * 2.0**j) for i, j in enumerate(powers)]
    return batch(form, masses, [(np.roll(C, i, axis=0) * 2.0 ** (-4 * ((i + order) % 3)),) for i in range(3)])


@law(r"\Gamma([a_k], [b_k], [C_k])_k = \Gamma(a_k, b_k, C_k)", source=BATCHES, form=UNSHARED, order=ORDER, least=40,
     E=entropic_problems(min_n=2, max_n=3, weights=("dyadic", "counts"), scaled=False))  # fmt: skip
def sinkhorn_of_a_batch(sinkhorn, E, form, order, space):
    """Slices that are easy and slices that take long, of masses from 10^−20 to 10^+20: each has its margins up to tol of its
    own mass, and is the exponential of its potentials. Bounds: those of one problem (and, as there, a smallest number times
    1 + M: plans are computed with total mass 1)."""
    *_, reg, tol = E
    arguments = entropic_batch(E, form, order, space)
    if not taken(sinkhorn, *arguments, reg, tol):
        return
    for (a, b, C), (plan, f, g) in slices(arguments, (1, 1, 2), sinkhorn(*arguments, reg, tol)):
        judge_margins(plan, a, b, tol, space)
        for i, j in zip(*np.nonzero((a[:, None] > 0) & (b > 0)), strict=True):
            require(bool(np.isfinite(f[i]) and np.isfinite(g[j])), "a potential is not finite", got=(f, g))
            exponent = arb(sum(map(rational, (f[i], g[j], -C[i, j]))) / rational(reg))
            truth, sizes = exponent.exp(), (abs(f[i]) + abs(g[j]) + abs(C[i, j])) / reg
            judge(abs(arb(float(plan[i, j])) - truth), (3 * sizes + 4) * space.u * truth + lost(space, 1, a.sum()), scale=truth,
                  why="(3(|f|+|g|+|C|)/reg + 4) u Γ", got=plan[i, j], truth=float(truth))  # fmt: skip


@law(r"\Gamma_t([a_k], [b_k], [C_k])_k = \Gamma_t(a_k, b_k, C_k)", source=BATCHES, form=FORMS, order=ORDER,
     times=choices(1, 3, 8), E=entropic_problems(max_n=3, weights=("dyadic", "counts"), least=1, scaled=False))  # fmt: skip
def iterations_of_a_batch(sinkhorn_iterations, E, form, order, times, space):
    """As many iterations in every slice, whatever the others have reached. Bound: that of `iterations_are_the_textbook_map`."""
    reg = E[3]
    arguments = entropic_batch(E, form, order, space)
    if not taken(sinkhorn_iterations, *arguments, reg, times):
        return
    for given, got in slices(arguments, (1, 1, 2), sinkhorn_iterations(*arguments, reg, times)):
        judge_iterations(got, (*given, reg), times, space)


@law(r"\text{Farkas}([A_k], [b_k])_k = \text{Farkas}(A_k, b_k)", source=BATCHES, form=FORMS, system=linear_systems())
def certificates_of_a_batch(farkas_certificate, system, form, space):
    """Feasible and infeasible systems side by side (b and −b): each has its own alternative. Bounds: those of one system."""
    A, b = system
    arguments = batch(form, [(A,), (A,), (A,)], [(b,), (-b,), (b,)])
    if not taken(farkas_certificate, *arguments):
        return
    for (M, v), (x, y) in slices(arguments, (2, 1), farkas_certificate(*arguments)):
        feasible = linear_programs.farkas(M, v)[0] is not None
        require(bool(y.any()) != feasible, "the answer is the other alternative", got=(x, y))
        if feasible:
            check_weights(M, v, x, space)
        else:
            check_separation(M, v, y, space)

r"""Gradients of transport in batches: the slope of a slice is that of the slice alone, and no other slice has any (SPEC 3)."""

from __future__ import annotations

from typing import Any

import numpy as np
from flint import arb, fmpq

from detrace import branch, judge, law, require
from detrace.laws import each
from detrace.oracles.rationals import floats, rational
from detrace.strategies.measures import transport_problems
from detrace.strategies.samples import line_problems
from detrace.strategies.scalars import choices, integers
from verify.transport_batches import APART, batch, taken
from verify.transport_bounds import Problem
from verify.wasserstein_bounds import Distance
from verify.wasserstein_gradients import spread

SOURCE = "SPEC 3: gradients, batches"
FORMS = choices("flat", "column", "first shared", "last shared")
WHICH = integers(0, 2)
"""The slice whose slope is asked for."""


def slope(function: Any, arguments: tuple[Any, ...], wrt: int, form: str, k: int, core: int) -> np.ndarray:
    """The gradient of half the k-th value of a batch, doubled, in the k-th slice's argument; required to be 0 in all others. An
    argument that the slices share has it whole."""
    place = (k, 0) if form == "column" else (k,)
    cotangent = np.zeros((3, 1) if form == "column" else (3,))
    cotangent[place] = 0.5
    got = 2.0 * function.gradient(*arguments, wrt=wrt, cotangent=cotangent)
    if got.ndim == core:
        return got
    others = got.copy()
    others[place] = 0.0
    require(not others.any(), f"slice {k} has a slope in another slice's argument", got=got)
    return got[place]


@law(r"\partial_{C_l} \mathrm{OT}(a_k, b_k, C_k) \ni \delta_{kl}\,\Gamma_k^*", source=SOURCE, needs="autodiff", dtypes="wide",
     form=FORMS, k=WHICH,
     problem=transport_problems(masses=("counts", "uniform", "powers"), max_n=4, scaled=False))  # fmt: skip
def slope_of_a_batch_is_the_plan_of_its_slice(transport_cost, problem, form, k, space):
    """Masses turned and scaled differently, masses or costs shared: the gradient of one value by its costs is non-negative, has
    the margins of that slice and pays its optimum. Bounds: (n+m)u·mass and (n+m)u·max|C|·mass."""
    a, b, C = problem
    masses = [(np.roll(a, i) * 2.0**j, b[:: 1 - 2 * (i % 2)] * 2.0**j) for i, (j, _) in enumerate(APART)]
    costs = [(np.roll(C, 2 * i, axis=i % 2) * 2.0**j,) for i, (_, j) in enumerate(APART)]
    arguments = tuple(batch(form, masses, costs))
    if not taken(transport_cost, *arguments):
        return
    plan = slope(transport_cost, arguments, 2, form, k, 2)
    require(bool((plan >= 0).all()), "a plan has no negative entries", got=plan)
    (c, d), (D,) = masses[0 if form == "first shared" else k], costs[0 if form == "last shared" else k]
    Problem((c, d, D), space).judge_plan(plan)


@law(r"\textstyle\sum_i \langle\partial_{x_{li}} W_p(\mu_k, \nu_k), x_{li}\rangle + \sum_j \langle\partial_{y_{lj}}"
     r" W_p(\mu_k, \nu_k), y_{lj}\rangle = \delta_{kl} W_p(\mu_k, \nu_k)", source=(SOURCE, "Euler"), needs="autodiff",
     dtypes="wide", form=FORMS, k=WHICH, distance=each("wasserstein_1d", "wasserstein"),
     P=line_problems(max_n=4, p=(1.0, 2.0), weights=("dyadic",), least=1, kinds=("lattice", "dense"),
                     scaled=False))  # fmt: skip
def slopes_of_a_batch_obey_euler(distance, P, form, k, space):
    """Points on the line turned and scaled differently, points or masses shared. Bound: that of one problem,
    2(3(n+m)+3p+4) u·M·D^p W^{1−p}, against W."""
    x, y, p, a, b = P
    points = [(np.roll(x, i) * 2.0**j, y * 2.0**j) for i, j in enumerate((0, 12, -20))]
    masses = [(np.roll(a, i) * 2.0**j, b[:: 1 - 2 * (i % 2)] * 2.0**j) for i, (j, _) in enumerate(APART)]
    u, v, c, d = batch(form, points, masses)
    line = distance.contract.name == "wasserstein_1d"
    arguments = (u, v, p, c, d) if line else (u[..., None], v[..., None], p, c, d)
    if not taken(distance, *arguments):
        return
    (s, t), (e, f) = points[0 if form == "first shared" else k], masses[0 if form == "last shared" else k]
    one = Distance((s, t, p, e, f), space)
    slopes = [rational(slope(distance, arguments, w, form, k, 1 if line else 2).ravel()) for w in (0, 1)]
    branch("equal measures" if not one.cost > 0 else form)
    if one.cost > 0:
        lever = one.value ** (1 - arb(p))
        bound = 2 * (3 * (len(s) + len(t)) + 3 * p + 4) * space.u * one.size * lever
        euler = sum(((g * z).sum() for g, z in zip(slopes, spread(s, t), strict=True)), fmpq(0))
        judge(abs(arb(euler) - one.value), bound, scale=one.value, why="2(3(n+m)+3p+4) u·M·D^p W^{1−p}",
              got=[floats(g) for g in slopes], truth=float(one.value))  # fmt: skip

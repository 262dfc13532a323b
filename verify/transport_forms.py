"""The form of exact transport: trivial sizes, and an exception wherever no answer would be right."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from detrace import law, require
from detrace.laws import each, kexue
from detrace.oracles.rationals import rational
from detrace.strategies.measures import transport_problems
from detrace.strategies.scalars import choices
from verify.transport_bounds import Problem, cost_of

FORM = "SPEC 3: form"
BAD = choices(math.nan, math.inf, -math.inf)
SCALES = choices(1.0, 2.0**-66, 2.0**40)
ERROR = r"\mathrm{NaN},\ \infty,\ a_i < 0,\ \textstyle\sum a \ne \sum b,\ \text{shapes} \mapsto \text{error}"


@law(r"n = 1 \text{ or } m = 1:\quad \Gamma_{ij} = a_i b_j / \mathrm{mass}", source=FORM,
     problem=transport_problems(masses=("one atom",)), turned=choices(False, True))  # fmt: skip
def one_atom_leaves_no_choice(optimal_transport, problem, turned, space):
    """From or to one single point, 1×1 included: the plan is the other side's masses, the cost their weighted costs. Bounds:
    (n+m)u·mass, (n+m)u·max|C|·mass."""
    a, b, C = problem
    i = int(a.argmax())
    problem = (b, a[i : i + 1], C[i : i + 1].T) if turned else (a[i : i + 1], b, C[i : i + 1])
    p = Problem(problem, space)
    cost, plan, *_ = optimal_transport(*problem)
    p.judge_mass(abs(rational(plan).reshape(-1) - rational(b)).max(), got=plan, truth=b)
    p.judge_value(cost, rational(b) @ rational(C[i]))


def refused(function: Any, arguments: tuple[Any, ...], what: str) -> None:
    require(function.raises(*arguments) is not None, f"{what}: an error is due", got=arguments)


def changed(x: np.ndarray, value: float) -> np.ndarray:
    """x with its second entry (of a matrix: that of the first row) replaced."""
    y = x.copy()
    y.flat[1] = value
    return y


def refuses_bad_masses(function: Any, a: np.ndarray, b: np.ndarray, C: np.ndarray, bad: float, space: Any) -> None:
    """Masses that are not finite, negative, of another length, or do not balance, on either side."""
    gaps = (0.25, 2.0**-10) if space.u < 2.0**-20 else (0.25,)
    for side, other in (((a, b), 0), ((b, a), 1)):
        x = side[0]
        negative = x + 2 * x[1] * np.eye(len(x))[0] - 2 * x[1] * np.eye(len(x))[1]
        wrong = [(f"a mass is {bad}", changed(x, bad)), ("a mass is negative", negative)]
        wrong += [(f"the totals differ by {gap:g} of their size", x * (1.0 + gap)) for gap in gaps]
        wrong += [("one mass is missing", x[:-1])]
        for what, y in wrong:
            refused(function, (side[1], y, C) if other else (y, side[1], C), what)
    refused(function, (-a, -b, C), "all masses are negative")


@law(ERROR, source=FORM, cost_function=each("optimal_transport", "transport_cost"), bad=BAD, scale=SCALES, dtypes="wide")
def transport_refuses_bad_input(cost_function, bad, scale, space):
    """NaN or infinity in masses or costs, a negative mass (totals balanced), totals that differ by a quarter or by 2⁻¹⁰ at any
    scale, lengths that do not fit, costs transposed, no points. No tolerance."""
    a, b, C = scale * np.array([0.5, 0.25, 0.25]), scale * np.array([0.75, 0.25]), np.arange(6.0).reshape(3, 2)
    refuses_bad_masses(cost_function, a, b, C, bad, space)
    refused(cost_function, (a, b, changed(C, bad)), f"a cost is {bad}")
    refused(cost_function, (a, b, C.T.copy()), "the costs are transposed")
    refused(cost_function, (a, b, C.reshape(-1)), "the costs are a vector")
    refused(cost_function, (np.zeros(0), np.zeros(0), np.zeros((0, 0))), "there are no points")
    cost_of(cost_function, a, b, C)


@law(ERROR, source=kexue(6280, "c16"), bad=BAD, scale=SCALES, dtypes="wide")
def kantorovich_refuses_bad_input(kantorovich_rubinstein, bad, scale, space):
    """As for transport; with unequal totals the maximum is +∞ (add a constant to f), so an error is due there too; likewise
    with a cycle of negative cost, which no f satisfies. No tolerance."""
    a, b = scale * np.array([0.5, 0.25, 0.25]), scale * np.array([0.25, 0.5, 0.25])
    D = np.abs(np.subtract.outer(np.arange(3.0), np.arange(3.0)))
    refuses_bad_masses(kantorovich_rubinstein, a, b, D, bad, space)
    refused(kantorovich_rubinstein, (a, b, changed(D, math.nan)), "a cost is NaN")
    refused(kantorovich_rubinstein, (a, b, D[:, :2].copy()), "the costs are not square")
    refused(kantorovich_rubinstein, (a, b, changed(D, -2.0)), "a cycle has negative cost")
    kantorovich_rubinstein(a, b, D)


@law(r"\text{shapes} \mapsto \text{error},\quad \mathrm{NaN} \mapsto \text{not finite}", source=FORM, n=choices(2, 3, 1))
def c_transform_keeps_form(c_transform, n, space):
    """f of another length is not broadcast, an empty minimum does not exist, NaN stays visible in its column. No tolerance."""
    f, C = np.zeros(n), np.ones((n, 3))
    refused(c_transform, (np.zeros(n + 1), C), "f is too long")
    refused(c_transform, (np.zeros(0), np.zeros((0, 3))), "the minimum over no points")
    C[-1, 1] = math.nan
    got = c_transform(f, C)
    require(bool(np.isnan(got[1])) and bool((got[[0, 2]] == 1.0).all()), "NaN belongs to its column, and only there", got=got)


@law(r"\text{negative cycle},\ \mathrm{NaN},\ \text{not square} \mapsto \text{error}", source=FORM,
     cycle=choices(1.0, 2.0**-66, 2.0**40), dtypes="wide")  # fmt: skip
def closure_keeps_form(metric_closure, cycle, space):
    """A cycle of negative cost has no cheapest path, at any scale; 1×1 is 0; NaN and matrices that are not square are
    errors. No tolerance."""
    D = cycle * np.array([[0.0, 1.0, 4.0], [-2.0, 0.0, 1.0], [4.0, 1.0, 0.0]])
    refused(metric_closure, (D,), "a cycle costs −1")
    refused(metric_closure, (changed(np.abs(D), math.nan),), "a cost is NaN")
    refused(metric_closure, (D[:, :2].copy(),), "the costs are not square")
    require(float(metric_closure(np.full((1, 1), cycle))[0, 0]) == 0.0, "from a point to itself costs nothing")


@law(r"\text{shapes},\ \mathrm{NaN},\ \infty \mapsto \text{error}", source=FORM, bad=BAD)
def farkas_refuses_bad_input(farkas_certificate, bad, space):
    """NaN or infinity in A or b, lengths that do not fit. No tolerance."""
    A, b = np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 1.0]]), np.array([1.0, 2.0])
    refused(farkas_certificate, (changed(A, bad), b), f"A holds {bad}")
    refused(farkas_certificate, (A, changed(b, bad)), f"b holds {bad}")
    refused(farkas_certificate, (A, np.ones(3)), "b has another length")
    farkas_certificate(A, b)

r"""What a transport cost does not depend on, how it scales, and its gradients (SPEC 3, post 6280).

Every change is exact in the dtype (powers of two, permutations, halves), so both sides have exact values and each may be off
by its own forward error, (n+m)u·max|C|·mass.
"""

from __future__ import annotations

import numpy as np

from detrace import law, require
from detrace.laws import each, kexue
from detrace.oracles import transport
from detrace.oracles.rationals import floats, rational
from detrace.strategies.measures import MASSES, transport_problems, unique_problems
from detrace.strategies.scalars import choices, integers
from verify.transport_bounds import Problem, cost_of

INVARIANT = "SPEC 3: invariances"
BOTH = each("optimal_transport", "transport_cost")
POWERS = (0, 1, -40, 40, -20, 20)
PLAIN = transport_problems(scaled=False)


@law(r"\mathrm{OT}(\mu a, \mu b, \kappa C) = \mu\kappa\,\mathrm{OT}(a, b, C)", source=INVARIANT, cost_function=BOTH,
     problem=PLAIN, mass=choices(*POWERS), price=choices(*POWERS), dtypes="wide")  # fmt: skip
def cost_scales_with_mass_and_costs(cost_function, problem, mass, price, space):
    """For powers of two to 2^±40 on either: masses are not normalised (mass 2 costs twice as much), and nothing is small in
    itself. Bound: both forward errors."""
    a, b, C = problem
    first = rational(cost_of(cost_function, a, b, C))
    p = Problem((a * 2.0**mass, b * 2.0**mass, C * 2.0**price), space)
    p.judge_value(cost_of(cost_function, *p.given), first * rational(2.0 ** (mass + price)), 2.0)


@law(r"\mathrm{OT}(Pa, Qb, PCQ^\top) = \mathrm{OT}(a,b,C) = \mathrm{OT}(b,a,C^\top)", source=INVARIANT, cost_function=BOTH,
     problem=transport_problems(), turn=integers(0, 5))  # fmt: skip
def order_and_direction_are_irrelevant(cost_function, problem, turn, space):
    """Rows turned, columns reversed, both sides exchanged. Bound: both forward errors."""
    a, b, C = problem
    p = Problem((a, b, C), space)
    first = rational(cost_of(cost_function, a, b, C))
    rows, columns = np.roll(np.arange(p.n), turn), np.arange(p.m)[::-1]
    p.judge_value(cost_of(cost_function, a[rows], b[columns], C[rows][:, columns]), first, 2.0)
    p.judge_value(cost_of(cost_function, b, a, C.T), first, 2.0)


@law(r"a_i = \tfrac{a_i}{2} + \tfrac{a_i}{2}", source=INVARIANT, cost_function=BOTH, problem=transport_problems(),
     atom=integers(0, 5))  # fmt: skip
def splitting_an_atom_changes_nothing(cost_function, problem, atom, space):
    """An atom as two of half its mass at the same place, on either side. Bound: the forward error, n + 1 for n."""
    a, b, C = problem
    truth = Problem((a, b, C), space).exact.value
    i, j = atom % len(a), atom % len(b)
    split = np.insert(np.where(np.arange(len(a)) == i, a / 2, a), i, a[i] / 2), b, np.insert(C, i, C[i], axis=0)
    Problem(split, space).judge_value(cost_of(cost_function, *split), truth)
    split = a, np.insert(np.where(np.arange(len(b)) == j, b / 2, b), j, b[j] / 2), np.insert(C, j, C[:, j], axis=1)
    Problem(split, space).judge_value(cost_of(cost_function, *split), truth)


@law(r"a_i = 0 \;\Rightarrow\; C_{i\cdot}\ \text{is irrelevant}", source=INVARIANT, cost_function=BOTH,
     problem=transport_problems(), atom=integers(0, 5), sign=choices(-1.0, 1.0))  # fmt: skip
def atoms_without_mass_change_nothing(cost_function, problem, atom, sign, space):
    """A row and a column without mass, cheaper or dearer than all others. Bound: the forward error, n + 1 for n."""
    a, b, C = problem
    truth, extreme = Problem((a, b, C), space).exact.value, sign * np.abs(C).max()
    i, j = atom % len(a), atom % len(b)
    padded = np.insert(a, i, 0.0), b, np.insert(C, i, extreme, axis=0)
    Problem(padded, space).judge_value(cost_of(cost_function, *padded), truth)
    padded = a, np.insert(b, j, 0.0), np.insert(C, j, extreme, axis=1)
    Problem(padded, space).judge_value(cost_of(cost_function, *padded), truth)


@law(r"\mathrm{OT}(a,b,C + r \oplus s) = \mathrm{OT}(a,b,C) + a\cdot r + b\cdot s", source=kexue(6280, 27), cost_function=BOTH,
     problem=transport_problems(costs=("integer", "tied", "squared"), scaled=False), slope=choices(1, -1, 3, -8, 50),
     dtypes="wide")  # fmt: skip
def offsets_of_rows_and_columns_add_their_means(cost_function, problem, slope, space):
    """For rᵢ = slope·i, sⱼ = 5 − slope·j and costs of whole numbers: what every plan pays alike does not move the optimum.
    Bound: the forward error at the new costs."""
    a, b, C = problem
    r, s = slope * np.arange(len(a)), 5.0 - slope * np.arange(len(b))
    p = Problem((a, b, C + r[:, None] + s[None, :]), space)
    truth = transport.optimal_transport(a, b, C).value + p.a @ rational(r) + p.b @ rational(s)
    p.judge_value(cost_of(cost_function, *p.given), truth)


@law(r"C = r \oplus s \;\Rightarrow\; f \oplus g = C \ \text{where}\ a_i b_j > 0", source=kexue(6280, "c8"),
     problem=transport_problems(costs=("separable",)))  # fmt: skip
def separable_costs_leave_no_slack(optimal_transport, problem, space):
    """AᵀF = C, with equality everywhere, has a solution only for such costs (rank n + m − 1 < nm); then every plan is
    optimal, and no cell between masses has slack. Error: slack weighted by the plan ab^⊤/mass. Bound: (n+m)u·max|C|·mass."""
    p = Problem(problem, space)
    _, _, f, g = optimal_transport(*problem)
    waste = p.a @ abs(p.slack(f, g)) @ p.b / p.a.sum()
    p.judge_value(waste, 0 * waste, 2.0)


HALF = np.array(0.5)
"""Gradients are taken of half the cost, so that what ignores the cotangent is seen."""


@law(r"\partial_C \mathrm{OT}(a,b,C) \ni \Gamma^*", source="SPEC 3: gradients", needs="autodiff",
     problem=transport_problems(masses=tuple(MASSES)))  # fmt: skip
def gradient_by_costs_is_an_optimal_plan(transport_cost, problem, space):
    """Also where several plans are optimal: the gradient by C is non-negative, has the margins and pays the optimum. Bounds:
    (n+m)u·mass and (n+m)u·max|C|·mass."""
    p = Problem(problem, space)
    plan = 2.0 * transport_cost.gradient(*problem, wrt=2, cotangent=HALF)
    require(bool((plan >= 0).all()), "a plan has no negative entries", got=plan)
    p.judge_plan(plan)


@law(r"\partial_a \mathrm{OT}(a,b,C) \ni f^* + t,\quad \partial_b \mathrm{OT}(a,b,C) \ni g^* + t", source="SPEC 3: gradients",
     needs="autodiff", problem=transport_problems())  # fmt: skip
def gradient_by_masses_is_a_potential(transport_cost, problem, space):
    """Up to the gauge: the gradient and its exact c-transform are feasible potentials that reach the optimum. Bound:
    (n+m)u·max|C|·mass."""
    a, b, C = problem
    p = Problem((a, b, C), space)
    f = 2.0 * transport_cost.gradient(*problem, wrt=0, cotangent=HALF)
    p.judge_value(p.promises(f, transport.c_transform(f, C)))
    g = 2.0 * transport_cost.gradient(*problem, wrt=1, cotangent=HALF)
    p.judge_value(p.promises(transport.c_transform(g, C.T), g))


@law(r"\nabla_C \mathrm{OT} = \Gamma^*,\quad \nabla_a \mathrm{OT} - f^*,\ \nabla_b \mathrm{OT} - g^* \in \mathbb R\,1",
     source="SPEC 3: gradients", needs="autodiff", problem=unique_problems())  # fmt: skip
def gradients_of_a_unique_optimum(transport_cost, problem, space):
    """Where plan and potentials are unique the cost is differentiable: entry by entry, by masses up to a constant each. Bounds:
    (n+m)u·mass, (n+m)u·max|C|."""
    p = Problem(problem, space)
    plan, f, g = (2.0 * transport_cost.gradient(*problem, wrt=k, cotangent=HALF) for k in (2, 0, 1))
    p.judge_mass(abs(rational(plan) - p.exact.plan).max(), got=plan, truth=floats(p.exact.plan))
    for got, truth in ((f, p.exact.f), (g, p.exact.g)):
        difference = rational(got) - truth
        p.judge_potential(abs(difference - difference[0]).max(), got=got, truth=floats(truth))

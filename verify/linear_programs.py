r"""Laws of linear programs: Farkas' alternative, and what follows from it for transport (SPEC 3, post 6280).

Exactly one of {x ≥ 0 : Ax = b} and {y : Aᵀy ≤ 0, bᵀy > 0} is non-empty. A certificate is checked exactly; what it may miss by
is what rounding its own entries costs, (m+n)u times the products' absolute values.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from detrace import judge, law, require
from detrace.laws import kexue
from detrace.oracles import linear_programs as exact
from detrace.oracles import transport
from detrace.oracles.rationals import floats, rational
from detrace.strategies.linear_systems import FEASIBLE, INFEASIBLE, JUST, SYSTEMS, linear_systems
from detrace.strategies.measures import transport_problems
from detrace.strategies.scalars import choices
from verify.transport_bounds import Problem

PRODUCTS = "(m+n)u of the products' absolute values"


def check_weights(A: np.ndarray, b: np.ndarray, x: np.ndarray, space: Any) -> None:
    """Hold x against x ≥ 0 and, row by row, Ax = b."""
    require(bool((x >= 0).all()), "the weights must not be negative", got=x)
    M, v, X = rational(A), rational(b), rational(x)
    sizes = floats(abs(M) @ X + abs(v))
    for residual, size in zip(abs(M @ X - v), sizes, strict=True):
        judge(residual, sum(A.shape) * (space.u * size + _lost(space, A)), scale=size or 1.0, why=PRODUCTS, got=x,
              truth="Ax = b")  # fmt: skip


def check_separation(A: np.ndarray, b: np.ndarray, y: np.ndarray, space: Any) -> None:
    """Hold y against bᵀy > 0 (by more than rounding explains, unless Aᵀy ≤ 0 exactly) and, column by column, Aᵀy ≤ 0."""
    M, v, Y = rational(A), rational(b), rational(y)
    columns = M.T @ Y
    doubt = rational(space.u) * (abs(v) @ abs(Y)) if (columns > 0).any() else 0
    require(bool(v @ Y > doubt), "bᵀy is not positive: y separates nothing", got=y)
    for value, size in zip(columns, floats(abs(M).T @ abs(Y)), strict=True):
        judge(max(0, value), sum(A.shape) * (space.u * size + _lost(space, A)), scale=size or 1.0, why=PRODUCTS, got=y,
              truth="Aᵀy ≤ 0")  # fmt: skip


def _lost(space: Any, A: np.ndarray) -> float:
    return space.underflow * (1.0 + float(np.abs(A).max(initial=0.0)))


@law(r"\{x \ge 0 : Ax = b\} \ne \emptyset \;\;\text{xor}\;\; \{y : A^\top y \le 0,\ b^\top y > 0\} \ne \emptyset",
     source=kexue(6280, 15, "c9", "c10"), system=linear_systems(kinds=(*SYSTEMS, *JUST)), least=60)  # fmt: skip
def farkas_gives_the_one_alternative(farkas_certificate, system):
    """b inside the cone of the columns, on its border, just outside and far from it, redundant and contradictory equations:
    the alternative that exact arithmetic finds; the other's vector is 0. No tolerance: nearly degenerate systems are drawn no
    nearer than 64u."""
    x, y = farkas_certificate(*system)
    feasible = exact.farkas(*system)[0] is not None
    require(bool(y.any()) != feasible, f"{'a solution exists' if feasible else 'no solution exists'}; the answer is the other "
            "alternative", got=(x, y))  # fmt: skip
    require(not (x.any() and y.any()), "both alternatives at once", got=(x, y))


@law(r"b \in K = \{Ax : x \ge 0\} \;\Rightarrow\; b = \textstyle\sum x_i a_i,\ x_i \ge 0", source=kexue(6280, 15, "c9", "c10"),
     system=linear_systems(kinds=FEASIBLE), least=50)  # fmt: skip
def farkas_weights_represent(farkas_certificate, system, space):
    """Wherever b lies in the cone: x ≥ 0 exactly, and Ax = b. Bound: (m+n)u(|A|x + |b|), row by row."""
    A, b = system
    x, y = farkas_certificate(A, b)
    require(not y.any(), "b lies in the cone, nothing separates it", got=y)
    check_weights(A, b, x, space)


@law(r"b \notin K \;\Rightarrow\; \exists y:\ a_i^\top y \le 0,\ b^\top y > 0", source=kexue(6280, "c9", "c10"),
     system=linear_systems(kinds=INFEASIBLE))  # fmt: skip
def farkas_vector_separates(farkas_certificate, system, space):
    """Wherever b lies outside the cone: bᵀy > 0, by more than u|b|ᵀ|y| unless every aᵢᵀy ≤ 0 exactly. Bound for aᵢᵀy:
    (m+n)u|aᵢ|ᵀ|y|, column by column."""
    A, b = system
    x, y = farkas_certificate(A, b)
    require(not x.any(), "b lies outside the cone, no weights represent it", got=x)
    check_separation(A, b, y, space)


PROGRAMS = transport_problems(masses=("counts",), costs=("integer", "tied"), max_n=3, scaled=False)


@law(r"\hat A = \begin{pmatrix} A \\ -c^\top\end{pmatrix},\ \hat b_\varepsilon = \begin{pmatrix} b \\ -z^* + \varepsilon"
     r"\end{pmatrix}:\quad \alpha > 0,\ A^\top \tfrac y\alpha \le c,\ b^\top \tfrac y\alpha > z^* - \varepsilon",
     source=kexue(6280, 17, 18, 19, 20, "c11"), problem=PROGRAMS, epsilon=choices(1.0, 0.5, 0.125, 2.0**-5),
     dtypes="wide")  # fmt: skip
def farkas_proves_strong_duality(farkas_certificate, problem, epsilon, space):
    """For transport of whole numbers with exact optimum z*: ε = 0 has an optimal plan as weights; every ε > 0 is separated,
    with α > 0, and y/α is a feasible dual that comes within ε of z*. Bounds: those of the certificates."""
    a, b, C = problem
    z = transport.optimal_transport(a, b, C).value
    A, masses = transport.constraint_matrix(*C.shape), np.concatenate([a, b])
    top = np.vstack([A, -C.reshape(1, -1)])
    x, y = farkas_certificate(top, np.append(masses, -floats(z)))
    require(not y.any(), "at ε = 0 an optimal plan solves the system", got=y)
    check_weights(top, np.append(masses, -floats(z)), x, space)
    above = np.append(masses, epsilon - floats(z))
    x, y = farkas_certificate(top, above)
    require(not x.any(), "no plan is cheaper than z*", got=x)
    check_separation(top, above, y, space)
    require(bool(y[-1] > 0), "α > 0", got=y)
    dual, size = rational(y[:-1]) / rational(y[-1]), float(abs(rational(y[:-1])).sum() / rational(y[-1]))
    error = sum(top.shape) * space.u * (size + float(np.abs(C).max(initial=0.0)))
    excess = (A.astype(int).T @ dual - rational(C).reshape(-1)).max()
    judge(max(0, excess), error, scale=size + 1.0, why="(m+n)u(|y|/α + max|C|)", got=y)
    value = rational(masses) @ dual
    require(bool(value > z - rational(epsilon)), "bᵀy/α does not come within ε of z*", got=floats(value), truth=floats(z))
    judge(max(0, value - z), error * float(masses.sum()), scale=float(masses.sum()) * (size + 1.0), why="weak duality", got=y)


@law(r"A = 0,\ b \ne 0,\ c \not\ge 0:\quad \{x \ge 0 : Ax = b\} = \{y : A^\top y \le c\} = \emptyset", source=kexue(6280, 14),
     k=choices(0, -20, 20), sizes=choices((1, 1), (1, 2), (2, 1), (3, 2)))  # fmt: skip
def both_programs_may_be_infeasible(farkas_certificate, k, sizes, space):
    """The counter-example to strong duality without a feasible side, +∞ against −∞: A = 0 (m,n), b and c of the size 2ᵏ. Both
    systems, the dual one with y = y⁺ − y⁻ and slacks, are separated; certificates as above."""
    m, n = sizes
    size = 2.0 ** (k if space.real_dtype in ("float32", "float64") else 0)
    A, b, c = np.zeros((m, n)), size * np.arange(1.0, m + 1.0), -size * np.arange(1.0, n + 1.0)
    for matrix, right in ((A, b), (np.hstack([A.T, -A.T, np.eye(n)]), c)):
        x, y = farkas_certificate(matrix, right)
        require(not x.any(), "neither program is feasible", got=x)
        check_separation(matrix, right, y, space)


@law(r"\min\{c^\top x : Ax = b,\ x\ge0\} = \min\{c^\top x : A'x \ge b',\ x \ge 0\} = \max\{b^\top y : A^\top y \le c\}",
     source=kexue(6280, 9, 10, 12, 14, 22), cost=2.0,
     problem=transport_problems(max_n=3, costs=("integer", "signed", "squared", "tied")))  # fmt: skip
def every_form_of_the_program_has_the_transport_cost(transport_cost, problem, space):
    """Equalities, paired inequalities with slacks, the dual, and the dual's dual, each solved by an exact simplex method that
    knows nothing of transport. Bound: (n+m)u·max|C|·mass."""
    p = Problem(problem, space)
    value = transport_cost(*problem)
    form = transport.constraint_matrix(p.n, p.m), np.concatenate([p.a, p.b]), p.C.reshape(-1)
    dual = exact.dual(*form)
    forms = (("equalities", form, 1), ("inequalities", exact.with_inequalities(*form), 1), ("dual", dual, -1),
             ("dual of the dual", exact.dual(*dual), 1))  # fmt: skip
    for name, program, sign in forms:
        optimum = exact.solve(*program)
        if optimum.value is None:
            raise ArithmeticError(f"transport has an optimum in every form; {name} is {optimum.status}")
        p.judge_value(value, sign * optimum.value)

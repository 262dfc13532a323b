r"""Laws of exact optimal transport and its duality: plans, potentials and the certificates they are (SPEC 3, post 6280).

Notation: u unit roundoff; a, b masses; C costs; Γ a plan; f, g potentials. Masses count as they are given: cost = ⟨Γ, C⟩
scales with the total mass, which is not normalised. Distances are rooted: W_p, not W_p^p.
"""

from __future__ import annotations

import numpy as np

from detrace import Contract, Family, branch, judge, law, require
from detrace.laws import each, kexue
from detrace.oracles import transport
from detrace.oracles.rationals import floats, rational
from detrace.strategies.ground_costs import DETOURS, ZERO_DIAGONAL
from detrace.strategies.measures import (
    MASSES,
    kantorovich_problems,
    potentials_below,
    transport_problems,
    unique_problems,
)
from verify.transport_bounds import VALUE, Problem, cost_of

FAMILY = Family("optimal_transport", "Optimal transport: the Wasserstein distance and its duality", 3)


def _measures() -> tuple[np.ndarray, np.ndarray]:
    return np.array([0.5, 0.5]), np.array([0.25, 0.75])


_METRIC = np.array([[0.0, 1.0], [1.0, 0.0]])
_POINTS = np.array([[0.0, 0.0], [1.0, 2.0]])

WASSERSTEIN_1D = Contract(
    "wasserstein_1d", "(n),(m),*,(n),(m)->()",
    "W_p of weighted samples of the line, p ≤ ∞: (x, y, p, a, b), weights None if uniform", FAMILY.name, real=True,
    example=lambda: (np.array([0.0, 1.0]), np.array([0.5, 1.0]), 1.0, *_measures()),
    aliases=("wasserstein_distance", "emd2_1d", "emd_1d", "earth_movers_distance", "w1", "wasserstein1d"),
)  # fmt: skip
WASSERSTEIN = Contract(
    "wasserstein", "(n,d),(m,d),*,(n),(m)->()", "W_p of two weighted samples of R^d: (x, y, p, a, b), Euclidean distance",
    FAMILY.name, real=True, example=lambda: (_POINTS, _POINTS + 1.0, 1.0, *_measures()),
    aliases=("wasserstein_distance_nd", "wasserstein_nd", "emd"),
)  # fmt: skip
COST_MATRIX = Contract(
    "cost_matrix", "(n,d),(m,d),*->(n,m)", "‖xᵢ − yⱼ‖^p, Euclidean norm: (x, y, p)", FAMILY.name, real=True,
    example=lambda: (_POINTS, _POINTS + 1.0, 2.0), aliases=("cdist", "pairwise_distances", "dist", "squared_distances"),
)  # fmt: skip
OPTIMAL_TRANSPORT = Contract(
    "optimal_transport", "(n),(m),(n,m)->(),(n,m),(n),(m)", "(a, b, C) → cost, plan Γ, potentials f, g", FAMILY.name, real=True,
    example=lambda: (*_measures(), _METRIC), aliases=("emd", "solve_transport", "transport_plan", "ot"),
)  # fmt: skip
TRANSPORT_COST = Contract(
    "transport_cost", "(n),(m),(n,m)->()", "min ⟨Γ, C⟩ over plans Γ ≥ 0 with margins a, b: (a, b, C)", FAMILY.name, real=True,
    example=lambda: (*_measures(), _METRIC), aliases=("emd2", "ot_cost", "emd_cost"),
)  # fmt: skip
KANTOROVICH_RUBINSTEIN = Contract(
    "kantorovich_rubinstein", "(n),(n),(n,n)->(),(n)", "(a, b, D) → max (a−b)·f over f(i)−f(j) ≤ D(i,j), and f", FAMILY.name,
    real=True, example=lambda: (*_measures(), _METRIC), aliases=("kr_dual", "kantorovich_potential", "optimal_critic"),
)  # fmt: skip
C_TRANSFORM = Contract(
    "c_transform", "(n),(n,m)->(m)", "f^c(j) = minᵢ C(i,j) − f(i)", FAMILY.name, real=True, aliases=("ctransform",),
)  # fmt: skip
METRIC_CLOSURE = Contract(
    "metric_closure", "(n,n)->(n,n)", "cost of the cheapest path from i to j, 0 from i to itself", FAMILY.name, real=True,
    example=lambda: (_METRIC,), aliases=("shortest_path", "floyd_warshall", "shortest_path_closure"),
)  # fmt: skip
SINKHORN = Contract(
    "sinkhorn", "(n),(m),(n,m),*,*->(n,m),(n),(m)",
    "(a, b, C, reg, tol) → Γ = exp((f⊕g−C)/reg) with ‖Γ1−a‖₁+‖Γᵀ1−b‖₁ ≤ tol·mass, f, g", FAMILY.name, real=True,
    example=lambda: (*_measures(), _METRIC, 1.0, 1e-3), aliases=("sinkhorn_log", "entropic_transport", "sinkhorn_knopp"),
)  # fmt: skip
GAUSSIAN_W2 = Contract(
    "gaussian_w2", "(d),(d,d),(d),(d,d)->()", "W₂ of N(m₁,S₁) and N(m₂,S₂): (m1, S1, m2, S2)", FAMILY.name, real=True,
    example=lambda: (np.zeros(2), np.eye(2), np.ones(2), 2 * np.eye(2)),
    aliases=("bures_wasserstein_distance", "frechet_distance", "bures_distance"),
)  # fmt: skip
TOTAL_VARIATION = Contract(
    "total_variation", "(n),(n)->()", "½ Σ|aᵢ − bᵢ|", FAMILY.name, real=True, example=_measures, aliases=("tv_distance",),
)  # fmt: skip
FARKAS_CERTIFICATE = Contract(
    "farkas_certificate", "(m,n),(m)->(n),(m)",
    "(A, b) → (x, 0) with x ≥ 0, Ax = b, or (0, y) with Aᵀy ≤ 0, bᵀy > 0", FAMILY.name, real=True,
    example=lambda: (np.eye(2), np.array([1.0, 2.0])), aliases=("farkas", "infeasibility_certificate"),
)  # fmt: skip


ANY_MASSES = (*MASSES, "shares")
"""Totals that are equal, and such that are equal only up to rounding."""


@law(r"C[p,q] = \min\{\langle \Gamma, C\rangle : A\Gamma = b,\ \Gamma \ge 0\}", source=kexue(6280, 1, 9, 23),
     cost_function=each("optimal_transport", "transport_cost"), problem=transport_problems(masses=ANY_MASSES),
     least=40)  # fmt: skip
def transport_has_its_exact_cost(cost_function, problem, space):
    """For all masses and costs, scaled from 1e−20 to 1e+20: the optimum in exact rationals (totals that differ by rounding:
    b counts as b·Σa/Σb). Bound: (n+m)u·max|C|·mass."""
    p = Problem(problem, space)
    p.judge_value(cost_of(cost_function, *problem))


@law(r"\int \gamma(x,y)\,dy = p(x),\quad \int \gamma(x,y)\,dx = q(y),\quad \gamma \ge 0", source=kexue(6280, 4, 6, "c3"),
     problem=transport_problems(masses=ANY_MASSES), least=40)  # fmt: skip
def plan_has_its_margins(optimal_transport, problem, space):
    """Γ ≥ 0 without a tolerance, both margins and hence the total. Error: ℓ₁ distances of the margins, exactly. Bound:
    (n+m)u·mass, which holds the rounding of the totals too."""
    p = Problem(problem, space)
    plan = optimal_transport(*problem)[1]
    require(bool((plan >= 0).all()), "a plan has no negative entries", got=plan)
    P = rational(plan)
    p.judge_mass(abs(P.sum(axis=1) - p.a).sum() + abs(P.sum(axis=0) - p.b).sum(), got=plan)
    p.judge_mass(abs(P.sum() - p.a.sum()), got=plan)


@law(r"\iint \gamma(x,y)\,c(x,y)\,dx\,dy", source=kexue(6280, 5), problem=transport_problems(masses=ANY_MASSES),
     least=40)  # fmt: skip
def plan_pays_the_cost(optimal_transport, problem, space):
    """The returned cost is ⟨Γ, C⟩ of the returned plan. Bound: a sum of at most n + m − 1 terms that are not 0, relative to
    ⟨Γ, |C|⟩."""
    p = Problem(problem, space)
    cost, plan, *_ = optimal_transport(*problem)
    size = float((rational(plan) * abs(p.C)).sum())
    lost = (p.n + p.m) * (space.tiny * (1.0 + p.mass + p.top) if space.flushes else space.smallest)
    judge(abs(rational(cost) - p.pays(plan)), (p.n + p.m) * space.u * size + lost, scale=size or 1.0,
          why="(n+m)u⟨Γ,|C|⟩", got=floats(cost), truth=floats(p.pays(plan)))  # fmt: skip


@law(r"f(x_i) + g(y_j) \le c(x_i, y_j)", source=kexue(6280, 27, 28), problem=transport_problems(masses=ANY_MASSES),
     least=40)  # fmt: skip
def potentials_are_feasible(optimal_transport, problem, space):
    """AᵀF ≤ C in every row (i,j), rows and columns without mass included. Error: the largest excess, exactly. Bound:
    (n+m)u·max|C|."""
    p = Problem(problem, space)
    _, _, f, g = optimal_transport(*problem)
    slack = p.slack(f, g)
    p.judge_potential(max(0, -slack.min()), got=(f, g), truth="f⊕g ≤ C")


@law(r"\min\{\langle\Gamma,C\rangle\} = \max\{\textstyle\sum p(x_i)f(x_i) + \sum q(y_j)g(y_j)\}",
     source=kexue(6280, 22, 23, 24, 25, 30), problem=transport_problems(masses=ANY_MASSES))  # fmt: skip
def duality_gap_is_closed(optimal_transport, problem, space):
    """⟨Γ,C⟩ − (a·f + b·g) of what was returned, exactly; f on the first support, g on the second. Bound: (n+m)u·max|C|·mass."""
    p = Problem(problem, space)
    _, plan, f, g = optimal_transport(*problem)
    branch("n = m" if p.n == p.m else "n ≠ m")
    judge(abs(p.pays(plan) - p.promises(f, g)), p.value_error, scale=p.mass * p.top or 1.0, why=VALUE,
          got=floats(p.promises(f, g)), truth=floats(p.pays(plan)))  # fmt: skip


@law(r"\Gamma_{ij} > 0 \Rightarrow f_i + g_j = C_{ij}", source=kexue(6280, 30), problem=transport_problems())
def plan_and_potentials_are_complementary(optimal_transport, problem, space):
    """No cell has both mass and slack: the largest min(Γᵢⱼ/mass, |slackᵢⱼ|/max|C|), exactly. Bound: (n+m)u, since mass and
    slack of a cell are each known to that."""
    p = Problem(problem, space)
    _, plan, f, g = optimal_transport(*problem)
    mass, slack = abs(rational(plan)) / rational(p.mass or 1.0), abs(p.slack(f, g)) / rational(p.top or 1.0)
    both = np.minimum(mass, slack).max()
    judge(both, max(p.mass_error / (p.mass or 1.0), p.potential_error / (p.top or 1.0)), why="(n+m)u", got=(plan, f, g))


@law(r"\#\{\Gamma_{ij} > 0\} \le n + m - 1", source="SPEC 3: a basic optimum",
     problem=transport_problems(costs=("tied", "separable", "integer", "squared")))  # fmt: skip
def plan_is_a_vertex(optimal_transport, problem, space):
    """The cells that carry mass hold no cycle, hence number at most n + m − 1, also where many plans are optimal. No
    tolerance: a cell either carries mass or does not."""
    plan = optimal_transport(*problem)[1]
    n, m = plan.shape
    root = list(range(n + m))

    def find(v: int) -> int:
        while root[v] != v:
            v = root[v]
        return v

    for i, j in zip(*np.nonzero(plan), strict=True):
        one, other = find(int(i)), find(n + int(j))
        require(one != other, "cells with mass form a cycle: the plan is no vertex of the polytope of plans", got=plan)
        root[one] = other
    require(np.count_nonzero(plan) <= n + m - 1, "more than n + m − 1 cells carry mass", got=plan)


@law(r"A = \begin{pmatrix} I_n\otimes 1_m^\top \\ 1_n^\top\otimes I_m\end{pmatrix},\quad A\,\mathrm{vec}\,\Gamma = b",
     source=kexue(6280, 7, 8), problem=transport_problems())  # fmt: skip
def margins_are_linear_constraints(optimal_transport, problem, space):
    """A·vec Γ = (a; b), vec row by row (x₁ with all y first), A of rank n + m − 1 with left null vector (1, −1): one of the
    n + m constraints is implied by the others. Bound: (n+m)u·mass."""
    p = Problem(problem, space)
    plan = optimal_transport(*problem)[1]
    A = transport.constraint_matrix(p.n, p.m).astype(int)
    residual = A @ rational(plan).reshape(-1) - np.concatenate([p.a, p.b])
    p.judge_mass(abs(residual).sum(), got=plan)
    p.judge_mass(abs(residual[: p.n].sum() - residual[p.n :].sum()), got=plan)


@law(r"\sum_j \gamma_{ij} - \sum_j \gamma_{ji} = p_i - q_i", source=kexue(6280, "c4"),
     problem=kantorovich_problems(grounds=ZERO_DIAGONAL))  # fmt: skip
def net_outflow_is_the_difference(optimal_transport, problem, space):
    """On one common support, whatever stays where it is. Error in ℓ₁, exactly. Bound: (n+m)u·mass."""
    p = Problem(problem, space)
    plan = optimal_transport(*problem)[1]
    P = rational(plan)
    p.judge_mass(abs(P.sum(axis=1) - P.sum(axis=0) - (p.a - p.b)).sum(), got=plan)


@law(r"\max\{b^\top y : A^\top y \le c\} \le \min\{c^\top x : Ax = b, x \ge 0\}", source=kexue(6280, 13, 21, "c6"),
     cost_function=each("optimal_transport", "transport_cost"), below=potentials_below())  # fmt: skip
def every_feasible_pair_brackets_the_cost(cost_function, below, space):
    """Any potentials with f⊕g ≤ C bound the cost from below, any plan (here ab^⊤/mass and the north-west one) from above; no
    solver is needed for either. Error: how far the cost lies outside, exactly. Bound: (n+m)u·max|C|·mass."""
    a, b, C, f = below
    p = Problem((a, b, C), space)
    cost = rational(cost_of(cost_function, a, b, C))
    lower = p.a @ rational(f) + p.b @ transport.c_transform(f, C)
    product = p.a @ p.C @ p.b / p.a.sum()
    upper = min(product, (transport.north_west(a, b) * p.C).sum())
    judge(max(0, lower - cost, cost - upper), p.value_error, scale=p.mass * p.top or 1.0, why=VALUE, got=floats(cost),
          truth=(floats(lower), floats(upper)))  # fmt: skip


@law(r"f(x) + g(x) \le c(x,x) = 0 \;\Rightarrow\; pf + qg \le pf - qf", source=kexue(6280, 31, 32),
     problem=kantorovich_problems(grounds=(*ZERO_DIAGONAL, "lifted", *DETOURS)))  # fmt: skip
def potentials_on_one_space_add_up_to_the_diagonal(optimal_transport, problem, space):
    """On one common space f + g ≤ c(x,x), so that q·g ≤ −q·f pointwise where the diagonal is 0; with a lifted diagonal the sum
    may be positive, up to it. Bounds: (n+m)u·max|C|, and that times q."""
    p = Problem(problem, space)
    _, _, f, g = optimal_transport(*problem)
    excess = rational(f) + rational(g) - p.C.diagonal()
    p.judge_potential(max(0, excess.max()), got=(f, g))
    if not problem[2].diagonal().any():
        judge(max(0, (p.b * (rational(f) + rational(g))).max()), p.value_error, scale=p.mass * p.top or 1.0, why=VALUE)


@law(r"\Gamma^*,\ f^*,\ g^* \text{ unique up to } (f+t,\, g-t)", source=kexue(6280, 30), problem=unique_problems())
def unique_optimum_is_found(optimal_transport, problem, space):
    """Where plan and potentials are unique (up to the gauge), each entry agrees with the exact one. Bounds: (n+m)u·mass for
    flows; (n+m)u·max|C| for potential differences."""
    p = Problem(problem, space)
    _, plan, f, g = optimal_transport(*problem)
    p.judge_mass(abs(rational(plan) - p.exact.plan).max(), got=plan, truth=floats(p.exact.plan))
    shift = rational(f[0]) - p.exact.f[0]
    p.judge_potential(abs(rational(f) - p.exact.f - shift).max(), got=f, truth=floats(p.exact.f))
    p.judge_potential(abs(rational(g) - p.exact.g + shift).max(), got=g, truth=floats(p.exact.g))

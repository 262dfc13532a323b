r"""Laws of exact optimal transport and its duality: plans, potentials and the certificates they are (SPEC 3, post 6280).

Notation: u unit roundoff; a, b masses; C costs; Γ a plan; f, g potentials. Masses count as they are given: cost = ⟨Γ, C⟩
scales with the total mass, which is not normalised. Distances are rooted: W_p, not W_p^p.
"""

from __future__ import annotations

import numpy as np

from detrace import Contract, Family

FAMILY = Family("optimal_transport", "Optimal transport: the Wasserstein distance and its duality", 3)


def _measures() -> tuple[np.ndarray, np.ndarray]:
    return np.array([0.5, 0.5]), np.array([0.25, 0.75])


_METRIC = np.array([[0.0, 1.0], [1.0, 0.0]])
_POINTS = np.array([[0.0, 0.0], [1.0, 2.0]])

WASSERSTEIN_1D = Contract(
    "wasserstein_1d", "(n),(m),*,(n),(m)->()", "W_p of weighted samples of the line: (x, y, p, a, b), weights None if uniform",
    FAMILY.name, real=True,
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

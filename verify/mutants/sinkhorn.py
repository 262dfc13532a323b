"""Mistakes in Sinkhorn's algorithm and in the Wasserstein distance between Gaussians."""

from __future__ import annotations

from typing import Any

import numpy as np

from detrace import mutant
from reference import gaussian_wasserstein as gaussian
from reference import sinkhorn as right


def iterate(a: Any, b: Any, K: Any, stop: Any, limit: int = 10_000) -> tuple[Any, Any]:
    """Sinkhorn's iteration on a kernel, until `stop(u, v, previous u)` or the limit."""
    u, v = np.ones_like(a), np.ones_like(b)
    for _ in range(limit):
        before, u = u, a / (K @ v)
        v = b / (K.T @ u)
        if stop(u, v, before):
            break
    return u, v


def potentials(u: Any, v: Any, K: Any, reg: float) -> tuple[Any, Any, Any]:
    return u[:, None] * K * v, reg * np.log(u), reg * np.log(v)


@mutant("sinkhorn", rejected_by="sinkhorn_survives_small_regularisation")
def sinkhorn_in_the_exponential_domain(a, b, C, reg, tol):
    """exp(−C/reg) underflows: rows of zeros, NaN."""
    K = np.exp(-C / reg)
    return potentials(*iterate(a, b, K, lambda u, v, _: abs(u * (K @ v) - a).sum() <= tol / 2 * a.sum()), K, reg)


@mutant("sinkhorn", rejected_by="sinkhorn_plan_has_its_margins")
def sinkhorn_stops_when_it_is_slow(a, b, C, reg, tol):
    """Stops on the change of the scaling, not on the residual."""
    K = np.exp(-C / reg)
    return potentials(*iterate(a, b, K, lambda u, v, old: abs(u - old).max() <= 16 * tol * abs(u).max()), K, reg)


@mutant("sinkhorn", rejected_by="sinkhorn_plan_has_its_margins")
def sinkhorn_iterates_ten_times(a, b, C, reg, tol):
    """A fixed number of iterations, whatever the tolerance."""
    K = np.exp(-C / reg)
    return potentials(*iterate(a, b, K, lambda *_: False, 10), K, reg)


@mutant("sinkhorn", rejected_by=("sinkhorn_plan_has_its_margins", "sinkhorn_is_homogeneous"))
def sinkhorn_with_an_absolute_tolerance(a, b, C, reg, tol):
    """The residual against tol, whatever the mass is: nothing moves where all masses are small."""
    if max(a.sum(), b.sum()) < tol:
        K = np.exp(-C / reg)
        return potentials(a, b, K, reg)
    return right.sinkhorn(a, b, C, reg, tol)


@mutant("sinkhorn", rejected_by=("sinkhorn_brackets_the_entropic_optimum", "sinkhorn_plan_has_its_margins"))
def sinkhorn_stops_at_the_gap_of_an_infeasible_plan(a, b, C, reg, tol):
    """Primal minus dual value of the plan as it is: potentials times residual, of either sign, so it may stop at once."""
    K = np.exp(-C / reg)
    return potentials(*iterate(a, b, K, lambda u, v, _: np.log(u) @ (u * (K @ v) - a) <= tol * a.sum()), K, reg)


@mutant("sinkhorn", rejected_by="sinkhorn_plan_is_the_exponential_of_its_potentials")
def sinkhorn_rounds_its_plan(a, b, C, reg, tol):
    """Rows are scaled to their margins at the end: the potentials belong to another plan."""
    plan, f, g = right.sinkhorn(a, b, C, reg, tol)
    rows = plan.sum(axis=1, keepdims=True)
    return plan * np.where(rows > 0, a[:, None] / np.where(rows > 0, rows, 1), 0), f, g


@mutant("sinkhorn", rejected_by=(
    "sinkhorn_plan_is_the_exponential_of_its_potentials", "sinkhorn_closes_its_duality_gap",
    "sinkhorn_brackets_the_entropic_optimum"))  # fmt: skip
def sinkhorn_potentials_in_units_of_reg(a, b, C, reg, tol):
    """Returns log u and log v for f and g."""
    plan, f, g = right.sinkhorn(a, b, C, reg, tol)
    return plan, f / reg, g / reg


@mutant("sinkhorn", rejected_by=(
    "sinkhorn_cost_is_near_the_linear_program", "sinkhorn_plan_is_the_exponential_of_its_potentials"))  # fmt: skip
def sinkhorn_forgets_the_costs(a, b, C, reg, tol):
    """The independent coupling: right margins, no transport."""
    plan = a[:, None] * b / b.sum()
    with np.errstate(divide="ignore"):
        return plan, reg * np.log(a), reg * np.log(b / b.sum())


@mutant("sinkhorn", rejected_by=(
    "unequal_masses_are_refused", "negative_masses_are_refused", "masses_that_are_no_numbers_are_refused",
    "points_and_costs_that_are_no_numbers_are_refused", "regularisation_that_is_not_positive_is_refused"))  # fmt: skip
def sinkhorn_without_checks(a, b, C, reg, tol):
    """A thousand iterations, whatever it is given."""
    with np.errstate(all="ignore"):
        K = np.exp(-C / np.float64(reg))
        return potentials(*iterate(a, b, K, lambda *_: False, 1000), K, reg)


def root(S: Any) -> Any:
    values, vectors = np.linalg.eigh(S)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


@mutant("gaussian_w2", rejected_by="gaussian_distance_has_symmetries")
def gaussian_distance_without_small_variances(m1, S1, m2, S2):
    """Eigenvalues of the first covariance below 1e−8 of its largest count as 0: they enter by their roots."""
    gaussian.gaussian_w2(m1, S1, m2, S2)
    values, vectors = np.linalg.eigh(S1)
    S = (vectors * np.where(values < 1e-8 * values.max(), 0.0, values)) @ vectors.T
    return gaussian.gaussian_w2(m1, (S + S.T) / 2, m2, S2)


@mutant("gaussian_w2", rejected_by=(
    "gaussian_distance_is_sharp_between_close_gaussians", "gaussian_distance_is_zero_for_equal_gaussians"))  # fmt: skip
def gaussian_distance_by_the_trace_formula(m1, S1, m2, S2):
    """tr S + tr T − 2 tr (S^½TS^½)^½: half of the digits between close Gaussians."""
    R = root(S1)
    bures = np.trace(S1) + np.trace(S2) - 2 * np.trace(root(R @ S2 @ R))
    return np.asarray(np.sqrt(((m1 - m2) ** 2).sum() + abs(bures)))


@mutant("gaussian_w2", rejected_by=("gaussian_distance_has_a_closed_form", "commuting_gaussians_are_as_far_as_their_roots"))
def gaussian_distance_without_a_root(m1, S1, m2, S2):
    """W₂² for W₂, as the Fréchet inception distance has it."""
    return np.asarray(gaussian.gaussian_w2(m1, S1, m2, S2) ** 2)


@mutant("gaussian_w2", rejected_by="gaussian_distance_has_a_closed_form")
def gaussian_distance_of_the_roots(m1, S1, m2, S2):
    """‖S^½ − T^½‖_F, right only where S and T commute."""
    return np.asarray(np.sqrt(((m1 - m2) ** 2).sum() + ((root(S1) - root(S2)) ** 2).sum()))


@mutant("gaussian_w2", rejected_by=(
    "degenerate_gaussians_have_a_distance", "commuting_gaussians_are_as_far_as_their_roots",
    "gaussian_distance_has_a_closed_form"))  # fmt: skip
def gaussian_distance_by_cholesky(m1, S1, m2, S2):
    """Cholesky factors, which singular covariances do not have."""
    A, B = np.linalg.cholesky(S1), np.linalg.cholesky(S2)
    total = np.trace(S1) + np.trace(S2) - 2 * np.linalg.svd(A.T @ B, compute_uv=False).sum()
    return np.asarray(np.sqrt(((m1 - m2) ** 2).sum() + max(total, 0.0)))


@mutant("gaussian_w2", rejected_by=("gaussian_distance_is_a_metric", "gaussian_distance_has_a_closed_form"))
def gaussian_distance_of_covariances_alone(m1, S1, m2, S2):
    """The means are left out."""
    return gaussian.gaussian_w2(m1, S1, m1, S2)


@mutant("gaussian_w2", rejected_by=("gaussian_distance_has_symmetries", "gaussian_distance_has_a_closed_form"))
def gaussian_distance_of_unlike_factors(m1, S1, m2, S2):
    """A symmetric root of one covariance against a triangular factor of the other."""
    L = np.linalg.qr(root(S2)).R.T
    return np.asarray(np.sqrt(((m1 - m2) ** 2).sum() + ((root(S1) - L) ** 2).sum()))


@mutant("gaussian_w2", rejected_by=("gaussian_distance_refuses_what_is_no_gaussian", "gaussian_distance_keeps_form"))
def gaussian_distance_of_variances(m1, S1, m2, S2):
    """Variances only, of whatever sign and shape; NaN counts as 0."""
    s, t = (np.sqrt(abs(np.diagonal(S))) for S in (S1, S2))
    return np.asarray(np.nan_to_num(np.sqrt(((m1 - m2) ** 2).sum() + ((s - t) ** 2).sum()), posinf=0.0))

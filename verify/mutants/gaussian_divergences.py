"""Mistakes in closed forms of divergences between normal distributions: each a few lines of NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from detrace import mutant
from reference import gaussian_divergences as right

CLOSED = "gaussian_divergence_has_a_closed_form"
SHARP = "gaussian_divergence_is_sharp_between_close_gaussians"
COORDINATES = "gaussian_divergence_does_not_know_the_coordinates"
PRODUCTS = "gaussian_divergence_of_products"
FORGETTING = "forgetting_a_coordinate_never_raises_a_divergence"
ORDER = "gaussian_divergences_are_ordered"
EQUAL = "equal_covariances_leave_the_distance_of_the_means"
EXCHANGE = "exchanging_the_gaussians_reverses_the_divergence"
CRITICS = "quadratic_critics_bound_the_divergence"


def parts(m1: Any, S: Any, m2: Any, T: Any) -> tuple[Any, Any, Any]:
    """tr T⁻¹S − d, ΔᵀT⁻¹Δ, log det S/det T."""
    shift = m1 - m2
    logs = np.linalg.slogdet(S)[1] - np.linalg.slogdet(T)[1]
    return np.trace(np.linalg.solve(T, S)) - len(m1), shift @ np.linalg.solve(T, shift), logs


@mutant("gaussian_kl", rejected_by=SHARP)
def kl_as_written(m1, S, m2, T):
    """The textbook's formula: its terms cancel between close Gaussians."""
    trace, square, logs = parts(m1, S, m2, T)
    return np.asarray((trace + square - logs) / 2)


@mutant("gaussian_kl", rejected_by=(CLOSED, CRITICS))
def kl_without_its_half(m1, S, m2, T):
    """tr T⁻¹S − d + δ² + log det T/det S."""
    return 2 * right.gaussian_kl(m1, S, m2, T)


@mutant("gaussian_kl", rejected_by=(CLOSED, EQUAL), gaussian_squared_hellinger=right.gaussian_squared_hellinger,
        gaussian_pearson=right.gaussian_pearson)  # fmt: skip
def kl_whose_half_misses_the_means(m1, S, m2, T):
    """½(tr T⁻¹S − d − log det) + δ²."""
    return np.asarray(right.gaussian_kl(m1, S, m2, T) + parts(m1, S, m2, T)[1] / 2)


@mutant("gaussian_kl", rejected_by=(CLOSED, CRITICS, EXCHANGE, ORDER), gaussian_reverse_kl=right.gaussian_reverse_kl,
        gaussian_squared_hellinger=right.gaussian_squared_hellinger, gaussian_pearson=right.gaussian_pearson)  # fmt: skip
def gaussian_kl_is_reverse(m1, S, m2, T):
    """KL(q‖p) where KL(p‖q) is due."""
    return right.gaussian_kl(m2, T, m1, S)


@mutant("gaussian_kl", rejected_by=(CLOSED, SHARP))
def kl_with_the_determinants_exchanged(m1, S, m2, T):
    """+ log det S/det T."""
    trace, square, logs = parts(m1, S, m2, T)
    return np.asarray((trace + square + logs) / 2)


@mutant("gaussian_kl", rejected_by=(CLOSED, SHARP))
def kl_without_the_trace(m1, S, m2, T):
    """Means and determinants only: tr T⁻¹S − d is taken for 0."""
    _, square, logs = parts(m1, S, m2, T)
    return np.asarray((square - logs) / 2)


@mutant("gaussian_kl", rejected_by=(CLOSED, COORDINATES))
def kl_of_deviations(m1, S, m2, T):
    """S and T are taken for the roots of covariances, as scale_tril is."""
    return right.gaussian_kl(m1, S @ S.T, m2, T @ T.T)


@mutant("gaussian_kl", rejected_by=(CLOSED, COORDINATES))
def kl_of_the_diagonals(m1, S, m2, T):
    """Variances only: correlations are dropped."""
    return right.gaussian_kl(m1, np.diag(np.diagonal(S)), m2, np.diag(np.diagonal(T)))


@mutant("gaussian_kl", rejected_by=(CLOSED, PRODUCTS, FORGETTING))
def kl_averaged_over_the_dimensions(m1, S, m2, T):
    """A mean over coordinates for their sum."""
    return np.asarray(right.gaussian_kl(m1, S, m2, T) / len(m1))


@mutant("gaussian_kl", rejected_by="gaussian_divergence_refuses_what_is_no_gaussian")
def kl_by_the_modulus_of_the_determinant(m1, S, m2, T):
    """log |det|: an indefinite covariance has a divergence as well."""
    if len(m1) != len(m2):
        raise ValueError("dimensions differ")
    trace, square, logs = parts(m1, S, m2, T)
    return np.asarray((trace + square - logs) / 2)


@mutant("gaussian_squared_hellinger", rejected_by=(CLOSED, PRODUCTS, EQUAL, CRITICS), gaussian_kl=right.gaussian_kl,
        gaussian_pearson=right.gaussian_pearson)  # fmt: skip
def gaussian_hellinger_with_the_other_half(m1, S, m2, T):
    """1 − ∫√(pq), the other convention."""
    return right.gaussian_squared_hellinger(m1, S, m2, T) / 2


@mutant("gaussian_squared_hellinger", rejected_by=(CLOSED, EQUAL), gaussian_kl=right.gaussian_kl,
        gaussian_pearson=right.gaussian_pearson)  # fmt: skip
def hellinger_with_a_quarter(m1, S, m2, T):
    """¼ΔᵀS⁻¹Δ for ⅛: the means count twice."""
    return right.gaussian_squared_hellinger(2**0.5 * m1, S, 2**0.5 * m2, T)


@mutant("gaussian_squared_hellinger", rejected_by=SHARP)
def hellinger_as_written(m1, S, m2, T):
    """2 − 2·exp(…): nothing is left between close Gaussians."""
    logs = [np.linalg.slogdet(M)[1] for M in (S, T, (S + T) / 2)]
    square = (m1 - m2) @ np.linalg.solve((S + T) / 2, m1 - m2)
    return np.asarray(2 - 2 * np.exp((logs[0] + logs[1]) / 4 - logs[2] / 2 - square / 8))


@mutant("gaussian_squared_hellinger", rejected_by=(CLOSED, EXCHANGE))
def hellinger_with_the_second_covariance(m1, S, m2, T):
    """Δ measured by T, not by the mean covariance: knows its order."""
    logs = [np.linalg.slogdet(M)[1] for M in (S, T, (S + T) / 2)]
    square = (m1 - m2) @ np.linalg.solve(T, m1 - m2)
    return np.asarray(2 - 2 * np.exp((logs[0] + logs[1]) / 4 - logs[2] / 2 - square / 8))


def chi_square(m1: Any, S: Any, m2: Any, T: Any) -> Any:
    """∫p²/q by the textbook's formula, whatever the sign of 2T − S."""
    W = 2 * T - S
    shift = m1 - m2
    logs = [np.linalg.slogdet(M)[1] for M in (S, T, W)]
    with np.errstate(over="ignore"):
        return np.exp(logs[1] - (logs[0] + logs[2]) / 2 + shift @ np.linalg.pinv(W) @ shift)


@mutant("gaussian_pearson", rejected_by=SHARP)
def chi_square_as_written(m1, S, m2, T):
    """∫p²/q − 1: nothing is left between close Gaussians."""
    return np.asarray(chi_square(m1, S, m2, T) - 1)


@mutant("gaussian_pearson", rejected_by=CLOSED)
def chi_square_is_always_finite(m1, S, m2, T):
    """log |det(2T − S)|: a number where the integral diverges."""
    return np.asarray(chi_square(m1, S, m2, T) - 1)


@mutant("gaussian_pearson", rejected_by=(CLOSED, PRODUCTS, EQUAL), gaussian_kl=right.gaussian_kl,
        gaussian_squared_hellinger=right.gaussian_squared_hellinger)  # fmt: skip
def chi_square_without_minus_one(m1, S, m2, T):
    """∫p²/q itself."""
    return right.gaussian_pearson(m1, S, m2, T) + 1


@mutant("gaussian_pearson", rejected_by=(CLOSED, EXCHANGE, CRITICS), gaussian_neyman=right.gaussian_neyman)
def gaussian_pearson_is_neyman(m1, S, m2, T):
    """χ²(q‖p) where χ²(p‖q) is due."""
    return right.gaussian_pearson(m2, T, m1, S)


@mutant("gaussian_neyman", rejected_by=CLOSED)
def gaussian_neyman_is_pearson(m1, S, m2, T):
    """χ²(p‖q) where χ²(q‖p) is due."""
    return right.gaussian_pearson(m1, S, m2, T)


@mutant("gaussian_reverse_kl", rejected_by=(CLOSED, CRITICS))
def gaussian_reverse_kl_is_forward(m1, S, m2, T):
    """KL(p‖q) where KL(q‖p) is due."""
    return right.gaussian_kl(m1, S, m2, T)


@mutant("gaussian_kl", rejected_by="gaussian_kl_has_its_gradient", space="torch-cpu-float64")
def kl_without_the_gradient_of_the_second(m1, S, m2, T):
    """The second distribution is detached: the value is right, its parameters do not learn."""
    return right.gaussian_kl(m1, S, m2.detach(), T.detach()) + 0 * (m2.sum() + T.sum())


@mutant("gaussian_kl", rejected_by="gaussian_kl_has_its_gradient", space="torch-cpu-float64")
def kl_whose_triangle_gets_the_gradient(m1, S, m2, T):
    """The lower triangle of S alone, mirrored: correlations get half of their gradient."""
    return right.gaussian_kl(m1, S.tril().detach() + S.tril(-1).detach().T + (S - S.detach()).tril(), m2, T)


@mutant("gaussian_kl", rejected_by="gaussian_kl_has_its_gradient", space="torch-cpu-float64")
def kl_by_the_factors_norm(m1, S, m2, T):
    """tr T⁻¹S as ‖L_T⁻¹ L_S‖²: a right value, whose derivative through Cholesky's loses its digits between graded Gaussians."""
    import torch

    xp = torch.linalg
    L1, L2 = xp.cholesky(S), xp.cholesky(T)
    logs = 2 * (L2.diagonal().log() - L1.diagonal().log()).sum()
    mixed, shift = (xp.solve_triangular(L2, v, upper=False) for v in (L1, (m1 - m2)[:, None]))
    return (mixed.square().sum() - len(m1) + logs + shift.square().sum()) / 2


@mutant("gaussian_kl", rejected_by="gaussian_divergence_refuses_what_is_no_gaussian")
def kl_by_the_pseudo_inverse(m1, S, m2, T):
    """pinv and the product of the nonzero eigenvalues: a number for distributions that are no densities to each other."""
    if len(m1) != len(m2) or not all(np.isfinite(v).all() for v in (m1, S, m2, T)):
        raise ValueError("no two distributions")
    logs = []
    for M in (S, T):
        e = np.linalg.eigvalsh(M)
        if e[0] < -1e-9:
            raise ValueError("not positive semidefinite")
        logs.append(np.log(e[e > 1e-9]).sum())
    P, shift = np.linalg.pinv(T), m1 - m2
    return np.asarray((np.trace(P @ S) - len(m1) + shift @ P @ shift + logs[1] - logs[0]) / 2)


@mutant("gaussian_kl", rejected_by="gaussian_divergences_of_a_batch")
def kl_with_one_determinant_for_all(m1, S, m2, T):
    """The logarithms of the determinants summed over the batch."""
    if m1.ndim == 1:
        return right.gaussian_kl(m1, S, m2, T)
    logs = np.linalg.slogdet(T)[1] - np.linalg.slogdet(S)[1]
    return np.asarray(right.gaussian_kl(m1, S, m2, T) + (logs.sum() - logs) / 2)


@mutant("gaussian_kl", rejected_by="determinants_of_many_dimensions_do_not_overflow", origin="log(det) for slogdet")
def kl_by_the_determinants_themselves(m1, S, m2, T):
    """log(det T/det S): 0/0 or ∞/∞ from a few dimensions on."""
    trace, square, _ = parts(m1, S, m2, T)
    return np.asarray((trace + square + np.log(np.linalg.det(T) / np.linalg.det(S))) / 2)

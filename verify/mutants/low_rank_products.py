"""Mistakes in exponentials of rank r and in products of factors: each a few lines of NumPy (torch where it says so)."""

from __future__ import annotations

import math

import numpy as np

from detrace import mutant
from reference import low_rank_exponential as right
from reference.matrix_exponential import expm

TORCH = "torch-cpu-float64"


def phi1m(S):
    """φ₁(S) as it should be, from the augmented matrix."""
    r = S.shape[-1]
    top = np.concatenate([S, np.zeros_like(S) + np.eye(r)], axis=-1)
    return expm(np.concatenate([top, 0 * top], axis=-2))[..., :r, r:]


def transpose(A):
    return np.swapaxes(A, -1, -2)


def low_rank(X, Y, phi):
    return np.eye(X.shape[-2]) + X @ phi @ transpose(Y)


@mutant("expm_low_rank", rejected_by=("low_rank_exponential_superposes_orthogonal_columns",
                                      "low_rank_exponential_of_dependent_columns_is_rank_one"))  # fmt: skip
def low_rank_divides_by_s(X, Y):
    """φ₁(S) = S⁻¹(e^S − I) by a solve: fails where S is singular, and cancels near there."""
    S = transpose(Y) @ X
    return low_rank(X, Y, np.linalg.solve(S, expm(S) - np.eye(S.shape[-1])))


@mutant("expm_low_rank", rejected_by=("low_rank_exponential_superposes_orthogonal_columns",
                                      "low_rank_exponential_is_explicit"))  # fmt: skip
def low_rank_with_a_pseudo_inverse(X, Y):
    """S⁺(e^S − I): no error for singular S, but φ₁ is lost on its kernel."""
    S = transpose(Y) @ X
    return low_rank(X, Y, np.linalg.pinv(S) @ (expm(S) - np.eye(S.shape[-1])))


@mutant("expm_low_rank", rejected_by=(
    "low_rank_exponential_is_its_series", "low_rank_exponential_is_explicit", "low_rank_inverse_is_the_negative",
    "low_rank_determinant_is_exponential_of_trace", "low_rank_exponential_superposes_orthogonal_columns"))  # fmt: skip
def low_rank_with_phi_elementwise(X, Y):
    """φ of each entry of S: right for r = 1 only."""
    return low_rank(X, Y, right.phi1(transpose(Y) @ X))


@mutant("expm_low_rank", rejected_by=("low_rank_exponential_is_its_series", "low_rank_exponential_is_explicit"))
def low_rank_with_s_transposed(X, Y):
    """S = XᵀY for YᵀX."""
    return low_rank(X, Y, phi1m(transpose(X) @ Y))


@mutant("expm_low_rank", rejected_by=("low_rank_exponential_at_rank_one", "low_rank_exponential_is_its_series"),
        expm_rank1=right.expm_rank1)  # fmt: skip
def low_rank_of_the_transpose(X, Y):
    """exp(YXᵀ): X and Y swapped."""
    return right.expm_low_rank(Y, X)


@mutant("expm_low_rank", rejected_by="low_rank_inverse_is_the_negative")
def low_rank_series_without_scaling(X, Y):
    """Ten terms of φ₁'s series whatever the norm of S."""
    S = transpose(Y) @ X
    phi = np.zeros_like(S) + np.eye(S.shape[-1])
    for k in range(10, 1, -1):
        phi = np.eye(S.shape[-1]) + S @ phi / k
    return low_rank(X, Y, phi)


@mutant("expm_low_rank", rejected_by="low_rank_exponential_is_explicit")
def low_rank_with_the_terms_of_float32(X, Y):
    """Σ Sᵏ/(k+1)! with twelve terms for ‖S‖ <= 1, in double precision too: nine digits at the end."""
    S = transpose(Y) @ X
    if X.ndim > 2 or np.linalg.norm(S) > 1:
        return right.expm_low_rank(X, Y)
    return low_rank(X, Y, sum(np.linalg.matrix_power(S, k) / math.factorial(k + 1) for k in range(12)))


@mutant("expm_low_rank", rejected_by="low_rank_exponential_has_a_gauge")
def low_rank_drops_small_columns(X, Y):
    """Columns of X below 1e−2 in norm are taken for zero, however large Y is."""
    return right.expm_low_rank(X * (np.linalg.norm(X, axis=-2, keepdims=True) > 1e-2), Y)


@mutant("expm_low_rank", rejected_by="low_rank_exponential_of_a_batch")
def low_rank_shares_phi_in_the_batch(X, Y):
    """φ₁ of the first S for the whole batch."""
    S = transpose(Y) @ X
    return low_rank(X, Y, phi1m(S[:1]) if S.ndim > 2 else phi1m(S))


@mutant("expm_low_rank", rejected_by="low_rank_gradient_is_the_adjoint_derivative", space=TORCH)
def low_rank_stops_the_gradient_of_phi(X, Y):
    """φ₁(S) detached: its derivative is missing."""
    import torch

    r = X.shape[-1]
    top = torch.cat([Y.mT @ X, torch.eye(r, dtype=X.dtype)], dim=-1)
    phi = expm(torch.cat([top, 0 * top], dim=-2))[..., :r, r:]
    return torch.eye(X.shape[-2], dtype=X.dtype) + X @ (phi.detach() @ Y.mT)


@mutant("expm_low_rank", rejected_by="low_rank_exponential_keeps_form")
def low_rank_hides_nan(X, Y):
    """nan_to_num at the end."""
    return np.nan_to_num(right.expm_low_rank(X, Y))


@mutant("expm_low_rank_apply", expm_low_rank=right.expm_low_rank, rejected_by=(
    "low_rank_apply_is_the_product", "low_rank_apply_agrees_with_the_dense_matrix"))  # fmt: skip
def low_rank_apply_transposes_phi(X, Y, V):
    """X φ₁ᵀ YᵀV: row for column in the small matrix."""
    return V + X @ (transpose(phi1m(transpose(Y) @ X)) @ (transpose(Y) @ V))


@mutant("expm_low_rank_apply", rejected_by="low_rank_apply_keeps_form")
def low_rank_apply_hides_nan(X, Y, V):
    """nan_to_num at the end."""
    return np.nan_to_num(right.expm_low_rank_apply(X, Y, V))


@mutant("logdet_expm_low_rank", rejected_by="low_rank_logdet_is_the_trace")
def low_rank_logdet_multiplies_sums(X, Y):
    """(ΣX)·(ΣY) for Σ XY."""
    return np.asarray(X.sum(axis=(-2, -1)) * Y.sum(axis=(-2, -1)))


@mutant("logdet_expm_low_rank", rejected_by="low_rank_logdet_is_the_trace")
def low_rank_logdet_is_log_of_det(X, Y):
    """log det of the dense matrix: digits lost to its condition, ±inf beyond its range."""
    return np.asarray(np.log(abs(np.linalg.det(right.expm_low_rank(X, Y)))))


@mutant("logdet_expm_low_rank", rejected_by="low_rank_logdet_has_constant_gradient", space=TORCH)
def low_rank_logdet_stops_a_gradient(X, Y):
    """Y detached: its parameters never learn from log det."""
    return (X * Y.detach()).sum((-2, -1))


@mutant("logdet_expm_low_rank", rejected_by="low_rank_logdet_keeps_form")
def low_rank_logdet_hides_nan(X, Y):
    """nansum: NaN entries count as 0."""
    return np.asarray(np.nansum(np.where(np.isfinite(X * Y), X * Y, np.nan), axis=(-2, -1)))


@mutant("product_apply", rejected_by="product_applies_its_factors_in_order")
def product_in_reversed_order(X, Y, V):
    """The last factor applied first."""
    return right.product_apply(X[..., ::-1, :], Y[..., ::-1, :], V)


@mutant("product_apply", rejected_by=("product_of_factors_is_not_exponential_of_the_sum",
                                      "product_applies_its_factors_in_order"))  # fmt: skip
def product_as_exponential_of_the_sum(X, Y, V):
    """exp(Σxᵢyᵢᵀ)V: equal only if the factors commute, though the determinant is the same."""
    return right.expm_low_rank_apply(transpose(X), transpose(Y), V)


@mutant("product_apply", rejected_by=("product_determinant_is_exponential_of_the_sum",
                                      "product_of_commuting_factors_is_exponential_of_the_sum"))  # fmt: skip
def product_of_first_order_factors(X, Y, V):
    """Factors I + xᵢyᵢᵀ for exp(xᵢyᵢᵀ)."""
    for i in range(X.shape[-2]):
        V = V + X[..., i, :, None] * (Y[..., i, None, :] @ V)
    return V


@mutant("product_apply", rejected_by="product_differs_from_identity_by_rank_r")
def product_with_symmetrised_factors(X, Y, V):
    """Each factor followed by its transpose, to make it symmetric: the rank of M − I doubles."""
    for i in range(X.shape[-2]):
        x, y = X[..., i, :], Y[..., i, :]
        V = right.expm_rank1_apply(y, x, right.expm_rank1_apply(x, y, V))
    return V


@mutant("product_apply", rejected_by=("product_of_factors_has_its_dimension", "product_gradient_is_the_chain_rule"),
        space=TORCH)  # fmt: skip
def product_trains_half_of_its_parameters(X, Y, V):
    """Y detached: r·n dimensions of the layer never move."""
    return right.product_apply(X, Y.detach(), V)


@mutant("product_apply", rejected_by="product_keeps_form")
def product_hides_nan(X, Y, V):
    """nan_to_num at the end."""
    return np.nan_to_num(right.product_apply(X, Y, V))


@mutant("product_inverse_apply", product_apply=right.product_apply, rejected_by=(
    "product_inverse_reverses_the_order", "product_inverse_undoes_the_product"))  # fmt: skip
def product_inverse_in_the_same_order(X, Y, V):
    """The factors exp(−xᵢyᵢᵀ) in the order of the product: right only if they commute."""
    return right.product_apply(X, -Y, V)


@mutant("product_inverse_apply", product_apply=right.product_apply, rejected_by=(
    "product_inverse_reverses_the_order", "product_inverse_undoes_the_product"))  # fmt: skip
def product_inverse_negates_x_and_y(X, Y, V):
    """(−x)(−y)ᵀ = xyᵀ: the product itself, reversed."""
    return right.product_apply(-X[..., ::-1, :], -Y[..., ::-1, :], V)


@mutant("product_inverse_apply", rejected_by="product_inverse_keeps_form")
def product_inverse_hides_nan(X, Y, V):
    """nan_to_num at the end."""
    return np.nan_to_num(right.product_inverse_apply(X, Y, V))


@mutant("product_logdet", rejected_by="product_logdet_is_the_sum")
def product_logdet_is_log_of_product(X, Y):
    """log Π exp(sᵢ): overflows long before the sum does."""
    return np.asarray(np.log(np.exp((X * Y).sum(axis=-1)).prod(axis=-1)))


@mutant("product_logdet", rejected_by="product_layer_has_its_jacobian", space=TORCH, product_apply=right.product_apply)
def product_logdet_is_a_mean(X, Y):
    """Mean over the factors for their sum."""
    return (X * Y).sum(-1).mean(-1)


@mutant("product_logdet", rejected_by="product_logdet_keeps_form")
def product_logdet_hides_nan(X, Y):
    """nansum: NaN entries count as 0."""
    return np.asarray(np.nansum(np.where(np.isfinite(X * Y), X * Y, np.nan), axis=(-2, -1)))

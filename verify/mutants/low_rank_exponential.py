"""Mistakes in φ and in exponentials of rank one: each a few lines of NumPy (torch where the space says so)."""

from __future__ import annotations

from typing import Any

import numpy as np

from detrace import mutant
from reference import low_rank_exponential as right
from reference.matrix_exponential import expm

TORCH = "torch-cpu-float64"
COMPLEX = "numpy-cpu-complex128"
NEAR_ZERO = ("phi1_is_the_divided_exponential", "phi1_satisfies_sherman_morrison")


def phi(s: Any) -> Any:
    """φ as it should be (NumPy), for mutants whose mistake lies elsewhere."""
    return right.phi1(np.asarray(s))


def dense(x: Any, y: Any, factor: Any) -> Any:
    """I + factor·xyᵀ."""
    return (np.eye(x.shape[-1]) + factor[..., None, None] * x[..., :, None] * y[..., None, :]).astype(x.dtype)


def dot(x: Any, y: Any) -> Any:
    return np.asarray((x * y).sum(axis=-1))


@mutant("phi1", rejected_by=(*NEAR_ZERO, "phi1_reflects"))
def phi1_subtracts_one_from_the_exponential(s):
    """(exp(s) − 1)/s: cancels near 0, relative error −1.1e−8 at s = 1e−8 and 0 for φ(1e−16)."""
    safe = np.where(s == 0, 1, s)
    return np.where(s == 0, 1, (np.exp(safe) - 1) / safe).astype(s.dtype)


@mutant("phi1", rejected_by=("phi1_at_zero_is_one", "phi1_is_the_divided_exponential"))
def phi1_forgets_zero(s):
    """expm1(s)/s without a case for s = 0: NaN there."""
    return np.asarray(np.expm1(s) / s)


@mutant("phi1", rejected_by="phi1_has_its_derivative", space=TORCH)
def phi1_guards_its_value_but_not_its_gradient(s):
    """where(s == 0, 1, expm1(s)/s): the value is right, the gradient at 0 is NaN."""
    import torch

    return torch.where(s == 0, torch.ones_like(s), torch.expm1(s) / s)


@mutant("phi1", rejected_by="phi1_has_its_derivative", space=TORCH)
def phi1_with_a_safe_denominator_only(s):
    """Both branches safe at 0, but the quotient's derivative cancels near 0 and is 0 at 0 instead of ½."""
    import torch

    zero = s == 0
    safe = torch.where(zero, torch.ones_like(s), s)
    return torch.where(zero, torch.ones_like(s), torch.expm1(safe) / safe)


@mutant("phi1", rejected_by=NEAR_ZERO)
def phi1_series_is_cut_too_early(s):
    """Six terms of the series for |s| < 1, which is enough for half precision."""
    t = np.where(abs(s) < 1, s, 1)
    series = 1 + t / 2 * (1 + t / 3 * (1 + t / 4 * (1 + t / 5 * (1 + t / 6))))
    return np.where(abs(s) < 1, series, phi(s)).astype(s.dtype)


@mutant("phi1", rejected_by=NEAR_ZERO)
def phi1_series_is_left_too_early(s):
    """The series only for |s| < 1e−12, the cancelling quotient above it."""
    safe = np.where(abs(s) < 1e-12, 1, s)
    return np.where(abs(s) < 1e-12, 1 + s / 2, (np.exp(safe) - 1) / safe).astype(s.dtype)


@mutant("phi1", rejected_by=NEAR_ZERO)
def phi1_with_the_threshold_of_float32(s):
    """1 + s/2 for |s| < 1e−3: right to 2e−7, in a float64 function."""
    return np.where(abs(s) < 1e-3, 1 + s / 2, phi(s)).astype(s.dtype)


@mutant("phi1", rejected_by=NEAR_ZERO)
def phi1_in_single_precision(s):
    """Computed in float32 and cast back: dtype float64, digits of float32."""
    return phi(s.astype(np.float32)).astype(s.dtype)


@mutant("phi1", rejected_by=("phi1_is_the_divided_exponential", "phi1_at_zero_is_one"))
def phi1_with_an_epsilon_in_the_denominator(s):
    """expm1(s)/(s + 1e−8) "for stability": φ(0) = 0, and a pole at −1e−8."""
    return np.asarray(np.expm1(s) / (s + 1e-8))


@mutant("phi1", rejected_by="phi1_is_the_divided_exponential")
def phi1_overflows_with_the_exponential(s):
    """inf from s = 709.8 on, although φ(s) = eˢ/s is representable up to 716."""
    safe = np.where(s == 0, 1, s)
    return np.where(s == 0, 1, np.expm1(safe) / safe).astype(s.dtype)


@mutant("phi1", rejected_by=("phi1_is_the_divided_exponential", "phi1_keeps_form"))
def phi1_clips_its_argument(s):
    """Clips s to ±50 "against overflow": a wrong finite value beyond."""
    return phi(np.clip(s, -50, 50))


@mutant("phi1", rejected_by="phi1_keeps_form")
def phi1_hides_nan(s):
    """nan_to_num at the end: NaN in, 0 out."""
    return np.nan_to_num(phi(s))


@mutant("phi1", rejected_by=("phi1_reflects", "phi1_satisfies_sherman_morrison"))
def phi1_of_the_wrong_sign(s):
    """(1 − e^{−s})/s = φ(−s) for φ(s)."""
    return phi(np.asarray(-s))


@mutant("phi1", rejected_by="phi1_is_the_divided_exponential")
def phi1_decides_once_for_the_whole_array(s):
    """One method for all elements, by the largest |s|: zeros beside ordinary numbers give NaN."""
    return np.asarray(1 + s / 2 if abs(s).max(initial=0.0) < 1e-9 else np.expm1(s) / s)


@mutant("expm_rank1", rejected_by=(
    "rank_one_exponential_is_its_series", "rank_one_exponential_is_explicit",
    "rank_one_exponential_has_eigenvectors_x_and_y", "rank_one_exponential_fixes_a_hyperplane",
    "rank_one_exponential_agrees_with_expm", "rank_one_exponential_is_unipotent_if_orthogonal"), expm=expm)  # fmt: skip
def expm_rank1_of_the_transpose(x, y):
    """x and y swapped in the outer product: I + φ(s)yxᵀ."""
    return dense(y, x, phi(dot(x, y)))


@mutant("expm_rank1", space=COMPLEX, rejected_by=(
    "rank_one_exponential_is_explicit", "rank_one_exponential_transposes",
    "rank_one_exponential_has_eigenvectors_x_and_y"))  # fmt: skip
def expm_rank1_conjugates(x, y):
    """yᴴ for yᵀ: right for real vectors only."""
    return dense(x, y.conj(), phi(dot(x, y.conj())))


@mutant("expm_rank1", rejected_by=(
    "rank_one_exponential_is_explicit", "rank_one_determinant_is_exponential_of_inner_product",
    "rank_one_inverse_is_the_negative", "rank_one_exponentials_form_a_semigroup",
    "rank_one_exponential_has_two_free_singular_values", "rank_one_exponential_has_eigenvectors_x_and_y"))  # fmt: skip
def expm_rank1_stops_at_first_order(x, y):
    """I + xyᵀ, which is right only where s = 0."""
    return dense(x, y, np.ones_like(dot(x, y)))


@mutant("expm_rank1", rejected_by=("rank_one_exponential_is_its_series", "rank_one_exponential_is_explicit"))
def expm_rank1_with_a_cancelling_phi(x, y):
    """(e^s − 1)/s: loses all digits of φ for small s."""
    s = dot(x, y)
    safe = np.where(s == 0, 1, s)
    return dense(x, y, np.where(s == 0, 1, (np.exp(safe) - 1) / safe))


@mutant("expm_rank1", rejected_by=(
    "rank_one_inverse_is_the_negative", "rank_one_determinant_is_exponential_of_inner_product",
    "rank_one_inverse_is_accurate_at_any_condition"))  # fmt: skip
def expm_rank1_with_phi_of_the_other_sign(x, y):
    """φ(−s) for φ(s), so that the inverse gets φ(s)."""
    return dense(x, y, phi(-dot(x, y)))


@mutant("expm_rank1", rejected_by="rank_one_inverse_is_accurate_at_any_condition")
def expm_rank1_inverts_numerically(x, y):
    """exp(xyᵀ) for s > 0 as the numerical inverse of exp(−xyᵀ): singular in floating point from s = 40 on."""
    s = dot(x, y)
    contracting = dense(x, -np.sign(s)[..., None] * y, phi(-abs(s)))
    return np.linalg.inv(contracting) if s > 0 else dense(x, y, phi(s))


@mutant("expm_rank1", rejected_by="rank_one_exponential_has_a_gauge")
def expm_rank1_gives_up_on_small_vectors(x, y):
    """Returns I where ‖x‖ < 1e−3, however large y is."""
    small = np.linalg.norm(x, axis=-1) < 1e-3
    return dense(x, y, np.where(small, 0, phi(dot(x, y))))


@mutant("expm_rank1", expm=expm, rejected_by=(
    "rank_one_exponential_is_its_series", "rank_one_exponential_agrees_with_expm"))  # fmt: skip
def expm_rank1_elementwise(x, y):
    """exp of each entry of xyᵀ: not the matrix exponential."""
    return np.exp(x[..., :, None] * y[..., None, :])


@mutant("expm_rank1", rejected_by="rank_one_exponential_of_a_batch")
def expm_rank1_sums_over_the_batch(x, y):
    """s = sum(x·y) over all axes: the batch axis forgotten."""
    return dense(x, y, phi(np.broadcast_to((x * y).sum(), x.shape[:-1])))


@mutant("expm_rank1", rejected_by=("rank_one_exponential_is_explicit", "rank_one_exponential_transposes"))
def expm_rank1_in_single_precision(x, y):
    """The outer product in float32, asymmetrically (only x is rounded), cast back."""
    return dense(x.astype(np.float32).astype(x.dtype), y, phi(dot(x, y)))


@mutant("expm_rank1", rejected_by=(
    "rank_one_exponential_is_unipotent_if_orthogonal", "rank_one_exponential_is_explicit"))  # fmt: skip
def expm_rank1_with_an_epsilon(x, y):
    """(e^s − 1)/(s + 1e−12): the identity where s = 0."""
    s = dot(x, y)
    return dense(x, y, np.expm1(s) / (s + 1e-12))


@mutant("expm_rank1", rejected_by="rank_one_exponential_keeps_form")
def expm_rank1_hides_overflow(x, y):
    """nan_to_num at the end: 1.8e308 for what is not representable."""
    return np.nan_to_num(right.expm_rank1(x, y))


@mutant("expm_rank1_apply", expm_rank1=right.expm_rank1, rejected_by=(
    "rank_one_apply_is_the_product", "rank_one_apply_agrees_with_the_dense_matrix"))  # fmt: skip
def apply_projects_on_x(x, y, V):
    """V + φx(xᵀV): x where y is due."""
    return V + phi(dot(x, y))[..., None, None] * x[..., :, None] * (x[..., None, :] @ V)


@mutant("expm_rank1_apply", rejected_by="rank_one_apply_is_the_product")
def apply_changes_its_argument(x, y, V):
    """V += …: the caller's array is overwritten."""
    V += phi(dot(x, y))[..., None, None] * x[..., :, None] * (y[..., None, :] @ V)
    return V


@mutant("expm_rank1_apply", rejected_by=("rank_one_apply_undoes_itself", "rank_one_apply_is_the_product"))
def apply_with_phi_of_the_other_sign(x, y, V):
    """φ(−s) for φ(s): neither the exponential nor its inverse."""
    return V + phi(-dot(x, y))[..., None, None] * x[..., :, None] * (y[..., None, :] @ V)


@mutant("expm_rank1_apply", rejected_by="rank_one_apply_to_a_batch")
def apply_shares_s_in_the_batch(x, y, V):
    """φ of the first pair for the whole batch."""
    s = dot(x, y)
    s = np.broadcast_to(s.ravel()[:1].sum(), s.shape)
    return V + phi(s)[..., None, None] * x[..., :, None] * (y[..., None, :] @ V)


@mutant("expm_rank1_apply", rejected_by="rank_one_apply_has_its_gradient", space=TORCH)
def apply_has_nan_gradient_at_zero(x, y, V):
    """where(s == 0, 1, expm1(s)/s): NaN gradients for orthogonal pairs."""
    import torch

    s = (x * y).sum(-1)[..., None, None]
    return V + torch.where(s == 0, torch.ones_like(s), torch.expm1(s) / s) * x[..., :, None] * (y[..., None, :] @ V)


@mutant("expm_rank1_apply", rejected_by="rank_one_apply_has_its_gradient", space=TORCH)
def apply_stops_the_gradient_of_phi(x, y, V):
    """φ(s) detached: the term φ′(s) is missing from the gradient."""
    s = (x * y).sum(-1)[..., None, None]
    return V + right.phi1(s).detach() * x[..., :, None] * (y[..., None, :] @ V)


@mutant("expm_rank1_apply", rejected_by="rank_one_apply_keeps_form")
def apply_hides_nan(x, y, V):
    """nan_to_num at the end."""
    return np.nan_to_num(right.expm_rank1_apply(x, y, V))


LOGDET = ("rank_one_logdet_is_the_inner_product", "rank_one_logdet_survives_where_the_determinant_does_not")


@mutant("logdet_expm_rank1", rejected_by=(*LOGDET, "rank_one_logdet_of_integers_is_exact"))
def logdet_is_log_of_det(x, y):
    """log|det(I + φxyᵀ)|: ±inf where the determinant is not representable."""
    return np.asarray(np.log(abs(np.linalg.det(right.expm_rank1(x, y)))))


@mutant("logdet_expm_rank1", rejected_by=LOGDET[1])
def logdet_is_log_of_exp(x, y):
    """log(exp(s)): the determinant computed on the way."""
    return np.asarray(np.log(np.exp(dot(x, y))))


@mutant("logdet_expm_rank1", rejected_by=LOGDET[0], space=COMPLEX)
def logdet_takes_the_modulus_of_s(x, y):
    """|s| for Re s."""
    return np.asarray(abs(dot(x, y)))


@mutant("logdet_expm_rank1", rejected_by="rank_one_logdet_of_a_batch")
def logdet_sums_over_the_batch(x, y):
    """One sum over all axes, repeated for every batch entry."""
    return np.full(x.shape[:-1], (x * y).sum())


@mutant("logdet_expm_rank1", rejected_by="rank_one_logdet_has_constant_gradient", space=TORCH)
def logdet_differentiates_a_determinant(x, y):
    """slogdet of the dense matrix: its gradient inverts a matrix that is not representable."""
    import torch

    return torch.linalg.slogdet(right.expm_rank1(x, y))[1]


@mutant("logdet_expm_rank1", rejected_by="rank_one_logdet_keeps_form")
def logdet_hides_nan(x, y):
    """nansum: NaN entries count as 0."""
    return np.asarray(np.nansum(np.where(np.isfinite(x * y), x * y, np.nan), axis=-1))

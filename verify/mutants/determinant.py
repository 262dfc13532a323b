"""Wrong logarithms of determinants, of e^A and of M."""

from __future__ import annotations

import numpy as np

from detrace import mutant
from verify.mutants.matrix_exponential import right


@mutant("logdet_expm", rejected_by=("log_determinant_is_the_trace", "log_determinant_is_linear_in_time"))
def log_of_det(A):
    """log(det(e^A)): overflows or vanishes where the trace is a moderate number."""
    with np.errstate(all="ignore"):
        return np.log(np.abs(np.linalg.det(right(A)))).real.astype(A.real.dtype)


@mutant("logdet_expm", rejected_by=("log_determinants_of_a_batch", "determinants_and_logarithms_show_nan"))
def one_trace_for_the_batch(A):
    """Sums all diagonals of a batch, of any shape, NaN counted as 0."""
    return np.full(A.shape[:-2], np.nansum(np.where(np.isfinite(A), A, 0.0).diagonal(axis1=-2, axis2=-1)), dtype=A.dtype)


@mutant("logdet_expm", rejected_by="gradient_of_log_determinant_is_identity", space="torch-cpu-float64")
def gradient_stopped_at_the_diagonal(A):
    """The trace of a detached copy plus a zero: the right value with gradient 0."""
    import torch

    return torch.diagonal(A.detach(), dim1=-2, dim2=-1).sum(-1) + 0.0 * A.sum((-2, -1))


@mutant("logabsdet", rejected_by="determinant_out_of_range_has_a_logarithm", space="numpy-cpu-float32")
def logarithm_after_determinant(M):
    """log(abs(det M)): det leaves the range of the dtype long before its logarithm does."""
    with np.errstate(all="ignore"):
        return np.log(np.abs(np.linalg.det(M)))


@mutant("logabsdet", rejected_by="determinants_at_the_ends_of_the_range", space="numpy-cpu-float32")
def normalised_by_a_norm_that_overflows(M):
    """n log‖M‖ + log|det(M/‖M‖)|: the squares of the norm leave the range where no entry does."""
    with np.errstate(all="ignore"):
        norm = np.sqrt((np.abs(M) ** 2).sum((-2, -1)))
        return M.shape[-1] * np.log(norm) + np.linalg.slogdet(M / norm[..., None, None])[1]


@mutant("logabsdet", rejected_by="determinants_at_the_ends_of_the_range")
def eliminated_by_reciprocals(M):
    """Multiplies by 1/pivot, which is inf for subnormal pivots (torch.linalg.slogdet on the CPU)."""
    U, logs = np.array(M), np.zeros(M.shape[:-2], M.real.dtype)
    with np.errstate(all="ignore"):
        for j in range(M.shape[-1]):
            rows = j + np.abs(U[..., j:, j]).argmax(-1)[..., None, None]
            below = np.take_along_axis(U, rows, -2).copy()
            np.put_along_axis(U, rows, U[..., j : j + 1, :], -2)
            U[..., j, :] = below[..., 0, :]
            logs += np.log(np.abs(U[..., j, j]))
            factors = U[..., j + 1 :, j] * (1 / U[..., j, j])[..., None]
            U[..., j + 1 :, :] -= factors[..., None] * U[..., j : j + 1, :]
    return logs


@mutant("logabsdet", rejected_by=("log_determinant_is_certified", "inverse_has_the_inverse_determinant"))
def product_of_the_diagonal(M):
    """The diagonal of M in place of the pivots: right for triangular matrices."""
    with np.errstate(all="ignore"):
        return np.log(np.abs(np.diagonal(M, axis1=-2, axis2=-1))).sum(-1)


@mutant("logabsdet", rejected_by="log_determinant_keeps_the_form")
def one_for_an_empty_matrix(M):
    """Adds the machine epsilon 'for stability', so that log 1 is not 0."""
    return np.linalg.slogdet(M + 1e-12 * np.eye(M.shape[-1]))[1]


@mutant("logabsdet", rejected_by="log_determinants_by_elimination_of_a_batch")
def first_determinant_for_all(M):
    """The first slice's answer for the whole batch."""
    logs = np.linalg.slogdet(M)[1]
    return np.full_like(logs, logs.flat[0]) if np.size(logs) else logs


@mutant("logabsdet", rejected_by=("singular_matrices_have_no_finite_logarithm", "determinants_and_logarithms_show_nan"))
def log_of_what_is_finite(M):
    """nan_to_num before and after: a singular matrix has log|det| = −1.8e308, NaN counts as 0."""
    return np.asarray(np.nan_to_num(np.linalg.slogdet(np.nan_to_num(M, posinf=0.0))[1]))


@mutant("logabsdet", rejected_by="matrices_that_are_not_square_are_refused")
def volume_of_any_matrix(M):
    """½ log det MᵀM, the volume of the columns, whatever their number."""
    return np.asarray(np.log(np.linalg.svd(M, compute_uv=False)).sum(axis=-1))


@mutant("logabsdet", rejected_by="gradient_of_log_determinant_is_inverse_transpose", space="torch-cpu-float64")
def gradient_not_transposed(M):
    """A gradient of its own, B⁻¹ for B⁻ᵀ."""
    import torch

    B = M.detach()
    return torch.linalg.slogdet(B).logabsdet + ((M - B) * torch.linalg.inv(B)).sum((-2, -1))

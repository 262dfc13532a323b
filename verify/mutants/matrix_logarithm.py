"""Wrong logarithms of I + A and trace estimators."""

from __future__ import annotations

import numpy as np

from detrace import mutant
from reference.matrix_logarithm import log1pm as right


@mutant("log1pm", rejected_by=("logarithm_is_its_series", "exponential_of_logarithm", "logarithm_of_a_defective_rotation"))
def log_of_one_plus(A):
    """log(I + A) after forming I + A: what is below u is gone."""
    w, v = np.linalg.eig(np.eye(A.shape[-1]) + A)
    L = (v * np.log(w.astype(complex))) @ np.linalg.inv(v)
    return (L if np.iscomplexobj(A) else L.real).astype(A.dtype)


@mutant("log1pm", rejected_by=("exponential_of_logarithm", "principal_logarithm_of_a_rotation",
                               "trace_of_logarithm_is_log_of_determinant",
                               "logarithm_of_a_defective_rotation"))  # fmt: skip
def mercator_everywhere(A):
    """Sixty terms of the series, also where it diverges."""
    L = np.zeros_like(A)
    for k in range(60, 0, -1):
        L = A @ (np.eye(A.shape[-1]) * ((-1) ** (k - 1) / k) + L)
    return L.astype(A.dtype)


@mutant("log1pm", rejected_by=("logarithm_of_a_diagonalisable_matrix", "exponential_of_logarithm"),
        origin="post 6377, as printed")  # fmt: skip
def powers_left_in_the_diagonal(A):
    """The series of log(I+A²): the printed form with Λⁿ, at n = 2."""
    return mercator_everywhere.functions["log1pm"](A @ A)


@mutant("log1pm", rejected_by="logarithm_needs_only_spectral_radius_below_one")
def refuses_norms_above_one(A):
    """NaN unless ‖A‖ < 1, as the sufficient condition says."""
    if A.ndim == 2 and A.size and np.linalg.norm(A, 2) < 1:
        return mercator_everywhere.functions["log1pm"](A)
    return np.full_like(A, np.nan)


@mutant("log1pm", rejected_by=("principal_logarithms_do_not_add_up",), space="numpy-cpu-complex128")
def another_branch(A):
    """Arguments in [0, 2π): a logarithm, but not the principal one."""
    d = np.log(1 + np.diagonal(A))
    return np.diag(d.real + 1j * np.mod(d.imag, np.pi)).astype(A.dtype)


@mutant("log1pm", rejected_by="logarithm_of_a_large_projector")
def large_logarithms_in_single_precision(A):
    """Through float32 from 8×8 on, where a square root costs more."""
    L = right(A)
    return L.astype(np.float32).astype(L.dtype) if A.shape[-1] >= 8 else L


@mutant("log1pm", rejected_by="logarithms_of_a_batch")
def one_scaling_for_all_slices(A):
    """Slices are divided by the largest one's norm, rounded there to 1e−16, and multiplied back."""
    unit = np.abs(A).max(initial=0.0) or 1.0
    return mercator_everywhere.functions["log1pm"](np.round(A / unit, 16) * unit)


@mutant("log1pm", rejected_by=("determinants_and_logarithms_show_nan", "matrices_that_are_not_square_are_refused"))
def nan_is_the_identity(A):
    """Entries that are not finite count as 0, and the leading square is taken."""
    n = min(A.shape[-2:])
    return mercator_everywhere.functions["log1pm"](np.nan_to_num(A[..., :n, :n], posinf=0.0))


@mutant("log1pm", rejected_by="logarithm_keeps_the_form")
def first_slice_only(A):
    """Computes the first matrix of a batch and repeats it."""
    if A.ndim == 2 or A.size == 0:
        return A * 0 + (np.diag(np.log1p(np.diagonal(A))) if A.ndim == 2 and A.size else A * 0)
    first = A.reshape(-1, *A.shape[-2:])[0]
    return np.broadcast_to(np.diag(np.log1p(np.diagonal(first))), A.shape).copy()


@mutant("hutchinson_trace", rejected_by="hutchinson_is_unbiased")
def sum_for_mean(matvec, probes):
    """The sum over the probes."""
    return np.einsum("mn,nm->", probes.conj(), matvec(probes.T))


@mutant("hutchinson_trace", rejected_by="hutchinson_variance_is_known")
def absolute_forms(matvec, probes):
    """|v*Mv| in place of v*Mv: unbiased for positive definite matrices only."""
    return np.abs(np.einsum("mn,nm->m", probes.conj(), matvec(probes.T))).mean().astype(probes.dtype)


@mutant("hutchinson_trace", rejected_by="hutchinson_is_unbiased")
def normalised_probes(matvec, probes):
    """Probes scaled to unit length: E vvᵀ = I/n, so the estimate is tr M / n."""
    v = probes / np.linalg.norm(probes, axis=1, keepdims=True)
    return np.einsum("mn,nm->m", v.conj(), matvec(v.T)).mean()


@mutant("hutchinson_trace", rejected_by="hutchinson_is_unbiased", space="numpy-cpu-complex128")
def transposed_for_adjoint(matvec, probes):
    """vᵀMv for v*Mv: right for real probes, 0 or worse for complex ones."""
    return np.einsum("mn,nm->m", probes, matvec(probes.T)).mean()


@mutant("hutchinson_trace", rejected_by="hutchinson_variance_of_gaussian_probes_is_known")
def signs_of_the_probes(matvec, probes):
    """sign(v) for v: Rademacher's variance where Gaussian probes are given."""
    v = np.sign(probes) + (probes == 0)
    return np.einsum("mn,nm->m", v.conj(), matvec(v.T)).mean().astype(probes.dtype)


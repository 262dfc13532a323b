"""Wrong matrix exponentials, logarithms and trace estimators: known mistakes, a few lines each."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from detrace import mutant

FORWARD = "exponential_is_its_series"


def taylor(A: Any, degree: int = 18) -> Any:
    """Σ_{k≤degree} Aᵏ/k! by Horner's rule (a right building block; mutants differ in how they use it)."""
    eye = np.broadcast_to(np.eye(A.shape[-1], dtype=A.dtype), A.shape)
    E = eye
    for k in range(degree, 0, -1):
        E = eye + A @ E / k
    return np.array(E).astype(A.dtype)


def squared(E: Any, times: int) -> Any:
    for _ in range(times):
        E = E @ E
    return E


def scalings(A: Any, norm: Any = None, theta: float = 1.0) -> int:
    """Right number of squarings for one matrix."""
    size = np.abs(A).sum(axis=-2).max(initial=0.0) if norm is None else norm(A)
    return max(0, math.ceil(math.log2(size / theta))) if np.isfinite(size) and size > 0 else 0


def right(A: Any) -> Any:
    """A plain, right exponential in double precision, slice by slice, rounded to A's dtype."""
    wide = A.astype(np.complex128 if np.iscomplexobj(A) else np.float64)
    out = np.empty_like(wide)
    for i in np.ndindex(A.shape[:-2]):
        s = scalings(wide[i])
        out[i] = squared(taylor(wide[i] / 2.0**s), s)
    return out.astype(A.dtype)


# -- the algorithm ----------------------------------------------------------------------------------------------------


@mutant("expm", rejected_by=(FORWARD, "scalar_multiple_of_identity"))
def taylor_without_scaling(A):
    """Thirty terms of the series and no scaling: e^{−30} drowns in terms of size 30^30/30!."""
    return taylor(A, 30)


@mutant("expm", rejected_by=(FORWARD, "skew_exponential_is_unitary"))
def floor_for_ceil(A):
    """One squaring too few: floor(log₂‖A‖/θ) where ceil is meant, with a polynomial made for θ."""
    s = max(0, math.floor(math.log2(max(np.abs(A).sum(axis=-2).max(initial=0.0), 1e-300))))
    return squared(taylor(A / 2.0**s, 15), s) if A.ndim == 2 else right(A)


@mutant("expm", rejected_by=FORWARD, origin="pytorch/pytorch#196592")
def wrong_taylor_coefficient(A):
    """A degree-8 Taylor polynomial with one coefficient off in the third digit, used for small norms only."""
    if A.ndim != 2 or np.abs(A).sum(axis=-2).max(initial=0.0) > 0.5:
        return right(A)
    A4 = A @ A @ A @ A
    return right(A) + 1e-6 * A4 @ A @ A @ A


@mutant("expm", rejected_by=(FORWARD, "skew_exponential_is_unitary"), origin="cupy/cupy#9138")
def wrong_pade_coefficient(A):
    """Padé [3/3] with 12 for 10 in one term of numerator and denominator: still orthogonal on skew matrices, still wrong."""
    if A.ndim != 2:
        return right(A)
    s = scalings(A, theta=0.015)
    X = A / 2.0**s
    eye = np.eye(len(A))
    U, V = X @ (X @ X / 120 + eye * 0.6), X @ X / 12 + eye
    return squared(np.linalg.solve(V - U / 1.2, V + U / 1.2), s).astype(A.dtype)


@mutant("expm", rejected_by=FORWARD, origin="scipy/scipy#25864")
def infinity_norm_for_one_norm(A):
    """The number of squarings from the largest row sum, the polynomial's degree from a bound on column sums."""
    if A.ndim != 2:
        return right(A)
    s = scalings(A, norm=lambda a: np.abs(a).sum(axis=-1).min(initial=np.inf))
    return squared(taylor(A / 2.0**s, 15), s)


@mutant("expm", rejected_by=("nilpotent_series_is_finite", FORWARD))
def spectral_radius_for_norm(A):
    """Scaling by the largest eigenvalue: a nilpotent matrix of any norm is not scaled at all, and degree 2 must do."""
    if A.ndim != 2:
        return right(A)
    s = scalings(A, norm=lambda a: max(abs(np.linalg.eigvals(a)), default=0.0), theta=2.0**-16)
    return squared(taylor(A / 2.0**s, 2), s)


@mutant("expm", rejected_by=(FORWARD, "nilpotent_series_is_finite"), origin="jax.scipy.linalg.expm(max_squarings=16)")
def capped_squarings(A):
    """At most 8 squarings, NaN beyond: a limit on norms that e^A does not have."""
    E = right(A)
    E[np.abs(A).sum(axis=-2).max(axis=-1, initial=0.0) > 2.0**8] = np.nan
    return E


@mutant("expm", rejected_by=FORWARD)
def compound_interest(A):
    """(I + A/2ᵏ)^{2ᵏ} with k = 20: first order, and I + A/2ᵏ loses half of the digits."""
    return squared(np.eye(A.shape[-1], dtype=A.dtype) + A / 2.0**20, 20)


@mutant("expm", rejected_by=(FORWARD, "sine_and_cosine_are_parts_of_the_exponential", "sine_of_a_commuting_sum",
                             "some_noncommuting_pairs_multiply_too"), space="numpy-cpu-complex128")  # fmt: skip
def norm_of_the_real_part(A):
    """Scaling by ‖Re A‖: imaginary matrices are not scaled."""
    if A.ndim != 2:
        return right(A)
    s = scalings(A.real)
    return squared(taylor(A / 2.0**s, 12), s)


@mutant("expm", rejected_by=FORWARD)
def cayley_transform(A):
    """(I − A/2)⁻¹(I + A/2): orthogonal with determinant 1 on skew matrices, which the determinant law cannot see."""
    eye = np.eye(A.shape[-1], dtype=A.dtype)
    return np.linalg.solve(eye - A / 2, eye + A / 2)


# -- the wrong function -----------------------------------------------------------------------------------------------


@mutant("expm", rejected_by=(FORWARD, "determinant_is_exponential_of_trace", "diagonal_is_entrywise",
                             "blocks_keep_to_themselves", "exponential_keeps_the_form",
                             "inverse_is_exponential_of_minus", "exponential_is_a_semigroup",
                             "idempotent_moves_only_its_range", "kronecker_sum_becomes_product"))  # fmt: skip
def elementwise(A):
    """np.exp(A): the exponential of the entries."""
    return np.exp(A)


@mutant("expm", rejected_by=(FORWARD, "derivative_at_zero_is_the_matrix"))
def base_two(A):
    """2^A: a semigroup with the wrong generator, A·log 2."""
    return right(A * math.log(2.0)).astype(A.dtype)


@mutant("expm", rejected_by=(FORWARD, "jordan_block_has_no_eigenbasis", "nilpotent_series_is_finite"))
def diagonalisation(A):
    """V·diag(e^λ)·V⁻¹: a defective matrix has no V⁻¹."""
    w, v = np.linalg.eig(A)
    E = (v * np.exp(w)[..., None, :]) @ np.linalg.inv(v)
    return (E if np.iscomplexobj(A) else E.real).astype(A.dtype)


@mutant("expm", rejected_by=(FORWARD, "transpose_and_adjoint_commute_with_exponential", "diagonalisation_carries_over",
                             "similarity_passes_through"))  # fmt: skip
def symmetric_only(A):
    """eigh for every matrix: reads the lower triangle and believes the upper is its mirror."""
    w, v = np.linalg.eigh(A)
    return ((v * np.exp(w)[..., None, :]) @ np.conj(np.swapaxes(v, -1, -2))).astype(A.dtype)


@mutant("expm", rejected_by=("symmetric_stays_positive", FORWARD), space="numpy-cpu-complex128")
def forgotten_conjugate(A):
    """A shortcut for Hermitian matrices with vᵀ where v* is meant."""
    if A.shape[-1] == 0 or not np.array_equal(A, np.conj(np.swapaxes(A, -1, -2))):
        return right(A)
    w, v = np.linalg.eigh(A)
    return (v * np.exp(w)[..., None, :]) @ np.swapaxes(v, -1, -2)


@mutant("expm", rejected_by=("sum_of_noncommuting_differs_as_it_must", FORWARD))
def splitting(A):
    """e^{A} ≈ e^{S}·e^{K} with S the symmetric and K the skew part: exact only if they commute."""
    T = np.swapaxes(A, -1, -2)
    return right((A + T) / 2) @ right((A - T) / 2)


@mutant("expm", rejected_by=("sum_of_commuting_becomes_product", FORWARD))
def entries_rounded_to_single(A):
    """Computed in single precision and returned as double."""
    return right(A.astype(np.float32)).astype(A.dtype)


@mutant("expm", rejected_by=FORWARD, space="numpy-cpu-complex128")
def imaginary_part_dropped(A):
    """Cast to real on the way in, as warnings that nobody reads say."""
    return right(A.real).astype(A.dtype)


@mutant("expm", rejected_by="golden_thompson_inequality")
def symmetrised_growth(A):
    """e^{A}·(1 + ‖A − diag A‖²/100): a multiplicative error that single matrices hide and traces of sums reveal."""
    off = A - np.diag(np.diag(A)) if A.ndim == 2 else np.zeros_like(A)
    return right(A) * (1 + (np.abs(off) ** 2).sum() / 100)


@mutant("expm", rejected_by=("generator_of_a_chain_gives_probabilities", FORWARD))
def first_order_chain(A):
    """I + A, which many take for the transition matrix of a short time step."""
    return np.eye(A.shape[-1], dtype=A.dtype) + A


@mutant("expm", rejected_by="rotations_have_many_logarithms")
def angle_in_single_precision(A):
    """Rotations by their angle, computed in single precision; everything else is right."""
    if A.shape == (2, 2) and A[0, 1] == -A[1, 0] and not np.diag(A).any():
        t = float(np.float32(A[1, 0]))
        return np.array([[math.cos(t), -math.sin(t)], [math.sin(t), math.cos(t)]])
    return right(A)


# -- batches, form, limits --------------------------------------------------------------------------------------------


@mutant("expm", rejected_by="batch_slices_are_independent")
def one_scaling_for_the_batch(A):
    """All slices share the largest slice's number of squarings: small slices lose their digits in I + tiny."""
    s = max([scalings(A[i]) for i in np.ndindex(A.shape[:-2])], default=0)
    return squared(taylor(A / 2.0**s), s)


@mutant("expm", rejected_by="batch_slices_are_independent", origin="scipy/scipy#25924 (SciPy 1.18.0)")
def scaling_left_over_from_the_last_slice(A):
    """The number of squarings is not reset between slices."""
    out, s = np.empty_like(A), 0
    for i in np.ndindex(A.shape[:-2]):
        wanted = scalings(A[i])
        out[i] = squared(taylor(A[i] / 2.0**wanted), max(wanted, s))
        s = max(s, wanted)
    return out


@mutant("expm", rejected_by="memory_layout_does_not_matter")
def flat_memory(A):
    """Reads the buffer in memory order: right for row-major arrays, transposed for views."""
    return right(np.frombuffer(A.tobytes("A"), dtype=A.dtype).reshape(A.shape))


@mutant("expm", rejected_by="exponential_keeps_the_form", space="numpy-cpu-float32")
def widens_the_dtype(A):
    """Double precision out for single precision in."""
    return right(A.astype(np.float64))


@mutant("expm", rejected_by=("exponential_is_its_series", "batch_slices_are_independent"))
def scales_in_place(A):
    """A /= 2ˢ on the caller's own array."""
    E = right(A)
    A /= 2.0
    return E


@mutant("expm", rejected_by="nothing_finite_comes_of_nan", origin="pytorch/pytorch#82282")
def nan_becomes_a_number(A):
    """np.nan_to_num 'for stability'."""
    return right(np.nan_to_num(A, posinf=1.0))


@mutant("expm", rejected_by="overflow_is_never_a_wrong_finite")
def clipped_overflow(A):
    """Clips the result to the largest number: an overflow that looks like an answer."""
    with np.errstate(all="ignore"):
        E = np.nan_to_num(right(A), nan=0.0)
    top = np.finfo(A.dtype).max
    return np.clip(E, -top, top)


@mutant("expm", rejected_by="gradient_is_the_adjoint_derivative", space="torch-cpu-float64")
def gradient_as_if_commuting(A):
    """A custom backward that returns W·e^{Aᵀ}: right only where the direction commutes with A."""
    return _Commuting.apply(A)


class _Commuting(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, A: Any) -> Any:
        E = torch.linalg.matrix_exp(A)
        ctx.save_for_backward(E)
        return E

    @staticmethod
    def backward(ctx: Any, W: Any) -> Any:
        (E,) = ctx.saved_tensors
        return W @ E.mT


@mutant("expm_multiply", rejected_by="exponential_times_vectors_solves_the_equation")
def krylov_of_degree_two(A, V):
    """Two terms of the series applied to V."""
    return V + A @ V + A @ (A @ V) / 2


# -- determinants -----------------------------------------------------------------------------------------------------


@mutant("logdet_expm", rejected_by=("log_determinant_is_the_trace", "log_determinant_is_linear_in_time"))
def log_of_det(A):
    """log(det(e^A)): overflows or vanishes where the trace is a moderate number."""
    with np.errstate(all="ignore"):
        return np.log(np.abs(np.linalg.det(right(A)))).real.astype(A.real.dtype)


@mutant("logdet_expm", rejected_by="gradient_of_log_determinant_is_identity", space="torch-cpu-float64")
def gradient_stopped_at_the_diagonal(A):
    """The trace of a detached copy plus a zero: the right value with gradient 0."""
    return torch.diagonal(A.detach(), dim1=-2, dim2=-1).sum(-1) + 0.0 * A.sum((-2, -1))


# -- logarithms -------------------------------------------------------------------------------------------------------


@mutant("log1pm", rejected_by=("logarithm_is_its_series", "exponential_of_logarithm"))
def log_of_one_plus(A):
    """log(I + A) after forming I + A: what is below u is gone."""
    w, v = np.linalg.eig(np.eye(A.shape[-1]) + A)
    L = (v * np.log(w.astype(complex))) @ np.linalg.inv(v)
    return (L if np.iscomplexobj(A) else L.real).astype(A.dtype)


@mutant("log1pm", rejected_by=("exponential_of_logarithm", "principal_logarithm_of_a_rotation",
                               "trace_of_logarithm_is_log_of_determinant"))  # fmt: skip
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


@mutant("log1pm", rejected_by="logarithm_keeps_the_form")
def first_slice_only(A):
    """Computes the first matrix of a batch and repeats it."""
    if A.ndim == 2 or A.size == 0:
        return A * 0 + (np.diag(np.log1p(np.diagonal(A))) if A.ndim == 2 and A.size else A * 0)
    first = A.reshape(-1, *A.shape[-2:])[0]
    return np.broadcast_to(np.diag(np.log1p(np.diagonal(first))), A.shape).copy()


# -- trace estimators -------------------------------------------------------------------------------------------------


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


# -- log|det| ---------------------------------------------------------------------------------------------------------


@mutant("logabsdet", rejected_by="determinant_out_of_range_has_a_logarithm", space="numpy-cpu-float32")
def logarithm_after_determinant(M):
    """log(abs(det M)): det leaves the range of the dtype long before its logarithm does."""
    with np.errstate(all="ignore"):
        return np.log(np.abs(np.linalg.det(M)))


@mutant("logabsdet", rejected_by=("log_determinant_is_certified", "inverse_has_the_inverse_determinant"))
def product_of_the_diagonal(M):
    """The diagonal of M in place of the pivots: right for triangular matrices."""
    with np.errstate(all="ignore"):
        return np.log(np.abs(np.diagonal(M, axis1=-2, axis2=-1))).sum(-1)


@mutant("logabsdet", rejected_by="log_determinant_keeps_the_form")
def one_for_an_empty_matrix(M):
    """Adds the machine epsilon 'for stability', so that log 1 is not 0."""
    return np.linalg.slogdet(M + 1e-12 * np.eye(M.shape[-1]))[1]


@mutant("logabsdet", rejected_by="gradient_of_log_determinant_is_inverse_transpose", space="torch-cpu-float64")
def gradient_not_transposed(M):
    """A hand-written backward that returns B⁻¹ for B⁻ᵀ."""
    return _Untransposed.apply(M)


class _Untransposed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, M: Any) -> Any:
        ctx.save_for_backward(M)
        return torch.linalg.slogdet(M).logabsdet

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        (M,) = ctx.saved_tensors
        return g[..., None, None] * torch.linalg.inv(M)

"""Wrong matrix exponentials: known mistakes in the algorithm, and other functions taken for it; a few lines each."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

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


@mutant("expm", rejected_by=(FORWARD, "scalar_multiple_of_identity"))
def taylor_without_scaling(A):
    """Thirty terms of the series and no scaling: e^{−30} drowns in terms of size 30^30/30!."""
    return taylor(A, 30)


@mutant("expm", rejected_by=(FORWARD, "skew_exponential_is_unitary"))
def floor_for_ceil(A):
    """One squaring too few: floor(log₂‖A‖/θ) where ceil is meant, with a polynomial that is right up to θ."""
    s = max(0, math.floor(math.log2(max(np.abs(A).sum(axis=-2).max(initial=0.0), 1e-300))))
    return squared(taylor(A / 2.0**s), s) if A.ndim == 2 else right(A)


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


@mutant("expm", rejected_by=FORWARD, origin="torch.norm(A, inf), which flattens; of the kind of scipy/scipy#25864")
def largest_entry_for_a_norm(A):
    """max|aᵢⱼ| taken for the ∞-norm: it is not submultiplicative, so full matrices are scaled too little."""
    if A.ndim != 2:
        return right(A)
    s = scalings(A, norm=lambda a: np.abs(a).max(initial=0.0))
    return squared(taylor(A / 2.0**s), s)


@mutant("expm", rejected_by=("nilpotent_series_is_finite", FORWARD))
def spectral_radius_for_norm(A):
    """Scaling by the largest eigenvalue: a nilpotent matrix of any norm is not scaled at all, and degree 2 must do."""
    if A.ndim != 2:
        return right(A)
    s = scalings(A, norm=lambda a: max(abs(np.linalg.eigvals(a)), default=0.0), theta=2.0**-16)
    return squared(taylor(A / 2.0**s, 2), s)


@mutant("expm", rejected_by="walk_around_a_large_cycle_is_poisson", origin="scipy.linalg.expm 1.15.0 to 1.18.0")
def eighth_root_of_an_estimated_norm(A):
    """From 400 rows on ‖A⁸‖ is to be estimated, and ‖A‖ is: its eighth root is near 1."""
    if A.shape[-1] < 400:
        return right(A)
    s = scalings(A, norm=lambda a: np.abs(a).sum(axis=-2).max() ** 0.125)
    return squared(taylor(A / 2.0**s), s)


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
    return squared(taylor(A / 2.0**s), s)


@mutant("expm", rejected_by=FORWARD)
def cayley_transform(A):
    """(I − A/2)⁻¹(I + A/2): orthogonal with determinant 1 on skew matrices, which the determinant law cannot see."""
    eye = np.eye(A.shape[-1], dtype=A.dtype)
    return np.linalg.solve(eye - A / 2, eye + A / 2)


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


def _superdiagonal(A, quotient):
    """The right exponential, with the superdiagonal of triangular slices by a formula for (e^μ - e^λ)/(μ - λ)."""
    E = right(A)
    for i in np.ndindex(A.shape[:-2]):
        if A.shape[-1] > 1 and not np.tril(A[i], -1).any():
            d = np.diag(A[i])
            np.fill_diagonal(E[i][:, 1:], np.diag(A[i], 1) * quotient(d[:-1], d[1:]))
    return E


@mutant("expm", rejected_by=("divided_differences_fill_the_triangle", FORWARD), origin="scipy.linalg.expm, since 1.9.0")
def superdiagonal_by_a_quotient_of_differences(A):
    """(e^μ - e^λ)/(μ - λ), or e^λ where μ = λ: cancels where they nearly are."""
    return _superdiagonal(A, lambda a, b: np.where(a == b, np.exp(a), (np.exp(b) - np.exp(a)) / np.where(a == b, 1, b - a)))


@mutant("expm", rejected_by="divided_differences_fill_the_triangle", space="numpy-cpu-float64")
def nearly_equal_eigenvalues_taken_as_equal(A):
    """The same with e^λ where |μ - λ| <= 1e-8, as if the quotient had half of the digits there."""
    return _superdiagonal(A, lambda a, b: np.exp(a) * np.where(abs(b - a) <= 1e-8, 1, np.expm1(b - a) / (b - a + (a == b))))


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

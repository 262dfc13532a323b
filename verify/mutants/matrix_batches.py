"""Matrix exponentials that go wrong in batches, at the borders of their domain, in form or in their gradient."""

from __future__ import annotations

import numpy as np

from detrace import mutant
from verify.mutants.matrix_exponential import right, scalings, squared, taylor


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


@mutant("expm", rejected_by="large_batches_are_as_accurate")
def many_slices_in_single_precision(A):
    """From 128 matrices on another product, whose accumulator is float32."""
    E = right(A)
    return E.astype(np.float32).astype(A.dtype) if A.ndim > 2 and len(A) >= 128 else E


@mutant("expm", rejected_by="large_batches_are_as_accurate")
def a_line_of_slices_is_squared_together(A):
    """Vectorised over eight slices, each scaled as it needs, but all squared as often as the one that needs most."""
    if A.ndim != 3 or len(A) < 64:
        return right(A)
    s = [scalings(slice_) for slice_ in A]
    most = [max(s[i - i % 8 : i - i % 8 + 8]) for i in range(len(s))]
    return np.stack([squared(taylor(slice_ / 2.0**k), m) for slice_, k, m in zip(A, s, most, strict=True)])


@mutant("expm", rejected_by="large_batches_are_as_accurate")
def slices_left_over_from_whole_lines(A):
    """Vectorised over eight slices; those that fill no line get what the line before left there."""
    E, over = right(A), len(A) % 8
    if A.ndim == 3 and len(A) >= 64 and over:
        E[-over:] = E[-over - 8 : -8]
    return E


@mutant("expm", rejected_by="large_normal_matrices_are_as_accurate")
def large_matrices_with_fewer_terms(A):
    """A polynomial of degree 10 from 8×8 on, where a product costs more."""
    if A.ndim != 2 or len(A) < 8:
        return right(A)
    s = scalings(A)
    return squared(taylor(A / 2.0**s, 10), s)


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


@mutant("expm", rejected_by="nothing_finite_comes_of_nan")
def only_the_diagonal_is_looked_at(A):
    """NaN off the diagonal counts as "no coupling"."""
    off = ~np.eye(A.shape[-1], dtype=bool)
    return right(np.where(off, np.nan_to_num(A, posinf=0.0), A))


@mutant("expm", rejected_by="matrices_that_are_not_square_are_refused")
def cut_to_a_square(A):
    """The leading square of whatever comes."""
    n = min(A.shape[-2:])
    return right(A[..., :n, :n])


@mutant("expm", rejected_by="overflow_is_never_a_wrong_finite")
def clipped_overflow(A):
    """Clips the result to the largest number: an overflow that looks like an answer."""
    with np.errstate(all="ignore"):
        E = np.nan_to_num(right(A), nan=0.0)
    top = np.finfo(A.dtype).max
    return np.clip(E, -top, top)


@mutant("expm", rejected_by="gradient_is_the_adjoint_derivative", space="torch-cpu-float64")
def gradient_as_if_commuting(A):
    """A gradient of its own, W·e^{Aᵀ}: right only where the direction commutes with A."""
    import torch

    E = torch.linalg.matrix_exp(A.detach())
    return E + (A - A.detach()) @ E


@mutant("expm_multiply", rejected_by="exponential_times_vectors_solves_the_equation")
def krylov_of_degree_two(A, V):
    """Two terms of the series applied to V."""
    return V + A @ V + A @ (A @ V) / 2


@mutant("expm_multiply", rejected_by="exponentials_times_vectors_of_a_batch")
def first_matrix_for_all_vectors(A, V):
    """e^{A₁} for every slice of a batch."""
    return right(A[:1] if A.ndim > 2 else A) @ V


@mutant("expm_multiply", rejected_by="exponential_times_vectors_shows_nan")
def nan_moves_nothing(A, V):
    """Entries of A that are not finite count as 0."""
    return right(np.nan_to_num(A, posinf=0.0)) @ V

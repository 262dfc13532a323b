"""Low-rank exponentials that go wrong in batches, for long vectors, or by how their input is stored."""

from __future__ import annotations

from typing import Any

import numpy as np

from detrace import mutant
from reference import low_rank_exponential as right


def first(X: Any) -> Any:
    """The first matrix of a batch in place of each of them."""
    return np.broadcast_to(X.reshape(-1, *X.shape[-2:])[:1], X.shape).copy() if X.ndim > 2 else X


@mutant("expm_low_rank_apply", rejected_by="low_rank_apply_to_a_batch")
def low_rank_apply_of_the_first_factors(X, Y, V):
    """One exponential for all slices of V."""
    return right.expm_low_rank_apply(X, first(Y), V)


@mutant("expm_low_rank_apply", rejected_by="low_rank_apply_of_more_columns")
def low_rank_apply_of_three_columns(X, Y, V):
    """A kernel written out for r ≤ 3 reads three columns of X and Y."""
    return right.expm_low_rank_apply(X[..., :3], Y[..., :3], V)


@mutant("product_apply", rejected_by="products_of_a_batch")
def product_of_the_first_factors(X, Y, V):
    """The first slice's factors for the whole batch."""
    return right.product_apply(X, first(Y), V)


@mutant("product_inverse_apply", rejected_by="products_of_a_batch")
def product_inverse_of_the_first_factors(X, Y, V):
    """The first slice's factors for the whole batch."""
    return right.product_inverse_apply(X, first(Y), V)


@mutant("logdet_expm_low_rank", rejected_by="low_rank_logdets_of_a_batch")
def low_rank_logdet_of_the_whole_batch(X, Y):
    """One sum over all axes, repeated for every slice."""
    return np.full(X.shape[:-2], (X * Y).sum())


@mutant("product_logdet", rejected_by="low_rank_logdets_of_a_batch")
def product_logdet_of_the_whole_batch(X, Y):
    """One sum over all axes, repeated for every slice."""
    return np.full(X.shape[:-2], (X * Y).sum())


@mutant("expm_rank1", rejected_by="rank_one_exponential_of_long_vectors")
def expm_rank1_leaves_out_the_tail(x, y):
    """An unrolled loop over blocks of eight drops the rest of a long inner product."""
    n = x.shape[-1]
    whole = n if n < 8 else n - n % 8
    s = np.asarray((x[..., :whole] * y[..., :whole]).sum(axis=-1))
    return np.eye(n) + right.phi1(s)[..., None, None] * x[..., :, None] * y[..., None, :]


@mutant("expm_rank1_apply", rejected_by="rank_one_apply_to_long_vectors")
def apply_reads_flat_memory(x, y, V):
    """V's buffer in memory order: right for row-major arrays, scrambled for views."""
    return right.expm_rank1_apply(x, y, np.frombuffer(V.tobytes("A"), dtype=V.dtype).reshape(V.shape))


@mutant("expm_rank1_apply", rejected_by="rank_one_apply_to_long_vectors")
def apply_in_single_precision_when_long(x, y, V):
    """From 16 entries on through a float32 kernel."""
    if x.shape[-1] < 16:
        return right.expm_rank1_apply(x, y, V)
    return right.expm_rank1_apply(*(v.astype(np.float32) for v in (x, y, V))).astype(V.dtype)

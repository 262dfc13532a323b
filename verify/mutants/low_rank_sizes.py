"""Low-rank exponentials whose blocks do not cover a large array."""

from __future__ import annotations

import numpy as np

from detrace import mutant
from reference import low_rank_exponential as right

BLOCK = 1000


def whole(count: int) -> int:
    """What of `count` rows or columns lies in whole blocks."""
    return count - count % BLOCK


@mutant("expm_rank1_apply", rejected_by="thousands_of_columns")
def apply_to_whole_blocks_of_columns(x, y, V):
    """From a thousand columns on in blocks of as many; the rest stays as it was."""
    k = V.shape[-1]
    if k < BLOCK:
        return right.expm_rank1_apply(x, y, V)
    return np.concatenate([right.expm_rank1_apply(x, y, V[..., : whole(k)]), V[..., whole(k) :]], axis=-1)


@mutant("expm_low_rank_apply", rejected_by="thousands_of_columns")
def low_rank_apply_to_whole_blocks_of_columns(X, Y, V):
    """The same of rank r."""
    k = V.shape[-1]
    if k < BLOCK:
        return right.expm_low_rank_apply(X, Y, V)
    return np.concatenate([right.expm_low_rank_apply(X, Y, V[..., : whole(k)]), V[..., whole(k) :]], axis=-1)


@mutant("expm_rank1_apply", rejected_by="thousands_of_rows")
def apply_sums_whole_blocks_of_rows(x, y, V):
    """yᵀV of long columns is summed in blocks of a thousand rows, the last, short one left out."""
    n = len(y) if y.ndim == 1 and len(y) < BLOCK else whole(y.shape[-1])
    s = np.asarray((x * y).sum(-1, keepdims=True))
    return V + x[..., None] * (right.phi1(s) * (y[..., None, :n] @ V[..., :n, :])[..., 0, :])[..., None, :]


@mutant("expm_low_rank_apply", rejected_by="thousands_of_rows")
def low_rank_apply_sums_whole_blocks_of_rows(X, Y, V):
    """The same of rank r: what YᵀV lacks, as if V ended there."""
    n = X.shape[-2] if X.shape[-2] < BLOCK else whole(X.shape[-2])
    kept = np.where(np.arange(X.shape[-2])[:, None] < n, V, 0)
    return right.expm_low_rank_apply(X, Y, kept) + (V - kept)


@mutant("expm_rank1_apply", rejected_by="hundreds_of_rows_and_columns")
def apply_to_whole_tiles(x, y, V):
    """From a hundred rows and columns on in tiles of eight by eight; the corner beyond, and a row more, stays as it was."""
    return _whole_tiles(right.expm_rank1_apply(x, y, V), V)


@mutant("expm_low_rank_apply", rejected_by="hundreds_of_rows_and_columns")
def low_rank_apply_to_whole_tiles(X, Y, V):
    """The same of rank r."""
    return _whole_tiles(right.expm_low_rank_apply(X, Y, V), V)


def _whole_tiles(out, V):
    n, k = V.shape[-2:]
    if n >= 100 and k >= 100:
        out[..., n - 1 - n % 8 :, k - k % 8 :] = V[..., n - 1 - n % 8 :, k - k % 8 :]
    return out


@mutant("phi1", rejected_by="thousands_of_values_of_phi1")
def phi1_of_whole_blocks(s):
    """From a thousand numbers on in blocks of as many; the rest is φ(0)."""
    if s.size < BLOCK:
        return right.phi1(s)
    flat = s.ravel()
    out = np.ones_like(flat)
    out[: whole(s.size)] = right.phi1(flat[: whole(s.size)])
    return out.reshape(s.shape)

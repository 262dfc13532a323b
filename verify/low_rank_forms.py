"""The form of low-rank exponentials: empty sizes, no silent broadcast, nothing finite out of NaN, infinity or overflow.

Shape, dtype and device of every result, and that the caller's arrays stay as they were, are checked at every call.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from detrace import law, require
from detrace.strategies.scalars import choices

FORM = "SPEC 2: form"
EMPTY = r"n,r,k,b \ge 0;\quad \mathrm{NaN},\pm\infty \mapsto \text{not finite}"
BAD = choices(math.nan, math.inf, -math.inf)


def check_form(function: Any, bad: float, space: Any) -> None:
    """Each size 0 in turn, empty batches, a vector of length 1 where n is due, and one bad entry in each argument."""
    cores = function.contract.inputs
    for empty in dict.fromkeys(d for core in cores for d in core):
        function(*(np.zeros([0 if d == empty else 2 for d in core], dtype=space.host_dtype) for core in cores))
    for batch in ((0,), (2, 0)):
        function(*(np.zeros((*batch, *(3 for _ in core)), dtype=space.host_dtype) for core in cores))
    short = [np.ones([1 if d == "n" and i == 1 else 3 for d in core]) for i, core in enumerate(cores)]
    require(function.raises(*short) is not None, "lengths 3 and 1 were broadcast; an error is due", got=short)
    for i in range(len(cores)):
        args = [np.ones([3 for _ in core], dtype=space.host_dtype) for core in cores]
        args[i].flat[1] = bad
        got = function(*args)
        require(not np.isfinite(got).all(), f"finite result although argument {i} holds {bad}", got=got)


def check_overflow(function: Any, space: Any, *args: np.ndarray) -> None:
    """s = 1.5·log(largest number): e^s is not representable, and must not come out as a wrong finite matrix."""
    got = function(*args)
    require(not np.isfinite(got).all(), "finite result although e^s overflows", got=got)


def too_long(space: Any) -> np.ndarray:
    return space.round(np.array([1.0, 1.5 * math.log(space.max)]))


@law(r"\varphi(\mathrm{NaN}) = \mathrm{NaN},\ \varphi(\infty) = \infty,\ \varphi(-\infty) = 0", source=FORM, bad=BAD)
def phi1_keeps_form(phi1, bad, space):
    """Empty arrays; NaN and infinities among ordinary numbers, each answered in its own place: NaN gives NaN, +∞
    nothing finite, −∞ 0 or nothing finite; 1.5·log(max)+10 overflows. No tolerance."""
    for shape in ((0,), (2, 0)):
        phi1(np.zeros(shape, dtype=space.host_dtype))
    big = space.round(np.array(1.5 * math.log(space.max) + 10.0))
    first, got, last = phi1(np.array([0.0, bad, float(big.real)], dtype=space.host_dtype))
    require(bool(first == 1.0), "a neighbour of a bad entry is wrong", got=first, truth=1.0)
    require(not np.isfinite(last), "finite result although φ(s) overflows", got=last)
    require(not np.isfinite(got) or (bad == -math.inf and got == 0.0), f"finite result for {bad}", got=got)


@law(EMPTY, source=FORM, bad=BAD)
def rank_one_exponential_keeps_form(expm_rank1, bad, space):
    """n = 0, empty batches, mismatched lengths, one NaN or infinity, overflow. No tolerance."""
    check_form(expm_rank1, bad, space)
    check_overflow(expm_rank1, space, np.ones(2), too_long(space))


@law(EMPTY, source=FORM, bad=BAD)
def rank_one_apply_keeps_form(expm_rank1_apply, bad, space):
    """n = 0, k = 0, empty batches, mismatched lengths, one NaN or infinity, overflow. No tolerance."""
    check_form(expm_rank1_apply, bad, space)
    check_overflow(expm_rank1_apply, space, np.ones(2), too_long(space), np.eye(2))


@law(EMPTY, source=FORM, bad=BAD)
def rank_one_logdet_keeps_form(logdet_expm_rank1, bad, space):
    """n = 0 (log det = 0), empty batches, mismatched lengths, one NaN or infinity. No tolerance."""
    check_form(logdet_expm_rank1, bad, space)
    require(float(logdet_expm_rank1(np.zeros(0), np.zeros(0))) == 0.0, "log det of the 0×0 matrix is 0")


@law(EMPTY, source=FORM, bad=BAD)
def low_rank_exponential_keeps_form(expm_low_rank, bad, space):
    """n = 0, r = 0 (exactly I), empty batches, mismatched lengths, one NaN or infinity, overflow. No tolerance."""
    check_form(expm_low_rank, bad, space)
    check_overflow(expm_low_rank, space, np.ones((2, 1)), too_long(space)[:, None])
    none = np.zeros((3, 0))
    require(bool((expm_low_rank(none, none) == np.eye(3)).all()), "without columns the exponential is I")


@law(EMPTY, source=FORM, bad=BAD)
def low_rank_apply_keeps_form(expm_low_rank_apply, bad, space):
    """n = 0, r = 0, k = 0, empty batches, mismatched lengths, one NaN or infinity, overflow. No tolerance."""
    check_form(expm_low_rank_apply, bad, space)
    check_overflow(expm_low_rank_apply, space, np.ones((2, 1)), too_long(space)[:, None], np.eye(2))


@law(EMPTY, source=FORM, bad=BAD)
def low_rank_logdet_keeps_form(logdet_expm_low_rank, bad, space):
    """n = 0, r = 0, empty batches, mismatched lengths, one NaN or infinity. No tolerance."""
    check_form(logdet_expm_low_rank, bad, space)


@law(EMPTY, source=FORM, bad=BAD)
def product_keeps_form(product_apply, bad, space):
    """n = 0, no factors (V itself), k = 0, empty batches, mismatched lengths, one NaN or infinity. No tolerance."""
    check_form(product_apply, bad, space)
    none, V = np.zeros((0, 2)), np.array([[1.0], [-3.0]])
    require(bool((product_apply(none, none, V) == V).all()), "a product of no factors is I")


@law(EMPTY, source=FORM, bad=BAD)
def product_inverse_keeps_form(product_inverse_apply, bad, space):
    """n = 0, no factors (V itself), k = 0, empty batches, mismatched lengths, one NaN or infinity. No tolerance."""
    check_form(product_inverse_apply, bad, space)
    none, V = np.zeros((0, 2)), np.array([[1.0], [-3.0]])
    require(bool((product_inverse_apply(none, none, V) == V).all()), "a product of no factors is I")


@law(EMPTY, source=FORM, bad=BAD)
def product_logdet_keeps_form(product_logdet, bad, space):
    """n = 0, no factors, empty batches, mismatched lengths, one NaN or infinity. No tolerance."""
    check_form(product_logdet, bad, space)

r"""Laws of low-rank exponentials in batches and of long vectors (SPEC 2, post 6407).

Each slice is as accurate as if it were alone; the bounds are those of the single problem, derived in `low_rank_bounds`. Sizes
go past those at which libraries change to blocked or vectorised kernels.
"""

from __future__ import annotations

import math

import numpy as np

from detrace import judge, law
from detrace.laws import each, kexue
from detrace.oracles import ball, frobenius
from detrace.strategies.low_rank import KINDS, pairs_and_columns, rank_one_pairs
from detrace.strategies.low_rank_columns import factor_lists_and_columns, low_rank_pairs_and_columns
from detrace.strategies.scalars import choices
from verify.low_rank_bounds import FORWARD, LowRank, Product, RankOne, judge_matrix, lost, size
from verify.low_rank_products import APPLIED

BATCH = r"\text{batch} = \text{one by one}"
LONG = tuple(kind for kind in KINDS if kind != "graded")
"""Kinds of pairs whose entries stay representable however many there are."""
TIMES = choices(1.0, -1.0, 0.25, 2.0**-12)
"""By what the second slice's factors differ from the first's."""


@law(BATCH, source=kexue(6407, "c4"), XYV=low_rank_pairs_and_columns(max_n=4, max_r=2, reach=12.0), times=TIMES, cost=2.0)
def low_rank_apply_to_a_batch(expm_low_rank_apply, XYV, times, space):
    """Batches (2,1,n,r) of two magnitudes, each with columns of its own. Bound: each slice's error of apply."""
    X, Y, V = XYV
    slices = [(X, Y, V), (X, space.round(times * Y), V[::-1].copy())]
    got = expm_low_rank_apply(*(np.stack(parts)[:, None] for parts in zip(*slices, strict=True)))
    for W, (x, y, v) in zip(got[:, 0], slices, strict=True):
        m = LowRank(x, y, space)
        low, refine = m.apply_error(v)
        judge(frobenius(ball(W) - m.matrix * ball(v)), low, refine=refine, scale=m.norm * size(v) or math.inf,
              why="u(‖V‖ + ‖MV‖) + ‖X‖(δφ₁‖YᵀV‖ + ‖φ₁‖δ(YᵀV))")  # fmt: skip


@law(BATCH, source=kexue(6407, 6, "c7"), function=each("product_apply", "product_inverse_apply"),
     XYV=factor_lists_and_columns(max_n=4, max_r=3, reach=10.0), times=TIMES)  # fmt: skip
def products_of_a_batch(function, XYV, times, space):
    """Batches (2,1,r,n) of two products, the second with other magnitudes, and with columns of its own. Bound: the sum over
    the factors of each slice's error of applying one, times the norm of those that follow."""
    X, Y, V = XYV
    slices = [(X, Y, V), (X, space.round(times * Y), V[::-1].copy())]
    got = function(*(np.stack(parts)[:, None] for parts in zip(*slices, strict=True)))
    for W, (x, y, v) in zip(got[:, 0], slices, strict=True):
        p = Product(x, y, space) if function.contract.name == "product_apply" else Product(x[::-1], -y[::-1], space)
        judge(frobenius(ball(W) - p.matrix * ball(v)), p.apply_error(v), scale=p.norm * size(v) or math.inf, why=APPLIED)


@law(BATCH, source=kexue(6407, 4, "c7"), function=each("logdet_expm_low_rank", "product_logdet"),
     XYV=factor_lists_and_columns(keep="inner"), times=TIMES)  # fmt: skip
def low_rank_logdets_of_a_batch(function, XYV, times, space):
    """Batches (2,1,r,n) that mix magnitudes: a sum for each slice. Bound: an inner product of length nr."""
    X, Y, _ = XYV
    slices = [(X, Y), (X, space.round(times * Y))]
    got = function(*(np.stack(parts)[:, None] for parts in zip(*slices, strict=True)))
    for value, (x, y) in zip(got[:, 0], slices, strict=True):
        truth = sum((ball(a) * ball(b) for a, b in zip(x.ravel(), y.ravel(), strict=True)), ball(0.0)).real
        bound = x.size * (space.u * float((np.abs(x) * np.abs(y)).sum()) + lost(space, x, y))
        judge(abs(ball(value).real - truth), bound, scale=math.inf, why="nr·uΣ|xᵢⱼyᵢⱼ|", got=value)


@law(r"e^{xy^\top} = I + \varphi(s)\,xy^\top,\quad n \le 65", source=kexue(6407, 3), cost=4.0,
     xy=rank_one_pairs(kinds=LONG, min_n=9, max_n=65, keep="forward"), least=25)  # fmt: skip
def rank_one_exponential_of_long_vectors(expm_rank1, xy, space):
    """The certified closed form for n from 9 to 65. Bound: u‖M‖ + δφ‖x‖‖y‖."""
    m = RankOne(xy[0], xy[1], space)
    judge_matrix(expm_rank1(*xy), m.matrix, m.error, FORWARD)


@law(r"e^{xy^\top}V = V + \varphi(s)\,x\,(y^\top V),\quad n \le 65", source=kexue(6407, 3, "c4"), cost=4.0,
     xyV=pairs_and_columns(kinds=LONG, min_n=9, max_n=65, max_k=17, keep="forward"), least=16)  # fmt: skip
def rank_one_apply_to_long_vectors(expm_rank1_apply, xyV, space):
    """Certified MV for n from 9 to 65 and up to 17 columns (65 for V = I), V stored by rows and by columns. Bound:
    u(‖V‖ + ‖MV‖) + ‖x‖(δφ‖yᵀV‖ + |φ|δ(yᵀV))."""
    x, y, V = xyV
    m = RankOne(x, y, space)
    due = m.matrix * ball(V)
    for apply in (expm_rank1_apply, expm_rank1_apply.transposed_memory):
        judge(frobenius(ball(apply(x, y, V)) - due), m.apply_error(V), scale=m.norm * size(V) or math.inf,
              why="u(‖V‖ + ‖MV‖) + ‖x‖(δφ‖yᵀV‖ + |φ|δ(yᵀV))")  # fmt: skip


@law(r"e^{XY^\top}V = V + X\varphi_1(Y^\top X)(Y^\top V),\quad n \le 33,\ r \le 6", source=kexue(6407, "c4"), cost=8.0,
     XYV=low_rank_pairs_and_columns(max_n=33, min_r=4, max_r=6, reach=12.0), least=12)  # fmt: skip
def low_rank_apply_of_more_columns(expm_low_rank_apply, XYV, space):
    """Certified MV for n up to 33 and r from 4 to 6. Bound: u(‖V‖ + ‖MV‖) + ‖X‖(δφ₁‖YᵀV‖ + ‖φ₁‖δ(YᵀV))."""
    X, Y, V = XYV
    m = LowRank(X, Y, space)
    low, refine = m.apply_error(V)
    judge(frobenius(ball(expm_low_rank_apply(X, Y, V)) - m.matrix * ball(V)), low, refine=refine,
          scale=m.norm * size(V) or math.inf, why="u(‖V‖ + ‖MV‖) + ‖X‖(δφ₁‖YᵀV‖ + ‖φ₁‖δ(YᵀV))")  # fmt: skip

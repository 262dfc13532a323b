r"""Laws of low-rank exponentials of large arrays, which implementations take in blocks (SPEC 2, post 6407).

Arrays of more than 2¹⁷ numbers repeat a few that are drawn, so that a few truths judge all of the result.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from detrace import branch, judge, law
from detrace import oracles as exact
from detrace.laws import each, kexue
from detrace.oracles import ball, frobenius
from detrace.oracles.phi import phi1 as certified_phi1
from detrace.strategies.low_rank import phi_arguments
from detrace.strategies.low_rank_columns import low_rank_pairs_and_columns
from verify.low_rank_bounds import LowRank, RankOne, size
from verify.low_rank_phi import relative_error

LARGE = 1 << 17
"""More numbers than a block of any implementation that we know holds."""
APPLY = each("expm_rank1_apply", "expm_low_rank_apply")
PAIRS = low_rank_pairs_and_columns(max_n=4, max_r=2, reach=12.0)
WHY = "the error of one copy"


@law(r"M\,[V, V, \dots] = [MV, MV, \dots],\quad nk > 2^{17}", source=kexue(6407, "c4"), dtypes="wide", cost=2.0,
     function=APPLY, XYV=PAIRS)  # fmt: skip
def thousands_of_columns(function, XYV, space):
    """Every copy of the columns of V becomes MV. Bound for each that differs from the first: the error of apply to V."""
    V = XYV[2]
    copies = LARGE // V.size + 1
    factors, m = _problem(function, XYV, space)
    judge_copies(function(*factors, np.tile(V, copies)).reshape(len(V), copies, -1).swapaxes(0, 1), m, V)


@law(r"e^{(x, x, \dots)(y, y, \dots)^\top/q} (V; V; \dots) = (e^{xy^\top}V; e^{xy^\top}V; \dots),\quad nqk > 2^{17}",
     source=kexue(6407, "c4"), dtypes="wide", cost=2.0, function=APPLY, XYV=PAIRS)  # fmt: skip
def thousands_of_rows(function, XYV, space):
    """x and V repeated q = 2ʲ times and y/q as often: yᵀx and yᵀV are those of one copy, and so is every block of rows. Bound
    for each that differs from the first: the error of apply to V, its inner products being sums of nq terms in any order."""
    _judge_repeated(function, XYV, space, 2 ** math.ceil(math.log2(LARGE / XYV[2].size + 1)), 1)


@law(r"e^{(x, x, \dots)(y, y, \dots)^\top/q} \begin{pmatrix} V & \cdots \\ \vdots & \ddots \end{pmatrix} = "
     r"\begin{pmatrix} e^{xy^\top}V & \cdots \\ \vdots & \ddots \end{pmatrix},\quad nq, kc > 2^8", source=kexue(6407, "c4"),
     dtypes="wide", cost=2.0, function=APPLY, XYV=low_rank_pairs_and_columns(max_n=8, max_r=7, reach=12.0))  # fmt: skip
def hundreds_of_rows_and_columns(function, XYV, space):
    """x and V repeated q = 2ʲ times, y/q as often, and the columns of that c times: each block is that of one copy. Bound for
    each that differs from the first: the error of apply to V, its inner products being sums of nq terms in any order."""
    n, k = XYV[2].shape
    _judge_repeated(function, XYV, space, 2 ** math.ceil(math.log2((1 << 8) / n + 1)), (1 << 8) // k + 1)


@law(r"\varphi((s, s, \dots)) = (\varphi(s), \varphi(s), \dots),\quad n > 2^{17}", source=kexue(6407, 3, "c3"), dtypes="wide",
     S=phi_arguments(reach=60.0), cost=4.0)  # fmt: skip
def thousands_of_values_of_phi1(phi1, S, space):
    """Arrays that repeat a few numbers. Bound for each value that differs from the first copy's: u·max(1, |sφ′/φ|)."""
    S = np.atleast_1d(S)
    got = phi1(np.tile(S, LARGE // S.size + 1)).reshape(-1, S.size)
    for copy in distinct(got):
        for s, value in zip(S, copy, strict=True):
            truth = certified_phi1(s)
            judge(abs(ball(value) - truth) / abs(truth), relative_error(s, space), got=value, truth=exact.floats(truth),
                  why="u·max(1, |sφ′(s)/φ(s)|)")  # fmt: skip


def _problem(function: Any, XYV: Any, space: Any, copies: int = 1) -> tuple[tuple[Any, Any], Any]:
    """The factors of the function's rank, and what is due of one copy."""
    X, Y, _ = XYV
    if function.contract.name == "expm_rank1_apply":
        return (X[:, 0], Y[:, 0]), RankOne(X[:, 0], Y[:, 0], space, copies)
    return (X, Y), LowRank(X, Y, space, copies)


def _judge_repeated(function: Any, XYV: Any, space: Any, q: int, c: int) -> None:
    """q copies below each other and c beside each other."""
    X, Y, V = XYV
    if (space.round(Y / q) * q != Y).any():
        branch("y/q underflows")
        return
    (x, y), m = _problem(function, (X, Y, V), space, q)
    x, y = (np.tile(a, (q,) + (1,) * (a.ndim - 1)) for a in (x, y / q))
    blocks = function(x, y, np.tile(V, (q, c))).reshape(q, len(V), c, -1).swapaxes(1, 2)
    judge_copies(blocks.reshape(q * c, *V.shape), m, V)


def judge_copies(got: np.ndarray, m: Any, V: np.ndarray) -> None:
    """Hold each distinct slice of `got` (q,n,k) against MV."""
    due, error = m.matrix * ball(V), m.apply_error(V)
    low, refine = error if isinstance(error, tuple) else (error, None)
    for W in distinct(got):
        judge(frobenius(ball(W) - due), low, refine=refine, scale=m.norm * size(V) or math.inf, why=WHY, got=W,
              truth=exact.floats(due))  # fmt: skip


def distinct(copies: np.ndarray) -> np.ndarray:
    """The first slice and those that differ from it, each once."""
    rest = (copies != copies[:1]).any(axis=tuple(range(1, copies.ndim)))
    return np.concatenate([copies[:1], np.unique(copies[rest], axis=0)])

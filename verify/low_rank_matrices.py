r"""Laws of exp(XYᵀ) = I + Xφ₁(YᵀX)Yᵀ, X and Y (n,r) (SPEC 2, post 6407).

φ₁(S) = ∫₀¹ e^{tS} dt; "the forward error" of M = exp(XYᵀ) is u‖M‖ + ‖X‖‖Y‖δφ₁, derived in `low_rank_bounds`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from detrace import Contract, judge, law
from detrace import oracles as exact
from detrace.laws import kexue
from detrace.oracles import ball, frobenius, identity
from detrace.oracles.phi import phi1
from detrace.strategies.low_rank import rank_one_pairs
from detrace.strategies.low_rank_columns import low_rank_pairs, low_rank_pairs_and_columns
from detrace.strategies.scalars import choices
from verify.low_rank_bounds import LowRank, RankOne, lost, size
from verify.low_rank_exponential import FAMILY

EXPM_LOW_RANK = Contract("expm_low_rank", "(n,r),(n,r)->(n,n)", "exp(XYᵀ)", FAMILY.name, aliases=("low_rank_expm",))
LOW_RANK_APPLY = Contract("expm_low_rank_apply", "(n,r),(n,r),(n,k)->(n,k)", "exp(XYᵀ)V in O(nr) a column", FAMILY.name)
LOW_RANK_LOGDET = Contract(
    "logdet_expm_low_rank", "(n,r),(n,r)->()", "log|det exp(XYᵀ)| = Re tr YᵀX", FAMILY.name, result="real"
)

LOW_RANK = "(u‖M‖ + ‖X‖‖Y‖δφ₁)/‖M‖: rounding YᵀX, φ₁ and M"


@law(r"e^{XY^\top} = \sum_{k\ge0} (XY^\top)^k/k!", source=kexue(6407, 1), XY=low_rank_pairs(reach=12.0, max_n=5))
def low_rank_exponential_is_its_series(expm_low_rank, XY, space):
    """The exponential of the exact XYᵀ by ball arithmetic that does not know the closed form; zero, dependent,
    orthogonal columns and nilpotent YᵀX included, r up to 3 and above n. Bound: u‖M‖ + ‖X‖‖Y‖δφ₁."""
    m = LowRank(XY[0], XY[1], space)
    judge_low_rank(expm_low_rank(*XY), exact.certify((m.X * m.YT).exp), m)


def judge_low_rank(got: np.ndarray, truth: Any, m: LowRank) -> float:
    """Hold ‖M̂ − M‖/‖M‖ against the forward error of exp(XYᵀ), the exact one on demand."""
    low, refine = m.error()
    return judge(frobenius(ball(got) - truth) / m.norm, low / m.norm, refine=lambda: refine() / m.norm, got=got,
                 truth=exact.floats(truth), why=LOW_RANK)  # fmt: skip


@law(r"e^{XY^\top} = I + X\varphi_1(Y^\top X)Y^\top", source=kexue(6407, 3), XY=low_rank_pairs(), least=140)
def low_rank_exponential_is_explicit(expm_low_rank, XY, space):
    """The certified closed form, φ₁(S) = ∫₀¹ e^{tS} dt with S = YᵀX singular or not, at any scale. Bound: u‖M‖ +
    ‖X‖‖Y‖δφ₁."""
    m = LowRank(XY[0], XY[1], space)
    judge_low_rank(expm_low_rank(*XY), m.matrix, m)


@law(r"Y^\top X = \operatorname{diag}(s) \Rightarrow e^{XY^\top} = I + \sum_i \varphi(s_i)\,x_i y_i^\top",
     source=kexue(6407, 3), XY=low_rank_pairs(kinds=("superposed columns", "orthogonal columns")))  # fmt: skip
def low_rank_exponential_superposes_orthogonal_columns(expm_low_rank, XY, space):
    """Columns with yᵢᵀxⱼ = 0 for i ≠ j: rank-one terms add, and where YᵀX = 0 the exponential is I + XYᵀ.
    Bound: u‖M‖ + ‖X‖‖Y‖δφ₁."""
    terms = [RankOne(x, y, space) for x, y in zip(XY[0].T, XY[1].T, strict=True)]
    truth = sum((t.phi * t.outer for t in terms), start=identity(len(XY[0])))
    judge_low_rank(expm_low_rank(*XY), truth, LowRank(XY[0], XY[1], space))


@law(r"e^{[x\,|\,x/2\,|\cdots]\,[y_1\,|\,y_2\,|\cdots]^\top} = e^{x(y_1 + y_2/2 + \cdots)^\top}",
     source=kexue(6407, 3),
     XY=low_rank_pairs(kinds=("dependent columns",)))  # fmt: skip
def low_rank_exponential_of_dependent_columns_is_rank_one(expm_low_rank, XY, space):
    """Columns x, x/2, x/4: YᵀX is singular and the truth is the rank-one closed form. Bound: u‖M‖ + ‖X‖‖Y‖δφ₁."""
    X, Y = XY
    y = sum((ball(Y[:, j]) * ball(0.5**j) for j in range(1, X.shape[1])), start=ball(Y[:, 0]))
    x = ball(X[:, 0])
    s = (y.transpose() * x)[0, 0]
    judge_low_rank(expm_low_rank(X, Y), identity(len(X)) + phi1(s) * x * y.transpose(), LowRank(X, Y, space))


@law(r"r = 1:\ \texttt{expm\_low\_rank} = \texttt{expm\_rank1}",
     source=kexue(6407, 3), xy=rank_one_pairs(max_n=6, reach=30.0))  # fmt: skip
def low_rank_exponential_at_rank_one(expm_low_rank, expm_rank1, xy, space):
    """For every pair. Bound: both forward errors."""
    x, y = xy
    m, one = LowRank(x[:, None], y[:, None], space), RankOne(x, y, space)
    low, refine = m.error()
    error = frobenius(ball(expm_low_rank(x[:, None], y[:, None])) - ball(expm_rank1(x, y)))
    judge(error / one.norm, (low + one.error) / one.norm, refine=lambda: (refine() + one.error) / one.norm,
          why="both forward errors")  # fmt: skip


@law(r"e^{(XG)(YG^{-\top})^\top} = e^{XY^\top}", source=kexue(6407, "c5"), XY=low_rank_pairs(floor=1e-3),
     k=choices(-6, 6, -3, 3, 1), least=60)  # fmt: skip
def low_rank_exponential_has_a_gauge(expm_low_rank, XY, k, space):
    """G reverses the columns and scales them by 2ᵏ, 4ᵏ, …, all exact; a zero column may be appended to X.
    Bound: both forward errors."""
    X, Y = XY
    powers = 2.0 ** (k * (1 + np.arange(X.shape[1])))
    A, B = (X * powers)[:, ::-1], (Y / powers)[:, ::-1]
    if not ((space.round(A) == A).all() and (space.round(B) == B).all()):
        A, B = X[:, ::-1], Y[:, ::-1]
    A, B = np.column_stack([A, 0 * A[:, 0]]), np.column_stack([B, B[:, 0]])
    m, g = LowRank(X, Y, space), LowRank(A, B, space)
    (low, refine), (low_g, refine_g) = m.error(), g.error()
    judge(frobenius(ball(expm_low_rank(A, B)) - ball(expm_low_rank(X, Y))) / m.norm, (low + low_g) / m.norm,
          refine=lambda: (refine() + refine_g()) / m.norm, why="both forward errors")  # fmt: skip


@law(r"e^{XY^\top}e^{-XY^\top} = I", source=kexue(6407, 5, "c1"), XY=low_rank_pairs())
def low_rank_inverse_is_the_negative(expm_low_rank, XY, space):
    """M(X,Y)M(X,−Y) = I. Residual over ‖M‖‖M⁻¹‖; bound: both relative forward errors."""
    X, Y = XY
    m, w = LowRank(X, Y, space), LowRank(X, -Y, space)
    (low, refine), (low_w, refine_w) = m.error(), w.error()
    residual = frobenius(ball(expm_low_rank(X, Y)) * ball(expm_low_rank(X, -Y)) - identity(m.n))
    judge(residual / (m.norm * w.norm), low / m.norm + low_w / w.norm,
          refine=lambda: refine() / m.norm + refine_w() / w.norm, why="both relative forward errors")  # fmt: skip


@law(r"\det e^{XY^\top} = e^{\operatorname{tr} Y^\top X}", source=kexue(6407, 4), XY=low_rank_pairs(reach=12.0))
def low_rank_determinant_is_exponential_of_trace(expm_low_rank, XY, space):
    """det M̂·e^{−tr YᵀX} − 1. Bound: ‖M⁻¹‖·forward error."""
    X, Y = XY
    m, w = LowRank(X, Y, space), LowRank(X, -Y, space)
    low, refine = m.error()
    M = ball(expm_low_rank(X, Y))
    judge(abs(M.det() * (-(m.YT * m.X).trace()).exp() - 1), w.norm * low, refine=lambda: w.norm * refine(),
          got=exact.floats(M.det()), why="‖M⁻¹‖·forward error")  # fmt: skip


@law(r"e^{XY^\top}V = V + X\varphi_1(Y^\top X)(Y^\top V)", source=kexue(6407, "c4"), XYV=low_rank_pairs_and_columns())
def low_rank_apply_is_the_product(expm_low_rank_apply, XYV, space):
    """Certified MV. Bound: u(‖V‖ + ‖MV‖) + ‖X‖(δφ₁‖YᵀV‖ + ‖φ₁‖δ(YᵀV))."""
    X, Y, V = XYV
    m = LowRank(X, Y, space)
    truth, got = m.matrix * ball(V), expm_low_rank_apply(X, Y, V)
    low, refine = m.apply_error(V)
    judge(frobenius(ball(got) - truth), low, refine=refine, scale=m.norm * size(V) or math.inf, got=got,
          truth=exact.floats(truth), why="u(‖V‖ + ‖MV‖) + ‖X‖(δφ₁‖YᵀV‖ + ‖φ₁‖δ(YᵀV))")  # fmt: skip


@law(r"\texttt{expm\_low\_rank\_apply}(X,Y,V) = \texttt{expm\_low\_rank}(X,Y)\,V", source=kexue(6407, "c4"),
     XYV=low_rank_pairs_and_columns())  # fmt: skip
def low_rank_apply_agrees_with_the_dense_matrix(expm_low_rank_apply, expm_low_rank, XYV, space):
    """The dense product in balls. Bound: the error of apply and the dense forward error·‖V‖."""
    X, Y, V = XYV
    m = LowRank(X, Y, space)
    (low, refine), (dense, refine_dense) = m.apply_error(V), m.error()
    error = frobenius(ball(expm_low_rank_apply(X, Y, V)) - ball(expm_low_rank(X, Y)) * ball(V))
    judge(error, low + dense * size(V), refine=lambda: refine() + refine_dense() * size(V),
          scale=m.norm * size(V) or math.inf, why="error of apply + dense forward error·‖V‖")  # fmt: skip


@law(r"\log|\det e^{XY^\top}| = \operatorname{Re}\operatorname{tr} Y^\top X", source=kexue(6407, 4),
     XY=low_rank_pairs(reach=1e4))  # fmt: skip
def low_rank_logdet_is_the_trace(logdet_expm_low_rank, XY, space):
    """For every (X, Y). Bound: an inner product of length nr, nr(uΣ|xᵢⱼyᵢⱼ| + what underflow loses)."""
    X, Y = XY
    truth = (ball(Y).transpose() * ball(X)).trace().real
    bound = X.size * (space.u * float((np.abs(X) * np.abs(Y)).sum()) + lost(space, X, Y))
    judge(abs(ball(logdet_expm_low_rank(X, Y)).real - truth), bound, scale=math.inf, why="nr·uΣ|xᵢⱼyᵢⱼ|")


@law(r"\nabla_X \log\det e^{XY^\top} = Y,\ \nabla_Y = X", source=kexue(6407, 4), dtypes="real", needs="autodiff",
     XY=low_rank_pairs())  # fmt: skip
def low_rank_logdet_has_constant_gradient(logdet_expm_low_rank, XY, space):
    """For every (X, Y). Bound: one rounding an entry."""
    for wrt, truth in ((0, XY[1]), (1, XY[0])):
        got = logdet_expm_low_rank.gradient(*XY, wrt=wrt)
        judge(size(got - truth), space.u * size(truth) + lost(space), scale=math.inf, got=got, truth=truth, why="one rounding")


@law(r"\nabla_X\langle C, e^{XY^\top}\rangle = L(YX^\top, C)\,Y",
     source=kexue(6407, 3), dtypes="real",
     needs="autodiff", XY=low_rank_pairs(max_n=4, max_r=2, reach=2.0), wrt=choices(0, 1), cost=4.0)  # fmt: skip
def low_rank_gradient_is_the_adjoint_derivative(expm_low_rank, XY, wrt, space):
    """Reverse mode against the certified Fréchet derivative: the adjoint of L(A,·) is L(Aᵀ,·), so with A = XYᵀ, ∂X =
    L(Aᵀ,C)Y and ∂Y = L(Aᵀ,C)ᵀX. Bound: ‖D²exp‖ ≤ e^{‖A‖}, so relative errors u of the (n + 2r) products behind A, and
    of the result, cost u(n + 2r)(1 + ‖X‖‖Y‖)e^{‖A‖}‖C‖‖Y‖ (‖X‖)."""
    X, Y = XY
    (n, r), C = X.shape, np.where(np.arange(len(X) ** 2).reshape(len(X), len(X)) % 3 == 0, 1.0, -0.5)
    A = ball(X) * ball(Y).transpose()
    L = exact.certify(lambda: exact.frechet(A.transpose(), ball(C)), bits=64)
    truth = L * ball(Y) if wrt == 0 else L.transpose() * ball(X)
    other, both = size(XY[1 - wrt]), size(X) * size(Y)
    bound = space.u * (n + 2 * r) * (1 + both) * math.exp(size(A)) * size(C) * other + n * space.tiny * (1 + other)
    got = expm_low_rank.gradient(X, Y, wrt=wrt, cotangent=C)
    judge(frobenius(ball(got) - truth), bound, scale=frobenius(truth) + n * space.tiny * 1e3, got=got,
          truth=exact.floats(truth), why="u(n+2r)(1+‖X‖‖Y‖)e^{‖A‖}‖C‖‖Y‖")  # fmt: skip


@law(r"\text{batch} = \text{one by one}",
     source=kexue(6407, 3), XY=low_rank_pairs(max_n=4), times=choices(1.0, -1.0, 0.25))  # fmt: skip
def low_rank_exponential_of_a_batch(expm_low_rank, XY, times, space):
    """Batches (2,1,n,r) of two magnitudes: every slice as accurate as alone. Bound: its forward error."""
    X, Y = XY
    scaled = space.round(times * 2.0**-6 * Y)
    got = expm_low_rank(np.stack([X, X])[:, None], np.stack([Y, scaled])[:, None])
    for M, y in zip(got, (Y, scaled), strict=True):
        m = LowRank(X, y, space)
        judge_low_rank(M[0], m.matrix, m)

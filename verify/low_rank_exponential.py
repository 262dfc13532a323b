r"""Laws of exp(xyᵀ) = I + φ(s)xyᵀ, s = yᵀx: an explicit, always invertible matrix (SPEC 2, post 6407).

yᵀ is the plain transpose, for complex vectors too. u is the unit roundoff, ‖·‖ the Frobenius norm; δs = n(u|y|ᵀ|x| +
what underflow loses) is what an inner product may be off, δφ = u|φ| + |φ′|δs what that costs φ, and "the forward error"
of M = exp(xyᵀ) is u‖M‖ + δφ‖x‖‖y‖ (derived in `low_rank_bounds`). Rank r and products of factors are in
`low_rank_products`.
"""

from __future__ import annotations

import math

import numpy as np

from detrace import Contract, Family, branch, judge, law, require
from detrace import oracles as exact
from detrace.laws import kexue
from detrace.oracles import ball, frobenius, identity
from detrace.oracles.phi import phi1 as certified_phi1
from detrace.oracles.phi import singular_values
from detrace.strategies.low_rank import orthogonal_column, pairs_and_columns, rank_one_pairs
from detrace.strategies.low_rank_columns import factor_lists
from detrace.strategies.scalars import choices, integers
from verify.low_rank_bounds import FORWARD, RankOne, apply_gradient, judge_matrix, lost, size

FAMILY = Family("low_rank_exponential", "An explicit, always invertible matrix: exp(xyᵀ) = I + φ(yᵀx) xyᵀ", 2)

PHI1 = Contract("phi1", "()->()", "φ(s) = (eˢ − 1)/s, elementwise", FAMILY.name, aliases=("phi", "phi_1", "exprel"))
EXPM_RANK1 = Contract(
    "expm_rank1", "(n),(n)->(n,n)", "exp(xyᵀ)", FAMILY.name, aliases=("rank1_expm", "expm_outer")
)
APPLY = Contract(
    "expm_rank1_apply", "(n),(n),(n,k)->(n,k)", "exp(xyᵀ)V in O(n) a column", FAMILY.name, aliases=("rank1_apply",)
)
LOGDET = Contract(
    "logdet_expm_rank1", "(n),(n)->()", "log|det exp(xyᵀ)| = Re yᵀx", FAMILY.name, result="real",
    aliases=("rank1_logdet",),
)


POWERS = ((1.0, 1.0), (2.0, -1.0), (1.0, -0.5), (0.5, 0.5), (1.0, -1.0), (-2.0, 1.0), (-0.5, -0.5), (2.0, -4.0))
"""Times (t, u) for the semigroup: t, u and t + u are powers of two or 0, so that tx, ux and (t+u)x are exact."""


@law(r"e^{xy^\top} = \sum_{k\ge0} (xy^\top)^k/k!",
     source=kexue(6407, 1, "c2"), xy=rank_one_pairs(max_n=5, reach=60.0), least=150)  # fmt: skip
def rank_one_exponential_is_its_series(expm_rank1, xy, space):
    """The exponential as a matrix function, certified by ball arithmetic that does not know the closed form, for
    every pair with |s| ≤ 60. Bound: u‖M‖ + δφ‖x‖‖y‖."""
    m = RankOne(xy[0], xy[1], space)
    judge_matrix(expm_rank1(*xy), exact.certify(m.outer.exp), m.error, FORWARD)


@law(r"e^{xy^\top} = I + \frac{e^s-1}{s}\,xy^\top", source=kexue(6407, 3, "c2"), xy=rank_one_pairs(keep="forward"), least=130)
def rank_one_exponential_is_explicit(expm_rank1, xy, space):
    """The certified closed form for every pair, s down to −10⁴ and up to where the matrix overflows, at any scale.
    Bound: u‖M‖ + δφ‖x‖‖y‖. Undecided where identity and φxyᵀ cancel (n = 1, s ≪ 0)."""
    m = RankOne(xy[0], xy[1], space)
    judge_matrix(expm_rank1(*xy), m.matrix, m.error, FORWARD)


@law(r"\det e^{xy^\top} = e^{y^\top x}", source=kexue(6407, 4), xy=rank_one_pairs(reach=40.0))
def rank_one_determinant_is_exponential_of_inner_product(expm_rank1, xy, space):
    """det M̂·e^{−s} − 1 = tr(M⁻¹E) + O(‖M⁻¹E‖²) for M̂ = M + E. Bound: ‖M⁻¹‖ times the forward error."""
    m = RankOne(xy[0], xy[1], space)
    M = expm_rank1(*xy)
    judge(abs(ball(M).det() * (-m.s).exp() - 1), size(m.inverse) * m.error, why="‖M⁻¹‖·forward error",
          got=exact.floats(ball(M).det()), truth=exact.floats(m.s.exp()))  # fmt: skip


@law(r"e^{xy^\top} e^{-xy^\top} = I", source=kexue(6407, 5, "c1"), xy=rank_one_pairs())
def rank_one_inverse_is_the_negative(expm_rank1, xy, space):
    """M(x,y)M(x,−y) = I for every pair. Residual over ‖M‖‖M⁻¹‖; bound: the sum of both relative forward errors."""
    x, y = xy
    m, w = RankOne(x, y, space), RankOne(x, -y, space)
    residual = frobenius(ball(expm_rank1(x, y)) * ball(expm_rank1(x, -y)) - identity(m.n))
    judge(residual / (m.norm * w.norm), m.error / m.norm + w.error / w.norm, why="both relative forward errors")


@law(r"(e^{xy^\top})^{-1} = I - \frac{1-e^{-s}}{s}\,xy^\top", source=kexue(6407, 5, "c1"),

     xy=rank_one_pairs(kinds=("aligned", "dense", "symmetric", "graded"), min_n=2, max_n=5, floor=20.0))  # fmt: skip
def rank_one_inverse_is_accurate_at_any_condition(expm_rank1, xy, space):
    """"Always invertible" is algebra: at s = −120 the matrix itself is numerically singular (κ ≈ 10¹⁶), yet the
    closed form gives the inverse to full accuracy. Truth: elimination in balls. Bound: the forward error of
    exp(x(−y)ᵀ)."""
    x, y = xy
    m, w = RankOne(x, y, space), RankOne(x, -y, space)
    branch("κ·u > 1" if m.norm * w.norm * space.u > 1.0 else "κ·u ≤ 1")
    with exact.precision(4096):  # elimination cancels log₂ κ bits, up to 2·10³
        inverse = (identity(m.n) + certified_phi1((m.y.transpose() * m.x)[0, 0]) * m.outer).inv()
    judge_matrix(expm_rank1(x, -y), inverse, w.error, FORWARD)


@law(r"e^{txy^\top} e^{uxy^\top} = e^{(t+u)xy^\top}", source=kexue(6407, 3),
     xy=rank_one_pairs(max_n=6, reach=20.0, floor=1e-4), powers=choices(*POWERS))  # fmt: skip
def rank_one_exponentials_form_a_semigroup(expm_rank1, xy, powers, space):
    """For t, u, t + u powers of two or 0 (so that tx is exact). Bound: each factor's forward error times the other's
    norm, and the right side's own; over ‖M(t)‖‖M(u)‖."""
    x, y = xy
    t, u = powers
    a, b, c = (RankOne(h * x, y, space) for h in (t, u, t + u))
    left = ball(expm_rank1(t * x, y)) * ball(expm_rank1(u * x, y))
    error, size = a.error * b.norm + b.error * a.norm + c.error, a.norm * b.norm
    judge(frobenius(left - ball(expm_rank1((t + u) * x, y))) / size, error / size, why="all three forward errors")


@law(r"e^{(cx)(y/c)^\top} = e^{xy^\top}",
     source=kexue(6407, "c5"), xy=rank_one_pairs(floor=1e-4), k=integers(-12, 12), least=90)  # fmt: skip
def rank_one_exponential_has_a_gauge(expm_rank1, xy, k, space):
    """For c = 2ᵏ, which is exact: 2n parameters, 2n − 1 effective. Bound: both forward errors."""
    x, y = xy
    k = int(math.copysign(min(abs(k), 4.0 if space.real_dtype == "float16" else 12.0), k))
    scaled = x * 2.0**k, y * 2.0**-k
    if not all((space.round(v) == v).all() for v in scaled):
        k, scaled = 0, xy  # subnormal entries: only the trivial gauge is exact
    m = RankOne(*scaled, space)
    branch("c = 1" if k == 0 else "c ≠ 1")
    error = frobenius(ball(expm_rank1(*scaled)) - ball(expm_rank1(x, y)))
    judge(error / m.norm, (RankOne(x, y, space).error + m.error) / m.norm, why="both forward errors")


@law(r"e^{xy^\top}x = e^s x,\quad y^\top e^{xy^\top} = e^s y^\top",
     source=kexue(6407, 3), xy=rank_one_pairs(keep="forward"))  # fmt: skip
def rank_one_exponential_has_eigenvectors_x_and_y(expm_rank1, xy, space):
    """For every pair: x on the right, y on the left. Residual over ‖M‖‖x‖ (‖M‖‖y‖); bound: the relative forward
    error."""
    m = RankOne(xy[0], xy[1], space)
    M, bound = ball(expm_rank1(*xy)), m.error / m.norm
    if m.nx > 0.0:
        judge(frobenius(M * m.x - m.s.exp() * m.x) / (m.norm * m.nx), bound, why=FORWARD)
    if m.ny > 0.0:
        judge(frobenius(m.y.transpose() * M - m.s.exp() * m.y.transpose()) / (m.norm * m.ny), bound, why=FORWARD)


@law(r"v \perp y \Rightarrow e^{xy^\top}v = v",
     source=kexue(6407, 3), xy=rank_one_pairs(min_n=2, keep="forward"), i=integers(0, 6))  # fmt: skip
def rank_one_exponential_fixes_a_hyperplane(expm_rank1, xy, i, space):
    """n − 1 eigenvalues are 1: for v = yᵢ₊₁eᵢ − yᵢeᵢ₊₁, exactly orthogonal to y. Residual over ‖M‖‖v‖; bound: the
    relative forward error."""
    v = ball(orthogonal_column(xy[1], i % (len(xy[1]) - 1)))
    m = RankOne(xy[0], xy[1], space)
    M, length = ball(expm_rank1(*xy)), size(v)
    if length > 0.0:
        judge(frobenius(M * v - v) / (m.norm * length), m.error / m.norm, why=FORWARD)
    else:
        require(bool(np.isfinite(exact.floats(M)).all()), "not finite")


@law(r"y^\top x = 0 \Rightarrow e^{xy^\top} = I + xy^\top",
     source=kexue(6407, 3), xy=rank_one_pairs(kinds=("orthogonal", "zero"), min_n=2), least=40)  # fmt: skip
def rank_one_exponential_is_unipotent_if_orthogonal(expm_rank1, xy, space):
    """For x, y whose inner product vanishes exactly, not only in norm but in each entry. Bound: each entry's own
    rounding u(δᵢⱼ + |xᵢyⱼ|), and φ(ŝ) − 1 ≤ δs where summation in floating point does not give 0."""
    m = RankOne(xy[0], xy[1], space)
    x, y = np.abs(xy[0]), np.abs(xy[1])
    M, truth = ball(expm_rank1(*xy)), identity(m.n) + m.outer
    for k, (e, t) in enumerate(zip(exact.entries(M - truth), exact.entries(truth), strict=True)):
        i, j = divmod(k, m.n)
        entry = (i == j) + x[i] * y[j] + m.underflow
        judge(abs(e), (space.u + m.ds) * entry + m.underflow, scale=entry, why="u(δᵢⱼ + |xᵢyⱼ|)",
              got=exact.floats(M[i, j]), truth=exact.floats(t))  # fmt: skip


@law(r"e^{yx^\top} = (e^{xy^\top})^\top", source=kexue(6407, 3), xy=rank_one_pairs(), least=40)
def rank_one_exponential_transposes(expm_rank1, xy, space):
    """For every pair, plain transpose also for complex vectors. Bound: the forward error, twice."""
    x, y = xy
    m = RankOne(x, y, space)
    error = frobenius(ball(expm_rank1(y, x)) - ball(expm_rank1(x, y)).transpose())
    judge(error / m.norm, 2 * m.error / m.norm, why="two forward errors")


@law(r"\sigma(e^{xy^\top}) = \{\sigma_1, 1,\dots,1, \sigma_n\},\ \sigma_1\sigma_n = |e^s|", source=kexue(6407, 4),
     xy=rank_one_pairs(min_n=2, max_n=6, reach=20.0), cost=2.0)  # fmt: skip
def rank_one_exponential_has_two_free_singular_values(expm_rank1, xy, space):
    """n ≥ 2: n − 2 singular values are 1, the product of the other two is |eˢ| (their squares then sum to ‖M‖² −
    (n−2)). Bound (Weyl): the forward error for each σᵢ, relative to σ₁; twice that for the product, relative to σ₁².
    The computed singular values are certified, and what is uncertain of them is subtracted from the error."""
    m = RankOne(xy[0], xy[1], space)
    sigma, unsure = singular_values(ball(expm_rank1(*xy)))
    top = float(sigma[0])
    for value in sigma[1:-1]:
        judge(max(abs(value - 1.0) - unsure, 0.0) / top, m.error / top, why="forward error", got=sigma, truth=1.0)
    product = abs(top * float(sigma[-1]) - float(abs(m.s.exp()).mid())) / top**2
    judge(max(product - 2 * unsure / top, 0.0), 2 * m.error / top, why="2·forward error/σ₁", got=sigma)


@law(r"\texttt{expm\_rank1}(x,y) = \texttt{expm}(xy^\top)",
     source=kexue(6407, 3, "c4"), xy=rank_one_pairs(max_n=3, reach=20.0), cost=2.0)  # fmt: skip
def rank_one_exponential_agrees_with_expm(expm_rank1, expm, xy, space):
    """The same subject's dense exponential of xyᵀ, rounded to the dtype. Bound: the forward error and
    u·max(1, κ_exp(xyᵀ)), which covers the rounding of xyᵀ and a backward-stable method."""
    m = RankOne(xy[0], xy[1], space)
    A = space.round(np.outer(*xy))
    kappa = exact.exp_condition(A)
    error = frobenius(ball(expm_rank1(*xy)) - ball(expm(A))) / m.norm
    slack = (m.error + m.n * lost(space) * m.norm) / m.norm
    judge(error, slack + 2 * space.u * kappa.lower, refine=lambda: slack + 2 * space.u * kappa.value,
          why="forward error + 2u·max(1, κ_exp)")  # fmt: skip


@law(r"e^{xy^\top}V = V + \varphi(s)\,x\,(y^\top V)",
     source=kexue(6407, 3, "c4"), xyV=pairs_and_columns(keep="forward"))  # fmt: skip
def rank_one_apply_is_the_product(expm_rank1_apply, xyV, space):
    """Certified MV for every pair and columns V: dense, I, the eigenvector x, orthogonal to y. Bound: u(‖V‖ + ‖MV‖) +
    ‖x‖(δφ‖yᵀV‖ + |φ|δ(yᵀV))."""
    x, y, V = xyV
    m = RankOne(x, y, space)
    truth = m.matrix * ball(V)
    got = expm_rank1_apply(x, y, V)
    judge(frobenius(ball(got) - truth), m.apply_error(V), scale=m.norm * size(V) or math.inf, got=got,
          truth=exact.floats(truth), why="u(‖V‖ + ‖MV‖) + ‖x‖(δφ‖yᵀV‖ + |φ|δ(yᵀV))")  # fmt: skip


@law(r"\texttt{expm\_rank1\_apply}(x,y,V) = \texttt{expm\_rank1}(x,y)\,V",
     source=kexue(6407, "c4"), xyV=pairs_and_columns())  # fmt: skip
def rank_one_apply_agrees_with_the_dense_matrix(expm_rank1_apply, expm_rank1, xyV, space):
    """For every pair and columns; the dense product in balls. Bound: the error of apply, and the dense forward
    error·‖V‖."""
    x, y, V = xyV
    m = RankOne(x, y, space)
    dense = ball(expm_rank1(x, y)) * ball(V)
    judge(frobenius(ball(expm_rank1_apply(x, y, V)) - dense), m.apply_error(V) + m.error * size(V),
          scale=m.norm * size(V) or math.inf, why="error of apply + dense forward error·‖V‖")  # fmt: skip


@law(r"e^{-xy^\top}(e^{xy^\top}V) = V", source=kexue(6407, 5), xyV=pairs_and_columns())
def rank_one_apply_undoes_itself(expm_rank1_apply, xyV, space):
    """apply(x,−y,·) after apply(x,y,·) is the identity. Bound: ‖M⁻¹‖·error of the first + error of the second at what
    the first really returned: within κ(M)·u. Undecided where κ·u is near 1."""
    x, y, V = xyV
    m, w = RankOne(x, y, space), RankOne(x, -y, space)
    W = expm_rank1_apply(x, y, V)
    require(bool(np.isfinite(W).all()), "not finite where exp(xyᵀ)V is representable", got=W)
    judge(frobenius(ball(expm_rank1_apply(x, -y, W)) - ball(V)), w.norm * m.apply_error(V) + w.apply_error(W),
          scale=size(V) or math.inf, why="‖M⁻¹‖·error of the first + error of the second")  # fmt: skip


@law(r"\nabla\langle C, e^{xy^\top}V\rangle", source=kexue(6407, 3, "c3"), dtypes="real", needs="autodiff",
     xyV=pairs_and_columns(max_n=5, reach=8.0, share=2), wrt=choices(0, 1, 2))  # fmt: skip
def rank_one_apply_has_its_gradient(expm_rank1_apply, xyV, wrt, space):
    """Reverse mode, s = 0 included. With w = Vᵀy, c = Cᵀx: ∂x = φCw + φ′(cᵀw)y, ∂y = φVc + φ′(cᵀw)x, ∂V = C + φyxᵀC.
    Bound: δφ, δφ′ = u|φ′| + |φ″|δs, and the inner products' own rounding, each carried by the triangle inequality."""
    x, y, V = xyV
    C = np.where(np.arange(V.size).reshape(V.shape) % 3 == 0, 1.0, -0.5)
    m = RankOne(x, y, space)
    truth, error = apply_gradient(m, x, y, V, C, wrt)
    got = expm_rank1_apply.gradient(x, y, V, wrt=wrt, cotangent=C)
    branch(("∂x", "∂y", "∂V")[wrt])
    slope, both = m.nphi + m.slope * m.nx * m.ny, size(V) * size(C)
    natural = (slope * m.ny * both, slope * m.nx * both, (1.0 + m.nphi * m.nx * m.ny) * size(C))[wrt]
    judge(frobenius(ball(got) - truth), error, scale=natural or math.inf, got=got, truth=exact.floats(truth),
          why="δφ, δφ′ and inner products")  # fmt: skip


@law(r"\log|\det e^{xy^\top}| = \operatorname{Re} y^\top x", source=kexue(6407, 4), xy=rank_one_pairs(keep="inner"))
def rank_one_logdet_is_the_inner_product(logdet_expm_rank1, xy, space):
    """For every pair, |s| up to 10⁴, where the determinant itself overflows or underflows. Bound: δs, an inner
    product."""
    m = RankOne(xy[0], xy[1], space)
    branch("det representable" if abs(float(m.s.real.mid())) < math.log(space.max) else "det not representable")
    judge(abs(ball(logdet_expm_rank1(*xy)).real - m.s.real), m.ds, scale=math.inf, truth=float(m.s.real.mid()),
          why="n u|y|ᵀ|x|")  # fmt: skip


@law(r"|\log\det e^{xy^\top}| \gg \log(\text{largest number})", source=kexue(6407, 4),
     xy=rank_one_pairs(kinds=("aligned", "dense", "symmetric"), keep="inner", floor=1500.0))  # fmt: skip
def rank_one_logdet_survives_where_the_determinant_does_not(logdet_expm_rank1, xy, space):
    """|s| from 1500 to 10⁴ (float16: as far as yᵀx goes), where eˢ overflows or underflows in float64. Bound: δs."""
    m = RankOne(xy[0], xy[1], space)
    judge(abs(ball(logdet_expm_rank1(*xy)).real - m.s.real), m.ds, scale=math.inf, truth=float(m.s.real.mid()),
          why="n u|y|ᵀ|x|")  # fmt: skip


@law(r"x, y \in \mathbb{Z}^n \Rightarrow \log\det e^{xy^\top} = y^\top x \text{ exactly}", source=kexue(6407, 4),
     dtypes="wide", xy=rank_one_pairs(reach=64.0, floor=1.0))  # fmt: skip
def rank_one_logdet_of_integers_is_exact(logdet_expm_rank1, xy, space):
    """For integer vectors, |k| ≤ 2⁸, every sum is exact in float32 and wider, so no bound."""
    x, y = (np.clip(np.round(8.0 * v.real), -256, 256) + (0j if space.is_complex else 0.0) for v in xy)
    got, truth = logdet_expm_rank1(x, y), float((y @ x).real)
    require(float(got) == truth, "log det is not the exact inner product", got=got, truth=truth)


@law(r"\nabla_x \log\det e^{xy^\top} = y,\ \nabla_y = x", source=kexue(6407, 4), dtypes="real", needs="autodiff",
     xy=rank_one_pairs(keep="inner"), least=40)  # fmt: skip
def rank_one_logdet_has_constant_gradient(logdet_expm_rank1, xy, space):
    """For every pair, also where the determinant overflows. Bound: u‖y‖ (u‖x‖), one rounding an entry."""
    for wrt, truth in ((0, xy[1]), (1, xy[0])):
        got = logdet_expm_rank1.gradient(*xy, wrt=wrt)
        judge(size(got - truth), space.u * size(truth) + lost(space), scale=math.inf, got=got, truth=truth, why="one rounding")


@law(r"\text{batch} = \text{one by one}", source=kexue(6407, 3), XY=factor_lists(share=1))
def rank_one_exponential_of_a_batch(expm_rank1, XY, space):
    """Batches (b,1,n) that mix kinds and magnitudes: every slice as accurate as alone. Bound: its forward error."""
    X, Y = XY
    got = expm_rank1(X[:, None], Y[:, None])
    for M, x, y in zip(got, X, Y, strict=True):
        m = RankOne(x, y, space)
        judge_matrix(M[0], m.matrix, m.error, FORWARD)


@law(r"\text{batch} = \text{one by one}", source=kexue(6407, 3), XY=factor_lists(share=1), k=integers(1, 2))
def rank_one_apply_to_a_batch(expm_rank1_apply, XY, k, space):
    """Batches of pairs, each with its own columns. Bound: each slice's error of apply."""
    X, Y = XY
    V = np.stack([np.roll(y, i)[:, None] + np.arange(1.0, k + 1) for i, y in enumerate(np.sign(Y.real))])
    for W, v, x, y in zip(expm_rank1_apply(X, Y, V), V, X, Y, strict=True):
        m = RankOne(x, y, space)
        judge(frobenius(ball(W) - m.matrix * ball(v)), m.apply_error(v), scale=m.norm * size(v) or math.inf,
              why="error of apply")  # fmt: skip


@law(r"\text{batch} = \text{one by one}", source=kexue(6407, 4), XY=factor_lists(share=1, keep="inner"))
def rank_one_logdet_of_a_batch(logdet_expm_rank1, XY, space):
    """Batches that mix magnitudes. Bound: each slice's δs."""
    for value, x, y in zip(logdet_expm_rank1(*XY), *XY, strict=True):
        m = RankOne(x, y, space)
        judge(abs(ball(value).real - m.s.real), m.ds, scale=math.inf, why="n u|y|ᵀ|x|")

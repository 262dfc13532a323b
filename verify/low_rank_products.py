r"""Laws of products of factors exp(xᵢyᵢᵀ), the invertible layer (SPEC 2, post 6407).

X, Y are (r,n), a factor in each row, and the first row is applied first: M = exp(x_r y_rᵀ) ⋯ exp(x₁y₁ᵀ). Errors of
apply are derived in `low_rank_bounds`.
"""

from __future__ import annotations

import math

import numpy as np

from detrace import Contract, branch, judge, law, require
from detrace import oracles as exact
from detrace.laws import kexue
from detrace.oracles import ball, frobenius, identity
from detrace.oracles.phi import singular_values
from detrace.strategies.low_rank_columns import (
    factor_lists,
    factor_lists_and_columns,
    generic_factors,
    low_rank_pairs,
)
from detrace.strategies.scalars import choices
from verify.low_rank_bounds import Product, judge_matrix, lost, size
from verify.low_rank_exponential import FAMILY

PRODUCT_APPLY = Contract(
    "product_apply", "(r,n),(r,n),(n,k)->(n,k)", "MV, M = exp(x_r y_rᵀ)⋯exp(x₁y₁ᵀ), a factor a row", FAMILY.name
)
PRODUCT_INVERSE = Contract("product_inverse_apply", "(r,n),(r,n),(n,k)->(n,k)", "M⁻¹V for the same M", FAMILY.name)
PRODUCT_LOGDET = Contract("product_logdet", "(r,n),(r,n)->()", "log|det M| = Re Σ yᵢᵀxᵢ", FAMILY.name, result="real")

APPLIED = "Σ ‖later factors‖·error of applying one"


@law(r"M V = e^{x_r y_r^\top}\cdots e^{x_1 y_1^\top}V",
     source=kexue(6407, 6), XYV=factor_lists_and_columns(reach=30.0))  # fmt: skip
def product_applies_its_factors_in_order(product_apply, XYV, space):
    """Certified product of up to four factors of any kind. Bound: each factor's error of apply, times the norm of
    those that follow."""
    X, Y, V = XYV
    p = Product(X, Y, space)
    truth, got = p.matrix * ball(V), product_apply(X, Y, V)
    judge(frobenius(ball(got) - truth), p.apply_error(V), scale=p.norm * size(V) or math.inf, got=got,
          truth=exact.floats(truth), why=APPLIED)  # fmt: skip


@law(r"M^{-1}V = e^{-x_1 y_1^\top}\cdots e^{-x_r y_r^\top}V", source=kexue(6407, 5, 6, "c7"),
     XYV=factor_lists_and_columns(reach=30.0))  # fmt: skip
def product_inverse_reverses_the_order(product_inverse_apply, XYV, space):
    """Certified inverse. Bound: as for the product of the negated factors, reversed."""
    X, Y, V = XYV
    p = Product(X[::-1], -Y[::-1], space)
    truth, got = Product(X, Y, space).inverse * ball(V), product_inverse_apply(X, Y, V)
    judge(frobenius(ball(got) - truth), p.apply_error(V), scale=p.norm * size(V) or math.inf, got=got,
          truth=exact.floats(truth), why=APPLIED)  # fmt: skip


@law(r"M^{-1}(MV) = V", source=kexue(6407, 5, "c7"), XYV=factor_lists_and_columns(reach=10.0))
def product_inverse_undoes_the_product(product_apply, product_inverse_apply, XYV, space):
    """Forward then inverse is the identity. Bound: ‖M⁻¹‖·error of the first + error of the second at what the first
    really returned: within κ(M)·u."""
    X, Y, V = XYV
    p, q = Product(X, Y, space), Product(X[::-1], -Y[::-1], space)
    W = product_apply(X, Y, V)
    require(bool(np.isfinite(W).all()), "not finite where MV is representable", got=W)
    error = frobenius(ball(product_inverse_apply(X, Y, W)) - ball(V))
    judge(error, size(p.inverse) * p.apply_error(V) + q.apply_error(W), scale=size(V) or math.inf,
          why="‖M⁻¹‖·error of the first + error of the second")  # fmt: skip


@law(r"\log|\det M| = \operatorname{Re}\sum_i y_i^\top x_i", source=kexue(6407, "c7"),
     XY=factor_lists(keep="inner", max_r=4), least=60)  # fmt: skip
def product_logdet_is_the_sum(product_logdet, XY, space):
    """For every list of factors, where det M overflows too. Bound: an inner product of length nr."""
    X, Y = XY
    p = Product(X, Y, space)
    bound = X.size * (space.u * float((np.abs(X) * np.abs(Y)).sum()) + lost(space, X, Y))
    judge(abs(ball(product_logdet(X, Y)).real - p.logdet.real), bound, scale=math.inf, why="nr·uΣ|xᵢⱼyᵢⱼ|")


@law(r"\det M = e^{\sum_i y_i^\top x_i} > 0 \text{ (real)}", source=kexue(6407, 7, "c6"), XY=factor_lists(reach=8.0))
def product_determinant_is_exponential_of_the_sum(product_apply, XY, space):
    """M read off as product_apply(I). det M̂·e^{−Σsᵢ} − 1 against ‖M⁻¹‖·error of apply; where that is below 1 the
    sign of a real determinant is certain: reflections are unreachable."""
    X, Y = XY
    p, eye = Product(X, Y, space), np.eye(X.shape[1])
    M = ball(product_apply(X, Y, eye))
    judge(abs(M.det() * (-p.logdet).exp() - 1), size(p.inverse) * p.apply_error(eye), got=exact.floats(M.det()),
          truth=exact.floats(p.logdet.exp()), why="‖M⁻¹‖·error of apply")  # fmt: skip


@law(r"y_i^\top x_j = 0\ (i\neq j) \Rightarrow M = e^{\sum_i x_i y_i^\top}", source=kexue(6407, 7),
     XY=low_rank_pairs(kinds=("superposed columns", "orthogonal columns"), max_n=5, reach=12.0))  # fmt: skip
def product_of_commuting_factors_is_exponential_of_the_sum(product_apply, XY, space):
    """Factors that commute because yᵢᵀxⱼ = 0: the product equals the exponential of Σxᵢyᵢᵀ, certified without the
    closed form. Bound: the error of apply."""
    X, Y = XY
    p, eye = Product(X.T, Y.T, space), np.eye(len(X))
    truth = exact.certify((ball(X) * ball(Y).transpose()).exp)
    judge_matrix(product_apply(X.T, Y.T, eye), truth, p.apply_error(eye), APPLIED)


@law(r"[x_1y_1^\top, x_2y_2^\top] \neq 0 \Rightarrow M \neq e^{\sum_i x_i y_i^\top}",
     source=kexue(6407, 7), dtypes="wide",
     XY=factor_lists(kinds=("dense", "graded"), min_n=2, max_n=4, min_r=2, max_r=3, reach=4.0, floor=0.25))  # fmt: skip
def product_of_factors_is_not_exponential_of_the_sum(product_apply, XY, space):
    """Where the certified distance Δ between the product and exp(Σxᵢyᵢᵀ) exceeds LIMIT times the error of apply, the
    computed matrix must be the product and cannot be the exponential, although their determinants agree (both are
    e^{Σsᵢ})."""
    X, Y = XY
    p, eye = Product(X, Y, space), np.eye(X.shape[1])
    total = exact.certify((ball(X).transpose() * ball(Y)).exp)
    distance = float(frobenius(p.matrix - total).abs_lower())
    branch("differ" if distance > 0.0 else "commute")
    got = ball(product_apply(X, Y, eye))
    judge(frobenius(got - p.matrix) / p.norm, p.apply_error(eye) / p.norm, scale=distance / p.norm, why=APPLIED,
          got=exact.floats(got), truth=exact.floats(p.matrix))  # fmt: skip


@law(r"\operatorname{rank}(M - I) \le r",
     source=kexue(6407, "c6"), XY=factor_lists(max_n=5, max_r=3, reach=8.0), cost=2.0)  # fmt: skip
def product_differs_from_identity_by_rank_r(product_apply, XY, space):
    """For n > r, singular values r+1, …, n of M̂ − I vanish. Bound (Weyl): the error of apply, relative to ‖M‖; what
    is uncertain of the certified singular values is subtracted from the error."""
    X, Y = XY
    (r, n), eye = X.shape, np.eye(X.shape[1])
    p = Product(X, Y, space)
    sigma, unsure = singular_values(ball(product_apply(X, Y, eye)) - identity(n))
    branch("n > r" if n > r else "n ≤ r")
    extra = float(sigma[r]) if n > r else 0.0
    judge(max(extra - unsure, 0.0) / p.norm, p.apply_error(eye) / p.norm, got=sigma, why="error of apply")


@law(r"\operatorname{rank}\frac{\partial M}{\partial(X,Y)} = r(2n-r),\ r \le n", source=kexue(6407, "c5", "c6"),
     dtypes="wide", needs="autodiff", XY=generic_factors(), cost=8.0)  # fmt: skip
def product_of_factors_has_its_dimension(product_apply, XY, space):
    """n = 4: 7, 12, 15, 16 free dimensions for 1, 2, 3, 4 factors; r > n adds none. The Jacobian (n² rows, reverse
    mode) has the singular values of the certified one up to the gradient's error (Weyl): those after r(2n−r) vanish,
    and the last before does not. Undecided where that one is within LIMIT errors of 0."""
    X, Y = XY
    (r, n), p = X.shape, Product(X, Y, space)
    units = np.eye(n * n).reshape(n * n, n, n)
    batch = [np.broadcast_to(a, (n * n, *a.shape)).copy() for a in (X, Y, np.eye(n))]
    J = np.hstack([product_apply.gradient(*batch, wrt=w, cotangent=units).reshape(n * n, -1) for w in (0, 1)])
    truth, error = np.empty_like(J), 0.0
    for k, C in enumerate(units):
        rows = [p.gradient(X, Y, np.eye(n), C, w, i) for w in (0, 1) for i in range(r)]
        truth[k] = np.concatenate([exact.floats(t).ravel() for t, _ in rows])
        error = math.hypot(error, *(e for _, e in rows))
    dimension = min(r, n) * (2 * n - min(r, n))
    sigma, last = np.linalg.svd(J, compute_uv=False), np.linalg.svd(truth, compute_uv=False)[dimension - 1]
    error += 4 * n * n * r * 2.0**-53 * float(sigma[0])  # of these singular values themselves
    branch(f"n={n}, r={r}")
    for distance in (abs(sigma[dimension - 1] - last), size(sigma[dimension:])):
        judge(distance, error, scale=last, got=sigma, truth=dimension, why="error of the gradient")


@law(r"\frac{\partial(Mv)}{\partial v} = M,\quad \log|\det\tfrac{\partial(Mv)}{\partial v}| = \texttt{product\_logdet}",
     source=kexue(6407, "c7"), dtypes="real", needs="autodiff",
     XY=factor_lists(max_n=4, max_r=3, reach=6.0))  # fmt: skip
def product_layer_has_its_jacobian(product_apply, product_logdet, XY, space):
    """The layer v ↦ Mv, its Jacobian by reverse mode: log|det J| is what `product_logdet` says. Bound: ‖M⁻¹‖·error of
    applying the transposed factors in reverse, and that of an inner product."""
    X, Y = XY
    n = X.shape[1]
    batch = [np.broadcast_to(a, (n, *a.shape)).copy() for a in (X, Y, np.ones((n, 1)))]
    J = product_apply.gradient(*batch, wrt=2, cotangent=np.eye(n)[:, :, None])[:, :, 0]
    transposed = Product(Y[::-1], X[::-1], space)
    det = abs(ball(J).det())
    inner = X.size * space.u * float((np.abs(X) * np.abs(Y)).sum())
    bound = size(transposed.inverse) * transposed.apply_error(np.eye(n)) + inner
    judge(abs(det * (-ball(product_logdet(X, Y)).real).exp() - 1), bound, got=exact.floats(det),
          why="‖M⁻¹‖·error of apply")  # fmt: skip


@law(r"\nabla\langle C, MV\rangle", source=kexue(6407, "c7"), dtypes="wide real", needs="autodiff",
     XYV=factor_lists_and_columns(max_n=4, max_r=3, reach=4.0, share=6), wrt=choices(0, 1), cost=2.0)  # fmt: skip
def product_gradient_is_the_chain_rule(product_apply, XYV, wrt, space):
    """Row i of ∂X or ∂Y is the gradient of ⟨AᵢᵀC, exp(xᵢyᵢᵀ)Bᵢ⟩, Aᵢ the later factors and Bᵢ what arrives. Bound: that
    gradient's own, times the condition numbers of all factors, which carry a rounding of Aᵢ and Bᵢ to it."""
    X, Y, V = XYV
    p = Product(X, Y, space)
    C = np.where(np.arange(V.size).reshape(V.shape) % 3 == 0, 1.0, -0.5)
    got = product_apply.gradient(X, Y, V, wrt=wrt, cotangent=C)
    for i in range(len(X)):
        truth, error = p.gradient(X, Y, V, C, wrt, i)
        judge(frobenius(ball(got[i]) - truth), error, scale=frobenius(truth) + error, got=got[i],
              truth=exact.floats(truth), why="gradient of one factor × condition of all")  # fmt: skip

r"""Laws of the Wasserstein distance between Gaussians, W₂² = ‖Δm‖² + tr(S + T − 2(S^½TS^½)^½) (SPEC 3).

u unit roundoff, d the dimension. A backward-stable method finds the distance between Gaussians whose covariances are off by
δ = (d+4)u‖S‖_F. W₂ is itself a metric, so this costs at most W₂(S, S+δS) ≤ β(S) = min(√(√d·δ), δ/√λ_min(S)) each (Powers and
Størmer 1970: ‖S^½ − T^½‖_F² ≤ ‖S − T‖_tr). The terms of the formula cancel: rounding them costs (d+4)u·T, T the sum of terms,
in W₂², hence "loose" is that, "sharp" only β(S) + β(T) and the last roundings.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from flint import arb, arb_mat, fmpq

from detrace import branch, judge, law, require
from detrace.oracles import wasserstein as exact
from detrace.oracles.rationals import rational
from detrace.strategies.samples import COVARIANCES, gaussians
from detrace.strategies.scalars import choices, integers
from verify.wasserstein_bounds import lost, positive

SOURCE = "SPEC 3; Dowson and Landau 1982"
LOOSE, SHARP = "β(S) + β(T) + rounding of the terms", "β(S) + β(T) + (d+4) u W"


def tolerance(S: np.ndarray, u: float) -> arb:
    """β(S)."""
    delta = (len(S) + 4) * u * sum((arb(v) ** 2 for v in rational(S).ravel()), arb(0)).sqrt()
    rough = (arb(len(S)).sqrt() * delta).sqrt()
    least = exact.remembered(("least eigenvalue", exact.key_of(S)), lambda: least_eigenvalue(S))
    return min(rough, delta / least.sqrt(), key=float) if least > 0 else rough


def least_eigenvalue(S: np.ndarray) -> arb:
    """λ_min(S), certified."""
    balls = arb_mat([[arb(v) for v in row] for row in rational(S)])
    return min(exact.eigenvalues(balls), key=lambda v: float(v.mid()))


class Pair:
    """Two Gaussians, their certified distance, and what rounding may cost it."""

    def __init__(self, G: tuple[np.ndarray, ...], space: Any) -> None:
        m1, S, m2, T = G
        d = len(m1)
        self.cost = exact.gaussian_cost(m1, S, m2, T)
        self.value = self.cost.sqrt() if self.cost > 0 else self.cost.abs_upper().sqrt()
        shift = rational(m1) - rational(m2)
        self.terms = arb(sum(shift * shift, fmpq(0)) + sum(rational(S).diagonal()) + sum(rational(T).diagonal()))
        rounded = (d + 4) * space.u * self.terms + lost(space, d * d)
        covariance = tolerance(S, space.u) + tolerance(T, space.u)
        self.sharp = covariance + (d + 4) * space.u * self.value + arb(lost(space, d * d)).sqrt()
        self.loose = self.sharp + (min(rounded / self.value, rounded.sqrt(), key=float) if self.value > 0 else rounded.sqrt())

    def judge(self, got: Any, *, sharp: bool = False) -> None:
        error = abs(arb(float(got)) - self.value)
        judge(error, self.sharp if sharp else self.loose, scale=self.terms.sqrt() if self.terms > 0 else float("inf"),
              why=SHARP if sharp else LOOSE, got=got, truth=float(self.value))  # fmt: skip


@law(r"W_2^2 = \|m_1-m_2\|^2 + \operatorname{tr}\bigl(S + T - 2(S^{1/2}TS^{1/2})^{1/2}\bigr)", source=SOURCE, cost=2.0,
     G=gaussians())  # fmt: skip
def gaussian_distance_has_a_closed_form(gaussian_w2, G, space):
    """Full and low rank, commuting or not, near and equal, graded, scaled by 10^±20. Bound: loose, as for the formula
    evaluated with stable roots."""
    Pair(G, space).judge(gaussian_w2(*G))


@law(r"S \to T:\ W_2 \to \|m_1 - m_2\|", source=SOURCE, least=30, G=gaussians(kinds=("near", "equal", "dense")))
def gaussian_distance_is_sharp_between_close_gaussians(gaussian_w2, G, space):
    """T = S + 2⁻ᵏvvᵀ or T = S, well conditioned: the terms of the formula cancel, ‖L − MU‖_F over orthogonal U, S = LLᵀ,
    T = MMᵀ, does not. Bound: sharp."""
    Pair(G, space).judge(gaussian_w2(*G), sharp=True)


@law(r"N_1 = N_2 \iff W_2 = 0", source=SOURCE, G=gaussians(kinds=("equal",)), same=choices(True, False))
def gaussian_distance_is_zero_for_equal_gaussians(gaussian_w2, G, same, space):
    """The very same Gaussian, or one whose mean is moved by a standard deviation. Bound: sharp."""
    m, S, *_ = G
    moved = m if same else space.round(m + np.sqrt(float(np.max(S))))
    G = (m, S, moved, S)
    branch("equal" if same else "moved")
    Pair(G, space).judge(gaussian_w2(*G), sharp=True)


@law(r"ST = TS \Rightarrow W_2^2 = \|m_1-m_2\|^2 + \|S^{1/2} - T^{1/2}\|_F^2", source=SOURCE, G=gaussians(kinds=("diagonal",)))
def commuting_gaussians_are_as_far_as_their_roots(gaussian_w2, G, space):
    """Diagonal covariances, zero variances included; for d = 1 (σ − τ)². Truth from the diagonals. Bound: loose."""
    m1, S, m2, T = G
    shift = rational(m1) - rational(m2)
    roots = [(arb(s).sqrt() - arb(t).sqrt()) ** 2 for s, t in zip(rational(S).diagonal(), rational(T).diagonal(), strict=True)]
    pair = Pair(G, space)
    truth = (arb(sum(shift * shift, fmpq(0))) + sum(roots, arb(0))).sqrt()
    judge(abs(arb(float(gaussian_w2(*G))) - truth), pair.loose, scale=pair.terms.sqrt() if pair.terms > 0 else float("inf"),
          why=LOOSE, truth=float(truth))  # fmt: skip


@law(r"S = vv^\top, T = ww^\top \Rightarrow W_2^2 = \|m_1-m_2\|^2 + \|v\|^2 + \|w\|^2 - 2|v^\top w|", source=SOURCE,
     G=gaussians(kinds=("dense",), scaled=False))  # fmt: skip
def degenerate_gaussians_have_a_distance(gaussian_w2, G, space):
    """Gaussians on lines, on one point (a covariance of 0), parallel and orthogonal: no inverse, no logarithm of a
    determinant. Bound: loose."""
    m1, _, m2, _ = G
    v, w = m1[::-1].copy(), np.roll(m2, 1)
    pair = Pair((m1, np.outer(v, v), m2, np.outer(w, w)), space)
    inner = abs(sum(rational(v) * rational(w), fmpq(0)))
    shift, total = rational(m1) - rational(m2), sum(rational(v) ** 2 + rational(w) ** 2, fmpq(0))
    cost = arb(sum(shift * shift, fmpq(0)) + total - 2 * inner)
    got = gaussian_w2(m1, np.outer(v, v), m2, np.outer(w, w))
    judge(abs(arb(float(got)) - (cost.sqrt() if cost > 0 else 0)), pair.loose,
          scale=pair.terms.sqrt() if pair.terms > 0 else float("inf"), why=LOOSE)  # fmt: skip


@law(r"W_2(N_1,N_2) = W_2(N_2,N_1) = W_2(QN_1 + t, QN_2 + t)", source=SOURCE, k=integers(0, 20), turn=integers(0, 3),
     G=gaussians(kinds=(*COVARIANCES, *24 * ("graded",)), scaled=False), least=60)  # fmt: skip
def gaussian_distance_has_symmetries(gaussian_w2, G, k, turn, space):
    """Arguments swapped; coordinates permuted and reflected, both means moved by 2ᵏ as far as the sums are exact. Bound: loose,
    twice."""
    m1, S, m2, T = G
    order, signs = np.roll(np.arange(len(m1)), turn), np.where(np.arange(len(m1)) % 2 == turn % 2, -1.0, 1.0)
    flip = np.outer(signs, signs)
    t = 2.0**k if k < -np.log2(space.u) - 8 else 0.0
    first, second = (m[order] * signs + t for m in (m1, m2))
    exactly = all((space.round(v) == v).all() and (v - t == m[order] * signs).all() for v, m in ((first, m1), (second, m2)))
    first, second = (first, second) if exactly else (m1[order] * signs, m2[order] * signs)
    moved = gaussian_w2(first, S[np.ix_(order, order)] * flip, second, T[np.ix_(order, order)] * flip)
    pair, here = Pair(G, space), arb(float(gaussian_w2(*G)))
    scale = pair.terms
    for other in (moved, gaussian_w2(m2, T, m1, S)):
        judge(abs(here - arb(float(other))), 2 * pair.loose, scale=scale.sqrt() if scale > 0 else 1.0,
              why=LOOSE)  # fmt: skip


@law(r"W_2(N_1,N_3) \le W_2(N_1,N_2) + W_2(N_2,N_3),\quad W_2 \ge \|m_1 - m_2\|", source=SOURCE, cost=2.0,
     G=gaussians(scaled=False))  # fmt: skip
def gaussian_distance_is_a_metric(gaussian_w2, G, space):
    """The third Gaussian has the first's mean and the second's covariance: then W₂(N₁,N₃) has no shift, W₂(N₂,N₃) nothing
    else. Bound: loose for each."""
    m1, S, m2, T = G
    sides = [(m1, S, m1, T), G, (m2, T, m1, T)]
    whole, first, second = (arb(float(gaussian_w2(*side))) for side in sides)
    pairs = [Pair(side, space) for side in sides]
    error, scale = sum((p.loose for p in pairs), arb(0)), pairs[1].terms
    excess = max(whole - first - second, pairs[2].value - first, key=float)
    judge(positive(excess), error, scale=scale.sqrt() if scale > 0 else 1.0, why=LOOSE)


def dense(d: int, step: int) -> np.ndarray:
    """LLᵀ + 64I of a whole L: a covariance (d,d) of whole numbers with λ_min ≥ 64, another one for another step."""
    i = np.arange(d)
    L = (i[:, None] * step + i * (step + 2) % 7) % 5 - 2.0
    return L @ L.T + 64.0 * np.eye(d)


@law(r"W_2\bigl(N(m_1, S), N(m_2, c^2 S)\bigr)^2 = \|m_1-m_2\|^2 + (1-c)^2 \operatorname{tr} S", source=SOURCE,
     dtypes="wide", cost=4.0, d=choices(4, 7, 12, 16, few=1), c=choices(2.0, 1.0, 0.5, 4.0), step=integers(1, 30),
     k=choices(0, 10, -10, 30, -30))  # fmt: skip
def gaussian_distance_of_a_dilation(gaussian_w2, d, c, step, k, space):
    """Dense integer covariances of dimension up to 16, S = LLᵀ + 64I so that λ_min ≥ 64, and their multiples, scaled by 2ᵏ.
    Bound: (d+4)u times the sum of the formula's terms, over W₂, and δ/√λ_min for each covariance."""
    S, m1 = dense(d, step), np.arange(d) * step % 9 - 4.0
    m2 = m1 + 8.0 * (np.arange(d) == step % d)
    cost = fmpq(64) + fmpq(int(S.trace())) * (1 - rational(c)) ** 2
    terms = float(64 + S.trace() * (1 + c * c))
    value = arb(cost).sqrt()
    rounded = (d + 4) * space.u * (terms / value + (1 + c) * float(np.linalg.norm(S)) / 8.0)
    t = 2.0**k
    got = gaussian_w2(m1 * t, S * t**2, m2 * t, S * (c * t) ** 2)
    judge(abs(arb(float(got)) - value * t), rounded * t, scale=value * t, why="(d+4)u(T/W₂ + ‖S‖_F/√λ_min)", got=got,
          truth=float(value * t))  # fmt: skip


@law(r"\textstyle\sum_i \langle \partial_{m_i} W_2, m_i\rangle + 2\langle \partial_{S_i} W_2, S_i\rangle = W_2,\quad"
     r" \partial_{m_1} W_2 = (m_1 - m_2)/W_2", source=("Euler", SOURCE), needs="autodiff", dtypes="wide", d=choices(1, 2, 3),
     steps=choices((1, 2), (3, 7), (5, 5)), k=choices(0, 10, -10, 30, -30), shift=choices(8.0, 0.0, -3.0))  # fmt: skip
def gaussian_gradient_obeys_euler(gaussian_w2, d, steps, k, shift, space):
    """W₂ grows with the scale of the means and the roots of the covariances, hence Euler's identity; the slope in the means is
    known. Dense covariances with κ ≤ 2, scaled. Bound: the maps between them, S^−½(S^½TS^½)^½S^−½, are known to (d+4)u·κ, so
    (d+4)κu(‖S‖_F + ‖T‖_F)/W₂ for the covariances' part, in units of W₂; (d+4)κu·T/W₂² for W₂ itself (equal ones: finite)."""
    t = 2.0**k
    S, T = dense(d, steps[0]), dense(d, steps[1])
    m1, m2 = np.arange(d) - 2.0, np.arange(d) - 2.0 + shift * np.eye(d)[0]
    G = (m1 * t, S * t**2, m2 * t, T * t**2)
    slopes = [gaussian_w2.gradient(*G, wrt=w) for w in range(4)]
    require(all(bool(np.isfinite(g).all()) for g in slopes), "the gradient is not finite", got=slopes)
    cost = exact.gaussian_cost(*G)
    if not cost > 0:
        return
    value = cost.sqrt()
    euler = sum(arb((rational(g) * rational(v)).sum()) * (1 + w % 2) for w, (g, v) in enumerate(zip(slopes, G, strict=True)))
    sizes = float(np.linalg.norm(S) + np.linalg.norm(T) + shift**2) * t**2
    unit = 2 * (d + 4) * space.u * sizes / value
    judge(abs(euler - value), unit * (1 + float(np.abs(m1).sum() + np.abs(m2).sum()) * t / value), scale=value,
          why="(d+4)κu(‖S‖ + ‖T‖ + ‖Δm‖²)/W₂", got=float(euler), truth=float(value))  # fmt: skip
    for g, sign in ((slopes[0], 1.0), (slopes[2], -1.0)):
        truth = -sign * shift * t / value
        judge(abs(arb(float(g[0])) - truth), unit / value, why="(d+4)κu·T/W₂²", got=g[0], truth=float(truth))


BAD = {
    "a mean that is NaN": lambda _: (np.array([0.0, np.nan]), np.eye(2), np.zeros(2), np.eye(2)),
    "a covariance that holds NaN": lambda _: (np.zeros(2), np.eye(2), np.zeros(2), np.array([[np.nan, 0.0], [0.0, 1.0]])),
    "an infinite covariance": lambda _: (np.zeros(2), np.array([[np.inf, 0.0], [0.0, 1.0]]), np.zeros(2), np.eye(2)),
    "a negative variance": lambda _: (np.zeros(2), np.diag([1.0, -1.0]), np.zeros(2), np.eye(2)),
    "a small negative variance": lambda tiny: (np.zeros(2), tiny * np.diag([1.0, -1.0]), np.zeros(2), tiny * np.eye(2)),
    "a covariance that is not symmetric": lambda _: (np.zeros(2), np.array([[2.0, 1.0], [0.0, 2.0]]), np.zeros(2), np.eye(2)),
}


@law(r"\text{no Gaussian} \mapsto \text{error, or not finite}", source="SPEC 3: form", bad=choices(*BAD))
def gaussian_distance_refuses_what_is_no_gaussian(gaussian_w2, bad, space):
    """NaN, infinity, a negative variance at any scale, a matrix that is not symmetric: an error, or a result that is not
    finite; never a number. No tolerance."""
    args = BAD[bad](max(2.0**-40, 4 * space.smallest))
    refused = gaussian_w2.raises(*args) is not None
    require(refused or not np.isfinite(gaussian_w2(*args)), f"a number came of {bad}")


@law(r"d_1 \ne d_2 \mapsto \text{error}", source="SPEC 3: form")
def gaussian_distance_keeps_form(gaussian_w2, space):
    """Gaussians of different dimension, and means that do not fit their covariance, are an error. No tolerance."""
    one, two = (np.zeros(1), np.eye(1)), (np.zeros(2), np.eye(2))
    require(gaussian_w2.raises(*one, *two) is not None, "Gaussians on R¹ and R² were broadcast")
    require(gaussian_w2.raises(np.zeros(3), np.eye(2), np.zeros(3), np.eye(2)) is not None, "means in R³, covariances in R²")

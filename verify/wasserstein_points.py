r"""Laws of the Wasserstein distance in R^d: a linear program over plans (SPEC 3, post 6280).

u unit roundoff, M the total mass, D the largest distance between atoms of the two measures. A linear program solved in
floating point leaves a gap of (n+m)·u·M·D^p, whatever its optimum; bounds are derived in `wasserstein_bounds`.
"""

from __future__ import annotations

import numpy as np
from flint import arb, fmpq

from detrace import judge, law, require
from detrace.laws import kexue
from detrace.oracles import wasserstein as exact
from detrace.oracles.rationals import rational
from detrace.strategies.samples import MASSES, line_problems, problems
from detrace.strategies.scalars import choices, integers
from verify.wasserstein import FAR, PERMUTE, TWICE
from verify.wasserstein_bounds import SIZE, Distance, positive, power, translation

NORMS = {"1": lambda d: abs(d).sum(axis=-1), "∞": lambda d: abs(d).max(axis=-1)}


@law(r"W_p^p = \min\{\langle\Gamma, \|x_i - y_j\|^p\rangle : \Gamma 1 = a, \Gamma^\top 1 = b, \Gamma \ge 0\}",
     source=kexue(6280, 1, 3, 9), P=problems(max_n=4, weights=(*MASSES, "dust")), least=60)  # fmt: skip
def distance_solves_the_linear_program(wasserstein, P, space):
    """For p = 1, 3/2, 2, 3 and d ≤ 3: ties, duplicates, zero, dust and rounded masses, collinear, clustered and far points,
    points and masses scaled by 10^±20. Truth: the optimum in rationals. Bound: (n+m+p) u·M·D^p on the p-th power."""
    Distance(P, space).judge(wasserstein(*P))


@law(r"x_i = s_i v,\ y_j = t_j v \Rightarrow W_p = \|v\|\,W_p(s, t)", source="SPEC 3",
     P=line_problems(max_n=4, kinds=("lattice", "dense"), scaled=False),
     v=choices((1.0,), (3.0, 4.0), (1.0, 2.0, -2.0), (0.0, -1.0)))  # fmt: skip
def distance_on_a_line_is_the_line_distance(wasserstein, P, v, space):
    """Points on a line through the origin, along vectors of whole length: ‖v‖ times the exact distance on the line. Bound:
    (n+m+p) u·M·D^p."""
    s, t, p, a, b = P
    direction = np.array(v)
    length = round(float((direction @ direction) ** 0.5))
    x, y = space.round(s[:, None] * direction), space.round(t[:, None] * direction)
    d = Distance((x, y, p, a, b), space)
    line = exact.coupling(s, t, a, b).cost(p) * arb(length) ** arb(p)
    judge(abs(power(wasserstein(x, y, p, a, b), p) - line), d.error, scale=d.natural, why=SIZE)


@law(r"\texttt{wasserstein} = \texttt{wasserstein\_1d}", source="SPEC 3", P=line_problems(max_n=4))
def both_distances_agree_on_the_line(wasserstein, wasserstein_1d, P, space):
    """d = 1: the linear program and the sorted quantiles of the same subject. Bound: both errors."""
    x, y, p, a, b = P
    d = Distance(P, space)
    error = abs(power(wasserstein(x[:, None], y[:, None], p, a, b), p) - power(wasserstein_1d(*P), p))
    judge(error, 2 * d.error, scale=d.natural, why=TWICE)


@law(r"W_p(Qx + t, Qy + t) = W_p(x, y)", source=kexue(6280, 2), turn=integers(0, 5), k=choices(*FAR), least=40,
     P=problems(max_n=4, kinds=("lattice", "dense"), scaled=False))  # fmt: skip
def distance_is_invariant_under_isometries(wasserstein, P, turn, k, space):
    """Coordinates permuted and reflected, all points moved by 2ᵏ, k ≤ 26 as far as the sums are exact. Bound: the error at
    the unmoved points, (n+m+p) u·M·D^p."""
    x, y, p, a, b = P
    order = np.roll(np.arange(x.shape[1]), turn)
    signs = np.where(np.arange(x.shape[1]) % 2 == turn % 2, -1.0, 1.0)
    x, y = x[:, order] * signs, y[:, order] * signs
    t = translation(space, k, x, y)
    Distance(P, space).judge(wasserstein(x + t, y + t, p, a, b))


@law(r"W_p(\mu,\nu) = W_p(\nu,\mu) = W_p(-\mu,-\nu)", source=kexue(6280, 3), P=problems(max_n=4), how=choices(*PERMUTE),
     least=40)  # fmt: skip
def distance_has_symmetries(wasserstein, P, how, space):
    """Measures swapped, points reflected, samples in another order with their masses. Bound: both errors."""
    d = Distance(P, space)
    error = abs(power(wasserstein(*P), d.p) - power(wasserstein(*PERMUTE[how](*P)), d.p))
    judge(error, 2 * d.error, scale=d.natural, why=TWICE)


@law(r"a_i\delta_{x_i} = \tfrac{a_i}2\delta_{x_i} + \tfrac{a_i}2\delta_{x_i} + 0\,\delta_z", source="SPEC 3",
     P=problems(max_n=4, weights=("dyadic", "counts")), i=integers(0, 5))  # fmt: skip
def distance_sees_measures_not_lists(wasserstein, P, i, space):
    """An atom split into two halves, and an atom of mass 0 added on top of another: the same measure. Bound: both errors."""
    x, y, p, a, b = P
    i %= len(x)
    half = a.copy()
    half[i] /= 2
    split = (np.array([*x, x[i], x[0]]), y, p, np.array([*half, half[i], 0.0]), b)
    d, s = Distance(P, space), Distance(split, space)
    error = abs(power(wasserstein(*P), p) - power(wasserstein(*split), p))
    judge(error, d.error + s.error, scale=d.natural, why=TWICE)


@law(r"W_p(\mu,\nu) = 0 \iff \mu = \nu", source=kexue(6280, 3), P=problems(max_n=4, weights=("dyadic",), least=1, apart=True))
def distance_is_zero_for_equal_measures(wasserstein, P, space):
    """The same atoms in another order: every optimal plan pays 0 for each of its entries. Bound: (n+m+p) u·M·D^p."""
    x, _, p, a, _ = P
    same = (x, x[::-1].copy(), p, a, a[::-1].copy())
    Distance(same, space).judge(wasserstein(*same))


@law(r"W_p(\mu,\rho) \le W_p(\mu,\nu) + W_p(\nu,\rho)", source=kexue(6280, 3), P=problems(max_n=4, weights=("dyadic",)),
     least=50)  # fmt: skip
def distance_obeys_the_triangle_inequality(wasserstein, P, space):
    """The third measure is on the second's atoms with masses reversed, moved by the first atom. Bound: what all three
    distances may be off."""
    x, y, p, a, b = P
    z = space.round(y + x[0])
    sides = [(x, z, p, a, b[::-1].copy()), P, (y, z, p, b, b[::-1].copy())]
    whole, first, second = (arb(float(wasserstein(*side))) for side in sides)
    d = [Distance(side, space) for side in sides]
    judge(positive(whole - first - second), sum(v.off(v.error) for v in d), scale=d[0].largest, why="all three errors")


@law(r"W_1 \ge \|\textstyle\sum a_i x_i - \sum b_j y_j\|", source=kexue(6280, 35),
     P=problems(max_n=4, p=(1.0,), weights=("dyadic", "counts", "dust")))  # fmt: skip
def distance_bounds_the_difference_of_means(wasserstein, P, space):
    """A linear function of slope 1 is 1-Lipschitz. Bound: (n+m+p) u·M·D."""
    x, y, _, a, b = P
    means = rational(a) @ rational(x) - rational(b) @ rational(y)
    d = Distance(P, space)
    judge(positive(arb(sum(means * means, fmpq(0))).sqrt() - float(wasserstein(*P))), d.error, scale=d.natural, why=SIZE)


@law(r"\alpha\|\cdot\| \le \|\cdot\|' \le \beta\|\cdot\| \Rightarrow \alpha W \le W' \le \beta W",
     source=kexue(6280, "c1", "c2"), P=problems(max_n=4, p=(1.0,), weights=("dyadic",)))  # fmt: skip
def equivalent_norms_give_equivalent_distances(wasserstein, transport_cost, P, space):
    """W_1 for the Euclidean distance, and the transport cost for ‖·‖₁ and ‖·‖_∞, whose values are exact here: equal up to
    constants only, √d between ℓ₁ and ℓ₂. Bound: (n+m+1) u·M·d·D for each."""
    x, y, _, a, b = P
    apart = x[:, None] - y[None]
    one, top = (arb(float(transport_cost(a, b, space.round(norm(apart))))) for norm in NORMS.values())
    two, dims, d = arb(float(wasserstein(*P))), x.shape[1], Distance(P, space)
    excess = max(top - two, two - one, one - dims * top, one - arb(dims).sqrt() * two, key=float)
    judge(positive(excess), 2 * dims * d.error, scale=d.natural, why=TWICE)


@law(r"(\min\langle\Gamma, |x-y|^\rho\rangle)^{1/\rho},\ \rho < 1,\ \text{is no metric}", source=kexue(6280, 3), dtypes="wide",
     k=integers(1, 63), j=choices(0, -66, 66, -24, 24), rho=choices(0.5, 0.25))  # fmt: skip
def only_exponents_of_at_least_one_give_a_distance(transport_cost, k, j, rho, space):
    """As printed, W_ρ is a metric; it is one for ρ ≥ 1 only. δ₀ → (1−t)δ₀ + tδ_s → δ_s costs t·s^ρ and (1−t)·s^ρ against
    s^ρ: C itself keeps the triangle inequality, C^{1/ρ} breaks it, by more than 30·4u. Bound: 4u of the largest cost."""
    t, size = k / 64.0, 2.0**j
    C = np.array([[0.0, size], [size, 0.0]])
    start, middle, end = np.array([1.0, 0.0]), np.array([1.0 - t, t]), np.array([0.0, 1.0])
    first, second, whole = (arb(float(transport_cost(*pair, C))) for pair in ((start, middle), (middle, end), (start, end)))
    for got, truth in ((first, t), (second, 1.0 - t), (whole, 1.0)):
        judge(abs(got - truth * size), 4 * space.u * size, scale=truth * size, why="4u of the largest cost", truth=truth * size)
    root = 1 / arb(rho)
    require(bool(first**root + second**root < whole**root), "the path through the middle is not shorter", got=(first, second))


@law(r"0 < p < 1:\ \min\langle\Gamma, |x_i - y_j|^p\rangle < \text{sorted pairing}", source=("SPEC 3", kexue(6280, 3)),
     dtypes="wide",
     triple=choices((3.0, 4.0, 5.0), (5.0, 12.0, 13.0), (8.0, 15.0, 17.0)), swap=choices(False, True))  # fmt: skip
def concave_costs_do_not_pair_in_order(transport_cost, triple, swap, space):
    """p = ½, x = (0, s²), y = (s², s²+t²) with s² + t² = h²: common mass stays, the cost is h/2, where pairing in order
    costs (s+t)/2. Bound: 4u·h, far below the difference."""
    s, t, h = triple
    C = np.array([[s, h], [0.0, t]])
    half = np.array([0.5, 0.5])
    got = arb(float(transport_cost(half, half, C.T.copy() if swap else C)))
    judge(abs(got - h / 2), 4 * space.u * h, scale=(s + t - h) / 2, why="4u·h", truth=h / 2)

r"""Laws of W_∞, the largest distance that the best plan moves anything (SPEC 3, post 6280).

W_∞ is the limit of W_p as p → ∞; mass counts where it is, not how much it is. An implementation that refuses p = ∞ with an
error is not judged here. Bounds are derived in `transport_bottleneck`.
"""

from __future__ import annotations

from math import inf

import numpy as np
from flint import arb, fmpq

from detrace import branch, judge, law, require
from detrace.laws import each, kexue
from detrace.oracles import wasserstein as exact
from detrace.oracles.rationals import floats, rational
from detrace.spaces import FORMATS
from detrace.strategies.samples import EMPTY, MASSES, line_problems, problems
from detrace.strategies.scalars import choices, integers
from verify.transport_bottleneck import RELATIVE, ROUNDED, Line, bottleneck, deficit, judge_distance, offered
from verify.transport_bounds import cost_of
from verify.wasserstein import FAR, PERMUTE
from verify.wasserstein_bounds import Distance, positive, root, translation

LIMIT = "Villani 2003, 7.1.2"
STRASSEN = "Strassen 1965"
ORDER_ONE = {"p": (1.0,)}
"""Problems that are scaled as for p = 1: W_∞ takes no power of a distance."""


@law(r"W_\infty = \max_t |F^{-1}(t) - G^{-1}(t)|", source=(LIMIT, kexue(6280, 3)),
     P=line_problems(weights=(*MASSES, EMPTY), **ORDER_ONE))  # fmt: skip
def largest_distance_couples_quantiles(wasserstein_1d, P, space):
    """p = ∞: sizes n ≠ m, ties, zero, dust and rounded masses, far and clustered points, points and masses scaled by 10^±20.
    Bound: 8u of a distance between atoms whose levels overlap, up to (n+m)u·M, where no others that do are further apart."""
    x, y, _, a, b = P
    if offered(wasserstein_1d):
        Line(x, y, a, b, space).judge(wasserstein_1d(x, y, inf, a, b))


@law(r"W_\infty = \max_t |F^{-1}(t) - G^{-1}(t)|", source=(LIMIT, kexue(6280, 3)), least=70,
     P=line_problems(weights=("dyadic", "uniform", *3 * (EMPTY,)), **ORDER_ONE))  # fmt: skip
def largest_distance_is_sharp_for_exact_masses(wasserstein_1d, P, space):
    """Masses that are multiples of M/64, or none given, which are 1/n and 1/m without rounding: levels touch exactly or not at
    all. Bound: 8u·W_∞."""
    x, y, _, a, b = P
    if offered(wasserstein_1d):
        Line(x, y, a, b, space).judge_sharply(wasserstein_1d(x, y, inf, a, b))


@law(r"W_\infty = \min\{t : \mu(A) \le \nu(A^t)\ \forall A\}", source=(STRASSEN, LIMIT), cost=2.0,
     P=line_problems(max_n=5, weights=("dyadic",), least=1, **ORDER_ONE))  # fmt: skip
def largest_distance_is_the_bottleneck(wasserstein_1d, P, space):
    """A plan that moves nothing further than t exists exactly if every set of atoms finds room within t; all sets are tried,
    in rationals, without sorting. Room at W_∞(1 + 8u), none at W_∞(1 − 8u). No tolerance beside these 8u."""
    x, y, _, a, b = P
    if not offered(wasserstein_1d):
        return
    got = rational(wasserstein_1d(x, y, inf, a, b))
    masses, apart = (rational(a), rational(b)), abs(rational(x)[:, None] - rational(y)[None])
    off = rational(space.u) * ROUNDED * got + rational(space.tiny)
    require(deficit(*masses, apart <= got + off) <= 0, "a set of atoms finds no room within W_∞", got=float(got))
    require(got <= off or deficit(*masses, apart < got - off) > 0, "there is room within less than W_∞", got=float(got))


@law(r"W_\infty\,w^{1/p} \le W_p \le W_q \le W_\infty = \lim_{p\to\infty} W_p", source=(LIMIT, kexue(6280, 3)), dtypes="wide",
     P=line_problems(kinds=("lattice",), weights=("uniform", "dyadic"), scaled=False), p=choices(1.0, 2.0, 8.0),
     q=choices(17.0, 8.0))  # fmt: skip
def distances_grow_to_the_largest(wasserstein_1d, P, p, q, space):
    """Probability measures of whole points; w is the mass that goes the largest distance, exactly, so that W_p nears W_∞ from
    below as fast as w^{1/p} nears 1. Bound: what the distances may be off, (n+m+p) u·D^p on the p-th power and 8u·W_∞."""
    x, y, _, a, b = P
    if not offered(wasserstein_1d):
        return
    top, values = arb(float(wasserstein_1d(x, y, inf, a, b))), []
    pieces = exact.coupling(x, y, a, b).pieces
    w = arb(sum((m for *_, m, d in pieces if d == max(d for *_, d in pieces)), fmpq(0)))
    for order in (p, q):
        d = Distance((x, y, order, a, b), space)
        values.append((arb(float(wasserstein_1d(x, y, order, a, b))), d.off(d.error)))
        value, off = values[-1]
        for excess in (value - top, root(w, order) * top - value):
            judge(positive(excess), off + ROUNDED * space.u * top, scale=d.largest, why="both errors", got=float(value),
                  truth=float(top))  # fmt: skip
    judge(positive(values[0][0] - values[1][0]), values[0][1] + values[1][1], scale=top if top > 0 else inf, why="both errors")


@law(r"W_\infty(\mu + t, \mu) = |t|,\quad W_\infty(\mu + t, \nu + t) = W_\infty(\mu, \nu)", source=(LIMIT, kexue(6280, 2)),
     k=choices(*FAR), P=line_problems(kinds=("lattice", "dense"), weights=("dyadic",), scaled=False, **ORDER_ONE))  # fmt: skip
def largest_distance_of_translates(wasserstein_1d, P, k, space):
    """Measures moved by 2ᵏ, k ≤ 26 as far as the sums are exact, samples in another order. Bound: 8u·W_∞."""
    x, y, _, a, b = P
    if not offered(wasserstein_1d):
        return
    t, s = translation(space, k, x), translation(space, k, x, y)
    judge_distance(wasserstein_1d(x, x[::-1] + t, inf, a, a[::-1].copy()), arb(t), space.u)
    Line(x, y, a, b, space).judge_sharply(wasserstein_1d(x + s, y + s, inf, a, b))


@law(r"W_\infty\bigl(\mu, (1+\varepsilon)\mu\bigr) = \varepsilon\max_i |x_i|", source=(LIMIT, kexue(6280, 2)),
     bits=integers(0, 48), P=line_problems(kinds=("lattice", "dense"), weights=("dyadic", "uniform"), least=1, same=True,
                                                 **ORDER_ONE))  # fmt: skip
def largest_distance_keeps_its_digits_between_near_measures(wasserstein_1d, P, bits, space):
    """Points with full mantissas, a third of those drawn, and their multiples by 1 + ε, ε = 2⁻² and below, rounded; held
    against the points as they are. Bound: 8u·W_∞, which is a small part of the points' size."""
    x, _, _, a, _ = P
    if not offered(wasserstein_1d):
        return
    x = space.round(x / 3)
    y = space.round(x * (1 + 2.0 ** -(2 + bits % (FORMATS[space.real_dtype][0] - 4))))[::-1].copy()
    b = None if a is None else a[::-1].copy()
    Line(x, y, a, b, space).judge_sharply(wasserstein_1d(x, y, inf, a, b))


@law(r"\tfrac1n\textstyle\sum_i \delta_{x_i} = \tfrac1{kn}\sum_i k\,\delta_{x_i}", source="SPEC 3", k=choices(3, 5, 7, 11, 2),
     turned=choices(False, True), P=line_problems(weights=("uniform",), **ORDER_ONE))  # fmt: skip
def repeated_samples_are_at_no_distance(wasserstein_1d, P, k, turned, space):
    """No weights are given: each sample k times is the same measure, though cumulated fractions 1/n and 1/(kn) round apart. No
    tolerance."""
    x = P[0]
    if not offered(wasserstein_1d):
        return
    pair = (np.tile(x, k), x) if turned else (x, np.tile(x, k))
    got = wasserstein_1d(*pair, inf, None, None)
    require(float(got) == 0.0, "the same measure has a distance", got=got, truth=0.0)


@law(r"W_\infty(c\mu, c\nu; m\cdot) = |c|\,W_\infty(\mu, \nu)", source=(LIMIT, kexue(6280, 2)), sign=choices(1.0, -1.0),
     k=choices(0, 24, -24, "largest", "smallest"), j=choices(0, -20, 20, -66, 66),
     P=line_problems(weights=("dyadic",), scaled=False, **ORDER_ONE))  # fmt: skip
def largest_distance_is_homogeneous(wasserstein_1d, P, sign, k, j, space):
    """Points times c = ±2ᵏ, up to where a distance itself overflows and down to where it is subnormal; masses times 2ʲ change
    nothing. Bound: 8u·W_∞."""
    x, y, _, a, b = P
    if not offered(wasserstein_1d):
        return
    _, low, high = FORMATS[space.real_dtype]
    top = max(float(np.abs(np.concatenate([x, y])).max()), 1.0)
    room = high - int(np.ceil(np.log2(top))) - 2
    power = {"largest": room, "smallest": low + 8 * space.flushes}.get(k, k)
    c = sign * 2.0 ** max(min(power, room), low)
    m = 2.0**j if abs(j) < high - 8 else 1.0
    x, y = (space.round(c * v) for v in (x, y))
    branch(str(k))
    Line(x, y, m * a, m * b, space).judge_sharply(wasserstein_1d(x, y, inf, m * a, m * b))


@law(r"W_\infty(\mu,\nu) = W_\infty(\nu,\mu) = W_\infty(-\mu,-\nu)", source=(LIMIT, kexue(6280, 3)), how=choices(*PERMUTE),
     P=line_problems(weights=("uniform", "dyadic", "counts", "dust"), **ORDER_ONE))  # fmt: skip
def largest_distance_has_symmetries(wasserstein_1d, P, how, space):
    """Measures swapped, points reflected, samples in another order: held against the masses as they were given, then as they
    are now. Bounds as for the quantiles."""
    x, y, _, a, b = P
    if not offered(wasserstein_1d):
        return
    line = Line(x, y, a, b, space)
    line.judge(wasserstein_1d(x, y, inf, a, b))
    line.judge(wasserstein_1d(*PERMUTE[how](x, y, inf, a, b)))


@law(r"W_\infty(\mu,\rho) \le W_\infty(\mu,\nu) + W_\infty(\nu,\rho),\quad W_\infty = 0 \iff \mu = \nu",
     source=(LIMIT, kexue(6280, 3)), P=line_problems(weights=("dyadic",), least=1, **ORDER_ONE))  # fmt: skip
def largest_distance_is_a_metric(wasserstein_1d, P, space):
    """The third measure is on the second's atoms with masses reversed; the same atoms in another order are at distance 0
    exactly. Bound: 8u of the three distances."""
    x, y, _, a, b = P
    if not offered(wasserstein_1d):
        return
    z, c = space.round(y + x[0]), b[::-1].copy()
    sides = ((x, z, inf, a, c), (x, y, inf, a, b), (y, z, inf, b, c))
    whole, first, second = (arb(float(wasserstein_1d(*side))) for side in sides)
    judge(positive(whole - first - second), ROUNDED * space.u * (whole + first + second), scale=whole if whole > 0 else inf,
          why=RELATIVE)  # fmt: skip
    same = wasserstein_1d(x, x[::-1].copy(), inf, a, a[::-1].copy())
    require(float(same) == 0.0, "equal measures have a distance", got=same, truth=0.0)


@law(r"a_i\delta_{x_i} = \tfrac{a_i}2\delta_{x_i} + \tfrac{a_i}2\delta_{x_i} + 0\,\delta_z", source="SPEC 3", i=integers(0, 5),
     far=choices(1.0, -1.0, 4.0, -4.0), P=line_problems(weights=("dyadic",), **ORDER_ONE))  # fmt: skip
def largest_distance_sees_measures_not_lists(wasserstein_1d, P, i, far, space):
    """An atom split into halves, and atoms of mass 0 at one end or outside: the same measure on either side. Bound: 8u·W_∞."""
    x, y, _, a, b = P
    if not offered(wasserstein_1d):
        return
    outside, line = far * float(np.abs([*x, *y]).max()), Line(x, y, a, b, space)
    for side in (0, 1):
        (points, masses), other = ((x, a), (y, b)) if side == 0 else ((y, b), (x, a))
        half = masses.copy()
        half[i % len(half)] /= 2
        split = np.array([*points, points[i % len(half)], outside]), np.array([*half, half[i % len(half)], 0.0])
        (u, c), (v, d) = (split, other) if side == 0 else (other, split)
        line.judge_sharply(wasserstein_1d(u, v, inf, c, d))


@law(r"W_\infty\bigl(\mu + \varepsilon\delta_{\min},\ \mu + \varepsilon\delta_{\max}\bigr) = \max_i\,(x_{(i+1)} - x_{(i)})",
     source=LIMIT, dtypes="wide", bits=integers(0, 40), P=line_problems(weights=("dyadic",), least=1, **ORDER_ONE))  # fmt: skip
def dust_moves_as_far_as_anything(wasserstein_1d, P, bits, space):
    """Dust of 2⁻⁷ down to 256u of the mass goes from the leftmost atom to the rightmost: every atom hands as much to its
    neighbour, and the widest gap is W_∞, however little it is. Bound: 8u of it."""
    x, _, _, a, _ = P
    if not offered(wasserstein_1d):
        return
    speck = 2.0 ** -min(7 + bits, FORMATS[space.real_dtype][0] - 8)
    from_left, to_right = a.copy(), a.copy()
    unit = 2.0 ** np.round(np.log2(a.sum()))
    from_left[x.argmin()] += speck * unit
    to_right[x.argmax()] += speck * unit
    from_left, to_right = space.round(from_left), space.round(to_right)
    gaps = np.diff(np.sort(rational(x)))
    got = wasserstein_1d(x, x[::-1].copy(), inf, from_left, to_right[::-1].copy())
    judge_distance(got, arb(max(gaps, default=fmpq(0))), space.u, rational(space.tiny))


@law(r"\textstyle\sum a_i \ne \sum b_j \text{ by rounding}:\ \text{nothing goes where}\ a_i = 0", source="SPEC 3",
     P=line_problems(weights=("rounded",)), p=choices(inf, 1.0, inf, 2.0, inf, 1.5), far=choices(4.0, 32.0, 1.0),
     ends=choices("both", "right", "left", "both"), least=50)  # fmt: skip
def what_rounding_leaves_over_stays_where_mass_is(wasserstein_1d, P, p, far, ends, space):
    """Totals that differ in the last bits, and atoms of mass 0 far outside on either side of either measure: they receive
    nothing. Bounds: (n+m+p) u·M·D^p on the p-th power, D over atoms of positive mass; for p = ∞ as for the quantiles."""
    x, y, drawn, a, b = P
    if p == inf and not offered(wasserstein_1d):
        return
    p = p if p in (inf, 1.0) else drawn
    edge = far * float(np.abs([*x, *y]).max())
    more = {"right": [edge], "left": [-edge], "both": [-edge, edge]}[ends]
    zeros = [0.0] * len(more)
    args = (np.array([*x, *more]), np.array([*more, *y]), p, np.array([*a, *zeros]), np.array([*zeros, *b]))
    got = wasserstein_1d(*args)
    if p == inf:
        Line(args[0], args[1], args[3], args[4], space).judge(got)
    else:
        Distance(args, space).judge(got)


@law(r"\textstyle\sum_i x_i\,\partial_{x_i} W_\infty + \sum_j y_j\,\partial_{y_j} W_\infty = W_\infty,\quad"
     r" \sum_i |\partial_{x_i} W_\infty| \le 1", source=("Euler", LIMIT), needs="autodiff", least=60,
     P=line_problems(max_n=4, same=True, weights=("uniform", "dyadic", "uniform"), kinds=("lattice",), scaled=False,
                     **ORDER_ONE))  # fmt: skip
def largest_distance_has_a_slope_of_one(wasserstein_1d, P, space):
    """Where one pair of atoms is furthest, its points have slopes ±1 and no others any; where several are, weights of sum 1
    are shared among them, so that any finite slopes of the right sums are subgradients. Bound: (n+m)u times the points' sizes;
    (n+m)u for the slopes' sums."""
    x, y, _, a, b = P
    if not offered(wasserstein_1d):
        return
    first, second = (rational(wasserstein_1d.gradient(x, y, inf, a, b, wrt=k)) for k in (0, 1))
    value = Line(x, y, a, b, space).largest
    terms, sizes = (x.size + y.size) * space.u, float(np.abs([*x, *y]).sum())
    euler = first @ rational(x) + second @ rational(y)
    judge(abs(euler - value), terms * sizes, scale=sizes or 1.0, why="(n+m)u·Σ|x|+|y|", got=(floats(first), floats(second)))
    for slopes in (first, second):
        judge(max(0, abs(slopes).sum() - 1), terms, why="(n+m)u", got=floats(slopes), truth=1.0)
    judge(abs(first.sum() + second.sum()), terms, why="(n+m)u", got=(floats(first), floats(second)))


@law(r"W_\infty = \min_{\Gamma} \max_{\Gamma_{ij} > 0} \|x_i - y_j\|", source=(LIMIT, STRASSEN, kexue(6280, 3)), least=40,
     P=problems(max_n=4, p=(1.0,), weights=("dyadic", "uniform")))  # fmt: skip
def largest_distance_in_space_is_right_where_offered(wasserstein, P, space):
    """Points of R^d: the least squared distance within which every set of atoms finds room, in rationals. Refusing p = ∞ is no
    wrong number. Bound: (d + 8)u·W_∞."""
    x, y, _, a, b = P
    if not offered(wasserstein):
        return
    difference = rational(x)[:, None] - rational(y)[None]
    squares = (difference * difference).sum(axis=-1)
    supply, demand = (np.array(exact.weights(w, len(v)), dtype=object) for w, v in ((a, x), (b, y)))
    truth = arb(bottleneck(supply, demand, squares)).sqrt()
    got = wasserstein(x, y, inf, a, b)
    judge(abs(arb(rational(got)) - truth), (x.shape[1] + ROUNDED) * space.u * truth + space.tiny,
          scale=truth if truth > 0 else inf, why="(d+8)u·W_∞", got=got, truth=float(truth))  # fmt: skip


@law(r"\min_\Gamma \Gamma\{\|x-y\| > t\} = \max_A\,\mu(A) - \nu(A^t)", source=(STRASSEN, kexue(6280, 9, 23)),
     cost_function=each("optimal_transport", "transport_cost"), rank=integers(0, 8),
     least=60, P=problems(max_n=5, p=(1.0,), weights=("dyadic",), scaled=False))  # fmt: skip
def mass_beyond_a_threshold_is_a_deficit(cost_function, P, rank, space):
    """Strassen's theorem at costs of 0 and 1: what must travel further than t is what some set of atoms finds no room for
    within t; all sets are tried. Bound: (n+m)u·mass."""
    x, y, _, a, b = P
    difference = rational(x)[:, None] - rational(y)[None]
    squares = (difference * difference).sum(axis=-1)
    levels = sorted(set(squares.ravel()))
    within = squares <= levels[rank * len(levels) // 9]
    got = cost_of(cost_function, a, b, np.where(within, 0.0, 1.0))
    truth, mass = deficit(rational(a), rational(b), within), float(a.sum())
    judge(abs(rational(got) - truth), sum(within.shape) * space.u * mass, scale=mass, why="(n+m)u·mass", got=got,
          truth=float(truth))  # fmt: skip

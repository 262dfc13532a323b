r"""Laws of the Wasserstein distance on the line: sorted quantiles, exact in rationals (SPEC 3, post 6280).

u unit roundoff, M the total mass (not normalised), D the distance between the outermost atoms of positive mass; weights None
are uniform of mass 1. Bounds are derived in `wasserstein_bounds`. "Exact masses" are uniform of one size, or multiples of M/64.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from flint import arb, fmpq

from detrace import branch, judge, law
from detrace.laws import kexue
from detrace.oracles import wasserstein as exact
from detrace.oracles.rationals import rational
from detrace.strategies.samples import EXPONENTS, UNITS, line_problems
from detrace.strategies.scalars import choices, integers
from verify.wasserstein_bounds import SHARP, SIZE, Distance, positive, power, translation

TWICE = "both errors"
FAR = (26, 20, 13, 6, 0)
"""How far measures are moved: by 2^k."""
SQUARES = {"p": (*EXPONENTS, 2.0, 2.0)}
"""More squared distances, which sums of squares and products tempt to expand."""
PERMUTE = {
    "swap": lambda x, y, p, a, b: (y, x, p, b, a),
    "reflect": lambda x, y, p, a, b: (-x, -y, p, a, b),
    "reverse": lambda x, y, p, a, b: (x[::-1].copy(), y, p, None if a is None else a[::-1].copy(), b),
}
"""What leaves a distance on the line as it is: the order of the measures, a reflection, the order of the samples."""


@law(r"W_p^p = \int_0^M |F^{-1}(t) - G^{-1}(t)|^p\,dt", source=kexue(6280, 1, 3), P=line_problems(), least=40)
def line_distance_couples_quantiles(wasserstein_1d, P, space):
    """For p = 1, 3/2, 2, 3, sizes n ≠ m, ties, duplicates, zero, dust and rounded masses, far and clustered points, points
    and masses scaled by 10^±20. Bound: (n+m+p) u·M·D^p on the p-th power."""
    Distance(P, space).judge(wasserstein_1d(*P))


@law(r"W_p^p = \int_0^M |F^{-1}(t) - G^{-1}(t)|^p\,dt", source=kexue(6280, 3), least=70,
     P=line_problems(weights=("dyadic",), **SQUARES))  # fmt: skip
def line_distance_is_sharp_for_exact_masses(wasserstein_1d, P, space):
    """Masses that are multiples of M/64: all partial sums are exact, so that nothing cancels. Bound: (n+m+p) u·W^p, relative
    to the value, however near each other the measures are."""
    d = Distance(P, space)
    d.judge(wasserstein_1d(*P), d.sharp, why=SHARP)


@law(r"W_p^p = \tfrac1n\sum_i |x_{(i)} - y_{(i)}|^p",
     source=("SPEC 3", kexue(6280, 3)), P=line_problems(same=True, weights=("uniform",), **SQUARES),
     least=70)  # fmt: skip
def samples_of_equal_size_pair_in_order(wasserstein_1d, P, space):
    """Equally many atoms of mass 1/n: sort both and pair. Bound: (n+m+p) u·W^p, relative to the value."""
    x, y, p, *_ = P
    pairs = abs(rational(np.sort(x)) - rational(np.sort(y)))
    truth = sum((exact.power(d, p) for d in pairs), arb(0)) / len(x)
    d = Distance(P, space)
    judge(abs(power(wasserstein_1d(*P), p) - truth), d.sharp, scale=d.natural, why=SHARP)


@law(r"W_1 = \int |F - G|\,dx", source=("SPEC 3", kexue(6280, 34)), P=line_problems(p=(1.0,)))
def first_distance_is_the_area_between_distribution_functions(wasserstein_1d, P, space):
    """For every two samples: the exact integral over the merged atoms. Bound: (n+m+p) u·M·D."""
    x, y, _, a, b = P
    d = Distance(P, space)
    judge(abs(arb(float(wasserstein_1d(*P))) - area(x, y, a, b)), d.error, scale=d.natural, why=SIZE)


def area(x: np.ndarray, y: np.ndarray, a: Any, b: Any) -> arb:
    """∫|F − G| of two samples of one mass, exactly; b counts as b·(Σa/Σb)."""
    up, down = exact.weights(a, len(x)), exact.weights(b, len(y))
    ratio = sum(up, fmpq(0)) / sum(down, fmpq(0))
    steps = sorted([*zip(rational(x), up, strict=True), *((z, -w * ratio) for z, w in zip(rational(y), down, strict=True))])
    total, height = fmpq(0), fmpq(0)
    for (z, w), (after, _) in pairwise(steps):
        height += w
        total += abs(height) * (after - z)
    return arb(total)


@law(r"W_p(\mu + t, \mu) = M^{1/p}|t|", source=kexue(6280, 2), k=choices(*FAR),
     P=line_problems(kinds=("lattice", "dense"), weights=("dyadic",), scaled=False))  # fmt: skip
def line_distance_of_a_translate(wasserstein_1d, P, k, space):
    """μ moved by t = 2ᵏ, k ≤ 26 as far as the sums are exact, samples in another order. Bound: (n+m+p) u·W^p, relative to the
    value."""
    x, _, p, a, _ = P
    t = translation(space, k, x)
    d = Distance((x, x[::-1] + t, p, a, a[::-1].copy()), space)
    truth = arb(sum(rational(a))) * exact.power(rational(t), p)
    error = abs(power(wasserstein_1d(x, x[::-1] + t, p, a, a[::-1].copy()), p) - truth)
    judge(error, d.sharp, scale=d.natural, why=SHARP, truth=float(truth))


@law(r"W_p(\mu + t, \nu + t) = W_p(\mu, \nu)", source=kexue(6280, 2), k=choices(*FAR), least=70,
     P=line_problems(kinds=("lattice", "dense"), weights=("dyadic",), scaled=False, **SQUARES))  # fmt: skip
def line_distance_ignores_where_the_origin_is(wasserstein_1d, P, k, space):
    """Both measures moved by 2ᵏ, k ≤ 26 as far as the sums are exact: an algorithm that subtracts squares loses 2k bits. Bound:
    (n+m+p) u·W^p, twice."""
    x, y, p, a, b = P
    t = translation(space, k, x, y)
    d = Distance(P, space)
    error = abs(power(wasserstein_1d(x + t, y + t, p, a, b), p) - power(wasserstein_1d(*P), p))
    judge(error, 2 * d.sharp, scale=d.natural, why=TWICE)


@law(r"W_p(c\mu, c\nu; m\cdot) = m^{1/p}\,|c|\,W_p(\mu, \nu)", source=kexue(6280, 2), P=line_problems(scaled=False),
     sign=choices(1.0, -1.0), k=choices(0, -24, 24, -66, 66), j=choices(0, -66, -20, 20, 66, -66), least=40)  # fmt: skip
def line_distance_is_homogeneous(wasserstein_1d, P, sign, k, j, space):
    """Points times c = ±2ᵏ, masses times 2ʲ, about 10^±20, as far as M·D^p stays inside the dtype. Bound: (n+m+p) u·M·D^p
    of both, relative to M·D^p."""
    x, y, p, a, b = P
    if not _room(space, p, k, j):
        k = j = 0
    c, m = sign * 2.0**k, 2.0**j if a is not None else 1.0
    scaled = (c * x, c * y, p, *(v if v is None else m * v for v in (a, b)))
    d, s = Distance(P, space), Distance(scaled, space)
    branch("scaled" if k or j else "not scaled")
    factor = abs(arb(c)) ** arb(p) * m
    error = abs(power(wasserstein_1d(*scaled), p) - factor * power(wasserstein_1d(*P), p))
    judge(error, s.error + factor * d.error, scale=s.natural, why=TWICE)


def _room(space: Any, p: float, k: int, j: int) -> bool:
    """Whether 2^j·(2^k·d)^p is representable for distances d from 2⁻⁶ to 2⁴, with room for masses."""
    top, low = np.log2(space.max) - 16, np.log2(space.tiny) + 16
    return all(low < v < top for d in (-6, 4) for v in (p * (k + d), p * (k + d) + j, k - 6, j - 6, k + 26))


@law(r"W_p(\mu,\nu) = W_p(\nu,\mu) = W_p(-\mu,-\nu)", source=("SPEC 3", kexue(6280, 3)), P=line_problems(),
     how=choices(*PERMUTE), least=40)  # fmt: skip
def line_distance_has_symmetries(wasserstein_1d, P, how, space):
    """Measures swapped, points reflected, samples in another order with their masses. Bound: both errors."""
    d = Distance(P, space)
    error = abs(power(wasserstein_1d(*P), d.p) - power(wasserstein_1d(*PERMUTE[how](*P)), d.p))
    judge(error, 2 * d.error, scale=d.natural, why=TWICE)


@law(r"a_i\delta_{x_i} = \tfrac{a_i}2\delta_{x_i} + \tfrac{a_i}2\delta_{x_i} + 0\,\delta_z", source="SPEC 3",
     P=line_problems(weights=("dyadic", "counts")), i=integers(0, 5), far=choices(0.0, 1.0, -1.0, 4.0))  # fmt: skip
def line_distance_sees_measures_not_lists(wasserstein_1d, P, i, far, space):
    """An atom split into two halves, and an atom of mass 0 added outside the others: the same measure. Bound: both errors,
    D over atoms of positive mass."""
    x, y, p, a, b = P
    i %= len(x)
    half = a.copy()
    half[i] /= 2
    outside = far * float(np.abs([*x, *y]).max())
    split = (np.array([*x, x[i], outside]), y, p, np.array([*half, half[i], 0.0]), b)
    d, s = Distance(P, space), Distance(split, space)
    error = abs(power(wasserstein_1d(*P), p) - power(wasserstein_1d(*split), p))
    judge(error, d.error + s.error, scale=d.natural, why=TWICE)


@law(r"p \le q,\ M = 1 \Rightarrow W_p \le W_q", source="SPEC 3", q=choices(1.5, 2.0, 3.0), k=choices(0, -4, 2),
     P=line_problems(p=(1.0, 1.5), weights=("uniform", "dyadic"), scaled=False))  # fmt: skip
def line_distance_grows_with_its_exponent(wasserstein_1d, P, q, k, space):
    """Probability measures, p ≤ q of 1, 3/2, 2, 3 (Jensen; equality for a translate), points times 2ᵏ. Bound: what both may be
    off, as distances."""
    x, y, p, a, b = P
    x, y = x * 2.0**k, y * 2.0**k
    small, large = Distance((x, y, p, a, b), space), Distance((x, y, q, a, b), space)
    excess = arb(float(wasserstein_1d(x, y, p, a, b))) - arb(float(wasserstein_1d(x, y, q, a, b)))
    judge(positive(excess), small.off(small.error) + large.off(large.error), scale=large.largest, why=TWICE)


@law(r"W_1 \ge |\textstyle\sum a_i x_i - \sum b_j y_j|", source=(kexue(6280, 35), "SPEC 3"),
     P=line_problems(p=(1.0,), weights=("dyadic", "counts", "dust")))  # fmt: skip
def first_distance_bounds_the_difference_of_means(wasserstein_1d, P, space):
    """f(x) = x is 1-Lipschitz; equality where one measure lies left of the other. Bound: (n+m+p) u·M·D."""
    x, y, _, a, b = (rational(v) if isinstance(v, np.ndarray) else v for v in P)
    means = abs(sum(a * x, fmpq(0)) - sum(b * y, fmpq(0)))
    d = Distance(P, space)
    judge(positive(arb(means) - float(wasserstein_1d(*P))), d.error, scale=d.largest, why=SIZE)


@law(r"\delta\cdot\mathrm{TV} \le W_1 \le D\cdot\mathrm{TV}", source="SPEC 3",
     P=line_problems(p=(1.0,), same=True, weights=("dyadic", "counts"), apart=True))  # fmt: skip
def first_distance_lies_between_multiples_of_total_variation(wasserstein_1d, total_variation, P, space):
    """Two masses on one support of diameter D whose points are δ apart at least. Bound: (n+m+p) u·M·D, and the same for
    D·TV."""
    x, _, _, a, b = P
    d = Distance((x, x, 1.0, a, b), space)
    got, tv = (arb(float(v)) for v in (wasserstein_1d(x, x, 1.0, a, b), total_variation(a, b)))
    gaps = np.diff(np.sort(x))
    least, most = (float(gaps.min()), float(gaps.sum())) if len(gaps) else (0.0, 0.0)
    reach = arb(rational(x).max() - rational(x).min()) * arb(sum(rational(a)))
    judge(positive(max(got - tv * most, tv * least - got, key=float)), 2 * d.error + 4 * len(x) * space.u * reach,
          scale=reach if reach > 0 else 1.0, why="both errors")  # fmt: skip


@law(r"W_p(\mu,\nu) = 0 \iff \mu = \nu", source=kexue(6280, 3), P=line_problems(weights=("dyadic",), apart=True, least=1),
     differ=choices(False, True))  # fmt: skip
def line_distance_is_zero_for_equal_measures_only(wasserstein_1d, P, differ, space):
    """The same atoms in another order: exactly 0, since exact masses leave nothing to round. One unit of mass moved to the
    next atom: certified as ever, relative to the value."""
    x, _, p, a, _ = P
    other = a[::-1].copy()
    if differ and len(x) > 1:
        other[0], other[-1] = other[0] + sum(a) / UNITS, other[-1] - sum(a) / UNITS
    same = (x, x[::-1].copy(), p, a, other)
    d = Distance(same, space)
    d.judge(wasserstein_1d(*same), d.sharp, why=SHARP)


@law(r"W_p(\mu,\rho) \le W_p(\mu,\nu) + W_p(\nu,\rho)", source=(kexue(6280, 3), "SPEC 3"), P=line_problems(weights=("dyadic",)))
def line_distance_obeys_the_triangle_inequality(wasserstein_1d, P, space):
    """The third measure is on the second's atoms with masses reversed, moved by the first atom. Bound: what all three
    distances may be off."""
    x, y, p, a, b = P
    z = space.round(y + x[0])
    sides = [(x, z, p, a, b[::-1].copy()), P, (y, z, p, b, b[::-1].copy())]
    whole, first, second = (arb(float(wasserstein_1d(*side))) for side in sides)
    d = [Distance(side, space) for side in sides]
    judge(positive(whole - first - second), sum(v.off(v.error) for v in d), scale=d[0].largest, why="all three errors")


@law(r"W_p = \left(\min\langle\Gamma, |x_i - y_j|^p\rangle\right)^{1/p}", source=kexue(6280, 1, 3, 9), cost=2.0,
     P=line_problems(max_n=4, weights=("uniform", "dyadic", "counts")))  # fmt: skip
def line_distance_solves_the_linear_program(wasserstein_1d, P, space):
    """The optimum of the linear program over all plans, in rationals; knows nothing of sorting. Bound: (n+m+p) u·M·D^p."""
    x, y, p, a, b = P
    truth = arb(exact.transport_cost(x[:, None], y[:, None], p, a, b))
    d = Distance(P, space)
    judge(abs(power(wasserstein_1d(*P), p) - truth), d.error, scale=d.natural, why=SIZE)


@law(r"\text{batch} = \text{one by one}", source="SPEC 3", P=line_problems(max_n=4, weights=("dyadic",)))
def line_distance_of_a_batch(wasserstein_1d, P, space):
    """Batches (2,n), (2,m) whose rows are reordered and rescaled differently. Bound: each row's own (n+m+p) u·W^p."""
    x, y, p, a, b = P
    X, Y = np.stack([x, -np.roll(x, 1) / 2]), np.stack([y, -y[::-1] / 2])
    A, B = np.stack([a, np.roll(a, 2)]), np.stack([b, b])
    for i, got in enumerate(wasserstein_1d(X, Y, p, A, B)):
        d = Distance((X[i], Y[i], p, A[i], B[i]), space)
        d.judge(got, d.sharp, why=SHARP)

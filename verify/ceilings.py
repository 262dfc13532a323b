"""How large an error each known cause makes on given arguments, in units roundoff: the ceilings of the ledger's entries.

Each takes the unit roundoff and a call's arguments; 0 means that the cause is silent there, infinity that it can spoil
every digit.
"""

from __future__ import annotations

from math import inf

import numpy as np


def _carried(a, b, C):
    """The costs between atoms that have mass."""
    return C[np.ix_(a > 0, b > 0)]


def _distances(x, y):
    return np.linalg.norm(x[:, None] - y, axis=-1)


def _weights(x, a):
    return np.ones(len(x)) if a is None else a


def pot_tolerance(u, a, b, C, *_):
    """POT's network simplex stops at 2.2e-15, 20 units roundoff, of its potentials, which begin at (largest cost + 1) ×
    number of nodes; the laws' bounds have the largest cost there: 1 + 1/max|C| times as much."""
    top = abs(_carried(a, b, C)).max(initial=0.0)
    return 20 * (1 + 1 / top) if top else inf


def pot_tolerance_of_distances(u, x, y, p, a, b, *_):
    """The same, the costs being powers of distances."""
    with np.errstate(all="ignore"):
        return pot_tolerance(u, _weights(x, a), _weights(y, b), _distances(x, y) ** p)


def pot_negative_costs(u, a, b, C, *_):
    """Where all costs that are met are negative, so can be POT's artificial cost, (largest cost + 1) × number of nodes."""
    return inf if _carried(a, b, C).max(initial=-inf) < 0 else 0.0


def pot_large_masses(u, a, b, C, *_):
    """POT compares totals to within an absolute tolerance: totals of 1e6 differ by rounding alone."""
    return inf if a.sum() > 1e6 else 0.0


def highs_margins(u, a, b, C, *_):
    """HiGHS meets the margins to within 1e-7 of the total, and drops what is below 1e-9: masses smaller than 1e-6 of it may
    be left, sent negatively, or called infeasible."""
    masses = np.concatenate([a, b])
    return inf if masses[masses > 0].min(initial=inf) < 1e-6 * a.sum() else 0.0


def highs_distances(u, x, y, p, a, b, *_):
    """HiGHS stops at 1e-7 of cost, on distances as they are, and of normalised mass. Every digit is lost where distances or
    masses are of that size, or distances so large that it gives up; else an error of 1e-7 in both."""
    a, b, D = _weights(x, a), _weights(y, b), _distances(x, y)
    masses, D = np.concatenate([a / a.sum(), b / b.sum()]), D[np.ix_(a > 0, b > 0)]
    small = min(masses[masses > 0].min(initial=inf), D[D > 0].min(initial=inf))
    return inf if small < 1e-6 or D.max(initial=0.0) > 1e15 else 1e-7 / (u * small)


def highs_huge_distances(u, x, y, *_):
    """HiGHS gives up on costs of about 1e20."""
    return inf if _distances(x, y).max(initial=0.0) > 1e15 else 0.0


def expanded_squares(u, x, y, p, *gradient):
    """‖x‖² + ‖y‖² − 2x·y is off by e = 4(d + 2) u (‖x‖² + ‖y‖²), which counts (1 + e/r²)^(p/2) − 1 beside r^p, r = ‖x − y‖;
    from e = r² on, for points that coincide, and where the squares overflow, no digit is left. A coordinate of the gradient is
    off by as much as x and y exceed their difference there."""
    with np.errstate(all="ignore"):
        squares, largest = _distances(x, y) ** 2, 1e38 if u > 2.0**-53 else 1e307
        if max((v**2).sum(-1).max(initial=0.0) for v in (x, y)) > largest:
            return inf
        e = 4 * (x.shape[1] + 2) * u * ((x**2).sum(1)[:, None] + (y**2).sum(1))
        part = np.where(e < squares, e / squares, inf)
        most = np.nan_to_num(np.expm1(max(p, 2) / 2 * np.log1p(part)) / u, nan=inf, posinf=inf).max(initial=0.0)
        apart, sizes = abs(x[:, None] - y), abs(x[:, None]) + abs(y)
        return max(most, 8 * (sizes / apart)[apart > 0].max(initial=0.0)) if gradient else most


def expanded_squares_of_many(u, x, y, p, *gradient):
    """torch.cdist expands the square from 26 points on."""
    return expanded_squares(u, x, y, p, *gradient) if max(len(x), len(y)) > 25 else 0.0


def singular_covariance(u, m1, S1, m2, S2, *_):
    """Whether rounding can make an eigenvalue of a covariance, or of the product in the middle, negative."""

    def spread(S):
        w = np.linalg.eigvalsh(S)
        return abs(w).max(-1), w.min(-1)

    (top, low), (other, least) = spread(S1), spread(S2)
    return inf if (np.minimum(low / np.where(top, top, 1), least / np.where(other, other, 1)) < 1e-7).any() else 0.0


def cross_entropy_cancels(u, *logits):
    """log(1 + eˣ) for x ≪ 0 as a difference of numbers of the size of x: |x|e^|x| units roundoff."""
    x = max((abs(np.asarray(v)).max(initial=0.0) for v in logits if np.ndim(v)), default=0.0)
    return inf if x > 80 else 2 * x * np.exp(x)


def relativistic_cross_entropy_cancels(u, real, fake, *_):
    """The same of the differences of logits."""
    return cross_entropy_cancels(u, 2 * (abs(real).max(initial=0.0) + abs(fake).max(initial=0.0)) * np.ones(1))


def sigmoid_in_between(u, *logits):
    """log(σ(x) + ε), ε ≤ 1e-7: rounding of σ and ε count (u + ε)/e^-|x| beside the loss and its slope, both of which can be of
    the size of e^-|x|."""
    x = max((abs(np.asarray(v)).max(initial=0.0) for v in logits if np.ndim(v)), default=0.0)
    return inf if x > 80 else 2 * (1 + 1e-7 / u) * np.exp(x)


def saturated_sigmoid(u, *logits):
    """log(1 − σ(x)) loses u e^|x| of its value or its argument, every digit from |x| = −log u on."""
    x = max((abs(np.asarray(v)).max(initial=0.0) for v in logits if np.ndim(v)), default=0.0)
    return inf if np.exp(-x) < 4 * u else 2 * np.exp(x)


def states_without_mass(u, p, q, *_):
    """A state that has no mass in either distribution gives 0·∞."""
    return inf if ((p == 0) & (q == 0)).any() else 0.0


def norm_of_a_batch(u, D, *batches):
    """One norm over the batch is right for a batch of one."""
    return inf if max(len(b) for b in batches if np.ndim(b)) > 1 else 0.0


def norm_over_one_axis(u, D, real, *_):
    """A norm over the second axis is right for samples that have no other."""
    return inf if real.ndim > 2 else 0.0


def atoms_without_mass(u, a, b, *_):
    """A mass of 0 makes a scaling 0, and its logarithm or quotient not finite."""
    return inf if (a == 0).any() or (b == 0).any() else 0.0


def atoms_without_mass_on_both_sides(u, a, b, *_):
    """0·∞ where both an atom of either side has no mass."""
    return inf if (a == 0).any() and (b == 0).any() else 0.0


def another_regularisation(u, a, b, C, reg, *_):
    """A regularisation that is off by 2.4e-12 of the largest cost changes the exponents (f + g − C)/reg of the plan, which are
    of the size of max|C|/reg + log(1/mass), by that relatively."""
    top = abs(C).max(initial=0.0) or 1.0
    off, masses = 2.4e-12 * top / reg, np.concatenate([a / a.sum(), b / b.sum()])
    exponent = 2 + top / reg - 2 * np.log(masses[masses > 0].min())
    return inf if off * exponent > 1e-2 else off * exponent / u


def differences_of_exponentials(u, A, *_):
    """After each squaring of a triangle SciPy puts σ(e^μ - e^λ)/(μ - λ) on the superdiagonal: off by 4u·|σ/(μ - λ)|·max(e^λ,
    e^μ) and by |σ| subnormal units where the quotient is one. Larger than 2×2, what is off in e^(A/2ᵏ) comes into other entries
    of e^A with at most 2ᵏ·‖e^(tA)‖‖e^((1-t)A)‖; the powers of two, up to 2ˢ ≤ ‖A‖, add up to twice the last."""
    return max((_of_one_triangle(u, a) for a in A.reshape(-1, *A.shape[-2:])), default=0.0)


def _of_one_triangle(u, A):
    from scipy.sparse.linalg import expm  # exponentials of triangles by another formula

    lower, upper = np.tril(A, -1).any(), np.triu(A, 1).any()
    if lower == upper:
        return 0.0
    d, side = np.diag(A), np.diag(A, -1 if lower else 1)
    apart = abs(np.diff(d))
    wide = A.astype(np.complex128)
    with np.errstate(all="ignore"):
        quotients = np.where(apart > 0, abs(side) / apart, 0).max()
        size, unit = np.exp(d.real).max(), 2.0**-149 if u > 2.0**-53 else 2.0**-1074
        off = 4 * quotients + abs(side).max() * unit / size / u
        if len(A) == 2 or off == 0:
            return off
        whole, *parts = (np.linalg.norm(expm(t * wide)) for t in (1, *np.linspace(0, 1, 17)))
        carried = max(p * q for p, q in zip(parts, parts[::-1], strict=True)) / whole
        return 2 * max(1, abs(A).sum(0).max()) * carried * off


def many_squarings(u, A, *_):
    """JAX gives up beyond 16 squarings, from 1-norms of 2¹⁷·3.93 = 5.1e5 (single precision) on."""
    return inf if abs(A).sum(-2).max(initial=0.0) > 4e5 else 0.0

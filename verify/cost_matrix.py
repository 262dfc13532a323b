r"""Laws of the ground cost ‖xᵢ − yⱼ‖^p: from differences, never from squares that cancel (SPEC 3, post 6280).

u unit roundoff, d the dimension. A difference of exact points is rounded once, d squares are added, a root and a power taken:
each cost is off by (d+4)·max(p,1)·u of itself, whatever the others are.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from flint import arb, fmpq

from detrace import branch, judge, law, require
from detrace.laws import kexue
from detrace.oracles import wasserstein as exact
from detrace.oracles.rationals import rational
from detrace.strategies.samples import problems
from detrace.strategies.scalars import choices, integers
from verify.wasserstein_bounds import lost, translation

POWERS = (1.0, 2.0, 0.5, 1.5, 3.0)
RELATIVE = "(d+4)·max(p,1) u of each cost"


def judge_costs(C: np.ndarray, x: np.ndarray, y: np.ndarray, p: float, space: Any) -> None:
    """Each entry against its certified value, relative to itself."""
    truth = exact.ground_costs(x, y, p)
    terms, under = (x.shape[1] + 4) * max(p, 1.0), lost(space, x.shape[1] + 1)
    for (i, j), c in np.ndenumerate(truth):
        t = arb(c)
        bound = terms * space.u * t + (under if p >= 1 else 0)
        judge(abs(arb(float(C[i, j])) - t), bound, scale=t if t > 0 else math.inf, why=RELATIVE, got=C[i, j], truth=float(t))


@law(r"C_{ij} = \|x_i - y_j\|^p", source=kexue(6280, 2), P=problems(max_n=4, weights=("uniform",)), p=choices(*POWERS),
     least=35)  # fmt: skip
def costs_are_powers_of_distances(cost_matrix, P, p, space):
    """For p = ½, 1, 3/2, 2, 3, coincident, clustered and far points, scaled as far as squares stay inside the dtype. Bound:
    (d+4)·max(p,1) u, relative to each entry; hence exactly 0 at coincident points."""
    x, y, *_ = P
    if not abs(math.log2(max(float(abs(x - x[0]).max()), float(abs(y - x[0]).max()), 1e-300))) * max(p, 2) < _range(space):
        p = 1.0
    judge_costs(cost_matrix(x, y, float(p)), x, y, float(p), space)


def _range(space: Any) -> float:
    return math.log2(space.max) - 12


@law(r"\|(x_i + t) - (y_j + t)\|^p = \|x_i - y_j\|^p", source=("SPEC 3", kexue(6280, 2)), p=choices(*POWERS),
     k=choices(26, 20, 13, 6, 0), least=35,
     P=problems(max_n=3, kinds=("lattice", "dense"), weights=("uniform",), scaled=False))  # fmt: skip
def costs_ignore_where_the_origin_is(cost_matrix, P, p, k, space):
    """Points moved by 2ᵏ in every coordinate, k ≤ 26 as far as the sums are exact: ‖x‖² + ‖y‖² − 2x·y loses 2k bits. Bound:
    (d+4)·max(p,1) u, relative to each entry of the unmoved costs."""
    x, y, *_ = P
    t = translation(space, k, x, y)
    judge_costs(cost_matrix(x + t, y + t, float(p)), x, y, float(p), space)


@law(r"x_i = y_j \iff C_{ij} = 0", source=kexue(6280, 2, 31), p=choices(*POWERS), third=choices(1.0, 3.0, 7.0),
     P=problems(weights=("uniform",), scaled=False))  # fmt: skip
def coincident_points_cost_nothing(cost_matrix, P, p, third, space):
    """The diagonal of C(x, x) is exactly 0, also for coordinates with full mantissas (thirds, sevenths), and C is symmetric to
    rounding. Bound: none for the diagonal; (d+4)·max(p,1) u of each cost for the symmetry, twice."""
    x = space.round(P[0] / third)
    C = cost_matrix(x, x, float(p))
    require(bool((np.diagonal(C) == 0.0).all()), "the distance of a point from itself is not 0", got=np.diagonal(C), truth=0.0)
    bound = 2 * (x.shape[1] + 4) * max(p, 1.0) * space.u
    for i, j in zip(*np.triu_indices(len(x), 1), strict=True):
        size = float(max(C[i, j], C[j, i]))
        judge(float(abs(rational(C[i, j]) - rational(C[j, i]))), bound * size + lost(space, 2), scale=size or 1.0, why=RELATIVE)


@law(r"C_{ij} = \|x_i - y_j\|^p", source="SPEC 3", dtypes="wide", p=choices(1.0, 2.0), k=integers(0, 46),
     n=choices(26, 30, 40), step=integers(1, 50))  # fmt: skip
def costs_of_many_points_are_as_accurate(cost_matrix, p, k, n, step, space):
    """n > 25 whole points of the plane, 2ᵏ from the origin: libraries change to a matrix product there, whose squares are exact
    while they are small. The worst entry against its exact value. Bound: (d+4)·max(p,1) u of it."""
    t = 2.0 ** min(k, round(-math.log2(space.u)) - 7)
    index = np.arange(n)
    x = np.stack([index * step % 11, index * 7 % 13], axis=1) + t
    y = np.stack([index * 5 % 12, index * step % 17], axis=1) + t
    p = float(p)
    C = cost_matrix(x, y, p)
    require(bool(np.isfinite(C).all()), "not finite", got=C)
    squares = ((x[:, None] - y[None]) ** 2).sum(axis=-1)  # exact
    off = abs(C - squares ** (p / 2)) - 1e-9 * space.u * squares
    i, j = np.unravel_index(int((off / np.maximum(squares ** (p / 2), 0.5)).argmax()), off.shape)
    truth = exact.power(fmpq(int(squares[i, j])), p / 2)
    judge(abs(arb(float(C[i, j])) - truth), 6 * p * space.u * truth, scale=truth if truth > 0 else math.inf, why=RELATIVE,
          got=C[i, j], truth=float(truth))  # fmt: skip


@law(r"\|cx - cy\| = |c|\,\|x - y\|", source="SPEC 3", high=choices(True, False),
     P=problems(max_n=3, weights=("uniform",), scaled=False))  # fmt: skip
def distances_overflow_only_where_they_must(cost_matrix, P, high, space):
    """Points scaled so that distances are representable while their squares overflow or underflow. Bound: (d+4) u of each."""
    x, y, *_ = P
    top = max(float(np.abs(v).max()) for v in (x, y)) or 1.0
    room = math.floor(math.log2(space.max)) - math.ceil(math.log2(top)) - 4
    deep = math.ceil(math.log2(space.tiny / space.u)) + 12
    x, y = (space.round(np.ldexp(v, room if high else min(deep, 0))) for v in (x, y))
    branch("large" if high else "small")
    judge_costs(cost_matrix(x, y, 1.0), x, y, 1.0, space)


@law(r"\nabla_{x_i} C_{ij} = p\,\|x_i - y_j\|^{p-2}(x_i - y_j)", source=kexue(6280, 2), needs="autodiff",
     p=choices(1.0, 2.0, 1.5, 3.0), P=problems(max_n=4, max_dims=2, weights=("uniform",), scaled=False))  # fmt: skip
def costs_have_their_gradient(cost_matrix, P, p, space):
    """Finite also where points coincide: 0 there for p > 1; at p = 1 any vector of length ≤ 1 is a subgradient. Bound:
    (d+4)p + m roundings of Σⱼ |pulled back|, beyond what a subgradient may add."""
    x, y, *_ = P
    p = float(p)
    pull = 1.0 + np.arange(len(x) * len(y)).reshape(len(x), -1) % 3
    got = cost_matrix.gradient(x, y, p, wrt=0, cotangent=pull)
    require(bool(np.isfinite(got).all()), "the gradient is not finite", got=got)
    difference = rational(x)[:, None] - rational(y)[None]
    squares = (difference * difference).sum(axis=-1)
    for i in range(len(x)):
        free = sum(pull[i, j] for j in range(len(y)) if p == 1 and not squares[i, j])
        for k in range(x.shape[1]):
            parts = [arb(difference[i, j, k]) * exact.power(squares[i, j], p / 2) / arb(squares[i, j]) * p * pull[i, j]
                     for j in range(len(y)) if squares[i, j]]  # fmt: skip
            size = sum((abs(v) for v in parts), arb(0))
            error = abs(arb(float(got[i, k])) - sum(parts, arb(0))) - free
            judge(error if error > 0 else 0.0, ((x.shape[1] + 4) * p + len(y)) * space.u * (size + free) + lost(space, len(y)),
                  scale=size + free if size + free > 0 else math.inf, why="a rounding an operation", got=got)  # fmt: skip


@law(r"\nabla C(2^k x, 2^k y) = 2^{k(p-1)}\,\nabla C(x, y)", source=("SPEC 3: gradients, scalings", kexue(6280, 2)),
     needs="autodiff", dtypes="wide", p=choices(1.0, 2.0, 1.5, 3.0), k=choices(-48, 24, -20),
     P=problems(max_n=4, kinds=("lattice", "dense", "collinear"), weights=("uniform",), scaled=False))  # fmt: skip
def cost_gradients_scale_with_the_points(cost_matrix, P, p, k, space):
    """Points scaled by 2ᵏ, down to 1e−14: an ε under the root or a clamped slope shows. Bound: (d+4)p + m roundings of
    Σⱼ |pulled back| for either gradient, beyond what subgradients at coincident points may differ by (p = 1); what underflow
    costs it; and what it costs pC = ‖∂C‖·‖x−y‖, which reverse mode may pass through and then divides by the distance."""
    x, y, *_ = P
    p, c, factor = float(p), 2.0**k, 2.0 ** (k * (p - 1))
    pull = 1.0 + np.arange(len(x) * len(y)).reshape(len(x), -1) % 3
    first = rational(cost_matrix.gradient(x, y, p, wrt=0, cotangent=pull))
    second = rational(cost_matrix.gradient(c * x, c * y, p, wrt=0, cotangent=pull))
    difference = rational(x)[:, None] - rational(y)[None]
    squares = (difference * difference).sum(axis=-1)
    for i in range(len(x)):
        free = sum(pull[i, j] for j in range(len(y)) if p == 1 and not squares[i, j])
        size = sum((exact.power(squares[i, j], (p - 1) / 2) * p * pull[i, j] for j in range(len(y)) if squares[i, j]), arb(0))
        nearest = math.sqrt(min((float(s) for s in squares[i] if s), default=1.0))
        under = lost(space, len(y)) * (1 + 1 / nearest + (1 + 1 / (c * nearest)) / factor)
        bound = 2 * ((x.shape[1] + 4) * p + len(y)) * space.u * (size + free) + under
        for a, b in zip(first[i], second[i], strict=True):
            error = arb(abs(b / rational(factor) - a)) - 2 * free
            judge(error if error > 0 else 0.0, bound, scale=size + free if size + free > 0 else math.inf,
                  why="a rounding an operation, twice", got=float(arb(b)), truth=float(arb(a * rational(factor))))  # fmt: skip


@law(r"n, m \ge 0;\quad \mathrm{NaN},\pm\infty \mapsto \text{not finite}", source="SPEC 3: form",
     bad=choices(math.nan, math.inf, -math.inf))  # fmt: skip
def costs_keep_form(cost_matrix, bad, space):
    """No points on either side; points of different dimension are an error; one bad coordinate spoils its row and no other. No
    tolerance."""
    for n, m in ((0, 2), (2, 0)):
        cost_matrix(np.zeros((n, 2)), np.zeros((m, 2)), 2.0)
    require(cost_matrix.raises(np.ones((2, 3)), np.ones((2, 2)), 2.0) is not None, "points of R³ and R² have no distance")
    require(cost_matrix.raises(np.ones((2, 3)), np.ones((2, 1)), 2.0) is not None, "points of R³ and R¹ were broadcast")
    for p in (1.0, 2.0):
        C = cost_matrix(np.array([[0.0, bad], [1.0, 2.0]]), np.array([[4.0, 6.0], [1.0, 2.0]]), p)
        require(not np.isfinite(C[0]).any(), f"finite cost of a point that holds {bad}", got=C)
        require(C[1].tolist() == [5.0**p, 0.0], "a neighbour of a bad point is wrong", got=C[1], truth=[5.0**p, 0.0])

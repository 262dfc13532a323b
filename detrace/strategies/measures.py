"""Masses, costs and points for optimal transport; values exact in the space's dtype, totals of masses exactly equal unless
a kind says otherwise.

A kind is a small function of bytes and a promise that tests check. Masses and costs are then scaled by powers of two from
2⁻⁶⁶ to 2⁶⁶ (1e−20 to 1e+20), as far as the dtype holds them, their products and sums of those.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..judging import branch
from ..spaces import FORMATS, Space
from .deferred import per_space, st
from .ground_costs import COSTS, GROUND, METRICS, Bytes, lattice_points
from .scalars import Draw

Masses = tuple[np.ndarray, np.ndarray]
Problem = tuple[np.ndarray, np.ndarray, np.ndarray]

FAR = 66
"""Scalings reach 2^±66, about 1e±20."""


@dataclass(frozen=True)
class MassKind:
    """A named type of pairs of masses: `build(bytes, n, m, space)`; `promise(a, b)`. `exact`: the totals are equal."""

    name: str
    purpose: str
    build: Callable[[Bytes, int, int, Space], Masses]
    promise: Callable[[np.ndarray, np.ndarray], bool]
    exact: bool = True


def _counts(take: Bytes, n: int, m: int, space: Space) -> Masses:
    a = take(n) % 16
    a[0] += not a.any()
    return a.astype(float), _cut(take, int(a.sum()), m)


def _cut(take: Bytes, total: int, m: int) -> np.ndarray:
    """`total` ones in m boxes."""
    ends = np.sort(take(m - 1).astype(int) * (total + 1) // 256)
    return np.diff(np.concatenate([[0], ends, [total]])).astype(float)


def _uniform(take: Bytes, n: int, m: int, space: Space) -> Masses:
    if n == m:
        return np.full(n, 1.0 / n), np.full(n, 1.0 / n)
    return np.full(n, m / 64), np.full(m, n / 64)


def _atom(take: Bytes, n: int, m: int, space: Space) -> Masses:
    a = np.zeros(n)
    a[take(1)[0] % n] = total = 1 + int(take(1)[0] % 16)
    return a, _cut(take, total, m)


def _dust(take: Bytes, n: int, m: int, space: Space) -> Masses:
    a, b = _counts(take, max(n - 1, 1), max(m - 1, 1), space)
    if n == 1 or m == 1:  # one side cannot hide it in an atom of its own
        return _counts(take, n, m, space)
    speck = 2.0 ** -(1 + int(take(1)[0]) % min(60, -4 - FORMATS[space.real_dtype][1]))
    i, j = (int(k) for k in take(2))
    return np.insert(a, i % n, speck), np.insert(b, j % m, speck)


def _powers(take: Bytes, n: int, m: int, space: Space) -> Masses:
    return _halves(take, n), _halves(take, m)


def _halves(take: Bytes, n: int) -> np.ndarray:
    """½, ¼, …, and the last one twice, in any order."""
    return 2.0 ** -np.minimum(np.arange(1, n + 1), n - 1)[np.argsort(take(n), kind="stable")]


def _thirds(take: Bytes, n: int, m: int, space: Space) -> Masses:
    return np.full(n, 1.0 / n), np.full(m, 1.0 / m)


def _normalised(take: Bytes, n: int, m: int, space: Space) -> Masses:
    a, b = take(n) % 16 + 1.0, take(m) % 16 + 1.0
    return a / a.sum(), b / b.sum()


def _shares(take: Bytes, n: int, m: int, space: Space) -> Masses:
    a, b = _normalised(take, n, m, space)
    return a / 3, b / 3


MASSES = {
    k.name: k
    for k in (
        MassKind("counts", "whole numbers, zeros among them", _counts, lambda a, b: True),
        MassKind("uniform", "all atoms alike: the most degenerate plans", _uniform,
                 lambda a, b: bool((a == a[0]).all() and (b == b[0]).all())),
        MassKind("one atom", "everything starts at one point: the plan has no choice", _atom,
                 lambda a, b: int((a > 0).sum()) == 1),
        MassKind("dust", "one atom on either side weighs next to nothing, down to 2⁻⁶⁰", _dust, lambda a, b: True),
        MassKind("powers", "½, ¼, ⅛, …", _powers, lambda a, b: bool((np.frexp(np.concatenate([a, b]))[0] == 0.5).all())),
        MassKind("thirds", "1/n each: totals equal only up to rounding", _thirds,
                 lambda a, b: bool((a == a[0]).all() and (b == b[0]).all()), exact=False),
        MassKind("normalised", "divided by their sum: totals equal only up to rounding", _normalised,
                 lambda a, b: True, exact=False),
        MassKind("shares", "such, of a third: totals are mostly not equal", _shares, lambda a, b: True, exact=False),
    )
}  # fmt: skip
EXACT = tuple(k.name for k in MASSES.values() if k.exact)


def bytes_of(draw: Draw, count: int) -> Bytes:
    """One draw of bytes, handed out in pieces; all zeros, to which bytes shrink, is the simplest choice everywhere."""
    data = np.frombuffer(draw(st.binary(min_size=count, max_size=count)), dtype=np.uint8)
    place = 0

    def take(n: int) -> np.ndarray:
        nonlocal place
        place += n
        return data[place - n : place].astype(np.int64)

    return take


def rescale(take: Bytes, space: Space, x: np.ndarray, low: float = -FAR, high: float = FAR) -> np.ndarray:
    """x·2ᵏ: k = 0 half of the time, a quarter of it anywhere between `low` and `high` and a quarter at one of them, as far as
    every entry stays a normal number and sums of a few entries stay finite."""
    code, step = (int(c) for c in take(2))
    size = np.abs(x[x != 0])
    if size.size == 0:
        return x
    _, least, greatest = FORMATS[space.real_dtype]
    bottom = max(low, least - math.log2(size.min()))
    top = min(high, greatest - 5 - math.log2(size.max()))
    place = (step / 255, step / 255, 0.0, 1.0)[code % 4]
    k = bottom + (top - bottom) * place if code >= 128 else 0.0
    return x * 2.0 ** math.floor(min(max(k, math.ceil(bottom)), top))


def balanced(take: Bytes, space: Space, a: np.ndarray, b: np.ndarray, C: np.ndarray, scaled: bool) -> Problem:
    """Masses and costs, each at its own scale, such that mass·cost neither overflows nor sinks to the subnormals."""
    p, least, greatest = FORMATS[space.real_dtype]
    both = np.concatenate([a, b])
    mass, cost = math.log2(max(both.sum(), 1e-300)), math.log2(max(np.abs(C).max(initial=0.0), 1.0))
    low, high = least + p + 4 - mass - cost, greatest - 6 - mass - cost
    C = rescale(take, space, C) if scaled else C
    shift = math.log2(max(np.abs(C).max(initial=0.0), 1e-300)) - cost if C.any() else 0.0
    both = rescale(take, space, both, max(-FAR, low - shift), min(FAR, high - shift)) if scaled else both
    return both[: len(a)], both[len(a) :], C


def _choose(take: Bytes, names: Sequence[str]) -> str:
    name = names[int(take(1)[0]) % len(names)]
    branch(name)
    return name


def real_values(space: Space, x: np.ndarray) -> np.ndarray:
    """x rounded to the dtype, real in complex dtypes too: masses and costs are real numbers."""
    return space.round(x).real


def sizes(take: Bytes, space: Space, count: int, low: int, high: int) -> list[int]:
    """`count` sizes from `low` to `high`; two different ones where every shape is compiled."""
    every = space.sizes(low, high)[-2:] if space.few_shapes else range(low, high + 1)
    return [every[int(k) % len(every)] for k in take(count)]


def two_sizes(take: Bytes, space: Space, low: int, high: int) -> list[int]:
    """As `sizes`, but equal for one problem in three."""
    n, m = sizes(take, space, 2, low, high)
    return [n, n if take(1)[0] % 4 == 3 else m]


def _masses(take: Bytes, space: Space, n: int, m: int, kinds: Sequence[str]) -> Masses:
    a, b = MASSES[_choose(take, kinds)].build(take, n, m, space)
    return real_values(space, a), real_values(space, b)


@per_space
def masses(draw: Draw, space: Space, *, kinds: Sequence[str] = EXACT, max_n: int = 6, min_n: int = 1) -> Masses:
    """Masses a (n,), b (m,), non-negative, with positive totals that are equal (up to (n + m)u for inexact kinds)."""
    take = bytes_of(draw, 8 + 4 * max_n)
    n, m = sizes(take, space, 2, min_n, max_n)
    a, b = _masses(take, space, n, m, kinds)
    both = rescale(take, space, np.concatenate([a, b]))
    return both[:n], both[n:]


@per_space
def transport_problems(draw: Draw, space: Space, *, masses: Sequence[str] = EXACT, costs: Sequence[str] = tuple(COSTS),
                       max_n: int = 6, min_n: int = 1, scaled: bool = True) -> Problem:  # fmt: skip
    """(a, b, C): masses of a named kind, costs C (n,m) of a named kind; n, m from `min_n` to `max_n`."""
    take = bytes_of(draw, 24 + 10 * max_n + max_n * max_n)
    n, m = two_sizes(take, space, min_n, max_n)
    a, b = _masses(take, space, n, m, masses)
    C = COSTS[_choose(take, costs)].build(take, n, m, space)
    return balanced(take, space, a, b, real_values(space, C), scaled)


@per_space
def kantorovich_problems(draw: Draw, space: Space, *, grounds: Sequence[str] = METRICS, masses: Sequence[str] = EXACT,
                         max_n: int = 6, min_n: int = 1, scaled: bool = True) -> Problem:  # fmt: skip
    """(a, b, D): two masses on the same n points and a ground cost D (n,n) of a named kind."""
    take = bytes_of(draw, 24 + 10 * max_n + max_n * max_n)
    (n,) = sizes(take, space, 1, min_n, max_n)
    a, b = _masses(take, space, n, n, masses)
    D = GROUND[_choose(take, grounds)].build(take, n, space)
    return balanced(take, space, a, b, real_values(space, D), scaled)


@per_space
def ground_costs(draw: Draw, space: Space, *, kinds: Sequence[str] = METRICS, max_n: int = 6, min_n: int = 1,
                 scaled: bool = True) -> np.ndarray:  # fmt: skip
    """D (n,n): a ground cost of a named kind."""
    take = bytes_of(draw, 16 + 4 * max_n + max_n * max_n)
    (n,) = sizes(take, space, 1, min_n, max_n)
    D = real_values(space, GROUND[_choose(take, kinds)].build(take, n, space))
    return rescale(take, space, D) if scaled else D


@per_space
def unique_problems(draw: Draw, space: Space, *, max_n: int = 5, scaled: bool = True) -> Problem:
    """(a, b, C) with exactly one optimal plan and, up to the gauge, one pair of potentials: positive flows on a spanning tree
    of cells where f⊕g = C, and f⊕g < C elsewhere. All whole numbers before they are scaled."""
    take = bytes_of(draw, 24 + 8 * max_n + max_n * max_n)
    n, m = sizes(take, space, 2, 1, max_n)
    f, g = take(n) % 8, take(m) % 8
    C = f[:, None] + g[None, :] + 1 + take(n * m).reshape(n, m) % 8
    flow = np.zeros((n, m))
    i = j = 0
    for turn, weight in zip(take(n + m - 1), take(n + m - 1), strict=True):  # a staircase is a spanning tree
        flow[i, j] = 1 + weight % 8
        C[i, j] = f[i] + g[j]
        down = i < n - 1 and (j == m - 1 or turn % 2)
        i, j = (i + 1, j) if down else (i, j + 1)
    rows, columns = np.argsort(take(n), kind="stable"), np.argsort(take(m), kind="stable")
    flow, C = flow[rows][:, columns], C[rows][:, columns]
    return balanced(take, space, flow.sum(axis=1), flow.sum(axis=0), C.astype(float), scaled)


@per_space
def potentials_below(draw: Draw, space: Space, *, max_n: int = 6) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(a, b, C, f): a transport problem and any potential f (n,) of the size of C; f and its exact c-transform are feasible."""
    take = bytes_of(draw, 24 + 11 * max_n + max_n * max_n)
    n, m = sizes(take, space, 2, 1, max_n)
    a, b = _masses(take, space, n, m, EXACT)
    C = real_values(space, COSTS[_choose(take, tuple(COSTS))].build(take, n, m, space))
    f = take(n) % 16 - 8.0
    a, b, scaled = balanced(take, space, a, b, np.vstack([C.reshape(-1, 1), f[:, None]]), True)
    return a, b, scaled[: n * m, 0].reshape(n, m), scaled[n * m :, 0]


@per_space
def lipschitz_functions(draw: Draw, space: Space, *, grounds: Sequence[str] = METRICS,
                        max_n: int = 6) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """(a, b, D, f): masses on n points, a metric or quasi-metric, and f with f(i) − f(j) ≤ D(i,j), up to u·max D where the
    distances are rounded: f(i) = minⱼ h(j) + D(i,j) of any h."""
    take = bytes_of(draw, 24 + 11 * max_n + max_n * max_n)
    (n,) = sizes(take, space, 1, 1, max_n)
    a, b = _masses(take, space, n, n, EXACT)
    D = real_values(space, GROUND[_choose(take, grounds)].build(take, n, space))
    f = real_values(space, (take(n) % 16 + D).min(axis=1))
    a, b, scaled = balanced(take, space, a, b, np.vstack([D, f[None, :]]), True)
    return a, b, scaled[:n], scaled[n]


@per_space
def detours(draw: Draw, space: Space, *, max_n: int = 5) -> Problem:
    """(a, b, C) where transport at the costs C is dearer than at their cheapest paths with a free diagonal: squared
    distances on the line with points to rest at between source and goal; or masses that stay where staying costs."""
    take = bytes_of(draw, 24 + 4 * max_n)
    (n,) = sizes(take, space, 1, 3, max_n)
    kind, weight = (int(k) for k in take(2))
    if kind % 4 == 3:
        branch("lifted diagonal")
        a = b = take(n) % 8 + 1.0
        C = np.abs(np.subtract.outer(np.arange(n), np.arange(n))) + np.diag(take(n) % 4 + 1.0)
    else:
        branch("squared")
        x = np.cumsum(take(n) % 3 + 1.0)[np.argsort(take(n), kind="stable")]
        a, b = (np.where(x == end, 1.0 + weight % 8, 0.0) for end in (x.min(), x.max()))
        C = (x[:, None] - x[None, :]) ** 2
    return balanced(take, space, a, b, real_values(space, C), True)


@per_space
def lattice_samples(draw: Draw, space: Space, *, max_n: int = 5) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(a, b, x, y): masses on points x (n,d), y (m,d) of a lattice, d from 1 to 3, collinear or in clusters too; scaled."""
    take = bytes_of(draw, 24 + 14 * max_n)
    n, m = sizes(take, space, 2, 1, max_n)
    a, b = _masses(take, space, n, m, EXACT)
    points = lattice_points(take, n + m)
    a, b, points = balanced(take, space, a, b, points, True)
    return a, b, points[:n], points[n:]

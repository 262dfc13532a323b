"""Pairs (x, y) whose rank-one matrix xyᵀ is exponentiated, and what is built of them; values exact in the space's
dtype.

What matters about a pair is s = yᵀx: zero, near zero, at a method's switch, far to either side, or small only by
cancellation. A kind is a small function ``(draw, space, n) -> (x, y)`` of round patterns and a promise that tests
check; the pair is then scaled so that |s| is what was drawn, and moved along its gauge orbit (cx, y/c), c = 2ᵏ.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from ..judging import branch
from ..spaces import Space
from .deferred import per_space, st
from .scalars import Draw, entries, size

Pair = tuple[np.ndarray, np.ndarray]

PHI_SWITCHES = (1.0, 0.5, 0.25, 0.1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-8, 1e-10, 2.0**-26, 2.0**-12, 2.0**-52, 2.0**-23)
"""Values of |s| where hand-written φ(s) = (eˢ − 1)/s changes method: round thresholds, and roots of the unit
roundoff."""

FAR = 1e4
"""How far s goes where eˢ need not be representable (its logarithm and e^{−|s|} still are)."""


@dataclass(frozen=True)
class PairKind:
    """A named type of pairs. `exact`: the promise survives scaling by powers of two only."""

    name: str
    purpose: str
    build: Callable[[Draw, Space, int], Pair]
    promise: Callable[[np.ndarray, np.ndarray], bool]
    exact: bool = False


def inner(x: np.ndarray, y: np.ndarray) -> complex:
    """yᵀx, zero only if it is exactly zero: real and imaginary part are summed exactly and rounded once."""
    re = _exact(x.real, y.real) - _exact(x.imag, y.imag)
    im = _exact(x.real, y.imag) + _exact(x.imag, y.real)
    return complex(float(re), float(im))


def _exact(x: np.ndarray, y: np.ndarray) -> Fraction:
    return sum((Fraction(a) * Fraction(b) for a, b in zip(x.tolist(), y.tolist(), strict=True)), Fraction(0))


def _vector(draw: Draw, space: Space, n: int) -> np.ndarray:
    return entries(draw, (n,), complex_values=space.is_complex)


def _dense(draw: Draw, space: Space, n: int) -> Pair:
    return _vector(draw, space, n), _vector(draw, space, n)


def _disjoint(draw: Draw, space: Space, n: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Two patterns without a common support, and an index."""
    mask = np.array([(b & 1) == 1 for b in draw(st.binary(min_size=n, max_size=n))])
    x, y = _dense(draw, space, n)
    return np.where(mask, 0.0, x), np.where(mask, y, 0.0), draw(st.integers(0, n - 1))


def _aligned(draw: Draw, space: Space, n: int) -> Pair:
    x, y, i = _disjoint(draw, space, n)
    x[i] = y[i] = 1.0
    return x, y


def _overlapping(draw: Draw, space: Space, n: int) -> Pair:
    x, y = _aligned(draw, space, n)
    i = int(((x != 0) & (y != 0)).argmax())
    y[i] = 2.0 ** -(draw(st.binary(min_size=1, max_size=1))[0] % min(52, int(math.log2(space.max) / 2)))
    return x, y


def _orthogonal(draw: Draw, space: Space, n: int) -> Pair:
    x = _vector(draw, space, n)
    y = np.zeros_like(x)
    for i in range(0, n - 1, 2):  # quarter turns, so that the terms of yᵀx cancel in pairs
        y[i], y[i + 1] = -x[i + 1], x[i]
    return x, y


def _nearly_orthogonal(draw: Draw, space: Space, n: int) -> Pair:
    x, y = _orthogonal(draw, space, n)
    i = draw(st.integers(0, n - 1))
    y[i] += 2.0 ** -draw(st.integers(0, 8))
    return x, y


def _symmetric(draw: Draw, space: Space, n: int) -> Pair:
    x = _vector(draw, space, n)
    return x, x.conj()


def _zero(draw: Draw, space: Space, n: int) -> Pair:
    x, y = _dense(draw, space, n)
    return (x, 0.0 * y.real) if draw(st.booleans()) else (0.0 * x.real, y)


def _graded(draw: Draw, space: Space, n: int) -> Pair:
    x, y = _dense(draw, space, n)
    steps = (1, 2, 4) if space.max > 2.0**60 else (1,)
    d = 2.0 ** -(draw(st.sampled_from(steps)) * np.arange(n))
    return x * d, (y * d if draw(st.booleans()) else y / d)


def _parallel(x: np.ndarray, y: np.ndarray) -> bool:
    i = int(np.abs(x).argmax())
    slack = 0.02 * float(np.abs(x).max(initial=0.0) * abs(y[i]))
    return bool((np.abs(y * x.conj()[i] - x.conj() * y[i]) <= slack).all())


KINDS = {
    k.name: k
    for k in (
        PairKind("aligned", "s is one product: a chosen number, exactly", _aligned,
                 lambda x, y: int(((x != 0) & (y != 0)).sum()) <= 1),
        PairKind("dense", "no structure", _dense, lambda x, y: True),
        PairKind("overlapping", "s tiny, one exact product, beside a large xyᵀ: φ must be accurate there", _overlapping,
                 lambda x, y: int(((x != 0) & (y != 0)).sum()) <= 1, exact=True),
        PairKind("orthogonal", "s = 0 exactly, by cancellation: unipotent", _orthogonal, lambda x, y: inner(x, y) == 0,
                 exact=True),
        PairKind("nearly orthogonal", "s small against |y|ᵀ|x|: its rounding error dominates", _nearly_orthogonal,
                 lambda x, y: True, exact=True),
        PairKind("symmetric", "y = cx̄: a Hermitian matrix", _symmetric, _parallel),
        PairKind("zero", "exp(0) = I exactly", _zero, lambda x, y: not (x.any() and y.any())),
        PairKind("graded", "entries over many magnitudes", _graded, lambda x, y: True),
    )
}  # fmt: skip

Keep = Literal["both", "forward", "inner"]


class Dice:
    """Choices out of one string of bytes, which Hypothesis draws uniformly (small integers it mostly repeats or keeps
    small); all zeros, to which bytes shrink, is the simplest choice everywhere."""

    def __init__(self, draw: Draw, count: int) -> None:
        self.bytes = iter(draw(st.binary(min_size=count, max_size=count)))

    def below(self, n: int) -> int:
        return next(self.bytes) % n

    def size(self, space: Space, low: int, high: int) -> int:
        """As `scalars.size`."""
        sizes = space.sizes(low, high)
        return sizes[self.below(len(sizes))]

    def between(self, low: float, high: float) -> float:
        """Log-uniform; from the number of [low, high] nearest 1 outwards, as `log_uniform`."""
        a, b = math.log2(low), math.log2(high)
        near = min(max(0.0, a), b)
        code = next(self.bytes) * 256 + next(self.bytes)
        step = (code + 1) // 2 / 2**15
        return float(2.0 ** (near + step * (b - near) if code % 2 else near - step * (near - a)))

    def magnitude(self, space: Space, high: float, low: float = 0.0, switches: Sequence[float] = PHI_SWITCHES) -> float:
        """|s| up to `high`: mostly 1e-3…high, sometimes within a few ulp of a switch, sometimes down to `low`."""
        choice, low = self.below(8), min(low, high / 2)
        switches = [s for s in switches if low <= s <= high]
        ulp, switch = self.below(5) - 2, self.below(256)
        if choice in (4, 5) and switches:
            return min(switches[switch % len(switches)] * (1.0 + 4 * ulp * space.u), high)
        if choice > 5:
            return self.between(low, min(1.0, high))
        return self.between(max(low, min(1e-3, high / 2)), high)


def draw_pair(draw: Draw, space: Space, *, kinds: Sequence[str] = tuple(KINDS), min_n: int = 1, max_n: int = 8,
              reach: float = math.inf, floor: float = 0.0, keep: Keep = "both", share: int = 1) -> Pair:  # fmt: skip
    """Vectors (x, y) of one length n, of a named kind.

    `reach` and `floor` bound |s| (for orthogonal pairs: the size of xyᵀ). `keep` says what stays representable, with
    room for intermediate results in any order: "both" e^{xyᵀ} and its inverse; "forward" e^{xyᵀ}, while Re s goes
    down to −10⁴; "inner" only yᵀx, |s| up to 10⁴. `share`: so many such matrices can be multiplied without overflow.
    """
    dice = Dice(draw, 14)
    kind = KINDS[kinds[dice.below(len(kinds))]]
    n = dice.size(space, min_n, max_n)
    x, y = kind.build(draw, space, n)
    branch(kind.name)
    x, y = _scaled(dice, space, kind, x, y, reach, floor, keep, share)
    return space.round(x), space.round(y)


@per_space
def rank_one_pairs(draw: Draw, space: Space, **pair: Any) -> Pair:
    """Vectors (x, y) of one length; options as for `draw_pair`."""
    return draw_pair(draw, space, **pair)


def _scaled(dice: Dice, space: Space, kind: PairKind, x: np.ndarray, y: np.ndarray, reach: float, floor: float,
            keep: Keep, share: int) -> Pair:  # fmt: skip
    extent = math.hypot(*np.abs(x)) * math.hypot(*np.abs(y))
    if extent == 0.0:
        return x, y
    s = y @ x
    unit = abs(s) if s != 0.0 and not kind.exact else extent
    negative = dice.below(2) == 1
    gauge = (0, 1, -1)[dice.below(3)] * dice.below(1 + int(min(20.0, math.log2(space.max) / (5 * share))))
    cap = min(reach, largest_inner(space, extent / unit * 2.0 ** abs(gauge), keep, share, negative))
    cap = cap / 2 if kind.exact else cap  # scaling by powers of two only may double
    if dice.below(4) or unit > cap or unit < floor:  # one in four keeps its round entries; shrinking ends there
        t = dice.magnitude(space, cap, max(floor, 2.0**20 * space.smallest))
        e = math.frexp(t)[1]
        y = np.ldexp(1.0, e) * (y * (1.0 if kind.exact else math.ldexp(t, -e) / unit))
        if kind.exact:
            y = np.ldexp(1.0, -math.frexp(extent)[1]) * y
        s = y @ x
    if space.is_complex and not kind.exact and s != 0.0:
        turn = dice.below(32) * math.pi / 32 - math.pi / 2 if not negative else math.pi
        y = y * np.exp(1j * turn) * (np.exp(-1j * np.angle(s)) if turn else 1.0)
    elif s.real > 0.0 if negative else s.real < 0.0:
        y = -y
    sizes = abs(x).max(), abs(y).max()
    if max(sizes) * 2.0 ** abs(gauge) > space.max:  # half precision, where the size of yᵀx does not tell that of y
        gauge = round(math.log2(sizes[1] / sizes[0]) / 2)
    x, y = x * 2.0**gauge, y * 2.0**-gauge
    return (y, x) if dice.below(2) else (x, y)  # either may have the full mantissas


def largest_inner(space: Space, ratio: float, keep: Keep, share: int, negative: bool) -> float:
    """The largest |s| for which |φ(s)|·‖x‖·‖y‖ = |sφ(s)|·ratio stays representable, share times multiplied."""
    room = math.log(space.max) / share - 3.0
    if keep == "inner":
        return min(FAR, 2.0 ** (math.log2(space.max) / share - 4.0) / ratio)
    if keep == "forward" and negative:
        return min(FAR, math.exp(room / 2) / ratio)
    return max(room - math.log(ratio), min(1.0, math.exp(room / 2) / ratio))


@per_space
def pairs_and_columns(draw: Draw, space: Space, *, max_k: int = 3,
                      **pair: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """(x, y, V): a pair as `draw_pair` draws it and columns V (n,k); V may be I, x itself, or orthogonal to
    y."""
    x, y = draw_pair(draw, space, **pair)
    return x, y, columns(draw, space, x, y, max_k)


def columns(draw: Draw, space: Space, x: np.ndarray, y: np.ndarray, max_k: int = 3) -> np.ndarray:
    """V (n,k): half of all dense of any scale, entries up to 4, for which `largest_inner` leaves room; the identity, the
    eigenvector x, or a column orthogonal to y (as exact as y)."""
    n = len(x)
    kind = draw(st.sampled_from(("dense", "dense", "dense", "identity", "eigenvector", "orthogonal")))
    if kind == "identity":
        return np.eye(n)
    if kind == "eigenvector":
        return x[:, None]
    if kind == "orthogonal" and n > 1:
        return orthogonal_column(y, draw(st.integers(0, n - 2)))
    k = size(draw, space, 1, max_k)
    scale = 2.0 ** -draw(st.integers(0, 8))
    return scale * entries(draw, (n, k), complex_values=space.is_complex)


def orthogonal_column(y: np.ndarray, i: int) -> np.ndarray:
    """v (n,1) = yᵢ₊₁eᵢ − yᵢeᵢ₊₁: orthogonal to y in exact arithmetic, and as representable as y is."""
    v = np.zeros((len(y), 1), dtype=y.dtype)
    v[i], v[i + 1] = y[i + 1], -y[i]
    return v


@per_space
def phi_arguments(draw: Draw, space: Space, *, reach: float = math.inf, floor: float = 0.0,
                  max_size: int = 8) -> np.ndarray:  # fmt: skip
    """Arguments of φ, a 0-d array or a vector of up to `max_size` that mixes magnitudes: 0, ± from the smallest
    subnormal to where φ overflows (beyond where eˢ does) or −10³⁰; complex numbers also near 2πik, where φ vanishes."""
    top = min(math.log(space.max) + math.log(math.log(space.max)) - 0.5, reach)
    n = Dice(draw, 1).size(space, 0, max_size)
    dice = Dice(draw, 8 * max(n, 1))
    s = space.round(np.array([_phi_argument(dice, space, top, reach, floor) for _ in range(max(n, 1))]))
    return s if n else s.reshape(())


def _phi_argument(dice: Dice, space: Space, top: float, reach: float, floor: float) -> complex | float:
    choice, sign = dice.below(10), (1.0, -1.0)[dice.below(2)]
    t = dice.magnitude(space, top, max(floor, space.smallest))
    turn = dice.below(64)
    if choice == 0 and floor == 0.0:
        return 0.0
    if choice == 1 and reach == math.inf:
        return -min(math.exp(t * 69.0 / top), math.sqrt(space.max))
    if choice == 2 and reach == math.inf:  # from where eˢ overflows to where φ(s) does
        return top - turn / 64 * (top - math.log(space.max))
    if not space.is_complex or choice == 3:
        return sign * t
    if choice == 4 and reach > 40.0:
        return 2j * math.pi * (1 + turn % 5) * (1.0 + sign * 2.0 ** -(3 + turn % 57))
    return complex(t * np.exp(1j * math.pi * turn / 32))

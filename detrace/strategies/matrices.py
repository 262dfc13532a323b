"""Square matrices by named type, each with a purpose; values exact in the space's dtype.

A type is a small function ``(draw, space, n) -> pattern`` and a promise that tests check. The pattern is then scaled to
a norm that is drawn log-uniformly or around a method's switch, so that mantissas are full.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..judging import branch
from ..spaces import Space
from .deferred import per_space, st
from .scalars import Draw, entries, magnitude, size

Builder = Callable[[Draw, Space, int], np.ndarray]

SWITCHES = (
    1.495585217958292e-2, 2.539398330063230e-1, 9.504178996162932e-1, 2.097847961257068, 4.25, 5.371920351148152,
    4.258730016922831e-1, 1.880152677804762, 3.925724783138660,
    2.219e-3, 1.761e-1, 1.090863719290036, 1.192e-2, 5.977e-1, 2.2, 1.0, 0.5, 0.34, 0.783,
)  # fmt: skip
"""Norms where public methods change degree: Padé [3/3]…[13/13] in double and single precision (Higham 2005; Al-Mohy &
Higham 2009), Taylor degrees 2…18 (Bader, Blanes & Casas 2019), and the round values that hand-written code uses.
Doubling them gives every switch of the number of squarings."""


@dataclass(frozen=True)
class Kind:
    """A named type of matrices: what it is for, how it is drawn, how large its norm may grow, what it promises."""

    name: str
    purpose: str
    build: Builder
    promise: Callable[[np.ndarray], bool]
    reach: Callable[[Space, int], float]


def before_overflow(space: Space, n: int) -> float:
    """Norms for which no entry of e^A can overflow: ‖e^A‖ ≤ e^‖A‖, with two units in the exponent to spare."""
    return math.log(space.max) - 2.0


def far(space: Space, n: int) -> float:
    """For matrices whose exponential stays bounded: many squarings, limited by κ_exp·u staying well below 1."""
    return min(1e4, 0.02 / (n * space.u))


def _nilpotent_reach(space: Space, n: int) -> float:
    """The largest term A^{n−1}/(n−1)! must stay representable, with room for one more product of intermediates."""
    return space.max ** (1.0 / (2 * max(n - 1, 1))) / 16.0


def _hermitian(a: np.ndarray) -> np.ndarray:
    return a + a.conj().T


def _pattern(draw: Draw, space: Space, n: int) -> np.ndarray:
    return entries(draw, (n, n), complex_values=space.is_complex)


def _dense(draw: Draw, space: Space, n: int) -> np.ndarray:
    return _pattern(draw, space, n)


def _zero(draw: Draw, space: Space, n: int) -> np.ndarray:
    return np.zeros((n, n))


def _scalar(draw: Draw, space: Space, n: int) -> np.ndarray:
    return np.eye(n) * _pattern(draw, space, 1)


def _diagonal(draw: Draw, space: Space, n: int) -> np.ndarray:
    return np.diag(entries(draw, (n,), complex_values=space.is_complex))


def _triangular(draw: Draw, space: Space, n: int) -> np.ndarray:
    return np.triu(_pattern(draw, space, n))


def _nilpotent(draw: Draw, space: Space, n: int) -> np.ndarray:
    return np.triu(_pattern(draw, space, n), 1)


def _jordan(draw: Draw, space: Space, n: int) -> np.ndarray:
    return np.eye(n) * _pattern(draw, space, 1) + np.eye(n, k=1)


def _is_triangular(a: np.ndarray) -> bool:
    return bool((np.tril(a, -1) == 0).all())


def _confluent(draw: Draw, space: Space, n: int) -> np.ndarray:
    a = np.triu(_pattern(draw, space, n))
    steps, apart = np.round(np.diag(a).real), draw(st.integers(4, round(-math.log2(space.u)) - 1))
    np.fill_diagonal(a, (a[0, 0] or 1.0) * (1.0 + np.ldexp(steps, -apart)))
    return a


def _is_confluent(a: np.ndarray) -> bool:
    d = np.diag(a)
    return _is_triangular(a) and bool((abs(d - d[0]) <= 0.75 * abs(d[0])).all())


def _skew(draw: Draw, space: Space, n: int) -> np.ndarray:
    a = _pattern(draw, space, n)
    return a - a.conj().T


def _symmetric(draw: Draw, space: Space, n: int) -> np.ndarray:
    return _hermitian(_pattern(draw, space, n))


def _stable(draw: Draw, space: Space, n: int) -> np.ndarray:
    a = _pattern(draw, space, n)
    return -np.diag(np.abs(a).sum(axis=1) + np.abs(a).sum(axis=0)) / 2 + (a - a.conj().T) / 2


def _generator(draw: Draw, space: Space, n: int) -> np.ndarray:
    q = np.abs(entries(draw, (n, n)))
    np.fill_diagonal(q, 0.0)
    return q - np.diag(q.sum(axis=1))


def _graded(draw: Draw, space: Space, n: int) -> np.ndarray:
    step = draw(st.sampled_from((2, 8, 32)))
    d = 2.0 ** -(step * np.arange(n))
    return _pattern(draw, space, n) * d[:, None]


def _grcar(draw: Draw, space: Space, n: int) -> np.ndarray:
    return np.triu(np.tril(np.ones((n, n)), 3)) - np.eye(n, k=-1)


def _integer(draw: Draw, space: Space, n: int) -> np.ndarray:
    return np.round(_pattern(draw, space, n).real)


def _permutation(draw: Draw, space: Space, n: int) -> np.ndarray:
    return np.eye(n)[list(draw(st.permutations(range(n))))]


KINDS = {
    k.name: k
    for k in (
        Kind("dense", "no structure", _dense, lambda a: True, before_overflow),
        Kind("zero", "e^0 = I exactly", _zero, lambda a: not a.any(), before_overflow),
        Kind("scalar", "c·I: norm without non-normality", _scalar, lambda a: bool((a == a[0, 0] * np.eye(len(a))).all()),
             before_overflow),
        Kind("diagonal", "scalar exponentials side by side, huge spread", _diagonal,
             lambda a: bool((a == np.diag(np.diag(a))).all()), before_overflow),
        Kind("triangular", "real spectrum known, non-normal", _triangular, _is_triangular, before_overflow),
        Kind("nilpotent", "finite series at any norm; spectral radius 0", _nilpotent,
             lambda a: bool((np.tril(a) == 0).all()), _nilpotent_reach),
        Kind("jordan", "defective: no basis of eigenvectors", _jordan,
             lambda a: _is_triangular(a) and bool((np.diag(a) == a[0, 0]).all()), before_overflow),
        Kind("confluent", "eigenvalues that differ by a few roundings, or more: divided differences cancel", _confluent,
             _is_confluent, before_overflow),
        Kind("skew", "normal, orthogonal exponential at any norm", _skew,
             lambda a: bool((a == -a.conj().T).all()), far),
        Kind("symmetric", "normal, real spectrum", _symmetric, lambda a: bool((a == a.conj().T).all()), before_overflow),
        Kind("stable", "spectrum in the left half plane, large norm", _stable,
             lambda a: bool((np.linalg.eigvalsh(_hermitian(a)) <= 1e-5 * abs(a).max()).all()), far),
        Kind("generator", "rows sum to 0, off-diagonal ≥ 0: a Markov chain", _generator,
             lambda a: bool((a - np.diag(np.diag(a)) >= 0).all()), far),
        Kind("graded", "rows over many magnitudes", _graded, lambda a: True, before_overflow),
        Kind("grcar", "very non-normal", _grcar, lambda a: True, before_overflow),
        Kind("integer", "what people write in tests", _integer, lambda a: True, before_overflow),
        Kind("permutation", "integer, orthogonal, eigenvalues on the circle", _permutation, lambda a: True,
             before_overflow),
    )
}  # fmt: skip

ZERO_IN_ONE = ("nilpotent", "skew", "generator")
"""Types of which the real 1×1 matrix is 0: they begin at 2×2, so that zeros are left to their own type."""


def _scaled(draw: Draw, space: Space, kind: Kind, pattern: np.ndarray, reach: float) -> np.ndarray:
    norm = float(np.abs(pattern).sum(axis=0).max(initial=0.0))
    if norm == 0.0:
        return space.round(pattern)
    if norm > reach or draw(st.integers(0, 3)):  # one in four keeps its round entries, and is what shrinking ends at
        target = magnitude(draw, space, reach, switches=SWITCHES)
        # powers of two first, so that neither factor overflows or loses digits
        e = math.frexp(target)[1]
        pattern = np.ldexp(1.0, e) * (pattern * (math.ldexp(target, -e) / norm))
    return space.round(pattern)


@per_space
def square_matrices(draw: Draw, space: Space, *, kinds: Sequence[str] = tuple(KINDS), max_n: int = 6, min_n: int = 1,
                    headroom: float | None = None, reach: float | None = None) -> np.ndarray:  # fmt: skip
    """One square matrix (n,n) of a named type.

    `headroom` h keeps ‖A‖₁ so small that neither e^{hA} nor e^{−hA} can overflow, whatever the type; `reach` replaces
    the type's own largest norm.
    """
    kind = KINDS[draw(st.sampled_from(kinds))]
    n = size(draw, space, max(min_n, min(2, max_n)) if kind.name in ZERO_IN_ONE else min_n, max_n)
    pattern = kind.build(draw, space, n)
    branch(kind.name)
    cap = kind.reach(space, n) if reach is None else reach
    if headroom is not None:
        cap = min(cap, before_overflow(space, n) / headroom)
    a = _scaled(draw, space, kind, pattern, cap)
    if kind.name == "generator":  # rounding must not spoil the row sums: repair the diagonal downwards
        np.fill_diagonal(a, 0.0)
        np.fill_diagonal(a, -a.real.sum(axis=1))
        a = space.round(a)
    return a


@per_space
def dyadic_matrices(draw: Draw, space: Space, *, n: int | None = None, max_n: int = 4, bits: int = 2,
                    denominator: int = 1) -> np.ndarray:  # fmt: skip
    """Entries k/denominator with |k| < 2^bits: sums and products of a few of them are exact in every wide dtype."""
    n = size(draw, space, 1, max_n) if n is None else n
    count = n * n * (2 if space.is_complex else 1)
    raw = np.frombuffer(draw(st.binary(min_size=count, max_size=count)), dtype=np.uint8).astype(np.int64)
    span = 2**bits - 1
    folded = raw % (2 * span + 1)
    values = np.where(folded % 2 == 1, (folded + 1) // 2, -(folded // 2)).astype(np.float64) / denominator
    if space.is_complex:
        values = values[: n * n] + 1j * values[n * n :]
    return values.reshape(n, n)


@per_space
def unimodular_pairs(draw: Draw, space: Space, *, max_n: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """An integer matrix and its integer inverse: a product of a unit lower and a unit upper triangle of 0, ±1."""
    n = size(draw, space, 1, max_n)
    raw = np.frombuffer(draw(st.binary(min_size=n * n, max_size=n * n)), dtype=np.uint8).reshape(n, n)
    small = np.array([0.0, 1.0, -1.0])[raw % 3]
    low, up = np.tril(small, -1) + np.eye(n), np.triu(small, 1) + np.eye(n)
    return low @ up, np.round(np.linalg.inv(up)) @ np.round(np.linalg.inv(low))


@per_space
def batches(draw: Draw, space: Space, *, kinds: Sequence[str] = tuple(KINDS), max_n: int = 4,
            min_batch: int = 1, max_batch: int = 4, far_away: bool = True) -> np.ndarray:  # fmt: skip
    """A batch (b,n,n) that mixes types and norms, tiny beside large, in any order; if `far_away`, half of them have a slice
    that takes many squarings, by powers of two near the largest norm of its type."""
    n = size(draw, space, 1, max_n)
    b = size(draw, space, min_batch, max_batch)
    batch = np.stack([draw(square_matrices(kinds=kinds, min_n=n, max_n=n).on(space)) for _ in range(b)])
    distant = [name for name in kinds if far_away and KINDS[name].reach is far]
    if distant and draw(st.booleans()):
        a = draw(square_matrices(kinds=distant, min_n=n, max_n=n).on(space))
        batch[draw(st.integers(0, b - 1))] = _lifted(a, far(space, n))
    return batch


def _lifted(a: np.ndarray, reach: float) -> np.ndarray:
    """2ᵏa, k ≥ 0, with a norm up to `reach`; in two steps, since 2ᵏ itself can overflow."""
    norm = float(np.abs(a).sum(axis=0).max(initial=0.0))
    k = max(math.floor(math.log2(reach) - math.log2(norm)), 0) if norm else 0
    return np.asarray(a * 2.0 ** (k // 2) * 2.0 ** (k - k // 2))


def leading_shape(batch: np.ndarray, shape: tuple[int, ...]) -> Any:
    """The batch with its one leading axis reshaped, e.g. (4,n,n) → (2,2,n,n)."""
    return batch.reshape(*shape, *batch.shape[-2:])

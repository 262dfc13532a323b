"""Logits of a critic and finite distributions, exact in the space's dtype.

Every value is decoded from one string of bytes, which is cheap to draw and shrinks towards zeros: one logit 0, one heavy state.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from ..judging import branch
from ..spaces import Space
from .deferred import Deferred, st

MOST = 1e4
"""Largest modulus of a logit: representable in float16, far beyond where eᵈ overflows in any dtype."""

LEAST = 1e-3
LEVELS = (MOST, 24.0, MOST, 24.0, MOST, 24.0, MOST, MOST)
LEVELS_OF_HALF = (MOST, 300.0)
"""Largest moduli of whole batches: beside a logit of 10⁴ neither what a threshold of 20 drops shows, nor, in float16, a square
that overflows though the mean does not."""
SIXTEENTHS = 16
_SPECIAL = np.array([0.0, MOST, 1.0, 2.0, 0.5, 300.0, 21.0, 750.0])
"""Of either sign: 0, then what an overflow is shrunk to, then kinks of losses (0, ±1), where e^d is lost beside 1 but not in
itself (±21, just beyond torch's threshold of softplus), where e^d leaves float32 and a square float16 (±300), where e^d leaves
float64 (±750)."""
_SIZES = (1, 2, 3, 4, 4, 8, 8, 8)
_IMAGES = ((2, 1, 2, 3), (2, 1, 2, 2), (3, 1, 2, 2), (2, 2, 1, 2), (2, 1, 3, 2), (2, 3, 2, 1), (3, 2, 2, 1))
_TENSORS: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = (
    *((image, image) for image in _IMAGES), ((2, 1, 2, 2), (1, 3, 2, 1)), ((2, 3, 1, 2), (3, 2, 2, 1)),
    ((2, 1), (2,)), ((3,), (3, 1)), ((2, 3, 2, 1), (12, 1)), ((3, 1), (2, 1)), ((1, 1), ()),
)  # fmt: skip
"""Shapes of a real and a fake batch: half of them images of several samples and positions each, where an order, an average or a
number of samples shows; then images of unequal sizes, columns and lists, one entry."""


def decoded(size: Callable[..., int], parts: Sequence[str] = ()) -> Callable[[Callable[..., Any]], Callable[..., Deferred]]:
    """Make a strategy of a function ``(codes, space, **options)`` that reads `size(**options)` bytes; `parts` as for
    `Deferred`."""

    def make(function: Callable[..., Any]) -> Callable[..., Deferred]:
        @wraps(function)
        def build(**options: Any) -> Deferred:
            n = size(**options)

            def on(space: Space) -> st.SearchStrategy[Any]:
                return st.binary(min_size=n, max_size=n).map(
                    lambda code: function(np.frombuffer(code, dtype=np.uint8).astype(int), space, **options)
                )

            return Deferred(on, f"{function.__name__}({', '.join(f'{k}={v!r}' for k, v in options.items())})", parts)

        return build

    return make


def _real(space: Space, x: np.ndarray) -> np.ndarray:
    return np.asarray(space.round(x).real)


def _logits(codes: np.ndarray, space: Space, most: float) -> np.ndarray:
    """A logit of two bytes: three in eight special, one in eight a few ulp beside a special one, the others log-uniform of
    either sign from 10⁻³ to `most`."""
    kind, fine = codes[::2], codes[1::2]
    sign = np.where(fine % 2, -1.0, 1.0)
    special = sign * _SPECIAL[kind % len(_SPECIAL)]
    beside = np.where(kind < 96, special, special * (1.0 + 2.0 * (fine // 2 % 7 - 3) * space.u))
    fraction = ((kind - 128) * 256 + fine) / (128.0 * 256.0)
    spread = sign * LEAST * (most / LEAST) ** fraction
    return _real(space, np.clip(np.where(kind < 128, beside, spread), -most, most))


def _batch(size: int, codes: np.ndarray, space: Space, most: float, level: float, constant: bool) -> np.ndarray:
    n = _SIZES[size * len(_SIZES) // 256]
    if constant and n == 8 and level == MOST and codes[1] % 8:
        return _real(space, np.full(8, math.copysign(most, 0.5 - codes[0] % 2)))
    return _logits(codes[: 2 * n], space, min(most, level))


@decoded(lambda **_: 34, parts=("real", "fake"))
def logit_batches(codes: np.ndarray, space: Space, *, most: float = MOST,
                  paired: bool = False, constant: bool = True) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """(real, fake), 1-d, of 1, 2, 3, 4 or 8 logits each, |d| ≤ `most`, often all of them ≤ 24 (in float16 300); of one size if
    `paired`, else in half of all cases or more; sometimes, if `constant`, 8 times ±`most`, whose sum overflows float16 at 10⁴.
    """
    levels = LEVELS_OF_HALF if space.real_dtype == "float16" else LEVELS
    level = levels[codes[0] % len(levels)]
    real = _batch(codes[0], codes[2:18], space, most, level, constant)
    if paired:
        fake = _logits(codes[18 : 18 + 2 * len(real)], space, min(most, level))
    else:
        fake = _batch(codes[codes[1] % 2], codes[18:], space, most, level, constant)
    branch("unequal batches" if len(real) != len(fake) else "equal batches")
    return real, fake


@decoded(lambda **_: 49, parts=("real", "fake"))
def logit_tensors(codes: np.ndarray, space: Space, *, most: float = MOST) -> tuple[np.ndarray, np.ndarray]:
    """(real, fake) of shapes (), (n,), (n,1) or (n,c,h,w), 1 to 12 logits each, |d| ≤ `most`; mostly as many real as fake."""
    shapes = _TENSORS[codes[0] % len(_TENSORS)]
    branch(" against ".join(map(str, shapes)))
    parts = zip((codes[1:25], codes[25:]), shapes, strict=True)
    real, fake = (_logits(part[: 2 * math.prod(shape)], space, most).reshape(shape) for part, shape in parts)
    return real, fake


@decoded(lambda n=4, **_: 2 * n)
def logits(codes: np.ndarray, space: Space, *, most: float = MOST, n: int = 4) -> np.ndarray:
    """n logits, |d| ≤ `most`."""
    return _logits(codes, space, most)


@decoded(lambda n=4, **_: n)
def positive_numbers(codes: np.ndarray, space: Space, *, low: float = 2.0**-4, high: float = 2.0**4, n: int = 4) -> np.ndarray:
    """n numbers of [low, high], log-uniform; they shrink to `low`."""
    return np.clip(_real(space, low * (high / low) ** (codes / 255.0)), low, high)


@decoded(lambda: 2)
def fractions(codes: np.ndarray, space: Space) -> tuple[float, float]:
    """Two of 1/16, 2/16, …, 1, exact in every dtype: labels, a margin, a weight; 1, the hard label, more often than others."""
    one, two = (SIXTEENTHS if code >= 192 else 1 + code % SIXTEENTHS for code in codes.tolist())
    return one / SIXTEENTHS, two / SIXTEENTHS


def _distribution(codes: np.ndarray, positive: bool) -> np.ndarray:
    """One state more than codes, in sixteenths that sum to 1; all of them at least 1/16 if `positive`."""
    free = SIXTEENTHS - len(codes) - 1 if positive else SIXTEENTHS
    cuts = np.sort(codes % (free + 1))
    return np.asarray((np.diff(np.concatenate([[0], cuts, [free]])) + (1 if positive else 0)) / SIXTEENTHS)


@decoded(lambda **_: 10, parts=("p", "q"))
def distribution_pairs(codes: np.ndarray, space: Space, *, positive_p: bool = False,
                       positive_q: bool = False) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """(p, q): two distributions on 2 to 5 states in sixteenths, exact in every dtype; zeros unless `positive`; sometimes equal,
    sometimes disjoint. Times 16 they are counts of samples."""
    cuts, kind = 1 + codes[0] % 4, codes[1] % 8
    p, q = _distribution(codes[2 : 2 + cuts], positive_p), _distribution(codes[6 : 6 + cuts], positive_q)
    if kind == 1 and (not positive_q or p.all()):
        q = p.copy()
    elif kind == 2 and not positive_p and not positive_q:
        p, moved = np.eye(cuts + 1)[0], q[0]
        q[0] = 0.0
        q[1] += moved
    same, apart = bool((p == q).all()), not (p * q).any()
    branch("p = q" if same else "disjoint" if apart else "zeros" if not (p * q).all() else "p, q > 0")
    return p, q


@decoded(lambda: 18)
def feature_rows(codes: np.ndarray, space: Space) -> np.ndarray:
    """(n, d), n from 1 to 4, d from 1 to 3: small integers times a power of two for each row; rows of zeros, parallel and
    orthogonal ones among them."""
    n, d = 1 + codes[0] % 4, 1 + codes[1] % 3
    table = codes[2:].reshape(4, 4)[:n]
    values = np.where(table[:, :d] < 96, 0.0, table[:, :d] % 9 - 4.0)
    top = 12 if space.real_dtype == "float16" else 60
    return np.asarray(values * 2.0 ** (table[:, 3:] % (2 * top + 1) - top))

"""Critics, generators and batches of samples as plain data: small dyadic numbers, exact in float32 and wider. One string of
bytes makes all of it, and zeros, to which bytes shrink, make the simplest network of zeros.

`detrace.networks.build` turns a drawn plan (kind, activation, weights) into the network.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..spaces import Space
from .deferred import Deferred, st

Plan = tuple[str, str, tuple[np.ndarray, ...]]
FEATURES: tuple[tuple[int, ...], ...] = ((2,), (1,), (3,), (), (2, 2), (1, 2, 2), (2, 1, 3))
FEW: tuple[tuple[int, ...], ...] = ((2,), (2, 2))
SIMPLE = ("Linear", "Quadratic", "TwoLayer:square", "TwoLayer:tanh", "TwoLayer:softplus", "Convolution:square",
          "Convolution:tanh")  # fmt: skip
"""Kinds of smooth critics, with their activation."""
POLYNOMIAL = ("Linear", "Quadratic", "TwoLayer:square", "Convolution:square")
_EIGHTHS = np.array([0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, *((-1) ** b * ((b - 7) % 17) / 8 for b in range(7, 256))])
_INTEGERS = np.array([(-1) ** b * ((b + 1) // 2 % 3) for b in range(256)], dtype=np.float64)


class Bytes:
    """Choices out of a string of bytes; bytes that are missing count as 0, the simplest choice. `few`: of sizes and shapes only
    those named as such, for spaces that keep to few shapes."""

    def __init__(self, data: bytes, *, few: bool = False) -> None:
        self.data, self.next, self.few = data.ljust(1 << 10, b"\0"), 0, few

    def below(self, n: int) -> int:
        self.next += 1
        return self.data[self.next - 1] % n

    def one_of(self, options: Sequence[Any]) -> Any:
        return options[self.below(len(options))]

    def size(self, options: Sequence[Any], few: Sequence[Any]) -> Any:
        """A size or shape: one of the options, or of those few."""
        return self.one_of(few if self.few else options)

    def entries(self, shape: Sequence[int], table: np.ndarray = _EIGHTHS) -> np.ndarray:
        """Entries of a table of 256 numbers: by default 0, ±1, ±2, ±½, then eighths up to 2."""
        start, self.next = self.next, self.next + math.prod(shape)
        return table[np.frombuffer(self.data[start : self.next], dtype=np.uint8)].reshape(shape)

    def integers(self, shape: Sequence[int]) -> np.ndarray:
        """-2 … 2."""
        return self.entries(shape, _INTEGERS)


def _drawn(make: Callable[[Bytes], Any], label: str, parts: str, size: int = 256) -> Deferred:
    def on(space: Space) -> st.SearchStrategy[Any]:
        return st.binary(min_size=size, max_size=size).map(lambda data: make(Bytes(data, few=space.few_shapes)))

    return Deferred(on, label, parts.split())


def critic_plan(bits: Bytes, kinds: Sequence[str], entries: Callable[[Sequence[int]], np.ndarray],
                features: tuple[int, ...] | None = None) -> tuple[Plan, tuple[int, ...]]:  # fmt: skip
    """A critic of one of these kinds ("Kind" or "Kind:activation"), and the shape of its samples."""
    kind, _, activation = bits.one_of(kinds).partition(":")
    shape = bits.size(FEATURES, FEW) if features is None else features
    f, h = math.prod(shape), bits.size((1, 2, 3), (2,))
    if kind == "Convolution":
        shape = shape if len(shape) == 2 else (3, 2)
        kernel = bits.size(range(1, shape[0] + 1), (2,)), bits.size(range(1, shape[1] + 1), (1,))
        out = (shape[0] - kernel[0] + 1, shape[1] - kernel[1] + 1)
        return (kind, activation, (entries(kernel), entries(out))), shape
    weights = {
        "Linear": (shape, ()), "Quadratic": ((f, f), (f,)), "TwoLayer": ((h, f), (h,), (h,)), "BatchCentred": ((f,),),
        "BatchNormalised": ((f,),),
    }[kind]  # fmt: skip
    return (kind, activation, tuple(entries(w) for w in weights)), shape


def critics_and_batches(kinds: Sequence[str] = SIMPLE, *, max_n: int = 4) -> Deferred:
    """(plan, real, fake, alpha): a critic, two batches (n, s...) and one α of {0, 1/16, …, 1} a sample (n,)."""

    def make(bits: Bytes) -> tuple[Plan, np.ndarray, np.ndarray, np.ndarray]:
        n = bits.size(range(1, max_n + 1), (3,))
        plan, shape = critic_plan(bits, kinds, bits.entries)
        real, fake = bits.entries((n, *shape)), bits.entries((n, *shape))
        return plan, real, fake, np.array([bits.below(17) / 16 for _ in range(n)])

    return _drawn(make, f"critics_and_batches({kinds}, max_n={max_n})", "critic real fake alpha")


def linear_critics_and_sizes(sizes: Sequence[int] = (1, 4, 64)) -> Deferred:
    """(w, real, fake, alpha): weights of the features' shape, 2ᵏ times small dyadics, |k| ≤ 8, k = 8 more often, where squares
    leave float16 before norms do; batches of these sizes, of three mostly the last. Beyond 4 samples mostly 0 ≤ k ≤ 7, where a
    sum over the batch leaves float16 before its mean does."""

    def make(bits: Bytes) -> tuple[np.ndarray, ...]:
        n, shape = bits.one_of([*sizes, *[sizes[-1]] * (len(sizes) - 2)]), bits.size(FEATURES, FEW)
        k = min(bits.below(24), 16) - 8 if n <= 4 or not bits.below(4) else bits.below(8)
        w = 2.0**k * bits.entries(shape)
        pattern, width = bits.entries((2, 8)), math.prod(shape)
        real, fake = (np.resize(p, n * width).reshape(n, *shape) for p in pattern)
        return w, real, fake, np.resize(np.array([bits.below(17) / 16 for _ in range(5)]), n)

    return _drawn(make, f"linear_critics_and_sizes({sizes})", "w real fake alpha", 64)


def games(kinds: Sequence[str] = SIMPLE, *, exact: bool = False, bilinear: bool = False) -> Deferred:
    """(critic, generator, real, z): plans and batches of a game; n is a power of two.

    `exact`: weights and samples are integers of size ≤ 2 (a critic's outer offset is half odd, so that no logit is an
    integer), and the generator is linear. `bilinear`: critic and generator are linear.
    """

    def make(bits: Bytes) -> tuple[Plan, Plan, np.ndarray, np.ndarray]:
        entries = bits.integers if exact else bits.entries
        n, k = bits.size((1, 2, 4), (2,)), bits.size((1, 2), (2,))
        critic, shape = critic_plan(bits, ("Linear",) if bilinear else kinds, entries)
        f, h = math.prod(shape), bits.size((1, 2), (2,))
        generator: Plan
        if exact or bilinear or bits.below(2):
            generator = ("LinearGenerator", "", (entries((f, k)), entries(shape)))
        else:
            weights = (entries((h, k)), entries((h,)), entries((f, h)), entries(shape))
            generator = ("TwoLayerGenerator", bits.one_of(("tanh", "softplus", "square")), weights)
        return critic, generator, entries((n, *shape)), entries((n, k))

    return _drawn(make, f"games({kinds}, exact={exact}, bilinear={bilinear})", "D G real z")


def pits(cells: int = 4) -> Deferred:
    """(p, q, tilt): masses of `cells` cells of the line as counts of samples, each total 4, p > 0 in every cell; a change of
    each slope in eighths."""

    def make(bits: Bytes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        p = np.ones(cells)
        q = np.bincount([bits.below(cells) for _ in range(cells)], minlength=cells).astype(np.float64)
        return p, q, bits.entries((cells,))

    return _drawn(make, f"pits({cells})", "p q tilt", 16)


def arrays(shapes: Sequence[tuple[int, ...]] = FEATURES) -> Deferred:
    """(x, c): two arrays of one of these shapes, eighths up to 2."""

    def make(bits: Bytes) -> tuple[np.ndarray, np.ndarray]:
        shape = bits.size(shapes, shapes[:2])
        return bits.entries(shape), bits.entries(shape)

    return _drawn(make, f"arrays({shapes})", "x c", 32)

"""What is timed of GAN losses: references beside libraries and the plain idioms of NumPy and torch, on a batch and on a map of
patches."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from detrace.spaces import Space
from detrace.timing import Case, Check, Growth, Rival, Work
from detrace.timing.cases import Args, Checker

Slots = Callable[[np.ndarray], np.ndarray]


def softplus(d: np.ndarray) -> np.ndarray:
    return np.maximum(d, 0.0) + np.log1p(np.exp(-np.abs(d)))


TERMS: Mapping[str, tuple[Slots, Slots]] = {
    "minimax_discriminator": (lambda r: softplus(-r), softplus),
    "hinge_discriminator": (lambda r: np.maximum(1.0 - r, 0.0), lambda f: np.maximum(1.0 + f, 0.0)),
    "least_squares_discriminator": (lambda r: np.square(r - 1.0) / 2.0, lambda f: np.square(f) / 2.0),
}
"""Terms of real and of fake logits; all positive, so that nothing cancels in a mean."""


def _torch_logits(real: Any, fake: Any) -> Any:
    from torch.nn.functional import binary_cross_entropy_with_logits as bce

    return bce(real, real.new_ones(real.shape)) + bce(fake, fake.new_zeros(fake.shape))


def _torch_softplus(real: Any, fake: Any) -> Any:
    from torch.nn.functional import softplus

    return softplus(-real).mean() + softplus(fake).mean()


def _torch_relu(real: Any, fake: Any) -> Any:
    from torch.nn.functional import relu

    return relu(1 - real).mean() + relu(1 + fake).mean()


def _torch_squares(real: Any, fake: Any) -> Any:
    from torch.nn.functional import mse_loss

    return (mse_loss(real, real.new_ones(real.shape)) + mse_loss(fake, fake.new_zeros(fake.shape))) / 2


def _numpy_logaddexp(real: Any, fake: Any) -> Any:
    return np.logaddexp(0, -real).mean() + np.logaddexp(0, fake).mean()


def _numpy_log1p(real: Any, fake: Any) -> Any:
    return softplus(-real).mean() + softplus(fake).mean()


def _numpy_maximum(real: Any, fake: Any) -> Any:
    return np.maximum(1 - real, 0).mean() + np.maximum(1 + fake, 0).mean()


def _numpy_squares(real: Any, fake: Any) -> Any:
    return ((real - 1) ** 2).mean() / 2 + (fake**2).mean() / 2


RIVALS = {
    "minimax_discriminator": (
        Rival("BCE with logits", "torch-cpu", _torch_logits), Rival("softplus", "torch-cpu", _torch_softplus),
        Rival("NumPy logaddexp", "numpy-cpu", _numpy_logaddexp), Rival("NumPy log1p", "numpy-cpu", _numpy_log1p),
    ),
    "hinge_discriminator": (
        Rival("relu", "torch-cpu", _torch_relu), Rival("NumPy maximum", "numpy-cpu", _numpy_maximum)
    ),
    "least_squares_discriminator": (
        Rival("mse_loss", "torch-cpu", _torch_squares), Rival("NumPy squares", "numpy-cpu", _numpy_squares)
    ),
}  # fmt: skip


def work(args: Args, dtype: str, itemsize: int) -> Work:
    """Both batches read."""
    return Work(float(sum(a.size for a in args)) * itemsize, 0.0)


def checker(name: str) -> Callable[[Args], Checker]:
    """Against exactly rounded sums of terms in double precision, each within 3u. Bound: u·√n of the mean, since rounding
    errors of a sum add up like a random walk (Higham & Mary, SISC 41, 2019), and 3u of the term."""

    def of(args: Args) -> Checker:
        truth = sum(math.fsum(term(x).ravel().tolist()) / x.size for term, x in zip(TERMS[name], args, strict=True))
        spread = 3.0 + max(x.size for x in args) ** 0.5

        def check(result: np.ndarray, space: Space) -> Check:
            return Check(abs(float(result) - truth) / (spread * space.u * truth), "exactly rounded sums")

        return check

    return of


def _case(name: str, n: int, **options: Any) -> Case:
    def make(rng: np.random.Generator) -> Args:
        return 2.0 * rng.standard_normal(n) + 1.0, 2.0 * rng.standard_normal(n) - 1.0

    return Case(name, {"n": n}, make, work, checker(name), rivals=RIVALS[name], **options)


CASES = [
    _case(name, n, quick_dtypes=("float32",), headline=n == 65536)
    for name in TERMS for n in (256, 65536)
]
GROWTH: list[Growth] = []

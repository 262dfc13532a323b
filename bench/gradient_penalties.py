"""What is timed of gradient penalties: norms by one backward pass for the batch against one a sample, and what a penalty
adds to a critic's step."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from detrace.networks import TwoLayer
from detrace.spaces import Space
from detrace.timing import Case, Check, Growth, Rival, Work
from detrace.timing.cases import Args, Checker
from reference.gradient_penalties import two_sided_penalty


def grid(rng: np.random.Generator, shape: tuple[int, ...], steps: int) -> np.ndarray:
    """Multiples of 1/steps up to 1 in size: sums of products of them are exact in float64."""
    return rng.integers(-steps, steps + 1, shape) / steps


def critic(features: int, hidden: int, rng: np.random.Generator) -> TwoLayer:
    """a·σ(Wx + b) with σ = h²/2 and weights of size ½, ∇D of size √hidden."""
    W, b, a = grid(rng, (hidden, features), 8) / 2, grid(rng, (hidden,), 8), grid(rng, (hidden,), 8)
    return TwoLayer(W, b, a, activation="square")


def exact_norms(D: TwoLayer, x: np.ndarray) -> np.ndarray:
    """‖∇D‖ to the nearest double: the gradients are exact in float64, their squares are summed as integers."""
    g = D.gradient(D.parameters, x.reshape(len(x), -1))
    scale = 2**40
    squares = [sum(v * v for v in (row * scale).astype(object).tolist()) for row in np.round(g * scale) / scale]
    return np.array([float(Fraction(int(s), 1)) ** 0.5 for s in squares]) / scale


def sizes(D: TwoLayer, x: np.ndarray) -> np.ndarray:
    """√K·‖∇D‖ of absolute values: the laws' bound, where rounding errors of K summands add up like a random walk."""
    m = D.majorant()
    K = x[0].size + len(D.parameters[1]) + len(x)
    return K**0.5 * np.linalg.norm(m.gradient(m.parameters, np.abs(x.reshape(len(x), -1))), axis=1)


def norms_checker(args: Args) -> Checker:
    D, x = args
    truth, size = exact_norms(D, x), sizes(D, x)

    def check(result: np.ndarray, space: Space) -> Check:
        return Check(float((np.abs(result - truth) / (space.u * size)).max()), f"exact sums of squares, all {len(x)} samples")

    return check


def penalty_checker(args: Args) -> Checker:
    """The penalty, or the loss of the plain critic's step, each held to its own truth."""
    D, real, fake, alpha, target = args
    x = alpha[:, None] * real + (1 - alpha)[:, None] * fake
    r, size = exact_norms(D, x), sizes(D, x)
    truth, error = float(np.mean((r - target) ** 2)), float(np.mean(2 * np.abs(r - target) * size))
    values = [D.value(D.parameters, b) for b in (real, fake)]
    plain, spread = float(np.mean(values[1]) - np.mean(values[0])), float(max(np.abs(v).max() for v in values) * size.size)

    def check(result: np.ndarray, space: Space) -> Check:
        of_penalty = abs(float(result) - truth) / (space.u * error)
        of_plain = abs(float(result) - plain) / (space.u * spread)
        if of_plain < of_penalty:
            return Check(of_plain, "the critic's loss without a penalty, in float64: a floor, not the contract")
        return Check(of_penalty, f"exact sums of squares, all {len(real)} samples")

    return check


def work(args: Args, dtype: str, itemsize: int) -> Work:
    """Weights and samples read; a forward and a backward product with W."""
    D, x = args[:2]
    W = D.parameters[0]
    return Work(itemsize * (W.size + sum(a.size for a in args[1:] if isinstance(a, np.ndarray))), 4.0 * x.shape[0] * W.size)


def _vmap_of_grad(D: Any, x: Any) -> Any:
    import torch

    return torch.func.vmap(torch.func.grad(lambda v: D(v[None]).sum()))(x).flatten(1).norm(dim=1)


def _one_backward_a_sample(D: Any, x: Any) -> Any:
    import torch

    out = []
    for row in x:
        point = row[None].detach().requires_grad_()
        out.append(torch.autograd.grad(D(point).sum(), point)[0].norm())
    return torch.stack(out)


def leaves(D: Any) -> Any:
    """The same bound network with weights that collect gradients."""
    return type(D)(D.network, [w.detach().requires_grad_() for w in D.parameters()])


def _backward(loss: Any, D: Any) -> Any:
    import torch

    torch.autograd.grad(loss, D.parameters(), allow_unused=True)
    return loss.detach()


def _penalty_step(D: Any, real: Any, fake: Any, alpha: Any, target: float) -> Any:
    D = leaves(D)
    return _backward(two_sided_penalty(D, real, fake, alpha, target), D)


def _torch_func_penalty_step(D: Any, real: Any, fake: Any, alpha: Any, target: float) -> Any:
    D = leaves(D)
    x = alpha[:, None] * real + (1 - alpha)[:, None] * fake
    return _backward(((_vmap_of_grad(D, x) - target) ** 2).mean(), D)


def _plain_step(D: Any, real: Any, fake: Any, alpha: Any, target: float) -> Any:
    D = leaves(D)
    return _backward(D(fake).mean() - D(real).mean(), D)


def _small(params: Mapping[str, Any]) -> bool:
    return params["n"] <= 64


NORM_RIVALS = (
    Rival("torch.func vmap(grad)", "torch-cpu", _vmap_of_grad),
    Rival("torch, one backward a sample", "torch-cpu", _one_backward_a_sample, _small),
)
PENALTY_RIVALS = (
    Rival("reference and its gradient", "torch-cpu", _penalty_step),
    Rival("torch.func vmap(grad) and its gradient", "torch-cpu", _torch_func_penalty_step),
    Rival("critic's loss and gradient, no penalty", "torch-cpu", _plain_step),
)


def _norms(n: int, features: int, hidden: int, **options: Any) -> Case:
    def make(rng: np.random.Generator) -> Args:
        return critic(features, hidden, rng), grid(rng, (n, features), 4)

    return Case("gradient_norms", {"n": n, "features": features, "hidden": hidden}, make, work, norms_checker,
                rivals=NORM_RIVALS, memory=True, **options)  # fmt: skip


def _penalty(n: int, features: int, hidden: int, **options: Any) -> Case:
    def make(rng: np.random.Generator) -> Args:
        samples = (grid(rng, (n, features), 4) for _ in range(2))
        return critic(features, hidden, rng), *samples, rng.integers(0, 5, n) / 4, 1.0

    return Case("two_sided_penalty", {"n": n, "features": features, "hidden": hidden}, make, work, penalty_checker,
                rivals=PENALTY_RIVALS, memory=True, **options)  # fmt: skip


CASES = [
    _norms(64, 784, 128, headline=True),
    _norms(512, 64, 64, quick=False),
    _penalty(64, 784, 128, headline=True),
    _penalty(64, 64, 64),
    _penalty(512, 784, 512, quick=False),
]
GROWTH: list[Growth] = []

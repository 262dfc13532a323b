"""What is timed of the single loss: one backward pass against the two of 1:1 alternation, same networks, same data.

Both rivals compute L_D and the gradients of both players and leave the weights alone, so that every call does the same: the
single loss with one forward pass of G and three of D, alternation with two and three. Times are multiples of alternation's; the
contract alone is the loss without gradients.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.gradient_penalties import critic, grid, leaves
from detrace.networks import LinearGenerator
from detrace.spaces import Space
from detrace.timing import Case, Check, Growth, Rival, Work
from detrace.timing.cases import Args, Checker
from reference import gan_losses
from reference.single_loss import single_loss


class Named:
    """A loss of the table of GAN losses, by name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def bind(self, space: Space) -> Any:
        return getattr(gan_losses, self.name)


def checker(args: Args) -> Checker:
    """L_D, whose every sum is exact in float64."""
    _, _, D, G, real, z, _ = args
    logits = [D.value(D.parameters, x) for x in (real, G.value(G.parameters, z))]
    truth, size = float(np.mean(logits[1]) - np.mean(logits[0])), float(np.mean(np.abs(logits)))
    K = real.shape[1] + z.shape[1] + len(D.parameters[1])

    def check(result: np.ndarray, space: Space) -> Check:
        return Check(abs(float(result) - truth) / (space.u * K**0.5 * size), "L_D, exact in float64")

    return check


def work(args: Args, dtype: str, itemsize: int) -> Work:
    """For the value alone: weights and samples read; a product with G's weights, and one with D's for reals and fakes."""
    _, _, D, G, real, z, _ = args
    W, V = D.parameters[0], G.parameters[0]
    return Work(itemsize * (W.size + V.size + real.size + z.size), 2.0 * len(real) * (2 * W.size + V.size))


def single_step(d_loss: Any, g_loss: Any, D: Any, G: Any, real: Any, z: Any, weight: float) -> Any:
    """L and the gradients of both players by one backward pass."""
    import torch

    D, G = leaves(D), leaves(G)
    loss = single_loss(d_loss, g_loss, D, G, real, z, weight)
    torch.autograd.grad(loss, [*D.parameters(), *G.parameters()], allow_unused=True)
    return loss.detach()


def alternating_step(d_loss: Any, g_loss: Any, D: Any, G: Any, real: Any, z: Any, weight: float) -> Any:
    """L_D and its gradient, then G anew, L_G and its gradient, as two optimisers in turn ask for them."""
    import torch

    D, G = leaves(D), leaves(G)
    loss = d_loss(D(real), D(G(z).detach()))
    torch.autograd.grad(loss, D.parameters(), allow_unused=True)
    other = g_loss(real[:, 0], D(G(z)))  # the logits of the reals: read by relativistic losses only
    torch.autograd.grad(weight * other, G.parameters())
    return loss.detach()


RIVALS = (
    Rival("single loss, both gradients: G once, D three times", "torch-cpu", single_step),
    Rival("alternating 1:1, both gradients: G twice, D three times", "torch-cpu", alternating_step),
)


def players(n: int, features: int, hidden: int, k: int, rng: np.random.Generator) -> Args:
    """A two-layer critic, a linear generator, a batch of each and weight 1, Wasserstein."""
    G = LinearGenerator(grid(rng, (features, k), 4) / 2, grid(rng, (features,), 4))
    losses = Named("wasserstein_discriminator"), Named("wasserstein_generator")
    return *losses, critic(features, hidden, rng), G, grid(rng, (n, features), 4), grid(rng, (n, k), 4), 1.0


def _game(n: int, features: int, hidden: int, k: int, **options: Any) -> Case:
    params = {"n": n, "features": features, "hidden": hidden, "z": k}
    return Case("single_loss", params, lambda rng: players(n, features, hidden, k, rng), work, checker, rivals=RIVALS,
                memory=True, baseline=RIVALS[1].name, **options)  # fmt: skip


CASES = [
    _game(64, 784, 128, 32, headline=True),
    _game(64, 64, 64, 16),
    _game(64, 3072, 64, 512),
]
GROWTH: list[Growth] = []

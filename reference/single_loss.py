"""One loss for both players of a GAN, one backward pass, by stopping gradients (https://kexue.fm/archives/6387).

L = L_D(D(x), D(sg G(z))) + λ[L_G(D(x), D(G(z))) - L_G(D(x), D(sg G(z)))]

The bracket is 0, and its gradient in D is 0 up to rounding, u·λ|∇_D L_G|; so ∇_D L = ∇_D L_D, ∇_G L = λ∇_G L_G and L = L_D.
One step on it is a step of the simultaneous game, not of the alternating one. λ is the ratio of the learning rates under SGD
and heavy ball; Adam and RMSprop divide it out. It takes one forward pass of G and three of D; what D draws or remembers in a
forward pass (dropout masks, batch statistics) differs from pass to pass and breaks the exact equality.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from array_api_compat import is_jax_array, is_torch_array

from .arrays import stop_gradient

Player = Callable[[Any], Any]
Loss = Callable[[Any, Any], Any]


def single_loss(discriminator_loss: Loss, generator_loss: Loss, D: Player, G: Player, real: Any, z: Any,
                weight: float = 1.0) -> Any:  # fmt: skip
    """The loss L that D and G minimise together: real (n, s...), z (n, k) -> (); weight = λ.

    D maps samples to logits, G maps z to samples. Both losses take (logits of real, logits of fake) and are minimised, as
    those of `gan_losses` are. Differentiated in torch and JAX; elsewhere just the value L_D.
    """
    fake = G(z)
    on_real, stopped, flowing = D(real), D(stop_gradient(fake)), D(fake)
    generator = generator_loss(on_real, flowing) - generator_loss(on_real, stopped)
    return discriminator_loss(on_real, stopped) + weight * generator


def discriminator_turn(discriminator_loss: Loss, D: Player, G: Player, real: Any, z: Any) -> Any:
    """L_D(D(x), D(sg G(z))), what D minimises in its turn of 1:1 alternation; nothing of it reaches G.

    real (n, s...), z (n, k) -> ().
    """
    return discriminator_loss(D(real), D(stop_gradient(G(z))))


def generator_turn(generator_loss: Loss, D: Player, G: Player, real: Any, z: Any) -> Any:
    """L_G(D(x), D(G(z))), what G minimises in its turn: real (n, s...), z (n, k) -> ().

    Gradients reach D too; its optimizer must drop them (`zero_grad` before D's next turn).
    """
    return generator_loss(D(real), D(G(z)))


def reverse_gradient(x: Any, weight: float = 1.0) -> Any:
    """x itself, whose gradient is multiplied by -weight on the way back (torch and JAX), to any order.

    D(reverse_gradient(G(z))) lets G climb the one loss that D descends: right for zero-sum games only (Ganin, Lempitsky 2015).
    """
    if is_torch_array(x):
        return _torch_reversal().apply(x, weight)
    if is_jax_array(x):
        return _jax_reversal()(x, weight)
    return x


@cache
def _torch_reversal() -> Any:
    import torch

    class Reversal(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any, weight: float) -> Any:
            ctx.weight = weight
            return x.view_as(x)

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return -ctx.weight * grad, None

    return Reversal


@cache
def _jax_reversal() -> Any:
    import jax

    reverse = jax.custom_vjp(lambda x, weight: x, nondiff_argnums=(1,))
    reverse.defvjp(lambda x, weight: (x, None), lambda weight, _, grad: (-weight * grad,))
    return reverse


def training_step(D: Any, G: Any, optimizer: Any, discriminator_loss: Loss, generator_loss: Loss, real: Any, z: Any,
                  weight: float = 1.0) -> Any:  # fmt: skip
    """One simultaneous step of torch modules D and G under one optimizer that holds the parameters of both; the loss, detached.

    >>> optimizer = torch.optim.SGD([*D.parameters(), *G.parameters()], lr=1e-3)
    >>> for real in loader:
    ...     training_step(D, G, optimizer, hinge_discriminator, hinge_generator, real, torch.randn(len(real), 64))

    Under Adam or RMSprop use two parameter groups, since λ does not set G's rate there.
    """
    optimizer.zero_grad()
    loss = single_loss(discriminator_loss, generator_loss, D, G, real, z, weight)
    loss.backward()
    optimizer.step()
    return loss.detach()

"""Penalties on a critic's gradient at samples: how hard a critic, or an energy U = -D, may slope where.

A critic maps (n, s...) to n values, (n,) or (n, 1), one a sample; ∇D is its gradient in the sample, ‖·‖ the Euclidean norm
over all axes of the sample. Every penalty is a mean over the batch, without a factor: multiply by λ outside (the R1 paper's
γ/2). Samples count as constants: what is differentiated later is the critic's parameters, which needs the second derivative
(torch and JAX; a critic of another array library brings its own `gradient`). Where ∇D = 0 value and gradient stay finite; where
it is NaN, so is the penalty.

Sources: https://kexue.fm/archives/6316; Gulrajani et al. 2017 (WGAN-GP), Petzka et al. 2018 (WGAN-LP), Mescheder et al. 2018
(R1, R2), Kodali et al. 2017 (DRAGAN), Wu et al. 2018 (WGAN-div), Arjovsky et al. 2017 (clipping).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from array_api_compat import array_namespace, is_jax_array, is_torch_array

from .arrays import QUIET, stop_gradient, working_array

Critic = Callable[[Any], Any]


def input_gradient(critic: Critic, x: Any) -> Any:
    """∂/∂x Σᵢ D(xᵢ), in the shape of x (n, s...), differentiable in the critic's parameters; x and its `grad` stay as they are.

    It holds ∇D(xᵢ) if the critic looks at each sample alone; batch normalisation, which does not, makes it another quantity.
    Raises TypeError where the array library cannot differentiate and the critic has no `gradient`.
    """
    if is_torch_array(x):
        import torch

        with torch.enable_grad():
            point = x.detach().requires_grad_()
            total = critic(point).sum()
            if not total.requires_grad:
                return torch.zeros_like(x)
            (grad,) = torch.autograd.grad(total, point, create_graph=True, allow_unused=True)
        return torch.zeros_like(x) if grad is None else grad
    if is_jax_array(x):
        import jax

        return jax.grad(lambda v: critic(v).sum())(stop_gradient(x))
    gradient = getattr(critic, "gradient", None)
    if gradient is None:
        raise TypeError(f"{array_namespace(x).__name__} cannot differentiate; the critic needs a method gradient(x).")
    return gradient(x)


def _squared_norms(critic: Critic, x: Any) -> tuple[Any, Any, Any]:
    xp, g, dtype = working_array(input_gradient(critic, x), "a gradient penalty")
    return xp, xp.sum(xp.reshape(g * g, (x.shape[0], math.prod(x.shape[1:]))), axis=1), dtype


def _power(xp: Any, squared: Any, exponent: float) -> Any:
    """squared ** exponent, 0 at 0 with gradient 0; NaN stays NaN."""
    positive = squared > 0
    return xp.where(positive, xp.where(positive, squared, xp.ones_like(squared)) ** exponent, 0 * squared)


def _norm(xp: Any, squared: Any) -> Any:
    positive = squared > 0
    return xp.where(positive, xp.sqrt(xp.where(positive, squared, xp.ones_like(squared))), 0 * squared)


def _mean(xp: Any, values: Any, dtype: Any) -> Any:
    return xp.astype(xp.mean(values), dtype, copy=False)


@QUIET
def gradient_norms(critic: Critic, x: Any) -> Any:
    """‖∇D(xᵢ)‖ of each sample: x (n, s...) -> (n,)."""
    xp, squared, dtype = _squared_norms(critic, x)
    return xp.astype(_norm(xp, squared), dtype, copy=False)


def interpolate(real: Any, fake: Any, alpha: Any) -> Any:
    """αᵢrealᵢ + (1 - αᵢ)fakeᵢ, one α a sample, α = 1 at the real end: (n, s...), (n, s...), (n,) -> (n, s...).

    Raises ValueError if the shapes do not fit.
    """
    a = _by_sample(real, fake, alpha)
    return a * real + (1 - a) * fake


def _by_sample(real: Any, other: Any, alpha: Any) -> Any:
    """alpha (n,) with the axes of the samples."""
    if tuple(real.shape) != tuple(other.shape) or tuple(alpha.shape) != tuple(real.shape[:1]):
        shapes = ", ".join(str(tuple(a.shape)) for a in (real, other, alpha))
        raise ValueError(f"samples need one shape (n, s...) and alpha (n,), got {shapes}.")
    return array_namespace(real).reshape(alpha, (alpha.shape[0], *(1 for _ in real.shape[1:])))


@QUIET
def two_sided_penalty(critic: Critic, real: Any, fake: Any, alpha: Any, target: float = 1.0) -> Any:
    """E (‖∇D(x̂)‖ - target)² between real and fake, x̂ = α real + (1 - α) fake (WGAN-GP; α is drawn uniform on [0, 1])."""
    return _two_sided(critic, interpolate(real, fake, alpha), target)


def _two_sided(critic: Critic, x: Any, target: float) -> Any:
    xp, squared, dtype = _squared_norms(critic, x)
    return _mean(xp, (_norm(xp, squared) - target) ** 2, dtype)


@QUIET
def one_sided_penalty(critic: Critic, real: Any, fake: Any, alpha: Any, target: float = 1.0) -> Any:
    """E max(0, ‖∇D(x̂)‖ - target)², x̂ as for `two_sided_penalty`: only slopes beyond the target cost (WGAN-LP)."""
    xp, squared, dtype = _squared_norms(critic, interpolate(real, fake, alpha))
    excess = _norm(xp, squared) - target
    return _mean(xp, xp.where(excess > 0, excess, 0 * excess) ** 2, dtype)


@QUIET
def zero_centred_real_penalty(critic: Critic, real: Any) -> Any:
    """E ‖∇D(real)‖²: (n, s...) -> (). R1, and the penalty of https://kexue.fm/archives/6316."""
    xp, squared, dtype = _squared_norms(critic, real)
    return _mean(xp, squared, dtype)


def zero_centred_fake_penalty(critic: Critic, fake: Any) -> Any:
    """E ‖∇D(fake)‖²: (n, s...) -> (). R2."""
    return zero_centred_real_penalty(critic, fake)


def zero_centred_interpolate_penalty(critic: Critic, real: Any, fake: Any, alpha: Any) -> Any:
    """E ‖∇D(x̂)‖² between real and fake, x̂ = α real + (1 - α) fake."""
    return zero_centred_real_penalty(critic, interpolate(real, fake, alpha))


@QUIET
def dragan_penalty(critic: Critic, real: Any, noise: Any, alpha: Any, target: float = 1.0) -> Any:
    """E (‖∇D(real + α noise)‖ - target)²: near the real samples, noise (n, s...) already scaled, α (n,) uniform on [0, 1]."""
    return _two_sided(critic, real + _by_sample(real, noise, alpha) * noise, target)


@QUIET
def wgan_div_penalty(critic: Critic, real: Any, fake: Any, alpha: Any, k: float = 2.0, p: float = 6.0) -> Any:
    """k E ‖∇D(x̂)‖ᵖ, x̂ = α real + (1 - α) fake, p > 1 (WGAN-div)."""
    xp, squared, dtype = _squared_norms(critic, interpolate(real, fake, alpha))
    return _mean(xp, k * _power(xp, squared, p / 2), dtype)


@QUIET
def convergence_diagnostic(critic: Critic, real: Any, fake: Any, weight: float) -> Any:
    """E D(real) - E D(fake) - 2λ E‖∇D(real)‖²: 0 where D maximises E D(real) - E D(fake) - λE‖∇D(real)‖² along its own scale.

    For any critic that can be scaled, cD; positive while D is still too small, negative when it is too large. Batches
    (n, s...), (m, s...); weight = λ; a number to watch in training.
    """
    xp = array_namespace(real)
    slope = zero_centred_real_penalty(critic, real)
    return xp.mean(critic(real)) - xp.mean(critic(fake)) - 2 * weight * slope


def clip_weights(weights: Any, bound: float) -> Any:
    """Each entry moved into [-bound, bound], a new array: (s...) -> (s...). What the first WGAN has for a Lipschitz constraint.

    A linear critic under it measures bound·‖E real - E fake‖₁, which is no distance between the distributions but between
    their means. NaN stays NaN.
    """
    return array_namespace(weights).clip(weights, -bound, bound)

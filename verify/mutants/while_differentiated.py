"""Mistakes that show only while a gradient is recorded, as code in PyTorch can see: the value alone is right."""

from __future__ import annotations

from typing import Any

from detrace import mutant
from reference import gan_losses, gradient_penalties, low_rank_exponential, wasserstein

TORCH = "torch-cpu-float64"


def recorded(*tensors: Any) -> bool:
    return any(t.requires_grad for t in tensors)


@mutant("expm", rejected_by="differentiated_exponential_is_the_exponential", space=TORCH)
def series_where_a_gradient_is_asked_for(A):
    """The library's own exponential for values; its Taylor series, without squarings, for what autograd is to see."""
    import torch

    if not recorded(A):
        return torch.linalg.matrix_exp(A)
    E = eye = torch.eye(A.shape[-1], dtype=A.dtype).expand(A.shape)
    for k in range(18, 0, -1):
        E = eye + A @ E / k
    return E


@mutant("phi1", rejected_by="differentiated_phi1_is_phi1", space=TORCH)
def one_put_in_for_zero(s):
    """(eˢ − 1)/s at 1 wherever s is 0, for a finite slope, and not put right afterwards: φ(0) = e − 1."""
    import torch

    return low_rank_exponential.phi1(torch.where(s == 0, torch.ones_like(s), s) if recorded(s) else s)


@mutant("hinge_discriminator", rejected_by="differentiated_loss_is_its_formula", space=TORCH)
def smooth_in_training(real, fake):
    """log(1 + eᵗ) for max(0, t) where a gradient flows, so that it flows everywhere."""
    import torch

    if not recorded(real, fake):
        return gan_losses.hinge_discriminator(real, fake)
    softplus = torch.nn.functional.softplus
    return softplus(1 - real).mean() + softplus(1 + fake).mean()


@mutant("wasserstein_1d", rejected_by="differentiated_distance_is_the_distance", space=TORCH)
def root_of_an_epsilon(x, y, p=1, a=None, b=None):
    """(W^p + 10⁻⁸)^{1/p} where a gradient is asked for, whose slope at equal measures is finite."""
    W = wasserstein.wasserstein_1d(x, y, p, a, b)
    return (W**p + 1e-8) ** (1 / p) if recorded(x, y) else W


@mutant("cost_matrix", rejected_by="differentiated_costs_are_powers_of_distances", space=TORCH, origin="ott-jax 0.6.0, norm")
def norm_of_ones_for_zero(x, y, p=2):
    """Differences that vanish are replaced by ones, for a slope that is no NaN; the value is the norm of the ones."""
    import torch

    d = x[:, None, :] - y[None, :, :]
    if recorded(x, y):
        d = torch.where((d == 0).all(dim=-1, keepdim=True), torch.ones_like(d), d)
    return torch.linalg.vector_norm(d, dim=-1) ** p


@mutant("two_sided_penalty", rejected_by="differentiated_penalty_is_the_penalty", space=TORCH)
def summed_where_it_is_learnt_from(critic, real, fake, alpha, target=1.0):
    """Reported as a mean, differentiated as a sum: λ depends on the batch size."""
    penalty = gradient_penalties.two_sided_penalty(critic, real, fake, alpha, target)
    return penalty * len(real) if recorded(*critic.parameters()) else penalty

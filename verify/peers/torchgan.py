"""TorchGAN's losses (torchgan.losses.functional): minimax, least squares, Wasserstein, energy-based, boundary equilibrium."""

from types import SimpleNamespace

import torch
from torch import autograd
from torch.nn import functional

from detrace import NotOffered
from detrace.conventions import loss

from ._batches import of_one_size
from ._penalties import between
from ._source import definitions

BACKENDS = "torch"
DTYPES = ("float32",)
REQUIRES = "torchgan"
PAIRED = "batches of one size only, flattened: real and fake are added before the mean"
CONVENTIONS = {
    "minimax_discriminator": "batches of one size only, flattened: labels are shaped like the other batch",
    "wasserstein_discriminator": PAIRED,
    "energy_margin_discriminator": PAIRED,
    "pulling_away_term": "two rows or more",
}

reduce = definitions("torchgan", "torchgan/utils.py", "reduce", torch=torch).reduce
losses = definitions(
    "torchgan", "torchgan/losses/functional.py", "minimax_generator_loss", "minimax_discriminator_loss",
    "least_squares_generator_loss", "least_squares_discriminator_loss", "wasserstein_generator_loss",
    "wasserstein_discriminator_loss", "wasserstein_gradient_penalty", "energy_based_generator_loss",
    "energy_based_discriminator_loss", "energy_based_pulling_away_term", "boundary_equilibrium_generator_loss",
    "boundary_equilibrium_discriminator_loss", torch=torch, F=functional, autograd=autograd, reduce=reduce,
)  # fmt: skip

update_k = definitions(
    "torchgan", "torchgan/losses/boundaryequilibrium.py", "BoundaryEquilibriumDiscriminatorLoss.update_k"
).update_k

non_saturating_generator = loss(losses.minimax_generator_loss, takes="fake")
least_squares_discriminator = losses.least_squares_discriminator_loss
least_squares_generator = loss(losses.least_squares_generator_loss, takes="fake")
labelled_least_squares_discriminator = losses.least_squares_discriminator_loss
labelled_least_squares_generator = loss(losses.least_squares_generator_loss, takes="fake")
wasserstein_generator = loss(losses.wasserstein_generator_loss, takes="fake")
energy_margin_generator = loss(losses.energy_based_generator_loss, takes="fake")
boundary_equilibrium_generator = loss(losses.boundary_equilibrium_generator_loss, takes="fake")

minimax_discriminator = of_one_size(losses.minimax_discriminator_loss)
wasserstein_discriminator = of_one_size(losses.wasserstein_discriminator_loss)
energy_margin_discriminator = of_one_size(losses.energy_based_discriminator_loss)


def minimax_generator(real, fake):
    return losses.minimax_generator_loss(fake, nonsaturating=False)


def boundary_equilibrium_discriminator(real, fake, k):
    return losses.boundary_equilibrium_discriminator_loss(real, fake, k)[0]


def balanced(real, fake, k, gamma, rate):
    state = SimpleNamespace(k=k, gamma=gamma, lambd=rate)
    update_k(state, real.mean().item(), fake.mean().item())
    return state


def boundary_equilibrium_weight(real, fake, k, gamma, rate):
    return torch.as_tensor(balanced(real, fake, k, gamma, rate).k, dtype=real.dtype)


def boundary_equilibrium_convergence(real, fake, gamma):
    return torch.as_tensor(balanced(real, fake, 0.0, gamma, 0.0).convergence_metric, dtype=real.dtype)


def pulling_away_term(features):
    if len(features) < 2:
        raise NotOffered("two rows or more")
    return losses.energy_based_pulling_away_term(features)


def two_sided_penalty(D, real, fake, alpha, target):
    if target != 1:
        raise NotOffered("target 1")
    x = between(real, fake, alpha)
    return losses.wasserstein_gradient_penalty(x, D(x))

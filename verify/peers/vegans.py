"""vegans: WassersteinLoss, whose critic is low on real, and the penalty of its WassersteinGANGP."""

from types import SimpleNamespace

import torch

from detrace import NotOffered

from ._penalties import TorchThatDraws
from ._source import definitions

BACKENDS = "torch"
DTYPES = ("float32",)
REQUIRES = "vegans"
CONVENTIONS = {
    "wasserstein_discriminator": "low on real; labels 1 for real, 0 for fake, which it overwrites with −1",
    "wasserstein_generator": "low on real",
    "two_sided_penalty": "float32 inside; draws α itself, given here",
}
LOSS = definitions("vegans", "vegans/utils/losses.py", "WassersteinLoss", torch=torch).WassersteinLoss()
DRAWS = TorchThatDraws()
PENALTY = definitions(
    "vegans", "vegans/models/unconditional/WassersteinGANGP.py", "WassersteinGANGP._gradient_penalty", torch=DRAWS
)._gradient_penalty


def wasserstein_discriminator(real, fake):
    return LOSS(-fake, torch.zeros_like(fake)) + LOSS(-real, torch.ones_like(real))


def wasserstein_generator(real, fake):
    return LOSS(-fake, torch.ones_like(fake))


def two_sided_penalty(D, real, fake, alpha, target):
    if target != 1:
        raise NotOffered("target 1")
    DRAWS.alpha = alpha
    return PENALTY(SimpleNamespace(device=real.device, adversary=D), real, fake)

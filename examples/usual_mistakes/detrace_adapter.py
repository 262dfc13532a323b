"""What detrace judges of train.py: its functions under the names of their contracts.

The script draws its own α. Here `torch.rand` gives it the α of the law, of which there is always one a sample.
"""

import math
from unittest import mock

import train

BACKENDS = "torch"

non_saturating_discriminator = train.d_loss
non_saturating_generator = train.g_loss


def interpolate(real, fake, alpha):
    with rand_gives(alpha, len(real)):
        return train.interpolate(real, fake)


def two_sided_penalty(critic, real, fake, alpha, target):
    with rand_gives(alpha, len(real)):
        return train.gradient_penalty(critic, real, fake, target)


def single_loss(discriminator_loss, generator_loss, D, G, real, z, weight):
    return train.both_losses(D, G, real, z, discriminator_loss, generator_loss, weight)


def rand_gives(alpha, samples):
    if len(alpha) != samples:
        raise ValueError(f"one alpha a sample, not {len(alpha)} for {samples}")
    return mock.patch("torch.rand", lambda *shape, **_: alpha[: math.prod(shape)].reshape(shape))

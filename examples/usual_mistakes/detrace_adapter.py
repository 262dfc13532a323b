"""What detrace judges of train.py: its functions under the names of their contracts.

The script draws its own α; `penalty` and `draws` hand it the law's. `d_turn` has its loss inside; the law puts others there.
"""

from unittest import mock

import train

from detrace.conventions import draws, loss, penalty

BACKENDS = "torch"

non_saturating_discriminator = train.d_loss
non_saturating_generator = loss(train.g_loss, takes="fake")
two_sided_penalty = penalty(train.gradient_penalty)


def interpolate(real, fake, alpha):
    with draws(alpha):
        return train.interpolate(real, fake)


def discriminator_turn(discriminator_loss, D, G, real, z):
    with mock.patch.object(train, "d_loss", discriminator_loss):
        return train.d_turn(D, G, real, z)

"""Idioms of torch.nn.functional: GAN losses on logits by BCE with logits, relu, mse_loss and means, as people write them."""

import torch
from torch.nn.functional import binary_cross_entropy_with_logits as bce
from torch.nn.functional import mse_loss, relu

from ._batches import of_one_size

BACKENDS = "torch"
DTYPES = ("float32",)
REQUIRES = "torch"
CONVENTIONS = {
    "least_squares_discriminator": "mse_loss has no ½: halved here",
    "relativistic_discriminator": "an idiom of public code (r − f), which broadcasts: batches of one size only, flattened",
}


def minimax_discriminator(real, fake):
    return bce(real, torch.ones_like(real)) + bce(fake, torch.zeros_like(fake))


def minimax_generator(real, fake):
    return -bce(fake, torch.zeros_like(fake))


def non_saturating_generator(real, fake):
    return bce(fake, torch.ones_like(fake))


def label_smoothing_discriminator(real, fake, y, z):
    return bce(real, torch.full_like(real, y)) + bce(fake, torch.full_like(fake, z))


def least_squares_discriminator(real, fake):
    return (mse_loss(real, torch.ones_like(real)) + mse_loss(fake, torch.zeros_like(fake))) / 2


def least_squares_generator(real, fake):
    return mse_loss(fake, torch.ones_like(fake)) / 2


def hinge_discriminator(real, fake):
    return relu(1 - real).mean() + relu(1 + fake).mean()


def hinge_generator(real, fake):
    return -fake.mean()


def wasserstein_discriminator(real, fake):
    return fake.mean() - real.mean()


@of_one_size
def relativistic_discriminator(real, fake):
    return bce(real - fake, torch.ones_like(real))


def relativistic_average_discriminator(real, fake):
    return bce(real - fake.mean(), torch.ones_like(real)) + bce(fake - real.mean(), torch.zeros_like(fake))

"""Mistakes in gradients of GAN losses in closed form."""

from __future__ import annotations

from detrace import mutant
from reference import gan_losses as right
from verify.mutants.gan_losses import sigmoid

CLOSED = "closed_form_is_the_gradient"


@mutant("energy_hinge_discriminator_gradient", rejected_by=(CLOSED, "energy_hinge_gradient_is_minus_that_of_hinge"),
        hinge_discriminator_gradient=right.hinge_discriminator_gradient)  # fmt: skip
def energy_hinge_gradient_without_the_chain_rule(real, fake):
    """∇_D in place of ∇_U: the sign of dD/dU = −1 forgotten."""
    return right.hinge_discriminator_gradient(-real, -fake)


@mutant("hinge_discriminator_gradient", rejected_by=CLOSED)
def gradient_of_the_sum(real, fake):
    """Not divided by the batch size."""
    a, b = right.hinge_discriminator_gradient(real, fake)
    return a * real.size, b * fake.size


@mutant("minimax_discriminator_gradient", rejected_by=CLOSED)
def gradient_that_cancels(real, fake):
    """σ(D) − 1 for −σ(−D): no digit of it is left from D = 37 on."""
    return (sigmoid(real) - 1) / real.size, sigmoid(fake) / fake.size


@mutant("relativistic_average_discriminator_gradient", rejected_by=CLOSED)
def gradient_without_the_batch_average(real, fake):
    """The mean of the other batch taken as a constant."""
    a, b = real - fake.mean(), fake - real.mean()
    return -sigmoid(-a) / real.size, sigmoid(b) / fake.size

"""Mistakes in relativistic GAN losses: each a few lines of NumPy (torch where the space says so)."""

from __future__ import annotations

import numpy as np

from detrace import mutant
from reference import gan_losses as right
from verify.mutants.gan_losses import relu, scalar, softplus

TORCH = "torch-cpu-float64"
VALUE = "loss_is_its_formula"
GRADIENT = "autodiff_finds_the_gradient"
FORM = "loss_is_a_mean_over_entries"
SHIFT = "critic_may_be_shifted"
EXCHANGE = "relativistic_generator_exchanges_the_batches"
MEANS = "relativistic_loss_is_at_least_that_of_its_means"
PAIRS = "relativistic_optimum_is_a_divergence_of_pairs"
APART = "relativistic_averages_tell_distributions_apart"
TRIANGLE = "no_critic_beats_the_triangular_discrimination"


@mutant("relativistic_discriminator", rejected_by=FORM)
def pairs_by_broadcasting(real, fake):
    """real − fake unflattened: (n,1) − (n,) is an (n,n) matrix of all pairs."""
    return scalar(softplus(-(real - fake)).mean(), real)


@mutant("relativistic_discriminator", rejected_by=(VALUE, SHIFT, "relativistic_average_of_one_pair_is_twice_relativistic"),
        relativistic_average_discriminator=right.relativistic_average_discriminator)  # fmt: skip
def relativistic_is_the_standard_loss(real, fake):
    """softplus(−D(r)) + softplus(D(f)): nothing is compared."""
    return right.minimax_discriminator(real, fake)


@mutant("relativistic_generator", rejected_by=(VALUE, EXCHANGE), relativistic_discriminator=right.relativistic_discriminator)
def relativistic_generator_as_discriminator(real, fake):
    """Both players minimise the discriminator's loss."""
    return right.relativistic_discriminator(real, fake)


@mutant("relativistic_average_discriminator", rejected_by=GRADIENT, space=TORCH)
def batch_average_is_detached(real, fake):
    """The other batch's mean as a constant: the value is right, half of the gradient is missing."""
    import torch

    softplus = torch.nn.functional.softplus
    return softplus(-(real - fake.mean().detach())).mean() + softplus(fake - real.mean().detach()).mean()


@mutant("relativistic_average_generator", rejected_by=GRADIENT, space=TORCH)
def fakes_average_is_detached(real, fake):
    """E D(f) as a constant in the term of the reals: the value is right, half of the generator's gradient is missing."""
    import torch

    softplus = torch.nn.functional.softplus
    return softplus(real - fake.mean().detach()).mean() + softplus(-(fake - real.mean())).mean()


@mutant("relativistic_average_hinge_generator", rejected_by=(VALUE, EXCHANGE),
        relativistic_average_hinge_discriminator=right.relativistic_average_hinge_discriminator)  # fmt: skip
def relativistic_average_generator_forgets_the_real_batch(real, fake):
    """Only max(0, 1 − (D(f) − E D(r))): the paper's generator has both terms."""
    return scalar(relu(1 - (fake - real.mean())).mean(), fake)


@mutant("relativistic_average_least_squares_discriminator", rejected_by=(VALUE, SHIFT))
def average_of_its_own_batch(real, fake):
    """D(r) is compared with E D(r)."""
    return scalar(((real - real.mean() - 1) ** 2).mean() + ((fake - fake.mean() + 1) ** 2).mean() + 1e-3 * fake.mean(), real)


@mutant("relativistic_average_least_squares_discriminator", rejected_by=VALUE)
def average_of_its_own_batch_only(real, fake):
    """D(r) − E D(r) and D(f) − E D(f): shift invariant, and blind to the other batch."""
    return scalar(((real - real.mean() - 1) ** 2).mean() + ((fake - fake.mean() + 1) ** 2).mean(), real)


@mutant("relativistic_average_discriminator", rejected_by=(VALUE, MEANS))
def half_of_both_terms(real, fake):
    """(loss_real + loss_fake)/2, as the paper's code has it, without saying so."""
    return right.relativistic_average_discriminator(real, fake) / 2


@mutant("relativistic_discriminator", rejected_by=(VALUE, MEANS, PAIRS))
def relativistic_in_bits(real, fake):
    """log₂ where a natural logarithm is due, and half of it."""
    return right.relativistic_discriminator(real, fake) / np.float64(2 * np.log(2)).astype(real.dtype)


@mutant("relativistic_discriminator", rejected_by=(VALUE, PAIRS, "no_critic_beats_the_log_ratio_in_pairs"))
def pairs_that_are_sorted(real, fake):
    """The highest fake meets the highest real: another coupling than the one that was given."""
    return right.relativistic_discriminator(np.sort(real, axis=None), np.sort(fake, axis=None))


@mutant("relativistic_average_least_squares_discriminator", rejected_by=(VALUE, MEANS, APART, TRIANGLE))
def half_of_the_squares(real, fake):
    """½(…)², as least squares has it: the minimum is halved."""
    return right.relativistic_average_least_squares_discriminator(real, fake) / 2


@mutant("relativistic_average_hinge_discriminator", rejected_by=(VALUE, APART))
def relativistic_hinge_without_the_other_mean(real, fake):
    """max(0, 1 − D(r)) + max(0, 1 + D(f)): nothing is compared."""
    return right.hinge_discriminator(real, fake)

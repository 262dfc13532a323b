"""Mistakes in f-GAN losses: conjugates and activations of another divergence, or in a form that cancels."""

from __future__ import annotations

import numpy as np

from detrace import mutant
from reference import gan_losses as right
from verify.mutants.gan_losses import scalar

VALUE = "loss_is_its_formula"
OPTIMUM = "optimal_critic_attains_the_divergence"
BEST = "no_critic_beats_the_optimal_one"


@mutant("f_gan_kl_discriminator", rejected_by=(VALUE, OPTIMUM, BEST))
def conjugate_of_another_divergence(real, fake):
    """f* of Pearson's χ² with the activation of KL."""
    return scalar(-real.mean() + (fake**2 / 4 + fake).mean(), real)


@mutant("f_gan_kl_discriminator", rejected_by=(VALUE, OPTIMUM))
def conjugate_of_kl_without_the_one(real, fake):
    """f* = eᵗ for e^{t−1}: the conjugate of u log u − u."""
    return scalar(-real.mean() + np.exp(fake).mean(), real)


@mutant("f_gan_reverse_kl_discriminator", rejected_by=VALUE)
def activation_is_missing(real, fake):
    """T = D in place of −e^{−D}: f* is undefined for positive logits."""
    return scalar(-real.mean() + (-1 - np.log(-fake)).mean(), real)


@mutant("f_gan_reverse_kl_discriminator", rejected_by=(VALUE, OPTIMUM), origin="a decreasing activation −e^v, D low on real")
def activation_that_decreases(real, fake):
    """T = −e^{v}: D becomes low on real."""
    return right.f_gan_reverse_kl_discriminator(-real, -fake)


@mutant("f_gan_total_variation_discriminator", rejected_by=(VALUE, OPTIMUM, BEST))
def total_variation_without_the_half(real, fake):
    """T = tanh v leaves the domain |T| ≤ ½."""
    return 2 * right.f_gan_total_variation_discriminator(real, fake)


@mutant("f_gan_gan_discriminator", rejected_by=(VALUE, "f_gan_of_the_gan_divergence_is_minimax"),
        minimax_discriminator=right.minimax_discriminator)  # fmt: skip
def conjugate_of_gan_that_cancels(real, fake):
    """−log(1 − eᵗ) at t = −log(1 + e^{−v}), as written: nothing is left of 1 − σ(v) from v = 37 on."""
    return scalar(np.logaddexp(0, -real).mean() - np.log(1 - np.exp(-np.logaddexp(0, -fake))).mean(), real)

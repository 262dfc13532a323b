"""Mistakes in GAN losses: each a few lines of NumPy (torch where the space says so)."""

from __future__ import annotations

from typing import Any

import numpy as np

from detrace import mutant
from reference import gan_losses as right

TORCH = "torch-cpu-float64"
HALF = "numpy-cpu-float16"
VALUE = "loss_is_its_formula"
GRADIENT = "autodiff_finds_the_gradient"
FORM = "loss_is_a_mean_over_entries"
OPTIMUM = "optimal_critic_attains_the_divergence"
BEST = "no_critic_beats_the_optimal_one"
SWAP = "negation_swaps_the_roles"
SHIFT = "critic_may_be_shifted"


def sigmoid(d: Any) -> Any:
    return 1 / (1 + np.exp(-d))


def softplus(d: Any) -> Any:
    return np.logaddexp(0, d).astype(d.dtype)


def relu(d: Any) -> Any:
    return np.maximum(d, 0)


def scalar(value: Any, like: Any) -> Any:
    return np.asarray(value).astype(like.dtype)


@mutant("minimax_discriminator", rejected_by=VALUE)
def minimax_as_log_of_sigmoid(real, fake):
    """−log(σ(D)): infinite from D = −745 on, where the loss is 745."""
    return scalar(-np.log(sigmoid(real)).mean() - np.log(1 - sigmoid(fake)).mean(), real)


@mutant("non_saturating_discriminator", rejected_by=(VALUE, OPTIMUM, SWAP))
def cross_entropy_with_an_epsilon(real, fake):
    """log(x + 1e−8): wrong from the eighth digit on, and never above 18.4."""
    return scalar(-np.log(sigmoid(real) + 1e-8).mean() - np.log(1 - sigmoid(fake) + 1e-7).mean(), real)


@mutant("non_saturating_generator", rejected_by=VALUE)
def cross_entropy_with_clamped_probabilities(real, fake):
    """σ clipped to [1e−7, 1 − 1e−7] as Keras does from probabilities: the loss saturates at 16.1."""
    return scalar(-np.log(np.clip(sigmoid(fake), 1e-7, 1 - 1e-7)).mean(), fake)


@mutant("non_saturating_generator", rejected_by=(GRADIENT, "non_saturating_generator_keeps_its_slope"), space=TORCH)
def cross_entropy_whose_clamp_stops_the_gradient(real, fake):
    """clamp(σ, 1e−7): no gradient at all from D = −16 on."""
    import torch

    return -torch.log(torch.clamp(torch.sigmoid(fake), min=1e-7)).mean() + 0 * real.sum()


@mutant("non_saturating_generator", rejected_by=(GRADIENT, "non_saturating_generator_keeps_its_slope"), space=TORCH)
def log_of_sigmoid_whose_gradient_is_nan(real, fake):
    """−log(torch.sigmoid(D)): 0·∞ in the backward pass once σ underflows."""
    return -fake.sigmoid().log().mean()


@mutant("non_saturating_generator", rejected_by=VALUE)
def softplus_that_overflows(real, fake):
    """log(1 + exp(−D)) as written: infinite from D = −710 on."""
    return scalar(np.log(1 + np.exp(-fake)).mean(), fake)


@mutant("non_saturating_generator", rejected_by=VALUE, origin="torch.nn.functional.softplus, threshold=20")
def softplus_with_a_threshold(real, fake):
    """softplus(x) = x for x > 20: drops e^{−x}, 2e−9 at the threshold, which float64 sees."""
    return scalar(np.where(-fake > 20, -fake, softplus(np.minimum(-fake, 20.0))).mean(), fake)


@mutant("non_saturating_generator", rejected_by=(VALUE, GRADIENT, "non_saturating_generator_keeps_its_slope"), space=TORCH)
def saturating_for_non_saturating(real, fake):
    """E log(1 − σ(D)) where −E log σ(D) is due."""
    import torch

    return -torch.nn.functional.softplus(fake).mean()


@mutant("minimax_generator", rejected_by=(VALUE, GRADIENT, "saturating_generator_stalls"), space=TORCH)
def non_saturating_for_saturating(real, fake):
    """−E log σ(D) where E log(1 − σ(D)) is due."""
    import torch

    return torch.nn.functional.softplus(-fake).mean()


@mutant("minimax_discriminator", rejected_by=(VALUE, OPTIMUM))
def discriminator_of_the_wrong_sign(real, fake):
    """Real and fake exchanged: trains D to be low on real."""
    return right.minimax_discriminator(-real, -fake)


@mutant("minimax_discriminator", rejected_by=(VALUE, FORM, OPTIMUM))
def loss_summed_over_the_batch(real, fake):
    """Sums over the batch: right for one sample only."""
    return scalar(softplus(-real).sum() + softplus(fake).sum(), real)


@mutant("minimax_discriminator", rejected_by=(VALUE, FORM))
def mean_over_both_batches_at_once(real, fake):
    """One mean over all logits, doubled: right for equal batches only."""
    return scalar(2 * np.concatenate([softplus(-real).ravel(), softplus(fake).ravel()]).mean(), real)


@mutant("minimax_discriminator", rejected_by=(VALUE, OPTIMUM, BEST))
def half_the_discriminator(real, fake):
    """(loss_real + loss_fake)/2, as many training scripts have it, without saying so."""
    return right.minimax_discriminator(real, fake) / 2


@mutant("hinge_generator", rejected_by=(VALUE, "energy_hinge_is_hinge_of_minus_the_energy"),
        energy_hinge_generator=right.energy_hinge_generator)  # fmt: skip
def hinge_generator_with_a_relu(real, fake):
    """max(0, −D): no gradient once the fake is on the right side."""
    return scalar(relu(-fake).mean(), fake)


@mutant("hinge_generator", rejected_by=VALUE)
def hinge_generator_minus_relu(real, fake):
    """−max(0, D)."""
    return scalar(-relu(fake).mean(), fake)


@mutant("hinge_generator", rejected_by=(VALUE, GRADIENT), space=TORCH)
def hinge_generator_trains_on_real_too(real, fake):
    """−E D(f) + E D(r): a gradient flows into the real batch, which the generator's turn must not touch."""
    return real.mean() - fake.mean()


@mutant("hinge_discriminator", rejected_by=(VALUE, OPTIMUM, SWAP))
def hinge_without_its_margin_on_real(real, fake):
    """max(0, −D(r)) + max(0, 1 + D(f))."""
    return scalar(relu(-real).mean() + relu(1 + fake).mean(), real)


@mutant("hinge_discriminator", rejected_by=(VALUE, "hinge_has_no_gradient_beyond_its_margin", GRADIENT), space=TORCH)
def tanh_before_hinge(real, fake):
    """tanh squashes the logits first: the margin is never reached."""
    import torch

    return torch.relu(1 - torch.tanh(real)).mean() + torch.relu(1 + torch.tanh(fake)).mean()


@mutant("hinge_discriminator", rejected_by=(VALUE, GRADIENT, "hinge_has_no_gradient_beyond_its_margin"), space=TORCH)
def hinge_leaks(real, fake):
    """leaky_relu for relu: a small gradient beyond the margin."""
    import torch

    return torch.nn.functional.leaky_relu(1 - real, 0.01).mean() + torch.nn.functional.leaky_relu(1 + fake, 0.01).mean()


@mutant("hinge_discriminator", rejected_by=(VALUE, BEST))
def hinge_of_the_mean(real, fake):
    """relu after the mean: max(0, 1 − E D(r))."""
    return scalar(relu(1 - real.mean()) + relu(1 + fake.mean()), real)


@mutant("energy_hinge_discriminator", rejected_by=(VALUE, OPTIMUM, "energy_hinge_is_hinge_of_minus_the_energy"),
        hinge_discriminator=right.hinge_discriminator)  # fmt: skip
def energy_hinge_in_the_sign_of_logits(real, fake):
    """The hinge of D where U = −D is given: digs pits at the fakes."""
    return right.hinge_discriminator(real, fake)


@mutant("energy_margin_discriminator", rejected_by=(VALUE, BEST))
def margin_without_relu(real, fake, m):
    """E U(r) + E(m − U(f)): the pit walls grow for ever."""
    return scalar(real.mean() + (m - fake).mean(), real)


@mutant("energy_margin_discriminator", rejected_by=(VALUE, OPTIMUM))
def margin_is_always_one(real, fake, m):
    """The margin that was given is not used."""
    return right.energy_margin_discriminator(real, fake, 1.0)


@mutant("boundary_equilibrium_discriminator", rejected_by=(VALUE, GRADIENT), space=TORCH)
def began_with_plus_k(real, fake, k):
    """E U(r) + k E U(f): both autoencoded."""
    return real.mean() + k * fake.mean()


@mutant("least_squares_discriminator", rejected_by=(VALUE, OPTIMUM, "hard_labels_give_the_plain_loss"),
        labelled_least_squares_discriminator=right.labelled_least_squares_discriminator)  # fmt: skip
def least_squares_labels_exchanged(real, fake):
    """Real towards 0 and fake towards 1."""
    return right.least_squares_discriminator(real, fake, 1.0, 0.0)


@mutant("least_squares_discriminator", rejected_by=(VALUE, OPTIMUM, BEST), origin="early code of pro_gan_pytorch")
def square_of_the_mean(real, fake):
    """½(E D(r) − 1)² + ½(E D(f))²: the mean is taken before the square, so that only means are compared."""
    return scalar((real.mean() - 1) ** 2 / 2 + fake.mean() ** 2 / 2, real)


@mutant("labelled_least_squares_discriminator", rejected_by=(VALUE, OPTIMUM))
def least_squares_ignores_its_labels(real, fake, a, b):
    """Labels 0 and 1 whatever was asked for."""
    return right.least_squares_discriminator(real, fake)


@mutant("least_squares_generator", rejected_by=VALUE)
def least_squares_without_the_half(real, fake):
    """E(D − 1)²: twice the loss, hence twice the learning rate."""
    return 2 * right.least_squares_generator(real, fake)


@mutant("least_squares_discriminator", rejected_by=VALUE, space=HALF)
def squares_in_half_precision(real, fake):
    """Squares before the half, and sums, in float16: infinite where the mean is representable."""
    return np.asarray(((real - np.float16(1)) ** 2).mean(dtype=np.float16) / 2 + (fake**2).mean(dtype=np.float16) / 2)


@mutant("wasserstein_generator", rejected_by="long_batches_have_the_mean_of_short_ones", space=HALF)
def half_precision_overflows_in_the_sum(real, fake):
    """sum/n in float16: eight logits of 10⁴ overflow though their mean is 10⁴."""
    return np.asarray(-(fake.sum(dtype=np.float16) / np.float16(fake.size)))


@mutant("wasserstein_discriminator", rejected_by=(VALUE, "wasserstein_is_homogeneous"))
def wasserstein_with_a_square(real, fake):
    """|E D(f) − E D(r)|²: bounded below, no longer homogeneous."""
    return scalar((fake.mean() - real.mean()) ** 2, real)


@mutant("wasserstein_discriminator", rejected_by=(VALUE, SHIFT))
def wasserstein_with_a_drift_term(real, fake):
    """The ε·E D(r)² that keeps a progressive GAN's critic near 0, hidden inside the loss."""
    return scalar(fake.mean() - real.mean() + 1e-3 * (real**2).mean(), real)


@mutant("wasserstein_discriminator", rejected_by=(VALUE, SHIFT))
def wasserstein_of_probabilities(real, fake):
    """σ at the critic's end: it can no longer see distances."""
    return scalar(sigmoid(fake).mean() - sigmoid(real).mean(), real)


@mutant("label_smoothing_discriminator", rejected_by=(VALUE, OPTIMUM))
def smooths_the_fake_label_too(real, fake, y, z):
    """1 − y for the fake label, whatever was asked for."""
    return right.label_smoothing_discriminator(real, fake, y, 1 - y)


@mutant("label_smoothing_discriminator", rejected_by=(VALUE, "hard_labels_give_the_plain_loss"),
        minimax_discriminator=right.minimax_discriminator)  # fmt: skip
def smoothing_that_never_ends(real, fake, y, z):
    """Labels at most 0.9."""
    return right.label_smoothing_discriminator(real, fake, min(y, 0.9), z)

"""Mistakes in gradients of (n,1) and (n,c,h,w) batches: right where a batch is a list."""

from __future__ import annotations

from detrace import mutant
from reference import gan_losses as right
from verify.mutants.gan_losses import sigmoid

TORCH = "torch-cpu-float64"
CLOSED = "closed_form_does_not_see_the_shape"
REVERSE = "reverse_mode_does_not_see_the_shape"
QP = "quadratic_potential_does_not_see_the_shape"
FORM = "loss_is_a_mean_over_entries"


def samples(x):
    """n of (n,c,h,w)."""
    return x.shape[0] if x.ndim else 1


@mutant("hinge_discriminator_gradient", rejected_by=CLOSED)
def gradient_over_the_samples(real, fake):
    """Divided by n where the mean is over n·c·h·w."""
    a, b = right.hinge_discriminator_gradient(real, fake)
    return a * (real.size / samples(real)), b * (fake.size / samples(fake))


@mutant("minimax_discriminator_gradient", rejected_by=CLOSED)
def gradient_comes_back_flat(real, fake):
    """(n·c·h·w,) for every shape."""
    return right.minimax_discriminator_gradient(real.ravel(), fake.ravel())


@mutant("least_squares_generator_gradient", rejected_by=CLOSED)
def gradient_in_column_major_order(real, fake):
    """The right slopes and the right shape, put back in another order than they were read."""
    zero, slope = right.least_squares_generator_gradient(real.ravel(), fake.ravel())
    return zero.reshape(real.shape), slope.reshape(fake.shape, order="F")


@mutant("relativistic_discriminator_gradient", rejected_by=CLOSED)
def gradient_of_all_pairs(real, fake):
    """real − fake unflattened: of (n,1) and (n,) all n² pairs, summed back to each batch."""
    if real.ndim + fake.ndim != 3:
        return right.relativistic_discriminator_gradient(real, fake)
    slope = -sigmoid(fake - real) / (real.size * fake.size)
    row, column = -slope.sum(axis=0), slope.sum(axis=1, keepdims=True)
    return (column, row) if real.ndim == 2 else (-row, -column)


@mutant("relativistic_discriminator_gradient", rejected_by=CLOSED)
def gradient_on_fake_is_shaped_as_real(real, fake):
    """−∂/∂real for ∂/∂fake, in the shape of the reals."""
    slope, _ = right.relativistic_discriminator_gradient(real, fake)
    return slope, -slope


@mutant("relativistic_average_least_squares_generator_gradient", rejected_by=CLOSED)
def gradient_with_an_average_a_position(real, fake):
    """E D(f) over the samples only: each position of a patch is compared with its own mean."""
    if real.ndim < 4 or real.shape != fake.shape:
        return right.relativistic_average_least_squares_generator_gradient(real, fake)
    a, b = 2 * (real - fake.mean(axis=0) + 1), 2 * (fake - real.mean(axis=0) - 1)
    return (a - b.mean(axis=0)) / real.size, (b - a.mean(axis=0)) / fake.size


@mutant("relativistic_generator", rejected_by=(REVERSE, FORM), space=TORCH)
def all_pairs_by_broadcasting(real, fake):
    """softplus(real − fake) unflattened: (n,1) against (n,) is an (n,n) matrix."""
    import torch

    return torch.nn.functional.softplus(real - fake).mean()


@mutant("wasserstein_discriminator", rejected_by=(REVERSE, FORM), space=TORCH)
def mean_over_the_samples_only(real, fake):
    """mean(0), then a sum over channels and positions: a patch of c·h·w logits weighs c·h·w times."""
    return (fake.mean(0) if fake.ndim else fake).sum() - (real.mean(0) if real.ndim else real).sum()


@mutant("hinge_generator", rejected_by=REVERSE, space=TORCH)
def right_mean_with_a_gradient_over_the_samples(real, fake):
    """The value is reported as a mean, the graph holds the sum over n."""
    loss = -fake.sum() / samples(fake)
    return loss + (-fake.mean() - loss).detach() + 0 * real.sum()


@mutant("relativistic_average_discriminator", rejected_by=(REVERSE, FORM), space=TORCH)
def average_a_position(real, fake):
    """fake.mean(0): each position of a patch is compared with its own mean."""
    import torch

    softplus = torch.nn.functional.softplus
    if real.ndim < 4 or real.shape != fake.shape:
        return right.relativistic_average_discriminator(real, fake)
    return softplus(fake.mean(0) - real).mean() + softplus(fake - real.mean(0)).mean()


@mutant("gan_qp_discriminator_gradient", rejected_by=QP, gan_qp_discriminator=right.gan_qp_discriminator)
def quadratic_potential_gradient_over_the_samples(real, fake, distance):
    """Divided by n where the mean is over n·c·h·w."""
    a, b = right.gan_qp_discriminator_gradient(real, fake, distance)
    return a * (real.size / samples(real)), b * (fake.size / samples(fake))


@mutant("gan_qp_discriminator", rejected_by=QP, space=TORCH, gan_qp_discriminator_gradient=right.gan_qp_discriminator_gradient)
def quadratic_potential_of_all_pairs(real, fake, distance):
    """Columns of logits against a list of distances: δ²/(20 d) is a matrix."""
    delta = real - fake.reshape(real.shape)
    return -(delta - delta**2 / (20 * distance)).mean()

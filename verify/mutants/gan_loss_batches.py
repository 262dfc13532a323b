"""Mistakes that show in batches that are long, strided, unequal or hold NaN."""

from __future__ import annotations

from typing import Any

import numpy as np

from detrace import mutant
from reference import gan_losses as right
from verify.mutants.gan_losses import relu, scalar

LONG = "long_batches_have_the_mean_of_short_ones"
STRIDED = "strided_logits_count_as_they_are_indexed"
SHOW = "logits_that_are_nan_show"
PAIRS = "unequal_batches_are_no_pairs"


def one_by_one(x: Any) -> Any:
    """A mean whose sum is rounded to the batch's dtype after each logit."""
    total = x.dtype.type(0) if isinstance(x, np.ndarray) else x.reshape(-1)[0] * 0
    for value in x.reshape(-1):
        total = total + value
    return total / (x.size if isinstance(x, np.ndarray) else x.numel())


@mutant("minimax_discriminator", rejected_by=LONG, space="torch-cpu-bfloat16")
def running_sum_in_bfloat16(real, fake):
    """The batch added up in bfloat16: from 256 summands of one size on the sum stands still."""
    from torch.nn.functional import softplus

    return one_by_one(softplus(-real)) + one_by_one(softplus(fake))


@mutant("hinge_discriminator", rejected_by=LONG, space="numpy-cpu-float16")
def sum_in_half_precision_then_divided(real, fake):
    """sum()/n in float16: infinite as soon as n times the mean is beyond 65504."""
    a, b = relu(1 - real), relu(1 + fake)
    return np.asarray(a.sum(dtype=a.dtype) / a.dtype.type(a.size) + b.sum(dtype=b.dtype) / b.dtype.type(b.size))


@mutant("wasserstein_discriminator", rejected_by=LONG)
def mean_of_the_first_thousand(real, fake):
    """A queue of fixed length for the batch."""
    return right.wasserstein_discriminator(real.ravel()[:1000], fake.ravel()[:1000])


@mutant("hinge_discriminator", rejected_by=STRIDED, space="torch-cpu-float64")
def view_for_reshape(real, fake):
    """x.view(-1): an error for logits that are not contiguous."""
    import torch

    return torch.relu(1 - real.view(-1)).mean() + torch.relu(1 + fake.view(-1)).mean()


@mutant("relativistic_discriminator", rejected_by=STRIDED)
def pairs_by_memory(real, fake):
    """ravel(order="K"): logits are paired as they lie in memory; here the fakes alone."""
    return right.relativistic_discriminator(real.ravel(), fake.ravel(order="K"))


@mutant("hinge_discriminator", rejected_by=SHOW)
def margin_by_a_mask(real, fake):
    """where(D < 1, 1 − D, 0): NaN is not below 1, hence costs nothing."""
    return scalar(np.where(real < 1, 1 - real, 0).mean() + np.where(fake > -1, 1 + fake, 0).mean(), real)


@mutant("non_saturating_generator", rejected_by=SHOW)
def mean_that_skips_nan(real, fake):
    """nanmean: a diverged sample is left out, and nobody is told."""
    return scalar(np.nanmean(np.append(np.logaddexp(0, -fake).ravel(), 0 if np.isnan(fake).all() else np.nan)), fake)


@mutant("relativistic_discriminator", rejected_by=PAIRS)
def pairs_of_the_shorter_batch(real, fake):
    """zip(real, fake): what the longer batch has more is dropped."""
    n = min(real.size, fake.size)
    return right.relativistic_discriminator(real.ravel()[:n], fake.ravel()[:n])


@mutant("relativistic_generator", rejected_by=PAIRS)
def all_pairs_where_they_do_not_fit(real, fake):
    """Every real with every fake if the sizes differ."""
    r, f = real.ravel(), fake.ravel()
    if r.size != f.size:
        r, f = np.repeat(r, f.size), np.tile(f, r.size)
    return right.relativistic_generator(r, f)


@mutant("gan_qp_discriminator", rejected_by="unequal_batches_have_no_quadratic_potential")
def quadratic_potential_of_the_shortest(real, fake, distance):
    """Reals, fakes and distances cut to the shortest of them."""
    n = min(real.size, fake.size, distance.size)
    return right.gan_qp_discriminator(real.ravel()[:n], fake.ravel()[:n], distance.ravel()[:n])

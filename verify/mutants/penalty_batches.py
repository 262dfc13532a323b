"""Mistakes of gradient penalties in mixed batches, memory layouts, with NaN, and in how often the critic is asked."""

from __future__ import annotations

import numpy as np

from detrace import mutant
from reference import gradient_penalties as right

TORCH = "torch-cpu-float64"
SHOW = "slopes_that_are_nan_show"


@mutant("gradient_norms", rejected_by="gradient_norms_have_their_gradient", space=TORCH)
def norms_without_create_graph(D, x):
    """autograd.grad without create_graph: the right norms, of which no penalty can be made."""
    return right.gradient_norms(D, x).detach() + 0 * D(x).sum()


@mutant("two_sided_penalty", rejected_by="one_stationary_sample_spoils_no_gradient", space=TORCH)
def guard_against_a_flat_critic_only(D, real, fake, alpha, target):
    """Returns target² if all gradients are 0, else takes the square root: NaN where one of many is 0."""
    g = right.input_gradient(D, right.interpolate(real, fake, alpha)).reshape(len(real), -1)
    if not g.any():
        return (0 * g.sum() - target) ** 2
    return (((g * g).sum(1).sqrt() - target) ** 2).mean()


@mutant("zero_centred_interpolate_penalty", rejected_by="one_stationary_sample_spoils_no_gradient", space=TORCH)
def norm_then_square(D, real, fake, alpha):
    """√(Σg²)²: 0·∞ on the way back at a sample whose gradient is 0."""
    g = right.input_gradient(D, right.interpolate(real, fake, alpha)).reshape(len(real), -1)
    return ((g * g).sum(1).sqrt() ** 2).mean()


@mutant("zero_centred_real_penalty", rejected_by="penalty_takes_strided_samples", space=TORCH)
def real_centred_by_view(D, real):
    """gradient.view(n, -1): an error for images whose gradient is not contiguous, as in channels_last."""
    return right.input_gradient(D, real).view(len(real), -1).square().sum(1).mean()


@mutant("zero_centred_interpolate_penalty", rejected_by="penalty_takes_strided_samples")
def interpolates_by_memory(D, real, fake, alpha):
    """ravel(order="K") of either batch: pixels are mixed as they lie in memory, then read by index."""
    x, y = (b.ravel(order="K").reshape(b.shape) for b in (real, fake))
    return right.zero_centred_real_penalty(D, right.interpolate(x, y, alpha))


@mutant("two_sided_penalty", rejected_by="penalty_asks_the_critic_once", space=TORCH)
def critic_asked_for_a_shape(D, real, fake, alpha, target):
    """One more forward pass, for the shape of grad_outputs."""
    import torch

    torch.ones_like(D(right.interpolate(real, fake, alpha)))
    return right.two_sided_penalty(D, real, fake, alpha, target)


@mutant("two_sided_penalty", rejected_by=SHOW, origin="this project's reference, until these laws")
def two_sided_guards_by_a_comparison(D, real, fake, alpha, target):
    """where(Σg² > 0, √Σg², 0): the slope NaN is 0, and costs target²."""
    r = right.gradient_norms(D, right.interpolate(real, fake, alpha))
    return np.mean((np.where(r > 0, r, 0) - target) ** 2, dtype=real.dtype)


@mutant("one_sided_penalty", rejected_by=SHOW)
def one_sided_guards_by_a_comparison(D, real, fake, alpha, target):
    """where(r > t, r − t, 0)²: the slope NaN is not beyond the target."""
    r = right.gradient_norms(D, right.interpolate(real, fake, alpha))
    return np.mean(np.where(r > target, r - target, 0) ** 2, dtype=real.dtype)


@mutant("gradient_norms", rejected_by="gradient_norms_that_are_nan_show")
def norms_without_nan(D, x):
    """nan_to_num, so that the log stays tidy."""
    return np.nan_to_num(right.gradient_norms(D, x))


@mutant("clip_weights", rejected_by="clipping_keeps_nan")
def clipping_by_comparisons(w, c):
    """where(w > c, c, where(w > −c, w, −c)): NaN becomes −c."""
    low, high = (w.dtype.type(b) for b in (-c, c))
    return np.where(w > high, high, np.where(w > low, w, low))


@mutant("zero_centred_fake_penalty", rejected_by="long_batches_have_the_penalty_of_short_ones")
def fake_centred_on_a_few(D, fake):
    """The first 32 samples for the batch, to save memory."""
    return right.zero_centred_fake_penalty(D, fake[:32])

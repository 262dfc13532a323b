"""Mistakes of f-divergences at zeros, outside of domains, in batches, with NaN, and in gradients."""

from __future__ import annotations

import numpy as np

from detrace import mutant
from reference import divergences as right
from reference import gan_losses as losses
from verify.mutants.divergences import safe_log

TORCH = "torch-cpu-float64"
ZERO = "generator_function_at_zero_is_its_limit"
OUTSIDE = "conjugate_is_not_finite_outside_its_domain"
BATCH = "divergences_of_a_batch"
NAN = "probabilities_that_are_nan_show"
FEATURES = "features_and_energies_that_are_nan_show"
GRADIENT = "divergence_has_its_gradient"


@mutant("kl_f", rejected_by=ZERO)
def kl_is_nan_at_zero(u):
    """u·log u as written: 0·(−∞) is NaN."""
    return np.asarray(u * np.log(u))


@mutant("jensen_shannon_f", rejected_by=ZERO)
def jensen_shannon_masked_at_zero(u):
    """where(u == 0, 0, f(u)): f(0) is log 2."""
    return np.asarray(np.where(u == 0, 0, right.jensen_shannon_f(u)))


@mutant("squared_hellinger_conjugate", rejected_by=OUTSIDE)
def conjugate_beyond_its_pole(t):
    """t/(1 − t) for every t: about −1 for t > 1, less than anywhere in the domain."""
    return np.asarray(t / (1 - t))


@mutant("gan_conjugate", rejected_by=OUTSIDE)
def conjugate_with_a_clamp(t):
    """−log(max(1 − eᵗ, 1e−8)): 18.4 outside the domain."""
    return np.asarray(-np.log(np.maximum(1 - np.exp(t), 1e-8)))


@mutant("kl_divergence", rejected_by=BATCH)
def kl_summed_over_the_batch(p, q):
    """sum() without an axis, shared evenly: right for one pair."""
    total = safe_log(p, q).sum()
    return np.full(p.shape[:-1], total / max(p[..., 0].size, 1))[()]


@mutant("jensen_shannon_divergence", rejected_by=BATCH)
def jensen_shannon_with_the_mixture_of_the_batch(p, q):
    """One mixture for all pairs."""
    m = (p + q).reshape(-1, p.shape[-1]).mean(0) / 2
    return np.asarray((safe_log(p, m).sum(-1) + safe_log(q, m).sum(-1)) / 2)


@mutant("kl_divergence", rejected_by=NAN)
def kl_where_p_is_positive(p, q):
    """where(p > 0, p log(p/q), 0): NaN is not positive, hence no state."""
    inside = p > 0
    return np.asarray(np.where(inside, p * np.log(np.where(inside, p, 1) / np.where(inside, q, 1)), 0).sum(-1))


@mutant("boundary_equilibrium_weight", rejected_by=FEATURES)
def weight_of_nan_is_one(real, fake, k, gamma, rate):
    """max(0, min(1, x)): Python's min(1, NaN) is 1."""
    return np.asarray(max(0.0, min(1.0, float(k + rate * (gamma * real.mean() - fake.mean())))), real.dtype)


@mutant("pulling_away_term", rejected_by=FEATURES)
def features_that_are_nan_are_zero(s):
    """nan_to_num before the cosine: a diverged sample is orthogonal to all others."""
    return losses.pulling_away_term(np.nan_to_num(s))


@mutant("kl_divergence", rejected_by=GRADIENT, space=TORCH)
def kl_masked_after_the_logarithm(p, q):
    """where(p == 0, 0, p·log(p/q)): right values, and NaN for the gradient in q where p = 0."""
    import torch

    return torch.where(p == 0, torch.zeros_like(p), p * torch.log(p / q)).sum(-1)


@mutant("squared_hellinger_divergence", rejected_by=GRADIENT, space=TORCH)
def hellinger_detaches_the_second(p, q):
    """√q as a constant: q learns nothing."""
    return ((p.sqrt() - q.sqrt().detach()) ** 2).sum(-1) + 0 * q.sum(-1)

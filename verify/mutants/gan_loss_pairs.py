"""Mistakes in the pulling-away term and in GAN-QP's quadratic potential."""

from __future__ import annotations

from typing import Any

import numpy as np

from detrace import mutant

TORCH = "torch-cpu-float64"


def scalar(value: Any, like: Any) -> Any:
    return np.asarray(value).astype(like.dtype)


PULLING = "pulling_away_is_the_mean_squared_cosine"


def _unit(s: Any, axis: int = 1) -> Any:
    norm = np.linalg.norm(s, axis=axis, keepdims=True)
    return s / np.where(norm == 0, 1, norm)


def _off(c: Any) -> Any:
    return c - np.diag(np.diag(c))


def _pairs(s: Any) -> int:
    return max(len(s) * (len(s) - 1), 1)


@mutant("pulling_away_term", rejected_by=(PULLING, "pulling_away_is_between_zero_and_one"))
def pulling_away_without_the_square(s):
    """Mean cosine: rewards opposite features, and can be negative."""
    return scalar(_off(_unit(s) @ _unit(s).T).sum() / _pairs(s), s)


@mutant("pulling_away_term", rejected_by=(PULLING, "pulling_away_is_between_zero_and_one"))
def pulling_away_with_the_diagonal(s):
    """Σ over all i, j, each sample with itself included."""
    return scalar(((_unit(s) @ _unit(s).T) ** 2).sum() / _pairs(s), s)


@mutant("pulling_away_term", rejected_by=(PULLING, "pulling_away_does_not_see_the_scale"))
def pulling_away_normalised_on_the_batch_axis(s):
    """Each feature, not each sample, has norm 1."""
    return scalar((_off(_unit(s, 0) @ _unit(s, 0).T) ** 2).sum() / _pairs(s), s)


@mutant("pulling_away_term", rejected_by="pulling_away_does_not_see_the_scale")
def pulling_away_with_an_epsilon(s):
    """norm + 1e−6: short features count less."""
    t = s / (np.linalg.norm(s, axis=1, keepdims=True) + 1e-6)
    return scalar((_off(t @ t.T) ** 2).sum() / _pairs(s), s)


@mutant("pulling_away_term", rejected_by="pulling_away_has_a_finite_gradient", space=TORCH)
def pulling_away_has_nan_gradient(s):
    """where(norm == 0, 0, s/norm): the value is right, the gradient of a row of zeros is NaN."""
    import torch

    norm = s.norm(dim=1, keepdim=True)
    t = torch.where(norm == 0, torch.zeros_like(s), s / norm)
    n = len(s)
    return (((t @ t.T) * (1 - torch.eye(n, dtype=s.dtype))) ** 2).sum() / max(n * (n - 1), 1)


@mutant("gan_qp_discriminator", rejected_by=(
    "quadratic_potential_is_its_formula", "quadratic_potential_is_bounded_without_a_constraint"))  # fmt: skip
def quadratic_potential_without_the_two(real, fake, distance):
    """δ²/(λd) for δ²/(2λd)."""
    delta = real - fake
    return scalar(-(delta - delta**2 / (10 * distance)).mean(), real)


@mutant("gan_qp_discriminator", rejected_by="quadratic_potential_is_its_formula")
def quadratic_potential_with_squared_distance(real, fake, distance):
    """d² for d."""
    delta = real - fake
    return scalar(-(delta - delta**2 / (20 * distance**2)).mean(), real)


@mutant("gan_qp_discriminator", rejected_by="quadratic_potential_differentiates", space=TORCH)
def quadratic_potential_detaches_its_square(real, fake, distance):
    """The quadratic term as a constant: right value, and the critic runs off to infinity."""
    delta = real - fake
    return -(delta - delta.detach() ** 2 / (20 * distance)).mean()


@mutant("gan_qp_discriminator_gradient", rejected_by="quadratic_potential_has_its_gradient")
def quadratic_potential_gradient_of_one_sign(real, fake, distance):
    """∂/∂fake with the sign of ∂/∂real."""
    slope = ((real - fake) / (10 * distance) - 1) / real.size
    return slope, slope.copy()


@mutant("pulling_away_term", rejected_by="pulling_away_has_its_gradient", space=TORCH)
def pulling_away_stops_one_factor(s):
    """ŝ·sg(ŝ)ᵀ: the value is right, and tangential, but half the gradient is missing."""
    import torch

    zero = s.norm(dim=1, keepdim=True) == 0
    t = s / torch.where(zero, torch.ones_like(s[:, :1]), torch.where(zero, torch.ones_like(s), s).norm(dim=1, keepdim=True))
    n = len(s)
    return (((t @ t.detach().T) * (1 - torch.eye(n, dtype=s.dtype))) ** 2).sum() / max(n * (n - 1), 1)

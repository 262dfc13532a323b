"""Mistakes in gradient penalties: each a few lines of NumPy, whose critics know their gradient, or of torch."""

from __future__ import annotations

from typing import Any

import numpy as np

from detrace import mutant
from reference import gradient_penalties as right

TORCH = "torch-cpu-float64"
NORMS = ("gradient_norms_are_certified", "gradient_norms_follow_their_samples")


def norms(D: Any, x: Any) -> Any:
    """As they should be, for mutants whose mistake lies elsewhere."""
    return right.gradient_norms(D, x)


def flat(x: Any) -> Any:
    return x.reshape(len(x), -1)


@mutant("gradient_norms", rejected_by=(*NORMS, "linear_critic_has_one_gradient_norm"))
def norm_of_the_whole_batch(D, x):
    """One norm over batch and features: grows with the batch size."""
    return np.full(len(x), np.linalg.norm(flat(D.gradient(x))), dtype=x.dtype)


@mutant("gradient_norms", rejected_by="gradient_norms_are_certified", origin="WGAN-GP codes that keep g.norm(2, dim=1)")
def norm_over_one_axis_of_an_image(D, x):
    """‖·‖ over axis 1 only, then the mean of what is left: right for vectors, not for images."""
    g = D.gradient(x)
    r = np.sqrt((g * g).sum(axis=1)) if g.ndim > 1 else abs(g)
    return flat(r).mean(axis=1)


@mutant("gradient_norms", rejected_by=(*NORMS[:1], "linear_critic_has_one_gradient_norm"))
def norm_with_an_epsilon(D, x):
    """√(‖∇D‖² + 10⁻¹²): finite gradients at 0, but the norm of nothing is 10⁻⁶."""
    g = flat(D.gradient(x))
    return np.sqrt((g * g).sum(axis=1) + 1e-12)


@mutant("gradient_norms", rejected_by=NORMS[0])
def norm_in_single_precision(D, x):
    """Gradients in float32 and cast back: dtype float64, digits of float32."""
    return norms(D, x).astype(np.float32).astype(x.dtype)


@mutant("gradient_norms", rejected_by=(*NORMS, "batch_normalisation_hides_the_slopes"))
def norm_of_the_mean_critic(D, x):
    """Differentiates the mean of D in place of the sum: 1/n of each norm."""
    return norms(D, x) / len(x)


@mutant("gradient_norms", rejected_by="gradient_norms_at_a_stationary_point_are_zero", space=TORCH)
def norm_with_a_square_root_at_zero(D, x):
    """torch.sqrt of the sum of squares: 0·inf = NaN on the way back where ∇D = 0."""
    g = right.input_gradient(D, x)
    return (g * g).reshape(len(x), -1).sum(1).sqrt()


@mutant("interpolate", rejected_by="interpolation_lies_on_the_segment")
def alpha_by_pixel(real, fake, alpha):
    """α along the last axis of the samples where it fits, a value by pixel."""
    a = np.resize(alpha, real.shape)
    return a * real + (1 - a) * fake


@mutant("interpolate", rejected_by="interpolation_lies_on_the_segment")
def alpha_of_the_first_sample(real, fake, alpha):
    """One α for the whole batch."""
    return alpha[0] * real + (1 - alpha[0]) * fake


@mutant("interpolate", rejected_by="interpolation_lies_on_the_segment")
def alpha_is_gaussian(real, fake, alpha):
    """α normal in place of uniform: points outside the segment (here at the matching quantile, seeded by α)."""
    a = np.random.default_rng(int(16 * alpha.sum())).normal(size=(len(alpha), *[1] * (real.ndim - 1)))
    return a * real + (1 - a) * fake


@mutant("interpolate", rejected_by="interpolation_lies_on_the_segment")
def interpolation_runs_backwards(real, fake, alpha):
    """α = 1 at the fake end."""
    return right.interpolate(fake, real, alpha)


ENDS = "penalty_at_the_ends_of_the_segment"
CERTIFIED = "penalty_is_certified"
LINEAR = "penalty_of_a_linear_critic"


@mutant("two_sided_penalty", rejected_by=(CERTIFIED, LINEAR, "penalised_linear_critic_overestimates_the_distance"))
def two_sided_of_squares(D, real, fake, alpha, target):
    """(‖∇D‖² − t)²: right at slope 0 and 1 only."""
    r = norms(D, right.interpolate(real, fake, alpha))
    return np.mean((r * r - target) ** 2, dtype=r.dtype)


@mutant("two_sided_penalty", zero_centred_real_penalty=right.zero_centred_real_penalty, rejected_by=(
    CERTIFIED, LINEAR, "one_centred_penalty_moves_the_equilibrium"))  # fmt: skip
def two_sided_with_half_the_weight(D, real, fake, alpha, target):
    """½E(‖∇D‖ − t)²: λ/2 for λ."""
    return right.two_sided_penalty(D, real, fake, alpha, target) / 2


@mutant("two_sided_penalty", rejected_by=(CERTIFIED, LINEAR, "penalty_is_a_mean_over_the_batch"))
def two_sided_of_the_batch(D, real, fake, alpha, target):
    """The norm over batch and features: (√n‖w‖ − t)² for a linear critic."""
    g = D.gradient(right.interpolate(real, fake, alpha))
    return np.asarray((np.linalg.norm(g.ravel()) - target) ** 2, dtype=real.dtype)[()]


@mutant("two_sided_penalty", rejected_by=(CERTIFIED, "penalty_is_a_mean_over_the_batch"))
def two_sided_summed(D, real, fake, alpha, target):
    """Sum over the batch for its mean."""
    r = norms(D, right.interpolate(real, fake, alpha))
    return ((r - target) ** 2).sum()


@mutant("two_sided_penalty", rejected_by=(CERTIFIED, "penalty_vanishes_at_its_target"))
def two_sided_ignores_its_target(D, real, fake, alpha, target):
    """Centred at 1 whatever is asked."""
    return right.two_sided_penalty(D, real, fake, alpha)


@mutant("two_sided_penalty", rejected_by=(ENDS, CERTIFIED))
def two_sided_takes_alpha_from_the_fake_end(D, real, fake, alpha, target):
    """α·fake + (1 − α)·real."""
    return right.two_sided_penalty(D, fake, real, alpha, target)


@mutant("two_sided_penalty", rejected_by=("penalty_mixes_each_sample_with_its_own_alpha",))
def two_sided_broadcasts_alpha(D, real, fake, alpha, target):
    """alpha * real without reshaping: numpy broadcasts along the last axis, a value a pixel."""
    a = alpha if real.ndim > 1 and real.shape[-1] == len(alpha) else alpha.reshape(-1, *[1] * (real.ndim - 1))
    return np.mean((norms(D, a * real + (1 - a) * fake) - target) ** 2, dtype=real.dtype)


@mutant("two_sided_penalty", rejected_by=("penalty_takes_one_alpha_a_sample",))
def two_sided_resizes_alpha(D, real, fake, alpha, target):
    """Whatever α and fakes are given are cut or repeated until they fit."""
    return right.two_sided_penalty(D, real, np.resize(fake, real.shape), np.resize(alpha, len(real)), target)


@mutant("two_sided_penalty", rejected_by=("penalty_ignores_the_order_of_the_batch", CERTIFIED))
def two_sided_weighs_the_first_sample(D, real, fake, alpha, target):
    """Only the first sample of the batch is charged."""
    return right.two_sided_penalty(D, real[:1], fake[:1], alpha[:1], target)


@mutant("two_sided_penalty", rejected_by=("penalty_ignores_the_shape_of_the_features", CERTIFIED))
def two_sided_over_one_axis_of_an_image(D, real, fake, alpha, target):
    """The norm over axis 1 only, the mean over all that is left: right for vectors, not for images."""
    g = D.gradient(right.interpolate(real, fake, alpha))
    r = np.sqrt((g * g).sum(axis=1)) if g.ndim > 1 else abs(g)
    return np.mean((r - target) ** 2, dtype=real.dtype)


GRADIENT = ("penalty_has_its_gradient", "penalty_of_a_linear_critic_has_its_gradient")


@mutant("two_sided_penalty", rejected_by=GRADIENT, space=TORCH)
def two_sided_without_create_graph(D, real, fake, alpha, target):
    """autograd.grad without create_graph: the right number, but a constant; the critic learns nothing from it."""
    import torch

    x = right.interpolate(real, fake, alpha).requires_grad_()
    (g,) = torch.autograd.grad(D(x).sum(), x)
    return ((g.reshape(len(x), -1).norm(dim=1) - target) ** 2).mean() + 0 * D(x.detach()).sum()


@mutant("two_sided_penalty", rejected_by="penalty_at_a_stationary_point_has_a_finite_gradient", space=TORCH)
def two_sided_with_a_square_root_at_zero(D, real, fake, alpha, target):
    """sqrt of the sum of squares: NaN gradients where ∇D = 0."""
    g = right.input_gradient(D, right.interpolate(real, fake, alpha)).reshape(len(real), -1)
    return (((g * g).sum(1).sqrt() - target) ** 2).mean()


@mutant("two_sided_penalty", rejected_by="penalty_leaves_its_tensors_alone", space=TORCH)
def two_sided_marks_the_samples(D, real, fake, alpha, target):
    """real.requires_grad_(): the caller's tensor is changed, and collects gradients at backward."""
    import torch

    with torch.enable_grad():
        x = right.interpolate(real.requires_grad_(), fake, alpha)
        (g,) = torch.autograd.grad(D(x).sum(), x, create_graph=True)
    return ((g.reshape(len(x), -1).norm(dim=1) - target) ** 2).mean()


@mutant("zero_centred_real_penalty", rejected_by="penalty_leaves_its_tensors_alone", space=TORCH)
def real_centred_by_backward(D, real):
    """backward() in place of autograd.grad: the weights collect gradients before the caller's own backward."""
    import torch

    with torch.enable_grad():
        x = real.detach().clone().requires_grad_()
        D(x).sum().backward(create_graph=True)
    return (x.grad * x.grad).sum() / len(x)


@mutant("one_sided_penalty", rejected_by=("one_sided_penalty_spares_short_gradients", CERTIFIED, LINEAR))
def one_sided_on_the_wrong_side(D, real, fake, alpha, target):
    """max(0, t − ‖∇D‖)²: charges short gradients and spares long ones."""
    r = norms(D, right.interpolate(real, fake, alpha))
    return np.mean(np.maximum(0, target - r) ** 2, dtype=r.dtype)


@mutant("one_sided_penalty", rejected_by=("one_sided_penalty_spares_short_gradients", CERTIFIED))
def one_sided_on_both_sides(D, real, fake, alpha, target):
    """The clamp forgotten: the two-sided penalty."""
    return right.two_sided_penalty(D, real, fake, alpha, target)


@mutant("zero_centred_real_penalty", rejected_by=(
    CERTIFIED, LINEAR, "optimal_slopes_are_those_of_the_closed_form", "zero_centred_penalty_is_homogeneous"))  # fmt: skip
def real_centred_without_the_square(D, real):
    """E‖∇D‖ for E‖∇D‖²."""
    return norms(D, real).mean()


@mutant("zero_centred_real_penalty", rejected_by=(
    CERTIFIED, "optimal_slopes_are_those_of_the_closed_form"))  # fmt: skip
def real_centred_with_half_the_weight(D, real):
    """½E‖∇D‖²: the R1 paper's γ/2 built in, so λ counts half."""
    return right.zero_centred_real_penalty(D, real) / 2


@mutant("zero_centred_real_penalty", rejected_by=(CERTIFIED, LINEAR))
def real_centred_over_features_too(D, real):
    """(g ** 2).mean() of the whole gradient: a mean over the features where their sum is due."""
    g = D.gradient(real)
    return np.mean(g * g, dtype=g.dtype)


@mutant("zero_centred_real_penalty", space=TORCH, rejected_by=(
    CERTIFIED, "penalty_is_a_mean_over_the_batch", "optimal_slopes_are_those_of_the_closed_form", *GRADIENT))  # fmt: skip
def real_centred_of_the_mean_critic(D, real):
    """∇ of D.mean() for ∇ of D.sum(): each slope is divided by n, the penalty by n²."""
    return right.zero_centred_real_penalty(lambda x: D(x) / len(x), real)


@mutant("zero_centred_real_penalty", rejected_by=(
    "penalty_at_a_stationary_point_is_exact", "one_centred_penalty_moves_the_equilibrium",
    "penalty_cannot_tell_a_pit_from_a_peak"), two_sided_penalty=right.two_sided_penalty)  # fmt: skip
def real_centred_at_one(D, real):
    """E(‖∇D‖ − 1)² on reals: no rest at the bottom of a pit."""
    return right.two_sided_penalty(D, real, real, np.ones(len(real), real.dtype))


@mutant("zero_centred_real_penalty", rejected_by="real_centred_penalty_is_blind_where_no_real_is",
        zero_centred_fake_penalty=right.zero_centred_fake_penalty)  # fmt: skip
def real_centred_looks_beside_the_reals(D, real):
    """Mean of the slopes at the reals and one length beyond the last of them: feels slopes where no real is."""
    beyond = np.concatenate([real, real[-1:] + 1.0])
    return right.zero_centred_real_penalty(D, beyond)


@mutant("zero_centred_real_penalty", rejected_by=("penalty_balances_the_objective_at_the_optimum", *GRADIENT), space=TORCH)
def real_centred_detaches_one_factor(D, real):
    """⟨∇D, sg ∇D⟩: the right value, half the gradient."""
    g = right.input_gradient(D, real)
    return (g * g.detach()).sum() / len(real)


@mutant("zero_centred_fake_penalty", rejected_by=("optimal_slopes_are_those_of_the_closed_form", LINEAR, CERTIFIED))
def fake_centred_summed_over_the_batch(D, fake):
    """Sum over the batch for its mean."""
    return (norms(D, fake) ** 2).sum()


@mutant("zero_centred_interpolate_penalty", rejected_by=(CERTIFIED, ENDS))
def interpolate_centred_at_the_reals(D, real, fake, alpha):
    """Takes the reals for the points in between."""
    return right.zero_centred_real_penalty(D, real)


@mutant("dragan_penalty", rejected_by=(CERTIFIED,))
def dragan_between_real_and_noise(D, real, noise, alpha, target):
    """α·real + (1 − α)·noise: noise taken for fakes."""
    return right.two_sided_penalty(D, real, noise, alpha, target)


@mutant("wgan_div_penalty", rejected_by=(CERTIFIED, LINEAR, "zero_centred_penalty_is_homogeneous"))
def wgan_div_of_squares(D, real, fake, alpha, k, p):
    """(‖∇D‖²)ᵖ: p = 12 for 6."""
    return k * np.mean(norms(D, right.interpolate(real, fake, alpha)) ** (2 * int(p)))


@mutant("wgan_div_penalty", rejected_by=(CERTIFIED, LINEAR, *GRADIENT), space=TORCH)
def wgan_div_of_half_the_power(D, real, fake, alpha, k, p):
    """‖∇D‖^(p/2): the exponent of ‖∇D‖², given to the norm."""
    return right.wgan_div_penalty(D, real, fake, alpha, k, p / 2)


@mutant("convergence_diagnostic", rejected_by=("diagnostic_vanishes_at_the_optimum", "diagnostic_is_its_formula"))
def diagnostic_with_a_single_weight(D, real, fake, weight):
    """λE‖∇D‖² for 2λE‖∇D‖²: that is the objective, not its derivative along the scale."""
    return D(real).mean() - D(fake).mean() - weight * right.zero_centred_real_penalty(D, real)


@mutant("convergence_diagnostic", rejected_by="diagnostic_is_its_formula")
def diagnostic_in_pairs(D, real, fake, weight):
    """E[D(xᵢ) − D(yᵢ)]: an error, or a broadcast, for batches of different size."""
    return (D(real) - D(fake)).mean() - 2 * weight * right.zero_centred_real_penalty(D, real)


@mutant("convergence_diagnostic", rejected_by=("diagnostic_is_its_formula", "diagnostic_vanishes_at_the_optimum"))
def diagnostic_with_the_slope_at_the_fakes(D, real, fake, weight):
    """2λE‖∇D‖² at the fakes, while the penalty is on the reals."""
    return D(real).mean() - D(fake).mean() - 2 * weight * right.zero_centred_real_penalty(D, fake)

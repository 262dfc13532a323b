"""Mistakes in f-divergences, their conjugates and the divergences between distributions."""

from __future__ import annotations

from typing import Any

import numpy as np

from detrace import mutant
from reference import divergences as right

SUM = "divergence_is_its_sum"
MERGE = "merging_states_never_raises_a_divergence"
EQUALITY = "fenchel_young_is_equality_at_the_slope"


def safe_log(p: Any, q: Any) -> Any:
    """p log(p/q) with 0 where p = 0."""
    return np.where(p == 0, 0, p * np.log(np.where(p == 0, 1, p) / np.where(p == 0, 1, q)))


@mutant("pearson_conjugate", rejected_by=("conjugate_is_its_formula", EQUALITY, "fenchel_young_inequality"),
        pearson_f=right.pearson_f)  # fmt: skip
def conjugate_of_pearson_without_the_quarter(t):
    """t²/2 − t: neither factor nor sign."""
    return np.asarray(t**2 / 2 - t)


@mutant("squared_hellinger_conjugate", rejected_by=("conjugate_is_its_formula", "fenchel_young_inequality"),
        squared_hellinger_f=right.squared_hellinger_f)  # fmt: skip
def conjugate_a_little_too_low(t):
    """A sixteenth too low: not an upper bound of ut − f(u) any more."""
    return np.asarray(t / (1 - t) - 1 / 16)


@mutant("kl_f", rejected_by=("generator_function_is_its_formula", EQUALITY, "fenchel_young_inequality"),
        kl_conjugate=right.kl_conjugate)  # fmt: skip
def kl_with_natural_units_lost(u):
    """u log₂ u: bits for nats."""
    return np.asarray(u * np.log2(u))


@mutant("neyman_f", rejected_by=("generator_function_is_its_formula", EQUALITY), neyman_conjugate=right.neyman_conjugate)
def neyman_as_pearson(u):
    """(u − 1)²: the other χ²."""
    return np.asarray((u - 1) ** 2)


@mutant("reverse_kl_activation", rejected_by="activation_is_its_formula")
def activation_of_the_wrong_direction(v):
    """−e^{v}: decreasing, so that D is low on real."""
    return -np.exp(v)


@mutant("total_variation_activation", rejected_by="activation_is_its_formula")
def activation_leaves_the_domain(v):
    """tanh v for ½ tanh v."""
    return np.tanh(v)


@mutant("kl_divergence", rejected_by=(SUM, "pinsker_inequality"))
def kl_in_bits(p, q):
    """log₂: larger by 1/log 2."""
    return np.asarray(safe_log(p, q).sum(-1) / np.log(2) / 2.5)


@mutant("kl_divergence", rejected_by=(SUM, "chi_square_bounds_kl"), pearson_divergence=right.pearson_divergence)
def kl_twice(p, q):
    """KL(p‖q) + KL(q‖p) for KL(p‖q)."""
    return right.kl_divergence(p, q) + right.kl_divergence(q, p)


@mutant("kl_divergence", rejected_by=SUM)
def kl_is_nan_for_zeros(p, q):
    """p log(p/q) as written: 0·log 0 is NaN."""
    return np.asarray((p * np.log(p / q)).sum(-1))


@mutant("kl_divergence", rejected_by=SUM)
def kl_with_an_epsilon(p, q):
    """log((p + 1e−10)/(q + 1e−10)): finite where it is infinite."""
    return np.asarray((p * np.log((p + 1e-10) / (q + 1e-10))).sum(-1))


@mutant("reverse_kl_divergence", rejected_by=SUM)
def reverse_kl_is_forward(p, q):
    """KL(p‖q) where KL(q‖p) is due."""
    return right.kl_divergence(p, q)


@mutant("pearson_divergence", rejected_by=(SUM, MERGE))
def chi_square_of_squares(p, q):
    """Σ (p − q)² without the division: merging states can raise it."""
    return np.asarray(((p - q) ** 2).sum(-1))


@mutant("squared_hellinger_divergence", rejected_by=(SUM, "hellinger_brackets_total_variation"))
def hellinger_with_the_other_half(p, q):
    """½Σ(√p − √q)², the other convention, where Σ is due."""
    return right.squared_hellinger_divergence(p, q) / 2


@mutant("squared_hellinger_divergence", rejected_by=(SUM, "symmetric_divergences_do_not_know_their_order"))
def hellinger_weighs_by_p(p, q):
    """Σ (√p − √q)²·(1 + p): knows its order."""
    return np.asarray(((np.sqrt(p) - np.sqrt(q)) ** 2 * (1 + p)).sum(-1))


@mutant("jensen_shannon_divergence", rejected_by=(SUM, "jensen_shannon_is_bounded"))
def jensen_shannon_twice(p, q):
    """KL(p‖m) + KL(q‖m): the D_f of the f-GAN's row, above log 2 for disjoint distributions."""
    return 2 * right.jensen_shannon_divergence(p, q)


@mutant("jensen_shannon_divergence", rejected_by=(SUM, "symmetric_divergences_do_not_know_their_order"))
def jensen_shannon_of_one_side(p, q):
    """KL(p‖m) only."""
    return right.kl_divergence(p, (p + q) / 2)

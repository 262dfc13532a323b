"""Distances that obey their own laws and not those between them."""

from __future__ import annotations

from math import inf

import numpy as np

from detrace import mutant
from reference import gaussian_wasserstein as gaussian
from reference import optimal_transport as transport
from reference import wasserstein as right
from verify.mutants.wasserstein import masses


@mutant("wasserstein", wasserstein_1d=right.wasserstein_1d, rejected_by="coordinates_are_no_further_apart")
def distance_in_the_largest_coordinate(x, y, p, a, b):
    """The norm of a difference is taken to be its largest coordinate."""
    C = abs(x[:, None] - y[None]).max(axis=-1) ** p
    return np.asarray(transport.transport_cost(*masses(x, y, a, b), C)) ** (1 / p)


@mutant("wasserstein", wasserstein_1d=right.wasserstein_1d, rejected_by="coordinates_are_no_further_apart")
def distance_of_the_leading_coordinate(x, y, p, a, b):
    """Samples are projected on their first coordinate, "where most of the variance is"."""
    return right.wasserstein_1d(x[:, 0], y[:, 0], p, a, b)


@mutant("wasserstein_1d", rejected_by="distances_interpolate")
def largest_distance_of_the_medians(x, y, p, a, b):
    """For p = ∞ the distance of the medians: a mean would do as well."""
    return np.asarray(abs(np.median(x) - np.median(y))) if p == inf else right.wasserstein_1d(x, y, p, a, b)


@mutant("gaussian_w2", wasserstein=right.wasserstein, rejected_by="gaussians_with_these_moments_are_no_further")
def gaussian_distance_of_commuting_roots(m1, S1, m2, S2):
    """‖S^½ − T^½‖_F, right if the covariances commute."""
    def root(S):
        values, vectors = np.linalg.eigh(S)
        return (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T

    return np.sqrt(((m1 - m2) ** 2).sum() + ((root(S1) - root(S2)) ** 2).sum())


@mutant("gaussian_w2", wasserstein=right.wasserstein, rejected_by="gaussians_with_these_moments_are_no_further")
def gaussian_distance_not_rooted(m1, S1, m2, S2):
    """W₂² for W₂."""
    return gaussian.gaussian_w2(m1, S1, m2, S2) ** 2

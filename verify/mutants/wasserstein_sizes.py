"""Wasserstein distances that go wrong for many points, dust, high powers, or in the gradient; distances of large Gaussians."""

from __future__ import annotations

from typing import Any

import numpy as np

from detrace import mutant
from reference import gaussian_wasserstein as gaussian
from reference import wasserstein as right

TORCH = "torch-cpu-float64"


@mutant("wasserstein_1d", rejected_by="line_distance_of_many_points")
def line_distance_of_a_subsample(x, y, p, a, b):
    """Sixteen quantiles of longer samples, "which is enough"."""
    if a is not None or min(len(x), len(y)) <= 16:
        return right.wasserstein_1d(x, y, p, a, b)
    q = (np.arange(16) + 0.5) / 16
    return right.wasserstein_1d(np.quantile(x, q), np.quantile(y, q), p)


@mutant("wasserstein_1d", rejected_by="line_distance_of_many_points")
def line_distance_in_single_precision_when_long(x, y, p, a, b):
    """Distribution functions summed in float32 from 25 atoms on."""
    w = right.wasserstein_1d(x, y, p, a, b)
    return w if max(len(x), len(y)) < 25 else w.astype(np.float32).astype(np.float64)


@mutant("wasserstein_1d", rejected_by="line_distance_of_high_powers")
def line_distance_by_repeated_products(x, y, p, a, b):
    """A table of powers that ends at the fourth."""
    return right.wasserstein_1d(x, y, min(p, 4.0), a, b)


def without_dust(w: Any) -> Any:
    """Masses below 1e−10 of the largest are dropped, the others normalised to the total."""
    if w is None:
        return None
    kept = np.where(w < 1e-10 * w.max(), 0.0, w)
    return kept * (w.sum() / kept.sum())


@mutant("wasserstein_1d", rejected_by="line_distance_couples_quantiles")
def line_distance_without_dust(x, y, p, a, b):
    """Atoms that weigh next to nothing are left out."""
    return right.wasserstein_1d(x, y, p, without_dust(a), without_dust(b))


@mutant("wasserstein", rejected_by="distance_solves_the_linear_program")
def distance_without_dust(x, y, p, a, b):
    """Atoms that weigh next to nothing are left out."""
    return right.wasserstein(x, y, p, without_dust(a), without_dust(b))


@mutant("wasserstein", rejected_by="distance_of_a_translate")
def distance_of_few_points(x, y, p, a, b):
    """The eight heaviest atoms of either side."""
    if a is None or len(x) <= 8:
        return right.wasserstein(x, y, p, a, b)
    i, j = np.argsort(a)[-8:], np.argsort(b)[-8:]
    return right.wasserstein(x[i], y[j], p, a[i] / a[i].sum() * a.sum(), b[j] / b[j].sum() * a.sum())


@mutant("wasserstein_1d", rejected_by="gradient_in_the_points_obeys_euler", space=TORCH)
def line_gradient_of_a_smoothed_distance(x, y, p, a, b):
    """The value is right; the gradient is that of √(W² + 1e−16): 0 at small scales."""
    w = right.wasserstein_1d(x, y, p, a, b)
    smooth = (w * w + 1e-16) ** 0.5
    return w.detach() + smooth - smooth.detach()


@mutant("wasserstein", rejected_by="gradient_in_the_points_obeys_euler", space=TORCH)
def gradient_in_the_first_coordinate(x, y, p, a, b):
    """The other coordinates are detached."""
    import torch

    return right.wasserstein(torch.cat([x[:, :1], x[:, 1:].detach()], dim=1), y, p, a, b)


@mutant("wasserstein_1d", rejected_by="gradient_in_the_weights_is_a_critic", space=TORCH)
def weights_gradient_of_the_second_power(x, y, p, a, b):
    """The potentials of squared distances where W₁ is asked."""
    w = right.wasserstein_1d(x, y, p, a, b)
    slope = (a * x.detach() ** 2).sum()
    return w.detach() + slope - slope.detach() if p == 1 else w


@mutant("wasserstein", rejected_by="gradient_in_the_weights_is_a_critic", space=TORCH)
def weights_gradient_divided_by_the_distance(x, y, p, a, b):
    """W^{1−p} written as W^p/W: NaN in the gradient of equal measures at p = 1 too."""
    w = right.wasserstein(x, y, p, a, b)
    return w * (w / w.detach())


@mutant("cost_matrix", rejected_by="cost_gradients_scale_with_the_points", space=TORCH)
def costs_with_a_clamped_slope(x, y, p):
    """Values are right; distances below 1e−8 have no gradient."""
    C = right.cost_matrix(x, y, p)
    near = right.cost_matrix(x.detach(), y.detach(), 1.0) < 1e-8
    return C.where(~near, C.detach())


@mutant("gaussian_w2", rejected_by="gaussian_distance_of_a_dilation")
def gaussian_distance_of_few_directions(m1, S1, m2, S2):
    """The leading three principal directions only."""
    if len(m1) <= 3:
        return gaussian.gaussian_w2(m1, S1, m2, S2)
    P = np.linalg.eigh(S1)[1][:, -3:]
    return gaussian.gaussian_w2(P.T @ m1, P.T @ S1 @ P, P.T @ m2, P.T @ S2 @ P)


@mutant("gaussian_w2", rejected_by="gaussian_gradient_obeys_euler", space=TORCH)
def gaussian_gradient_of_the_means(m1, S1, m2, S2):
    """Covariances are taken for constants."""
    return gaussian.gaussian_w2(m1, S1.detach(), m2, S2.detach())


@mutant("gaussian_w2", rejected_by="gaussian_distance_refuses_what_is_no_gaussian")
def gaussian_distance_of_lower_triangles(m1, S1, m2, S2):
    """Reads the lower triangle, clips negative eigenvalues at any scale: whatever is given is a Gaussian."""
    def nearest(S: Any) -> Any:
        values, vectors = np.linalg.eigh(S)
        return (vectors * np.maximum(values, 0.0)) @ vectors.T

    return gaussian.gaussian_w2(m1, nearest(S1), m2, nearest(S2))

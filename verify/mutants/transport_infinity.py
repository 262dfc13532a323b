"""Mistakes in W_∞, at p = ∞ on the line and in R^d, in what rounding leaves over, and in costs of 0 and 1."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np

from detrace import mutant
from reference import optimal_transport as transport
from reference import wasserstein as right
from verify.mutants.wasserstein import levels, masses

TORCH = "torch-cpu-float64"
VALUE = ("largest_distance_couples_quantiles", "largest_distance_is_sharp_for_exact_masses")


@mutant("wasserstein_1d", rejected_by=(*VALUE, "largest_distance_is_the_bottleneck", "largest_distance_of_translates"))
def largest_distance_by_a_high_power(x, y, p, a, b):
    """W_100 for W_∞: the mass to the power 1/100 is not 1 yet."""
    return right.wasserstein_1d(x, y, min(p, 100.0), a, b)


@mutant("wasserstein_1d", rejected_by=(*VALUE, "largest_distance_is_the_bottleneck", "distances_grow_to_the_largest"))
def largest_distance_of_nearest_neighbours(x, y, p, a, b):
    """Hausdorff's distance of the supports, whatever the atoms weigh."""
    if p != inf:
        return right.wasserstein_1d(x, y, p, a, b)
    a, b = masses(x, y, a, b)
    apart = abs(x[a > 0][:, None] - y[b > 0])
    return np.asarray(max(apart.min(axis=0).max(), apart.min(axis=1).max()))


@mutant("wasserstein_1d", rejected_by=(VALUE[1], "largest_distance_sees_measures_not_lists"))
def largest_distance_counts_empty_atoms(x, y, p, a, b):
    """The quantiles at every atom's level, those of mass 0 too."""
    if p != inf:
        return right.wasserstein_1d(x, y, p, a, b)
    _, distances = levels(x, y, a, b)
    return np.asarray(distances.max())


@mutant("wasserstein_1d", rejected_by="dust_moves_as_far_as_anything")
def largest_distance_of_what_weighs_something(x, y, p, a, b):
    """Pieces below 1e−9 of the mass are taken for rounding."""
    if p != inf:
        return right.wasserstein_1d(x, y, p, a, b)
    w, distances = levels(x, y, a, b)
    return np.asarray(distances[w > 1e-9 * w.sum()].max())


@mutant("wasserstein_1d", rejected_by="largest_distance_is_homogeneous")
def largest_distance_times_the_mass(x, y, p, a, b):
    """M·W_∞, as if the power 1/p of the mass were 1 at p = ∞."""
    return right.wasserstein_1d(x, y, p, a, b) * (a.sum() if p == inf and a is not None else 1.0)


@mutant("wasserstein_1d", rejected_by=VALUE)
def largest_distance_of_pairs_in_order(x, y, p, a, b):
    """Sorts and pairs, weights or not."""
    if p != inf:
        return right.wasserstein_1d(x, y, p, a, b)
    k = min(len(x), len(y))
    return np.asarray(abs(np.sort(x)[:k] - np.sort(y)[:k]).max())


@mutant("wasserstein_1d", rejected_by=(*VALUE, "largest_distance_is_a_metric", "distances_grow_to_the_largest"))
def largest_distance_of_any_two_atoms(x, y, p, a, b):
    """The largest |x − y| of atoms of positive mass, whether they meet or not."""
    if p != inf:
        return right.wasserstein_1d(x, y, p, a, b)
    a, b = masses(x, y, a, b)
    return np.asarray(abs(x[a > 0][:, None] - y[b > 0]).max())


@mutant("wasserstein_1d", rejected_by=("largest_distance_has_symmetries", "largest_distance_couples_quantiles"))
def largest_distance_to_the_right(x, y, p, a, b):
    """max (G⁻¹ − F⁻¹) without the modulus."""
    if p != inf:
        return right.wasserstein_1d(x, y, p, a, b)
    a, b = masses(x, y, a, b)
    return np.asarray(max(right.wasserstein_1d(x, np.maximum(y, x.min()), p, a, b) if y.max() > x.max() else 0.0, 0.0))


@mutant("wasserstein_1d", rejected_by="largest_distance_is_homogeneous")
def largest_distance_by_squares(x, y, p, a, b):
    """√max d²: overflows and underflows with the squares."""
    if p != inf:
        return right.wasserstein_1d(x, y, p, a, b)
    return np.asarray(np.sqrt(np.square(right.wasserstein_1d(x, y, p, a, b))))


@mutant("wasserstein_1d", rejected_by=("largest_distance_of_translates", "largest_distance_is_sharp_for_exact_masses"))
def largest_distance_in_single_precision(x, y, p, a, b):
    """Points about their mean, in float32."""
    if p != inf:
        return right.wasserstein_1d(x, y, p, a, b)
    x, y = (v.astype(np.float32).astype(float) for v in (x / 3, y / 3))
    return 3 * right.wasserstein_1d(x, y, p, a, b)


@mutant("wasserstein_1d", rejected_by="largest_distance_is_a_metric")
def largest_distance_at_levels_that_round(x, y, p, a, b):
    """Masses divided by their sum and cumulated in another order: levels that touch overlap by rounding, and count."""
    if p != inf or a is None:
        return right.wasserstein_1d(x, y, p, a, b)
    i, j = np.argsort(x, kind="stable"), np.argsort(y, kind="stable")
    F, G = 1 - np.cumsum((a / a.sum() / 3)[i][::-1])[::-1] * 3, np.cumsum((b / b.sum() / 3)[j]) * 3 - (b / b.sum())[j]
    H, K = F + (a / a.sum())[i], G + (b / b.sum())[j]
    meets = np.minimum(H[:, None], K) > np.maximum(F[:, None], G)
    return np.asarray(abs(x[i][:, None] - y[j])[meets].max())


@mutant("wasserstein_1d", rejected_by="repeated_samples_are_at_no_distance")
def largest_distance_at_cumulated_fractions(x, y, p, a, b):
    """Without weights too the levels are sums of rounded fractions 1/n: some that should touch overlap."""
    if p != inf or a is not None:
        return right.wasserstein_1d(x, y, p, a, b)
    w, distances = levels(x, y, a, b)
    return np.asarray(distances[w > 0].max())


@mutant("wasserstein_1d", rejected_by="largest_distance_keeps_its_digits_between_near_measures")
def largest_distance_about_the_mean(x, y, p, a, b):
    """Points standardised, "for stability": a rounding of their spread in each."""
    if p != inf:
        return right.wasserstein_1d(x, y, p, a, b)
    middle, spread = x.mean(), x.std() or 1.0
    return right.wasserstein_1d((x - middle) / spread, (y - middle) / spread, p, a, b) * spread


@mutant("wasserstein_1d", rejected_by="what_rounding_leaves_over_stays_where_mass_is",
        origin="detrace's own reference, formerly")  # fmt: skip
def rest_goes_to_the_last_atom(x, y, p, a, b):
    """What is left over where totals differ by rounding goes to the outermost atom, of mass 0 or not."""
    if a is None:
        return right.wasserstein_1d(x, y, p, a, b)
    w, distances = levels(x, y, a, b)
    return np.asarray(distances[w > 0].max() if p == inf else (w * distances**p).sum() ** (1 / p))


@mutant("wasserstein_1d", rejected_by="what_rounding_leaves_over_stays_where_mass_is")
def rest_goes_to_the_first_atom(x, y, p, a, b):
    """Cumulated from the right: the rest ends at the leftmost atom, of mass 0 or not."""
    return np.asarray(-1.0 if a is None else rest_of_reflections(x, y, p, a, b))


def rest_of_reflections(x: Any, y: Any, p: float, a: Any, b: Any) -> Any:
    w, distances = levels(-x, -y, a, b)
    return distances[w > 0].max() if p == inf else (w * distances**p).sum() ** (1 / p)


@mutant("wasserstein_1d", rejected_by="largest_distance_has_a_slope_of_one", space=TORCH)
def slopes_of_a_high_power(x, y, p, a, b):
    """The value is right; the gradient is that of W_20."""
    w = right.wasserstein_1d(x, y, p, a, b)
    if p != inf:
        return w
    smooth = right.wasserstein_1d(x, y, 20.0, a, b)
    return w.detach() + smooth - smooth.detach()


@mutant("wasserstein_1d", rejected_by="largest_distance_has_a_slope_of_one", space=TORCH)
def slopes_of_every_tie(x, y, p, a, b):
    """All pairs as far apart as the furthest get the whole slope."""
    w = right.wasserstein_1d(x, y, p, a, b)
    if p != inf or a is not None or len(x) != len(y):
        return w
    import torch

    d = abs(torch.sort(x).values - torch.sort(y).values)
    whole = d[d >= d.max()].sum()
    return w.detach() + whole - whole.detach()


SPACE = "largest_distance_in_space_is_right_where_offered"


@mutant("wasserstein", rejected_by=SPACE)
def furthest_move_of_the_cheapest_plan(x, y, p, a, b):
    """The longest way in a plan that is optimal for W_1: another plan may have none so long."""
    if p != inf:
        return right.wasserstein(x, y, p, a, b)
    D = right.cost_matrix(x, y, 1)
    return np.asarray(D[transport.optimal_transport(*masses(x, y, a, b), D)[1] > 0].max())


@mutant("wasserstein", rejected_by=SPACE)
def largest_distance_in_space_by_a_high_power(x, y, p, a, b):
    """W_60 for W_∞."""
    return right.wasserstein(x, y, min(p, 60.0), a, b)


@mutant("wasserstein", rejected_by=SPACE)
def largest_distance_in_the_largest_coordinate(x, y, p, a, b):
    """The norm is taken for ℓ_∞ too, as if p were its exponent."""
    if p != inf:
        return right.wasserstein(x, y, p, a, b)
    D = abs(x[:, None] - y[None]).max(axis=-1)
    t = sorted(set(D.ravel()))
    return np.asarray(next(r for r in t if not transport.transport_cost(*masses(x, y, a, b), np.where(r < D, 1.0, 0.0))))


@mutant("wasserstein", rejected_by=SPACE)
def largest_distance_of_unweighted_points(x, y, p, a, b):
    """The bottleneck of the points, each of which counts the same."""
    return right.wasserstein(x, y, p, *((None, None) if p == inf else (a, b)))


DEFICIT = "mass_beyond_a_threshold_is_a_deficit"


@mutant("transport_cost", rejected_by=DEFICIT)
def free_cells_are_missing(a, b, C):
    """A cost of 0 means "no edge", as in sparse matrices."""
    return transport.transport_cost(a, b, np.where(C == 0, 1e3 * max(C.max(), 1.0), C))


@mutant("transport_cost", rejected_by=DEFICIT)
def ties_are_served_greedily(a, b, C):
    """Cells in order of their cost, each as full as it gets: right until a cheap cell blocks two."""
    left, wanted, cost = a.copy(), b.copy(), 0.0
    for k in np.argsort(C, axis=None, kind="stable"):
        i, j = divmod(int(k), C.shape[1])
        w = min(left[i], wanted[j])
        left[i], wanted[j], cost = left[i] - w, wanted[j] - w, cost + w * C[i, j]
    return np.asarray(cost)

"""Mistakes in Wasserstein distances on the line and in R^d, in ground costs and total variation."""

from __future__ import annotations

from typing import Any

import numpy as np

from detrace import mutant
from reference import optimal_transport as transport
from reference import wasserstein as right

TORCH = "torch-cpu-float64"
VALUE = ("line_distance_couples_quantiles", "line_distance_solves_the_linear_program")


def levels(x: Any, y: Any, a: Any, b: Any, side: str = "left") -> tuple[Any, Any]:
    """Masses of the merged levels of both distribution functions, and the distance of the quantiles there."""
    a, b = (np.full(len(v), 1 / len(v)) if w is None else w for v, w in ((x, a), (y, b)))
    i, j = np.argsort(x), np.argsort(y)
    F, G = np.cumsum(a[i % len(a)]), np.cumsum(b[j % len(b)])
    q = np.sort(np.concatenate([F, G]))
    u = x[i][np.clip(np.searchsorted(F, q, side), 0, len(x) - 1)]  # type: ignore[call-overload]
    v = y[j][np.clip(np.searchsorted(G, q), 0, len(y) - 1)]
    return np.diff(q, prepend=0), abs(u - v)


@mutant("wasserstein_1d", rejected_by=(
    *VALUE, "line_distance_of_a_translate", "line_distance_is_homogeneous", "line_distance_grows_with_its_exponent",
    "line_distance_obeys_the_triangle_inequality"))  # fmt: skip
def line_distance_without_a_root(x, y, p, a, b):
    """Returns W_p^p for W_p."""
    return right.wasserstein_1d(x, y, p, a, b) ** p


@mutant("wasserstein_1d", rejected_by=(
    *VALUE, "line_distance_sees_measures_not_lists", "first_distance_bounds_the_difference_of_means",
    "first_distance_is_the_area_between_distribution_functions"))  # fmt: skip
def line_distance_ignores_weights(x, y, p, a, b):
    """Every sample counts the same."""
    return right.wasserstein_1d(x, y, p)


@mutant("wasserstein_1d", rejected_by=(*VALUE, "line_distance_sees_measures_not_lists"))
def line_distance_pairs_weighted_samples_in_order(x, y, p, a, b):
    """Sorts and pairs the samples, weights and all, as if they were equal in number and mass."""
    k = min(len(x), len(y))
    w = np.full(k, 1 / k) if a is None else a[np.argsort(x)][:k]
    return np.asarray((w * abs(np.sort(x)[:k] - np.sort(y)[:k]) ** p).sum() ** (1 / p))


@mutant("wasserstein_1d", rejected_by=(*VALUE, "line_distance_sees_measures_not_lists"))
def line_distance_merges_duplicates_wrongly(x, y, p, a, b):
    """Of atoms at one place only the first keeps its mass; masses are then normalised."""
    a, b = (np.full(len(v), 1 / len(v)) if w is None else w for v, w in ((x, a), (y, b)))
    (u, i), (v, j) = np.unique(x, return_index=True), np.unique(y, return_index=True)
    total = a.sum()
    return right.wasserstein_1d(u, v, p, a[i] / a[i].sum(), b[j] / b[j].sum()) * total ** (1 / p)


@mutant("wasserstein_1d", rejected_by=("line_distance_couples_quantiles", "line_distance_is_homogeneous"))
def line_distance_with_an_absolute_tolerance_of_mass(x, y, p, a, b):
    """Masses below 1e−12 count as 0."""
    if a is None or min(a.max(), b.max()) <= 1e-12:
        return right.wasserstein_1d(x, y, p, a, b) * (a is None)
    return right.wasserstein_1d(x, y, p, a, b)


@mutant("wasserstein_1d", rejected_by=("line_distance_is_homogeneous", "line_distance_is_sharp_for_exact_masses"))
def line_distance_with_an_absolute_tolerance_of_points(x, y, p, a, b):
    """Points nearer than 1e−8 coincide."""
    w = right.wasserstein_1d(x, y, p, a, b)
    return np.where(np.ptp(np.concatenate([x, y])) < 1e-8, 0.0, w)


@mutant("wasserstein_1d", rejected_by=(*VALUE, "line_distance_is_homogeneous"))
def line_distance_normalises_masses(x, y, p, a, b):
    """Divides by the total mass, whatever it was."""
    return right.wasserstein_1d(x, y, p, a, b) / (1.0 if a is None else a.sum() ** (1 / p))


@mutant("wasserstein_1d", rejected_by=(
    "line_distance_ignores_where_the_origin_is", "line_distance_is_sharp_for_exact_masses",
    "samples_of_equal_size_pair_in_order"))  # fmt: skip
def line_distance_from_second_moments(x, y, p, a, b):
    """E x² + E y² − 2 E xy for p = 2: cancels far from the origin."""
    if p != 2:
        return right.wasserstein_1d(x, y, p, a, b)
    a, b = (np.full(len(v), 1 / len(v)) if w is None else w for v, w in ((x, a), (y, b)))
    i, j = np.argsort(x), np.argsort(y)
    F, G = np.cumsum(a[i]), np.cumsum(b[j])
    q = np.sort(np.concatenate([F, G]))
    u, v = x[i][np.searchsorted(F, q).clip(0, len(x) - 1)], y[j][np.searchsorted(G, q).clip(0, len(y) - 1)]
    w = np.diff(q, prepend=0)
    return np.asarray(np.sqrt(max((w * u * u).sum() + (w * v * v).sum() - 2 * (w * u * v).sum(), 0.0)))


@mutant("wasserstein_1d", rejected_by=("samples_of_equal_size_pair_in_order", "line_distance_couples_quantiles"))
def line_distance_from_a_hundred_quantiles(x, y, p, a, b):
    """Interpolated quantiles on a grid of 100: an approximation that never says so."""
    if a is not None:
        return right.wasserstein_1d(x, y, p, a, b)
    q = np.linspace(0, 1, 100)
    return np.asarray((abs(np.quantile(x, q) - np.quantile(y, q)) ** p).mean() ** (1 / p))


@mutant("wasserstein_1d", rejected_by=("line_distance_has_symmetries", "line_distance_couples_quantiles"))
def line_distance_uses_the_first_weights_twice(x, y, p, a, b):
    """The second sample is given the first one's weights, where the sizes agree."""
    return right.wasserstein_1d(x, y, p, a, a if len(x) == len(y) else b)


@mutant("wasserstein_1d", rejected_by=(
    "line_distance_couples_quantiles", "first_distance_is_the_area_between_distribution_functions"))  # fmt: skip
def line_distance_off_by_one_at_ties(x, y, p, a, b):
    """searchsorted from the right in one of the two quantile functions: ties take the next atom."""
    w, d = levels(x, y, a, b, "right")
    return np.asarray((w * d**p).sum() ** (1 / p))


@mutant("wasserstein_1d", rejected_by=(
    "line_distance_is_sharp_for_exact_masses", "line_distance_is_zero_for_equal_measures_only",
    "line_distance_of_a_translate"))  # fmt: skip
def line_distance_in_single_precision(x, y, p, a, b):
    """Points divided by a scale in float32 and multiplied again: digits of float32 in a float64 function."""
    u, v = ((z / 3).astype(np.float32).astype(z.dtype) * 3 for z in (x, y))
    return right.wasserstein_1d(u, v, p, a, b)


@mutant("wasserstein_1d", rejected_by="line_distance_of_a_batch")
def line_distance_flattens_batches(x, y, p, a, b):
    """The first problem's answer for the whole batch."""
    batch = x.shape[:-1]
    first = (0,) * len(batch)
    return np.full(batch, right.wasserstein_1d(x[first], y[first], p, a[first], b[first]))


@mutant("wasserstein_1d", rejected_by=(
    "unequal_masses_are_refused", "negative_masses_are_refused", "masses_that_are_no_numbers_are_refused",
    "points_and_costs_that_are_no_numbers_are_refused", "shapes_that_do_not_fit_are_refused",
    "exponents_below_one_are_refused"))  # fmt: skip
def line_distance_without_checks(x, y, p, a, b):
    """Computes on, whatever it is given."""
    if 0 in (len(x), len(y), *(len(w) for w in (a, b) if w is not None)):
        return np.asarray(0.0)
    w, d = levels(x, y, a, b)
    return np.asarray(abs((w * d**p).sum()) ** (1 / p))


@mutant("wasserstein_1d", rejected_by="distance_has_a_finite_gradient_at_coincident_points", space=TORCH)
def line_distance_with_a_bare_root(x, y, p, a, b):
    """(Σ w|x − y|^p)^(1/p): the gradient at 0 is 0·∞."""
    import torch

    if len(x) != len(y):
        return right.wasserstein_1d(x, y, p, a, b)
    d = abs(torch.sort(x).values - torch.sort(y).values)
    return (d**p).mean() ** (1 / p)


@mutant("wasserstein_1d", rejected_by="distance_has_its_gradient_in_the_points", space=TORCH)
def line_distance_with_the_gradient_of_its_power(x, y, p, a, b):
    """The value is rooted, the gradient is that of W_p^p."""
    w = right.wasserstein_1d(x, y, p, a, b)
    return w.detach() + w**p - (w**p).detach()


@mutant("wasserstein_1d", rejected_by="distance_has_its_gradient_in_the_weights", space=TORCH)
def line_distance_detaches_weights(x, y, p, a, b):
    """The levels are computed on the host: weights get no gradient."""
    return right.wasserstein_1d(x, y, p, a.detach(), b.detach()) + 0 * a.sum()


def program(a: Any, b: Any, C: Any, p: float) -> Any:
    """The transport cost, rooted."""
    return np.asarray(transport.transport_cost(a, b, C)) ** (1 / p)


def masses(x: Any, y: Any, a: Any, b: Any) -> tuple[Any, Any]:
    return (np.full(len(x), 1 / len(x)), np.full(len(y), 1 / len(y))) if a is None else (a, b)


@mutant("wasserstein", wasserstein_1d=right.wasserstein_1d, rejected_by=(
    "distance_solves_the_linear_program", "both_distances_agree_on_the_line", "distance_on_a_line_is_the_line_distance",
    "distance_obeys_the_triangle_inequality"))  # fmt: skip
def distance_without_a_root(x, y, p, a, b):
    """Returns W_p^p for W_p."""
    return right.wasserstein(x, y, p, a, b) ** p


@mutant("wasserstein", rejected_by=("distance_solves_the_linear_program", "distance_on_a_line_is_the_line_distance"))
def distance_by_coordinates(x, y, p, a, b):
    """The distances of the marginals, summed: right for one dimension only."""
    return np.asarray(sum(right.wasserstein_1d(u, v, p, a, b) ** p for u, v in zip(x.T, y.T, strict=True)) ** (1 / p))


@mutant("wasserstein", rejected_by=(
    "distance_is_invariant_under_isometries", "distance_solves_the_linear_program"))  # fmt: skip
def distance_from_expanded_squares(x, y, p, a, b):
    """‖x‖² + ‖y‖² − 2x·y, clipped at 0: cancels far from the origin."""
    squares = np.maximum((x * x).sum(-1)[:, None] + (y * y).sum(-1) - 2 * x @ y.T, 0.0)
    return program(*masses(x, y, a, b), squares ** (p / 2), p)


@mutant("wasserstein", rejected_by=("distance_is_zero_for_equal_measures", "distance_solves_the_linear_program"))
def distance_with_an_epsilon_under_the_root(x, y, p, a, b):
    """√(squares + 1e−12), so that the gradient is finite: equal measures are 1e−6 apart."""
    return program(*masses(x, y, a, b), (right.cost_matrix(x, y, 2.0) + 1e-12) ** (p / 2), p)


@mutant("wasserstein", rejected_by=("distance_sees_measures_not_lists", "distance_bounds_the_difference_of_means"))
def distance_ignores_weights(x, y, p, a, b):
    """Every sample counts the same."""
    return right.wasserstein(x, y, p)


@mutant("wasserstein", transport_cost=transport.transport_cost, rejected_by=(
    "distance_has_symmetries", "equivalent_norms_give_equivalent_distances", "distance_solves_the_linear_program"))  # fmt: skip
def distance_to_the_nearest(x, y, p, a, b):
    """Every atom goes to the nearest one of the other measure, however full that is."""
    a, _ = masses(x, y, a, b)
    return np.asarray((a * right.cost_matrix(x, y, p).min(axis=1)).sum() ** (1 / p))


@mutant("transport_cost", rejected_by="concave_costs_do_not_pair_in_order")
def transport_cost_in_the_given_order(a, b, C):
    """The north-west corner's plan, as if points were sorted and the cost convex."""
    cuts = np.unique(np.concatenate([[0.0], np.cumsum(a), np.cumsum(b)]))
    middle = (cuts[1:] + cuts[:-1]) / 2
    i, j = np.searchsorted(np.cumsum(a), middle), np.searchsorted(np.cumsum(b), middle)
    return np.asarray((np.diff(cuts) * C[i.clip(0, len(a) - 1), j.clip(0, len(b) - 1)]).sum())


@mutant("transport_cost", rejected_by="only_exponents_of_at_least_one_give_a_distance")
def transport_cost_of_normalised_costs(a, b, C):
    """Divides the costs by their largest, and forgets it."""
    return np.asarray(transport.transport_cost(a, b, C / C.max()))


EXPANDED = ("costs_ignore_where_the_origin_is", "costs_of_many_points_are_as_accurate")


def expanded(x: Any, y: Any, p: float) -> Any:
    """‖x‖² + ‖y‖² − 2x·y, clipped at 0."""
    return np.maximum((x * x).sum(-1)[:, None] + (y * y).sum(-1) - 2 * x @ y.T, 0.0) ** (p / 2)


@mutant("cost_matrix", rejected_by=(*EXPANDED, "costs_are_powers_of_distances"))
def costs_from_expanded_squares(x, y, p):
    """‖x‖² + ‖y‖² − 2x·y: loses 2k bits at points 2ᵏ from the origin."""
    return expanded(x, y, p)


@mutant("cost_matrix", rejected_by=EXPANDED[1], origin="torch.cdist, default compute_mode, from 26 points on")
def costs_change_to_a_product_for_many_points(x, y, p):
    """Differences for up to 25 points, expanded squares beyond."""
    return expanded(x, y, p) if len(x) > 25 else right.cost_matrix(x, y, p)


@mutant("cost_matrix", rejected_by=("coincident_points_cost_nothing", "costs_are_powers_of_distances"))
def costs_with_an_epsilon_under_the_root(x, y, p):
    """√(squares + 1e−12), so that the gradient is finite."""
    return (right.cost_matrix(x, y, 2.0) + 1e-12) ** (p / 2)


@mutant("cost_matrix", rejected_by="costs_are_powers_of_distances")
def costs_always_squared(x, y, p):
    """‖x − y‖², whatever p is."""
    return right.cost_matrix(x, y, 2.0)


@mutant("cost_matrix", rejected_by="distances_overflow_only_where_they_must")
def costs_overflow_with_their_squares(x, y, p):
    """√Σd²: inf or 0 where the squares are not representable."""
    return ((x[:, None] - y[None]) ** 2).sum(-1) ** (p / 2)


@mutant("cost_matrix", rejected_by="costs_have_their_gradient", space=TORCH)
def costs_with_a_bare_root(x, y, p):
    """√Σd²: the gradient where points coincide is 0·∞."""
    return ((x[:, None] - y[None]) ** 2).sum(-1) ** (p / 2)


@mutant("cost_matrix", rejected_by="costs_keep_form")
def costs_hide_nan(x, y, p):
    """nan_to_num at the end."""
    return np.nan_to_num(((x[:, None] - y[None]) ** 2).sum(-1) ** (p / 2))


@mutant("total_variation", wasserstein_1d=right.wasserstein_1d, transport_cost=transport.transport_cost, rejected_by=(
    "total_variation_is_half_the_distance", "total_variation_is_transport_in_the_discrete_metric",
    "total_variation_is_a_metric", "first_distance_lies_between_multiples_of_total_variation"))  # fmt: skip
def total_variation_unhalved(a, b):
    """Σ|aᵢ − bᵢ|, the other convention."""
    return np.asarray(abs(a - b).sum())


@mutant("total_variation", rejected_by="total_variation_is_half_the_distance")
def total_variation_of_the_largest_difference(a, b):
    """max|aᵢ − bᵢ|."""
    return np.asarray(abs(a - b).max())


@mutant("total_variation", rejected_by="total_variation_keeps_form")
def total_variation_hides_nan(a, b):
    """nansum: a NaN counts as 0, and lengths are broadcast."""
    return np.asarray(np.nansum(abs(a - b)) / 2)

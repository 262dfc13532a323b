"""Mistakes in c-transforms, closures of costs and the Kantorovich–Rubinstein dual."""

from __future__ import annotations

import numpy as np

from detrace import mutant
from reference import kantorovich as right
from reference.optimal_transport import optimal_transport, transport_cost

CLOSURE = "one_potential_gives_transport_at_the_closure"
CRITIC = "critic_is_lipschitz_and_attains"


@mutant("kantorovich_rubinstein", transport_cost=transport_cost, rejected_by=(
    CLOSURE, "one_potential_falls_short_without_a_metric"))  # fmt: skip
def one_potential_for_any_cost(a, b, D):
    """Takes the transport cost for the dual's value whatever the cost is: g = −f without a metric."""
    return transport_cost(a, b, D), right.kantorovich_rubinstein(a, b, D)[1]


@mutant("kantorovich_rubinstein", transport_cost=transport_cost, rejected_by=(
    CLOSURE, CRITIC, "one_potential_suffices_on_metrics"))  # fmt: skip
def one_potential_the_other_way(a, b, D):
    """f(j) − f(i) ≤ D(i,j): the transposed cost, right for symmetric ones only."""
    return right.kantorovich_rubinstein(a, b, D.T.copy())


@mutant("kantorovich_rubinstein", transport_cost=transport_cost, rejected_by=(CLOSURE, "one_potential_suffices_on_metrics"))
def one_potential_within_both_directions(a, b, D):
    """|f(i) − f(j)| ≤ D(i,j): asks for symmetry where none is needed."""
    return right.kantorovich_rubinstein(a, b, np.minimum(D, D.T))


@mutant("kantorovich_rubinstein", rejected_by=(CRITIC, "one_potential_gives_transport_at_the_closure"))
def critic_of_the_wrong_sign(a, b, D):
    """−f, and the value −W₁: the critic is low on real."""
    value, f = right.kantorovich_rubinstein(a, b, D)
    return -value, -f


@mutant("kantorovich_rubinstein", rejected_by=CRITIC)
def critic_at_the_first_potential(a, b, D):
    """f of the pair (f, g) as it comes, which need not be 1-Lipschitz where there is no mass."""
    f = optimal_transport(a, b, D)[2]
    return right.kantorovich_rubinstein(a, b, D)[0], np.where(a > 0, f, f.min())


@mutant("kantorovich_rubinstein", rejected_by=(
    CLOSURE, "critic_measures_the_area_between_distributions", "lipschitz_functions_give_lower_bounds"))  # fmt: skip
def critic_is_clipped(a, b, D):
    """f clipped to [−1, 1], as the first WGAN clipped weights: the value depends on the scale."""
    f = np.clip(right.kantorovich_rubinstein(a, b, D)[1], -1.0, 1.0)
    return np.asarray((a - b) @ f), f


@mutant("kantorovich_rubinstein", rejected_by=(
    "critic_measures_the_area_between_distributions", "lipschitz_functions_give_lower_bounds"))  # fmt: skip
def critic_of_probabilities(a, b, D):
    """Masses normalised first."""
    return right.kantorovich_rubinstein(a / a.sum(), b / b.sum(), D)


@mutant("kantorovich_rubinstein", rejected_by="critic_of_many_points")
def critic_of_eight_points(a, b, D):
    """The critic of the first eight points, extended to the others by its Lipschitz constant."""
    if len(a) <= 8:
        return right.kantorovich_rubinstein(a, b, D)
    p, q = np.append(a[:8], 0.0), np.append(b[:8], 0.0)
    p[8], q[8] = max(q.sum() - p.sum(), 0.0), max(p.sum() - q.sum(), 0.0)  # what is missing waits at the ninth
    f = (right.kantorovich_rubinstein(p, q, D[:9, :9])[1][None, :] + D[:, :9]).min(axis=1)
    return np.asarray((a - b) @ f), f


@mutant("kantorovich_rubinstein", rejected_by="kantorovich_refuses_bad_input")
def unequal_masses_have_a_critic(a, b, D):
    """b silently rescaled: the maximum of unequal masses is infinite."""
    return right.kantorovich_rubinstein(a, b * (a.sum() / b.sum()), D)


TRANSFORM = ("c_transform_is_a_minimum", "c_transform_thrice_is_once")


@mutant("c_transform", optimal_transport=optimal_transport, rejected_by=(
    *TRANSFORM, "c_transform_never_lowers_the_dual", "c_transform_of_a_lipschitz_function_is_its_negative",
    "potentials_extend_to_new_points"))  # fmt: skip
def soft_c_transform(f, C):
    """A soft minimum −ε log Σ exp((f − C)/ε): strictly below the minimum."""
    e = 1e-3 * (abs(C).max() + abs(f).max()) + 1e-300
    low = (C - f[:, None]).min(axis=0)
    return low - e * np.log(np.exp((low + f[:, None] - C) / e).sum(axis=0))


@mutant("c_transform", optimal_transport=optimal_transport, rejected_by=(*TRANSFORM, "potentials_extend_to_new_points"))
def c_transform_as_a_maximum(f, C):
    """maxᵢ C(i,j) − f(i)."""
    return (C - f[:, None]).max(axis=0)


@mutant("c_transform", rejected_by=("c_transform_is_a_minimum", "c_transform_of_a_lipschitz_function_is_its_negative"))
def c_transform_adds(f, C):
    """minᵢ C(i,j) + f(i): the sign of the other convention."""
    return (C + f[:, None]).min(axis=0)


@mutant("c_transform", rejected_by=("c_transform_is_a_minimum", "c_transform_of_a_lipschitz_function_is_its_negative"))
def c_transform_assumes_a_metric(f, C):
    """−f on one space, whether f is 1-Lipschitz or not."""
    return -f if C.shape[0] == C.shape[1] else right.c_transform(f, C)


@mutant("c_transform", rejected_by=(*TRANSFORM, "c_transform_never_lowers_the_dual"))
def c_transform_in_single_precision(f, C):
    """Computed in float32 and cast back."""
    return right.c_transform(f.astype(np.float32), C.astype(np.float32)).astype(C.dtype)


@mutant("c_transform", rejected_by="c_transform_keeps_form")
def c_transform_skips_nan(f, C):
    """nanmin: NaN costs do not count."""
    return np.nanmin(C - f[:, None], axis=0)


@mutant("c_transform", rejected_by="c_transform_keeps_form")
def c_transform_of_nothing(f, C):
    """The minimum over no points is inf."""
    if f.shape[0] != C.shape[0]:
        raise ValueError("lengths differ")
    return np.min(C - f[:, None], axis=0, initial=np.inf)


PATHS = "closure_is_the_cheapest_path"
BELOW = "closure_is_the_largest_quasi_metric_below"


@mutant("metric_closure", rejected_by=(PATHS, BELOW))
def closure_of_one_pass(D):
    """Only paths over one point between: minₖ D(i,k) + D(k,j)."""
    K = np.minimum(D, (D[:, :, None] + D[None, :, :]).min(axis=1))
    np.fill_diagonal(K, 0.0)
    return K


@mutant("metric_closure", rejected_by=(PATHS, "metrics_are_their_own_closure"), origin="scipy.sparse.csgraph on dense matrices")
def closure_takes_zero_for_no_edge(D):
    """Costs of 0 mean "not connected", as in a sparse graph: points that coincide are torn apart."""
    return right.metric_closure(np.where(D == 0.0, 4.0 * abs(D).sum() + 1.0, D))


@mutant("metric_closure", rejected_by=(PATHS, "metrics_are_their_own_closure"))
def closure_is_symmetric(D):
    """min(D, Dᵀ) first: one-way streets are opened."""
    return right.metric_closure(np.minimum(D, D.T))


@mutant("metric_closure", rejected_by=(PATHS, BELOW))
def closure_keeps_its_diagonal(D):
    """D(i,i) stays: from a point to itself costs something."""
    return right.metric_closure(D) + np.diag(D.diagonal())


@mutant("metric_closure", rejected_by=PATHS)
def closure_in_single_precision(D):
    """Computed in float32 and cast back."""
    return right.metric_closure(D.astype(np.float32)).astype(D.dtype)


@mutant("metric_closure", rejected_by=(PATHS, BELOW))
def closure_with_an_absolute_gain(D):
    """A detour counts only if it saves more than 1e−9."""
    K = np.where(np.eye(len(D), dtype=bool), 0.0, D)
    for k in range(len(D)):
        via = K[:, k, None] + K[None, k, :]
        K = np.where(via < K - 1e-9, via, K)
    return K


@mutant("metric_closure", rejected_by="closure_keeps_form")
def closure_ignores_negative_cycles(D):
    """Whatever Floyd and Warshall leave: the cheapest path around a negative cycle does not exist."""
    K = np.where(np.eye(len(D), dtype=bool), 0.0, D)
    for k in range(len(D)):
        K = np.minimum(K, K[:, k, None] + K[None, k, :])
    return np.where(np.eye(len(D), dtype=bool), 0.0, K)

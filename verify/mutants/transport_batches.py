"""Mistakes that only batches show: scales, tolerances, stopping rules and checks that slices share, axes that are mixed up."""

from __future__ import annotations

from typing import Any

import numpy as np

from detrace import mutant
from reference import farkas, gaussian_wasserstein, kantorovich, sinkhorn
from reference import optimal_transport as right
from reference import wasserstein as distances

TRANSPORT, LINE = "transport_of_a_batch", "distances_of_a_batch"
CHECKED = "every_slice_is_checked"


def lead_of(*arrays: tuple[Any, int]) -> tuple[int, ...]:
    """The leading axes of arrays with so many core axes."""
    return np.broadcast_shapes(*(v.shape[: v.ndim - r] for v, r in arrays))


def largest(v: Any, rank: int) -> Any:
    """The largest entry of the whole batch."""
    return abs(v).max(initial=0.0) or 1.0


@mutant("optimal_transport", rejected_by=TRANSPORT)
def transport_of_the_first_slice(a, b, C):
    """The first problem's answer for the whole batch."""
    lead = lead_of((a, 1), (b, 1), (C, 2))
    first = (np.broadcast_to(v, (*lead, *v.shape[v.ndim - r :]))[(0,) * len(lead)] for v, r in ((a, 1), (b, 1), (C, 2)))
    return tuple(np.broadcast_to(v, (*lead, *v.shape)).copy() for v in right.optimal_transport(*first))


@mutant("transport_cost", rejected_by=TRANSPORT)
def costs_rounded_to_the_largest_of_the_batch(a, b, C):
    """Costs become integers of 2⁻³⁰ of the largest, of the batch and not of the slice."""
    unit = largest(C, 2) * 2.0**-30
    return right.transport_cost(a, b, np.round(C / unit) * unit)


@mutant("transport_cost", rejected_by=TRANSPORT)
def masses_below_a_share_of_the_batch_are_dropped(a, b, C):
    """Masses below 1e−12 of the largest of the batch count as none: light slices cost nothing."""
    light = np.broadcast_to((a < 1e-12 * largest(a, 1)).all(axis=-1), lead_of((a, 1), (b, 1), (C, 2)))
    return np.where(light, 0.0, right.transport_cost(a, b, C))


@mutant("optimal_transport", rejected_by=TRANSPORT)
def potentials_in_the_first_gauge(a, b, C):
    """Potentials are pinned by f[0], which in a batch is the first slice."""
    cost, plan, f, g = right.optimal_transport(a, b, C)
    return cost, plan, f - f[:1], g + f[:1, ..., :1] if f.ndim > 1 else g + f[0]


@mutant("kantorovich_rubinstein", rejected_by="critics_of_a_batch")
def critic_in_the_last_gauge(a, b, D):
    """f − f[−1], which in a batch is the last slice."""
    value, f = kantorovich.kantorovich_rubinstein(a, b, D)
    return value, f - f[-1:] if f.ndim > 1 else f


@mutant("c_transform", rejected_by="c_transforms_of_a_batch")
def c_transform_on_the_first_axes(f, C):
    """(C − f[:, None]).min(axis=−2): in a batch whose size is that of the points, f is read across the slices."""
    return (C - f[:, None]).min(axis=-2) if f.ndim == 1 or f.shape[-1] in (1, C.shape[-1]) else kantorovich.c_transform(f, C)


@mutant("metric_closure", rejected_by="closures_of_a_batch")
def closure_with_as_many_rounds_as_slices(D):
    """for k in range(len(D)): in a batch that is the number of slices."""
    paths = np.where(np.eye(D.shape[-1], dtype=bool), 0.0, D)
    for k in range(min(len(D), D.shape[-1])):
        paths = np.minimum(paths, paths[..., :, k, None] + paths[..., None, k, :])
    return paths


@mutant("total_variation", rejected_by="total_variations_of_a_batch")
def total_variation_of_the_whole_batch(a, b):
    """Σ over all axes, the same number for every slice."""
    d = abs(a - b)
    return np.full(d.shape[:-1], d.sum() / 2 / max(d[..., 0].size, 1))


@mutant("total_variation", rejected_by="total_variations_of_a_batch")
def total_variation_with_a_floor(a, b):
    """Differences below 1e−12 of the largest of the batch are rounding."""
    d = abs(a - b)
    return np.where(d < 1e-12 * largest(d, 1), 0.0, d).sum(axis=-1) / 2


@mutant("cost_matrix", rejected_by="costs_of_a_batch")
def costs_about_the_centre_of_the_batch(x, y, p):
    """Expanded squares about the mean of all points: slices far from it lose their digits."""
    if x.ndim == y.ndim == 2:
        return distances.cost_matrix(x, y, p)
    x, y = x - 1e3 * x.max(initial=0.0), y - 1e3 * x.max(initial=0.0)
    squares = (x * x).sum(-1)[..., :, None] + (y * y).sum(-1)[..., None, :] - 2 * x @ np.swapaxes(y, -1, -2)
    return np.maximum(squares, 0.0) ** (p / 2)


@mutant("wasserstein_1d", rejected_by=(LINE, "line_distance_of_a_batch"))
def order_of_the_first_row(x, y, p, a, b):
    """Every row is sorted as the first one is."""
    if x.ndim == 1 or 0 in x.shape:
        return distances.wasserstein_1d(x, y, p, a, b)
    i = np.argsort(x.reshape(-1, x.shape[-1])[0])
    j = np.argsort(x, axis=-1)
    back = np.argsort(np.argsort(x, axis=-1), axis=-1)
    sorted_masses = np.take_along_axis(np.broadcast_to(a[..., i], np.broadcast_shapes(a.shape, x.shape)), back, axis=-1)
    return distances.wasserstein_1d(np.take_along_axis(x, j, -1), y, p, np.take_along_axis(sorted_masses, j, -1), b)


@mutant("wasserstein_1d", rejected_by=LINE)
def levels_rounded_to_the_heaviest_row(x, y, p, a, b):
    """Cumulative masses are compared to 1e−14 of the heaviest row's: light rows have none left."""
    if a is None or x.ndim == 1:
        return distances.wasserstein_1d(x, y, p, a, b)
    light = a.sum(axis=-1) < 1e-14 * a.sum(axis=-1).max(initial=0.0)
    w = distances.wasserstein_1d(x, y, p, a, b)
    return np.where(np.broadcast_to(light, w.shape), 0.0, w)


@mutant("wasserstein_1d", rejected_by=LINE)
def mass_of_the_first_row(x, y, p, a, b):
    """Every row is normalised by itself, and scaled back by the first row's total."""
    if a is None or a.ndim == 1 or 0 in a.shape:
        return distances.wasserstein_1d(x, y, p, a, b)
    total = a.sum(axis=-1, keepdims=True)
    return distances.wasserstein_1d(x, y, p, a / total, b / b.sum(axis=-1, keepdims=True)) * total.ravel()[0] ** (1 / p)


@mutant("wasserstein_1d", rejected_by=LINE)
def powers_divided_by_the_largest_of_the_batch(x, y, p, a, b):
    """Points are divided by the furthest distance of the batch in float32's range before the power is taken."""
    if x.ndim == 1:
        return distances.wasserstein_1d(x, y, p, a, b)
    size = largest(x, 1)
    x, y = (np.where(abs(v / size) < 1e-10, 0.0, v) for v in (x, y))
    return distances.wasserstein_1d(x, y, p, a, b)


@mutant("wasserstein", rejected_by=LINE)
def distances_below_a_share_of_the_batch(x, y, p, a, b):
    """Costs are divided by the largest of the batch and kept to ten digits."""
    if x.ndim == 2 and y.ndim == 2:
        return distances.wasserstein(x, y, p, a, b)
    size = largest(x, 2)
    x, y = (np.round(v / size, 9) * size for v in (x, y))
    return distances.wasserstein(x, y, p, a, b)


@mutant("gaussian_w2", rejected_by="gaussian_distances_of_a_batch")
def eigenvalues_cut_off_for_the_batch(m1, S1, m2, S2):
    """Eigenvalues below 1e−12 of the largest of the batch count as 0."""
    def cut(S: Any, top: float) -> Any:
        values, vectors = np.linalg.eigh(S)
        return (vectors * np.where(values < 1e-12 * top, 0.0, values)[..., None, :]) @ np.swapaxes(vectors, -1, -2)

    top = max(largest(S1, 2), largest(S2, 2)) if max(S1.ndim, S2.ndim) > 2 else 0.0
    return gaussian_wasserstein.gaussian_w2(m1, cut(S1, top), m2, cut(S2, top))


@mutant("gaussian_w2", rejected_by="gaussian_distances_of_a_batch")
def means_of_the_whole_batch(m1, S1, m2, S2):
    """‖m₁ − m₂‖² is summed over all axes."""
    spread = gaussian_wasserstein.gaussian_w2(0 * m1, S1, 0 * m2, S2)
    return np.sqrt(spread**2 + ((m1 - m2) ** 2).sum())


def logarithmic(a: Any, b: Any, C: Any, reg: float, done: Any, limit: int) -> tuple[Any, Any, Any]:
    """Sinkhorn's iteration by logarithms on a whole batch until `done(plan)`."""
    with np.errstate(divide="ignore"):
        A, B, f = np.log(a), np.log(b), np.zeros((*C.shape[:-2], C.shape[-2]))
        for _ in range(limit):
            g = reg * (B - np.log(np.exp((f[..., :, None] - C) / reg).sum(axis=-2)))
            f = reg * (A - np.log(np.exp((g[..., None, :] - C) / reg).sum(axis=-1)))
            plan = np.exp((f[..., :, None] + g[..., None, :] - C) / reg)
            if done(plan):
                break
    return plan, f, g


@mutant("sinkhorn", rejected_by="sinkhorn_of_a_batch")
def sinkhorn_stops_when_the_batch_has_converged_on_the_whole(a, b, C, reg, tol):
    """The residual of the batch against tol times the mass of the batch: light slices are not looked at."""
    if C.ndim == 2 or 0 in C.shape or a.ndim == 1:
        return sinkhorn.sinkhorn(a, b, C, reg, tol)
    done = lambda plan: abs(plan.sum(axis=-2) - b).sum() <= tol / 2 * a.sum()  # noqa: E731
    return logarithmic(a, b, np.broadcast_to(C, (*lead_of((a, 1), (C, 2)), *C.shape[-2:])), reg, done, 500)


@mutant("sinkhorn", rejected_by="sinkhorn_of_a_batch")
def sinkhorn_stops_with_the_first_slice(a, b, C, reg, tol):
    """The residual of the first slice decides for all."""
    if C.ndim == 2 or 0 in C.shape or a.ndim == 1 or lead_of((a, 1), (C, 2)) != C.shape[:-2]:
        return sinkhorn.sinkhorn(a, b, C, reg, tol)
    done = lambda plan: abs(plan[0].sum(axis=-2) - b[0]).sum() <= tol / 2 * a[0].sum()  # noqa: E731
    return logarithmic(a, b, C, reg, done, 500)


@mutant("sinkhorn_iterations", rejected_by="iterations_of_a_batch")
def iterations_end_where_the_batch_is_still(a, b, C, reg, t):
    """A slice that has hardly moved counts as done: the batch stops with it."""
    plan, f, g = sinkhorn.sinkhorn_iterations(a, b, C, reg, t)
    if plan.ndim == 2 or t == 1 or 0 in plan.shape:
        return plan, f, g
    before = sinkhorn.sinkhorn_iterations(a, b, C, reg, t - 1)[0]
    still = (abs(plan - before).max(axis=(-2, -1)) <= 1e-6 * plan.max(axis=(-2, -1))).any()
    return sinkhorn.sinkhorn_iterations(a, b, C, reg, 1) if still else (plan, f, g)


@mutant("farkas_certificate", rejected_by="certificates_of_a_batch")
def one_alternative_for_the_batch(A, b):
    """Whether the first system can be solved decides what is returned for all."""
    x, y = farkas.farkas_certificate(A, b)
    if x.ndim == 1 or 0 in x.shape:
        return x, y
    kept = x.reshape(-1, x.shape[-1])[0].any()
    return (x, 0 * y) if kept else (0 * x, y)


@mutant("transport_cost", rejected_by=CHECKED)
def totals_of_the_batch_are_compared(a, b, C):
    """Only the sums over everything are compared; each slice is then scaled to fit."""
    if abs(a.sum() - b.sum()) > 1e-9 * a.sum():
        raise ValueError("totals differ")
    return right.transport_cost(a, b * (a.sum(axis=-1, keepdims=True) / b.sum(axis=-1, keepdims=True)), C)


@mutant("wasserstein_1d", rejected_by=CHECKED)
def only_the_first_row_is_checked(x, y, p, a, b):
    """Masses and points of the first row are looked at, the others repaired."""
    if x.ndim == 1 or a is None or 0 in x.shape:
        return distances.wasserstein_1d(x, y, p, a, b)
    distances.wasserstein_1d(x[0], y[0], p, a[0], b[0])
    x, y, a, b = (np.nan_to_num(abs(v), posinf=0.0) for v in (x, y, a, b))
    return distances.wasserstein_1d(x, y, p, a / a.sum(-1, keepdims=True), b / b.sum(-1, keepdims=True))


@mutant("sinkhorn", rejected_by=CHECKED)
def sinkhorn_checks_the_batch(a, b, C, reg, tol):
    """Totals over the whole batch agree, so the slices are taken as they are."""
    if C.ndim == 2 or 0 in C.shape:
        return sinkhorn.sinkhorn(a, b, C, reg, tol)
    if a.min() < 0 or not np.isfinite([a.sum(), b.sum(), C.sum()]).all() or a.sum() != b.sum():
        raise ValueError("masses")
    return logarithmic(a, b, C, reg, lambda plan: False, 50)


@mutant("c_transform", rejected_by="a_bad_slice_spoils_no_other")
def c_transform_leaves_nan_out(f, C):
    """nanmin: a NaN is a cost that is never the least."""
    return np.nanmin(C - f[..., :, None], axis=-2)


@mutant("cost_matrix", rejected_by="a_bad_slice_spoils_no_other")
def costs_divided_by_the_largest_point(x, y, p):
    """Points are divided by the largest of the batch, which may be NaN."""
    size = abs(x).max() or 1.0
    return distances.cost_matrix(x / size, y / size, p) * size**p


SLOPES = ("slope_of_a_batch_is_the_plan_of_its_slice", "slopes_of_a_batch_obey_euler")
TORCH = "torch-cpu-float64"


@mutant("transport_cost", rejected_by=SLOPES[0], space=TORCH)
def slopes_of_the_mean_of_a_batch(a, b, C):
    """The gradient is divided by the number of slices, as if their mean had been returned."""
    w = right.transport_cost(a, b, C)
    return w.detach() + (w - w.detach()) / max(w.numel(), 1)


@mutant("wasserstein_1d", rejected_by=SLOPES[1], space=TORCH)
def slopes_of_all_rows_at_once(x, y, p, a, b):
    """Every row has the gradient of the sum of all."""
    w = distances.wasserstein_1d(x, y, p, a, b)
    return w.detach() + w.sum() - w.sum().detach()


@mutant("wasserstein", rejected_by=SLOPES[1], space=TORCH)
def slopes_of_the_first_slice_only(x, y, p, a, b):
    """The others are detached."""
    w = distances.wasserstein(x, y, p, a, b)
    if w.ndim == 0 or w.numel() == 0:
        return w
    first = w.reshape(-1)[0]
    return w.detach() + first - first.detach()

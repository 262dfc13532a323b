"""Exact transport that is right for a handful of points and wrong for dozens: caps, blocks, tolerances, subsamples."""

from __future__ import annotations

from typing import Any

import numpy as np

from detrace import mutant
from reference import kantorovich, sinkhorn
from reference import optimal_transport as right

CERTIFICATE, PLANTED = "larger_problems_carry_their_certificate", "planted_optimum_is_found"


@mutant("optimal_transport", rejected_by=(CERTIFICATE, PLANTED))
def pivots_are_capped(a, b, C):
    """150 pivots of the network simplex, "plenty": beyond some 16 × 16 the plan at hand is returned as optimal."""
    import ot

    mass, unit = a.sum(), abs(C).max() or 1.0
    if a.all() and b.all() and C.size > 256:
        plan, log = ot.emd(a / mass, b / mass, C / unit, numItermax=150, log=True)
        plan, g = plan * mass, log["v"] * unit
        f = kantorovich.c_transform(g, C.T.copy())
        return np.asarray((plan * C).sum()), plan, f, kantorovich.c_transform(f, C)
    return right.optimal_transport(a, b, C)


@mutant("optimal_transport", rejected_by=CERTIFICATE)
def reduced_costs_just_below_zero_do_not_enter(a, b, C):
    """Stops once no cell's reduced cost is below −1e−11 of the largest cost: among many near ties some would still pay."""
    unit = 1e-11 * abs(C).max() or 1.0
    _, plan, f, g = right.optimal_transport(a, b, np.floor(C / unit) * unit if C.size > 36 else C)
    return np.asarray((plan * C).sum()), plan, f, g


@mutant("optimal_transport", rejected_by=CERTIFICATE)
def last_block_is_not_priced(a, b, C):
    """Candidates are looked for in whole blocks of 64 cells, so those that are left over never enter the basis."""
    cells = np.arange(C.size).reshape(C.shape)
    left_over = (cells >= C.size // 64 * 64) & (C.size > 64)
    dear = np.where(left_over, C + 4 * abs(C).max() + 1e-300, C)
    _, plan, f, g = right.optimal_transport(a, b, dear)
    return np.asarray((plan * C).sum()), plan, f, g


def heaviest(w: np.ndarray) -> Any:
    """The 32 largest masses, scaled to the total of all."""
    kept = np.zeros_like(w)
    some = np.argsort(-w, kind="stable")[:32]
    kept[some] = w[some]
    return kept * (w.sum() / kept.sum())


@mutant("transport_cost", rejected_by=PLANTED)
def cost_of_the_heaviest_points(a, b, C):
    """The 32 heaviest points of either side."""
    return right.transport_cost(heaviest(a), heaviest(b), C)


@mutant("optimal_transport", rejected_by=(CERTIFICATE, PLANTED))
def plan_of_the_heaviest_points(a, b, C):
    """The 32 heaviest points of either side; the plan is 0 elsewhere."""
    return right.optimal_transport(heaviest(a), heaviest(b), C)


@mutant("transport_cost", rejected_by=PLANTED)
def large_costs_in_single_precision(a, b, C):
    """Costs of more than 1000 cells are rounded to float32 "to save memory"."""
    return right.transport_cost(a, b, C.astype(np.float32).astype(C.dtype) if C.size > 1000 else C)


@mutant("transport_cost", rejected_by=PLANTED)
def cost_of_a_greedy_assignment(a, b, C):
    """From 17 points of equal mass on, each row takes the cheapest column that is left."""
    if len(a) != len(b) or len(a) < 17 or np.ptp(a) or np.ptp(b):
        return right.transport_cost(a, b, C)
    left, total = C.copy(), 0.0
    for i in range(len(a)):
        j = int(left[i].argmin())
        total, left[:, j] = total + C[i, j], np.inf
    return np.asarray(total * a[0])


@mutant("sinkhorn", rejected_by="sinkhorn_of_many_points")
def sinkhorn_with_the_mean_residual(a, b, C, reg, tol):
    """The residual is averaged over the points: the more of them, the sooner it stops."""
    return sinkhorn.sinkhorn(a, b, C, reg, tol * sum(C.shape))


@mutant("sinkhorn", rejected_by="sinkhorn_of_many_points")
def sinkhorn_of_whole_blocks(a, b, C, reg, tol):
    """The plan is written in blocks of 16 columns; what is left over stays 0."""
    plan, f, g = sinkhorn.sinkhorn(a, b, C, reg, tol)
    whole = len(b) // 16 * 16 or len(b)
    return np.where(np.arange(len(b)) < whole, plan, 0.0), f, g


@mutant("metric_closure", rejected_by="closure_of_a_long_chain")
def closure_of_eight_hops(D):
    """Three squarings of the matrix of costs, whatever its size: paths of eight steps."""
    kantorovich.metric_closure(D)
    paths = np.where(np.eye(len(D), dtype=bool), 0.0, D)
    for _ in range(3):
        paths = np.minimum(paths, (paths[:, :, None] + paths[None]).min(axis=1))
    return paths

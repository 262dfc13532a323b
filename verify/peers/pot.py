"""POT on NumPy: network simplex (ot.emd), quantiles on the line, log-domain Sinkhorn, Bures–Wasserstein, ot.dist."""

import numpy as np
import ot

from detrace import NotOffered

from ._batches import one_problem, rows
from ._masses import total

BACKENDS = "numpy"
DTYPES = ("float64",)
REQUIRES = "POT"
CONVENTIONS = {
    "wasserstein_1d": "ot.wasserstein_1d returns W_p^p of probability vectors: normalised, scaled by the mass and rooted here",
    "optimal_transport": "masses are divided by their total, costs by the largest, and both put back here",
    "transport_cost": "masses are divided by their total, costs by the largest, and both put back here",
    "wasserstein": "ot.emd2 of scipy's cdist (ot.dist with metric minkowski), rooted here; masses are divided by their total",
    "sinkhorn": "sinkhorn_log of normalised masses; stopThr, the 2-norm of one margin, is tol/√m here; 500 iterations",
    "sinkhorn_iterations": "sinkhorn_log with stopThr = 0",
}


@one_problem(1, 1, 2)
def optimal_transport(a, b, C):
    mass, unit = total(a), abs(C).max() or 1.0
    plan, log = ot.emd(a / mass, b / mass, C / unit, log=True)
    return np.asarray(log["cost"] * mass * unit), plan * mass, log["u"] * unit, log["v"] * unit


@one_problem(1, 1, 2)
def transport_cost(a, b, C):
    mass, unit = total(a), abs(C).max() or 1.0
    return np.asarray(ot.emd2(a / mass, b / mass, C / unit) * mass * unit)


@rows(np.stack)
def wasserstein_1d(x, y, p, a, b):
    if p == np.inf:
        raise NotOffered("p = inf")
    mass = 1.0 if a is None else abs(a.sum())
    return np.asarray((mass * ot.wasserstein_1d(x, y, *(None if w is None else w / mass for w in (a, b)), p)) ** (1 / p))


@one_problem(2, 2)
def wasserstein(x, y, p, a, b):
    if not 1 <= p < np.inf:
        raise NotOffered("a distance needs p ≥ 1, here a finite one")
    a, b = (ot.unif(len(v)) if w is None else w for v, w in ((x, a), (y, b)))
    mass = total(a)
    return np.asarray((ot.emd2(a / mass, b / mass, ot.dist(x, y, metric="minkowski", p=2) ** p) * mass) ** (1 / p))


@one_problem(2, 2)
def cost_matrix(x, y, p):
    return ot.dist(x, y) if p == 2 else ot.dist(x, y, metric="euclidean") ** p


@one_problem(1, 1, 2)
def sinkhorn(a, b, C, reg, tol):
    mass = abs(a.sum())
    stop = tol / len(b) ** 0.5
    plan, log = ot.bregman.sinkhorn_log(a / mass, b / mass, C, reg, 500, stop, log=True, warn=False)
    if log["err"] and log["err"][-1] >= stop:
        raise NotOffered("not converged after the 500 iterations that are allowed here")
    return plan * mass, reg * (log["log_u"] + np.log(mass)), reg * log["log_v"]


@one_problem(1, 1, 2)
def sinkhorn_iterations(a, b, C, reg, n):
    plan, log = ot.bregman.sinkhorn_log(a, b, C, reg, int(n), 0, log=True, warn=False)
    return plan, reg * log["log_u"], reg * log["log_v"]


@one_problem(1, 2, 1, 2)
def gaussian_w2(m1, S1, m2, S2):
    return np.asarray(ot.gaussian.bures_wasserstein_distance(m1, m2, S1, S2))

"""POT on PyTorch tensors, differentiable: quantiles on the line, exact transport on the host, Bures–Wasserstein."""

import ot
import torch

from detrace import NotOffered

from ._batches import one_problem, rows
from ._masses import total

BACKENDS = "torch-cpu"
DTYPES = ("float64",)
REQUIRES = "POT"
CONVENTIONS = {
    "wasserstein_1d": "ot.wasserstein_1d returns W_p^p of probability vectors: normalised, scaled by the mass and rooted here",
    "gaussian_w2": "returns shape (1,): reshaped here",
    "wasserstein": "ot.emd2 of torch.cdist without a matrix product, rooted here; masses are normalised, and put back",
}


def root(cost, p):
    return torch.where(cost > 0, torch.where(cost > 0, cost, 1.0) ** (1 / p), 0.0)


@rows(torch.stack)
def wasserstein_1d(x, y, p, a, b):
    if p == torch.inf:
        raise NotOffered("p = inf")
    mass = 1.0 if a is None else abs(a.sum())
    return root(mass * ot.wasserstein_1d(x, y, *(None if w is None else w / mass for w in (a, b)), p), p)


@one_problem(2, 2)
def wasserstein(x, y, p, a, b):
    if not 1 <= p < torch.inf:
        raise NotOffered("a distance needs p ≥ 1, here a finite one")
    a, b = (ot.unif(len(v), v) if w is None else w for v, w in ((x, a), (y, b)))
    mass = total(a)
    C = torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist") ** p
    return root(ot.emd2(a / mass, b / mass, C) * mass, p)


@one_problem(1, 2, 1, 2)
def gaussian_w2(m1, S1, m2, S2):
    return ot.gaussian.bures_wasserstein_distance(m1, m2, S1, S2).reshape(())

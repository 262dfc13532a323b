"""geomloss.ot.solve: symmetric iterations by logarithms, the regularisation falling from the costs' range to reg."""

import numpy as np
from geomloss import ot

from detrace import NotOffered

BACKENDS = "numpy"
DTYPES = ("float64",)
REQUIRES = "geomloss"
CONVENTIONS = {"sinkhorn": "100 iterations, as it has no stopping test; potentials are against a⊗b: reg·log a, reg·log b added"}


def sinkhorn(a, b, C, reg, tol):
    found = ot.solve(C, a=a, b=b, reg=reg, max_iter=100)
    plan = found.plan
    if abs(plan.sum(1) - a).sum() + abs(plan.sum(0) - b).sum() > tol * a.sum():
        raise NotOffered("its 100 iterations do not reach the tolerance, and it takes none")
    return plan, found.potential_a + reg * np.log(a), found.potential_b + reg * np.log(b)

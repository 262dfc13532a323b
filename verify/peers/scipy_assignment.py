"""scipy.optimize.linear_sum_assignment, on scipy.spatial.distance.cdist for W_p: equally many points of equal mass."""

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from detrace import NotOffered

BACKENDS = "numpy"
DTYPES = ("float64",)
REQUIRES = "scipy"
CONVENTIONS = {"wasserstein": "n = m and uniform masses only", "transport_cost": "n = m and masses all alike only"}


def cost_matrix(x, y, p):
    return cdist(x, y, "sqeuclidean") if p == 2 else cdist(x, y) ** p


def transport_cost(a, b, C):
    if len(a) != len(b) or (a != a[0]).any() or (b != b[0]).any():
        raise NotOffered("an assignment needs equally many points of equal mass")
    return np.asarray(C[linear_sum_assignment(C)].sum() * a[0])


def wasserstein(x, y, p, a, b):
    if a is not None or b is not None or len(x) != len(y):
        raise NotOffered("an assignment needs equally many points of equal mass")
    if not 1 <= p < np.inf:
        raise NotOffered("a distance needs p ≥ 1, here a finite one")
    C = cost_matrix(x, y, p)
    return np.asarray(C[linear_sum_assignment(C)].mean() ** (1 / p))

"""scipy.optimize.linprog (HiGHS): transport written as a linear program."""

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import eye_array, kron, vstack

BACKENDS = "numpy"
DTYPES = ("float64",)
REQUIRES = "scipy"
CONVENTIONS = {"optimal_transport": "HiGHS, tolerances 1e-7 absolute: masses and costs are scaled to 1 here"}


def solve(a, b, C):
    n, m = C.shape
    rows = vstack([kron(eye_array(n), np.ones((1, m))), kron(np.ones((1, n)), eye_array(m))])
    mass, unit = abs(a.sum()), abs(C).max() or 1.0
    found = linprog(C.ravel() / unit, A_eq=rows, b_eq=np.concatenate([a, b]) / mass, method="highs")
    if found.status != 0:
        raise ValueError(found.message)
    return found.fun * mass * unit, found.x.reshape(n, m) * mass, found.eqlin.marginals * unit


def optimal_transport(a, b, C):
    cost, plan, y = solve(a, b, C)
    return np.asarray(cost), plan, y[: len(a)], y[len(a) :]


def transport_cost(a, b, C):
    return np.asarray(solve(a, b, C)[0])

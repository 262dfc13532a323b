"""ot.sinkhorn of POT with method sinkhorn_epsilon_scaling: stages of falling regularisation, from 10⁴ on."""

import numpy as np
import ot

from detrace import NotOffered

from ._batches import one_problem

BACKENDS = "numpy"
DTYPES = ("float64",)
REQUIRES = "POT"
CONVENTIONS = {"sinkhorn": "masses are normalised, costs divided by the largest; stopThr, a sum of squares, is tol²/(n+m) here"}


@one_problem(1, 1, 2)
def sinkhorn(a, b, C, reg, tol):
    mass, unit, stop = abs(a.sum()), abs(C).max() or 1.0, tol**2 / sum(C.shape)
    options = {"method": "sinkhorn_epsilon_scaling", "numItermax": 100, "stopThr": stop, "log": True, "warn": False}
    plan, log = ot.sinkhorn(a / mass, b / mass, C / unit, reg / unit, **options)
    if log["niter"] == 99 and log["err"][-1] > stop:
        raise NotOffered("not converged after the 100 stages that are allowed here")
    return plan * mass, unit * log["alpha"] + reg * np.log(mass), unit * log["beta"]

"""ot.sinkhorn of POT as it is called by default: sinkhorn_knopp, on exp(−C/reg) itself."""

import numpy as np
import ot

from detrace import NotOffered

from ._batches import one_problem

BACKENDS = "numpy"
DTYPES = ("float64",)
REQUIRES = "POT"
CONVENTIONS = {
    "sinkhorn": "masses are normalised; stopThr, the 2-norm of one margin, is tol/√m here; 500 iterations",
    "sinkhorn_iterations": "numItermax iterations, stopThr = 0",
}


@one_problem(1, 1, 2)
def sinkhorn(a, b, C, reg, tol):
    mass, stop = abs(a.sum()), tol / len(b) ** 0.5
    plan, log = ot.sinkhorn(a / mass, b / mass, C, reg, numItermax=500, stopThr=stop, log=True, warn=False)
    if log["niter"] == 499 and log["err"][-1] >= stop:
        raise NotOffered("not converged after the 500 iterations that are allowed here")
    return plan * mass, reg * np.log(log["u"] * mass), reg * np.log(log["v"])


@one_problem(1, 1, 2)
def sinkhorn_iterations(a, b, C, reg, n):
    plan, log = ot.sinkhorn(a, b, C, reg, numItermax=int(n), stopThr=0, log=True, warn=False)
    return plan, reg * np.log(log["u"]), reg * np.log(log["v"])

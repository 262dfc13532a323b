"""ot.sinkhorn of POT with method greenkhorn: one row or column at a time, that of the largest violation."""

import numpy as np
import ot

from detrace import NotOffered

from ._batches import one_problem

BACKENDS = "numpy"
DTYPES = ("float64",)
REQUIRES = "POT"
CONVENTIONS = {"sinkhorn": "masses are normalised; stopThr, the largest violation, is tol/(n+m) here; 2000 updates"}


@one_problem(1, 1, 2)
def sinkhorn(a, b, C, reg, tol):
    mass, stop = abs(a.sum()), tol / sum(C.shape)
    plan, log = ot.sinkhorn(a / mass, b / mass, C, reg, "greenkhorn", numItermax=2000, stopThr=stop, log=True, warn=False)
    if log["n_iter"] == 1999:
        raise NotOffered("not converged after the 2000 updates that are allowed here")
    return plan * mass, reg * np.log(log["u"] * mass), reg * np.log(log["v"])

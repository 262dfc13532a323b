"""POT's ot.emd2_1d: the network of sorted samples, in compiled code."""

import numpy as np
import ot

BACKENDS = "numpy"
DTYPES = ("float64",)
REQUIRES = "POT"
CONVENTIONS = {"wasserstein_1d": "metric minkowski returns W_p^p of probability vectors: rooted, and scaled by the mass here"}


def wasserstein_1d(x, y, p, a, b):
    if x.ndim > 1:
        return np.stack([wasserstein_1d(x[i], y[i], p, a[i], b[i]) for i in range(len(x))])
    mass = 1.0 if a is None else abs(a.sum())
    cost = ot.emd2_1d(x, y, *(None if w is None else w / mass for w in (a, b)), metric="minkowski", p=p)
    return np.asarray((mass * cost) ** (1 / p))

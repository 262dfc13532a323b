"""POT's ot.emd2_1d: the network of sorted samples, in compiled code."""

import numpy as np
import ot

from detrace import NotOffered

from ._batches import rows
from ._masses import total

BACKENDS = "numpy"
DTYPES = ("float64",)
REQUIRES = "POT"
CONVENTIONS = {"wasserstein_1d": "metric minkowski returns W_p^p of probability vectors: rooted, and scaled by the mass here"}


@rows(np.stack)
def wasserstein_1d(x, y, p, a, b):
    if p == np.inf:
        raise NotOffered("p = inf")
    mass = 1.0 if a is None else total(a)
    cost = ot.emd2_1d(x, y, *(None if w is None else w / mass for w in (a, b)), metric="minkowski", p=p)
    return np.asarray((mass * cost) ** (1 / p))

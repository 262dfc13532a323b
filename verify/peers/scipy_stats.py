"""scipy.stats: wasserstein_distance on the line (p = 1) and wasserstein_distance_nd, a linear program solved by HiGHS."""

import numpy as np
from scipy import stats

from detrace import NotOffered

from ._batches import rows

BACKENDS = "numpy"
DTYPES = ("float64",)
REQUIRES = "scipy"
CONVENTIONS = {
    "wasserstein_1d": "p = 1 only; weights are normalised, the mass is put back here; one pair a call",
    "wasserstein": "p = 1 only; weights are normalised, the mass is put back here",
}


@rows(np.stack)
def wasserstein_1d(x, y, p, a, b):
    if p != 1:
        raise NotOffered("scipy.stats.wasserstein_distance is W_1")
    return np.asarray(stats.wasserstein_distance(x, y, a, b) * (1.0 if a is None else a.sum()))


def wasserstein(x, y, p, a, b):
    if p != 1:
        raise NotOffered("scipy.stats.wasserstein_distance_nd is W_1")
    return np.asarray(stats.wasserstein_distance_nd(x, y, a, b) * (1.0 if a is None else a.sum()))

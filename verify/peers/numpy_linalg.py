"""numpy.linalg.slogdet (LU)."""

import numpy as np

BACKENDS = "numpy"
REQUIRES = "numpy"


def logabsdet(M):
    return np.linalg.slogdet(M).logabsdet

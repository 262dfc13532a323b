"""scipy.sparse.linalg: expm on dense input, expm_multiply (truncated Taylor, Al-Mohy & Higham 2011); one matrix at a time."""

import numpy as np
from scipy.sparse import linalg

BACKENDS = "numpy"
REQUIRES = "scipy"
CONVENTIONS = {"expm": "one matrix a call; batches are looped over here", "expm_multiply": "the same"}


def expm(A):
    out = np.empty_like(A)
    for i in np.ndindex(A.shape[:-2]):
        out[i] = linalg.expm(A[i]) if A.size else A[i]
    return out


def expm_multiply(A, V):
    if A.ndim > 2:
        return np.stack([expm_multiply(*pair) for pair in zip(A, V, strict=True)])
    return linalg.expm_multiply(A, V)

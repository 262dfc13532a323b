"""mpmath.expm at 40 digits, rounded once to double: slow and independent."""

import mpmath
import numpy as np

from detrace import NotOffered

BACKENDS = "numpy"
DTYPES = ("float64",)
REQUIRES = "mpmath"
CONVENTIONS = {"expm": "one matrix a call; batches are looped over here"}


def expm(A):
    if A.shape[-1] > 32:
        raise NotOffered("matrices of more than 32 rows, which take minutes")
    out = np.empty_like(A)
    with mpmath.workdps(40):
        for i in np.ndindex(A.shape[:-2]):
            if A.size:
                out[i] = np.array(mpmath.expm(mpmath.matrix(A[i].tolist())).tolist(), dtype=A.dtype)
    return out

"""cupyx.scipy.linalg.expm and cupy.linalg.slogdet."""

import cupy
from cupyx.scipy.linalg import expm as _expm

BACKENDS = "cupy"
REQUIRES = "cupy-cuda12x"
CONVENTIONS = {"expm": "one matrix a call; batches are looped over here"}


def expm(A):
    if A.ndim == 2 and A.size:
        return _expm(A)
    flat = A.reshape(-1, *A.shape[-2:])
    return cupy.stack([_expm(a) for a in flat]).reshape(A.shape) if A.size else A.copy()


def logabsdet(M):
    return cupy.linalg.slogdet(M)[1]

"""Loops over NumPy arrays that no call of NumPy or BLAS makes in one pass: compiled by numba where that is installed.

Their results are those of the array expressions that they stand for, bit by bit in real dtypes; only the time differs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

TAKEN = {(np.ndarray, np.dtype(char)) for char in "fdFD"}


def plus_outer(V: Any, x: Any, w: Any) -> np.ndarray | None:
    """V + xwᵀ, (n, k), (n,), (k,) -> (n, k), in the time of a copy of V; None where that cannot be: arrays that it cannot
    take, V not stored by rows, numba not installed.

    The first call in a process imports numba and compiles for its dtype, 0.1 to 0.5 s together.
    """
    loop = _plus_outer() if takes(V, x, w) and V.flags.c_contiguous else None
    if loop is None:
        return None
    out = np.empty(V.shape, V.dtype)  # NumPy asks the system for large pages, numba would not
    loop(V, x, w, out)
    return out


def takes(*arrays: Any) -> bool:
    """Whether compiled code, a loop or BLAS, can take them: NumPy's own, all of one dtype of single or double precision."""
    kinds = {(type(a), a.dtype) for a in arrays}
    return len(kinds) == 1 and kinds <= TAKEN


@cache
def _plus_outer() -> Callable[..., None] | None:
    try:
        import numba
    except ImportError:
        return None
    if getattr(numba.config, "DISABLE_JIT", 0):  # a loop in Python would take a thousand times as long
        return None

    @numba.njit
    def loop(V: np.ndarray, x: np.ndarray, w: np.ndarray, out: np.ndarray) -> None:
        for i in range(V.shape[0]):
            for j in range(V.shape[1]):
                out[i, j] = V[i, j] + x[i] * w[j]

    return loop

"""Loops over NumPy arrays that no call of NumPy or BLAS makes in one pass: compiled by numba where that is installed.

Their results are those of the array expressions that they stand for, bit by bit; only the time differs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

Loop = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], None]


@cache
def plus_outer() -> Loop | None:
    """(V, x, w, out): out = V + xwᵀ, of arrays (n, k), (n,), (k,) of one dtype, in the time of a copy of V; None without numba.

    The first call in a process imports numba and compiles for its dtype, 0.1 to 0.5 s together.
    """
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

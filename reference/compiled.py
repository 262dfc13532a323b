"""What NumPy has no call for, by compiled code: a loop for numba where that is installed, else BLAS."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

BLOCK = 1 << 16
"""Elements that long arrays are worked on at a time: they stay in a second-level cache, temporaries need no new memory
from the system, and OpenBLAS multiplies so few of them by up to 15 columns without packing them first."""
TAKEN = {(np.ndarray, np.dtype(char)) for char in "fdFD"}


def plus_outer(V: Any, x: Any, w: Any) -> np.ndarray | None:
    """V + xwᵀ, (n, k), (n,), (k,) -> (n, k); None for arrays that compiled code cannot take.

    numba, if V is stored by rows: in the time of a copy of V; in real dtypes the numbers of the array expression, bit by bit.
    The first call in a process imports numba and compiles for its dtype, 0.1 to 0.5 s together. BLAS: in twice that time.
    """
    if not takes(V, x, w):
        return None
    out = np.empty(V.shape, V.dtype)  # NumPy asks the system for large pages, numba would not
    if V.flags.c_contiguous and (loop := _plus_outer()) is not None:
        loop(V, x, w, out)
        return out
    return _update_by_blocks(out, V, x, w) if V.size > 0 and V.shape[1] > 1 else None


def _update_by_blocks(out: np.ndarray, V: np.ndarray, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """V + xwᵀ in `out`: blocks of rows are copied and updated while they are in a cache."""
    from scipy.linalg import get_blas_funcs

    ger, step = get_blas_funcs("geru" if np.iscomplexobj(V) else "ger", (V,)), max(1, BLOCK // V.shape[1])
    for i in range(0, len(V), step):
        block = out[i : i + step]
        block[...] = V[i : i + step]
        ger(1.0, w, x[i : i + step], a=block.T, overwrite_a=True)
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

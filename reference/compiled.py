"""What NumPy has no call for, by compiled code: a loop for numba where that is installed, else BLAS."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

BLOCK = 1 << 16
"""Elements that long arrays are worked on at a time: they stay in a second-level cache, temporaries need no new memory
from the system, and OpenBLAS multiplies so few of them by up to 15 columns without packing them first."""
MOST = 32
"""Columns of X that loops take; BLAS multiplies more of them as fast."""
TERMS = {"f": 12, "d": 20}
"""Of φ₁'s series: the rest, 1.1/(terms + 1)! where ‖S‖ <= 1, is below u/50."""
TAKEN = {(np.ndarray, np.dtype(char)) for char in "fdFD"}


def plus_outer(V: Any, x: Any, w: Any) -> np.ndarray | None:
    """V + xwᵀ, (n, k), (n,), (k,) -> (n, k); None for arrays that compiled code cannot take.

    numba, if V is stored by rows: in the time of a copy of V; in real dtypes the numbers of the array expression, bit by bit.
    The first call in a process imports numba and compiles for its dtype, 0.1 to 0.5 s together. BLAS: in twice that time.
    """
    if not takes(V, x, w):
        return None
    out = np.empty(V.shape, V.dtype)  # NumPy asks the system for large pages, numba would not
    if V.flags.c_contiguous and (loops := _loops()) is not None:
        loops.plus_outer(V, x, w, out)
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


def plus_low_rank(V: Any, X: Any, S: Any, Y: Any, phi1m: Callable[[Any], Any]) -> np.ndarray | None:
    """V + X φ₁(S) YᵀV, (n, k), (n, r), (r, r), (n, r) -> (n, k); None for arrays that compiled code cannot take or need not.

    numba, if all are real and stored by rows, r <= MOST: φ₁ by its series if ‖S‖_F <= 1, else by `phi1m`; the first call in a
    process imports numba and compiles for its dtype, 0.5 to 1 s together. BLAS: blocks of V are copied and multiplied while
    they are in a cache.
    """
    (n, k), r = V.shape, X.shape[1]
    if not (takes(V, X, S, Y) and k >= 16 and V.size > BLOCK and r > 0):
        return None
    out = np.empty(V.shape, V.dtype)
    by_rows = r <= MOST and all(a.flags.c_contiguous for a in (V, X, S, Y))
    if by_rows and V.dtype.kind == "f" and (loops := _loops()) is not None:
        product = np.zeros((r, k), V.dtype)
        loops.add_transposed_product(Y, V, product)
        rest = k - k % (loops.LINE // V.itemsize)  # columns that fill no line
        if rest < k:
            product[:, rest:] = Y.T @ V[:, rest:]
        C = (loops.phi1_series(S, TERMS[V.dtype.char]) if np.vdot(S, S) <= 1 else phi1m(S)) @ product
        loops.plus_product(V, X, C, out)
        if rest < k:
            out[:, rest:] = V[:, rest:] + X @ C[:, rest:]
        return out
    from scipy.linalg import get_blas_funcs

    total: Any = 0
    step = max(1, BLOCK // k)
    for i in range(0, n, step):
        block = out[i : i + step]
        block[...] = V[i : i + step]
        total = total + Y[i : i + step].T @ block
    updated: np.ndarray = get_blas_funcs("gemm", (V,))(1.0, (phi1m(S) @ total).T, X.T, beta=1.0, c=out.T, overwrite_c=True).T
    return updated


def takes(*arrays: Any) -> bool:
    """Whether compiled code, a loop or BLAS, can take them: NumPy's own, all of one dtype of single or double precision."""
    kinds = {(type(a), a.dtype) for a in arrays}
    return len(kinds) == 1 and kinds <= TAKEN


@cache
def _loops() -> Any:
    """The loops; None where numba is missing or told not to compile: in Python they would take a thousand times as long."""
    try:
        import numba
    except ImportError:
        return None
    if getattr(numba.config, "DISABLE_JIT", 0):
        return None
    from . import loops

    return loops

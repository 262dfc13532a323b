"""What NumPy has no call for, by compiled code: a loop for numba where that is installed, else BLAS where it can do it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import log2
from typing import Any

import numpy as np

BLOCK = 1 << 16
"""Elements that long arrays are worked on at a time: they stay in a second-level cache, temporaries need no new memory
from the system, and OpenBLAS multiplies so few of them by up to 15 columns without packing them first."""
FEWEST, MOST = 1 << 12, 32
"""Elements of V from which on, and columns of X up to which loops take them: a call on fewer elements is not worth what
compiling costs; BLAS multiplies more columns as fast."""
SLICES, SIZE = 64, 16
"""Slices of a batch from which on, and their rows up to which a loop takes them: fewer are not worth what compiling costs; of
more rows what is kept of a line of slices outgrows a second-level cache of 512 kB, and BLAS catches up."""
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

    numba, if all are real and stored by rows: φ₁ by its series where ‖S‖_F <= 1, else by `phi1m`; the first call in a process
    imports numba and compiles for its dtype, 0.5 to 1 s together. BLAS: in one and a half to three times that time.
    """
    k, r = V.shape[1], X.shape[1]
    if not (takes(V, X, S, Y) and k >= 16 and r > 0):
        return None
    by_rows = V.dtype.kind == "f" and all(a.flags.c_contiguous for a in (V, X, S, Y))
    if by_rows and V.size >= FEWEST and r <= MOST and (loops := _loops()) is not None:
        return _low_rank_by_tiles(loops, V, X, S, Y, phi1m)
    return _low_rank_by_blocks(V, X, phi1m(S), Y) if V.size > BLOCK else None


def _low_rank_by_tiles(loops: Any, V: Any, X: Any, S: Any, Y: Any, phi1m: Callable[[Any], Any]) -> np.ndarray:
    """V + X φ₁(S) YᵀV: tiles of whole lines and pairs of rows; columns and the row that fill none as arrays."""
    (n, k), r = V.shape, X.shape[1]
    out, product = np.empty(V.shape, V.dtype), np.zeros((r, k), V.dtype)
    whole = k - k % (loops.LINE // V.itemsize)  # columns that fill lines
    loops.add_transposed_product(Y, V, product)
    if whole < k:
        product[:, whole:] = Y.T @ V[:, whole:]
    phi, other = np.zeros((2, r, r), V.dtype)
    C = (phi if loops.phi1_series(S, TERMS[S.dtype.char], phi, other) else phi1m(S)) @ product
    loops.plus_product(V, X, C, out)
    if whole < k:
        out[:, whole:] = V[:, whole:] + X @ C[:, whole:]
    if n % 2:
        out[-1] = V[-1] + X[-1] @ C
    return out


def _low_rank_by_blocks(V: np.ndarray, X: np.ndarray, phi: np.ndarray, Y: np.ndarray) -> np.ndarray:
    """V + X φ YᵀV: blocks of rows are copied and multiplied while they are in a cache, and BLAS adds to the copy."""
    from scipy.linalg import get_blas_funcs

    out, product = np.empty(V.shape, V.dtype), np.zeros((X.shape[1], V.shape[1]), V.dtype)
    step = max(1, BLOCK // V.shape[1])
    for i in range(0, len(V), step):
        block = out[i : i + step]
        block[...] = V[i : i + step]
        product += Y[i : i + step].T @ block
    gemm = get_blas_funcs("gemm", (V,))
    updated: np.ndarray = gemm(1.0, (phi @ product).T, X.T, beta=1.0, c=out.T, overwrite_c=True).T
    return updated


def exponentials(
    A: Any, log_norm: Any, mean: Any, halvings: Any, degree: int, polynomial: tuple[Any, ...], radius: float
) -> np.ndarray | None:
    """e^{2ʰ(A + μI)}, (N, n, n), (N,), (N, 1, 1) or None, (N,) or 0 -> (N, n, n), the polynomial and its radius as in
    `matrix_exponential`; None for arrays that compiled code cannot take or need not: it takes many small real matrices.

    numba: expm takes 0.4 to 0.8 of its time with array expressions. The first call for a dtype compiles, 1 to 4 s; what it
    compiled is kept on disk, and the first call in the next process takes half a second.
    """
    if not (takes(A) and A.dtype.kind == "f" and len(A) >= SLICES and A.shape[-1] <= SIZE and (loops := _loops()) is not None):
        return None
    N, n, _ = A.shape
    W = loops.LINE // A.itemsize
    means = np.zeros(N, A.dtype) if mean is None else mean.reshape(N)
    work, zeros = np.zeros((2, loops.MATRICES, n * n * W), A.dtype)
    lanes, out = np.zeros((loops.NUMBERS, W), A.dtype), np.empty((N, n, n), A.dtype)
    loops.exponentials(np.ascontiguousarray(A.transpose(1, 2, 0)), log_norm, means, np.zeros(N, np.int64) + halvings, degree,
                       _table(polynomial, A.dtype), log2(radius), work, zeros, lanes, out)  # fmt: skip
    return out


@cache
def _table(polynomial: tuple[Any, ...], dtype: Any) -> np.ndarray:
    """The coefficients of L₁..L₅, then d₀ and zeros: (6, 3 or 4)."""
    d0, *rows = polynomial
    return np.array([*rows, [d0] + [0.0] * (len(rows[0]) - 1)], dtype)


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

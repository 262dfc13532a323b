"""Loops for numba to compile; `compiled.py` imports them where it is installed.

YᵀV and V + XC with few columns in X, Y are sums of outer products over tiles that stay in registers: four rows of the
result by the 64 bytes of one cache line. BLAS, made for square blocks, first copies what it multiplies.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

LINE = 64
"""Bytes of a row in a tile."""
STEPS = 32
"""Rows of V that a tile of YᵀV sums before the next tile: all their columns, if not many, stay in a first-level cache."""
READ, WRITE = 0, 1


@njit
def plus_outer(V: np.ndarray, x: np.ndarray, w: np.ndarray, out: np.ndarray) -> None:
    """V + xwᵀ in `out`: (n, k), (n,), (k,), (n, k)."""
    for i in range(V.shape[0]):
        for j in range(V.shape[1]):
            out[i, j] = V[i, j] + x[i] * w[j]


def _tile_of(rows: int, B_is_long: bool) -> Callable[..., None]:
    """A tile, all arrays by their addresses, R = `rows`, L numbers a line:
    out[o + pk + l] = start[o + pk + l] + Σ_{m<M} A[a + ps + mt] B[b + mk + l], p < R, l < L.

    B or, if that is short, `start` and `out` are asked for some tiles ahead of their use, harmless past an array's end.
    """

    @intrinsic
    def tile(context: Any, out: Any, start: Any, o: Any, A: Any, a: Any, s: Any, t: Any, B: Any, b: Any, k: Any, M: Any) -> Any:
        size = out.dtype.bitwidth // 8

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            out, start, o, A, a, s, t, B, b, k, M = (
                context.make_array(kind)(context, builder, value).data if isinstance(kind, types.Array) else value
                for kind, value in zip(signature.args, arguments, strict=True)
            )
            number, index, byte = context.get_data_type(signature.args[0].dtype), ir.IntType(32), ir.IntType(8).as_pointer()
            line = ir.VectorType(number, LINE // size)
            empty, everywhere = ir.Constant(line, ir.Undefined), ir.Constant(ir.VectorType(index, LINE // size), None)
            asks = ir.FunctionType(ir.VoidType(), [byte, index, index, index])
            ask = cgutils.get_or_insert_function(builder.module, asks, "llvm.prefetch.p0")

            def at(array: Any, offset: Any, step: Any, count: Any) -> Any:
                return builder.gep(array, [builder.add(offset, builder.mul(step, count))])

            def line_at(array: Any, row: int) -> Any:
                return builder.bitcast(at(array, o, k, k.type(row)), line.as_pointer())

            def ask_for(place: Any, use: int) -> None:
                builder.call(ask, [builder.bitcast(place, byte), index(use), index(3), index(1)])  # all caches, data

            sums = [cgutils.alloca_once(builder, line) for _ in range(rows)]
            for p, sum_ in enumerate(sums):
                builder.store(builder.load(line_at(start, p), align=size), sum_)
            with cgutils.for_range(builder, M, intp=M.type) as loop:
                m = loop.index
                row = builder.load(builder.bitcast(at(B, b, k, m), line.as_pointer()), align=size)
                if B_is_long:
                    ask_for(at(B, b, k, builder.add(m, m.type(STEPS))), READ)
                for p, sum_ in enumerate(sums):
                    factor = builder.load(at(A, builder.add(a, builder.mul(m, t)), s, s.type(p)))
                    factors = builder.shuffle_vector(builder.insert_element(empty, factor, index(0)), empty, everywhere)
                    product = builder.fmul(factors, row, flags=["contract"])
                    builder.store(builder.fadd(builder.load(sum_), product, flags=["contract"]), sum_)
            for p, sum_ in enumerate(sums):
                builder.store(builder.load(sum_), line_at(out, p), align=size)
                if not B_is_long:
                    ask_for(line_at(start, p + 4 * rows), READ)
                    ask_for(line_at(out, p + 4 * rows), WRITE)
            return context.get_dummy_value()

        return types.void(out, start, o, A, a, s, t, B, b, k, M), generate

    tile_: Callable[..., None] = tile
    return tile_


def _tiles(B_is_long: bool) -> Callable[..., None]:
    """The tiles of any number of rows."""
    four, two, one = (_tile_of(rows, B_is_long) for rows in (4, 2, 1))

    @njit(forceinline=True)
    def tiles(count: int, out: Any, start: Any, o: int, A: Any, a: int, s: int, t: int, B: Any, b: int, k: int, M: int) -> None:
        p = 0
        while p + 4 <= count:
            four(out, start, o + p * k, A, a + p * s, s, t, B, b, k, M)
            p += 4
        if p + 2 <= count:
            two(out, start, o + p * k, A, a + p * s, s, t, B, b, k, M)
            p += 2
        if p < count:
            one(out, start, o + p * k, A, a + p * s, s, t, B, b, k, M)

    tiles_: Callable[..., None] = tiles
    return tiles_


_over_long, _over_short = _tiles(True), _tiles(False)


@njit
def add_transposed_product(Y: np.ndarray, V: np.ndarray, P: np.ndarray) -> None:
    """P += YᵀV, the whole lines of it: (n, r), (n, k), (r, k), each by rows."""
    (n, r), k = Y.shape, V.shape[1]
    lanes = LINE // V.itemsize
    for i in range(0, n, STEPS):
        for j in range(0, k - k % lanes, lanes):
            _over_long(r, P, P, j, Y, i * r, 1, r, V, i * k + j, k, min(STEPS, n - i))


@njit
def plus_product(V: np.ndarray, X: np.ndarray, C: np.ndarray, out: np.ndarray) -> None:
    """V + XC in `out`, the whole lines of it: (n, k), (n, r), (r, k), (n, k), each by rows."""
    (n, r), k = X.shape, V.shape[1]
    lanes = LINE // V.itemsize
    for i in range(0, n, 4):
        for j in range(0, k - k % lanes, lanes):
            _over_short(min(4, n - i), out, V, i * k + j, X, i * r, r, 1, C, j, k, r)


@njit
def phi1_series(S: np.ndarray, terms: int, phi: np.ndarray, product: np.ndarray) -> None:
    """Σ Sᵏ/(k+1)!, k < `terms`, by Horner's rule in `phi`, which is I at first, `product` zeros: all (r, r)."""
    r = len(S)
    for k in range(terms, 1, -1):
        for i in range(r):
            for m in range(r):
                factor = S[i, m] / k
                for j in range(r):
                    product[i, j] += factor * phi[m, j]
        for i in range(r):
            for j in range(r):
                phi[i, j] = product[i, j] + (i == j)
                product[i, j] = 0

"""Loops for numba to compile; `compiled.py` imports them where it is installed.

YᵀV and V + XC with few columns in X, Y are sums of outer products over tiles of the result that stay in registers: four rows
by one cache line, or two by two. BLAS, made for square blocks, first copies what it multiplies.
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
"""Bytes of a cache line."""
NEAR = 1 << 13
"""Bytes of V that are worked on before the next: they stay in a first-level cache."""


@njit
def plus_outer(V: np.ndarray, x: np.ndarray, w: np.ndarray, out: np.ndarray) -> None:
    """V + xwᵀ in `out`: (n, k), (n,), (k,), (n, k)."""
    for i in range(V.shape[0]):
        for j in range(V.shape[1]):
            out[i, j] = V[i, j] + x[i] * w[j]


def _tile_of(rows: int, lines: int, ahead: bool = False) -> Callable[..., None]:
    """A tile, all arrays by their addresses, of `rows` rows of L numbers, which fill `lines` cache lines:
    out[o + pk + l] = start[o + pk + l] + Σ_{m<M} A[a + ps + mt] B[b + mk + l], p < rows, l < L.

    `ahead`: the M next rows of B are asked for, too; past an array's end that does nothing.
    """

    @intrinsic
    def tile(context: Any, out: Any, start: Any, o: Any, A: Any, a: Any, s: Any, t: Any, B: Any, b: Any, k: Any, M: Any) -> Any:
        size = out.dtype.bitwidth // 8
        L = lines * LINE // size

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            out, start, o, A, a, s, t, B, b, k, M = (
                context.make_array(kind)(context, builder, value).data if isinstance(kind, types.Array) else value
                for kind, value in zip(signature.args, arguments, strict=True)
            )
            number, index, byte = context.get_data_type(signature.args[0].dtype), ir.IntType(32), ir.IntType(8).as_pointer()
            vector = ir.VectorType(number, L)
            empty, everywhere = ir.Constant(vector, ir.Undefined), ir.Constant(ir.VectorType(index, L), None)

            def at(array: Any, offset: Any, step: Any, count: Any, kind: Any = number) -> Any:
                place = builder.gep(array, [builder.add(offset, builder.mul(step, count))])
                return builder.bitcast(place, kind if kind is byte else kind.as_pointer())

            sums = [cgutils.alloca_once(builder, vector) for _ in range(rows)]
            for p, sum_ in enumerate(sums):
                builder.store(builder.load(at(start, o, k, k.type(p), vector), align=size), sum_)
            with cgutils.for_range(builder, M, intp=M.type) as loop:
                m = loop.index
                row = builder.load(at(B, b, k, m, vector), align=size)
                if ahead:
                    asks = ir.FunctionType(ir.VoidType(), [byte, index, index, index])
                    ask = cgutils.get_or_insert_function(builder.module, asks, "llvm.prefetch.p0")
                    builder.call(ask, [at(B, b, k, builder.add(m, M), byte), index(0), index(3), index(1)])  # read, keep, data
                for p, sum_ in enumerate(sums):
                    factor = builder.load(at(A, builder.add(a, builder.mul(m, t)), s, s.type(p)))
                    factors = builder.shuffle_vector(builder.insert_element(empty, factor, index(0)), empty, everywhere)
                    product = builder.fmul(factors, row, flags=["contract"])
                    builder.store(builder.fadd(builder.load(sum_), product, flags=["contract"]), sum_)
            for p, sum_ in enumerate(sums):
                builder.store(builder.load(sum_), at(out, o, k, k.type(p), vector), align=size)
            return context.get_dummy_value()

        return types.void(out, start, o, A, a, s, t, B, b, k, M), generate

    tile_: Callable[..., None] = tile
    return tile_


_one, _two, _four = _tile_of(1, 1, True), _tile_of(2, 1, True), _tile_of(4, 1, True)
_pair, _wide_pair = _tile_of(2, 1), _tile_of(2, 2)


@njit
def add_transposed_product(Y: np.ndarray, V: np.ndarray, P: np.ndarray) -> None:
    """P += YᵀV, the whole lines of it: (n, r), (n, k), (r, k), each by rows."""
    (n, r), k = Y.shape, V.shape[1]
    line = LINE // V.itemsize
    steps = max(8, NEAR // (k * V.itemsize))
    for i in range(0, n, steps):
        M = min(steps, n - i)
        for j in range(0, k - k % line, line):
            q = 0
            while q + 4 <= r:
                _four(P, P, j + q * k, Y, i * r + q, 1, r, V, i * k + j, k, M)
                q += 4
            if q + 2 <= r:
                _two(P, P, j + q * k, Y, i * r + q, 1, r, V, i * k + j, k, M)
                q += 2
            if q < r:
                _one(P, P, j + q * k, Y, i * r + q, 1, r, V, i * k + j, k, M)


@njit
def plus_product(V: np.ndarray, X: np.ndarray, C: np.ndarray, out: np.ndarray) -> None:
    """V + XC in `out`, the whole lines of it in pairs of rows: (n, k), (n, r), (r, k), (n, k), each by rows."""
    (n, r), k = X.shape, V.shape[1]
    line = LINE // V.itemsize
    for i in range(0, n - 1, 2):
        j = 0
        while j + 2 * line <= k:
            _wide_pair(out, V, i * k + j, X, i * r, r, 1, C, j, k, r)
            j += 2 * line
        if j + line <= k:
            _pair(out, V, i * k + j, X, i * r, r, 1, C, j, k, r)


@njit
def phi1_series(S: np.ndarray, terms: int, phi: np.ndarray, product: np.ndarray) -> bool:
    """Whether ‖S‖_F <= 1; then Σ Sᵏ/(k+1)!, k < `terms`, by Horner's rule in `phi`, at first zeros like `product`: (r, r)."""
    r, square = len(S), S.dtype.type(0)
    for i in range(r):
        for j in range(r):
            square += S[i, j] * S[i, j]
    if not square <= 1:
        return False
    for k in range(terms + 1, 1, -1):
        for i in range(r):
            for m in range(r):
                factor = S[i, m] / k
                for j in range(r):
                    product[i, j] += factor * phi[m, j]
        for i in range(r):
            for j in range(r):
                phi[i, j] = product[i, j] + (i == j)
                product[i, j] = 0
    return True

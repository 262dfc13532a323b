"""Loops for numba to compile; `compiled.py` imports them where it is installed.

YᵀV and V + XC with few columns in X, Y are sums of outer products over tiles of the result that stay in registers: four rows
by one cache line, or two by two. BLAS, made for square blocks, first copies what it multiplies.

Many small matrices are worked on side by side, entry by entry, as many as fill a cache line, from A to e^A: what they need
stays in a near cache, where array expressions go through the whole batch once an operation.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

LINE = 64
"""Bytes of a cache line."""
MATRICES, NUMBERS = 10, 13
"""What `exponentials` keeps of each slice: matrices in its `work`, numbers in its `lanes`."""
NEAR = 1 << 13
"""Bytes of V that are worked on before the next: they stay in a first-level cache."""


def kept(function: Callable[..., Any]) -> Any:
    """`function`, compiled at its first call for a dtype; the next process loads that, if there is a folder to keep it in."""
    try:
        return njit(cache=True)(function)
    except RuntimeError:  # no such folder
        return njit(function)


@kept
def plus_outer(V: np.ndarray, x: np.ndarray, w: np.ndarray, out: np.ndarray) -> None:
    """V + xwᵀ in `out`: (n, k), (n,), (k,), (n, k)."""
    for i in range(V.shape[0]):
        for j in range(V.shape[1]):
            out[i, j] = V[i, j] + x[i] * w[j]


def _tile_of(rows: int, lines: int, ahead: bool = False, lanes: bool = False) -> Callable[..., None]:
    """A tile, all arrays by their addresses, of `rows` rows of L numbers, which fill `lines` cache lines:
    out[o + pk + l] = start[o + pk + l] + Σ_{m<M} A[a + ps + mt] B[b + mk + l], p < rows, l < L.

    `ahead`: the M next rows of B are asked for, too; past an array's end that does nothing.
    `lanes`: each l has factors of its own, A[a + ps + mt + l].
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
                    place = at(A, builder.add(a, builder.mul(m, t)), s, s.type(p), vector if lanes else number)
                    factors = builder.load(place, align=size)
                    if not lanes:
                        factors = builder.shuffle_vector(builder.insert_element(empty, factors, index(0)), empty, everywhere)
                    product = builder.fmul(factors, row, flags=["contract"])
                    builder.store(builder.fadd(builder.load(sum_), product, flags=["contract"]), sum_)
            for p, sum_ in enumerate(sums):
                builder.store(builder.load(sum_), at(out, o, k, k.type(p), vector), align=size)
            return context.get_dummy_value()

        return types.void(out, start, o, A, a, s, t, B, b, k, M), generate

    tile_: Callable[..., None] = tile
    return tile_


_one, _two, _four = _tile_of(1, 1, True), _tile_of(2, 1, True), _tile_of(4, 1, True)
_pair, _wide_pair, _five = _tile_of(2, 1), _tile_of(2, 2), _tile_of(5, 1)
_lanes, _pair_of_lanes = _tile_of(1, 1, lanes=True), _tile_of(2, 1, lanes=True)


@kept
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


@kept
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


@kept
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


@kept
def _multiply(work: np.ndarray, a: int, b: int, start: np.ndarray, c: int, n: int) -> None:
    """work[c] = start[c] + work[a] work[b], matrices side by side: (rows, n n W) each."""
    size, W = work.shape[1], LINE // work.itemsize
    for i in range(0, n - 1, 2):
        for j in range(n):
            to, left, right = c * size + (i * n + j) * W, a * size + i * n * W, b * size + j * W
            _pair_of_lanes(work, start, to, work, left, n * W, W, work, right, n * W, n)
    if n % 2:
        for j in range(n):
            to, left, right = c * size + (n * n - n + j) * W, a * size + (n * n - n) * W, b * size + j * W
            _lanes(work, start, to, work, left, 0, W, work, right, n * W, n)


@kept
def _squarings(logs: np.ndarray, w: int, degree: int, log_radius: float) -> float:
    """s as in `matrix_exponential._scaled_taylor` for slice w: log₂‖Aᵏ‖_F is logs[k], known for k = 1, 2, 3 (6)."""
    b = 3 if degree == 12 else 6
    logs[4, w], logs[5, w] = 2 * logs[2, w], logs[2, w] + logs[3, w]
    log_alpha = max(log_radius, logs[b, w] / b)
    for r in range(1, b):
        log_alpha = max(log_alpha, (degree // b * logs[b, w] + logs[r, w]) / (degree + r))
    return math.ceil(log_alpha - log_radius)


@kept
def exponentials(
    A: np.ndarray, log_norm: np.ndarray, mean: np.ndarray, halvings: np.ndarray, degree: int, table: np.ndarray,
    log_radius: float, work: np.ndarray, zeros: np.ndarray, lanes: np.ndarray, out: np.ndarray,
) -> None:  # fmt: skip
    """e^{2ʰ(A + μI)} in `out` by the steps of `matrix_exponential.expm` from its scaling on: A (n, n, N), the batch last;
    log₂‖A‖_F, μ, h (N,); coefficients of A, A², A³, A⁶ in L₁..L₅, then d₀ (6, 3 or 4); out (N, n, n).

    Room for W slices, which fill a cache line, an entry of each beside that of the next, by row:
    work (MATRICES, n n W): 0 to 3 A, A², A³, A⁶, later scaled, 4 to 8 L₁..L₅, 6 later Q, 8 and 9 the result and its square;
    lanes (NUMBERS, W): 1 to 6 log₂ of the norms of powers, 7 to 10 powers of 2⁻ˢ, 11 e^{μ/2ˢ}, 12 s + h; zeros like work.
    """
    n, _, N = A.shape
    terms, size, W = table.shape[1], work.shape[1], LINE // A.itemsize
    for first in range(0, N, W):
        M = min(W, N - first)
        for i in range(n):
            for j in range(n):
                for w in range(M):
                    work[0, (i * n + j) * W + w] = A[i, j, first + w]
        for p in range(1, terms):
            k = 6 if p == 3 else p + 1
            _multiply(work, p - 1, 0 if p == 2 else p - 1, zeros, p, n)
            _lanes(lanes, zeros, k * W, work, p * size, 0, W, work, p * size, W, n * n)
            for w in range(M):
                lanes[k, w] = math.log2(lanes[k, w]) / 2
        most = 0
        for w in range(M):
            lanes[1, w] = log_norm[first + w]
            s = _squarings(lanes, w, degree, log_radius)
            half = lanes.dtype.type(1)
            for _ in range(s):
                half /= 2
            cube = half * half * half
            lanes[7, w], lanes[8, w], lanes[9, w], lanes[10, w] = half, half * half, cube, cube * cube
            lanes[11, w] = math.exp(mean[first + w] * half)
            lanes[12, w] = s + halvings[first + w]
            most = max(most, s + halvings[first + w])
        for p in range(terms):
            for e in range(p * size, (p + 1) * size, W):
                _lanes(work, zeros, e, lanes, (7 + p) * W, 0, 0, work, e, 0, 1)
        for e in range(0, size, W):
            _five(work, zeros, 4 * size + e, table, 0, terms, 1, work, e, size, terms)
        _multiply(work, 4, 5, work, 6, n)  # Q = L₃ + L₁L₂
        for e in range(size):
            work[7, e] += work[6, e]
            work[8, e] += table[5, 0] * work[6, e]
        _multiply(work, 7, 6, work, 8, n)  # T = L₅ + d₀Q + (L₄ + Q)Q
        for i in range(n):
            for w in range(W):
                work[8, i * (n + 1) * W + w] += 1
        for e in range(8 * size, 9 * size, W):
            _lanes(work, zeros, e, lanes, 11 * W, 0, 0, work, e, 0, 1)
        x = 8
        for k in range(most + 1):
            for w in range(M):
                if lanes[12, w] == k:
                    for i in range(n):
                        for j in range(n):
                            out[first + w, i, j] = work[x, (i * n + j) * W + w]
            if k < most:
                _multiply(work, x, x, zeros, 17 - x, n)
                x = 17 - x

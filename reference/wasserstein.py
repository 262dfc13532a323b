"""Wasserstein distance W_p: of weighted samples of the line by sorting, of samples of R^d by optimal transport.

W_p^p = min Σ Γ_ij ‖x_i − y_j‖^p over plans Γ with margins a, b (https://kexue.fm/archives/6280); W_p is its root. Masses
count as they are given, W_p grows with mass^(1/p). On the line W_p^p = ∫|F⁻¹ − G⁻¹|^p, and W_1 = ∫|F − G|. Arrays of any
library that ``array_api_compat`` knows; results of the same library, dtype and device; float16 and bfloat16 are computed
in float32. Differentiable by torch and JAX (no jax.jit).
"""

from __future__ import annotations

from functools import lru_cache
from math import gcd, inf, isnan, prod
from typing import Any

import numpy as np
from array_api_compat import device

from .arrays import QUIET, stop_gradient
from .measures import (
    differentiated,
    finite_check,
    from_host,
    mass_checks,
    on_cpu,
    refuse,
    unit_roundoff,
    working_arrays,
)
from .optimal_transport import transport

BLOCK = 1 << 19
"""Bytes of one temporary on a CPU: a few stay in a second-level cache (all at once takes up to 4 times longer)."""


@QUIET
def wasserstein_1d(x: Any, y: Any, p: float = 1, a: Any = None, b: Any = None) -> Any:
    """W_p of Σ aᵢδ(xᵢ) and Σ bⱼδ(yⱼ) on the line: x, a (..., n), y, b (..., m) -> (...), 1 <= p <= inf.

    Weights None are uniform with total 1. Leading axes broadcast. Nothing leaves the device.
    Accuracy: |error of W_p^p| <= (n + m) u (W_p^p + u mass·range^p) up to a small constant, where range is the largest
    distance between points and totals are equal; totals that differ by rounding, ε mass, add ε mass·range^p. Sums of
    weights are carried in three parts, the first two exact, so W = 0 exactly for equal measures in any order (weights
    within 2⁻²⁰ of the total). No power overflows or underflows: distances are divided by the largest.
    Gradient: in the points, 0 between coincident ones; in the weights, dual potentials, hence up to a constant for
    weights of constant total; 0 where W = 0 and p > 1.
    Raises ValueError if p < 1, a measure is empty, shapes do not fit, values are NaN or infinite, weights are negative or
    their totals differ by more than 2(n+m)u; TypeError if a dtype is not real floating.
    """
    p = _exponent(p, 1.0, "wasserstein_1d")
    xp, dtype, (x, y, a, b) = working_arrays("wasserstein_1d", x, y, a, b)
    for points, weights in ((x, a), (y, b)):
        if points.ndim < 1 or points.shape[-1] == 0:
            raise ValueError(f"wasserstein_1d needs samples (..., n) of at least one point, got shape {tuple(points.shape)}.")
        if weights is not None and (weights.ndim < 1 or weights.shape[-1] != points.shape[-1]):
            raise ValueError(f"wasserstein_1d needs a weight a point, got weights {tuple(weights.shape)} for points "
                             f"{tuple(points.shape)}.")  # fmt: skip
    finite = [finite_check(xp, "wasserstein_1d", "points", points) for points in (x, y)]
    n, m = x.shape[-1], y.shape[-1]
    if a is None and b is None:
        refuse(*finite)
        result = _uniform(xp, x, y, p)
    else:
        a = xp.full((n,), 1 / n, dtype=x.dtype, device=device(x)) if a is None else a
        b = xp.full((m,), 1 / m, dtype=y.dtype, device=device(y)) if b is None else b
        refuse(*finite, *mass_checks(xp, "wasserstein_1d", a, b, unit_roundoff(xp, dtype)))
        x, y, a, b = _broadcast(xp, x, y, a, b)
        total = _power_of_two(xp, stop_gradient(xp.maximum(xp.sum(a, axis=-1), xp.sum(b, axis=-1))))
        a, b = a / total[..., None], b / total[..., None]
        coupled = _area_between if p == 1 and not differentiated(x, y, a, b) else _quantile_coupling
        result = _in_blocks(xp, coupled, x, y, a, b, p) * (1 if p == inf else total ** (1 / p))
    return xp.astype(result, dtype, copy=False)


@QUIET
def wasserstein(x: Any, y: Any, p: float = 1, a: Any = None, b: Any = None) -> Any:
    """W_p of weighted samples of R^d, Euclidean distance: x (n, d), y (m, d), a (n,), b (m,) -> (), 1 <= p < inf.

    Weights None are uniform with total 1. Exact transport on the host (`optimal_transport`), to its accuracy in W_p^p.
    Differentiable in points and weights: in the points, 0 between coincident ones; 0 where W = 0.
    Raises ValueError and TypeError as `wasserstein_1d` does; RuntimeError as `optimal_transport` does.
    """
    p = _exponent(p, 1.0, "wasserstein")
    if p == inf:
        raise ValueError("wasserstein needs a finite p; W_inf is a bottleneck problem, offered on the line only.")
    xp, dtype, (x, y, a, b) = working_arrays("wasserstein", x, y, a, b)
    x, y = _points(x, y, "wasserstein", 2)
    n, m = x.shape[-2], y.shape[-2]
    if n == 0 or m == 0:
        raise ValueError("wasserstein needs at least one point in each sample, got an empty measure.")
    refuse(*(finite_check(xp, "wasserstein", "points", points) for points in (x, y)))
    a = xp.full((n,), 1 / n, dtype=x.dtype, device=device(x)) if a is None else a
    b = xp.full((m,), 1 / m, dtype=y.dtype, device=device(y)) if b is None else b
    D = cost_matrix(x, y, 1)
    size = _power_of_two(xp, xp.max(stop_gradient(D)))
    D = D / size
    C = D if p == 1 else D**p
    cost = transport(xp, a, b, C, unit_roundoff(xp, dtype))[0]
    root = cost if p == 1 else xp.where(cost > 0, xp.where(cost > 0, cost, xp.ones_like(cost)) ** (1 / p), xp.zeros_like(cost))
    return xp.astype(size * root, dtype, copy=False)


@QUIET
def cost_matrix(x: Any, y: Any, p: float = 2) -> Any:
    """C_ij = ‖x_i − y_j‖^p, Euclidean norm: x (..., n, d), y (..., m, d) -> (..., n, m), p > 0.

    From differences, so that a common translation costs nothing; relative error (d + 4)u for p = 1, 2, and (d + 4)pu
    beyond. The norm overflows or underflows only where the result does. Gradient 0 at coincident points.
    Raises ValueError if the shapes do not fit or p <= 0, TypeError if a dtype is not real floating.
    """
    p = _exponent(p, 0.0, "cost_matrix")
    if p in (0.0, inf):
        raise ValueError(f"cost_matrix needs a finite p > 0, got {p!r}.")
    xp, dtype, (x, y) = working_arrays("cost_matrix", x, y)
    x, y = _points(x, y, "cost_matrix", None)
    d = x.shape[-1]
    if d == 0:
        return xp.zeros((*x.shape[:-1], y.shape[-2]), dtype=dtype, device=device(x))
    if d == 1:
        norm = _absolute(xp, x[..., :, None, 0] - y[..., None, :, 0])
        C = norm if p == 1 else xp.square(norm) if p == 2 else _power(xp, norm, p)
        return xp.astype(C, dtype, copy=False)
    points = [[v[..., k] * 1.0 for k in range(d)] for v in (x, y)]  # contiguous
    block = max(8 * BLOCK // (xp.finfo(x.dtype).bits * max(y.shape[-2], 1)), 1)
    if not on_cpu(x) or x.ndim > 2 or y.ndim > 2 or x.shape[-2] <= block:
        return xp.astype(_costs(xp, points[0], points[1], p), dtype, copy=False)
    blocks = ([v[k : k + block] for v in points[0]] for k in range(0, x.shape[-2], block))
    return xp.astype(xp.concat([_costs(xp, some, points[1], p) for some in blocks], axis=0), dtype, copy=False)


def _costs(xp: Any, x: list[Any], y: list[Any], p: float) -> Any:
    """Costs from one array of each coordinate."""
    differences = [s[..., :, None] - t[..., None, :] for s, t in zip(x, y, strict=True)]
    squares = xp.square(differences[0])
    for difference in differences[1:]:
        squares = squares + xp.square(difference)
    return squares if p == 2 else _power(xp, _norm(xp, differences, squares), p)


def _exponent(p: Any, least: float, name: str) -> float:
    p = float(p)
    if isnan(p) or p < least:
        raise ValueError(f"{name} needs p >= {least:g}, got {p!r}.")
    return p


def _points(x: Any, y: Any, name: str, ndim: int | None) -> tuple[Any, Any]:
    if min(x.ndim, y.ndim) < 2 or x.shape[-1] != y.shape[-1] or (ndim is not None and (x.ndim, y.ndim) != (ndim, ndim)):
        raise ValueError(f"{name} needs points (n, d) and (m, d), one d, got {tuple(x.shape)} and {tuple(y.shape)}.")
    return x, y


def _power_of_two(xp: Any, s: Any) -> Any:
    """A power of two within a factor of two of s > 0 (1 where s = 0), so that dividing by it is exact."""
    s = xp.where(s > 0, s, xp.ones_like(s))
    return xp.pow(xp.full_like(s, 2.0), xp.ceil(xp.log2(s)))


def _absolute(xp: Any, d: Any) -> Any:
    """|d|, whose gradient at d = 0 is 0 (JAX's own is 1)."""
    return d * stop_gradient(xp.sign(d)) if differentiated(d) else xp.abs(d)


def _power(xp: Any, r: Any, p: float) -> Any:
    """rᵖ, r >= 0, whose gradient at r = 0 is 0."""
    if p == 1:
        return r
    if p == 2:
        return xp.square(r)
    positive = r > 0
    return xp.where(positive, xp.where(positive, r, xp.ones_like(r)) ** p, xp.zeros_like(r))


def _norm(xp: Any, differences: list[Any], squares: Any) -> Any:
    """√(Σ dₖ²), where the squares overflow or underflow by dividing by the largest; gradient 0 at 0."""
    low = float(xp.finfo(squares.dtype).smallest_normal) / float(xp.finfo(squares.dtype).eps) ** 2
    safe = (squares > low) & xp.isfinite(squares)
    if bool(xp.all(stop_gradient(safe))):
        return xp.sqrt(squares)
    norm = xp.sqrt(xp.where(safe, squares, xp.ones_like(squares)))
    largest = xp.abs(stop_gradient(differences[0]))
    for difference in differences[1:]:
        largest = xp.maximum(largest, xp.abs(stop_gradient(difference)))
    nonzero = largest != 0  # true of NaN
    divisor = xp.where(nonzero, largest, xp.ones_like(largest))
    total = xp.square(differences[0] / divisor)
    for difference in differences[1:]:
        total = total + xp.square(difference / divisor)
    scaled = xp.where(nonzero, largest * xp.sqrt(xp.where(nonzero, total, xp.ones_like(total))), xp.zeros_like(total))
    return xp.where(safe, norm, scaled)


def _broadcast(xp: Any, x: Any, y: Any, a: Any, b: Any) -> tuple[Any, ...]:
    lead = np.broadcast_shapes(*(tuple(A.shape[:-1]) for A in (x, y, a, b)))
    return tuple(A if tuple(A.shape[:-1]) == lead else xp.broadcast_to(A, (*lead, A.shape[-1])) for A in (x, y, a, b))


@lru_cache(maxsize=64)
def _uniform_coupling(n: int, m: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which sorted points of n and of m equal ones meet, and the mass that they exchange; exact in integers."""
    g = gcd(n, m)
    levels = np.union1d(np.arange(1, n + 1) * (m // g), np.arange(1, m + 1) * (n // g))
    i, j = (levels - 1) // (m // g), (levels - 1) // (n // g)
    return i, j, np.diff(levels, prepend=0) / (n * m // g)


def _uniform(xp: Any, x: Any, y: Any, p: float) -> Any:
    """Equal weights: sort and pair."""
    n, m = x.shape[-1], y.shape[-1]
    x, y = xp.sort(x, axis=-1), xp.sort(y, axis=-1)
    if n == m:
        return _mean_power(xp, _absolute(xp, x - y), None, p)
    i, j, mass = _uniform_coupling(n, m)
    x, y = (xp.take(v, xp.asarray(k, device=device(v)), axis=-1) for v, k in ((x, i), (y, j)))
    return _mean_power(xp, _absolute(xp, x - y), from_host(xp, mass, x), p)


def _mean_power(xp: Any, distance: Any, mass: Any, p: float) -> Any:
    """(Σ mass·distanceᵖ)^(1/p), mass None for the mean."""
    if p == 1:
        return xp.mean(distance, axis=-1) if mass is None else xp.sum(mass * distance, axis=-1)
    moved = distance if mass is None else xp.where(mass > 0, distance, xp.zeros_like(distance))
    if p == inf:
        return xp.max(moved, axis=-1)
    largest = stop_gradient(xp.max(moved, axis=-1))
    positive = largest > 0
    scale = xp.where(positive, largest, xp.ones_like(largest))
    ratio = distance / scale[..., None]
    if mass is not None:  # points without mass may be far away
        limit = float(xp.finfo(ratio.dtype).max) ** (0.5 / p)
        ratio = xp.where(ratio < limit, ratio, xp.full_like(ratio, limit))
    power = _power(xp, ratio, p)
    total = xp.mean(power, axis=-1) if mass is None else xp.sum(mass * power, axis=-1)
    return largest * xp.where(positive, total, xp.ones_like(total)) ** (1 / p)


def _parts(xp: Any, w: Any) -> tuple[Any, Any, Any]:
    """w = w₁ + w₂ + w₃ for Σ|w| <= 2: sums of w₁ and of w₂ are exact (multiples of 2ε, and 2ε²·2^⌈log₂ n⌉)."""
    eps = float(xp.finfo(w.dtype).eps)
    first = (w + 2.0) - 2.0
    rest = w - first
    grid = eps * 2.0 ** ((w.shape[-1] - 1).bit_length() + 1)
    second = (rest + grid) - grid
    return first, second, rest - second


def _gather(xp: Any, order: Any, *arrays: Any) -> list[Any]:
    """Each array (..., n) at `order` (..., k) along the last axis; many times faster than take_along_axis in NumPy."""
    if order.ndim == 1:
        return [xp.take(A, order, axis=0) for A in arrays]
    n = arrays[0].shape[-1]
    places = xp.reshape(order, (-1, order.shape[-1]))
    places = places + n * xp.arange(places.shape[0], dtype=order.dtype, device=device(order))[:, None]
    places = xp.reshape(places, (-1,))
    return [xp.reshape(xp.take(xp.reshape(A, (-1,)), places, axis=0), order.shape) for A in arrays]


def _sums(xp: Any, w: Any) -> list[Any]:
    """Cumulative sums of w in exact parts; the third only if it is not 0."""
    parts = _parts(xp, w)
    return [xp.cumulative_sum(part, axis=-1) for part in (parts if bool(xp.any(stop_gradient(parts[2]) != 0)) else parts[:2])]


def _in_blocks(xp: Any, function: Any, x: Any, y: Any, a: Any, b: Any, p: float) -> Any:
    """`function` of rows; on a CPU of as many at once as stay in the cache."""
    lead, n, m = x.shape[:-1], x.shape[-1], y.shape[-1]
    block = max(8 * BLOCK // (xp.finfo(x.dtype).bits * (n + m)), 1)
    if not on_cpu(x) or prod(lead) <= block:
        return function(xp, x, y, a, b, p)
    rows = [xp.reshape(v, (-1, v.shape[-1])) for v in (x, y, a, b)]
    parts = [function(xp, *(v[k : k + block, :] for v in rows), p) for k in range(0, prod(lead), block)]
    return xp.reshape(xp.concat(parts), lead)


def _area_between(xp: Any, x: Any, y: Any, a: Any, b: Any, p: float) -> Any:
    """W₁ = ∫|F − G|."""
    z, w = xp.concat([x, y], axis=-1), xp.concat([a, -b], axis=-1)
    z, w = _gather(xp, xp.argsort(z, axis=-1, stable=False), z, w)
    F = sum(_sums(xp, w))
    return xp.sum(xp.abs(F[..., :-1]) * (z[..., 1:] - z[..., :-1]), axis=-1)


def _quantile_coupling(xp: Any, x: Any, y: Any, a: Any, b: Any, p: float) -> Any:
    """W_p = (∫|F⁻¹ − G⁻¹|ᵖ)^(1/p), a sum over the levels of both distribution functions."""
    n, m = x.shape[-1], y.shape[-1]
    points, levels = [], []
    for v, w in ((x, a), (y, b)):
        v, w = _gather(xp, xp.argsort(v, axis=-1, stable=False), v, w)
        points.append(v)
        levels.append(_sums(xp, w))
    for sums in levels:
        sums.extend([xp.zeros_like(sums[0])] * (max(map(len, levels)) - len(sums)))
    merged = [xp.concat([s, t], axis=-1) for s, t in zip(*levels, strict=True)]
    order = xp.argsort(sum(merged), axis=-1, stable=True)
    merged = _gather(xp, order, *merged)
    first = xp.astype(order < n, order.dtype)
    i = xp.cumulative_sum(first, axis=-1) - first
    j = xp.arange(n + m, dtype=order.dtype, device=device(order)) - i
    (u,), (v,) = _gather(xp, xp.clip(i, None, n - 1), points[0]), _gather(xp, xp.clip(j, None, m - 1), points[1])
    mass = sum(xp.concat([part[..., :1], part[..., 1:] - part[..., :-1]], axis=-1) for part in merged)
    mass = mass + stop_gradient(xp.where(mass < 0, -mass, xp.zeros_like(mass)))  # levels that round to one order
    return _mean_power(xp, _absolute(xp, u - v), mass, p)

"""Integrals over quantile functions: sorted samples of the line, coupled in order, at the cost |x − y|^p.

Every function takes the array library first, samples along the last axis, and total masses near 1. Points that are not
finite are found by their sum, which costs nothing, and refused.
"""

from __future__ import annotations

from functools import lru_cache
from math import gcd, inf, prod
from typing import Any

import numpy as np
from array_api_compat import device, is_numpy_array

from .arrays import stop_gradient
from .measures import differentiated, everywhere, finite_check, from_host, refuse


def uniform_coupling(xp: Any, x: Any, y: Any, p: float) -> Any:
    """W_p of samples of equal weights, 1/n and 1/m: sort and pair."""
    n, m = x.shape[-1], y.shape[-1]
    x, y = xp.sort(x, axis=-1, stable=False), xp.sort(y, axis=-1, stable=False)
    if n == m:
        return _mean_power(xp, x, y, None, p)
    i, j, mass = _cells(n, m)
    x, y = (xp.take(v, xp.asarray(k, device=device(v)), axis=-1) for v, k in ((x, i), (y, j)))
    return _mean_power(xp, x, y, from_host(xp, mass, x), p)


@lru_cache(maxsize=64)
def _cells(n: int, m: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which sorted points of n and of m equal ones meet, and the mass that they exchange; exact in integers."""
    g = gcd(n, m)
    levels = np.union1d(np.arange(1, n + 1) * (m // g), np.arange(1, m + 1) * (n // g))
    i, j = (levels - 1) // (m // g), (levels - 1) // (n // g)
    return i, j, np.diff(levels, prepend=0) / (n * m // g)


def area_between(xp: Any, x: Any, y: Any, a: Any, b: Any, p: float) -> Any:
    """W₁ = ∫|F − G|."""
    z, w = xp.concat([x, y], axis=-1), xp.concat([a, -b], axis=-1)
    z, w = _gather(xp, xp.argsort(z, axis=-1, stable=False), z, w)
    F = _sum([xp.cumulative_sum(part, axis=-1) for part in _parts(xp, w)])
    if not everywhere(xp, F[..., -1] == 0):
        z = _as_far_as_mass(xp, z, w)
    area = xp.sum(xp.abs(F[..., :-1]) * (z[..., 1:] - z[..., :-1]), axis=-1)
    if everywhere(xp, xp.isfinite(area)):
        return area
    return quantile_coupling(xp, x, y, a, b, p)  # points that are not finite, or far ones without mass


def quantile_coupling(xp: Any, x: Any, y: Any, a: Any, b: Any, p: float) -> Any:
    """W_p = (∫|F⁻¹ − G⁻¹|ᵖ)^(1/p), a sum over the levels of both distribution functions between 0 and a's total."""
    n, m = x.shape[-1], y.shape[-1]
    x, a = _gather(xp, xp.argsort(x, axis=-1, stable=False), x, a)
    y, b = _gather(xp, xp.argsort(y, axis=-1, stable=False), y, b)
    levels, ends, left = [], [], []
    for part in _parts(xp, xp.concat([a, b], axis=-1)):
        F, G = xp.cumulative_sum(part[..., :n], axis=-1), xp.cumulative_sum(part[..., n:], axis=-1)
        levels.append(xp.concat([0.0 * F[..., :1], F[..., :-1], G[..., :-1]], axis=-1))
        ends.append(F[..., -1:])
        left.append(F[..., -1] - G[..., -1])
    if not everywhere(xp, stop_gradient(_sum(left)) == 0):
        x, y = _as_far_as_mass(xp, x, a), _as_far_as_mass(xp, y, b)
    order = xp.argsort(xp.abs(_sum(levels)), axis=-1, stable=True)  # level 0 stays first; it counts as the first of F's
    i = xp.cumulative_sum(xp.astype(order < n, order.dtype), axis=-1) - 1
    j = xp.arange(n + m - 1, dtype=order.dtype, device=device(order)) - i
    (u,), (v,) = _gather(xp, i, x), _gather(xp, j, y)
    masses = []
    for cuts, end in zip(_gather(xp, order, *levels), ends, strict=True):
        masses.append(xp.concat([cuts[..., 1:], end], axis=-1) - cuts)
    mass = _sum(masses)  # negative between levels that round to one order: these cells are as large, and as far
    mass = mass + stop_gradient(xp.abs(mass) - mass) if differentiated(mass) else xp.abs(mass)
    return _mean_power(xp, u, v, mass, p)


def _as_far_as_mass(xp: Any, x: Any, a: Any) -> Any:
    """Sorted points, those without mass at the right end moved onto the last that has some: where totals differ by rounding,
    what is left over goes there. ValueError if a point is not finite."""
    a = stop_gradient(a)
    if everywhere(xp, a != 0):
        return x
    _finite(xp, x)
    last = xp.max(xp.where(a != 0, stop_gradient(x), xp.full_like(x, -inf)), axis=-1, keepdims=True)
    return xp.where(x > last, last, x)


def _mean_power(xp: Any, x: Any, y: Any, mass: Any, p: float) -> Any:
    """(Σ mass·|x − y|ᵖ)^(1/p) of points that meet, mass None for the mean. ValueError if a point is not finite: then the plain
    sum is not either, not even where the mass is 0."""
    distance = absolute(xp, x - y)

    def mean(values: Any) -> Any:
        return xp.mean(values, axis=-1) if mass is None else xp.sum(mass * values, axis=-1)

    if p < inf:
        total, limits = mean(power(xp, distance, p)), xp.finfo(distance.dtype)
        size, least = stop_gradient(total), 0.0 if p == 1 else float(limits.smallest_normal) / float(limits.eps) ** 2
        if everywhere(xp, (size >= least) & (size <= float(limits.max))):
            return total if p == 1 else total ** (1 / p)
    _finite(xp, x)
    _finite(xp, y)
    moved = distance if mass is None else xp.where(mass > 0, distance, xp.zeros_like(distance))
    if p == inf:
        return xp.max(moved, axis=-1)
    largest = stop_gradient(xp.max(moved, axis=-1))
    positive = largest > 0
    ratio = distance / xp.where(positive, largest, xp.ones_like(largest))[..., None]
    if mass is not None:  # points without mass may be far away
        limit = float(xp.finfo(ratio.dtype).max) ** (0.5 / p)
        ratio = xp.where(ratio < limit, ratio, xp.full_like(ratio, limit))
    total = mean(power(xp, ratio, p))
    return largest * xp.where(positive, total, xp.ones_like(total)) ** (1 / p)


def _finite(xp: Any, x: Any) -> None:
    """ValueError unless all points are finite."""
    refuse(finite_check(xp, "wasserstein_1d", "points", x))


def absolute(xp: Any, d: Any) -> Any:
    """|d|, whose gradient at d = 0 is 0 (JAX's own is 1)."""
    return d * stop_gradient(xp.sign(d)) if differentiated(d) else xp.abs(d)


def power(xp: Any, r: Any, p: float) -> Any:
    """rᵖ, r >= 0, whose gradient at r = 0 is 0; NaN stays NaN."""
    if p == 1:
        return r
    if p == 2:
        return xp.square(r)
    if not differentiated(r):
        return r**p
    zero = r == 0
    return xp.where(zero, xp.zeros_like(r), xp.where(zero, xp.ones_like(r), r) ** p)


def _parts(xp: Any, w: Any) -> list[Any]:
    """w = w₁ + w₂ + w₃ for Σ|w| <= 2: sums of w₁ and of w₂ are exact (multiples of 2ε, and 2ε²·2^⌈log₂ n⌉). Without the
    last parts if they are 0."""
    eps = float(xp.finfo(w.dtype).eps)
    first = (w + 2.0) - 2.0
    rest = w - first
    if not bool(xp.any(stop_gradient(rest) != 0)):
        return [first]
    grid = eps * 2.0 ** ((w.shape[-1] - 1).bit_length() + 1)
    second = (rest + grid) - grid
    third = rest - second
    return [first, second, third] if bool(xp.any(stop_gradient(third) != 0)) else [first, second]


def _sum(parts: list[Any]) -> Any:
    """The rounded sum of parts."""
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _gather(xp: Any, order: Any, *arrays: Any) -> list[Any]:
    """Each array (..., n) at `order` (..., k) along the last axis; many times faster than take_along_axis in NumPy."""
    if order.ndim == 1:
        return [A[order] if is_numpy_array(A) else xp.take(A, order, axis=0) for A in arrays]
    n = arrays[0].shape[-1]
    places = xp.reshape(order, (prod(order.shape[:-1]), order.shape[-1]))
    places = places + n * xp.arange(places.shape[0], dtype=order.dtype, device=device(order))[:, None]
    places = xp.reshape(places, (-1,))
    return [xp.reshape(xp.take(xp.reshape(A, (-1,)), places, axis=0), order.shape) for A in arrays]

"""Wasserstein distance W_p: of weighted samples of the line by sorting, of samples of R^d by optimal transport.

W_p^p = min Σ Γ_ij ‖x_i − y_j‖^p over plans Γ with margins a, b (https://kexue.fm/archives/6280); W_p is its root. Masses
count as they are given, W_p grows with mass^(1/p). On the line W_p^p = ∫|F⁻¹ − G⁻¹|^p, and W_1 = ∫|F − G|. Arrays of any
library that ``array_api_compat`` knows; results of the same library, dtype and device; float16 and bfloat16 are computed
in float32. Differentiable by torch and JAX (no jax.jit).
"""

from __future__ import annotations

from math import inf, isnan, prod
from types import SimpleNamespace
from typing import Any

import numpy as np
from array_api_compat import device, is_numpy_array

from .arrays import QUIET, stop_gradient
from .measures import (
    differentiated,
    everywhere,
    finite_check,
    from_host,
    mass_checks,
    on_cpu,
    refuse,
    to_host,
    unit_roundoff,
    working_arrays,
)
from .optimal_transport import transport
from .quantiles import absolute, area_between, power, quantile_coupling, uniform_coupling

BLOCK = 1 << 19
"""Bytes of one temporary on a CPU: a few stay in a second-level cache (all at once takes up to 4 times longer)."""
LEAN = {"sum": np.add.reduce, "min": np.minimum.reduce, "max": np.maximum.reduce, "cumulative_sum": np.add.accumulate,
        "any": np.ndarray.any}  # fmt: skip
NUMPY = SimpleNamespace(**{**vars(np), **LEAN}) if hasattr(np, "cumulative_sum") else None
"""NumPy from 2.1 on, with reductions along an axis that is named; the layers left out were a quarter of a short call."""


@QUIET
def wasserstein_1d(x: Any, y: Any, p: float = 1, a: Any = None, b: Any = None) -> Any:
    """W_p of Σ aᵢδ(xᵢ) and Σ bⱼδ(yⱼ) on the line: x, a (..., n), y, b (..., m) -> (...), 1 <= p <= inf.

    Weights None are uniform with total 1. Leading axes broadcast. Nothing leaves the device.
    Accuracy: |error of W_p^p| <= (n + m) u (W_p^p + u mass·range^p) up to a small constant, where range is the largest
    distance between points of positive mass and totals are equal; totals that differ by rounding, ε mass, add
    ε mass·range^p. Sums of weights are carried in as many parts as they need, three at most, the first two exact, so W = 0
    exactly for equal measures in any order (weights within 2⁻²⁰ of the total). No power overflows or underflows: where one
    could, distances are divided by the largest.
    Gradient: in the points, 0 between coincident ones; in the weights, dual potentials, hence up to a constant for
    weights of constant total; 0 where W = 0 and p > 1.
    Raises ValueError if p < 1, a measure is empty, shapes do not fit, values are NaN or infinite, weights are negative or
    their totals differ by more than 2(n+m)u; TypeError if a dtype is not real floating.
    """
    p = _exponent(p, 1.0, "wasserstein_1d")
    xp, dtype, (x, y, a, b) = working_arrays("wasserstein_1d", x, y, a, b)
    xp = NUMPY if NUMPY is not None and is_numpy_array(x) else xp
    for points, weights in ((x, a), (y, b)):
        if points.ndim < 1 or points.shape[-1] == 0:
            raise ValueError(f"wasserstein_1d needs samples (..., n) of at least one point, got shape {tuple(points.shape)}.")
        if weights is not None and (weights.ndim < 1 or weights.shape[-1] != points.shape[-1]):
            raise ValueError(f"wasserstein_1d needs a weight a point, got weights {tuple(weights.shape)} for points "
                             f"{tuple(points.shape)}.")  # fmt: skip
    if a is None and b is None:
        return xp.astype(uniform_coupling(xp, x, y, p), dtype, copy=False)
    a, b = (xp.full((v.shape[-1],), 1 / v.shape[-1], dtype=v.dtype, device=device(v)) if w is None else w
            for v, w in ((x, a), (y, b)))  # fmt: skip
    totals = tuple(stop_gradient(xp.sum(w, axis=-1)) for w in (a, b))
    refuse(*mass_checks(xp, "wasserstein_1d", a, b, unit_roundoff(xp, dtype), totals))
    x, y, a, b = _broadcast(xp, x, y, a, b)
    return xp.astype(_weighted(xp, x, y, a, b, totals[0], p), dtype, copy=False)


@QUIET
def wasserstein(x: Any, y: Any, p: float = 1, a: Any = None, b: Any = None) -> Any:
    """W_p of weighted samples of R^d, Euclidean: x (..., n, d), y (..., m, d), a (..., n), b (..., m) -> (...), p >= 1.

    Weights None are uniform with total 1. Exact transport on the host (`optimal_transport`), to its accuracy in W_p^p; for
    p = inf 2 log₂(nm) times, and exactly a distance of two points. Leading axes broadcast, and are solved one by one.
    Differentiable in points and weights: in the points, 0 between coincident ones; 0 where W = 0.
    Raises ValueError and TypeError as `wasserstein_1d` does; RuntimeError as `optimal_transport` does.
    """
    p = _exponent(p, 1.0, "wasserstein")
    xp, dtype, (x, y, a, b) = working_arrays("wasserstein", x, y, a, b)
    _points(x, y, "wasserstein")
    n, m = x.shape[-2], y.shape[-2]
    if n == 0 or m == 0:
        raise ValueError("wasserstein needs at least one point in each sample, got an empty measure.")
    refuse(*(finite_check(xp, "wasserstein", "points", points) for points in (x, y)))
    whole = p == inf and a is None and b is None  # W_inf asks where mass is, not how much, but exactly
    a = xp.full((n,), m if whole else 1 / n, dtype=x.dtype, device=device(x)) if a is None else a
    b = xp.full((m,), n if whole else 1 / m, dtype=y.dtype, device=device(y)) if b is None else b
    if p == inf:
        return xp.astype(_bottleneck(xp, a, b, cost_matrix(x, y, 1), unit_roundoff(xp, dtype)), dtype, copy=False)
    extent = _extent(xp, x, y) if x.shape[-1] else xp.ones((), dtype=x.dtype, device=device(x))
    D = cost_matrix(x / extent[..., None, None], y / extent[..., None, None], 1)
    size = _power_of_two(xp, xp.max(stop_gradient(D), axis=(-2, -1)))
    D = D / size[..., None, None]
    C = D if p == 1 else D**p
    cost = transport(xp, a, b, C, unit_roundoff(xp, dtype))[0]
    root = cost if p == 1 else xp.where(cost > 0, xp.where(cost > 0, cost, xp.ones_like(cost)) ** (1 / p), xp.zeros_like(cost))
    return xp.astype(size * root * extent, dtype, copy=False)


def _extent(xp: Any, x: Any, y: Any) -> Any:
    """A power of two near a quarter of the largest difference of coordinates: of points divided by it neither the distances nor
    slopes times small masses, divided by them on their way back, leave the range."""
    bounds = [(xp.min(v, axis=-2) / 4, xp.max(v, axis=-2) / 4) for v in (stop_gradient(x), stop_gradient(y))]
    (least, greatest), (lower, upper) = bounds
    return _power_of_two(xp, xp.max(xp.maximum(greatest - lower, upper - least), axis=-1))


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
    _points(x, y, "cost_matrix")
    d = x.shape[-1]
    if d == 0:
        return xp.zeros((*x.shape[:-1], y.shape[-2]), dtype=dtype, device=device(x))
    if d == 1:
        norm = absolute(xp, x[..., :, None, 0] - y[..., None, :, 0])
        C = norm if p == 1 else xp.square(norm) if p == 2 else power(xp, norm, p)
        return xp.astype(C, dtype, copy=False)
    points = [[v[..., k] * 1.0 for k in range(d)] for v in (x, y)]  # contiguous
    block = max(8 * BLOCK // (xp.finfo(x.dtype).bits * max(y.shape[-2], 1)), 1)
    if not on_cpu(x) or x.ndim > 2 or y.ndim > 2 or x.shape[-2] <= block:
        return xp.astype(_costs(xp, points[0], points[1], p), dtype, copy=False)
    blocks = ([v[k : k + block] for v in points[0]] for k in range(0, x.shape[-2], block))
    return xp.astype(xp.concat([_costs(xp, some, points[1], p) for some in blocks], axis=0), dtype, copy=False)


def _bottleneck(xp: Any, a: Any, b: Any, D: Any, unit: float) -> Any:
    """The least distance beyond which no mass must travel, by bisection; its pairs that are as far share the slope."""
    ha, hb, hD = (to_host(v) for v in (a, b, D))
    n, m = D.shape[-2:]
    lead = np.broadcast_shapes(ha.shape[:-1], hb.shape[:-1], hD.shape[:-2])
    levels = np.sort(np.reshape(np.broadcast_to(hD, (*lead, n, m)), (*lead, n * m)), axis=-1)

    def within(k: np.ndarray) -> tuple[np.ndarray, Any, Any]:
        t = np.take_along_axis(levels, k[..., None], axis=-1)[..., None]
        beyond, plan, *_ = transport(np, ha, hb, (hD > t).astype(hD.dtype), unit)
        return t, beyond == 0, plan

    low, high = np.zeros(lead, dtype=np.int64), np.full(lead, n * m - 1)
    for _ in range((n * m - 1).bit_length()):
        middle = (low + high) // 2
        enough = within(middle)[1]
        low, high = np.where(enough, low, middle + 1), np.where(enough, middle, high)
    t, _, plan = within(high)
    value = from_host(xp, t[..., 0, 0], D)
    if not differentiated(D):
        return value
    furthest = (plan > 0) & (hD == t)
    slopes = furthest * (t > 0) / furthest.sum(axis=(-2, -1), keepdims=True)
    return value + xp.sum(from_host(xp, slopes, D) * (D - stop_gradient(D)), axis=(-2, -1))


def _costs(xp: Any, x: list[Any], y: list[Any], p: float) -> Any:
    """Costs from one array of each coordinate."""
    differences = [s[..., :, None] - t[..., None, :] for s, t in zip(x, y, strict=True)]
    squares = xp.square(differences[0])
    for difference in differences[1:]:
        squares = squares + xp.square(difference)
    return squares if p == 2 else power(xp, _norm(xp, differences, squares), p)


def _exponent(p: Any, least: float, name: str) -> float:
    """p as a float; ValueError unless p >= least."""
    p = float(p)
    if isnan(p) or p < least:
        raise ValueError(f"{name} needs p >= {least:g}, got {p!r}.")
    return p


def _points(x: Any, y: Any, name: str) -> None:
    """ValueError unless x and y are points (..., n, d) and (..., m, d)."""
    if min(x.ndim, y.ndim) < 2 or x.shape[-1] != y.shape[-1]:
        raise ValueError(f"{name} needs points (n, d) and (m, d), one d, got {tuple(x.shape)} and {tuple(y.shape)}.")


def _power_of_two(xp: Any, s: Any) -> Any:
    """A power of two within a factor of two of s > 0 (1 where s = 0), so that dividing by it is exact."""
    s = xp.where(s > 0, s, xp.ones_like(s))
    return xp.pow(xp.full_like(s, 2.0), xp.ceil(xp.log2(s)))


def _broadcast(xp: Any, *arrays: Any) -> tuple[Any, ...]:
    leads = [tuple(A.shape[:-1]) for A in arrays]
    if leads.count(leads[0]) == len(leads):
        return arrays
    lead = np.broadcast_shapes(*leads)
    return tuple(A if tuple(A.shape[:-1]) == lead else xp.broadcast_to(A, (*lead, A.shape[-1])) for A in arrays)


def _weighted(xp: Any, x: Any, y: Any, a: Any, b: Any, mass: Any, p: float) -> Any:
    """Any weights, of the total `mass`: scaled to about 1, then one of the two integrals."""
    normal = everywhere(xp, (mass > 0.5) & (mass < 1.5))
    if not normal:
        mass = _power_of_two(xp, mass)
        a, b = a / mass[..., None], b / mass[..., None]
    coupled = area_between if p == 1 and not differentiated(x, y, a, b) else quantile_coupling
    result = _in_blocks(xp, coupled, x, y, a, b, p)
    return result if normal or p == inf else result * mass ** (1 / p)


def _in_blocks(xp: Any, function: Any, x: Any, y: Any, a: Any, b: Any, p: float) -> Any:
    """`function` of rows; on a CPU of as many at once as stay in the cache, of which each of a dozen temporaries has a part."""
    lead, n, m = x.shape[:-1], x.shape[-1], y.shape[-1]
    if not lead:
        return function(xp, x, y, a, b, p)
    block = max(2 * BLOCK // (xp.finfo(x.dtype).bits * (n + m)), 1)
    if prod(lead) <= block or not on_cpu(x):
        return function(xp, x, y, a, b, p)
    rows = [xp.reshape(v, (-1, v.shape[-1])) for v in (x, y, a, b)]
    parts = [function(xp, *(v[k : k + block, :] for v in rows), p) for k in range(0, prod(lead), block)]
    return xp.reshape(xp.concat(parts), lead)


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

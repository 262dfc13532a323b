"""Exact optimal transport with a certificate: a plan, potentials, and the gap between them.

min ⟨Γ, C⟩ over Γ >= 0, Γ1 = a, Γᵀ1 = b equals max a·f + b·g over f ⊕ g <= C (https://kexue.fm/archives/6280). A plan and
potentials that are feasible and whose values agree prove each other optimal; nothing is returned without that proof,
checked in double precision. The solver is the network simplex of POT, made exact in the masses by giving it integers.
It runs on the host; arrays of any library that ``array_api_compat`` knows come back to where they were.
"""

from __future__ import annotations

from math import frexp, isfinite
from typing import Any

import numpy as np

from .arrays import QUIET, stop_gradient
from .basis import exact_plan, potentials
from .measures import differentiated, from_host, mass_checks, refuse, to_host, unit_roundoff, working_arrays

U = 2.0**-53
TINY = 2.0**-1073
BLOCK = 1 << 16
"""Entries of one temporary, half a megabyte: it stays in a second-level cache."""


@QUIET
def optimal_transport(a: Any, b: Any, C: Any) -> tuple[Any, Any, Any, Any]:
    """Cost, plan Γ and potentials f, g of optimal transport: a (n,), b (m,), C (n, m) -> (), (n, m), (n,), (m,).

    Masses count as they are given (cost = ⟨Γ, C⟩), zeros are allowed, costs may have any sign and offset; any scale.
    Γ: basic (at most n + m − 1 positive entries), no negative entry, margins within 3(n + m)u of each mass, relatively.
    f, g: finite, f_i + g_j <= C_ij up to one rounding of each side; gap ⟨Γ, C − f ⊕ g⟩ <= 4(n + m)u·mass·(max C − min C).
    Totals that differ by rounding are made equal by scaling b. float32 and narrower are solved in float64.
    The cost is differentiable: Γ with respect to C, f and g with respect to a and b (up to the gauge (f + t, g − t)).
    Leading axes broadcast, and are solved one by one.
    Raises ValueError if a mass is negative, NaN or infinite, a measure is empty, totals differ by more than 2(n+m)u, costs
    are not finite or shapes do not fit; TypeError if a dtype is not real floating; RuntimeError if no plan could be
    certified.
    """
    xp, dtype, (a, b, C) = working_arrays("optimal_transport", a, b, C)
    found = transport(xp, a, b, C, unit_roundoff(xp, dtype))
    return found if C.dtype == dtype else tuple(xp.astype(part, dtype, copy=False) for part in found)


def transport(xp: Any, a: Any, b: Any, C: Any, unit: float) -> tuple[Any, Any, Any, Any]:
    """`optimal_transport` of working arrays whose masses were given to the unit roundoff `unit`."""
    if a.ndim < 1 or b.ndim < 1 or C.ndim < 2 or tuple(C.shape[-2:]) != (a.shape[-1], b.shape[-1]):
        raise ValueError(f"optimal_transport needs a (n,), b (m,) and C (n, m), got {tuple(a.shape)}, {tuple(b.shape)} and "
                         f"{tuple(C.shape)}.")  # fmt: skip
    if 0 in C.shape[-2:]:
        raise ValueError("optimal_transport needs at least one point in each measure, got an empty measure.")
    ha, hb, hC = (to_host(v).astype(np.float64, copy=False) for v in (a, b, C))
    refuse(*mass_checks(np, "optimal_transport", ha, hb, unit))
    lead = np.broadcast_shapes(ha.shape[:-1], hb.shape[:-1], hC.shape[:-2])
    if lead:
        ha, hb, hC = (np.broadcast_to(v, (*lead, *v.shape[v.ndim - k :])) for v, k in ((ha, 1), (hb, 1), (hC, 2)))
        cost, plan, f, g = (np.empty((*lead, *hC.shape[i:j])) for i, j in ((0, 0), (-2, None), (-2, -1), (-1, None)))
        for i in np.ndindex(*lead):
            cost[i], plan[i], f[i], g[i] = solve(ha[i], hb[i], hC[i])
    else:
        cost, plan, f, g = solve(ha, hb, hC)
    value, plan, f, g = (from_host(xp, np.asarray(part), C) for part in (cost, plan, f, g))
    if differentiated(a, b, C):  # adds 0, and the gradients
        value = value + xp.sum(plan * (C - stop_gradient(C)), axis=(-2, -1))
        value = value + xp.sum(f * (a - stop_gradient(a)), axis=-1) + xp.sum(g * (b - stop_gradient(b)), axis=-1)
    return value, plan, f, g


@QUIET
def transport_cost(a: Any, b: Any, C: Any) -> Any:
    """min ⟨Γ, C⟩ over plans with margins a, b: the cost of `optimal_transport`, differentiable as it says there."""
    return optimal_transport(a, b, C)[0]


def solve(a: np.ndarray, b: np.ndarray, C: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """`optimal_transport` of float64 arrays on the host, whose masses are known to be right.

    The solver's potentials are kept if every entry of the plan is tight to 2(n + m)u·(max C − min C), else they are computed
    again along the plan's forest. Beside the solver: seven passes over C and the plan, and for masses that are not integers
    times one number a loop over n + m nodes.
    """
    low, high = float(C.min()), float(C.max())
    if not (isfinite(low) and isfinite(high)):
        raise ValueError("optimal_transport needs finite costs, got NaN or inf; remove these entries.")
    if a.all() and b.all():
        reduced, exponent = _reduced(C, low, high)
        found = exact_plan(a, b, reduced)
        plan, i, j, columns = found.matrix, found.i, found.j, None
    else:
        rows, columns = np.flatnonzero(a), np.flatnonzero(b)
        reduced, exponent = _reduced(C[rows[:, None], columns], low, high)
        found = exact_plan(a[rows], b[columns], reduced)
        plan, i, j = np.zeros(C.shape), rows[found.i], columns[found.j]
        plan[i, j] = found.values
    f, g = _feasible(C, np.ldexp(found.g, exponent), columns)
    costs, near = C[i, j], 2 * U * sum(C.shape)
    if not (costs - f[i] - g[j]).max() <= near * high - near * low:
        f, g = _feasible(C, np.ldexp(potentials(reduced, found.i, found.j, found.g)[1], exponent), columns)
    certify(a, b, C, i, j, found.values, f, g)
    return found.values @ costs, plan, f, g


def _reduced(C: np.ndarray, low: float, high: float) -> tuple[np.ndarray, int]:
    """(C − offset)/2^k, contiguous, from 0 to 2⁷…2⁸, and k; C itself if it is from at most high/2 to 1…2⁸. The solver starts
    from potentials of (high + 1)(n + m), whose rounding it never loses."""
    if 1.0 <= high <= 2.0**8 and 0 <= low <= high / 2:
        return np.ascontiguousarray(C), 0
    k = frexp(high / 4 - low / 4)[1] - 6
    half = 2.0 ** -(k // 2)  # 2^k itself may not be representable
    reduced = np.multiply(C, half, order="C")
    reduced -= low * half
    reduced *= 2.0 ** (k // 2 - k)
    return reduced, k


def _feasible(C: np.ndarray, g: np.ndarray, columns: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Potentials with f ⊕ g <= C from g at the columns of positive mass (None: all): f = minⱼ C − g, then g elsewhere."""
    g = g - g.max()  # the gauge: g <= 0, largest 0, and f between the row minima of C
    if columns is None:
        return _row_minima(C, g), g
    others = np.ones(C.shape[1], dtype=bool)
    others[columns] = False
    f, everywhere = _row_minima(C[:, columns], g), np.empty(C.shape[1])
    everywhere[columns] = g
    everywhere[others] = (C[:, others] - f[:, None]).min(axis=0)
    return f, everywhere


def _row_minima(C: np.ndarray, g: np.ndarray) -> np.ndarray:
    """minⱼ C_ij − g_j, by blocks of rows that stay in the cache."""
    n, m = C.shape
    block = max(BLOCK // m, 1)
    if n <= block:
        return np.asarray((C - g).min(axis=1))
    minima, space = np.empty(n), np.empty((block, m))
    for k in range(0, n, block):
        part = C[k : k + block]
        np.subtract(part, g, out=space[: len(part)]).min(axis=1, out=minima[k : k + block])
    return minima


def certify(a: np.ndarray, b: np.ndarray, C: np.ndarray, i: np.ndarray, j: np.ndarray, values: np.ndarray,
            f: np.ndarray, g: np.ndarray) -> None:  # fmt: skip
    """RuntimeError unless the plan with these entries (i, j, values) and the potentials prove each other optimal.

    Plan: entries > 0, at most n + m − 1, row and column sums within 4(n + m)u of a and b, relatively. Potentials: finite,
    f_i + g_j − C_ij <= 4u(|f_i| + |g_j|). Gap: Σ Γ_ij (C_ij − f_i − g_j) <= 4(n + m)u·mass·(max C − min C) + the rounding of
    that sum, 4u·Σ Γ_ij (|f_i| + |g_j|).
    """
    n, m = C.shape
    near = 4 * (n + m) * U
    mass = float(a.sum())
    if not (values > 0).all() or len(values) > n + m - 1:
        raise RuntimeError("optimal_transport found no basic plan: an entry is not positive, or there are too many.")
    for sums, masses in ((np.bincount(i, values, n), a), (np.bincount(j, values, m), b * (mass / float(b.sum())))):
        if not (np.abs(sums - masses) <= near * masses + TINY).all():
            raise RuntimeError("optimal_transport found no plan with the right margins; rescale masses that differ extremely.")
    feasible, below = np.isfinite(f).all() and np.isfinite(g).all(), f <= _row_minima(C, g)
    if not below.all():  # elsewhere f_i <= C_ij − g_j, rounded: no more than u|f_i| too high
        tight = np.flatnonzero(~below)
        feasible &= (f[tight, None] + g - C[tight] <= 4 * U * (np.abs(f[tight, None]) + np.abs(g))).all()
    if not feasible:
        raise RuntimeError("optimal_transport found no feasible potentials; rescale costs that are extreme.")
    shares, fi, gj = values / mass, f[i], g[j]
    gap = float(shares @ (C[i, j] - fi - gj))
    if not gap <= near * float(C.max()) - near * float(C.min()) + 4 * U * float(shares @ (np.abs(fi) + np.abs(gj))):
        raise RuntimeError("optimal_transport could not prove its plan optimal: the gap to the dual value is too wide.")

"""Exact optimal transport with a certificate: a plan, potentials, and the gap between them.

min ⟨Γ, C⟩ over Γ >= 0, Γ1 = a, Γᵀ1 = b equals max a·f + b·g over f ⊕ g <= C (https://kexue.fm/archives/6280). A plan and
potentials that are feasible and whose values agree prove each other optimal; nothing is returned without that proof,
checked in double precision. The solver is the network simplex of POT, made exact in the masses by giving it integers.
It runs on the host; arrays of any library that ``array_api_compat`` knows come back to where they were.
"""

from __future__ import annotations

from math import frexp, isfinite, ldexp
from typing import Any

import numpy as np

from .arrays import QUIET, stop_gradient
from .basis import exact_plan
from .measures import finite_check, from_host, mass_checks, refuse, to_host, unit_roundoff, working_arrays

U = 2.0**-53


@QUIET
def optimal_transport(a: Any, b: Any, C: Any) -> tuple[Any, Any, Any, Any]:
    """Cost, plan Γ and potentials f, g of optimal transport: a (n,), b (m,), C (n, m) -> (), (n, m), (n,), (m,).

    Masses count as they are given (cost = ⟨Γ, C⟩), zeros are allowed, costs may have any sign and offset; any scale.
    Γ: basic (at most n + m − 1 positive entries), no negative entry, margins within 3(n + m)u of each mass, relatively.
    f, g: finite, f_i + g_j <= C_ij up to one rounding of each side; gap ⟨Γ, C − f ⊕ g⟩ <= 4(n + m)u·mass·(max C − min C)
    Totals that differ by rounding are made equal by scaling b. float32 and narrower are solved in float64.
    The cost is differentiable: Γ with respect to C, f and g with respect to a and b (up to the gauge (f + t, g − t)).
    Leading axes are solved one by one.
    Raises ValueError if a mass is negative, NaN or infinite, a measure is empty, totals differ by more than 2(n+m)u, costs
    are not finite or shapes do not fit; TypeError if a dtype is not real floating; RuntimeError if no plan could be
    certified.
    """
    xp, dtype, (a, b, C) = working_arrays("optimal_transport", a, b, C)
    return tuple(xp.astype(part, dtype, copy=False) for part in transport(xp, a, b, C, unit_roundoff(xp, dtype)))


def transport(xp: Any, a: Any, b: Any, C: Any, unit: float) -> tuple[Any, Any, Any, Any]:
    """`optimal_transport` of working arrays whose masses were given to the unit roundoff `unit`."""
    if a.ndim < 1 or b.ndim < 1 or C.ndim < 2 or tuple(C.shape[-2:]) != (a.shape[-1], b.shape[-1]):
        raise ValueError(f"optimal_transport needs a (n,), b (m,) and C (n, m), got {tuple(a.shape)}, {tuple(b.shape)} and "
                         f"{tuple(C.shape)}.")  # fmt: skip
    if 0 in C.shape[-2:]:
        raise ValueError("optimal_transport needs at least one point in each measure, got an empty measure.")
    refuse(*mass_checks(xp, "optimal_transport", a, b, unit), finite_check(xp, "optimal_transport", "costs", C))
    lead = np.broadcast_shapes(tuple(a.shape[:-1]), tuple(b.shape[:-1]), tuple(C.shape[:-2]))
    ha, hb, hC = (
        np.broadcast_to(to_host(v).astype(np.float64), (*lead, *v.shape[v.ndim - k :])) for v, k in ((a, 1), (b, 1), (C, 2))
    )
    if lead:
        solved = [solve(ha[i], hb[i], hC[i]) for i in np.ndindex(*lead)]
        cost, plan, f, g = (np.stack(parts).reshape(*lead, *np.shape(parts[0])) for parts in zip(*solved, strict=True))
    else:
        cost, plan, f, g = solve(ha, hb, hC)
    plan, f, g = (from_host(xp, part, C) for part in (plan, f, g))
    value = from_host(xp, np.asarray(cost), C)
    value = value + xp.sum(plan * (C - stop_gradient(C)), axis=(-2, -1))  # adds 0, and the gradients
    value = value + xp.sum(f * (a - stop_gradient(a)), axis=-1) + xp.sum(g * (b - stop_gradient(b)), axis=-1)
    return value, plan, f, g


@QUIET
def transport_cost(a: Any, b: Any, C: Any) -> Any:
    """min ⟨Γ, C⟩ over plans with margins a, b: the cost of `optimal_transport`, differentiable as it says there."""
    return optimal_transport(a, b, C)[0]


def solve(a: np.ndarray, b: np.ndarray, C: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """`optimal_transport` of finite float64 arrays on the host."""
    rows, columns = np.flatnonzero(a), np.flatnonzero(b)
    everything = len(rows) == len(a) and len(columns) == len(b)
    part = C if everything else C[np.ix_(rows, columns)]
    low, high = float(np.min(C)), float(np.max(C))
    scale = _power_of_two(max(high / 4 - low / 4, 0.0) * 4 if isfinite(high - low) else max(-low, high) * 2)
    offset = low if isfinite(high - low) else 0.0
    reduced = np.ascontiguousarray((part - offset) / scale)
    values, i, j, g_part = exact_plan(a[rows], b[columns], reduced)
    i, j = rows[i], columns[j]
    g = np.zeros(len(b))
    g[columns] = g_part * scale
    f, g = _feasible(C, g, columns, len(columns) == len(b), offset)
    plan = np.zeros(C.shape)
    plan[i, j] = values
    certify(a, b, C, i, j, values, f, g)
    return np.asarray(_dot(values, C[i, j])), plan, f, g


def _feasible(C: np.ndarray, g: np.ndarray, columns: np.ndarray, whole: bool, offset: float) -> tuple[np.ndarray, np.ndarray]:
    """Potentials with f ⊕ g <= C from g at the columns of positive mass: f = minⱼ C − g, then g there too elsewhere."""
    g = g - g[columns].max()  # the gauge: g <= 0, largest 0, and f between the row minima of C
    f = (C - g).min(axis=1) if whole else (C[:, columns] - g[columns]).min(axis=1)
    if not whole:
        others = np.ones(len(g), dtype=bool)
        others[columns] = False
        g[others] = (C[:, others] - f[:, None]).min(axis=0)
    return f, g


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
        if not (np.abs(sums - masses) <= near * masses + 4 * U * np.finfo(float).tiny).all():
            raise RuntimeError("optimal_transport found no plan with the right margins; rescale masses that differ extremely.")
    violation = (f[:, None] + g) - C
    p, q = np.divmod(np.flatnonzero(violation > 0), m)
    if not (np.isfinite(f).all() and np.isfinite(g).all() and (violation[p, q] <= 4 * U * (np.abs(f)[p] + np.abs(g)[q])).all()):
        raise RuntimeError("optimal_transport found no feasible potentials; rescale costs that are extreme.")
    spread = float(C.max()) - float(C.min())
    gap = -_dot(values / mass, violation[i, j])
    if not gap <= 4 * (n + m) * U * spread + 4 * U * _dot(values / mass, np.abs(f)[i] + np.abs(g)[j]):
        raise RuntimeError("optimal_transport could not prove its plan optimal: the gap to the dual value is too wide.")


def _dot(x: np.ndarray, y: np.ndarray) -> float:
    return float(x @ y)


def _power_of_two(s: float) -> float:
    """The power of two in (s/2, s]·2, 1 for 0."""
    return ldexp(1.0, frexp(s)[1]) if s > 0 else 1.0

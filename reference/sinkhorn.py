"""Entropic optimal transport: Γ = exp((f ⊕ g − C)/reg) with margins a and b, to a tolerance or for a number of iterations."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, isfinite
from typing import Any

import numpy as np
from array_api_compat import device, is_numpy_array

from .arrays import QUIET, stop_gradient
from .entropic import ConvergenceError, Entropic
from .measures import finite_check, mass_checks, refuse, unit_roundoff, working_arrays

__all__ = ["ConvergenceError", "sinkhorn", "sinkhorn_iterations"]

Solver = Callable[[Any, Any, Any, Any], tuple[Any, Any, Any]]
"""Plan and potentials from the namespace, masses > 0 and costs of one problem."""


@QUIET
def sinkhorn(a: Any, b: Any, C: Any, reg: float, tol: float = 1e-9, max_iterations: int = 100_000) -> tuple[Any, Any, Any]:
    """Plan Γ = exp((f ⊕ g − C)/reg) and potentials f, g: a (n,), b (m,), C (n, m), reg > 0 -> (n, m), (n,), (m,).

    Stops when ‖Γ1 − a‖₁ + ‖Γᵀ1 − b‖₁ <= max(tol, 4u(8 + range/reg))·mass, range = max C − min C: below the second term the
    rounding of the exponents decides, so no smaller residual can be asked of a dtype. That closes the duality gap as well:
    of Γ, rounded to its margins, and f, g it is at most (2 + h)·reg·residual, h = max log(min(aᵢ, bⱼ)/Γᵢⱼ), see
    `sinkhorn_brackets_the_entropic_optimum`. Stable at any reg (logarithms).
    Where a mass is 0 the plan is 0 and the potential −inf. Leading axes broadcast, and are solved one by one. Values stay on
    the device; the residual is read every 10 iterations. Not differentiable.
    Raises ConvergenceError (a RuntimeError) after `max_iterations`; ValueError as `optimal_transport` does and if reg or
    tol is not positive; TypeError if a dtype is not real floating.
    """
    tol = float(tol)
    if not tol > 0:
        raise ValueError(f"sinkhorn needs tol > 0, got {tol!r}.")

    def solve(xp: Any, a: Any, b: Any, C: Any) -> tuple[Any, Any, Any]:
        if a.shape[0] < b.shape[0]:  # Newton's systems have the size of the smaller side
            plan, g, f = solve(xp, b, a, xp.matrix_transpose(C))
            return xp.matrix_transpose(plan), f, g
        return Entropic(xp, a, b * (xp.sum(a) / xp.sum(b)), C, max_iterations).solve(float(reg), tol)

    return _solved("sinkhorn", a, b, C, reg, solve)


@QUIET
def sinkhorn_iterations(a: Any, b: Any, C: Any, reg: float, times: int) -> tuple[Any, Any, Any]:
    """Γ = diag(u) K diag(v), reg·log u and reg·log v after t times v = b/(Kᵀu), u = a/(Kv), from u = 1; K = exp(−C/reg).

    Shapes and refusals as in `sinkhorn`; points of mass 0 take no part. Stable at any reg. f ⊕ g over reg, and Γ relatively,
    are off by 4t(3h + n + m + 4)u at most, h the largest |f|, |g|, |C| over reg; f alone is known up to a constant. Not
    differentiable.
    """
    count = int(times)
    if not (count >= 1 and count == times):
        raise ValueError(f"sinkhorn_iterations needs a whole number >= 1 of times, got {times!r}.")
    return _solved("sinkhorn_iterations", a, b, C, reg, lambda xp, a, b, C: Entropic(xp, a, b, C).iterate(float(reg), count))


def _solved(name: str, a: Any, b: Any, C: Any, reg: float, solve: Solver) -> tuple[Any, Any, Any]:
    """Input checked, leading axes one by one."""
    reg = float(reg)
    if not (reg > 0 and isfinite(reg)):
        raise ValueError(f"{name} needs a finite reg > 0, got {reg!r}; use optimal_transport for reg = 0.")
    xp, dtype, (a, b, C) = working_arrays(name, a, b, C)
    if a.ndim < 1 or b.ndim < 1 or C.ndim < 2 or tuple(C.shape[-2:]) != (a.shape[-1], b.shape[-1]) or 0 in C.shape[-2:]:
        raise ValueError(f"{name} needs a (n,), b (m,) and C (n, m), n, m >= 1, got {tuple(a.shape)}, {tuple(b.shape)} and "
                         f"{tuple(C.shape)}.")  # fmt: skip
    a, b, C = (stop_gradient(v) for v in (a, b, C))
    refuse(*mass_checks(xp, name, a, b, unit_roundoff(xp, dtype)), finite_check(xp, name, "costs", C))
    lead = np.broadcast_shapes(tuple(a.shape[:-1]), tuple(b.shape[:-1]), tuple(C.shape[:-2]))
    if not lead:
        solved = [_with_zeros(xp, a, b, C, solve)]
    else:
        A, B, D = (xp.broadcast_to(v, (*lead, *v.shape[v.ndim - k :])) for v, k in ((a, 1), (b, 1), (C, 2)))
        each = ((*i, ...) for i in np.ndindex(*lead))
        solved = [_with_zeros(xp, A[i], B[i], D[i], solve) for i in each]
    if 0 in lead:
        n, m = C.shape[-2:]
        return tuple(xp.zeros((*lead, *core), dtype=dtype, device=device(C)) for core in ((n, m), (n,), (m,)))
    results = (xp.reshape(xp.stack(part), (*lead, *part[0].shape)) for part in zip(*solved, strict=True))
    return tuple(xp.astype(part, dtype, copy=False) for part in results)


def _with_zeros(xp: Any, a: Any, b: Any, C: Any, solve: Solver) -> tuple[Any, Any, Any]:
    """Leave points without mass out, and put them back."""
    if bool(xp.all(a > 0) & xp.all(b > 0)):
        return solve(xp, a, b, C)
    rows, columns = a > 0, b > 0
    (i,), (j,) = xp.nonzero(rows), xp.nonzero(columns)
    plan, f, g = solve(xp, xp.take(a, i, axis=0), xp.take(b, j, axis=0), xp.take(xp.take(C, i, axis=0), j, axis=1))
    if is_numpy_array(C):  # gathers would cost a short call a third more
        whole = np.zeros_like(C), np.full_like(a, -inf), np.full_like(b, -inf)
        whole[0][np.ix_(i, j)], whole[1][i], whole[2][j] = plan, f, g
        return whole
    i, j = (xp.clip(xp.cumulative_sum(xp.astype(kept, i.dtype)) - 1, 0) for kept in (rows, columns))
    plan = xp.where(rows[:, None] & columns, xp.take(xp.take(plan, i, axis=0), j, axis=1), xp.zeros_like(C))
    f = xp.where(rows, xp.take(f, i, axis=0), xp.full_like(a, -inf))
    return plan, f, xp.where(columns, xp.take(g, j, axis=0), xp.full_like(b, -inf))

"""Entropic optimal transport: Γ = exp((f ⊕ g − C)/reg) with margins a and b, by Sinkhorn's iteration and Newton's.

With f eliminated (rows scaled to a), the dual a·f(g) + b·g is concave in g, with gradient b − Γᵀ1 and Hessian
−(diag(Γᵀ1) − Γᵀ diag(1/a) Γ)/reg. Sinkhorn's iteration is a step by the diagonal; where it is slow, Newton's steps are
taken. The regularisation falls to `reg` in stages, each started from the last.
"""

from __future__ import annotations

from math import ceil, isfinite, log
from typing import Any

import numpy as np
from array_api_compat import device

from .arrays import QUIET, stop_gradient
from .measures import finite_check, from_host, mass_checks, refuse, to_host, unit_roundoff, working_arrays

BLOCK = 20
"""Products with the kernel between two renewals of it, and between two looks at the residual."""
STAGE = 5.0
"""Factor between the regularisations of two stages; the first is a tenth of the costs' range."""
NEWTON = 6
"""Newton steps that an end game takes; one costs m/4 + 20 products of Sinkhorn's iteration (measured, one CPU core)."""
REACH = 20.0
"""No potential moves further than this many `reg` in a Newton step."""


class ConvergenceError(RuntimeError):
    """The iterations allowed did not reach the tolerance."""


@QUIET
def sinkhorn(a: Any, b: Any, C: Any, reg: float, tol: float = 1e-9, max_iterations: int = 100_000) -> tuple[Any, Any, Any]:
    """Plan Γ = exp((f ⊕ g − C)/reg) and potentials f, g: a (n,), b (m,), C (n, m), reg > 0 -> (n, m), (n,), (m,).

    Stops when ‖Γ1 − a‖₁ + ‖Γᵀ1 − b‖₁ <= max(tol, 4u(8 + range/reg))·mass, range = max C − min C: below the second term the
    rounding of the exponents decides, so no smaller residual can be asked of a dtype. Stable at any reg (logarithms).
    Where a mass is 0 the plan is 0 and the potential −inf. Leading axes are solved one by one. Values stay on the device;
    the residual is read every 20 iterations. Not differentiable.
    Raises ConvergenceError (a RuntimeError) after `max_iterations`; ValueError as `optimal_transport` does and if reg or
    tol is not positive; TypeError if a dtype is not real floating.
    """
    reg, tol = float(reg), float(tol)
    if not (reg > 0 and isfinite(reg)):
        raise ValueError(f"sinkhorn needs a finite reg > 0, got {reg!r}; use optimal_transport for reg = 0.")
    if not tol > 0:
        raise ValueError(f"sinkhorn needs tol > 0, got {tol!r}.")
    xp, dtype, (a, b, C) = working_arrays("sinkhorn", a, b, C)
    if a.ndim < 1 or b.ndim < 1 or C.ndim < 2 or tuple(C.shape[-2:]) != (a.shape[-1], b.shape[-1]) or 0 in C.shape[-2:]:
        raise ValueError(f"sinkhorn needs a (n,), b (m,) and C (n, m), n, m >= 1, got {tuple(a.shape)}, {tuple(b.shape)} and "
                         f"{tuple(C.shape)}.")  # fmt: skip
    a, b, C = (stop_gradient(v) for v in (a, b, C))
    refuse(*mass_checks(xp, "sinkhorn", a, b, unit_roundoff(xp, dtype)), finite_check(xp, "sinkhorn", "costs", C))
    lead = np.broadcast_shapes(tuple(a.shape[:-1]), tuple(b.shape[:-1]), tuple(C.shape[:-2]))
    if not lead:
        solved = [_with_zeros(xp, a, b, C, reg, tol, max_iterations)]
    else:
        A, B, D = (xp.broadcast_to(v, (*lead, *v.shape[v.ndim - k :])) for v, k in ((a, 1), (b, 1), (C, 2)))
        each = ((*i, ...) for i in np.ndindex(*lead))
        solved = [_with_zeros(xp, A[i], B[i], D[i], reg, tol, max_iterations) for i in each]
    results = (xp.reshape(xp.stack(part), (*lead, *part[0].shape)) for part in zip(*solved, strict=True))
    return tuple(xp.astype(part, dtype, copy=False) for part in results)


def _with_zeros(xp: Any, a: Any, b: Any, C: Any, reg: float, tol: float, limit: int) -> tuple[Any, Any, Any]:
    """Leave points without mass out, and put them back."""
    if bool(xp.all(a > 0) & xp.all(b > 0)):
        return _ordered(xp, a, b, C, reg, tol, limit)
    kept = [np.flatnonzero(to_host(v) > 0) for v in (a, b)]
    i, j = (xp.asarray(k, device=device(C)) for k in kept)
    inner = _ordered(xp, xp.take(a, i), xp.take(b, j), xp.take(xp.take(C, i, axis=0), j, axis=1), reg, tol, limit)
    plan, f, g = np.zeros(C.shape), np.full(C.shape[0], -np.inf), np.full(C.shape[1], -np.inf)
    plan[np.ix_(*kept)], f[kept[0]], g[kept[1]] = (to_host(v) for v in inner)
    return from_host(xp, plan, C), from_host(xp, f, C), from_host(xp, g, C)


def _ordered(xp: Any, a: Any, b: Any, C: Any, reg: float, tol: float, limit: int) -> tuple[Any, Any, Any]:
    """Newton's systems have the size of the smaller side."""
    if a.shape[0] >= b.shape[0]:
        return Entropic(xp, a, b, C, limit).solve(reg, tol)
    plan, g, f = Entropic(xp, b, a, xp.matrix_transpose(C), limit).solve(reg, tol)
    return xp.matrix_transpose(plan), f, g


class Entropic:
    """One problem: masses a, b > 0, costs C, and the work done so far."""

    def __init__(self, xp: Any, a: Any, b: Any, C: Any, limit: int) -> None:
        self.xp, self.a, self.limit, self.work = xp, a, limit, 0
        self.mass = xp.sum(a)
        self.b = b * (self.mass / xp.sum(b))
        self.offset = xp.min(C)
        self.C = C - self.offset
        self.range = float(xp.max(self.C))
        self.eye = xp.eye(b.shape[0], dtype=C.dtype, device=device(C))
        self.log_a, self.log_b = xp.log(a), xp.log(self.b)

    def solve(self, reg: float, tol: float) -> tuple[Any, Any, Any]:
        xp = self.xp
        unit = unit_roundoff(xp, self.C.dtype)
        stages = max(ceil(log(max(self.range / 10 / reg, 1.0)) / log(STAGE)), 0)
        g = xp.zeros_like(self.b)
        mass, smallest = float(self.mass), float(xp.minimum(xp.min(self.a), xp.min(self.b)))
        for stage in range(stages, -1, -1):
            eps = reg * STAGE**stage
            least = tol * mass if stage == 0 else smallest / 20
            plan, f, g = self.stage(g, eps, max(least, 4 * unit * (8 + self.range / eps) * mass))
        return plan, f + self.offset, g

    def rows(self, g: Any, eps: float) -> tuple[Any, Any, Any]:
        """f that scales the rows to a, the plan, and b − Γᵀ1."""
        xp = self.xp
        exponents = (g - self.C) / eps
        peak = xp.max(exponents, axis=1, keepdims=True)
        plan = xp.exp(exponents - peak)
        total = xp.sum(plan, axis=1, keepdims=True)
        plan = plan * (self.a[:, None] / total)
        return eps * (self.log_a - xp.log(total[:, 0]) - peak[:, 0]), plan, self.b - xp.sum(plan, axis=0)

    def columns(self, f: Any, eps: float) -> Any:
        """g that scales the columns to b."""
        xp = self.xp
        exponents = (f[:, None] - self.C) / eps
        peak = xp.max(exponents, axis=0)
        return eps * (self.log_b - xp.log(xp.sum(xp.exp(exponents - peak), axis=0)) - peak)

    def stage(self, g: Any, eps: float, goal: float) -> tuple[Any, Any, Any]:
        f, plan, rest = self.rows(g, eps)
        residual = self.residual(plan, rest)
        rate = 0.0
        while not residual <= goal:
            if self.work > self.limit:
                raise ConvergenceError(
                    f"sinkhorn left a marginal residual of {residual / float(self.mass):.3g} of the mass after {self.limit} "
                    f"iterations, {goal / float(self.mass):.3g} was asked; raise reg, tol or max_iterations.")  # fmt: skip
            before = residual
            if rate and (rate >= 1 or BLOCK * log(residual / goal) / -log(rate) * 4 > NEWTON * (self.b.shape[0] / 4 + 20)):
                step = self.newton(f, g, plan, rest, residual, eps)
                if step is not None:
                    g, f, plan, rest, residual = step
                    continue
            g = self.block(f, g, plan, eps)
            f, plan, rest = self.rows(g, eps)
            residual = self.residual(plan, rest)
            rate = min(max(residual / before, 1e-300), 1.0) if residual == residual else 1.0
        return plan, f, g

    def residual(self, plan: Any, rest: Any) -> float:
        xp = self.xp
        return float(xp.sum(xp.abs(rest)) + xp.sum(xp.abs(xp.sum(plan, axis=1) - self.a)))

    def block(self, f: Any, g: Any, plan: Any, eps: float) -> Any:
        """Sinkhorn's iteration with the plan as kernel; by logarithms where the kernel's numbers do not suffice."""
        xp = self.xp
        self.work += BLOCK
        transposed = xp.matrix_transpose(plan)
        v = self.b / xp.sum(plan, axis=0)
        for _ in range(BLOCK - 1):
            v = self.b / (transposed @ (self.a / (plan @ v)))
        moved = g + eps * xp.log(v)
        return moved if bool(xp.all(xp.isfinite(moved))) else self.columns(f, eps)

    def newton(self, f: Any, g: Any, plan: Any, rest: Any, residual: float, eps: float) -> tuple[Any, ...] | None:
        """One damped step of Newton's for g; None if no step raises the dual or lowers the residual."""
        xp, m = self.xp, self.b.shape[0]
        self.work += BLOCK + m // 4
        sums = self.b - rest
        unit = unit_roundoff(xp, self.C.dtype)
        if not bool(xp.all(sums > 0)):
            return None
        root = xp.sqrt(sums)
        scaled = plan / xp.sqrt(self.a)[:, None] / root
        normal = (1 + 10 * m * unit) * self.eye - xp.matrix_transpose(scaled) @ scaled
        normal = normal + (root[:, None] * root) / self.mass  # the gauge
        direction = eps * xp.linalg.solve(normal, (rest / root)[:, None])[:, 0] / root
        reach, rise = float(xp.max(xp.abs(direction))), float(xp.sum(rest * direction))
        if not (isfinite(reach) and rise > 0):
            return None
        value, noise = self.dual(f, g), 8 * unit * float(xp.sum(self.a * xp.abs(f)) + xp.sum(self.b * xp.abs(g)))
        t = min(1.0, REACH * eps / reach)
        for _ in range(12):
            moved = g + t * direction
            found = self.rows(moved, eps)
            left = self.residual(found[1], found[2])
            if left <= 0.9 * residual or (rise * t > noise and self.dual(found[0], moved) >= value + 1e-4 * t * rise):
                return (moved, *found, left)
            t /= 4
        return None

    def dual(self, f: Any, g: Any) -> float:
        xp = self.xp
        return float(xp.sum(self.a * f) + xp.sum(self.b * g))

"""One problem of entropic transport: Sinkhorn's iteration on a kernel, potentials by logarithms, Newton's steps.

With f eliminated (rows scaled to a), the dual a·f(g) + b·g is concave in g, with gradient b − Γᵀ1 and Hessian
−(diag(Γᵀ1) − Γᵀ diag(1/a) Γ)/eps. Sinkhorn's iteration is Gauss–Seidel's for it, in two blocks; near the solution it is
overrelaxed by Young's factor, and where that is slow too, Newton's steps are taken.
"""

from __future__ import annotations

from math import ceil, frexp, isfinite, log, sqrt
from typing import Any

from array_api_compat import device

from .measures import unit_roundoff

BLOCK = 10
"""Iterations between two looks at the residual."""
STAGE = 5.0
"""Factor between the regularisations of two stages."""
FIRST = 10.0
"""The costs' range over the regularisation of the first stage, at least."""
NEWTON = 6
"""Newton steps that an end game takes; one costs m/4 + 20 of Sinkhorn's iterations (measured, one CPU core)."""
REACH = 20.0
"""No potential moves further than this many `eps` in a Newton step."""


class ConvergenceError(RuntimeError):
    """The iterations allowed did not reach the tolerance."""


class Entropic:
    """One problem: masses a, b > 0, costs C, and the work done so far."""

    def __init__(self, xp: Any, a: Any, b: Any, C: Any, limit: int = 0) -> None:
        """Masses over a power of two near their total; costs less their least one, where that is not small beside their range.

        Scalings of a kernel are kept within e^±`drift`: e^−8drift is the smallest normal number.
        """
        self.xp, self.limit, self.work = xp, limit, 0
        self.unit_mass = 2.0 ** frexp(float(xp.sum(a)))[1]
        self.a, self.b = a / self.unit_mass, b / self.unit_mass
        self.mass, self.smallest = float(xp.sum(self.a)), float(xp.minimum(xp.min(self.a), xp.min(self.b)))
        least = float(xp.min(C))
        self.range = float(xp.max(C)) - least
        self.offset = least if abs(least) > self.range / 8 else 0.0
        self.C = C - self.offset if self.offset else C
        self.least = least - self.offset
        self.unit, tiny = unit_roundoff(xp, C.dtype), float(xp.finfo(C.dtype).smallest_normal)
        self.drift = -log(tiny) / 8
        self.uneven = -log(max(self.smallest, tiny))

    def plain(self, eps: float) -> bool:
        """Whether exp(−C/eps) and its scalings are far from under- and overflow."""
        return max(self.range / eps, self.uneven) <= 2 * self.drift

    def given(self, plan: Any, f: Any, g: Any, eps: float) -> tuple[Any, Any, Any]:
        """Plan and potentials for the masses and costs as they were given."""
        plan *= self.unit_mass
        return plan, f + (eps * log(self.unit_mass) + self.offset), g

    def solve(self, reg: float, tol: float) -> tuple[Any, Any, Any]:
        """Plan and potentials with a residual of tol·mass, in stages of falling regularisation unless exp(−C/reg) will do."""
        xp = self.xp
        stages = 0 if self.plain(reg) else ceil(log(max(self.range / FIRST / reg, 1.0)) / log(STAGE))
        f, g = xp.full_like(self.a, self.least), xp.zeros_like(self.b)
        for stage in range(stages, -1, -1):
            eps = reg * STAGE**stage
            if stage < stages:
                f, plan = self.rows(g, eps)
            else:
                plan = self.plan(f, g, eps)
            least = tol * self.mass if stage == 0 else self.smallest / 20
            plan, f, g = self.stage(f, g, plan, eps, max(least, 4 * self.unit * (8 + self.range / eps) * self.mass))
        return self.given(plan, f, g, reg)

    def iterate(self, eps: float, times: int) -> tuple[Any, Any, Any]:
        """Plan and potentials after so many iterations from u = 1, on a kernel as long as its numbers suffice.

        exp(−C/eps) if that does not underflow, else plans, each for as many iterations as keep the scalings within
        e^±drift: none moves a logarithm further than the one before it.
        """
        xp = self.xp
        f, g = xp.full_like(self.a, self.least), xp.zeros_like(self.b)
        if self.plain(eps):
            return self.given(*self.scaled(self.plan(f, g, eps), f, g, eps, times), eps)
        while times:
            before, g = f, self.columns(f, eps)
            f, plan = self.rows(g, eps)
            move = float(xp.max(xp.abs(f - before))) / eps
            count = min(times - 1, int(self.drift / move)) if move > 0 else times - 1
            if count:
                _, f, g = self.scaled(plan, f, g, eps, count)
            times -= 1 + count
        return self.given(self.plan(f, g, eps), f, g, eps)

    def scaled(self, K: Any, f: Any, g: Any, eps: float, times: int) -> tuple[Any, Any, Any]:
        """Plan and potentials after so many iterations from their kernel K, which the plan overwrites."""
        xp = self.xp
        u = xp.ones_like(self.a)
        for _ in range(times):
            v = self.b / (u @ K)
            u = self.a / (K @ v)
        K *= u[:, None]
        K *= v
        return K, f + eps * xp.log(u), g + eps * xp.log(v)

    def plan(self, f: Any, g: Any, eps: float) -> Any:
        """exp((f ⊕ g − C)/eps)."""
        exponents = f[:, None] + g
        exponents -= self.C
        exponents /= eps
        return self.xp.exp(exponents)

    def rows(self, g: Any, eps: float) -> tuple[Any, Any]:
        """f that scales the rows to a, and the plan."""
        xp = self.xp
        exponents = (g - self.C) / eps
        peak = xp.max(exponents, axis=1, keepdims=True)
        plan = xp.exp(exponents - peak)
        total = xp.sum(plan, axis=1, keepdims=True)
        return eps * (xp.log(self.a / total[:, 0]) - peak[:, 0]), plan * (self.a[:, None] / total)

    def columns(self, f: Any, eps: float) -> Any:
        """g that scales the columns to b."""
        xp = self.xp
        exponents = (f[:, None] - self.C) / eps
        peak = xp.max(exponents, axis=0)
        return eps * (xp.log(self.b / xp.sum(xp.exp(exponents - peak), axis=0)) - peak)

    def stage(self, f: Any, g: Any, plan: Any, eps: float, goal: float) -> tuple[Any, Any, Any]:
        """Potentials at one regularisation whose residual is at most `goal`, from a first plan.

        exp(−C/eps), where it is representable, is scaled in place: no second exponential. Else plans are made anew by rows.
        """
        xp = self.xp
        slow, plain = False, self.plain(eps)
        while True:
            sums = xp.sum(plan, axis=0)
            residual = float(xp.sum(xp.abs(sums - self.b)) + xp.sum(xp.abs(xp.sum(plan, axis=1) - self.a)))
            if residual <= goal:
                return plan, f, g
            if self.work > self.limit:
                raise ConvergenceError(
                    f"sinkhorn left a marginal residual of {residual / self.mass:.3g} of the mass after {self.limit} "
                    f"iterations, {goal / self.mass:.3g} was asked; raise reg, tol or max_iterations.")  # fmt: skip
            if slow and (step := self.newton(g, residual, eps)):
                f, g, plan = step
                continue
            found, slow = self.scale(plan, sums, residual, goal)
            if found and plain:
                u, v = found
                plan *= u[:, None]
                plan *= v
                f, g, plain = f + eps * xp.log(u), g + eps * xp.log(v), False
            else:
                g = g + eps * xp.log(found[1]) if found else self.columns(f, eps)
                f, plan = self.rows(g, eps)

    def scale(self, K: Any, w: Any, left: float, goal: float) -> tuple[tuple[Any, Any] | None, bool]:
        """Sinkhorn's iteration, overrelaxed: scalings u, v of K (None if it fails), and whether Newton's steps would pay now.

        Young: Gauss–Seidel's rate λ and the rate ρ at a factor ω obey (ρ + ω − 1)² = λρω² as long as ρ > ω − 1; the best ω
        is 2/(1 + √(1−λ)), with rate ω − 1. A block that does not lower the residual is taken back.
        """
        xp = self.xp
        u, v, omega, count = xp.ones_like(self.a), xp.ones_like(self.b), 1.0, BLOCK
        kept = None
        while True:
            for _ in range(count):
                v = self.b / w if omega == 1 else v * (self.b / (v * w)) ** omega
                s = K @ v
                u = self.a / s if omega == 1 else u * (self.a / (u * s)) ** omega
                w = u @ K
            self.work += count
            before, left = left, float(xp.sum(xp.abs(v * w - self.b)) + xp.sum(xp.abs(u * s - self.a)))
            rate = (left / before) ** (1 / count)
            reach = float(xp.maximum(xp.max(xp.abs(xp.log(u))), xp.max(xp.abs(xp.log(v)))))
            if not (rate < 1 and isfinite(reach)):
                return kept, True
            kept = u, v
            if left <= goal or self.work > self.limit or reach > self.drift:
                return kept, False
            if rate > omega - 1:
                omega = 2 / (1 + sqrt(1 - min((rate + omega - 1) ** 2 / (rate * omega**2), 1 - 1e-12)))
            if log(left / goal) > -log(max(omega - 1, 1e-9)) * NEWTON * (self.b.shape[0] / 4 + 20):
                return kept, True
            count = min(BLOCK, ceil(log(left / goal) / -log(rate)))

    def newton(self, g: Any, residual: float, eps: float) -> tuple[Any, Any, Any] | None:
        """One damped step of Newton's for g: f, g and the plan; None if no step raises the dual or lowers the residual."""
        xp, m = self.xp, self.b.shape[0]
        self.work += BLOCK + m // 4
        f, plan = self.rows(g, eps)
        sums = xp.sum(plan, axis=0)
        rest = self.b - sums
        if not bool(xp.all(sums > 0)):
            return None
        root = xp.sqrt(sums)
        scaled = plan / xp.sqrt(self.a)[:, None] / root
        eye = xp.eye(m, dtype=plan.dtype, device=device(plan))
        normal = (1 + 10 * m * self.unit) * eye - xp.matrix_transpose(scaled) @ scaled
        normal = normal + (root[:, None] * root) / self.mass  # the gauge
        direction = eps * xp.linalg.solve(normal, (rest / root)[:, None])[:, 0] / root
        reach, rise = float(xp.max(xp.abs(direction))), float(xp.sum(rest * direction))
        if not (isfinite(reach) and rise > 0):
            return None
        value, noise = self.dual(f, g), 8 * self.unit * float(xp.sum(self.a * xp.abs(f)) + xp.sum(self.b * xp.abs(g)))
        t = min(1.0, REACH * eps / reach)
        for _ in range(12):
            moved = g + t * direction
            F, found = self.rows(moved, eps)
            left = float(xp.sum(xp.abs(xp.sum(found, axis=0) - self.b)))
            if left <= 0.9 * residual or (rise * t > noise and self.dual(F, moved) >= value + 1e-4 * t * rise):
                return F, moved, found
            t /= 4
        return None

    def dual(self, f: Any, g: Any) -> float:
        """a·f + b·g."""
        xp = self.xp
        return float(xp.sum(self.a * f) + xp.sum(self.b * g))

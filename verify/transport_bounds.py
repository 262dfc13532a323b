"""What rounding may cost a transport problem, derived once.

An optimum is a basis: a tree of n + m − 1 cells. Its flows are sums of masses along the tree and its potentials sums of
costs, each of at most n + m terms and rounded at every step, so that flows are off by (n+m)u·mass and potentials by
(n+m)u·max|C|; a basis that is optimal for rounded potentials is off by as much. All else follows by the triangle inequality.
Both are relative to the largest cost and the total mass: there is no absolute tolerance in floating point.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from detrace import judge
from detrace.oracles import transport
from detrace.oracles.rationals import floats, rational

VALUE = "(n+m)u·max|C|·mass"
MASS = "(n+m)u·mass"
POTENTIAL = "(n+m)u·max|C|"


class Problem:
    """A transport problem in exact rationals, its optimum, and what rounding may cost (absolute, as floats)."""

    def __init__(self, problem: tuple[np.ndarray, np.ndarray, np.ndarray], space: Any) -> None:
        a, b, C = self.given = problem
        self.n, self.m = C.shape
        self.mass, self.top = float(max(a.sum(), b.sum())), float(np.abs(C).max())
        roundings = (self.n + self.m) * space.u
        lost = (self.n + self.m) * space.underflow
        self.mass_error = roundings * self.mass + lost
        self.potential_error = roundings * self.top + lost
        self.value_error = roundings * self.mass * self.top + lost * (1.0 + self.mass + self.top)

    @cached_property
    def a(self) -> Any:
        return rational(self.given[0])

    @cached_property
    def b(self) -> Any:
        return rational(self.given[1])

    @cached_property
    def C(self) -> Any:
        return rational(self.given[2])

    @cached_property
    def exact(self) -> transport.Transport:
        return transport.optimal_transport(*self.given)

    def slack(self, f: np.ndarray, g: np.ndarray) -> np.ndarray:
        """C − f⊕g, exactly."""
        return self.C - rational(f)[:, None] - rational(g)[None, :]

    def pays(self, plan: np.ndarray) -> Any:
        """⟨Γ, C⟩, exactly."""
        return (rational(plan) * self.C).sum()

    def promises(self, f: np.ndarray, g: np.ndarray) -> Any:
        """a·f + b·g, exactly."""
        return self.a @ rational(f) + self.b @ rational(g)

    def judge_value(self, got: Any, truth: Any = None, factor: float = 1.0) -> float:
        """Hold a computed cost against the exact optimum (or another exact number) with bound (n+m)u·max|C|·mass."""
        truth = self.exact.value if truth is None else truth
        return judge(abs(rational(got) - truth), factor * self.value_error, scale=self.mass * self.top or 1.0, why=VALUE,
                     got=floats(got), truth=floats(truth))  # fmt: skip

    def judge_mass(self, error: Any, **shown: Any) -> float:
        return judge(error, self.mass_error, scale=self.mass or 1.0, why=MASS, **shown)

    def judge_potential(self, error: Any, **shown: Any) -> float:
        return judge(error, self.potential_error, scale=self.top or 1.0, why=POTENTIAL, **shown)

    def judge_plan(self, plan: np.ndarray) -> None:
        """Hold a plan's margins (in ℓ₁) and its cost against the optimum."""
        P = rational(plan)
        self.judge_mass(abs(P.sum(axis=1) - self.a).sum() + abs(P.sum(axis=0) - self.b).sum(), got=plan)
        self.judge_value(self.pays(plan))

    def judge_dual(self, f: np.ndarray, g: np.ndarray) -> None:
        """Hold potentials against feasibility, f⊕g ≤ C, and their value against the optimum."""
        self.judge_potential(max(0, -self.slack(f, g).min()), got=(f, g))
        self.judge_value(self.promises(f, g))


def cost_of(call: Any, a: np.ndarray, b: np.ndarray, C: np.ndarray) -> np.ndarray:
    """The cost as either contract returns it: first of `optimal_transport`, all of `transport_cost`."""
    return call(a, b, C)[0] if call.contract.name == "optimal_transport" else call(a, b, C)

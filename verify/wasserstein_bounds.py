"""Bounds of Wasserstein distances, each derived once.

A distance is judged by its p-th power, the transport cost, since a root has no bounded relative condition at 0. With masses of
total M on points at distances ≤ D, the natural size of a cost is M·D^p: rounded cumulative masses send up to u·M between wrong
atoms, at most D^p dear, a rounded distance costs (p+1)u of its own term, and a sum of n+m terms n+m roundings of its size. The
root by a rounded exponent 1/p costs u·|log W^p| of the value.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from flint import arb

from detrace import judge
from detrace.oracles import wasserstein as exact
from detrace.spaces import Space
from detrace.strategies.samples import Problem

SIZE = "(n+m+p) u·mass·D^p"
SHARP = "(n+m+p) u·W^p"


def lost(space: Space, terms: int, mass: Any = 1.0) -> Any:
    """What underflow costs a sum of `terms` products of masses and costs: a smallest number each, in cost and product."""
    return terms * space.underflow * (1 + mass)


class Distance:
    """W_p^p of a problem, certified, and what rounding may cost it: `error` against the natural size, `sharp` against the
    value itself, which is due where all masses and their partial sums are exact."""

    def __init__(self, problem: Problem, space: Space) -> None:
        x, y, self.p, a, b = problem
        if x.ndim == 1:
            line = exact.coupling(x, y, a, b)
            self.cost, mass, self.reach = line.cost(self.p), arb(line.mass), exact.power(line.reach, self.p)
        else:
            costs = exact.ground_costs(x, y, self.p)
            self.cost = arb(exact.transport_cost(x, y, self.p, a, b))
            mass, self.reach = arb(sum(exact.weights(a, len(x)))), arb(costs.max())
        terms = x.size + y.size + self.p
        self.size = mass * self.reach
        under = lost(space, x.size + y.size, mass)
        rooted = abs(self.cost.log()) * self.cost if self.p not in (1, 2) and self.cost > 0 else arb(0)
        self.error = space.u * (terms * self.size + rooted) + under
        self.sharp = space.u * (terms * self.cost + rooted) + under

    @property
    def natural(self) -> Any:
        """The size of an error of W_p^p that leaves no digit; infinite if there is only 0 to say."""
        return self.size if self.size > 0 else float("inf")

    @property
    def largest(self) -> Any:
        """The same as a distance: (M·D^p)^(1/p)."""
        return root(self.size, self.p) if self.size > 0 else float("inf")

    @property
    def value(self) -> arb:
        """W_p."""
        return root(self.cost, self.p)

    def off(self, error: Any) -> arb:
        """How far a distance may be off whose p-th power is off by `error`."""
        low = self.cost - error
        return max(root(self.cost + error, self.p) - self.value, self.value - (root(low, self.p) if low > 0 else 0), key=float)

    def judge(self, got: Any, error: Any = None, *, why: str = SIZE) -> None:
        """Hold a computed distance against the certified one."""
        bound = self.error if error is None else error
        judge(abs(power(got, self.p) - self.cost), bound, scale=self.natural, why=why,
              got=np.asarray(got), truth=float(self.value))  # fmt: skip


def translation(space: Space, k: int, *points: np.ndarray) -> float:
    """2^k, or the next smaller power of two that can be added to these points without rounding; 0 if none can."""
    while k >= -8:
        t = 2.0**k
        if all((v + t - t == v).all() and (space.round(v + t) == v + t).all() for v in points):
            return t
        k -= 1
    return 0.0


def power(got: Any, p: float) -> arb:
    """The p-th power of a computed distance, with its sign: a negative distance is as wrong as it is far below 0."""
    size = arb(abs(float(got)))
    raised = size ** (int(p) if p == int(p) else arb(p)) if size > 0 else size
    return -raised if float(got) < 0 else raised


def root(cost: arb, p: float) -> arb:
    """cost^(1/p), cost ≥ 0."""
    if not cost > 0:
        return arb(0)
    return cost if p == 1 else cost.root(int(p)) if p == int(p) else cost ** (1 / arb(p))


def positive(x: arb) -> arb:
    """What is certainly above 0 of x."""
    return x if x > 0 else arb(0)

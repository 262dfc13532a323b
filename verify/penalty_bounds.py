"""Certified gradient penalties of small critics, and what rounding may make of them: values and bounds that laws share.

∇D at the exact points is evaluated in balls by the critic's closed form. A computed gradient is off by at most δ = K·u·G,
where K counts the summands on the way (features, hidden units, samples) and G is the norm of the same formula on absolute
values, which bounds every intermediate result (`Critic.majorant`); forming the points is three more roundings of their
absolute sum. A norm r is then off by δr = δ + K·u·r, and a penalty by the mean over the samples of what δr makes of φ(r).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from flint import arb

from detrace.networks import Critic, balls

Setting = tuple[float, ...]


@dataclass(frozen=True)
class Penalty:
    """One contract: what it charges for a slope r (`kind`), and at which points (`where`)."""

    contract: str
    kind: str
    where: str

    def arguments(self, critic: Any, real: Any, other: Any, alpha: Any, *, setting: Setting) -> tuple[Any, ...]:
        """Arguments of the contract; `other` are the fakes, or DRAGAN's noise."""
        if self.where in ("real", "fake"):
            return critic, (real if self.where == "real" else other)
        return critic, real, other, alpha, *(() if self.kind == "zero" else setting)

    def points(self, real: Any, other: Any, alpha: Any) -> Any:
        """x̂ (n, f) of samples (n, f) and α (n, 1), in whatever arithmetic they are given."""
        if self.where in ("real", "fake"):
            return real if self.where == "real" else other
        return real + alpha * other if self.where == "near real" else alpha * real + (1 - alpha) * other


PENALTIES = {
    p.contract: p
    for p in (
        Penalty("two_sided_penalty", "two-sided", "between"),
        Penalty("one_sided_penalty", "one-sided", "between"),
        Penalty("dragan_penalty", "two-sided", "near real"),
        Penalty("zero_centred_real_penalty", "zero", "real"),
        Penalty("zero_centred_fake_penalty", "zero", "fake"),
        Penalty("zero_centred_interpolate_penalty", "zero", "between"),
        Penalty("wgan_div_penalty", "power", "between"),
    )
}
ALL = tuple(PENALTIES)
TARGETED = ("two_sided_penalty", "one_sided_penalty", "dragan_penalty")
BETWEEN = tuple(name for name, p in PENALTIES.items() if p.where == "between")
SETTINGS: dict[str, tuple[Setting, ...]] = {
    "two-sided": ((1.0,), (0.5,), (2.0,), (0.0,), (5.0,)), "one-sided": ((1.0,), (0.5,), (2.0,), (0.0,), (5.0,)),
    "zero": ((),) * 5, "power": ((2.0, 6.0), (1.0, 2.0), (3.0, 4.0), (0.5, 3.0), (2.0, 6.0)),
}  # fmt: skip
"""Targets of the centred penalties, (k, p) of k·rᵖ; a law draws which."""


def charge(kind: str, r: Any, setting: Setting) -> Any:
    """φ(r) of a ball."""
    if kind == "zero":
        return r * r
    if kind == "power":
        return setting[0] * r ** int(setting[1])
    excess = r - setting[0]
    return excess * excess if kind == "two-sided" or excess > 0 else arb(0)


class Slopes:
    """∇D at exact points (n, f) in balls; `sizes` bounds the absolute terms that make up the points."""

    def __init__(self, critic: Critic, points: np.ndarray, sizes: np.ndarray, space: Any) -> None:
        self.critic, self.points, self.sizes = critic, points, sizes
        self.weights = [balls(p) for p in critic.parameters]
        self.gradients = critic.gradient(self.weights, points)
        self.norms = [length(row) for row in self.gradients]
        self.n, f = points.shape
        self.unit = space.u * (self.n + f + sum(max(p.shape, default=1) for p in critic.parameters))

    @cached_property
    def majorants(self) -> np.ndarray:
        """G of each sample (n,)."""
        m = self.critic.majorant()
        return np.linalg.norm(m.gradient(m.parameters, self.sizes), axis=1)

    @cached_property
    def errors(self) -> np.ndarray:
        """δr of each sample (n,)."""
        return self.unit * (self.majorants + np.array([high(r) for r in self.norms]))

    def penalty(self, kind: str, setting: Setting) -> tuple[Any, float]:
        """The mean of φ(r), and what rounding may make of it: first and second order in δr and in u·target."""
        total, error = arb(0), 0.0
        for r, d in zip(self.norms, self.errors, strict=True):
            value = charge(kind, r, setting)
            total += value
            error += self.unit * high(value)
            if kind == "power":
                error += setting[0] * setting[1] * (high(r) + d) ** (setting[1] - 1) * d
            else:
                t = setting[0] if setting else 0.0
                off = d + self.unit * t
                error += (2 * high(abs(r - t)) + off) * off
        return total / self.n, error / self.n

    def parameter_gradient(self, kind: str, setting: Setting) -> tuple[list[np.ndarray], float] | None:
        """∂/∂p of the mean of φ(r) in balls, a list like the critic's parameters, and what rounding may make of its norm; φ(r)
        is r for `kind` "norm".

        With q = φ′(r)∇D/r at each sample it is the mean of ∂/∂p ⟨q, ∇D⟩ at fixed q. The same formula on absolute values,
        with what δ may change in q beside |q|, bounds the error. None where φ has no derivative (at r = 0).
        """
        q, spread = np.empty_like(self.gradients), np.empty(self.n)
        for i, (v, r, G) in enumerate(zip(self.gradients, self.norms, self.majorants, strict=True)):
            top = high(r)
            if kind == "zero":
                q[i], spread[i] = 2 * v, 4 * G
            elif kind == "norm":
                if not r > 0:
                    return None
                q[i], spread[i] = v / r, 1 + 2 * G / float(r.abs_lower())
            elif kind == "power":
                k, p = setting
                q[i], spread[i] = k * p * r ** int(p - 2) * v, 2 * k * p * p * max(G, top) ** (p - 1)
            else:
                t = setting[0]
                if kind == "one-sided" and r < t:
                    q[i], spread[i] = 0 * v, self.flat(t - top, G)
                elif not r > 0:
                    return None
                else:
                    off = high(abs(r - t))
                    q[i], spread[i] = 2 * (r - t) / r * v, 2 * off + 2 * (G + top + t) + 4 * off * G / float(r.abs_lower())
        truth = self.critic.mixed(self.weights, self.points, q / self.n)
        m = self.critic.majorant()
        wide = np.repeat(spread[:, None] / self.n, self.points.shape[1], axis=1)
        return truth, self.unit * norm(m.mixed(m.parameters, self.sizes, wide))

    def flat(self, room: float, G: float) -> float:
        """Nothing under the target, unless rounding may lift the norm over it."""
        return 0.0 if room > 30.0 * self.unit * G else 2 * G


def length(v: Any) -> Any:
    """Euclidean norm of balls, as a ball of numbers ≥ 0."""
    square = sum((x * x for x in v), arb(0))
    return square.sqrt() if square >= 0 else arb(0).union(square.upper().sqrt())


def slopes_at(penalty: Penalty, critic: Critic, real: np.ndarray, other: np.ndarray, alpha: np.ndarray, *,
              space: Any) -> Slopes:  # fmt: skip
    """The slopes that a penalty charges for, of host samples (n, s...) and α (n,)."""
    n = len(real)
    x, y, a = real.reshape(n, -1), other.reshape(n, -1), alpha[:, None]
    exact = penalty.points(balls(x), balls(y), balls(a))
    return Slopes(critic, exact, penalty.points(np.abs(x), np.abs(y), a), space)


def high(x: Any) -> float:
    """Upper end of |x| of a ball."""
    return float(x.abs_upper())


def norm(parts: list[Any]) -> float:
    """Euclidean norm of all entries of a list of arrays of numbers."""
    return math.hypot(*(float(v) for part in parts for v in np.ravel(part)))


def distance(got: list[np.ndarray], truth: list[np.ndarray]) -> Any:
    """Euclidean distance between host arrays and arrays of balls, as a ball."""
    pairs = [(g, t) for a, b in zip(got, truth, strict=True) for g, t in zip(np.ravel(a), np.ravel(b), strict=True)]
    return length([arb(float(g)) - t for g, t in pairs])


def joined(parts: list[np.ndarray]) -> np.ndarray:
    """All entries of a list of arrays, as the reader of a violation sees a gradient."""
    return np.concatenate([np.ravel(p) for p in parts])


def floats(parts: Any) -> Any:
    """Nearest doubles of an array of balls, or of a list of such."""
    if isinstance(parts, list):
        return [floats(p) for p in parts]
    flat = np.array([float(v.mid()) if isinstance(v, arb) else float(v) for v in np.ravel(parts)])
    return flat.reshape(np.shape(parts))

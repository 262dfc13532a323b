r"""Divergences between Gaussians, certified, and what rounding may cost them.

Covariances and means are dyadic rationals, so determinants, inverses and quadratic forms are exact; balls enter with the last
logarithm or exponential. A backward-stable method finds the divergence of covariances whose entries are off by
(d+2)u√(SᵢᵢSⱼⱼ), as Cholesky's factorisation is. To first order that costs (d+2)u Σ|∂D/∂Sᵢⱼ|√(SᵢᵢSⱼⱼ) for each of the two
and 2u Σ|∂D/∂Δᵢ||Δᵢ|, Δ = m₁ − m₂; to second order ρ² times the size of the terms, ρ = (d+2)u Σ|S⁻¹|ᵢⱼ√(SᵢᵢSⱼⱼ). "Loose" adds
one rounding of every term of the formula, which cancel between close Gaussians; "sharp" adds only that of the result.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from flint import arb, fmpq, fmpq_mat

from detrace.oracles.balls import precision
from detrace.oracles.rationals import rational
from detrace.strategies.normals import Normals

BITS = 256
"""Five doubles: logarithms cancel down to the square of a double's distance from 1."""
LOOSE, SHARP = "perturbed covariances, and u·terms", "perturbed covariances, and u·D"
SWAPPED = {"gaussian_reverse_kl": "gaussian_kl", "gaussian_neyman": "gaussian_pearson"}
"""Divergences that are others with p and q exchanged."""


def ball(x: fmpq) -> arb:
    return arb(x.p) / arb(x.q)


def floats(M: fmpq_mat) -> np.ndarray:
    return np.array([[int(x.p) / int(x.q) for x in row] for row in M.tolist()])


def column(v: Any) -> fmpq_mat:
    return fmpq_mat([[x] for x in v])


def positive(M: fmpq_mat) -> bool:
    """Whether all leading minors of a symmetric M are positive."""
    rows = M.tolist()
    return all(fmpq_mat([row[:k] for row in rows[:k]]).det() > 0 for k in range(1, len(rows) + 1))


class Sensitivity(NamedTuple):
    """∂D/∂Δ, ∂D/∂S, ∂D/∂T up to a common factor, entry by entry in modulus; ρ² times the terms' size; the terms' sum."""

    shift: np.ndarray
    first: np.ndarray
    second: np.ndarray
    curved: float
    terms: float


class Gaussians:
    """N(m₁, S) and N(m₂, T), exact."""

    def __init__(self, G: Normals) -> None:
        m1, S, m2, T = G
        self.G, self.d = G, len(m1)
        self.S, self.T = (fmpq_mat([list(row) for row in rational(M)]) for M in (S, T))
        self.shift = column(rational(m1) - rational(m2))

    def form(self, inverse: fmpq_mat) -> fmpq:
        """Δᵀ·inverse·Δ."""
        return (self.shift.transpose() * inverse * self.shift)[0, 0]

    @cached_property
    def inverses(self) -> tuple[fmpq_mat, fmpq_mat]:
        return self.S.inv(), self.T.inv()

    @cached_property
    def middle(self) -> fmpq_mat:
        return (self.S + self.T) / 2

    @cached_property
    def beyond(self) -> fmpq_mat:
        """2T − S, positive definite where χ² is finite."""
        return self.T + self.T - self.S

    @cached_property
    def finite(self) -> bool:
        """Whether 2T − S is positive definite."""
        return positive(self.beyond)

    @cached_property
    def kl(self) -> arb:
        _, B = self.inverses
        trace = sum(((B * self.S)[i, i] for i in range(self.d)), fmpq(0))
        with precision(BITS):
            return (ball(trace - self.d + self.form(B)) + ball(self.T.det() / self.S.det()).log()) / 2

    @cached_property
    def log_overlap(self) -> arb:
        """log ∫√(pq)."""
        ratio = self.S.det() * self.T.det() / self.middle.det() ** 2
        with precision(BITS):
            return ball(ratio).log() / 4 - ball(self.form(self.middle.inv())) / 8

    @cached_property
    def log_square(self) -> arb:
        """log ∫p²/q, where it is finite."""
        ratio = self.S.det() * self.beyond.det() / self.T.det() ** 2
        with precision(BITS):
            return ball(self.form(self.beyond.inv())) - ball(ratio).log() / 2

    def value(self, name: str) -> arb:
        """The divergence, not that of a name in SWAPPED; +∞ as a ball that is not finite."""
        if name == "gaussian_kl":
            return self.kl
        with precision(BITS):
            if name == "gaussian_squared_hellinger":
                return -2 * self.log_overlap.expm1()
            return self.log_square.expm1() if self.finite else arb("inf")

    def deviations(self) -> tuple[np.ndarray, np.ndarray]:
        """√(SᵢᵢSⱼⱼ) of both covariances."""
        roots = [np.sqrt(np.diagonal(M)) for M in (self.G[1], self.G[3])]
        return np.outer(roots[0], roots[0]), np.outer(roots[1], roots[1])

    def sensitivity(self, name: str) -> Sensitivity:
        """Derivatives of KL, of 2·log ∫√(pq) or of log ∫p²/q."""
        A, B = self.inverses
        s, t = self.deviations()
        logs = sum(abs(float(ball(M.det()).log())) for M in (self.S, self.T))
        rho = float((np.abs(floats(A)) * s).sum() ** 2 + (np.abs(floats(B)) * t).sum() ** 2)
        if name == "gaussian_kl":
            h, q = B * self.shift, float(ball(self.form(B)))
            trace = float((np.abs(floats(B)) * np.abs(self.G[1])).sum())
            return Sensitivity(_size(h), _size((B - A) / 2), _size((B - B * self.S * B - h * h.transpose()) / 2),
                               rho * (1 + q + trace), trace + self.d + q + logs)  # fmt: skip
        if name == "gaussian_squared_hellinger":
            C = self.middle.inv()
            h, q = C * self.shift, float(ball(self.form(C)))
            hh = h * h.transpose() / 8
            return Sensitivity(_size(h / 2), _size((A - C) / 2 + hh), _size((B - C) / 2 + hh), rho * (1 + q), self.d + q + logs)
        V = self.beyond.inv()
        h, q = V * self.shift, float(ball(self.form(V)))
        hh = h * h.transpose()
        rho += float((np.abs(floats(V)) * (s + 2 * t)).sum() ** 2)
        return Sensitivity(2 * _size(h), _size((V - A) / 2 + hh), _size(B - V - hh - hh), rho * (1 + q), self.d + q + logs)

    def slack(self, name: str, u: float, *, sharp: bool = False) -> arb:
        """What rounding may cost: loose, or sharp."""
        if name == "gaussian_pearson" and not self.finite:
            return arb(0)
        D, (s, t), n = self.sensitivity(name), self.deviations(), self.d + 2
        shift = np.abs(floats(self.shift))
        moved = u * (n * float((D.first * s).sum() + (D.second * t).sum()) + 2 * float((D.shift * shift).sum()))
        moved += (n * u) ** 2 * D.curved
        factor = self.log_factor(name).exp()
        return factor * moved + (u * abs(self.value(name)) if sharp else u * (factor * D.terms + 2))

    def log_factor(self, name: str) -> arb:
        """Logarithm of what the derivatives of `sensitivity` are to be multiplied by."""
        return {"gaussian_kl": lambda: arb(0), "gaussian_squared_hellinger": lambda: self.log_overlap}.get(
            name, lambda: self.log_square
        )()

    def margin(self, u: float) -> float:
        """How far 2T − S, scaled, is from where χ² ends, over the norm d·n·u of n = d + 2 roundings of each entry of S and 2T:
        below −1 it is infinite however covariances are rounded, above 1 finite."""
        s, t = self.deviations()
        roots = np.sqrt(np.diagonal(s + 2 * t))
        scaled = floats(self.beyond) / roots / roots[:, None]
        return float(np.linalg.eigvalsh(scaled)[0]) / (self.d * (self.d + 2) * u)


def _size(M: fmpq_mat) -> np.ndarray:
    return np.abs(floats(M))


_CACHE: OrderedDict[tuple[bytes, ...], Gaussians] = OrderedDict()


def gaussians(G: Normals) -> Gaussians:
    """The pair, remembered by its bytes."""
    key = tuple(v.tobytes() for v in G)
    if key not in _CACHE:
        _CACHE[key] = Gaussians(G)
        if len(_CACHE) > 4096:
            _CACHE.popitem(last=False)
    return _CACHE[key]


def of(name: str, G: Normals) -> tuple[str, Gaussians]:
    """The divergence and the pair for which it is the named one."""
    m1, S, m2, T = G
    return (SWAPPED[name], gaussians((m2, T, m1, S))) if name in SWAPPED else (name, gaussians(G))


def value(name: str, G: Normals) -> arb:
    plain, pair = of(name, G)
    return pair.value(plain)


def slack(name: str, G: Normals, space: Any, *, sharp: bool = False) -> arb:
    """What rounding may cost, at least the smallest normal number."""
    plain, pair = of(name, G)
    return pair.slack(plain, space.u, sharp=sharp) + space.tiny


def scale(name: str, G: Normals) -> float:
    """The size of an error that means no correct digit: 2 for Hellinger, else 1 + D."""
    if name == "gaussian_squared_hellinger":
        return 2.0
    found = value(name, G)
    return 1.0 + float(found.abs_upper()) if found.is_finite() else math.inf

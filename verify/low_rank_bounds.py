"""What rounding may cost a low-rank exponential: certified values and bounds that several laws share, each derived
once.

Every bound descends from two facts of floating point (Higham, Accuracy and Stability of Numerical Algorithms, 2002,
§3.1): an inner product of length n, summed in any order, is off by at most δs = n(u|y|ᵀ|x| + what underflow loses); and
rounding the argument and the value of φ costs δφ = u|φ| + |φ′|δs. All else is the triangle inequality. Where δs is
not small, LIMIT·bound reaches 1 and a law is undecided, so first order suffices.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from detrace import judge
from detrace import oracles as exact
from detrace.oracles import ball, frobenius, identity
from detrace.oracles.phi import phi1, phi1_matrix

FORWARD = "(u‖M‖ + (u|φ| + |φ′|n u|y|ᵀ|x|)‖x‖‖y‖)/‖M‖: rounding s, φ and M"


def size(x: Any) -> float:
    """‖x‖ of a host array or ball, without overflow or underflow on the way."""
    return math.hypot(*np.abs(x).ravel()) if isinstance(x, np.ndarray) else float(frobenius(x).abs_upper())


def lost(space: Any, *factors: Any) -> float:
    """The most that underflow costs one product of these factors: the smallest subnormal; where the library flushes
    subnormals to zero, the smallest normal number, and as much in each factor times the others."""
    return space.tiny * (1.0 + sum(map(size, factors))) if space.flushes else space.smallest


class RankOne:
    """exp(xyᵀ) in balls, and what rounding may cost each of its computed forms (absolute, in Frobenius norm); of one block
    of rows where x and the columns are repeated `copies` times, and y divided by that: inner products are as much longer."""

    def __init__(self, x: np.ndarray, y: np.ndarray, space: Any, copies: int = 1) -> None:
        self.n, self.space, self.host_y = len(x), space, y
        self.terms = self.n * copies
        self.x, self.y = ball(x), ball(y)
        self.outer = self.x * self.y.transpose()
        self.s = (self.y.transpose() * self.x)[0, 0]
        self.phi = phi1(self.s)
        self.slope = size(phi1(self.s, 1))
        self.nx, self.ny, self.nphi = size(x), size(y), size(self.phi)
        self.ds = self.terms * (space.u * float(np.abs(y) @ np.abs(x)) + lost(space, x, y))
        self.dphi = space.u * self.nphi + self.slope * self.ds
        self.underflow = self.n * lost(space) * (1.0 + self.nx + self.ny + self.nphi)

    @cached_property
    def curvature(self) -> float:
        return size(phi1(self.s, 2))

    @cached_property
    def matrix(self) -> Any:
        return identity(self.n) + self.phi * self.outer

    @cached_property
    def inverse(self) -> Any:
        return identity(self.n) - phi1(-self.s) * self.outer

    @cached_property
    def norm(self) -> float:
        return size(self.matrix)

    @cached_property
    def error(self) -> float:
        """u‖M‖ + δφ‖x‖‖y‖ + underflow: of the dense matrix."""
        return self.space.u * self.norm + self.dphi * self.nx * self.ny + self.underflow

    def apply_error(self, V: Any) -> float:
        """u(‖V‖ + ‖MV‖) + ‖x‖(δφ‖yᵀV‖ + |φ|δ(yᵀV)) + underflow: of V + φ x(yᵀV), δ as for s; V host or ball."""
        host = V if isinstance(V, np.ndarray) else exact.floats(V)
        V = ball(V) if isinstance(V, np.ndarray) else V
        u, k = self.space.u, host.shape[1]
        along = self.terms * (u * size(np.abs(self.host_y) @ np.abs(host)) + k * lost(self.space, self.host_y, host))
        carried = self.dphi * size(self.y.transpose() * V) + self.nphi * along
        return u * (size(V) + size(self.matrix * V)) + self.nx * carried + k * self.underflow * (1.0 + size(host))


def judge_matrix(got: np.ndarray, truth: Any, error: float, why: str) -> float:
    """Hold ‖M̂ − M‖/‖M‖ against error/‖M‖."""
    norm = size(truth)
    return judge(frobenius(ball(got) - truth) / norm, error / norm, got=got, truth=exact.floats(truth), why=why)




def apply_gradient(m: RankOne, x: np.ndarray, y: np.ndarray, V: np.ndarray, C: np.ndarray,
                   wrt: int) -> tuple[Any, float]:  # fmt: skip
    """Certified gradient of ⟨C, exp(xyᵀ)V⟩ with respect to x, y or V, and what rounding may cost."""
    u, terms = m.space.u, len(x) + V.shape[1]
    tiny = terms * m.underflow * (1.0 + size(V)) * (1.0 + size(C)) * (1.0 + m.nx + m.ny)
    b, c = ball(V), ball(C)
    if wrt == 2:
        along = size(np.abs(x) @ np.abs(C))
        error = u * size(C) + m.ny * (m.dphi + terms * u * m.nphi) * along
        return c + m.phi * m.y * (m.x.transpose() * c), error + tiny
    w, z = b.transpose() * m.y, c.transpose() * m.x
    a = (z.transpose() * w)[0, 0]
    sizes = float(np.abs(x) @ np.abs(C) @ (np.abs(V).T @ np.abs(y)))
    one, other, length = (c * w, m.y, m.ny) if wrt == 0 else (b * z, m.x, m.nx)
    spread = size(np.abs(C) @ (np.abs(V).T @ np.abs(y))) if wrt == 0 else size(np.abs(V) @ (np.abs(C).T @ np.abs(x)))
    error = (m.dphi + terms * u * m.nphi) * spread + length * sizes * ((2 + terms) * u * m.slope + m.curvature * m.ds)
    return m.phi * one + phi1(m.s, 1) * a * other, error + tiny


class LowRank:
    """exp(XYᵀ) = I + Xφ₁(S)Yᵀ, S = YᵀX, in balls, and what rounding may cost its computed forms (absolute).

    φ₁(S) is a block of e^B with B = [[S, I], [0, 0]]. S is known to δS = n(u|Y|ᵀ|X| + what underflow loses), and a
    backward-stable exponential commits ‖L(B)‖u‖B‖, so with the Fréchet derivative L(B) = κ_exp(B)‖e^B‖/‖B‖ the error
    of φ₁ is δφ₁ = ‖L(B)‖(u‖B‖ + ‖δS‖). Errors come as pairs: cheap with a lower bound of κ_exp(B), exact on demand.
    `copies` as in `RankOne`.
    """

    def __init__(self, X: np.ndarray, Y: np.ndarray, space: Any, copies: int = 1) -> None:
        (self.n, self.r), self.space, self.host_Y = X.shape, space, Y
        self.terms = self.n * copies
        self.X, self.Y = ball(X), ball(Y)
        self.YT = self.Y.transpose()
        self.phi = exact.certify(lambda: phi1_matrix(self.YT * self.X))
        self.nx, self.ny, self.nphi = size(X), size(Y), size(self.phi)
        S = Y.T @ X
        self.B = np.block([[S, np.eye(self.r)], [np.zeros((self.r, 2 * self.r))]])
        self.dS = self.terms * (space.u * size(np.abs(Y).T @ np.abs(X)) + self.r * lost(space, X, Y))
        self.underflow = self.terms * self.r * lost(space) * (1.0 + self.nx + self.ny) * (1.0 + self.nphi)

    @cached_property
    def matrix(self) -> Any:
        return identity(self.n) + self.X * self.phi * self.YT

    @cached_property
    def norm(self) -> float:
        return size(self.matrix)

    def _pair(self, error: Callable[[float], float]) -> tuple[float, Callable[[], float]]:
        kappa = exact.exp_condition(self.B)
        b = size(self.B)
        per_kappa = size(exact.expm(self.B)) / b * (self.space.u * b + self.dS)
        return error(kappa.lower * per_kappa), lambda: error(kappa.value * per_kappa)

    def error(self) -> tuple[float, Callable[[], float]]:
        """u‖M‖ + ‖X‖‖Y‖(δφ₁ + (r+1)u‖φ₁‖) + underflow: of the dense matrix."""
        fixed = self.space.u * (self.norm + (self.r + 1) * self.nx * self.ny * self.nphi) + self.underflow
        return self._pair(lambda dphi: fixed + self.nx * self.ny * dphi)

    def apply_error(self, V: np.ndarray) -> tuple[float, Callable[[], float]]:
        """u(‖V‖ + ‖MV‖) + ‖X‖(δφ₁‖YᵀV‖ + ‖φ₁‖(n + 2r)u‖|Y|ᵀ|V|‖) + underflow: of V + X(φ₁(YᵀV))."""
        u, b = self.space.u, ball(V)
        along = size(np.abs(self.host_Y).T @ np.abs(V))
        fixed = u * (size(V) + size(self.matrix * b)) + self.nx * self.nphi * (self.terms + 2 * self.r) * u * along
        fixed += V.shape[1] * self.underflow * (1.0 + size(V))
        carried = size(self.YT * b)
        return self._pair(lambda dphi: fixed + self.nx * carried * dphi)


class Product:
    """M = exp(x_r y_rᵀ) ⋯ exp(x₁y₁ᵀ) in balls, rows of X, Y as factors, and the error of applying it (absolute)."""

    def __init__(self, X: np.ndarray, Y: np.ndarray, space: Any) -> None:
        self.space, self.n = space, X.shape[1]
        self.factors = [RankOne(x, y, space) for x, y in zip(X, Y, strict=True)]

    @cached_property
    def after(self) -> list[Any]:
        """after[i] = M_r ⋯ M_{i+1}, what multiplies the i-th result; after[0] = M."""
        out = [identity(self.n)]
        for m in reversed(self.factors):
            out.append(out[-1] * m.matrix)
        return out[::-1]

    @property
    def matrix(self) -> Any:
        return self.after[0]

    @cached_property
    def norm(self) -> float:
        return size(self.matrix)

    @cached_property
    def inverse(self) -> Any:
        out = identity(self.n)
        for m in self.factors:
            out = out * m.inverse
        return out

    @cached_property
    def logdet(self) -> Any:
        """log det M = Σ sᵢ."""
        return sum((m.s for m in self.factors), start=ball(0.0))

    def apply_error(self, V: Any) -> float:
        """Σᵢ ‖M_r ⋯ M_{i+1}‖·(error of applying factor i to the exact M_{i−1} ⋯ M₁V)."""
        V = ball(V) if isinstance(V, np.ndarray) else V
        total = 0.0
        for m, rest in zip(self.factors, self.after[1:], strict=True):
            total += size(rest) * m.apply_error(V)
            V = m.matrix * V
        return total

    def gradient(self, X: np.ndarray, Y: np.ndarray, V: np.ndarray, C: np.ndarray, wrt: int,
                 i: int) -> tuple[Any, float]:  # fmt: skip
        """Row i of the gradient of ⟨C, MV⟩ with respect to X (wrt 0) or Y (1): that of one factor between what arrives,
        Bᵢ = M_{i−1} ⋯ M₁V, and AᵢᵀC, Aᵢ = M_r ⋯ M_{i+1}. Error: of that gradient, times all factors' condition
        numbers, which carry one rounding of Aᵢ and Bᵢ to it."""
        arriving = ball(V)
        for m in self.factors[:i]:
            arriving = m.matrix * arriving
        b, c = exact.floats(arriving), exact.floats(self.after[i + 1].transpose() * ball(C))
        truth, error = apply_gradient(self.factors[i], X[i], Y[i], b, c, wrt)
        return truth, error * self.growth

    @cached_property
    def growth(self) -> float:
        return len(self.factors) * math.prod(m.norm * size(m.inverse) for m in self.factors)

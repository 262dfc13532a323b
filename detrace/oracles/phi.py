"""Certified φ(s) = (eˢ − 1)/s, its derivatives, φ₁ of matrices, and singular values of a ball matrix."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from flint import acb, acb_mat

from .balls import Ball, ball, floats, frobenius, identity


def phi1(s: Any, derivative: int = 0) -> Ball:
    """φ^{(k)}(s) = ₁F₁(k+1; k+2; s)/(k+1) of a ball or host number, k = `derivative`; 0 is a point like any other.

    From φ(s) = ∫₀¹ e^{ts} dt: φ^{(k)}(s) = ∫₀¹ tᵏ e^{ts} dt, Euler's integral of the confluent hypergeometric
    function, which flint encloses rigorously, also for balls that contain 0.
    """
    z = s if isinstance(s, acb) else ball(s)
    return z.hypgeom_1f1(derivative + 1, derivative + 2) / (derivative + 1)


def phi1_matrix(S: Ball) -> Ball:
    """φ₁(S) = ∫₀¹ e^{tS} dt of a ball matrix (r,r), singular or not: the top-right block of exp([[S, I], [0, 0]])."""
    r = S.nrows()
    if r == 0:
        return S
    e = augmented(S, identity(r)).exp()
    return acb_mat([[e[i, r + j] for j in range(r)] for i in range(r)])


def augmented(S: Ball, T: Ball) -> Ball:
    """[[S, T], [0, 0]] of ball matrices (r,r)."""
    r = S.nrows()
    rows = [[S[i, j] for j in range(r)] + [T[i, j] for j in range(r)] for i in range(r)]
    return acb_mat(rows + [[0] * (2 * r)] * r)


def singular_values(m: Ball) -> tuple[np.ndarray, float]:
    """Singular values of a ball matrix, decreasing, and how far any of them may be from the true one at most.

    numpy proposes U, Σ, V and ball arithmetic disposes: with ε = ‖UᴴMV − Σ‖_F and η the larger of ‖UᴴU − I‖_F and
    ‖VᴴV − I‖_F < 1, Ostrowski's theorem (σᵢ(UᴴMV) lies between (1 ± η)·σᵢ(M)) and Weyl's give |σᵢ(M) − Σᵢ| ≤
    (ε + η Σᵢ)/(1 − η). U and V are square, so that nothing of M is projected away.
    """
    host = floats(m)
    if not np.isfinite(host).all() or 0 in host.shape:
        return np.full(min(host.shape), math.nan), math.inf
    U, sigma, Vh = np.linalg.svd(host)
    Uh, V = ball(U.conj().T), ball(Vh.conj().T)
    eta = max(_upper(Uh * ball(U) - identity(len(U))), _upper(ball(Vh) * V - identity(len(Vh))))
    if not eta < 0.5:
        return sigma, math.inf
    diagonal = np.zeros(host.shape)
    np.fill_diagonal(diagonal, sigma)
    epsilon = _upper(Uh * m * V - ball(diagonal))
    return sigma, (epsilon + eta * float(sigma[0])) / (1.0 - eta)


def _upper(m: Ball) -> float:
    return float(frobenius(m).abs_upper())

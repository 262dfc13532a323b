r"""The gradient of KL between normal distributions, as variational inference and moment matching use it.

∂/∂m₁ = T⁻¹Δ = −∂/∂m₂, ∂/∂S = ½(T⁻¹ − S⁻¹), ∂/∂T = ½(T⁻¹ − T⁻¹(S + ΔΔᵀ)T⁻¹), exact for dyadic input. Gradients in covariances
are compared by their symmetric part, which is what a symmetric step sees.
"""

from __future__ import annotations

import math

import numpy as np
from flint import arb, fmpq_mat

from detrace import judge, law
from detrace.strategies.normals import Normals, normal_pairs
from verify.gaussian_closed_forms import ball, floats, gaussians


def gradients(G: Normals) -> tuple[fmpq_mat, ...]:
    """With respect to m1, S, m2, T."""
    pair = gaussians(G)
    A, B = pair.inverses
    h = B * pair.shift
    return h, (B - A) / 2, -h, (B - B * pair.S * B - h * h.transpose()) / 2


def bounds(G: Normals, u: float) -> tuple[np.ndarray, ...]:
    """To first order: T⁻¹ moves by |T⁻¹|·(d+2)u√(TᵢᵢTⱼⱼ)·|T⁻¹|, S⁻¹ likewise, Δ by 2u|Δ|, and every product is rounded."""
    pair = gaussians(G)
    n = (pair.d + 2) * u
    (s, t), (A, B) = pair.deviations(), (np.abs(floats(M)) for M in pair.inverses)
    first, second = n * A @ s @ A, n * B @ t @ B
    shift, S = np.abs(floats(pair.shift)), np.abs(G[1])
    h = B @ shift
    moved = second @ shift + 2 * u * h
    left = second @ S @ B + 2 * moved @ h.T
    return moved, (first + second) / 2 + u * (A + B), moved, (second + left + left.T + n * B @ s @ B) / 2


@law(r"\partial KL = \bigl(T^{-1}\Delta,\ \tfrac12(T^{-1} - S^{-1}),\ -T^{-1}\Delta,\ "
     r"\tfrac12(T^{-1} - T^{-1}(S + \Delta\Delta^\top)T^{-1})\bigr)", source="Gaussian integrals", needs="autodiff",
     G=normal_pairs(kinds=("graded", "near", "graded", "equal", "graded", "dense", "graded", "multiple")))  # fmt: skip
def gaussian_kl_has_its_gradient(gaussian_kl, G, space):
    """In both means and both covariances, by reverse mode, equal and graded Gaussians included. Bound: covariances perturbed by
    (d+2)u√(SᵢᵢSⱼⱼ), entry by entry."""
    for wrt, (gradient, bound) in enumerate(zip(gradients(G), bounds(G, space.u), strict=True)):
        got = gaussian_kl.gradient(*G, wrt=wrt)
        rows = got if wrt in (1, 3) else got[:, None]
        for i, row in enumerate(gradient.tolist()):
            for j, exact in enumerate(row):
                truth = ball(exact)
                pair = (rows[i, j], rows[j, i]) if wrt in (1, 3) else (rows[i, j],) * 2
                if abs(truth) < space.max / 64:
                    error = abs((arb(float(pair[0])) + arb(float(pair[1]))) / 2 - truth)
                    judge(error, bound[i, j] + space.tiny, scale=math.inf, why="perturbed covariances", got=got,
                          truth=float(truth.mid()))  # fmt: skip

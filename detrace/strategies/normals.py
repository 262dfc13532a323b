"""Pairs of normal distributions whose covariances have full rank, exact in the space's dtype.

S = D N Nᵀ D with a power of two in D for each coordinate and N unit lower triangular in halves: a positive definite matrix of
few digits, whose correlations are moderate whatever D is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..judging import branch
from ..spaces import FORMATS, Space
from .logits import decoded

Normals = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]

KINDS = ("dense", "near", "equal", "diagonal", "multiple", "graded")
"""No relation; T nearly S; T = S; commuting; S = cT with c about 2, where χ² ceases to be finite; variances of many sizes."""
WITHIN = "within"
"""A kind that is drawn only where it is asked for: S well within T = S + 4U, U a covariance, so that χ² is finite and differs
from that of the exchanged pair, as KL does."""

MULTIPLES = (1.5, 1.75, 1.875, 2.0, 2.5, 3.0)
_ENTRIES = np.array([0.0, 1.0, -1.0, 0.0, 0.5, -0.5, -1.0, 1.0])
_GRADES = {"float16": (2, 1), "bfloat16": (20, 25), "float32": (20, 25), "float64": (60, 120)}
"""Largest exponents of graded standard deviations, and of the scale of both distributions."""


def _factor(codes: np.ndarray, d: int) -> np.ndarray:
    N = np.eye(d)
    N[np.tril_indices(d, -1)] = _ENTRIES[codes[: d * (d - 1) // 2] % len(_ENTRIES)]
    return N


def _exponents(codes: np.ndarray, most: int) -> np.ndarray:
    """0, −1, 1, −2, 2, … up to ±`most`."""
    turn = codes % (2 * most + 1)
    return np.asarray((turn + 1) // 2 * (1 - 2 * (turn % 2)))


@decoded(lambda **_: 24, parts=("m1", "S", "m2", "T"))
def normal_pairs(codes: np.ndarray, space: Space, *, kinds: Sequence[str] = KINDS, max_dims: int = 3, apart: bool = True,
                 scaled: bool = True) -> Normals:  # fmt: skip
    """(m1, S, m2, T): means (d,) of few standard deviations of T, covariances (d,d), symmetric and positive definite.

    `apart`: means may differ. `scaled`: both by a power of two, too. In the plane where every shape is compiled.
    """
    kind, d = kinds[codes[0] % len(kinds)], 1 + codes[1] % max_dims
    grade, reach = _GRADES[space.real_dtype]
    most = grade if kind == "graded" else 1
    if kind == "graded" or space.few_shapes:
        d = min(2 if space.few_shapes else max(d, 2), max_dims)
    N, M = _factor(codes[2:5], d), _factor(codes[5:8], d)
    D, E = (2.0 ** _exponents(c[:d], most) for c in (codes[8:11], codes[11:14]))
    if kind == "diagonal":
        N = M = np.eye(d)
    S, T = np.outer(D, D) * (N @ N.T), np.outer(E, E) * (M @ M.T)
    if kind == "equal":
        S = T
    elif kind == "near":
        v = M[:, 0] * E
        S = T + 2.0 ** -(1 + codes[14] % max(FORMATS[space.real_dtype][0] - 6, 1)) * np.outer(v, v)
    elif kind == WITHIN:
        T = S + 4.0 * T
    elif kind == "multiple":
        S = MULTIPLES[codes[14] % len(MULTIPLES)] * T
    x, y = (codes[15:18] % 9 - 4.0)[:d] / 2, (codes[18:21] % 9 - 4.0)[:d] / 2
    if not apart or codes[21] % 4 == 0:
        x = y
    elif kind == "near":
        x = y + (x - y) * 2.0 ** -(codes[14] % max(FORMATS[space.real_dtype][0] - 6, 1))
    k = int(_exponents(codes[22], reach)) if scaled and codes[23] % 2 else 0
    branch(kind)
    m1, S, m2, T = (space.round(v) for v in (E * x * 2.0**k, S * 4.0**k, E * y * 2.0**k, T * 4.0**k))
    return m1, S, m2, T

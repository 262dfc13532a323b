r"""What W_∞ is, exactly: the largest distance that the best plan moves anything, and how far masses decide it.

On the line atoms i and j meet in the monotone plan if their levels (F(x_{i−1}), F(x_i)] and (G(y_{j−1}), G(y_j)] overlap, and
W_∞ is the largest distance of two that do. No distance is continuous in the masses here: where levels touch, moving any mass
joins or parts two atoms. So a value is judged by the masses for which it would be right. It must be the distance of two atoms
whose levels are no further apart than rounding, and no atoms further apart may overlap by more. Cumulative masses are sums of
n and m masses, (n+m)u·M together. Beside that a distance is one rounded difference and a few scalings: a few u of itself.
"""

from __future__ import annotations

from itertools import combinations
from math import inf
from typing import Any

import numpy as np
from flint import arb, fmpq

from detrace import judge, require, undecided
from detrace.oracles import wasserstein as exact
from detrace.oracles.rationals import floats, rational
from detrace.spaces import Space

ROUNDED = 8
"""Units roundoff that a distance of two atoms may be off."""
LEVELS = "(n+m)u·mass, of the levels"
RELATIVE = "8u·W_∞"


class Line:
    """Two weighted samples of the line: the distance of each two atoms of positive mass, and by how much their levels overlap
    (below 0: how far they are apart)."""

    def __init__(self, x: np.ndarray, y: np.ndarray, a: np.ndarray | None, b: np.ndarray | None, space: Space) -> None:
        first, second = (_levels(v, exact.weights(w, len(v))) for v, w in ((x, a), (y, b)))
        self.mass, other = first[-1][2], second[-1][2]
        second = [(v, low * self.mass / other, high * self.mass / other) for v, low, high in second]
        self.pairs = [(abs(v - w), min(h, k) - max(low, g)) for v, low, h in first for w, g, k in second]
        self.largest = max(d for d, overlap in self.pairs if overlap > 0)
        self.units, self.u = (len(x) + len(y)) * space.u, rational(space.u)
        self.lost = rational(space.tiny if space.flushes else 0.0)

    def judge(self, got: Any) -> None:
        """Hold a computed W_∞ against the masses."""
        value = rational(got)
        near, far = value * (1 - ROUNDED * self.u) - self.lost, value * (1 + ROUNDED * self.u) + self.lost
        gaps = [max(fmpq(0), -overlap) for d, overlap in self.pairs if near <= d <= far]
        require(bool(gaps), "no two atoms of positive mass are so far apart", got=got, truth=floats(self.largest))
        missed = max((overlap for d, overlap in self.pairs if d > far), default=fmpq(0))
        for error in (min(gaps), max(fmpq(0), missed)):
            judge(error, self.units * float(self.mass), scale=float(self.mass), why=LEVELS, got=got, truth=floats(self.largest))

    def judge_sharply(self, got: Any) -> None:
        """Hold it against the exact value, which is due where all sums of masses are exact."""
        judge_distance(got, arb(self.largest), self.u, self.lost)


def judge_distance(got: Any, truth: arb, u: Any, lost: Any = 0) -> None:
    """Hold a distance against its true value, relative to itself."""
    judge(abs(arb(rational(got)) - truth), ROUNDED * arb(u) * truth + arb(lost), scale=truth if truth > 0 else inf,
          why=RELATIVE, got=got, truth=float(truth))  # fmt: skip


def _levels(x: np.ndarray, masses: list[Any]) -> list[tuple[Any, Any, Any]]:
    """(place, level below, level above) of each atom of positive mass, from the left."""
    found, level, places = [], fmpq(0), rational(x)
    for i in np.argsort(x, kind="stable"):
        if masses[i] > 0:
            found.append((places[i], level, level + masses[i]))
            level += masses[i]
    return found


def deficit(a: Any, b: Any, within: np.ndarray) -> Any:
    """max over sets A of places of μ(A) − ν(those within reach of A), exactly: the mass that no plan can keep within reach
    (Strassen 1965, Hall 1935). Masses a (n,), b (m,) rationals, `within` (n,m) says who reaches whom."""
    sets = (list(A) for k in range(len(a) + 1) for A in combinations(range(len(a)), k))
    return max(sum(a[A], fmpq(0)) - sum(b[within[A].any(axis=0)], fmpq(0)) for A in sets)


def bottleneck(a: Any, b: Any, distances: np.ndarray) -> Any:
    """The least distance within which all mass finds a place, exactly, for any distances (n,m) that can be compared."""
    return next(t for t in sorted(set(distances.ravel())) if deficit(a, b, distances <= t) <= 0)


def offered(distance: Any) -> bool:
    """Whether p = ∞ is taken at all; a refusal leaves the example undecided, since it is no wrong number."""
    x, y = np.array([0.0, 1.0]), np.array([0.0, 2.0])
    args = (x, y) if distance.contract.name == "wasserstein_1d" else (x[:, None], y[:, None])
    refusal = distance.raises(*args, inf, None, None)
    if refusal is not None:
        undecided(f"p = ∞ is refused: {type(refusal).__name__}")
    return refusal is None

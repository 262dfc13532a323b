"""Certified Wasserstein distances: on the line exactly, in R^d by the exact linear program, between Gaussians in balls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb, arb_mat, fmpq

from .balls import precision
from .matrices import _CACHE, CACHE_SIZE
from .rationals import Rational, rational
from .transport import Transport, optimal_transport

FINE = 224
"""Bits to which irrational distances are known."""


def remembered(key: tuple[Any, ...], compute: Any) -> Any:
    """`compute()`, once for a key."""
    if key not in _CACHE:
        _CACHE[key] = compute()
        if len(_CACHE) > CACHE_SIZE:
            _CACHE.popitem(last=False)
    return _CACHE[key]


def key_of(*values: Any) -> tuple[Any, ...]:
    """What identifies host arrays and plain values exactly."""
    return tuple((v.shape, v.tobytes()) if isinstance(v, np.ndarray) else v for v in values)


def weights(a: np.ndarray | None, n: int) -> list[Rational]:
    """Masses as rationals; None is n times 1/n."""
    return [fmpq(1, n)] * n if a is None else list(rational(a))


def power(distance: Rational, p: float) -> arb:
    """distance^p; exactly for whole p."""
    if p == int(p):
        return arb(distance ** int(p))
    return arb(distance) ** arb(p) if distance else arb(0)


@dataclass(frozen=True)
class Coupling:
    """The monotone coupling of two samples of the line: pieces (i, j, mass, |xᵢ − yⱼ|), optimal for every p ≥ 1.

    `mass` is the total, `reach` the distance between the outermost atoms of positive mass.
    """

    pieces: tuple[tuple[int, int, Rational, Rational], ...]
    mass: Rational
    reach: Rational

    def cost(self, p: float) -> arb:
        """W_p^p."""
        return sum((arb(w) * power(d, p) for _, _, w, d in self.pieces), arb(0))


def coupling(x: np.ndarray, y: np.ndarray, a: np.ndarray | None = None, b: np.ndarray | None = None) -> Coupling:
    """Monotone coupling of x (n,) with masses a and y (m,) with masses b; b counts as b·(Σa/Σb)."""
    return remembered(("coupling", key_of(x, y, a, b)), lambda: _coupling(x, y, a, b))


def _coupling(x: np.ndarray, y: np.ndarray, a: Any, b: Any) -> Coupling:
    supply, demand = weights(a, len(x)), weights(b, len(y))
    total, other = sum(supply, fmpq(0)), sum(demand, fmpq(0))
    if other:
        demand = [w * total / other for w in demand]
    xs, ys = rational(x), rational(y)
    rows, columns = _order(x, supply), _order(y, demand)
    ends = [xs[i] for i in rows] + [ys[j] for j in columns]
    pieces = []
    while rows and columns:
        i, j = rows[0], columns[0]
        w = min(supply[i], demand[j])
        pieces.append((i, j, w, abs(xs[i] - ys[j])))
        supply[i] -= w
        demand[j] -= w
        if not supply[i]:
            rows.pop(0)
        if not demand[j]:
            columns.pop(0)
    return Coupling(tuple(pieces), total, max(ends) - min(ends) if ends else fmpq(0))


def _order(x: np.ndarray, mass: Sequence[Rational]) -> list[int]:
    return [int(i) for i in np.argsort(x, kind="stable") if mass[int(i)] > 0]


def ground_costs(x: np.ndarray, y: np.ndarray, p: float) -> np.ndarray:
    """‖xᵢ − yⱼ‖^p of x (n,d), y (m,d) as rationals, object array (n,m): exact for even p, else to `FINE` bits."""
    return remembered(("ground", key_of(x, y, p)), lambda: _ground(x, y, p))


def _ground(x: np.ndarray, y: np.ndarray, p: float) -> np.ndarray:
    difference = rational(x)[:, None, :] - rational(y)[None, :, :]
    squares = (difference * difference).sum(axis=-1)
    out = np.empty(squares.shape, dtype=object)
    with precision(FINE):
        for index, square in np.ndenumerate(squares):
            out[index] = (square or fmpq(0)) ** int(p / 2) if p % 2 == 0 else nearest(power(square or fmpq(0), p / 2))
    return out


def nearest(x: arb) -> Rational:
    """The midpoint of a ball as a rational."""
    man, exp = x.mid().man_exp()
    return fmpq(int(man) << int(exp)) if exp >= 0 else fmpq(int(man), 1 << -int(exp))


def optimum(x: np.ndarray, y: np.ndarray, p: float, a: np.ndarray | None, b: np.ndarray | None) -> Transport:
    """Exact transport of weighted points of R^d (n,d), (m,d) at the costs ‖x − y‖^p, known to 2^−200 of themselves."""

    def compute() -> Transport:
        supply, demand = (_object(weights(v, len(z))) for v, z in ((a, x), (b, y)))
        found: Transport = optimal_transport.__wrapped__(supply, demand, ground_costs(x, y, p))  # type: ignore[attr-defined]
        return found

    return remembered(("optimum", key_of(x, y, p, a, b)), compute)


def transport_cost(x: np.ndarray, y: np.ndarray, p: float, a: np.ndarray | None, b: np.ndarray | None) -> Rational:
    """W_p^p of weighted points of R^d (n,d), (m,d), by the exact linear program; relative error below 2^−200."""
    return optimum(x, y, p, a, b).value


def _object(values: Sequence[Rational]) -> np.ndarray:
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out


def squared_factor(S: np.ndarray) -> tuple[list[list[Rational]], list[Rational]]:
    """L (unit lower triangular) and d ≥ 0 with S = L diag(d) Lᵀ exactly. Raises ValueError unless S is symmetric ≥ 0."""
    n, R = len(S), [list(row) for row in rational(S)]
    L = [[fmpq(int(i == j)) for j in range(n)] for i in range(n)]
    d = [fmpq(0)] * n
    for k in range(n):
        d[k] = R[k][k]
        if d[k] < 0 or any(R[i][k] != R[k][i] or (d[k] == 0 and R[i][k] != 0) for i in range(k, n)):
            raise ValueError("not symmetric positive semidefinite")
        for i in range(k + 1, n):
            L[i][k] = R[i][k] / d[k] if d[k] else fmpq(0)
        for i in range(k + 1, n):
            for j in range(k + 1, n):
                R[i][j] -= L[i][k] * d[k] * L[j][k]
    return L, d


def cross_term(S: np.ndarray, T: np.ndarray) -> arb:
    """tr (S^½ T S^½)^½ for symmetric S, T ≥ 0 (d,d): the sum of the roots of the eigenvalues of GᵀTG, S = GGᵀ."""
    L, d = squared_factor(S)
    n = len(d)
    roots = [arb(v).sqrt() for v in d]
    G = arb_mat([[arb(L[i][k]) * roots[k] for k in range(n)] for i in range(n)])
    K = G.transpose() * arb_mat([[arb(v) for v in row] for row in rational(T)]) * G
    return sum((_root(v) for v in eigenvalues(K)), arb(0))


def _root(v: arb) -> arb:
    high = v.abs_upper() if not v < 0 else arb(0)
    low = v.abs_lower() if v > 0 else arb(0)
    return low.sqrt().union(high.sqrt())


def eigenvalues(K: arb_mat) -> list[arb]:
    """Eigenvalues of a symmetric ball matrix: mpmath proposes V and Λ, ball arithmetic disposes.

    With ε = ‖VᵀKV − Λ‖_F and η = ‖VᵀV − I‖_F < 1, Ostrowski's and Weyl's theorems give |λᵢ − Λᵢ| ≤ (ε + η|Λᵢ|)/(1 − η).
    """
    import mpmath  # a tenth of a second, for one law

    n = K.nrows()
    with mpmath.workprec(FINE):
        middle = mpmath.matrix([[_mpf((K[i, j] + K[j, i]).mid() / 2) for j in range(n)] for i in range(n)])
        values, vectors = mpmath.eigsy(middle)
        proposed = [_arb(values[i]) for i in range(n)]
        V = arb_mat([[_arb(vectors[i, j]) for j in range(n)] for i in range(n)])
    rest = V.transpose() * K * V - arb_mat([[proposed[i] if i == j else 0 for j in range(n)] for i in range(n)])
    gram = V.transpose() * V - arb_mat([[int(i == j) for j in range(n)] for i in range(n)])
    epsilon, eta = _norm(rest), _norm(gram)
    if not eta < 0.5:
        raise ArithmeticError("eigenvectors are not orthonormal enough")
    return [v + (epsilon + eta * abs(v)) / (1 - eta) * arb(0, 1) for v in proposed]


def _norm(M: arb_mat) -> arb:
    return sum((v.abs_upper() ** 2 for v in M.entries()), arb(0)).sqrt().abs_upper()


def _mpf(x: arb) -> Any:
    import mpmath

    man, exp = x.mid().man_exp()
    return mpmath.ldexp(mpmath.mpf(int(man)), int(exp))


def _arb(x: Any) -> arb:
    sign, man, exp, _ = x._mpf_
    return arb((-1) ** sign * int(man)) * arb(2) ** int(exp)


def gaussian_cost(m1: np.ndarray, S1: np.ndarray, m2: np.ndarray, S2: np.ndarray) -> arb:
    """W₂² = ‖m₁ − m₂‖² + tr S₁ + tr S₂ − 2 tr (S₁^½S₂S₁^½)^½ between Gaussians, known to 2^−100 of its terms."""

    def compute() -> arb:
        with precision(2 * FINE):
            shift = rational(m1) - rational(m2)
            exact = sum(shift * shift, fmpq(0)) + sum(rational(S1).diagonal(), fmpq(0)) + sum(rational(S2).diagonal(), fmpq(0))
            return arb(exact) - 2 * cross_term(S1, S2)

    return remembered(("gaussian", key_of(m1, S1, m2, S2)), compute)

"""Small linear programs in exact rationals: optimum, dual optimum, Farkas' alternative.

The two-phase simplex method with Bland's rule, on a tableau that keeps the artificial columns, out of which the duals are
read. Every answer carries its certificate, which `solve` checks before it returns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from flint import fmpq

from .rationals import Rational, rational

Status = Literal["optimal", "infeasible", "unbounded"]


@dataclass(frozen=True)
class Program:
    """What became of min{cᵀx : Ax = b, x ≥ 0}, exactly (object arrays of `fmpq`).

    "optimal": x and y with Ax = b, x ≥ 0, Aᵀy ≤ c, bᵀy = cᵀx = value. "infeasible": y with Aᵀy ≤ 0, bᵀy > 0, no x.
    "unbounded": a feasible x, no y.
    """

    status: Status
    value: Rational | None
    x: np.ndarray | None
    y: np.ndarray | None


def solve(A: Any, b: Any, c: Any) -> Program:
    """min{cᵀx : Ax = b, x ≥ 0} for host floats or rationals A (m,n), b (m,), c (n,)."""
    A, b, c = rational(A), rational(b), rational(c)
    m, n = A.shape
    sign = np.array([fmpq(-1 if v < 0 else 1) for v in b], dtype=object)
    T = np.full((m + 1, n + m + 1), fmpq(0), dtype=object)
    T[:m, :n], T[:m, -1] = sign[:, None] * A, sign * b
    for i in range(m):
        T[i, n + i] = fmpq(1)
    basis = list(range(n, n + m))
    T[m, :n], T[m, -1] = -T[:m, :n].sum(axis=0), -T[:m, -1].sum()
    _minimise(T, basis, n)
    if T[m, -1] < 0:
        y = sign * (1 - T[m, n:-1])
        assert (A.T @ y <= 0).all()
        assert b @ y > 0
        return Program("infeasible", None, None, y)
    for i in range(m):  # artificial variables leave at 0, except from rows that are redundant
        if basis[i] >= n and (columns := np.flatnonzero(T[i, :n] != 0)).size:
            _pivot(T, basis, i, int(columns[0]))
    T[m, :] = fmpq(0)
    T[m, :n] = c
    for i, j in enumerate(basis):
        if j < n:
            T[m] = T[m] - T[m, j] * T[i]
    bounded = _minimise(T, basis, n)
    x = np.full(n, fmpq(0), dtype=object)
    for i, j in enumerate(basis):
        if j < n:
            x[j] = T[i, -1]
    assert (A @ x == b).all()
    assert (x >= 0).all()
    if not bounded:
        return Program("unbounded", None, x, None)
    y = -sign * T[m, n:-1]
    assert (A.T @ y <= c).all()
    assert b @ y == c @ x
    return Program("optimal", c @ x, x, y)


def _minimise(T: np.ndarray, basis: list[int], n: int) -> bool:
    """Pivot until no reduced cost is negative; False if the objective falls without bound."""
    m = len(basis)
    while True:
        entering = next((j for j in range(n) if T[m, j] < 0), None)
        if entering is None:
            return True
        ratios = [(T[i, -1] / T[i, entering], basis[i], i) for i in range(m) if T[i, entering] > 0]
        if not ratios:
            return False
        _pivot(T, basis, min(ratios)[2], entering)


def _pivot(T: np.ndarray, basis: list[int], i: int, j: int) -> None:
    T[i] = T[i] / T[i, j]
    for k in range(len(T)):
        if k != i and T[k, j] != 0:
            T[k] = T[k] - T[k, j] * T[i]
    basis[i] = j


def farkas(A: Any, b: Any) -> tuple[np.ndarray | None, np.ndarray | None]:
    """(x, None) with x ≥ 0, Ax = b, or (None, y) with Aᵀy ≤ 0, bᵀy > 0, exactly; there is always exactly one."""
    found = solve(A, b, np.zeros(np.shape(A)[1]))
    return (None, found.y) if found.status == "infeasible" else (found.x, None)


Form = tuple[Any, Any, Any]
"""(A, b, c) of min{cᵀx : Ax = b, x ≥ 0}."""


def dual(A: Any, b: Any, c: Any) -> Form:
    """The dual max{bᵀy : Aᵀy ≤ c} as a program of the same form, with y = y⁺ − y⁻ and slacks: its least value is the negative
    of the dual's greatest."""
    A, b, c = rational(A), rational(b), rational(c)
    return np.hstack([A.T, -A.T, rational(np.eye(len(c)))]), c, np.concatenate([-b, b, rational(np.zeros(len(c)))])


def with_inequalities(A: Any, b: Any, c: Any) -> Form:
    """min{cᵀx : A′x ≥ b′, x ≥ 0} with the paired inequalities A′ = [A; −A], b′ = [b; −b], written with slacks again."""
    A, b, c = rational(A), rational(b), rational(c)
    paired, m = np.vstack([A, -A]), len(b)
    free = np.concatenate([c, rational(np.zeros(2 * m))])
    return np.hstack([paired, -rational(np.eye(2 * m))]), np.concatenate([b, -b]), free

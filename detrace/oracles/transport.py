"""Exact optimal transport: value, plan and potentials of small problems as rationals, cached by the input's bytes.

The transportation simplex in integers (Dantzig 1951): masses and costs are brought to one denominator each, and masses are
perturbed so that no basis is degenerate, hence no cycling. Its answer is a certificate: the plan is feasible, the potentials
are feasible, both have the same value; nothing else needs to be believed.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from flint import fmpq, fmpz_mat

from .rationals import Rational, cached, rational, whole

Cell = tuple[int, int]


@dataclass(frozen=True)
class Transport:
    """An optimum of min ⟨Γ, C⟩ over Γ ≥ 0 with margins a and b·(Σa/Σb), exactly (object arrays of `fmpq`).

    `one_plan`, `one_potential`: whether no other plan, no other potentials up to the gauge (f + t, g − t), are optimal.
    """

    value: Rational
    plan: np.ndarray
    f: np.ndarray
    g: np.ndarray
    one_plan: bool
    one_potential: bool


@cached
def optimal_transport(a: np.ndarray, b: np.ndarray, C: np.ndarray) -> Transport:
    """Exact transport between masses a (n,), b (m,) at costs C (n,m); b counts as b·(Σa/Σb), so that totals which are equal
    only up to rounding have a definite optimum too. Raises ValueError if a mass is negative or one total is 0."""
    n, m = C.shape
    costs, unit = whole(C)
    supply, p = whole(a)
    demand = whole(b)[0]  # only its proportions count
    total, other = sum(supply), sum(demand)
    if min(supply + demand) < 0 or (total == 0) != (other == 0):
        raise ValueError("masses must be ≥ 0, and both totals 0 or none")
    if total != other:
        supply, demand, p = [s * other for s in supply], [d * total for d in demand], p * other
    rows = [costs[i * m : (i + 1) * m] for i in range(n)]
    flow, f, g = _simplex(supply, demand, rows)
    value = sum(x * rows[i][j] for (i, j), x in flow.items())
    assert value == sum(s * x for s, x in zip(supply, f, strict=True)) + sum(d * x for d, x in zip(demand, g, strict=True))
    plan = np.full((n, m), fmpq(0), dtype=object)
    for cell, x in flow.items():
        plan[cell] = fmpq(x, p)
    slack = [rows[i][j] - f[i] - g[j] for i in range(n) for j in range(m) if (i, j) not in flow]
    return Transport(
        fmpq(value, p * unit), plan, _array(f, unit), _array(g, unit), min(slack, default=1) > 0, min(flow.values()) > 0
    )  # fmt: skip


def _array(x: list[int], unit: int) -> np.ndarray:
    out = np.empty(len(x), dtype=object)
    out[:] = [fmpq(v, unit) for v in x]
    return out


def _simplex(a: list[int], b: list[int], C: list[list[int]]) -> tuple[dict[Cell, int], list[int], list[int]]:
    """An optimal basis: flows on its n + m − 1 cells, and its potentials, f[0] = 0."""
    n, m = len(a), len(b)
    step = m + 1  # no proper subset of rows, less a subset of columns, has perturbations that cancel
    fine = 2 * n * step + 2
    supply = [x * fine + step for x in a]
    demand = [x * fine + 1 for x in b[:-1]] + [b[-1] * fine + n * step - (m - 1)]
    flow: dict[Cell, int] = {}
    left, wanted = supply[:], demand[:]
    for _, i, j in sorted((C[i][j], i, j) for i in range(n) for j in range(m)):
        if left[i] and wanted[j]:
            x = min(left[i], wanted[j])
            flow[i, j] = x
            left[i] -= x
            wanted[j] -= x
    while True:
        parent, f, g = _tree(flow, n, m, C)
        worst, i, j = min((C[i][j] - f[i] - g[j], i, j) for i in range(n) for j in range(m))
        if worst >= 0:
            return {cell: (x + fine // 2) // fine for cell, x in flow.items()}, f, g
        cycle = _path(parent, n, i, j)
        least = min(cycle[::2], key=flow.__getitem__)
        x = flow[least]
        for k, cell in enumerate(cycle):
            flow[cell] += x if k % 2 else -x
        del flow[least]
        flow[i, j] = x


def _tree(flow: dict[Cell, int], n: int, m: int, C: list[list[int]]) -> tuple[list[int], list[int], list[int]]:
    """The basis as a tree on rows 0…n−1 and columns n…n+m−1, rooted in row 0, and its potentials."""
    near: list[list[int]] = [[] for _ in range(n + m)]
    for i, j in flow:
        near[i].append(n + j)
        near[n + j].append(i)
    parent, potential, queue = [-1] * (n + m), [0] * (n + m), [0]
    for v in queue:
        for w in near[v]:
            if w != parent[v]:
                parent[w] = v
                potential[w] = (C[v][w - n] if v < n else C[w][v - n]) - potential[v]
                queue.append(w)
    return parent, potential[:n], potential[n:]


def _path(parent: list[int], n: int, i: int, j: int) -> list[Cell]:
    """Cells of the tree on the way from row i to column j."""
    up: list[list[int]] = []
    for v in (i, n + j):
        chain = [v]
        while parent[chain[-1]] >= 0:
            chain.append(parent[chain[-1]])
        up.append(chain)
    first, second = up
    while len(first) > 1 and len(second) > 1 and first[-2] == second[-2]:
        first.pop()
        second.pop()
    walk = first + second[-2::-1]
    return [(min(v, w), max(v, w) - n) for v, w in pairwise(walk)]


@cached
def closure(D: np.ndarray) -> np.ndarray:
    """Cost of the cheapest path from i to j, 0 from i to itself, exactly (Floyd–Warshall).

    Raises ValueError if a cycle has negative cost."""
    costs, unit = whole(D)
    n = len(D)
    d = [[0 if i == j else costs[i * n + j] for j in range(n)] for i in range(n)]
    for k in range(n):
        for i in range(n):
            via = d[i][k]
            d[i] = [min(x, via + y) for x, y in zip(d[i], d[k], strict=True)]
    if any(d[i][i] < 0 or costs[i * n + i] < 0 for i in range(n)):
        raise ValueError("a cycle has negative cost")
    return np.array([_array(row, unit) for row in d], dtype=object).reshape(n, n)


def kantorovich_rubinstein(a: np.ndarray, b: np.ndarray, D: np.ndarray) -> Rational:
    """max (a − b)·f over f(i) − f(j) ≤ D(i,j), exactly: transport at the cost of the cheapest paths."""
    return optimal_transport(a, b, closure(D)).value


def constraint_matrix(n: int, m: int) -> np.ndarray:
    """A = [I_n ⊗ 1_mᵀ ; 1_nᵀ ⊗ I_m], (n+m)×nm: A·vec Γ = (margins), vec row by row."""
    return np.vstack([np.kron(np.eye(n), np.ones((1, m))), np.kron(np.ones((1, n)), np.eye(m))])


def rank(A: np.ndarray) -> int:
    """Rank of a matrix of whole numbers."""
    return int(fmpz_mat([[int(x) for x in row] for row in A]).rank())


def c_transform(f: Any, C: Any) -> np.ndarray:
    """f^c(j) = minᵢ C(i,j) − f(i), exactly; arguments are host floats or rationals."""
    return (rational(C) - rational(f)[:, None]).min(axis=0)


def north_west(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """A plan between masses of equal total, whatever things cost: rows and columns served in order, exactly."""
    left, wanted = list(rational(a)), list(rational(b))
    plan = np.full((len(a), len(b)), fmpq(0), dtype=object)
    i = j = 0
    while i < len(left) and j < len(wanted):
        plan[i, j] = x = min(left[i], wanted[j])
        left[i], wanted[j] = left[i] - x, wanted[j] - x
        i, j = (i + 1, j) if left[i] == 0 else (i, j + 1)
    return plan

"""A basic optimal plan in exact arithmetic: POT's network simplex on integer masses, then the masses themselves on its basis.

The solver works in doubles; on integers whose total is below 2⁵³ every flow that it forms is exact. Masses that are such
integers times one number are solved as they are. Of others the solver sees the nearest integers; its optimal basis is a
forest, on which what rounding left of the masses determines the rest of the plan by elimination of leaves: exactly in
doubles, or, if some masses are tiny, in integers of any length. If masses below the solver's unit leave a flow negative or a
tree unbalanced, pivots of the dual simplex repair it.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from math import fsum
from typing import Generic, TypeVar

import numpy as np

Number = TypeVar("Number", int, float)

BITS = 52
"""The solver's integers have totals of about 2⁵²."""
PIVOTS = 50
"""Pivots of the dual simplex allowed, times n + m; the few that dust needs are less than one each."""
OPTIMAL = 1
"""POT's code for a solved problem."""


@dataclass
class Plan:
    """A basic plan: its matrix, its positive entries (i, j, values), and potentials g of the columns that prove it optimal
    up to the solver's rounding."""

    matrix: np.ndarray
    i: np.ndarray
    j: np.ndarray
    values: np.ndarray
    g: np.ndarray


def exact_plan(a: np.ndarray, b: np.ndarray, C: np.ndarray) -> Plan:
    """A basic optimal plan for positive masses a, b and costs C, contiguous, from 0 to 1…2⁸. Margins hold to 3(n + m)u of
    each mass, relatively.

    Raises RuntimeError if the network simplex or the dual simplex does not end.
    """
    n, masses = len(a), np.concatenate([a, b])
    unit = max(int(np.frexp(a.sum())[1]) - BITS, -1074)
    w = np.ldexp(masses, -unit)
    if (w == np.rint(w)).all() and w[:n].sum() == w[n:].sum():
        return _solved(w, n, C, 2.0**unit)
    ratio = fsum(a.tolist()) / fsum(b.tolist())
    if ratio != 1:
        masses[n:] *= ratio
        w = np.ldexp(masses, -unit)
    grain = _grain(masses)
    if a.sum() <= grain * 2.0**BITS and (q := masses / grain)[:n].sum() == q[n:].sum():
        return _solved(q, n, C, grain)
    q = _whole(w, n)
    plan, g = _network_simplex(q[:n], q[n:], C)
    cells, i, j = _cells(plan)
    flows = _with_rests(w, q, n, plan.take(cells), i, j)
    if flows is not None:
        return _filled(plan, cells, np.ldexp(flows, unit), i, j, g)
    exact, fine = integers(masses, n)
    basis, shift = eliminate(exact, n, i, j), unit - fine
    whole = basis.flows
    if not basis.balanced or min(whole) < 0:
        if _close(exact, q.astype(np.int64).tolist(), shift):
            whole = [v << shift for v in plan.take(cells).astype(np.int64).tolist()]
        else:
            plan.put(cells, 0.0)
            whole, i, j, g = _repaired(exact, C, i, j, g)
            cells = i * len(b) + j
    return _filled(plan, cells, _scaled(whole, fine), i, j, g)


def _solved(q: np.ndarray, n: int, C: np.ndarray, grain: float) -> Plan:
    """The plan of masses that are integers for the solver, in units of `grain`."""
    plan, g = _network_simplex(q[:n], q[n:], C)
    cells, i, j = _cells(plan)
    return _filled(plan, cells, plan.take(cells) * grain, i, j, g)


def _grain(masses: np.ndarray) -> float:
    """The largest number of which all masses are whole multiples."""
    mantissas, exponents = np.frexp(masses)
    whole = (mantissas * 2.0**53).astype(np.int64)
    bit = whole & -whole
    return int(np.gcd.reduce(whole // bit)) * float(np.ldexp(bit.astype(float), exponents - 53).min())


def _cells(plan: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where a plan is not 0: flat, rows, columns."""
    cells = np.flatnonzero(plan != 0)
    return cells, *np.divmod(cells, plan.shape[1])


def _filled(plan: np.ndarray, cells: np.ndarray, values: np.ndarray, i: np.ndarray, j: np.ndarray, g: np.ndarray) -> Plan:
    """The plan with these values at its cells; those that are 0 are left out."""
    plan.put(cells, values)
    if not values.min() > 0:
        keep = values > 0
        i, j, values = i[keep], j[keep], values[keep]
    return Plan(plan, i, j, values, g)


def _with_rests(w: np.ndarray, q: np.ndarray, n: int, flows: np.ndarray, i: np.ndarray, j: np.ndarray) -> np.ndarray | None:
    """The solver's whole flows and those of what rounding left of the masses, added with one rounding; None if that does
    not give a plan, or masses are so small that rests need more than a double.

    Rests add up to less than n + m + 8 units. Masses of at least so many are multiples of 2⁻⁵³ of the power of two above
    that, and with them every sum of rests: exact.
    """
    if w.min() < len(w) + 8:
        return None
    rests = w - q
    rests[n + w[n:].argmax()] += rests[:n].sum() - rests[n:].sum()
    basis = eliminate(rests.tolist(), n, i, j)
    flows = flows + np.array(basis.masses)[basis.lower]
    return flows if basis.balanced and flows.min() >= 0 else None


def _scaled(flows: list[int], unit: int) -> np.ndarray:
    """flows·2^unit, rounded once."""
    if unit > -1000 and max(flows).bit_length() < 1000:
        return np.ldexp(np.array(flows, dtype=float), unit)
    one = 1 << abs(unit)
    return np.array([v / one for v in flows] if unit < 0 else [float(v * one) for v in flows])


def integers(masses: np.ndarray, n: int) -> tuple[list[int], int]:
    """Masses as integers times 2^unit, the first n with the same total as the others: what these lack, 3u of the total at
    most, goes to their largest."""
    mantissas, exponents = np.frexp(masses)
    unit = int(exponents.min()) - 53
    whole = (mantissas * 2.0**53).astype(np.int64).tolist()
    exact = [v << s for v, s in zip(whole, (exponents - (unit + 53)).tolist(), strict=True)]
    exact[n + int(masses[n:].argmax())] += sum(exact[:n]) - sum(exact[n:])
    return exact, unit


def _whole(w: np.ndarray, n: int) -> np.ndarray:
    """The nearest integers, at least one each, the first n with the same total as the others: what rounding leaves is spread
    over the larger masses of the shorter."""
    whole = np.maximum(np.rint(w), 1.0)
    missing = int(whole[n:].sum() - whole[:n].sum())
    q, missing = (whole[:n], missing) if 2 * n <= len(w) else (whole[n:], -missing)
    large = np.flatnonzero(q >= q.sum() / (4 * len(q)))
    each, rest = divmod(missing, len(large))
    q[large] += each
    q[large[:rest]] += 1.0
    return whole


def _close(masses: list[int], q: list[int], shift: int) -> bool:
    """Whether the solver's integers are the masses to 3(n + m)u each, relatively."""
    return all(abs((v << shift) - w) << 53 <= 3 * len(q) * w for w, v in zip(masses, q, strict=True))


def _network_simplex(a: np.ndarray, b: np.ndarray, C: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Flow and column potentials. `ot.emd` itself would scale b by Σa/Σb, which rounds integers of this size."""
    from ot.lp.emd_wrap import check_result, emd_c

    flow, _, _, g, code = emd_c(a, b, C, 2_000_000_000, 1)
    if code != OPTIMAL:
        with warnings.catch_warnings(record=True):
            warnings.simplefilter("always")
            reason = check_result(code)
        raise RuntimeError(f"optimal_transport's network simplex did not end: {reason}")
    return flow, g


@dataclass
class Basis(Generic[Number]):
    """A forest after the elimination of its leaves, which stand in that order; nodes are rows, then columns. `masses` of a leaf
    is the flow of its edge, of a root (the last node of a tree) what is left, 0 if the tree is balanced. `parents` of a leaf
    is the other end of its edge, `lower` the leaf of each edge."""

    masses: list[Number]
    leaves: list[int]
    parents: list[int]
    lower: np.ndarray
    roots: list[int]

    @property
    def flows(self) -> list[Number]:
        return [self.masses[node] for node in self.lower.tolist()]

    @property
    def balanced(self) -> bool:
        return not any(self.masses[node] for node in self.roots)


def eliminate(masses: list[Number], n: int, i: np.ndarray, j: np.ndarray) -> Basis[Number]:
    """The only flows on a forest with these margins of n rows and of columns: the flow of a leaf's edge is its mass, which its
    other end loses.

    Each node keeps its degree and the sum of its neighbours, which at a leaf is its neighbour.
    """
    size, columns, masses, leaves = len(masses), j + n, masses.copy(), []
    nodes, ends = np.concatenate([i, columns]), np.concatenate([columns, i])
    degree = np.bincount(nodes, minlength=size).tolist()
    parents = np.bincount(nodes, ends, size).astype(np.int64).tolist()
    for start in range(size):
        node = start
        while degree[node] == 1:
            parent = parents[node]
            masses[parent] -= masses[node]
            parents[parent] -= node
            degree[node] = -1
            degree[parent] -= 1
            leaves.append(node)
            node = parent
    lower = np.where(np.array(parents)[i] == columns, i, columns)
    return Basis(masses, leaves, parents, lower, [node for node, left in enumerate(degree) if not left])


def potentials(C: np.ndarray, i: np.ndarray, j: np.ndarray, g: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """f, g with f_i + g_j = C_ij on every edge of a forest, to one rounding each, from g at the roots of its trees; a root
    that is a row gets f = minⱼ C − g."""
    n, m = C.shape
    basis = eliminate([0] * (n + m), n, i, j)
    f = np.zeros(n)
    rows = [node for node in basis.roots if node < n]
    f[rows] = (C[rows] - g).min(axis=1)
    leaves = np.array(basis.leaves[::-1], dtype=np.intp)
    parents = np.array(basis.parents)[leaves]
    costs = C[np.minimum(leaves, parents), np.maximum(leaves, parents) - n]
    potential = np.concatenate([f, g]).tolist()
    for node, parent, cost in zip(leaves.tolist(), parents.tolist(), costs.tolist(), strict=True):
        potential[node] = cost - potential[parent]
    values = np.array(potential)
    return values[:n], values[n:]


def _repaired(masses: list[int], C: np.ndarray, i: np.ndarray, j: np.ndarray, g: np.ndarray,
              ) -> tuple[list[int], np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """The dual simplex: a spanning tree through the forest, then pivots while a flow is negative. Flows, cells, potentials."""
    n, m = C.shape
    f, g = potentials(C, i, j, g)
    while len(i) < n + m - 1:
        i, j = _join(C, f, g, _side(n, m, i, j, 0), i, j, both=True)
    for _ in range(PIVOTS * (n + m)):
        flows = eliminate(masses, n, i, j).flows
        f, g = potentials(C, i, j, g)
        e = min(range(len(flows)), key=flows.__getitem__)
        if flows[e] >= 0:
            return flows, i, j, g
        outside = n + j[e]
        i, j = np.delete(i, e), np.delete(j, e)
        i, j = _join(C, f, g, _side(n, m, i, j, outside), i, j, both=False)
    raise RuntimeError("optimal_transport's dual simplex did not end; rescale masses that differ extremely.")


def _side(n: int, m: int, i: np.ndarray, j: np.ndarray, start: int) -> np.ndarray:
    """The nodes connected with `start`."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(i)), (i, n + j)), shape=(n + m, n + m))
    labels = connected_components(graph, directed=False)[1]
    return np.asarray(labels == labels[start])


def _join(C: np.ndarray, f: np.ndarray, g: np.ndarray, inside: np.ndarray, i: np.ndarray, j: np.ndarray,
          both: bool) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """The cells with that of least slack from a row inside to a column outside (or, with `both`, the reverse); the
    potentials inside move so that it is tight and every other edge stays feasible."""
    n = len(f)
    slack = C - f[:, None] - g
    leaving = np.where(inside[:n, None] & ~inside[n:], slack, np.inf)
    entering = np.where(~inside[:n, None] & inside[n:], slack, np.inf)
    backwards = both and entering.min() < leaving.min()
    where = entering if backwards else leaving
    r, c = np.unravel_index(int(where.argmin()), where.shape)
    step = -where[r, c] if backwards else where[r, c]
    f[inside[:n]] += step
    g[inside[n:]] -= step
    return np.append(i, r), np.append(j, c)

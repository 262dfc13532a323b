"""A basic optimal plan in exact arithmetic: POT's network simplex on integer masses, then the masses themselves on its basis.

The solver works in doubles; on integers whose total is below 2⁵³ every flow that it forms is exact. Masses that are such
integers times one number are solved as they are. Of others the solver sees the nearest integers; its optimal basis is a
forest, on which the masses as given (integers of any length) determine the plan by elimination of leaves. If masses below
the solver's unit leave a flow negative or a tree unbalanced, pivots of the dual simplex repair it.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from math import fsum, gcd

import numpy as np

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
    unit = int(np.frexp(a.sum())[1]) - BITS
    qa, qb = np.ldexp(a, -unit), np.ldexp(b, -unit)
    if (qa == np.rint(qa)).all() and (qb == np.rint(qb)).all() and qa.sum() == qb.sum():
        return _solved(qa, qb, C, 1, unit)
    A, B, factor, unit = integers(a, b)
    shift = sum(A).bit_length() - BITS
    if shift <= 0:
        return _solved(np.array(A, dtype=float), np.array(B, dtype=float), C, factor, unit)
    qa, qb = _coarse(a, b, factor, unit + shift)
    plan, g = _network_simplex(qa, qb, C)
    i, j = np.divmod(np.flatnonzero(plan != 0), len(b))
    basis = eliminate(A, B, i, j)
    flows = basis.flows
    if not basis.solved:
        whole = plan[i, j].astype(np.int64).tolist()
        if _close(A + B, np.concatenate([qa, qb]).astype(np.int64).tolist(), shift):
            flows = [v << shift for v in whole]
        else:
            plan[i, j] = 0.0
            flows, i, j, g = _repaired(A, B, C, i, j, g)
    values = _scaled(flows, unit) * factor
    plan[i, j] = values
    if not values.min() > 0:
        keep = values > 0
        i, j, values = i[keep], j[keep], values[keep]
    return Plan(plan, i, j, values, g)


def _scaled(flows: list[int], unit: int) -> np.ndarray:
    """flows·2^unit, rounded once."""
    if unit > -1000 and max(flows).bit_length() < 1000:
        return np.ldexp(np.array(flows, dtype=float), unit)
    one = 1 << abs(unit)
    return np.array([v / one for v in flows] if unit < 0 else [float(v * one) for v in flows])


def _solved(a: np.ndarray, b: np.ndarray, C: np.ndarray, factor: int, unit: int) -> Plan:
    """The plan of masses that are integers for the solver, in units of factor·2^unit."""
    plan, g = _network_simplex(a, b, C)
    i, j = np.divmod(np.flatnonzero(plan != 0), len(b))
    values = np.ldexp(plan[i, j] * factor, unit)
    plan[i, j] = values
    return Plan(plan, i, j, values, g)


def integers(a: np.ndarray, b: np.ndarray) -> tuple[list[int], list[int], int, int]:
    """Masses as integers times factor·2^unit, with equal totals. a is exact; b is scaled if totals differ, to 3u of each mass,
    and what that leaves, 3u of the total at most, goes to the largest."""
    ratio = fsum(a.tolist()) / fsum(b.tolist())
    mantissas, exponents = np.frexp(np.concatenate([a, b if ratio == 1 else b * ratio]))
    unit = int(exponents.min()) - 53
    whole, shifts = (mantissas * 2.0**53).astype(np.int64), exponents - (unit + 53)
    if shifts.max() < 10:
        scaled = (whole << shifts).tolist()
    else:
        scaled = [w << s for w, s in zip(whole.tolist(), shifts.tolist(), strict=True)]
    A, B = scaled[: len(a)], scaled[len(a) :]
    B[int(b.argmax())] += sum(A) - sum(B)
    factor = gcd(*A, *B)
    return (A, B, 1, unit) if factor == 1 else ([w // factor for w in A], [w // factor for w in B], factor, unit)


def _coarse(a: np.ndarray, b: np.ndarray, factor: int, unit: int) -> tuple[np.ndarray, np.ndarray]:
    """Integers near a, b in units of factor·2^unit, at least one each, with equal totals: what rounding leaves is spread
    over the larger masses of the shorter."""
    qa, qb = (np.maximum(np.rint(np.ldexp(w, -unit) / factor), 1.0) for w in (a, b * (a.sum() / b.sum())))
    missing = int(qb.sum() - qa.sum())
    q, missing = (qa, missing) if len(qa) <= len(qb) else (qb, -missing)
    large = np.flatnonzero(q >= q.sum() / (4 * len(q)))
    each, rest = divmod(missing, len(large))
    q[large] += each
    q[large[:rest]] += 1.0
    return qa, qb


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
class Basis:
    """Flows on the edges of a forest, and the leaves in the order of elimination; nodes are rows, then columns. `touching` is
    the edge of a leaf, `roots` are the last nodes of the trees, `left` what is left at them: 0 if balanced."""

    flows: list[int]
    leaves: list[int]
    touching: list[int]
    roots: list[int]
    left: list[int]

    @property
    def solved(self) -> bool:
        return not any(self.left) and (not self.flows or min(self.flows) >= 0)


def eliminate(A: list[int], B: list[int], i: np.ndarray, j: np.ndarray) -> Basis:
    """The only flows on a forest with margins A and B: the flow of a leaf's edge is its mass, which its other end loses.

    Each node keeps its degree and the sum of its edges, which at a leaf is its edge.
    """
    size, columns = len(A) + len(B), j + len(A)
    nodes = np.concatenate([i, columns])
    degree = np.bincount(nodes, minlength=size).tolist()
    touching = np.bincount(nodes, np.tile(np.arange(len(i)), 2), size).astype(np.int64).tolist()
    ends = (i + columns).tolist()
    masses, flows = A + B, [0] * len(ends)
    leaves: list[int] = []
    for start in range(size):
        node = start
        while degree[node] == 1:
            edge = touching[node]
            other = ends[edge] - node
            flows[edge] = mass = masses[node]
            masses[other] -= mass
            degree[node] = -1
            degree[other] -= 1
            touching[other] -= edge
            leaves.append(node)
            node = other
    roots = [node for node in range(size) if degree[node] >= 0]
    return Basis(flows, leaves, touching, roots, [masses[node] for node in roots])


def potentials(C: np.ndarray, i: np.ndarray, j: np.ndarray, g: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """f, g with f_i + g_j = C_ij on every edge of a forest, to one rounding each, from g at the roots of its trees; a root
    that is a row gets f = minⱼ C − g."""
    n, m = C.shape
    basis = eliminate([0] * n, [0] * m, i, j)
    f = np.zeros(n)
    rows = [node for node in basis.roots if node < n]
    f[rows] = (C[rows] - g).min(axis=1)
    potential, costs, ends = np.concatenate([f, g]).tolist(), C[i, j].tolist(), (i + j + n).tolist()
    for node in reversed(basis.leaves):
        edge = basis.touching[node]
        potential[node] = costs[edge] - potential[ends[edge] - node]
    values = np.array(potential)
    return values[:n], values[n:]


def _repaired(A: list[int], B: list[int], C: np.ndarray, i: np.ndarray, j: np.ndarray, g: np.ndarray,
              ) -> tuple[list[int], np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """The dual simplex: a spanning tree through the forest, then pivots while a flow is negative. Flows, cells, potentials."""
    n, m = C.shape
    f, g = potentials(C, i, j, g)
    while len(i) < n + m - 1:
        i, j = _join(C, f, g, _side(n, m, i, j, 0), i, j, both=True)
    for _ in range(PIVOTS * (n + m)):
        flows = eliminate(A, B, i, j).flows
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

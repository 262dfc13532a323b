"""A basic optimal plan in exact arithmetic: POT's network simplex on integer masses, then the masses themselves on its basis.

The solver works in doubles; on integers whose total is below 2⁵³ every flow that it forms is exact. Its optimal basis is
a forest, on which the masses as given (integers of any length) determine the plan by elimination of leaves. If masses
below the solver's unit leave a flow negative or a tree unbalanced, pivots of the dual simplex repair it.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

BITS = 52
"""The solver's integers have totals of about 2⁵²."""
PIVOTS = 50
"""Pivots of the dual simplex allowed, times n + m; the few that dust needs are less than one each."""
OPTIMAL = 1
"""POT's code for a solved problem."""
Entries = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def exact_plan(a: np.ndarray, b: np.ndarray, C: np.ndarray) -> Entries:
    """Entries (values, i, j) of a basic optimal plan for positive masses a, b and costs 0 <= C <= 1, and potentials g of
    the columns. Margins hold to 3(n + m)u of each mass, relatively.

    Raises RuntimeError if the network simplex or the dual simplex does not end.
    """
    A, B, unit = integers(a, b)
    qa, qb, shift = _coarse(A, B)
    flow, g = _network_simplex(np.array(qa, dtype=float), np.array(qb, dtype=float), C)
    i, j = np.divmod(np.flatnonzero(flow), len(b))
    basis = eliminate(A, B, i.tolist(), j.tolist())
    if basis.solved:
        pass
    elif _close(A + B, qa + qb, shift):
        basis.flows = [int(v) << shift for v in flow[i, j].tolist()]
    else:
        return _repaired(A, B, C, i, j, g, unit)
    return (*_positive(basis.flows, i, j, unit), basis.potentials(C, g)[1])


def integers(a: np.ndarray, b: np.ndarray) -> tuple[list[int], list[int], int]:
    """Masses as integers times 2^unit; a is exact, b is scaled so that both totals are equal."""
    mantissas, exponents = np.frexp(np.concatenate([a, b]))
    unit = int(exponents.min()) - 53
    whole = (mantissas * 2.0**53).astype(np.int64).tolist()
    scaled = [w << s for w, s in zip(whole, (exponents - 53 - unit).tolist(), strict=True)]
    A, B = scaled[: len(a)], scaled[len(a) :]
    total, other = sum(A), sum(B)
    if total != other:
        A = [w << 64 for w in A]  # so that scaling keeps every mass to 2⁻¹¹⁷, relatively
        B = [(w << 64) * total // other for w in B]
        unit -= 64
        B[max(range(len(B)), key=B.__getitem__)] += (total << 64) - sum(B)
    return A, B, unit


def _coarse(A: list[int], B: list[int]) -> tuple[list[int], list[int], int]:
    """A, B in units of 2^shift, at least one each, with equal totals: what rounding leaves is spread over the shorter."""
    shift = max(sum(A).bit_length() - BITS, 0)
    half = (1 << shift) >> 1
    qa, qb = ([max((w + half) >> shift, 1) for w in W] for W in (A, B))
    missing = sum(qb) - sum(qa)
    W, missing = (qa, missing) if len(qa) <= len(qb) else (qb, -missing)
    least = sum(W) // (4 * len(W))
    large = [k for k in range(len(W)) if W[k] >= least]
    whole, rest = divmod(missing, len(large))
    for count, k in enumerate(large):
        W[k] += whole + (count < rest)
    return qa, qb, shift


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
    """Flows on the edges of a forest, and the order (node, edge, its other end) in which its leaves were eliminated;
    nodes are rows, then columns. `roots` holds what is left at the last node of each tree: 0 if it is balanced."""

    flows: list[int]
    order: list[tuple[int, int, int]]
    roots: list[tuple[int, int]]

    @property
    def solved(self) -> bool:
        return all(left == 0 for _, left in self.roots) and (not self.flows or min(self.flows) >= 0)

    def potentials(self, C: np.ndarray, g: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """f, g with f_i + g_j = C_ij on every edge, from the roots' own: a root that is a row gets f = minⱼ C − g."""
        n = len(C)
        f = np.zeros(n)
        rows = [node for node, _ in self.roots if node < n]
        f[rows] = (C[rows] - g).min(axis=1)
        potential = np.concatenate([f, g]).tolist()
        nodes = np.array(self.order, dtype=np.int64).reshape(-1, 3)[:, ::2]
        costs = C[nodes.min(axis=1), nodes.max(axis=1) - n].tolist()
        for (node, _, other), cost in zip(reversed(self.order), reversed(costs), strict=True):
            potential[node] = cost - potential[other]
        values = np.array(potential)
        return values[:n], values[n:]


def eliminate(A: list[int], B: list[int], i: list[int], j: list[int]) -> Basis:
    """The only flows on a forest with margins A and B: the flow of a leaf's edge is its mass, which its other end loses.

    Each node keeps its degree and the exclusive or of its edges, which at a leaf is its edge.
    """
    n, flows = len(A), [0] * len(i)
    left = A + B
    degree, edges = [0] * len(left), [0] * len(left)
    for e, (r, c) in enumerate(zip(i, j, strict=True)):
        degree[r] += 1
        degree[n + c] += 1
        edges[r] ^= e
        edges[n + c] ^= e
    order = []
    for start in range(len(left)):
        node = start
        while degree[node] == 1:
            e = edges[node]
            other = i[e] + n + j[e] - node
            flows[e] = left[node]
            left[other] -= left[node]
            order.append((node, e, other))
            degree[node] = 0
            degree[other] -= 1
            edges[other] ^= e
            node = other if other <= start else node
    eliminated = {node for node, _, _ in order}
    return Basis(flows, order, [(v, left[v]) for v in range(len(left)) if v not in eliminated])


def _positive(flows: list[int], i: np.ndarray, j: np.ndarray, unit: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The positive entries, flows·2^unit correctly rounded, and where they stand."""
    factor, divisor = 1 << max(unit, 0), 1 << max(-unit, 0)
    values = np.array([v * factor / divisor for v in flows])
    keep = values > 0
    return (values, i, j) if keep.all() else (values[keep], i[keep], j[keep])


def _repaired(A: list[int], B: list[int], C: np.ndarray, i: np.ndarray, j: np.ndarray, g: np.ndarray, unit: int) -> Entries:
    """The dual simplex: a spanning tree through the forest, then pivots while a flow is negative."""
    n, m = C.shape
    rows, columns = i.tolist(), j.tolist()
    f, g = eliminate(A, B, rows, columns).potentials(C, g)
    while len(rows) < n + m - 1:
        inside = _side(n, m, rows, columns, 0)
        _join(C, f, g, inside, rows, columns, both=True)
    for _ in range(PIVOTS * (n + m)):
        basis = eliminate(A, B, rows, columns)
        f, g = basis.potentials(C, g)
        e = min(range(len(rows)), key=basis.flows.__getitem__)
        if basis.flows[e] >= 0:
            return (*_positive(basis.flows, np.array(rows), np.array(columns), unit), g)
        outside = n + columns.pop(e)
        rows.pop(e)
        _join(C, f, g, _side(n, m, rows, columns, outside), rows, columns, both=False)
    raise RuntimeError("optimal_transport's dual simplex did not end; rescale masses that differ extremely.")


def _side(n: int, m: int, rows: list[int], columns: list[int], start: int) -> np.ndarray:
    """The nodes connected with `start`."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(rows)), (rows, [n + c for c in columns])), shape=(n + m, n + m))
    labels = connected_components(graph, directed=False)[1]
    return labels == labels[start]


def _join(C: np.ndarray, f: np.ndarray, g: np.ndarray, inside: np.ndarray, rows: list[int], columns: list[int],
          both: bool) -> None:  # fmt: skip
    """Add the edge of least slack from a row inside to a column outside (or, with `both`, the reverse), and move the
    potentials inside so that it is tight and every other edge stays feasible."""
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
    rows.append(int(r))
    columns.append(int(c))

"""Kantorovich's duality: c-transforms, the shortest-path closure of a cost, Kantorovich–Rubinstein, total variation.

For a cost D with zero diagonal and no negative cycle, max (a − b)·f over f(i) − f(j) <= D(i, j) is the transport cost of
the shortest-path closure of D, which is D itself if D obeys the triangle inequality (https://kexue.fm/archives/6280).
"""

from __future__ import annotations

from typing import Any

from array_api_compat import device

from .arrays import QUIET, stop_gradient
from .measures import finite_check, mass_checks, refuse, unit_roundoff, working_arrays
from .optimal_transport import transport


@QUIET
def c_transform(f: Any, C: Any) -> Any:
    """f^c(j) = minᵢ C(i, j) − f(i), the largest g with f ⊕ g <= C: f (..., n), C (..., n, m) -> (..., m).

    One rounding an entry. Raises ValueError if the shapes do not fit or n = 0, TypeError if a dtype is not real floating.
    """
    xp, dtype, (f, C) = working_arrays("c_transform", f, C)
    if f.ndim < 1 or C.ndim < 2 or C.shape[-2] != f.shape[-1] or f.shape[-1] == 0:
        raise ValueError(f"c_transform needs f (n,), n >= 1, and C (n, m), got {tuple(f.shape)} and {tuple(C.shape)}.")
    return xp.astype(xp.min(C - f[..., :, None], axis=-2), dtype, copy=False)


def _closure(xp: Any, D: Any, unit: float, name: str) -> Any:
    """Floyd and Warshall; ValueError on a cycle whose cost is negative beyond the rounding of its n sums."""
    n = D.shape[-1]
    eye = xp.eye(n, dtype=xp.bool, device=device(D))
    paths = xp.where(eye, xp.minimum(D, xp.zeros_like(D)), D)
    for k in range(n):
        paths = xp.minimum(paths, paths[..., :, k, None] + paths[..., None, k, :])
    if n:
        size = xp.max(xp.where(xp.isfinite(D), xp.abs(stop_gradient(D)), xp.zeros_like(D)), axis=(-2, -1))
        cycle = xp.min(xp.where(eye, stop_gradient(paths), xp.zeros_like(paths)), axis=(-2, -1))
        refuse((xp.all(cycle >= -4.0 * n * unit * size),
                lambda: f"{name} needs costs without negative cycles; one costs {float(xp.min(cycle))!r}."))  # fmt: skip
    return xp.where(eye, xp.zeros_like(paths), paths)


def _square_costs(name: str, *arrays: Any) -> tuple[Any, Any, list[Any]]:
    xp, dtype, arrays_ = working_arrays(name, *arrays)
    D = arrays_[-1]
    if D.ndim < 2 or D.shape[-1] != D.shape[-2]:
        raise ValueError(f"{name} needs square costs (..., n, n), got shape {tuple(D.shape)}.")
    return xp, dtype, arrays_


@QUIET
def metric_closure(D: Any) -> Any:
    """Cost of the cheapest path from i to j, 0 from i to itself: (..., n, n) -> (..., n, n), negative costs allowed.

    Error of an entry: at most nu times the sum of |D| along its path. inf stands for "no edge". O(n³).
    Raises ValueError if D is not square, holds NaN or −inf, or has a negative cycle (below −4nu max|D|);
    TypeError if its dtype is not real floating.
    """
    xp, dtype, (D,) = _square_costs("metric_closure", D)
    fixed = stop_gradient(D)
    refuse((xp.all(fixed > -float("inf")), lambda: "metric_closure needs costs that are numbers or +inf, got NaN or -inf."))
    return xp.astype(_closure(xp, D, unit_roundoff(xp, dtype), "metric_closure"), dtype, copy=False)


@QUIET
def kantorovich_rubinstein(a: Any, b: Any, D: Any) -> tuple[Any, Any]:
    """Value and argument of max (a − b)·f over f(i) − f(j) <= D(i, j): a, b (..., n), D (..., n, n) -> (...), (..., n).

    D needs a zero diagonal and no negative cycle; neither symmetry nor the triangle inequality is asked. Equal to the
    transport cost of the shortest-path closure. f is 1-Lipschitz up to the rounding of f(i) − f(j), and (a − b)·f attains
    the value to `optimal_transport`'s accuracy; as that does, it runs on the host. f is fixed up to a constant at best; its
    last entry is 0. Leading axes broadcast, and are solved one by one.
    Raises ValueError if shapes do not fit, the diagonal is not zero, a cycle is negative, or the masses are not those of
    `optimal_transport`; TypeError if a dtype is not real floating; RuntimeError as `optimal_transport` does.
    """
    xp, dtype, (a, b, D) = _square_costs("kantorovich_rubinstein", a, b, D)
    n = D.shape[-1]
    if tuple(a.shape[-1:]) != (n,) or tuple(b.shape[-1:]) != (n,) or n == 0:
        raise ValueError(f"kantorovich_rubinstein needs a, b (n,) and D (n, n), n >= 1, got {tuple(a.shape)}, "
                         f"{tuple(b.shape)} and {tuple(D.shape)}.")  # fmt: skip
    unit = unit_roundoff(xp, dtype)
    eye = xp.eye(n, dtype=xp.bool, device=device(D))
    diagonal = xp.all(xp.where(eye, stop_gradient(D), xp.zeros_like(D)) == 0)
    refuse(
        *mass_checks(xp, "kantorovich_rubinstein", a, b, unit),
        finite_check(xp, "kantorovich_rubinstein", "costs", D),
        (diagonal, lambda: "kantorovich_rubinstein needs D(i, i) = 0; a cost of staying makes it another problem."),
    )
    closure = _closure(xp, D, unit, "kantorovich_rubinstein")
    value, _, f, _ = transport(xp, a, b, closure, unit_roundoff(xp, dtype))
    f = xp.min(closure + (f - f[..., -1:])[..., None, :], axis=-1)  # the largest 1-Lipschitz minorant
    return xp.astype(value, dtype, copy=False), xp.astype(f - f[..., -1:], dtype, copy=False)


@QUIET
def total_variation(a: Any, b: Any) -> Any:
    """½ Σ|aᵢ − bᵢ|: a, b (..., n) -> (...). The transport cost of the cost 1 − δᵢⱼ if the totals are equal.

    Raises ValueError if the shapes differ, TypeError if a dtype is not real floating.
    """
    xp, dtype, (a, b) = working_arrays("total_variation", a, b)
    if a.ndim < 1 or a.shape[-1] != b.shape[-1]:
        raise ValueError(f"total_variation needs a and b of one length n, got {tuple(a.shape)} and {tuple(b.shape)}.")
    return xp.astype(xp.sum(xp.abs(a - b), axis=-1) / 2, dtype, copy=False)

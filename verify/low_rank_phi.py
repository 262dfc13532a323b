r"""Laws of φ(s) = (eˢ−1)/s, φ(0) = 1, the one scalar function behind low-rank exponentials (SPEC 2, post 6407)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from detrace import judge, law, require
from detrace import oracles as exact
from detrace.laws import kexue
from detrace.oracles import ball
from detrace.oracles.phi import phi1 as certified_phi1
from detrace.strategies.low_rank import phi_arguments
from detrace.strategies.scalars import choices, integers
from verify.low_rank_bounds import lost


@law(r"\varphi(s) = \int_0^1 e^{ts}\,dt = \frac{e^s-1}{s}", source=kexue(6407, 3, "c3"), S=phi_arguments(), least=40)
def phi1_is_the_divided_exponential(phi1, S, space):
    """The certified φ at every s, alone or in an array that mixes magnitudes; also where eˢ overflows and φ(s) does
    not. Bound: u·max(1, |sφ′/φ|), what rounding s alone costs, and one subnormal."""
    for s, value in pointwise(S, phi1(S)):
        truth, slope = certified_phi1(s), certified_phi1(s, 1)
        bound = space.u * (abs(truth) + abs(ball(s) * slope)) + lost(space)
        judge(abs(ball(value) - truth) / abs(truth), bound / abs(truth), got=value, truth=exact.floats(truth),
              why="u·max(1, |sφ′(s)/φ(s)|)")  # fmt: skip


@law(r"\varphi(0) = 1", source=kexue(6407, "c3"), zero=choices(0.0, -0.0), count=integers(0, 3))
def phi1_at_zero_is_one(phi1, zero, count, space):
    """The removable gap, exactly: φ(±0) = 1 as a scalar and inside an array; no rounding is needed, so no bound."""
    got = phi1(np.full((count,) if count else (), zero, dtype=space.host_dtype))
    require(bool((got == 1.0).all()), "φ(0) is not exactly 1", got=got, truth=1.0)


@law(r"\varphi(-s) = e^{-s}\varphi(s)", source=kexue(6407, 5), S=phi_arguments(reach=60.0))
def phi1_reflects(phi1, S, space):
    """For every s. Bound: the relative errors u·max(1, |sφ′/φ|) at s and at −s, added; the sides have the same size."""
    for s, forward, backward in pointwise(S, phi1(S), phi1(np.asarray(-S))):
        left, right = ball(backward), (-ball(s)).exp() * ball(forward)
        judge(abs(left - right) / abs(certified_phi1(-s)), relative_error(s, space) + relative_error(-s, space),
              why="u·(max(1, |sφ′/φ|) at s and at −s)", got=exact.floats(left), truth=exact.floats(right))  # fmt: skip


@law(r"\varphi(-s) = \frac{\varphi(s)}{1 + s\varphi(s)}", source=kexue(6407, 5), S=phi_arguments(reach=60.0), least=60)
def phi1_satisfies_sherman_morrison(phi1, S, space):
    """(I + φ(s)xyᵀ)⁻¹ = I − φ(−s)xyᵀ by Sherman and Morrison, so φ(−s)(1 + sφ(s)) = φ(s). Bound: with relative errors
    ε at s and ε′ at −s, ε′ + ε(1 + |sφ(−s)|); undecided where |sφ(−s)| = |1 − e^{−s}| is too large."""
    for s, a, b in pointwise(S, phi1(S), phi1(np.asarray(-S))):
        forward, backward = ball(a), ball(b)
        grown = 1 + abs(ball(s) * certified_phi1(-s))
        judge(abs(backward * (1 + ball(s) * forward) - forward) / abs(certified_phi1(s)),
              relative_error(-s, space) + relative_error(s, space) * grown, why="ε(−s) + ε(s)(1 + |sφ(−s)|)",
              got=exact.floats(backward), truth=exact.floats(certified_phi1(-s)))  # fmt: skip


def pointwise(*arrays: np.ndarray) -> Iterator[tuple[Any, ...]]:
    """The entries of arrays of one shape side by side, a 0-d array being one entry."""
    return zip(*(np.atleast_1d(a) for a in arrays), strict=True)


def relative_error(s: np.ndarray, space: Any) -> Any:
    phi = abs(certified_phi1(s))
    return space.u * (1 + abs(ball(s) * certified_phi1(s, 1)) / phi) + lost(space) / phi


@law(r"\varphi'(s) = \int_0^1 t\,e^{ts}\,dt,\quad \varphi'(0)=\tfrac12", source=kexue(6407, "c3"), dtypes="real",
     needs="autodiff", S=phi_arguments(reach=60.0))  # fmt: skip
def phi1_has_its_derivative(phi1, S, space):
    """Reverse-mode gradient of Σφ(sᵢ), s = 0 and mixed magnitudes included: each entry is φ′(sᵢ), never NaN.
    Bound: u·max(1, |sφ″/φ′|), what rounding s costs, and one subnormal."""
    for s, value in pointwise(S, phi1.gradient(S)):
        truth, second = certified_phi1(s, 1), certified_phi1(s, 2)
        bound = space.u * (abs(truth) + abs(ball(s) * second)) + lost(space)
        judge(abs(ball(value) - truth) / truth, bound / truth, got=value, truth=exact.floats(truth),
              why="u·max(1, |sφ″(s)/φ′(s)|)")  # fmt: skip

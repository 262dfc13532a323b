"""Sinkhorn's iteration and its end games: what laws on a few points do not see, as stages, Newton's steps and refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from reference.entropic import Entropic
from reference.sinkhorn import sinkhorn, sinkhorn_iterations

HALF, QUARTER = np.array([0.5, 0.5]), np.array([0.25, 0.75])
METRIC = np.array([[0.0, 1.0], [1.0, 0.0]])


def problem(n: int, m: int, dtype: str = "float64", spread: int = 1, seed: int = 0) -> tuple[Any, Any, Any]:
    """Random masses to the power `spread`, and squared distances in the plane of range 1."""
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((n, 2)), rng.standard_normal((m, 2)) + 0.5
    C = np.square(x[:, None] - y).sum(-1)
    a, b = rng.random(n) ** spread, rng.random(m) ** spread
    a, b, C = (v.astype(dtype) for v in (a / a.sum(), b / b.sum(), C / C.max()))
    return a, b * (a.sum() / b.sum()), C


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("reg", [1.0, 0.03, 0.004, 0.0005])
@pytest.mark.parametrize("shape", [(60, 40), (30, 70), (1, 9)])
@pytest.mark.parametrize("spread", [1, 12])
def test_tolerance_is_reached_at_every_regularisation(dtype: str, reg: float, shape: tuple[int, int], spread: int) -> None:
    """On exp(−C/reg), in stages and by Newton's steps, masses down to 10⁻³⁰ of the total among them: the promised residual,
    and potentials whose exponential the plan is."""
    a, b, C = problem(*shape, dtype, spread)
    u = float(np.finfo(dtype).eps) / 2
    tol = max(1e-4 if dtype == "float32" else 1e-9, 4 * u * (8 + 1 / reg))
    plan, f, g = (v.astype(np.float64) for v in sinkhorn(a, b, C, reg, tol))
    residual = abs(plan.sum(1) - a).sum() + abs(plan.sum(0) - b).sum()
    assert residual <= tol + (plan.size + sum(shape)) * u
    due = np.exp((f[:, None] + g - C) / reg)
    sizes = (abs(f).max() + abs(g).max() + 1) / reg
    assert np.all(abs(plan - due) <= (3 * sizes + 4) * u * due + 2 * float(np.finfo(dtype).tiny))


def test_offsets_of_costs_cost_no_digits() -> None:
    """10⁶ added to all costs: the residual is that of the costs without, as their range says."""
    a, b, C = problem(40, 40)
    plan, _, _ = sinkhorn(a, b, C + 1e6, 0.05, 1e-12)
    assert abs(plan.sum(1) - a).sum() + abs(plan.sum(0) - b).sum() <= 2e-12


@pytest.mark.parametrize("reg", [0.05, 0.002])
@pytest.mark.parametrize("n", [1, 2, 30, 400])
def test_iterations_are_those_of_logarithms(reg: float, n: int) -> None:
    """50 × 40 points, on exp(−C/reg) and on renewed plans: the plan of as many steps by logarithms."""
    a, b, C = problem(50, 40)
    plan, _, _ = sinkhorn_iterations(a, b, C, reg, n)
    one, f = Entropic(np, a, b, C), np.zeros(50)
    assert one.plain(reg) == (reg == 0.05)
    for _ in range(n):
        g = one.columns(f, reg)
        f, due = one.rows(g, reg)
    due = due * one.unit_mass
    height = (abs(f).max() + abs(g).max() + 1) / reg
    assert np.all(abs(plan - due) <= 8 * n * (3 * height + 94) * 2.0**-53 * due + 1e-300)


def test_more_iterations_lower_the_residual() -> None:
    """Down to rounding, at a regularisation where a hundred do not suffice."""
    a, b, C = problem(50, 40)
    left = [abs(sinkhorn_iterations(a, b, C, 0.01, n)[0].sum(0) - b).sum() for n in (1, 10, 100, 5000)]
    assert left == sorted(left, reverse=True)
    assert left[2] > 1e-6
    assert left[3] < 1e-9


def test_points_without_mass_take_no_part() -> None:
    """Plan 0, potential −∞, and the others as if alone; leading axes one by one."""
    a, b = np.array([[0.5, 0.0, 0.5], [0.25, 0.5, 0.25]]), np.array([0.25, 0.75])
    C = np.array([[0.0, 1.0], [5.0, 5.0], [1.0, 0.0]])
    plan, f, g = sinkhorn_iterations(a, b, C, 0.5, 3)
    alone = sinkhorn_iterations(a[0, ::2], b, C[::2], 0.5, 3)
    assert np.array_equal(plan[0, ::2], alone[0])
    assert np.array_equal(f[0, ::2], alone[1])
    assert np.array_equal(g[0], alone[2])
    assert f[0, 1] == -np.inf
    assert not plan[0, 1].any()
    assert plan.shape == (2, 3, 2)


@pytest.mark.parametrize(("call", "sentence"), [
    (lambda: sinkhorn_iterations(HALF, QUARTER, METRIC, 0.0, 1), "reg > 0"),
    (lambda: sinkhorn_iterations(HALF, QUARTER, METRIC, 1.0, 0), "number >= 1"),
    (lambda: sinkhorn_iterations(HALF, QUARTER, METRIC, 1.0, 1.5), "whole number"),  # type: ignore[arg-type]
    (lambda: sinkhorn_iterations(HALF, 2 * QUARTER, METRIC, 1.0, 1), "equal total masses"),
    (lambda: sinkhorn_iterations(HALF, QUARTER, METRIC[:1], 1.0, 1), r"C \(n, m\)"),
    (lambda: sinkhorn_iterations(HALF, QUARTER, METRIC * np.nan, 1.0, 1), "finite costs"),
])  # fmt: skip
def test_input_without_meaning_is_refused(call: Any, sentence: str) -> None:
    """A ValueError with one sentence."""
    with pytest.raises(ValueError, match=sentence):
        call()

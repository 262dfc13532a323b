"""What the laws of edges and batches rest on: limits, slopes and domains, mixed batches, NaN; and the references there."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from flint import arb

from detrace.networks import Quadratic, TwoLayer
from detrace.oracles.balls import precision
from detrace.spaces import space
from reference import gan_losses, gradient_penalties, single_loss
from verify.divergence_edges import AT_ZERO, EDGES, READERS
from verify.divergence_gradients import SLOPES, room
from verify.divergences import DIVERGENCES, ROWS
from verify.gan_loss_batches import LONG, unequal
from verify.gradient_penalties import own_slopes
from verify.penalty_batches import Bowl, beside, without_a_number
from verify.penalty_bounds import PENALTIES, distance, joined

TORCH = space("torch-cpu-float64")


@pytest.mark.parametrize("name", DIVERGENCES)
@pytest.mark.parametrize(("p", "q"), [(0.25, 0.5), (0.75, 0.25), (0.0625, 0.9375)])
def test_slopes_of_divergences(name, p, q):
    """The table in ρ against a difference quotient of each state's summand, in balls."""
    with precision(400):
        h = arb(2) ** -120
        for wrt, (slope, _) in enumerate(SLOPES[name]):
            ends = [DIVERGENCES[name](arb(p) + s * h * (1 - wrt), arb(q) + s * h * wrt) for s in (1, -1)]
            ratio = arb(p if wrt else q) / (q if wrt else p)
            off = [(ends[0] - ends[1]) / (2 * h) - slope(ratio), slope(ratio) - slope(arb(1))]
            unit = [DIVERGENCES[name](arb(0.5) + s * h * (1 - wrt), arb(0.5) + s * h * wrt) for s in (1, -1)]
            constant = (unit[0] - unit[1]) / (2 * h) - slope(arb(1))
            assert abs(off[0] - constant) < 1e-30
        assert room(arb(0)) == 1.0 < room(arb(0.5)) < math.inf


@pytest.mark.parametrize("name", DIVERGENCES)
def test_slopes_that_are_finite_at_zero(name):
    """Marked as such exactly where they are."""
    with precision(400):
        for slope, finite in SLOPES[name]:
            assert (abs(slope(arb(2) ** -200)) < 100) == finite


@pytest.mark.parametrize("row", ROWS)
def test_limits_at_zero(row):
    """f at 2⁻³⁰⁰, and its limit."""
    with precision(800):
        near = ROWS[row].f(arb(2) ** -300)
        assert abs(near - AT_ZERO[row]).abs_lower() < 1e-40 if AT_ZERO[row].is_finite() else near > 100


@pytest.mark.parametrize("row", [r for r in EDGES if r != "total_variation"])
def test_edges_of_domains(row):
    """f* is a number just before its edge and none beyond, but for what the row's own formula says there."""
    with precision(200):
        assert ROWS[row].conjugate(arb(EDGES[row]) - (0.003 if row == "jensen_shannon" else arb(2) ** -60)).is_finite()
        beyond = ROWS[row].conjugate(arb(EDGES[row]) + 0.0625)
        assert not beyond.is_finite() or (row == "squared_hellinger" and beyond < -1)


def test_batches_are_as_they_say():
    """Unequal ones, the long one, one sample with others away from it, and slopes that are NaN."""
    for n, m in ((1, 1), (2, 2), (1, 3), (8, 4)):
        real, fake = unequal((np.ones(n), np.ones(m)))
        assert len(real) != len(fake)
    assert all(LONG % n == 0 for n in (1, 2, 3, 4, 8))
    x = beside(np.ones((3, 2, 2)))
    assert (x[0] == 1).all()
    assert (x[1:] != 1).all()
    drawn = (np.ones(()), np.ones((2,)), np.ones((2,)), np.ones(2))
    for where in ("weight", "sample"):
        critic, real, _, _ = without_a_number(drawn, 3, where)
        assert np.isnan(critic.bind(space("numpy-cpu-float64")).gradient(real)).any()
    for arguments in READERS.values():
        assert any(isinstance(a, np.ndarray) for a in arguments(np.ones(4), np.ones(3)))


def test_a_bowl_has_strided_gradients():
    """In torch, though its samples are contiguous; the value and the closed form are those of ½‖x‖²."""
    x = torch.arange(12.0, dtype=torch.float64).reshape(2, 2, 3)
    bowl = Bowl(np.eye(6), np.zeros(6))
    g = gradient_penalties.input_gradient(bowl.bind(TORCH), x)
    assert not g.is_contiguous()
    torch.testing.assert_close(g.detach(), x)


def test_the_gradient_of_the_norms_is_that_of_torch():
    """The closed form for φ(r) = r, times n."""
    D = TwoLayer(np.array([[1.0, -0.5], [0.5, 2.0]]), np.array([0.5, 0.0]), np.ones(2), activation="tanh")
    x = np.eye(3, 2) + 0.5
    truth, error = own_slopes(D, x, TORCH).parameter_gradient("norm", ())
    leaves = [TORCH.to_native(p).requires_grad_() for p in D.parameters]
    total = gradient_penalties.gradient_norms(D.bind(TORCH, leaves), TORCH.to_native(x)).sum()
    got = [g.numpy() for g in torch.autograd.grad(total, leaves)]
    assert float(distance(got, [3 * t for t in truth])) < 30 * 3 * error < 1e-9
    assert joined(got).shape == (8,)
    assert own_slopes(Quadratic(np.eye(2), np.zeros(2)), np.zeros((1, 2)), TORCH).parameter_gradient("norm", ()) is None


@pytest.mark.parametrize("name", [n for n, p in PENALTIES.items() if p.where == "between"])
def test_nan_slopes_cost_nan(name):
    """A critic that has diverged is not flat, and its norms are NaN."""
    x, nan = torch.ones(2, 3, dtype=torch.float64), torch.full((3,), math.nan, dtype=torch.float64)
    assert getattr(gradient_penalties, name)(lambda v: v @ nan, x, x, torch.full((2,), 0.5, dtype=torch.float64)).isnan()
    assert gradient_penalties.gradient_norms(lambda v: v @ nan, x).isnan().all()


def test_the_weight_of_began_carries_no_graph():
    """So that it can be kept from step to step."""
    energy = torch.ones(4, requires_grad=True)
    assert not gan_losses.boundary_equilibrium_weight(energy, 2 * energy, 0.5).requires_grad


def test_the_reversal_is_differentiated_twice():
    """R counts as a map of slope −λ: (R³)″ = 6λ²R."""
    x = torch.tensor([1.0, -2.0], requires_grad=True)
    (g,) = torch.autograd.grad((single_loss.reverse_gradient(x, 3.0) ** 3).sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(g.sum(), x)
    torch.testing.assert_close(g.detach(), -9.0 * x.detach() ** 2)
    torch.testing.assert_close(second, 6 * 9.0 * x.detach())

"""The torch layer: forward, inverse and log-determinant agree with each other, and its shapes are checked."""

from __future__ import annotations

import pytest
import torch

from reference.invertible_linear import InvertibleLinear

U = 2.0**-53


@pytest.fixture
def layer() -> InvertibleLinear:
    torch.manual_seed(0)
    return InvertibleLinear(5, 7, dtype=torch.float64)


def test_inverse_undoes_forward(layer: InvertibleLinear) -> None:
    """inverse(forward(v)) = v within κ·u for 7 factors, κ the product's condition number, measured on its matrix."""
    v = torch.randn(3, 4, 5, dtype=torch.float64)
    matrix = layer(torch.eye(5, dtype=torch.float64)).T
    bound = 30 * 7 * 5 * U * float(torch.linalg.cond(matrix.detach())) * float(v.norm())
    assert float((layer.inverse(layer(v)) - v).detach().norm()) < bound


def test_logdet_is_that_of_the_jacobian(layer: InvertibleLinear) -> None:
    """Σ yᵢᵀxᵢ = log|det ∂forward/∂v| by autograd and LU; error n·u·κ of the LU, as verify/determinant.py derives."""
    jacobian = torch.autograd.functional.jacobian(layer, torch.zeros(5, dtype=torch.float64))
    sign, log = torch.linalg.slogdet(jacobian)
    assert sign == 1
    assert abs(float((layer.logdet() - log).detach())) < 30 * 5 * U * float(torch.linalg.cond(jacobian))


def test_gradients_reach_every_parameter(layer: InvertibleLinear) -> None:
    """A loss on forward and logdet trains x and y; a fresh layer at y = 0 too (s = 0 in every factor)."""
    with torch.no_grad():
        layer.y.zero_()
    (layer(torch.ones(2, 5, dtype=torch.float64)).square().sum() - layer.logdet()).backward()
    assert layer.y.grad is not None
    assert bool(torch.isfinite(layer.y.grad).all())
    assert bool((layer.y.grad.abs().sum(dim=1) > 0).all())


@pytest.mark.parametrize(("features", "factors"), [(0, 1), (2, 0)])
def test_sizes_must_be_positive(features: int, factors: int) -> None:
    """One clear sentence."""
    with pytest.raises(ValueError, match="must be positive"):
        InvertibleLinear(features, factors)


def test_rows_of_another_length_are_refused(layer: InvertibleLinear) -> None:
    """One clear sentence with the shape."""
    with pytest.raises(ValueError, match="rows of 5 features"):
        layer(torch.ones(2, 4, dtype=torch.float64))

"""What adapters of gradient penalties share: the points at which a penalty is charged, and α in place of a random draw."""

from __future__ import annotations

from typing import Any

import torch


def between(real: torch.Tensor, fake: torch.Tensor, alpha: torch.Tensor) -> torch.Tensor:
    """αx + (1 − α)y with α (n,), a leaf that gradients are asked of."""
    a = alpha.reshape(-1, *[1] * (real.ndim - 1))
    return leaf(a * real + (1 - a) * fake)


def leaf(x: torch.Tensor) -> torch.Tensor:
    return x.detach().requires_grad_()


class TorchThatDraws:
    """torch, whose `rand` returns the α of the contract."""

    alpha: torch.Tensor

    def __getattr__(self, name: str) -> Any:
        return getattr(torch, name)

    def rand(self, *shape: int, size: tuple[int, ...] = (), device: Any = None) -> torch.Tensor:
        return self.alpha.reshape(size or shape)

"""An invertible linear layer for torch: a product of factors exp(xᵢyᵢᵀ) (https://kexue.fm/archives/6407)."""

from __future__ import annotations

import torch

from .low_rank_exponential import product_apply, product_inverse_apply, product_logdet


class InvertibleLinear(torch.nn.Module):
    """v ↦ M v with M = exp(x_r y_rᵀ) ··· exp(x₁y₁ᵀ), invertible for every value of its parameters, det M > 0.

    Vectors are rows: `forward` takes v (..., features) and returns (..., features), each row v becoming (M vᵀ)ᵀ = v Mᵀ.
    `inverse` undoes it through exp(-xᵢyᵢᵀ), no solve. `logdet()` = Σ yᵢᵀxᵢ is a scalar tensor, the same for every row.
    Parameters x, y (factors, features). A generic M of positive determinant needs `features` factors: r factors reach a
    set of dimension r(2·features - r).
    Raises ValueError for sizes that are not positive, or rows of another length.
    """

    def __init__(
        self,
        features: int,
        factors: int,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        if features < 1 or factors < 1:
            raise ValueError(f"features and factors must be positive, got {features} and {factors}.")
        self.features, self.factors = features, factors
        self.x = torch.nn.Parameter(torch.empty(factors, features, device=device, dtype=dtype))
        self.y = torch.nn.Parameter(torch.empty(factors, features, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Independent entries N(0, 1/features): each yᵢᵀxᵢ has mean 0 and variance 1/features."""
        for parameter in (self.x, self.y):
            torch.nn.init.normal_(parameter, std=self.features**-0.5)

    def _columns(self, v: torch.Tensor) -> torch.Tensor:
        if v.ndim < 1 or v.shape[-1] != self.features:
            raise ValueError(f"rows of {self.features} features are needed, got shape {tuple(v.shape)}.")
        return v.reshape(-1, self.features).T

    def forward(self, v: torch.Tensor) -> torch.Tensor:
        """M v for each row v: (..., features) -> (..., features)."""
        return product_apply(self.x, self.y, self._columns(v)).T.reshape(v.shape)

    def inverse(self, w: torch.Tensor) -> torch.Tensor:
        """The v with forward(v) = w: (..., features) -> (..., features)."""
        return product_inverse_apply(self.x, self.y, self._columns(w)).T.reshape(w.shape)

    def logdet(self) -> torch.Tensor:
        """log det M = Σ yᵢᵀxᵢ, a scalar, differentiable."""
        return product_logdet(self.x, self.y)

    def extra_repr(self) -> str:
        return f"features={self.features}, factors={self.factors}"

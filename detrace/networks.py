"""Critics and generators as arguments of contracts: plain host data, bound to a space at the call.

A network holds its weights as float64 arrays (`parameters`). `bind(space, parameters)` gives a native callable that torch
and JAX differentiate, to any order, in the inputs and in the parameters; elsewhere the callable offers the closed form as
`critic.gradient(x)`. The same formulas, evaluated in balls (`exact`) or on absolute values (`majorant`), are what laws
judge by.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .critics import (
    BatchCentred,
    BatchNormalised,
    Convolution,
    Critic,
    Linear,
    PiecewiseLinear,
    Quadratic,
    TwoLayer,
)  # fmt: skip
from .network import ACTIVATIONS, Bound, Explicit, Network, Observed, Weights, balls, namespace

__all__ = [
    "ACTIVATIONS", "KINDS", "BatchCentred", "BatchNormalised", "Bound", "Convolution", "Critic", "Explicit", "Linear",
    "LinearGenerator", "Network", "Observed", "PiecewiseLinear", "Plan", "Quadratic", "TwoLayer", "TwoLayerGenerator", "balls",
    "build",
]  # fmt: skip


class LinearGenerator(Network):
    """G(z) = Wz + b: W (f, k), b of the features' shape."""

    def value(self, p: Weights, z: Any) -> Any:
        W, b = p
        return namespace(z).reshape(z @ W.T, (z.shape[0], *b.shape)) + b

    def pullback(self, p: Weights, z: Any, c: Any) -> list[Any]:
        """∂/∂p ⟨c, G(z)⟩ with c (n, f), a list like `parameters`."""
        return [c.T @ z, c.sum(axis=0).reshape(p[1].shape)]

    def majorant(self) -> Network:
        return type(self)(*map(np.abs, self.parameters))


class TwoLayerGenerator(Network):
    """G(z) = Vσ(Wz + b) + c: W (h, k), b (h,), V (f, h), c of the features' shape; `activation` names σ."""

    def value(self, p: Weights, z: Any) -> Any:
        W, b, V, c = p
        out = ACTIVATIONS[self.facts["activation"]][0](z @ W.T + b) @ V.T
        return namespace(z).reshape(out, (z.shape[0], *c.shape)) + c

    def pullback(self, p: Weights, z: Any, c: Any) -> list[Any]:
        """∂/∂p ⟨c, G(z)⟩ with c (n, f), a list like `parameters`."""
        W, b, V, offset = p
        value, first, _ = ACTIVATIONS[self.facts["activation"]]
        h = z @ W.T + b
        back = (c @ V) * first(h)
        return [back.T @ z, back.sum(axis=0), c.T @ value(h), c.sum(axis=0).reshape(offset.shape)]

    def majorant(self) -> Network:
        return type(self)(*map(np.abs, self.parameters), activation="majorant")


KINDS: dict[str, type[Network]] = {
    k.__name__: k
    for k in (Linear, Quadratic, TwoLayer, Convolution, PiecewiseLinear, BatchNormalised, BatchCentred, LinearGenerator,
              TwoLayerGenerator)
}  # fmt: skip
Plan = tuple[str, str, tuple[np.ndarray, ...]]


def build(plan: Plan) -> Any:
    """A network of plain data: (kind, activation or '', weights)."""
    kind, activation, weights = plan
    return KINDS[kind](*map(np.asarray, weights), **({"activation": activation} if activation else {}))

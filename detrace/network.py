"""What every network has: weights as plain data, and its binding to a space (see `networks`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device
from flint import arb

from .spaces import Space
from .values import literal

Weights = Sequence[Any]


def namespace(x: Any) -> Any:
    """The array library of x; NumPy for arrays of balls and of fractions too."""
    return np if isinstance(x, np.ndarray) else array_namespace(x)


def rows(x: Any, width: int) -> Any:
    """x (n, s...) as (n, width)."""
    return namespace(x).reshape(x, (x.shape[0], width))


def constant(values: np.ndarray, like: Any) -> Any:
    """Host numbers as an array like another one."""
    if isinstance(like, np.ndarray):
        return values.astype(like.dtype)
    return array_namespace(like).asarray(values.tolist(), dtype=like.dtype, device=device(like))


def flat(w: Any) -> Any:
    """w as a vector."""
    return namespace(w).reshape(w, (-1,))


def _exp_of(h: Any) -> Any:
    return namespace(h).exp(h)


def _leaky(h: Any) -> Any:
    return namespace(h).where(h > 0, h, h / 4)


ACTIVATIONS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any], Callable[[Any], Any]]] = {
    "square": (lambda h: h * h / 2, lambda h: h, lambda h: 0 * h + 1),
    "tanh": (
        lambda h: namespace(h).tanh(h),
        lambda h: 1 - namespace(h).tanh(h) ** 2,
        lambda h: 2 * namespace(h).tanh(h) * (namespace(h).tanh(h) ** 2 - 1),
    ),
    "softplus": (
        lambda h: namespace(h).log1p(_exp_of(h)),
        lambda h: 1 - 1 / (1 + _exp_of(h)),
        lambda h: _exp_of(h) / (1 + _exp_of(h)) ** 2,
    ),
    "leaky": (_leaky, lambda h: namespace(h).where(h > 0, 0 * h + 1, 0 * h + 0.25), lambda h: 0 * h),
    "majorant": (lambda h: 1 + h + h * h, lambda h: 1 + 2 * h, lambda h: 2 * (1 + h)),
}
"""σ, σ′, σ″ by name. "majorant" bounds, for |h| ≤ H, |σ|, |σ′| + |σ″|H and |σ″| + |σ‴|H of all the others: what a value may
be, and what relative errors of h do to it."""


def balls(x: np.ndarray) -> np.ndarray:
    """An array of balls (arb) that hold exactly these numbers."""
    out = np.empty(np.shape(x), dtype=object)
    out.ravel()[:] = [arb(float(v)) for v in np.ravel(x)]
    return out


class Network:
    """`value(p, x)` of weights p at inputs x: (n, s...) -> (n,) for a critic, (n, z) -> (n, s...) for a generator."""

    def __init__(self, *parameters: np.ndarray, **facts: Any) -> None:
        self.parameters = [np.asarray(p, dtype=np.float64) for p in parameters]
        self.facts = facts

    def value(self, p: Weights, x: Any) -> Any:
        raise NotImplementedError

    def bind(self, space: Space, parameters: Weights | None = None) -> Bound:
        """The network in a space, with its own weights or with native ones that are given."""
        weights = [space.to_native(p) for p in self.parameters] if parameters is None else list(parameters)
        return Bound(self, weights) if space.backend.vjp is not None else Explicit(self, weights)

    def exact(self, x: np.ndarray) -> Any:
        """Values at host inputs, or at arrays of balls, as an array of balls."""
        return self.value([balls(p) for p in self.parameters], x if x.dtype == object else balls(x))

    def __repr__(self) -> str:
        given = [*map(literal, self.parameters), *(f"{k}={v!r}" for k, v in self.facts.items())]
        return f"{type(self).__name__}({', '.join(given)})"


class Bound:
    """A network in a space: a callable whose weights are `parameters()`, as a torch module's are."""

    def __init__(self, network: Network, weights: list[Any]) -> None:
        self.network, self.weights = network, weights

    def __call__(self, x: Any) -> Any:
        return self.network.value(self.weights, x)

    def parameters(self) -> list[Any]:
        return self.weights


class Explicit(Bound):
    """A network where the array library has no automatic differentiation: it knows its own gradient."""

    def gradient(self, x: Any) -> Any:
        """∂/∂x Σᵢ D(xᵢ), in the shape of x: (n, s...)."""
        critic: Any = self.network
        return namespace(x).reshape(critic.gradient(self.weights, x), tuple(x.shape))


class Observed:
    """A network that remembers what it was called on (`inputs`, native arrays in the order of the calls); in its k-th call the
    inputs are multiplied by the k-th of the masks, in turn, if there are any, as dropout would."""

    def __init__(self, network: Network, masks: Sequence[np.ndarray] = ()) -> None:
        self.network, self.parameters, self.masks = network, network.parameters, masks
        self.inputs: list[Any] = []

    def bind(self, space: Space, parameters: Weights | None = None) -> Callable[[Any], Any]:
        bound, masks = self.network.bind(space, parameters), [space.to_native(m) for m in self.masks]

        def call(x: Any) -> Any:
            self.inputs.append(x)
            return bound(x * masks[(len(self.inputs) - 1) % len(masks)] if masks else x)

        return call

    def __repr__(self) -> str:
        return f"Observed({self.network!r}, {literal(list(self.masks))})"

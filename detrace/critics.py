"""Critics as arguments of contracts (see `networks`): value, and closed forms of the derivatives that penalties take."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .network import ACTIVATIONS, Network, Weights, constant, flat, namespace, rows


class Critic(Network):
    """A critic D of samples that it looks at one by one, with closed forms of its derivatives.

    X is x flattened to (n, f). `gradient` (n, f) holds ∇D(xᵢ); `pullback` is ∂/∂p Σᵢ cᵢD(xᵢ), `mixed` ∂/∂p Σᵢ ⟨vᵢ, ∇D(xᵢ)⟩,
    both a list like `parameters`.
    """

    def gradient(self, p: Weights, x: Any) -> Any:
        raise NotImplementedError

    def mixed(self, p: Weights, x: Any, v: Any) -> list[Any]:
        raise NotImplementedError

    def pullback(self, p: Weights, x: Any, c: Any) -> list[Any]:
        raise NotImplementedError

    def majorant(self) -> Critic:
        """The critic of absolute values: where it is evaluated at |x|, it bounds every intermediate result."""
        facts = self.facts | ({"activation": "majorant"} if "activation" in self.facts else {})
        return type(self)(*map(np.abs, self.parameters), **facts)

    def scaled(self, factor: float) -> Critic:
        """factor·D, by the weights of the last layer."""
        inner = [] if "activation" not in self.facts else self.parameters[:-1]
        return type(self)(*inner, *(factor * p for p in self.parameters[len(inner) :]), **self.facts)


class Linear(Critic):
    """D(x) = w·x + b: w of the features' shape, b a number."""

    def value(self, p: Weights, x: Any) -> Any:
        w, b = p
        return rows(x, math.prod(w.shape)) @ flat(w) + b

    def gradient(self, p: Weights, x: Any) -> Any:
        w = flat(p[0])
        return 0 * rows(x, w.shape[0]) + w

    def mixed(self, p: Weights, x: Any, v: Any) -> list[Any]:
        return [v.sum(axis=0).reshape(p[0].shape), 0 * p[1]]

    def pullback(self, p: Weights, x: Any, c: Any) -> list[Any]:
        return [(c @ rows(x, p[0].size)).reshape(p[0].shape), c.sum()]


class Quadratic(Critic):
    """D(x) = ½xᵀAx + b·x: A (f, f) of any symmetry, b (f,)."""

    def value(self, p: Weights, x: Any) -> Any:
        A, b = p
        X = rows(x, b.shape[0])
        return namespace(x).sum((X @ A) * X, axis=1) / 2 + X @ b

    def gradient(self, p: Weights, x: Any) -> Any:
        A, b = p
        X = rows(x, b.shape[0])
        return (X @ A + X @ A.T) / 2 + b

    def mixed(self, p: Weights, x: Any, v: Any) -> list[Any]:
        X = rows(x, p[1].size)
        return [(v.T @ X + X.T @ v) / 2, v.sum(axis=0)]

    def pullback(self, p: Weights, x: Any, c: Any) -> list[Any]:
        X = rows(x, p[1].size)
        return [X.T @ (c[:, None] * X) / 2, c @ X]


class TwoLayer(Critic):
    """D(x) = a·σ(Wx + b): W (h, f), b and a (h,); `activation` names σ."""

    def layer(self, p: Weights, x: Any) -> tuple[Any, Any, Any]:
        """Wx + b for each sample, a, and W."""
        W, b, a = p
        return rows(x, W.shape[1]) @ W.T + b, a, W

    def value(self, p: Weights, x: Any) -> Any:
        h, a, _ = self.layer(p, x)
        return ACTIVATIONS[self.facts["activation"]][0](h) @ a

    def gradient(self, p: Weights, x: Any) -> Any:
        h, a, W = self.layer(p, x)
        return (ACTIVATIONS[self.facts["activation"]][1](h) * a) @ W

    def mixed(self, p: Weights, x: Any, v: Any) -> list[Any]:
        h, a, W = self.layer(p, x)
        _, first, second = ACTIVATIONS[self.facts["activation"]]
        along = v @ W.T
        bent = second(h) * a * along
        return [bent.T @ rows(x, W.shape[1]) + (first(h) * a).T @ v, bent.sum(axis=0), (first(h) * along).sum(axis=0)]

    def pullback(self, p: Weights, x: Any, c: Any) -> list[Any]:
        h, a, W = self.layer(p, x)
        value, first, _ = ACTIVATIONS[self.facts["activation"]]
        back = c[:, None] * first(h) * a
        return [back.T @ rows(x, W.shape[1]), back.sum(axis=0), c @ value(h)]


class Convolution(Critic):
    """D(x) = a·σ(k ∗ x) of images x (n, height, width): kernel k, no padding, stride 1; a has the shape of k ∗ x.

    The value is computed by shifted slices; the closed forms unroll the convolution into one matrix with shared entries.
    """

    def value(self, p: Weights, x: Any) -> Any:
        k, a = p
        rows, columns = a.shape
        h = sum(
            k[i, j] * x[:, i : i + rows, j : j + columns] for i in range(k.shape[0]) for j in range(k.shape[1])
        )
        return namespace(x).sum(ACTIVATIONS[self.facts["activation"]][0](h) * a, axis=(1, 2))

    def _shifts(self) -> np.ndarray:
        """0/1 matrices (kernel entries, outputs, inputs) whose combination by the kernel is the unrolled convolution."""
        (kh, kw), (rows, columns) = (q.shape for q in self.parameters)
        width = columns + kw - 1
        out = np.zeros((kh * kw, rows * columns, (rows + kh - 1) * width))
        for e, (i, j) in enumerate(np.ndindex(kh, kw)):
            for o, (r, c) in enumerate(np.ndindex(rows, columns)):
                out[e, o, (r + i) * width + c + j] = 1.0
        return out

    def _unrolled(self, p: Weights) -> tuple[TwoLayer, list[Any], np.ndarray]:
        k, a = p
        shifts = self._shifts()
        W = sum(flat(k)[e] * constant(s, k) for e, s in enumerate(shifts))
        return TwoLayer(**self.facts), [W, 0 * flat(a), flat(a)], shifts

    def gradient(self, p: Weights, x: Any) -> Any:
        dense, q, _ = self._unrolled(p)
        return dense.gradient(q, x)

    def _shared(self, p: Weights, grads: list[Any], shifts: np.ndarray) -> list[Any]:
        return [np.array([(grads[0] * s).sum() for s in shifts]).reshape(p[0].shape), grads[2].reshape(p[1].shape)]

    def mixed(self, p: Weights, x: Any, v: Any) -> list[Any]:
        dense, q, shifts = self._unrolled(p)
        return self._shared(p, dense.mixed(q, x, v), shifts)

    def pullback(self, p: Weights, x: Any, c: Any) -> list[Any]:
        dense, q, shifts = self._unrolled(p)
        return self._shared(p, dense.pullback(q, x, c), shifts)


class PiecewiseLinear(Critic):
    """D(x) = Σⱼ sⱼ·min(max(x − j·step, 0), step) of numbers x (n,): slope sⱼ in the j-th cell [j·step, (j+1)·step]."""

    def value(self, p: Weights, x: Any) -> Any:
        step = self.facts["step"]
        past = rows(x, 1) - constant(step * np.arange(p[0].shape[0]), x)
        return namespace(x).clip(past, 0 * past, 0 * past + step) @ p[0]

    def cells(self, p: Weights, x: Any) -> Any:
        """1 where xᵢ lies inside the j-th cell, else 0: (n, cells)."""
        past = rows(x, 1) - constant(self.facts["step"] * np.arange(p[0].shape[0]), x)
        inside = (past > 0) & (past < self.facts["step"])
        return namespace(x).where(inside, 0 * past + 1, 0 * past)

    def gradient(self, p: Weights, x: Any) -> Any:
        return (self.cells(p, x) @ p[0])[:, None]


class BatchNormalised(Critic):
    """D(xᵢ) = w·(xᵢ − m)/√(v + 1) with the batch's mean m and variance v by feature: the sample is no longer looked at alone.

    ΣᵢD(xᵢ) = 0 whatever the batch, so the gradient of the sum vanishes though no D(xᵢ) is constant.
    """

    def value(self, p: Weights, x: Any) -> Any:
        xp = namespace(x)
        X = rows(x, p[0].shape[0])
        centred = X - xp.mean(X, axis=0)
        return (centred / xp.sqrt(xp.mean(centred * centred, axis=0) + 1)) @ p[0]

    def gradient(self, p: Weights, x: Any) -> Any:
        return 0 * rows(x, p[0].shape[0])


class BatchCentred(Critic):
    """D(xᵢ) = ½‖xᵢ − m‖² + w·xᵢ with the batch's mean m: ∂/∂xᵢ Σⱼ D(xⱼ) = xᵢ − m + w, while D of a batch of one is w·x."""

    def value(self, p: Weights, x: Any) -> Any:
        xp = namespace(x)
        X = rows(x, p[0].shape[0])
        centred = X - xp.mean(X, axis=0)
        return xp.sum(centred * centred, axis=1) / 2 + X @ p[0]

    def gradient(self, p: Weights, x: Any) -> Any:
        X = rows(x, p[0].shape[0])
        return X - namespace(x).mean(X, axis=0) + p[0]

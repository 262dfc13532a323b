r"""Laws of optimisers on the single loss: what λ means to them, and what a gradient of zeros does to weights (post 6387).

Run with torch's own optimisers on bilinear games of small integers (the critic's offset is half odd): D(x) = w·x + b,
G(z) = Wz + c, Wasserstein or hinge, step h = ½. For a few steps every number is dyadic with few bits, so that SGD's path is
rational.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from detrace import judge, law, require, undecided
from detrace.laws import kexue
from detrace.networks import Linear, LinearGenerator, Plan
from detrace.spaces import Space
from detrace.strategies.networks import games
from detrace.strategies.scalars import choices
from verify.single_loss import EXACT, SPEC, Loss

RATE = 0.5
Drawn = tuple[Plan, Plan, np.ndarray, np.ndarray]
Optimiser = Callable[[Any, list[Any]], Any]


def players(game: Drawn) -> tuple[Linear, LinearGenerator]:
    """The drawn players; the critic's offset becomes half odd."""
    (_, _, (w, b)), (_, _, weights), _, _ = game
    return Linear(w, b + 0.5), LinearGenerator(*weights)


class Training:
    """Native players of a drawn game under one torch optimiser; `step` makes one on the subject's single loss."""

    def __init__(self, call: Any, game: Drawn, losses: tuple[str, str], space: Space, make: Optimiser, *,
                 critic: bool) -> None:  # fmt: skip
        import torch

        self.call, self.space = call, space
        self.D, self.G = players(game)
        self.weights = [[space.to_native(p).requires_grad_() for p in n.parameters] for n in (self.D, self.G)]
        self.losses = [Loss(name).bind(space) for name in losses]
        self.batches = [space.to_native(b) for b in game[2:]]
        self.optimiser = make(torch.optim, [*(self.weights[0] if critic else []), *self.weights[1]])

    def step(self, weight: float) -> None:
        self.optimiser.zero_grad()
        for p in self.weights[0]:
            p.grad = None
        D, G = (n.bind(self.space, w) for n, w in zip((self.D, self.G), self.weights, strict=True))
        self.call.native(*self.losses, D, G, *self.batches, weight).backward()
        self.optimiser.step()

    def host(self, player: int) -> list[np.ndarray]:
        return [self.space.to_host(p).copy() for p in self.weights[player]]


def rational(x: np.ndarray) -> np.ndarray:
    """The same numbers as an array of fractions."""
    out = np.empty(x.shape, dtype=object)
    out.ravel()[:] = [Fraction(v) for v in x.ravel().tolist()]
    return out


def _array(x: Any) -> np.ndarray:
    return np.asarray(x, dtype=object)


class Simultaneous:
    """Heavy ball on two separate losses with rates h and λh, both gradients at the old point, in fractions."""

    def __init__(self, game: Drawn, loss: str) -> None:
        self.networks, self.hinge = players(game), loss.startswith("hinge")
        self.real, self.z = (rational(b) for b in game[2:])
        self.weights = [[rational(p) for p in n.parameters] for n in self.networks]
        self.memory = [[_array(0 * p) for p in w] for w in self.weights]

    def step(self, weight: Fraction, momentum: Fraction) -> bool:
        """Make one step; False at a kink of the hinge, where there is no derivative."""
        (D, G), (p, q) = self.networks, self.weights
        fake = G.value(q, self.z)
        logits = D.value(p, self.real), D.value(p, fake)
        if self.hinge and any(d == k for side, k in zip(logits, (1, -1), strict=True) for d in side):
            return False
        n = len(self.z)
        on_real = np.array([-Fraction(int(not self.hinge or d < 1), n) for d in logits[0]], dtype=object)
        on_fake = np.array([Fraction(int(not self.hinge or d > -1), n) for d in logits[1]], dtype=object)
        of_critic = [a + b for a, b in zip(D.pullback(p, self.real, on_real), D.pullback(p, fake, on_fake), strict=True)]
        back = 0 * on_fake - Fraction(1, n)
        of_generator = G.pullback(q, self.z, back[:, None] * D.gradient(p, fake))
        for player, (grads, rate) in enumerate(((of_critic, Fraction(RATE)), (of_generator, weight * Fraction(RATE)))):
            kept = [_array(momentum * m + g) for m, g in zip(self.memory[player], grads, strict=True)]
            self.memory[player] = kept
            self.weights[player] = [_array(w - rate * m) for w, m in zip(self.weights[player], kept, strict=True)]
        return True

    def host(self, player: int) -> list[np.ndarray]:
        return [np.array(p, dtype=np.float64) for p in self.weights[player]]


@law(r"\lambda = \eta_G/\eta_D \text{ under SGD and heavy ball}", source=(kexue(6387, "c10"), SPEC), dtypes="wide",
     needs="torch", game=games(exact=True, bilinear=True), losses=choices(*EXACT), weight=choices(1.0, 0.5, 2.0, 3.0),
     momentum=choices(0.0, 0.5))  # fmt: skip
def weight_is_the_ratio_of_learning_rates(single_loss, game, losses, weight, momentum, space):
    """Two steps of torch's SGD on L end exactly where two losses with rates h and λh end, computed in fractions; memory ½
    included. No tolerance."""
    due = Simultaneous(game, losses[0])
    training = Training(single_loss, game, losses, space,
                        lambda optim, p: optim.SGD(p, lr=RATE, momentum=momentum), critic=True)  # fmt: skip
    for _ in range(2):
        if not due.step(Fraction(weight), Fraction(momentum)):
            undecided("a logit sits at a kink of the hinge")
            return
        training.step(weight)
    for player, name in enumerate(("D", "G")):
        for got, truth in zip(training.host(player), due.host(player), strict=True):
            require(bool((got == truth).all()), f"{name}'s path is not that of the rates h and λh", got=got, truth=truth)


TINY = 2.0**-100
ADAPTIVE: dict[str, Optimiser] = {
    "adam": lambda optim, p: optim.Adam(p, lr=RATE, betas=(0.5, 0.75), eps=TINY),
    "rmsprop": lambda optim, p: optim.RMSprop(p, lr=RATE, alpha=0.75, eps=TINY),
    "adagrad": lambda optim, p: optim.Adagrad(p, lr=RATE, eps=TINY),
}


@law(r"\text{Adam's path ignores } \lambda", source=(kexue(6387, "c10"), SPEC), dtypes="wide", needs="torch",
     game=games(exact=True, bilinear=True), losses=choices(*EXACT), weight=choices(2.0, 0.25, 32.0, 2.0**-8),
     optimiser=choices(*ADAPTIVE))  # fmt: skip
def weight_cancels_under_adaptive_steps(single_loss, game, losses, weight, optimiser, space):
    """Adam, RMSprop and Adagrad divide a gradient by its size: against a fixed critic G's path for λ is its path for 1, so λ
    sets no rate. λ = 2ᵏ commutes with rounding; what is left is ε = 2⁻¹⁰⁰ against √v, and a slope below that moves by less
    than a step. Bound: u(|θ| + 3h) a step."""
    paths = []
    for w in (1.0, weight):
        training = Training(single_loss, game, losses, space, ADAPTIVE[optimiser], critic=False)
        for _ in range(3):
            training.step(w)
        paths.append(training.host(1))
    for start, a, b in zip(training.G.parameters, *paths, strict=True):
        judge(float(np.abs(a - b).max(initial=0.0)), 3 * space.u * (float(np.abs(start).max(initial=0.0)) + 3 * RATE),
              scale=RATE, why="3u(|θ| + 3h)", got=b, truth=a)  # fmt: skip


DECAY = 0.25
MOVERS: dict[str, tuple[Optimiser, float, float, float]] = {
    "sgd": (lambda optim, p: optim.SGD(p, lr=RATE), 0.0, 0.0, 0.0),
    "momentum": (lambda optim, p: optim.SGD(p, lr=RATE, momentum=0.5), 0.5 * RATE, 0.0, 0.0),
    "weight decay": (lambda optim, p: optim.SGD(p, lr=RATE, weight_decay=DECAY), 0.0, 0.0, DECAY * RATE),
    "adam": (ADAPTIVE["adam"], 0.0, RATE * (0.5 / 1.5) / (0.75 / 1.75) ** 0.5, 0.0),
    "adamw": (lambda optim, p: optim.AdamW(p, lr=RATE, betas=(0.5, 0.75), eps=TINY, weight_decay=DECAY), 0.0,
              RATE * (0.5 / 1.5) / (0.75 / 1.75) ** 0.5, DECAY * RATE),
}  # fmt: skip
"""Optimisers, and what they subtract on a gradient of 0: so much of the last gradient, of its sign, and of the weight."""


@law(r"\nabla_G L = 0 \not\Rightarrow G \text{ stays}", source=(kexue(6387, 2, "c5"), SPEC), dtypes="wide", needs="torch",
     game=games(exact=True, bilinear=True), losses=choices(*EXACT), optimiser=choices(*MOVERS))  # fmt: skip
def stopped_weights_move_by_memory_and_decay(single_loss, game, losses, optimiser, space):
    """One step with λ = 1, one with λ = 0: the second gradient is zeros, not None, so plain SGD rests, and momentum moves G by
    μ·(last step), Adam by h·(β₁/(1+β₁))/√(β₂/(1+β₂)) against the last sign, decay by its share of the weight. Bound: u times
    the weight and 8 roundings of the step; exact rest for SGD."""
    make, of_gradient, of_sign, of_weight = MOVERS[optimiser]
    training = Training(single_loss, game, losses, space, make, critic=False)
    training.step(1.0)
    before = training.host(1)
    last = [space.to_host(p.grad).copy() for p in training.weights[1]]
    training.step(0.0)
    grads = [p.grad for p in training.weights[1]]
    require(all(g is not None and not g.any() for g in grads), "the gradient is None, or not zeros")
    for a, b, g in zip(before, training.host(1), last, strict=True):
        decayed = of_gradient * g + of_sign * np.sign(g) + of_weight * a
        size = np.abs(a) + np.abs(decayed)
        if optimiser == "sgd":
            require(bool((a == b).all()), "plain SGD moves weights whose gradient is 0", got=b, truth=a)
        judge(float(np.abs(a - b - decayed).max(initial=0.0)), 8 * space.u * float(size.max(initial=0.0)), scale=RATE,
              why="8u(|θ| + step)", got=b, truth=a - decayed)  # fmt: skip

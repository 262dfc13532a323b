"""Small games with certified gradients: critics and generators of small weights, and every loss of the table of GAN losses.

A game's logits are known exactly where its networks are polynomials of integers (and the critic is scaled by 17/16·2⁻ᵏ, so
that |logit| ≤ 8 and no logit sits at a kink ±1); then the loss's slopes are certified (`gan_loss_formulas`), and the chain rule
in balls gives both players' gradients. Rounding: each slope is off by u(moduli of its summands + 1/n), each sum by K·u times
its terms; on absolute values (`majorant`) that is K·u·∂/∂p Σ Sᵢ D(xᵢ) with S the slopes' sizes, where λ times the generator's
loss counts for D as well: its terms cancel only up to rounding.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np

from detrace.networks import Plan, balls, build
from detrace.spaces import Space
from reference import gan_losses
from verify.gan_loss_formulas import certified
from verify.penalty_bounds import floats, norm

Pair = tuple[str, str]
NUMBERS = {"label_smoothing_discriminator": (0.875, 0.125), "energy_margin_discriminator": (1.0,),
           "boundary_equilibrium_discriminator": (0.5,), "labelled_least_squares_discriminator": (-1.0, 0.5),
           "labelled_least_squares_generator": (0.25,)}  # fmt: skip
"""Numbers that a loss takes beside the logits."""
PAIRS: tuple[Pair, ...] = (
    *((f"{name}_discriminator", f"{name}_generator") for name in (
        "wasserstein", "hinge", "minimax", "non_saturating", "least_squares", "relativistic", "relativistic_average",
        "relativistic_average_hinge", "relativistic_average_least_squares", "energy_hinge", "energy_margin",
        "boundary_equilibrium", "f_gan_kl", "f_gan_reverse_kl", "f_gan_pearson", "f_gan_neyman", "f_gan_squared_hellinger",
        "f_gan_jensen_shannon", "f_gan_gan", "f_gan_total_variation", "labelled_least_squares")),
    ("label_smoothing_discriminator", "non_saturating_generator"),
)  # fmt: skip
"""What D and G minimise: every pair of the table whose losses read logits alone."""
NOTHING = "nothing"
"""A loss that is 0, whatever the logits."""


class Loss:
    """A loss of the table by name, as an argument of a contract."""

    def __init__(self, name: str) -> None:
        self.name = name

    def bind(self, space: Space) -> Any:
        if self.name == NOTHING:
            return lambda real, fake: 0 * fake.sum()
        function, numbers = getattr(gan_losses, self.name), NUMBERS.get(self.name, ())
        return lambda real, fake: function(real, fake, *numbers)

    def __repr__(self) -> str:
        return f"Loss({self.name!r})"


class Game:
    """D, G and their batches, and what a pair of losses makes of them."""

    def __init__(self, plans: tuple[Plan, Plan, np.ndarray, np.ndarray], space: Space) -> None:
        critic, generator, self.real, self.z = plans
        self.D, self.G, self.space = build(critic), build(generator), space
        largest = max(high for v in self._values() if (high := abs(v)) < math.inf)
        self.D = self.D.scaled(17 / 16 * 2.0 ** -max(0, math.ceil(math.log2(max(largest, 1) / 7.5))))
        sizes = sum(max(p.shape, default=1) for p in (*self.D.parameters, *self.G.parameters))
        self.unit = space.u * (sizes + max(len(self.real), len(self.z)))

    def _values(self) -> list[float]:
        return floats(self.D.exact(self.real)).tolist() + floats(self.D.exact(self.G.exact(self.z))).tolist()

    @cached_property
    def fake(self) -> Any:
        """G(z) in balls."""
        return self.G.exact(self.z)

    @cached_property
    def logits(self) -> tuple[np.ndarray, np.ndarray]:
        """Of the reals and the fakes, as doubles."""
        return floats(self.D.exact(self.real)), floats(self.D.exact(self.fake))

    @cached_property
    def sizes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """On absolute values: the fakes (n, f), the logits of reals and fakes."""
        d, g = self.D.majorant(), self.G.majorant()
        fake = g.value(g.parameters, np.abs(self.z))
        return fake, d.value(d.parameters, np.abs(self.real)), d.value(d.parameters, fake)

    def arguments(self, losses: Pair, weight: float) -> tuple[Any, ...]:
        """Arguments of `single_loss`."""
        return Loss(losses[0]), Loss(losses[1]), self.D, self.G, self.real, self.z, weight

    def truth(self, name: str) -> Any:
        """The certified loss at the game's logits: value, slopes and their sizes."""
        return certified(name, *self.logits, NUMBERS.get(name, ()), self.space)

    def discriminator_gradient(self, name: str) -> list[np.ndarray]:
        """∇_D of a loss, in balls."""
        p = [balls(q) for q in self.D.parameters]
        parts = [self.D.pullback(p, x, _column(s))
                 for x, s in zip((balls(self.real), self.fake), self.truth(name).slopes, strict=True)]  # fmt: skip
        return [a + b for a, b in zip(*parts, strict=True)]

    def generator_gradient(self, name: str) -> list[np.ndarray]:
        """∇_G of a loss, in balls."""
        slopes = _column(self.truth(name).slopes[1])
        back = slopes[:, None] * self.D.gradient([balls(q) for q in self.D.parameters], self.fake)
        return self.G.pullback([balls(q) for q in self.G.parameters], balls(self.z), back)

    def steepness(self, name: str, *, bent: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """S of reals and fakes: sizes of the slopes; `bent`: with what rounding of the logits does to them, since every term of
        the table has |φ″| ≤ 1 + moduli of φ′."""
        if name == NOTHING:
            return np.zeros(len(self.real)), np.zeros(len(self.z))
        sizes = [np.array(s) + 1 / len(s) for s in self.truth(name).steepness]
        return sizes[0] * (1 + bent * self.sizes[1]), sizes[1] * (1 + bent * self.sizes[2])

    def discriminator_error(self, losses: Pair, weight: float, *, bent: bool = False) -> float:
        """What rounding may make of ∇_D."""
        d = self.D.majorant()
        own, other = (self.steepness(name, bent=bent) for name in losses)
        parts = [d.pullback(d.parameters, x, a + abs(weight) * b)
                 for x, a, b in zip((np.abs(self.real), self.sizes[0]), own, other, strict=True)]  # fmt: skip
        return self.unit * (norm(parts[0]) + norm(parts[1]))

    def generator_error(self, name: str, weight: float, *, bent: bool = False) -> float:
        """What rounding may make of ∇_G."""
        d, g = self.D.majorant(), self.G.majorant()
        back = abs(weight) * self.steepness(name, bent=bent)[1][:, None] * d.gradient(d.parameters, self.sizes[0])
        return self.unit * norm(g.pullback(g.parameters, np.abs(self.z), back))

    def separate(self, losses: Pair) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """∇_D L_D and ∇_G L_G by two backward passes of the space's own library, to the host."""
        space = self.space
        real, z = space.to_native(self.real), space.to_native(self.z)
        d_loss, g_loss = (Loss(name).bind(space) for name in losses)
        D, G = self.D.bind(space), self.G.bind(space)
        fake = G(z)

        def of_critic(*weights: Any) -> Any:
            critic = self.D.bind(space, weights)
            return d_loss(critic(real), critic(fake))

        def of_generator(*weights: Any) -> Any:
            return g_loss(D(real), D(self.G.bind(space, weights)(z)))

        of_both = derivatives(space, of_critic, D.parameters()), derivatives(space, of_generator, G.parameters())
        return [space.to_host(g) for g in of_both[0]], [space.to_host(g) for g in of_both[1]]


def derivatives(space: Space, function: Any, weights: list[Any]) -> Any:
    """Native gradients of a scalar function of native weights, by the library's reverse mode."""
    assert space.backend.vjp is not None
    return space.backend.vjp(function, weights, space.to_native(np.ones(())))


def _column(values: Any) -> np.ndarray:
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out

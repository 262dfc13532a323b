r"""Laws of the single loss and of both turns: batches of unequal size, and what a call leaves behind (SPEC 6, post 6387).

The last batch of a data set is shorter than the noise that goes with it; weights that were frozen for one turn must learn in
the next; each further pass costs time and moves running statistics.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from flint import arb

from detrace import branch, judge, law, require
from detrace.laws import each, kexue
from detrace.networks import Observed
from detrace.strategies.networks import POLYNOMIAL, games
from detrace.strategies.scalars import choices, integers
from verify.single_loss import SPEC, SUMS, WEIGHTS, judge_gradient
from verify.single_loss_games import NOTHING, Game, Loss, Pair
from verify.single_loss_turns import TURNS

SEPARATE: tuple[Pair, ...] = tuple(
    (f"{name}_discriminator", f"{name}_generator")
    for name in ("wasserstein", "hinge", "minimax", "least_squares", "relativistic_average", "non_saturating")
)
"""Losses that take any number of reals and fakes."""


def unequal(game: Any, longer: str, space: Any) -> Game:
    """The game with one sample more on one side: its first once more."""
    critic, generator, real, z = game
    real, z = (np.concatenate([b, b[:1]]) if side == longer else b for side, b in (("reals", real), ("fakes", z)))
    branch(f"{len(real)} reals, {len(z)} fakes")
    return Game((critic, generator, real, z), space)


UNEQUAL: dict[str, Any] = {"game": games(POLYNOMIAL, exact=True), "longer": choices("reals", "fakes")}


@law(r"L(x_1 \dots x_n, z_1 \dots z_m) = L_D,\quad \nabla_D L = \nabla_D L_D,\quad \nabla_G L = \lambda\nabla_G L_G",
     source=(kexue(6387, 5), SPEC), dtypes="wide", cost=2.0, losses=choices(*SEPARATE), weight=choices(*WEIGHTS),
     **UNEQUAL)  # fmt: skip
def single_loss_takes_unequal_batches(single_loss, game, longer, losses, weight, space):
    """One real more than fakes, or one less, for losses that average each batch by itself: value and, where the library
    differentiates, both gradients are certified. Halving one joint pass of D, or cutting to the shorter, is right for equal
    batches only. Bound: as for equal ones."""
    g = unequal(game, longer, space)
    args = g.arguments(losses, weight)
    own, other = (g.truth(name) for name in losses)
    got = single_loss(*args)
    judge(abs(arb(float(got)) - own.value), space.u * (own.size + weight * other.size), scale=math.inf, why=SUMS, got=got,
          truth=float(own.value.mid()))  # fmt: skip
    if space.backend.vjp is not None:
        judge_gradient(single_loss.gradient(*args, wrt=2), g.discriminator_gradient(losses[0]),
                       g.discriminator_error(losses, weight))  # fmt: skip
        judge_gradient(single_loss.gradient(*args, wrt=3), [weight * t for t in g.generator_gradient(losses[1])],
                       g.generator_error(losses[1], weight))  # fmt: skip


@law(r"L_D(x_1 \dots x_n, z_1 \dots z_m),\quad L_G(x_1 \dots x_n, z_1 \dots z_m)", source=(kexue(6387, "c1"), SPEC),
     dtypes="wide", turn=each(*TURNS), losses=choices(*SEPARATE), **UNEQUAL)  # fmt: skip
def turn_takes_unequal_batches(turn, game, longer, losses, space):
    """One real more than fakes, or one less: value and, where the library differentiates, the player's gradient, certified.
    Bound: as for equal batches."""
    g, player = unequal(game, longer, space), TURNS.index(turn.contract.name)
    truth, args = g.truth(losses[player]), (Loss(losses[player]), g.D, g.G, g.real, g.z)
    got = turn(*args)
    judge(abs(arb(float(got)) - truth.value), space.u * truth.size, scale=math.inf, why="u·(moduli of the summands)", got=got,
          truth=float(truth.value.mid()))  # fmt: skip
    if space.backend.vjp is not None and player == 0:
        judge_gradient(turn.gradient(*args, wrt=1), g.discriminator_gradient(losses[0]),
                       g.discriminator_error((losses[0], NOTHING), 0.0))  # fmt: skip
    elif space.backend.vjp is not None:
        judge_gradient(turn.gradient(*args, wrt=2), g.generator_gradient(losses[1]), g.generator_error(losses[1], 1.0))


def arguments(name: str, g: Game, losses: Pair, players: tuple[Any, Any], batches: tuple[Any, Any]) -> tuple[Any, ...]:
    """Arguments of the single loss, or of a turn."""
    if name in TURNS:
        return Loss(losses[TURNS.index(name)]), *players, *batches
    return *map(Loss, losses), *players, *batches, 1.0


@law(r"\#G = 1,\ \#D = n + m", source=(kexue(6387, "c1", "c2"), SPEC), dtypes="wide", turn=each(*TURNS),
     game=games(POLYNOMIAL, exact=True), losses=choices(*SEPARATE))  # fmt: skip
def turn_asks_each_player_once(turn, game, losses, space):
    """G makes the fakes once, D sees each real and each fake once: a further pass costs time and moves running statistics. No
    tolerance."""
    g = Game(game, space)
    D, G = Observed(g.D), Observed(g.G)
    turn(*arguments(turn.contract.name, g, losses, (D, G), (g.real, g.z)))
    require(len(G.inputs) == 1, f"G is asked {len(G.inputs)} times; once is enough")
    seen, due = sum(x.shape[0] for x in D.inputs), len(g.real) + len(g.z)
    require(seen <= due, f"D is asked for {seen} samples where there are {due}")


@law(r"\theta \text{ and } \psi \text{ learn in the next turn too}", source=(kexue(6387, "c1", "c3"), SPEC), dtypes="wide",
     needs="torch", loss=each("single_loss", *TURNS), game=games(POLYNOMIAL, exact=True), losses=choices(*SEPARATE),
     k=integers(0, 1))  # fmt: skip
def loss_leaves_the_players_as_they_are(loss, game, losses, k, space):
    """After the call every weight of D and of G still requires gradients and has none before `backward`: weights that are
    frozen for one turn and not thawed never learn again. The values of the weights and of both batches stay. No tolerance."""
    g = Game(game, space)
    players = [n.bind(space) for n in (g.D, g.G)]
    weights = [w.requires_grad_() for n in players for w in n.parameters()]
    before = [space.to_host(w).copy() for w in weights]
    functions = [Loss(name).bind(space) for name in losses]
    batches = [space.to_native(b) for b in (g.real, g.z)]
    name = loss.contract.name
    given = functions[TURNS.index(name) : TURNS.index(name) + 1] if name in TURNS else functions
    for _ in range(1 + k):
        loss.native(*given, *players, *batches, *(() if name in TURNS else (1.0,)))
    frozen = [("D", "G")[i >= len(players[0].parameters())] for i, w in enumerate(weights) if not w.requires_grad]
    require(not frozen, f"weights of {frozen[0] if frozen else ''} no longer require gradients after the call")
    require(all(w.grad is None for w in weights), "weights have gradients before backward")
    require(all((space.to_host(w) == b).all() for w, b in zip(weights, before, strict=True)), "weights have changed")
    require(not any(b.requires_grad for b in batches), "a batch requires gradients after the call")

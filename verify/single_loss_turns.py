r"""Laws of the two turns of 1:1 alternation, which a single loss replaces: what each player descends in its own (SPEC 4, 6).

Discriminator's turn: L_D(D(x), D(sg G(z))); generator's turn: L_G(D(x), D(G(z))). Games, certified gradients and their bounds
are those of `single_loss_games`.
"""

from __future__ import annotations

import math

from flint import arb

from detrace import Contract, branch, judge, law, require
from detrace.laws import each, kexue
from detrace.strategies.networks import POLYNOMIAL, games
from detrace.strategies.scalars import integers
from verify.penalty_bounds import joined
from verify.single_loss import FAMILY, SPEC, _harmless, judge_gradient, three_of
from verify.single_loss_games import NOTHING, Game, Loss

TURNS = ("discriminator_turn", "generator_turn")
SIGNATURE = "*,*,*,(n,s...),(m,z...)->()"

DISCRIMINATOR_TURN = Contract(
    "discriminator_turn", SIGNATURE, "L_D(D(x), D(sg G(z))): (discriminator_loss, D, G, real, z)", FAMILY.name, real=True,
    example=lambda: (_harmless()[0], *_harmless()[2:6]), aliases=("d_turn", "discriminator_step", "train_discriminator"),
)  # fmt: skip
GENERATOR_TURN = Contract(
    "generator_turn", SIGNATURE, "L_G(D(x), D(G(z))): (generator_loss, D, G, real, z)", FAMILY.name, real=True,
    example=lambda: _harmless()[1:6], aliases=("g_turn", "generator_step", "train_generator"),
)  # fmt: skip


@law(r"L_D(D(x), D(G(z))),\quad L_G(D(x), D(G(z)))", source=(kexue(6387, "c1"), SPEC), dtypes="wide", turn=each(*TURNS),
     game=games(POLYNOMIAL, exact=True), k=integers(0, 6))  # fmt: skip
def turn_has_its_loss(turn, game, k, space):
    """For every loss of the table and polynomial networks of integers: stopping a gradient changes no value. Bound: u times the
    moduli of the loss's summands."""
    g, player = Game(game, space), TURNS.index(turn.contract.name)
    for losses in three_of(k):
        truth = g.truth(losses[player])
        got = turn(Loss(losses[player]), g.D, g.G, g.real, g.z)
        judge(abs(arb(float(got)) - truth.value), space.u * truth.size, scale=math.inf, why="u·(moduli of the summands)",
              got=got, truth=float(truth.value.mid()))  # fmt: skip


@law(r"\nabla_D L_D,\quad \nabla_G L_G", source=(kexue(6387, "c1", "c3"), SPEC), dtypes="wide", needs="autodiff",
     turn=each(*TURNS), game=games(POLYNOMIAL, exact=True), k=integers(0, 6))  # fmt: skip
def turn_trains_its_player(turn, game, k, space):
    """The player whose turn it is gets the certified gradient of its loss, for every loss of the table. Bound: K·u times the
    sum of absolute terms."""
    g, player = Game(game, space), TURNS.index(turn.contract.name)
    branch(type(g.D).__name__)
    for losses in three_of(k):
        got = turn.gradient(Loss(losses[player]), g.D, g.G, g.real, g.z, wrt=1 + player)
        if player == 0:
            judge_gradient(got, g.discriminator_gradient(losses[0]), g.discriminator_error((losses[0], NOTHING), 0.0))
        else:
            judge_gradient(got, g.generator_gradient(losses[1]), g.generator_error(losses[1], 1.0))


@law(r"\nabla_G L_D(D(x), D(\operatorname{sg} G(z))) = 0", source=(kexue(6387, 3, "c4"), SPEC), dtypes="wide",
     needs="autodiff", game=games(POLYNOMIAL, exact=True), k=integers(0, 6))  # fmt: skip
def discriminators_turn_leaves_the_generator_alone(discriminator_turn, game, k, space):
    """Every gradient that reaches G's weights in D's turn is exactly 0, for every loss of the table; else it waits there for
    G's optimizer. No tolerance."""
    g = Game(game, space)
    for losses in three_of(k):
        got = discriminator_turn.gradient(Loss(losses[0]), g.D, g.G, g.real, g.z, wrt=2)
        require(not any(p.any() for p in got), "a gradient reaches the generator in the discriminator's turn", got=joined(got),
                truth=0 * joined(got))  # fmt: skip

"""Mistakes in the turns of 1:1 alternation: each a line of torch, or of NumPy where the value is wrong."""

from __future__ import annotations

from detrace import mutant

TORCH = "torch-cpu-float64"
TRAINS = "turn_trains_its_player"


@mutant("discriminator_turn", rejected_by="discriminators_turn_leaves_the_generator_alone", space=TORCH)
def discriminators_turn_without_detach(discriminator_loss, D, G, real, z):
    """D(G(z)) without detach: the generator collects gradients of the discriminator's loss."""
    return discriminator_loss(D(real), D(G(z)))


@mutant("discriminator_turn", rejected_by=TRAINS, space=TORCH)
def discriminators_turn_detaches_the_logits(discriminator_loss, D, G, real, z):
    """D(G(z)).detach() for D(G(z).detach()): the discriminator learns nothing from fakes."""
    return discriminator_loss(D(real), D(G(z)).detach())


@mutant("discriminator_turn", rejected_by="turn_has_its_loss")
def discriminators_turn_exchanges_the_batches(discriminator_loss, D, G, real, z):
    """(fake, real) to a loss that takes (real, fake): D learns to be low on real."""
    return discriminator_loss(D(G(z)), D(real))


@mutant("generator_turn", rejected_by=TRAINS, space=TORCH)
def generators_turn_detaches_its_samples(generator_loss, D, G, real, z):
    """D(G(z).detach()), copied from the discriminator's turn: the generator learns nothing."""
    return generator_loss(D(real), D(G(z).detach()) + 0 * D(G(z)))


@mutant("generator_turn", rejected_by=("turn_has_its_loss", TRAINS), space=TORCH)
def generators_turn_climbs(generator_loss, D, G, real, z):
    """The sign turned: G is trained against its own loss."""
    return -generator_loss(D(real), D(G(z)))

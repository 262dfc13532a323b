"""Mistakes in the single loss and in gradient reversal: each a few lines of torch, or of NumPy where the value is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np

from detrace import mutant
from reference import single_loss as right

TORCH = "torch-cpu-float64"
BOTH = ("single_loss_has_both_gradients", "single_loss_agrees_with_separate_passes")
EXACTLY = "single_loss_is_exact_on_bilinear_games"
VALUE = "single_loss_is_the_discriminators_loss"
DIFFERENCE = "stopped_difference_moves_the_generator_only"
STOPPED = "stopped_generator_has_a_zero_gradient"
GAME = "single_loss_plays_the_simultaneous_game"
ADAPTIVE = "weight_cancels_under_adaptive_steps"
RATES = "weight_is_the_ratio_of_learning_rates"
MEMORY = "stopped_weights_move_by_memory_and_decay"


@mutant("single_loss", rejected_by=(VALUE,))
def bracket_without_its_subtraction(discriminator_loss, generator_loss, D, G, real, z, weight):
    """L_D + λL_G(D, G), nothing subtracted: another value."""
    r, f = D(real), D(G(z))
    return discriminator_loss(r, f) + weight * generator_loss(r, f)


@mutant("single_loss", rejected_by=(*BOTH, EXACTLY, DIFFERENCE, GAME, RATES), space=TORCH)
def critic_learns_the_generators_loss(discriminator_loss, generator_loss, D, G, real, z, weight):
    """λL_G(D, G) without its stopped twin: D is taught to please G."""
    fake = G(z)
    r = D(real)
    return discriminator_loss(r, D(fake.detach())) + weight * generator_loss(r, D(fake))


@mutant("single_loss", rejected_by=(*BOTH, EXACTLY, DIFFERENCE, "dropout_breaks_the_zero"), space=TORCH)
def stops_the_loss_for_the_samples(discriminator_loss, generator_loss, D, G, real, z, weight):
    """L_G − sg(L_G): the value is right, D still learns L_G."""
    fake = G(z)
    r = D(real)
    term = generator_loss(r, D(fake))
    return discriminator_loss(r, D(fake.detach())) + weight * (term - term.detach())


@mutant("single_loss", rejected_by=(*BOTH, EXACTLY, STOPPED, GAME, ADAPTIVE, MEMORY), space=TORCH)
def nothing_is_stopped(discriminator_loss, generator_loss, D, G, real, z, weight):
    """L_D sees G's samples unstopped: G descends L_D too, and moves at λ = 0."""
    fake = G(z)
    r, flowing = D(real), D(fake)
    return discriminator_loss(r, flowing) + weight * (generator_loss(r, flowing) - generator_loss(r, D(fake.detach())))


@mutant("single_loss", rejected_by=(*BOTH, EXACTLY, DIFFERENCE, GAME), space=TORCH)
def everything_is_stopped(discriminator_loss, generator_loss, D, G, real, z, weight):
    """G(z) detached in every term: G gets no gradient at all."""
    fake = G(z).detach() + 0 * G(z).sum()
    r = D(real)
    return discriminator_loss(r, D(fake)) + weight * (generator_loss(r, D(fake)) - generator_loss(r, D(fake)))


@mutant("single_loss", rejected_by=(*BOTH, DIFFERENCE, GAME), space=TORCH)
def stops_the_wrong_branch(discriminator_loss, generator_loss, D, G, real, z, weight):
    """L_G(D, sg G) − L_G(D, G): G climbs its own loss."""
    fake = G(z)
    r, stopped = D(real), D(fake.detach())
    return discriminator_loss(r, stopped) + weight * (generator_loss(r, stopped) - generator_loss(r, D(fake)))


@mutant("single_loss", rejected_by=(*BOTH, DIFFERENCE), space=TORCH)
def reversal_for_any_game(discriminator_loss, generator_loss, D, G, real, z, weight):
    """L_D(D(x), D(reverse(G(z)))): gradient reversal, right for zero-sum games only."""
    return discriminator_loss(D(real), D(right.reverse_gradient(G(z), weight)))


@mutant("single_loss", rejected_by=(*BOTH, EXACTLY, RATES), space=TORCH)
def weight_on_the_wrong_term(discriminator_loss, generator_loss, D, G, real, z, weight):
    """λL_D + [L_G − sg …]: the rates are the wrong way round."""
    fake = G(z)
    r, stopped = D(real), D(fake.detach())
    return weight * discriminator_loss(r, stopped) + generator_loss(r, D(fake)) - generator_loss(r, stopped)


@mutant("single_loss", rejected_by=(*BOTH, EXACTLY, RATES), space=TORCH)
def weights_are_normalised(discriminator_loss, generator_loss, D, G, real, z, weight):
    """(L_D + λ[…])/(1 + λ): λ slows D down."""
    return right.single_loss(discriminator_loss, generator_loss, D, G, real, z, weight) / (1 + weight)


@mutant("single_loss", rejected_by=(GAME, *BOTH), space=TORCH)
def alternation_in_disguise(discriminator_loss, generator_loss, D, G, real, z, weight):
    """Moves D's weights by a quarter of its gradient before G is asked."""
    import torch

    fake, leaves = G(z), [p.detach().requires_grad_() for p in D.parameters()]
    own = type(D)(D.network, leaves)
    grads = torch.autograd.grad(discriminator_loss(own(real), own(fake.detach())), leaves)
    ahead = type(D)(D.network, [p - g / 4 for p, g in zip(D.parameters(), grads, strict=True)])
    bracket = generator_loss(ahead(real), ahead(fake)) - generator_loss(ahead(real), ahead(fake.detach()))
    return discriminator_loss(D(real), D(fake.detach())) + weight * bracket


@mutant("single_loss", rejected_by="single_loss_asks_the_generator_once")
def generator_is_asked_twice(discriminator_loss, generator_loss, D, G, real, z, weight):
    """One forward pass of G for each turn, as in alternation: nothing is saved, and dropout in G would differ."""
    r, f, again = D(real), D(G(z)), D(G(z))
    return discriminator_loss(r, f) + weight * (generator_loss(r, again) - generator_loss(r, f))


@mutant("single_loss", rejected_by="single_loss_asks_the_generator_once")
def critic_is_asked_four_times(discriminator_loss, generator_loss, D, G, real, z, weight):
    """D asked anew for the fakes of L_D: four passes."""
    fake = G(z)
    r = D(real)
    return discriminator_loss(r, D(fake)) + weight * (generator_loss(r, D(fake)) - generator_loss(r, D(fake)))


@mutant("single_loss", rejected_by=(MEMORY,), space=TORCH)
def weight_zero_skips_the_generator(discriminator_loss, generator_loss, D, G, real, z, weight):
    """At λ = 0 just L_D: G's gradients are None, not zeros, so that optimisers skip it and memory and decay stand still."""
    if weight == 0:
        return discriminator_loss(D(real), D(G(z).detach()))
    return right.single_loss(discriminator_loss, generator_loss, D, G, real, z, weight)


@mutant("single_loss", rejected_by=(*BOTH, DIFFERENCE), space=TORCH)
def generators_loss_without_the_reals(discriminator_loss, generator_loss, D, G, real, z, weight):
    """Zeros for the logits of the reals in L_G: relativistic generators compare with nothing."""
    fake = G(z)
    r, stopped, flowing = D(real), D(fake.detach()), D(fake)
    zeros = 0 * r.detach()
    return discriminator_loss(r, stopped) + weight * (generator_loss(zeros, flowing) - generator_loss(zeros, stopped))


@mutant("single_loss", rejected_by=(*BOTH, EXACTLY), space=TORCH)
def generator_descends_the_critics_loss(discriminator_loss, generator_loss, D, G, real, z, weight):
    """λ[L_D(D, G) − L_D(D, sg G)]: G helps D."""
    return right.single_loss(discriminator_loss, discriminator_loss, D, G, real, z, weight)


TURNS = "reversal_turns_the_gradient"


@mutant("reverse_gradient", rejected_by=(TURNS, "reversal_is_for_zero_sum_games"), space=TORCH)
def reversal_forgets_its_sign(x, weight):
    """λ times the gradient: scaled, not reversed."""
    return weight * x + ((1 - weight) * x).detach()


@mutant("reverse_gradient", rejected_by=(TURNS, "reversal_is_for_zero_sum_games"), space=TORCH)
def reversal_ignores_its_weight(x, weight):
    """Always −1."""
    return right.reverse_gradient(x, 1.0)


@mutant("reverse_gradient", rejected_by=TURNS, space=TORCH)
def reversal_stops_the_gradient(x, weight):
    """detach: the gradient is 0."""
    return x.detach() + 0 * x


@mutant("reverse_gradient", rejected_by=("reversal_keeps_its_input",))
def reversal_turns_the_value(x: Any, weight: float) -> Any:
    """−λx: the value is reversed too."""
    return np.asarray(-weight * x, dtype=x.dtype)

"""Mistakes of the single loss and of both turns with unequal batches, further passes, frozen weights, second derivatives."""

from __future__ import annotations

from typing import Any

from detrace import mutant
from reference import single_loss as right

TORCH = "torch-cpu-float64"
UNEQUAL = "single_loss_takes_unequal_batches"
TURN = "turn_takes_unequal_batches"
LEAVES = "loss_leaves_the_players_as_they_are"
ONCE = "turn_asks_each_player_once"
TWICE = "reversal_may_be_differentiated_twice"


@mutant("single_loss", rejected_by=UNEQUAL, space=TORCH)
def joint_pass_is_halved(discriminator_loss, generator_loss, D, G, real, z, weight):
    """D(cat([x, G(z)])).chunk(2): with unequal batches a real counts as a fake, or a fake as a real."""
    import torch

    fake = G(z)
    r, stopped = D(torch.cat([real, fake.detach()])).chunk(2)
    return discriminator_loss(r, stopped) + weight * (generator_loss(r, D(fake)) - generator_loss(r, D(fake.detach())))


@mutant("single_loss", rejected_by=UNEQUAL)
def batches_are_cut_to_the_shorter(discriminator_loss, generator_loss, D, G, real, z, weight):
    """x[:n] and z[:n] with the smaller n: what is left over never trains anybody."""
    n = min(len(real), len(z))
    return right.single_loss(discriminator_loss, generator_loss, D, G, real[:n], z[:n], weight)


@mutant("discriminator_turn", rejected_by=TURN, space=TORCH)
def discriminators_joint_pass_is_halved(discriminator_loss, D, G, real, z):
    """D(cat([x, sg G(z)])).chunk(2)."""
    import torch

    return discriminator_loss(*D(torch.cat([real, G(z).detach()])).chunk(2))


@mutant("generator_turn", rejected_by=TURN)
def generators_turn_drops_what_is_left_over(generator_loss, D, G, real, z):
    """z[:len(x)]: the noise is cut to the reals."""
    return generator_loss(D(real), D(G(z[: len(real)])))


@mutant("discriminator_turn", rejected_by=ONCE)
def critic_sees_the_fakes_twice(discriminator_loss, D, G, real, z):
    """One pass more for the log."""
    fake = G(z)
    D(fake)
    return right.discriminator_turn(discriminator_loss, D, lambda _: fake, real, z)


@mutant("generator_turn", rejected_by=ONCE)
def generator_makes_the_fakes_twice(generator_loss, D, G, real, z):
    """G asked once for the shape."""
    G(z)
    return generator_loss(D(real), D(G(z)))


def freeze(player: Any) -> None:
    for p in player.parameters():
        p.requires_grad_(False)


@mutant("generator_turn", rejected_by=LEAVES, space=TORCH)
def generators_turn_freezes_the_critic(generator_loss, D, G, real, z):
    """requires_grad_(False) on D to save its gradients, and no way back."""
    freeze(D)
    return generator_loss(D(real), D(G(z)))


@mutant("discriminator_turn", rejected_by=LEAVES, space=TORCH)
def discriminators_turn_freezes_the_generator(discriminator_loss, D, G, real, z):
    """requires_grad_(False) on G in place of a detach."""
    freeze(G)
    return discriminator_loss(D(real), D(G(z)))


@mutant("single_loss", rejected_by=LEAVES, space=TORCH)
def weights_get_gradients_before_backward(discriminator_loss, generator_loss, D, G, real, z, weight):
    """backward() inside, to see whether it works."""
    loss = right.single_loss(discriminator_loss, generator_loss, D, G, real, z, weight)
    if all(p.is_leaf and p.requires_grad for p in D.parameters()):
        loss.backward(retain_graph=True)
    return loss


@mutant("reverse_gradient", rejected_by=TWICE, space=TORCH)
def reversal_detaches_on_the_way_back(x, weight):
    """−λ·grad.data: the first derivative is right, of the second nothing is left."""
    import torch

    class Reversal(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.view_as(x)

        @staticmethod
        def backward(ctx, grad):
            return -weight * grad.data

    return Reversal.apply(x)


@mutant("reverse_gradient", rejected_by="reversal_keeps_its_input", space=TORCH)
def reversal_by_a_difference(x, weight):
    """sg((1 + λ)x) − λx: the right gradient, and a value that rounds."""
    return ((1 + weight) * x).detach() - weight * x

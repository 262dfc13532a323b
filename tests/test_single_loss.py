"""The single loss as people use it: torch modules under one optimizer; the certified games that laws judge it by."""

from __future__ import annotations

import re
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import torch

from detrace.spaces import probe, space
from reference import gan_losses
from reference.gradient_penalties import zero_centred_real_penalty
from reference.single_loss import discriminator_turn, generator_turn, reverse_gradient, single_loss, training_step
from verify.gan_losses import LOSSES
from verify.single_loss import three_of
from verify.single_loss_games import NUMBERS, PAIRS, Game, Loss

HINGE = (gan_losses.hinge_discriminator, gan_losses.hinge_generator)


def modules() -> tuple[torch.nn.Module, torch.nn.Module]:
    torch.manual_seed(1)
    D = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Softplus(), torch.nn.Linear(8, 1)).double()
    return D, torch.nn.Linear(3, 2).double()


def batches() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(2)
    return torch.randn(5, 2, dtype=torch.float64), torch.randn(5, 3, dtype=torch.float64)


def test_one_step_is_two_steps_at_the_old_point():
    """training_step moves torch modules as two optimizers do that are fed before either steps."""
    D, G = modules()
    D2, G2 = modules()
    real, z = batches()
    loss = training_step(D, G, torch.optim.SGD([*D.parameters(), *G.parameters()], lr=0.1), *HINGE, real, z, 0.5)
    of_critic = HINGE[0](D2(real), D2(G2(z).detach()))
    assert loss.item() == of_critic.item()
    assert not loss.requires_grad
    grads = [torch.autograd.grad(of_critic, list(D2.parameters())),
             torch.autograd.grad(HINGE[1](D2(real), D2(G2(z))), list(G2.parameters()))]  # fmt: skip
    for p, q, g in zip(D.parameters(), D2.parameters(), grads[0], strict=True):
        torch.testing.assert_close(p, q - 0.1 * g, rtol=1e-13, atol=1e-15)
    for p, q, g in zip(G.parameters(), G2.parameters(), grads[1], strict=True):
        torch.testing.assert_close(p, q - 0.05 * g, rtol=1e-13, atol=1e-15)


def test_training_with_a_penalty_brings_fakes_to_reals():
    """Gaussians on the line: with the zero-centred penalty on reals in L_D the fakes' mean reaches the reals'."""
    torch.manual_seed(3)
    D = torch.nn.Sequential(torch.nn.Linear(1, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
    G = torch.nn.Linear(1, 1)
    optimizer = torch.optim.SGD([*D.parameters(), *G.parameters()], lr=0.1)
    for _ in range(400):
        real, z = 2 + 0.5 * torch.randn(64, 1), torch.randn(64, 1)

        def critic_loss(r, f, real=real):
            return gan_losses.non_saturating_discriminator(r, f) + 0.5 * zero_centred_real_penalty(D, real)

        training_step(D, G, optimizer, critic_loss, gan_losses.non_saturating_generator, real, z)
    assert abs(G(torch.zeros(1)).item() - 2) < 0.3


def test_the_loop_of_the_documentation_trains():
    """docs/using.md's loop runs as it stands, and the critic's gap is a number."""
    text = (Path(__file__).resolve().parent.parent / "docs" / "using.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(from detrace\.reference.*?)```", text, flags=re.S)
    torch.manual_seed(4)
    names = {"torch": torch, "D": torch.nn.Linear(2, 1), "G": torch.nn.Linear(64, 2), "loader": torch.ones(3, 5, 2)}
    before = names["G"].bias.detach().clone()
    exec(code, names)
    assert np.isfinite(names["gap"])
    assert not torch.equal(names["G"].bias, before)


def test_gradients_that_are_stopped_are_zeros():
    """At weight 0 the generator's gradients are tensors of zeros, not None."""
    D, G = modules()
    single_loss(*HINGE, D, G, *batches(), weight=0.0).backward()
    assert all(p.grad is not None and not p.grad.any() for p in G.parameters())


def test_turns_of_alternation():
    """The discriminator's turn leaves G without gradients, the generator's gives both; values are those of the losses."""
    D, G = modules()
    real, z = batches()
    loss = discriminator_turn(HINGE[0], D, G, real, z)
    assert loss.item() == HINGE[0](D(real), D(G(z))).item()
    loss.backward()
    assert all(p.grad is None for p in G.parameters())
    assert all(p.grad is not None for p in D.parameters())
    generator_turn(HINGE[1], D, G, real, z).backward()
    assert all(p.grad is not None for p in G.parameters())


def test_running_averages_are_updated_once_a_pass():
    """A critic with batch normalisation remembers three passes a step: the reals once, the fakes twice."""
    norm = torch.nn.BatchNorm1d(2).double()
    G = torch.nn.Linear(3, 2).double()
    D = torch.nn.Sequential(norm, torch.nn.Linear(2, 1).double())
    single_loss(*HINGE, D, G, *batches()).backward()
    assert norm.num_batches_tracked == 3


def test_reversal_twice_is_a_product():
    """Weights multiply, and the second derivative exists."""
    x = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    y = reverse_gradient(reverse_gradient(x**3, 2.0), 0.5)
    (g,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    torch.testing.assert_close(g, 3 * x**2)
    (h,) = torch.autograd.grad(reverse_gradient(x**3, 2.0).sum(), x, create_graph=True)
    (hh,) = torch.autograd.grad(h.sum(), x)
    torch.testing.assert_close(hh, -12 * x)


@pytest.mark.skipif(bool(probe("jax-cpu")), reason=f"JAX is not here: {probe('jax-cpu')}")
def test_reversal_in_jax_under_jit():
    """The value stays, the gradient turns, compiled too."""
    import jax

    value, grad = jax.jit(jax.value_and_grad(lambda x: reverse_gradient(x * x, 3.0).sum()))(jax.numpy.array([2.0]))
    assert (float(value), float(grad[0])) == (4.0, -12.0)


# -- the games --------------------------------------------------------------------------------------------------------


def test_every_pair_of_losses_takes_its_turn():
    """All losses of the table but those without a partner, and each pair for one k."""
    assert sorted(chain(*map(three_of, range(7)))) == sorted(PAIRS)
    named = {name for pair in PAIRS for name in pair}
    alone = {"gan_qp_generator"}
    assert set(LOSSES) - named <= alone
    assert named <= set(LOSSES)
    assert set(NUMBERS) <= named


GAME = (
    ("TwoLayer", "square", (np.array([[1.0, -1.0]]), np.array([1.0]), np.array([2.0]))),
    ("LinearGenerator", "", (np.array([[1.0], [2.0]]), np.array([0.0, -1.0]))),
    np.array([[1.0, 0.0], [2.0, 1.0]]),
    np.array([[1.0], [-1.0]]),
)


@pytest.mark.parametrize("losses", PAIRS, ids=lambda p: p[0])
def test_certified_gradients_are_those_of_torch(losses):
    """The chain rule in balls against two backward passes, and within the stated bound."""
    game = Game(GAME, space("torch-cpu-float64"))
    for due, got in zip((game.discriminator_gradient(losses[0]), game.generator_gradient(losses[1])), game.separate(losses),
                        strict=True):  # fmt: skip
        for a, b in zip(due, got, strict=True):
            np.testing.assert_allclose(np.array([float(v) for v in np.ravel(a)]).reshape(b.shape), b, rtol=1e-12, atol=1e-13)
    assert 0 < game.discriminator_error(losses, 1.0) < 1e-10
    assert game.discriminator_error(losses, 2.0**20) > 1000 * game.discriminator_error(losses, 1.0)


def test_logits_of_a_game_stay_off_the_kinks():
    """At most 8 in size and never ±1."""
    for logits in Game(GAME, space("torch-cpu-float64")).logits:
        assert (np.abs(logits) <= 8).all()
        assert not (np.abs(logits) == 1).any()


def test_losses_are_arguments():
    """Named, bound to a space, with the numbers that the table needs."""
    loss = Loss("energy_margin_discriminator").bind(space("torch-cpu-float64"))
    assert loss(torch.tensor([1.0]), torch.tensor([-1.0])).item() == gan_losses.energy_margin_discriminator(
        torch.tensor([1.0]), torch.tensor([-1.0]), 1.0
    )
    assert repr(Loss("hinge_generator")) == "Loss('hinge_generator')"

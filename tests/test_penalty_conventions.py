"""Penalties as people write them become the contract's: argument order, shapes, a random α, a built-in target."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from detrace import NotOffered
from detrace.conventions import draws, penalty
from detrace.engine import HELD, PROFILES, UNDECIDED, VIOLATED, run
from detrace.networks import Quadratic
from detrace.spaces import space
from detrace.subjects import SubjectError, from_object
from detrace.suite import load
from reference import gradient_penalties as right

SUITE, WHERE = load(), space("torch-cpu-float64")
CRITIC = Quadratic(np.array([[1.0, 0.5], [0.0, -1.0]]), np.array([0.25, 1.0])).bind(WHERE)
REAL, FAKE = (torch.tensor(x, dtype=torch.float64) for x in ([[0.5, -1.0], [2.0, 0.25], [1.0, 1.0]],
                                                           [[0.0, 1.0], [1.5, -0.5], [-1.0, 0.25]]))  # fmt: skip
ALPHA = torch.tensor([0.25, 0.5, 1.0], dtype=torch.float64)
DUE = right.two_sided_penalty(CRITIC, REAL, FAKE, ALPHA)


def usual(D, real, fake):
    """As it stands in many scripts."""
    alpha = torch.rand(real.size(0), 1, device=real.device)
    x = (alpha * real + (1 - alpha) * fake).requires_grad_(True)
    grad = torch.autograd.grad(D(x).sum(), x, create_graph=True)[0]
    return ((grad.view(len(x), -1).norm(2, dim=1) - 1) ** 2).mean()


def for_images(real_samples, fake_samples, D, lambda_gp=10):
    """As it stands in many others: images, a column of logits, NumPy's α, the weight inside."""
    alpha = torch.Tensor(np.random.random((real_samples.size(0), 1, 1, 1)))
    x = (alpha * real_samples + (1 - alpha) * fake_samples).requires_grad_(True)
    d = D(x)
    ones = torch.ones(real_samples.shape[0], 1, dtype=d.dtype)
    grad = torch.autograd.grad(outputs=d, inputs=x, grad_outputs=ones, create_graph=True, retain_graph=True)[0]
    return lambda_gp * ((grad.view(grad.size(0), -1).norm(2, dim=1) - 1) ** 2).mean()


def in_place(critic, real, fake, target):
    """Tensor.uniform_, a target."""
    alpha = torch.empty(len(real), *[1] * (real.dim() - 1)).uniform_(0, 1)
    return right.two_sided_penalty(critic, real, fake, alpha.reshape(-1).to(real.dtype), target)


def at_points(d_out, x_in):
    """What some libraries ask for: the critic's output and where it was taken."""
    grad = torch.autograd.grad(d_out.sum(), x_in, create_graph=True)[0]
    return ((grad.reshape(len(x_in), -1).norm(2, dim=1) - 1) ** 2).mean()


def compute_grad2(d_out, x_in):
    """R1 as it was published (GAN_stability), but for the mean over the batch."""
    grad = torch.autograd.grad(d_out.sum(), x_in, create_graph=True, retain_graph=True, only_inputs=True)[0]
    return grad.pow(2).view(x_in.size(0), -1).sum(1).mean()


IMAGES: dict[str, Any] = {"takes": "real fake critic", "samples": "(n,c,h,w)", "logits": "(n,1)", "scale": 0.1}
FORMS = {
    "usual": penalty(usual, samples="(n,f)"),
    "images": penalty(for_images, **IMAGES),
    "a target": penalty(in_place, takes="critic real fake target"),
    "alpha as an argument": penalty(right.two_sided_penalty, takes="critic real fake alpha"),
    "points and logits": penalty(at_points, takes="logits point", logits="(n,1)"),
    "half": penalty(lambda D, x, y: usual(D, x, y) / 2, samples="(n,f)", scale=2),
}


def mine(function):
    """A user's module with this penalty."""
    return from_object(type("Mine", (), {"two_sided_penalty": staticmethod(function)}), SUITE.contracts, name="mine")


@pytest.mark.parametrize("form", FORMS)
def test_every_form_becomes_the_contract(form):
    """Value and gradient are the reference's, whatever the function takes and draws."""
    assert FORMS[form](CRITIC, REAL, FAKE, ALPHA, 1.0).item() == pytest.approx(DUE.item(), rel=1e-14)


@pytest.mark.parametrize("form", ["usual", "images", "points and logits"])
def test_usual_penalties_are_judged_right(form):
    """The laws on values, gradients and form hold; laws about a target that is built in are undecided where it is not 1."""
    subject = mine(FORMS[form])
    for base, due in (("penalty_is_certified", HELD), ("penalty_has_its_gradient", HELD), ("penalty_of_a_linear_critic", HELD),
                      ("penalty_takes_one_alpha_a_sample", HELD), ("penalty_leaves_its_tensors_alone", HELD),
                      ("penalty_vanishes_at_its_target", UNDECIDED)):  # fmt: skip
        law = SUITE.laws[f"{base}.two_sided_penalty"]
        outcome = run(law, subject, WHERE, SUITE.contracts, PROFILES["quick"])
        assert outcome.outcome == due, f"{base}: {outcome.reason}"


@pytest.mark.parametrize("alpha", ["torch.rand(1)", "torch.rand_like(real)", "torch.tensor(np.random.rand())"])
def test_other_alphas_are_seen(alpha):
    """One for the batch, or one for each entry of a sample, gives another value, which the laws reject."""

    def wrong(D, real, fake):
        a = eval(alpha, {"torch": torch, "np": np, "real": real})
        x = (a * real + (1 - a) * fake).requires_grad_()
        grad = torch.autograd.grad(D(x).sum(), x, create_graph=True)[0]
        return ((grad.reshape(len(x), -1).norm(2, dim=1) - 1) ** 2).mean()

    subject = mine(penalty(wrong))
    law = SUITE.laws["penalty_is_certified.two_sided_penalty"]
    assert run(law, subject, WHERE, SUITE.contracts, PROFILES["quick"]).outcome == VIOLATED


def test_penalties_of_one_batch():
    """R1 and R2 take a critic and samples, and draw nothing."""
    r1 = penalty(lambda x, D: right.zero_centred_real_penalty(D, x), takes="real critic")
    assert r1(CRITIC, REAL).item() == right.zero_centred_real_penalty(CRITIC, REAL).item()
    r1 = penalty(compute_grad2, takes="logits point")
    assert r1(CRITIC, REAL).item() == pytest.approx(right.zero_centred_real_penalty(CRITIC, REAL).item(), rel=1e-14)
    r2 = penalty(lambda x, D: right.zero_centred_fake_penalty(D, x), takes="fake critic")
    assert r2(CRITIC, FAKE).item() == right.zero_centred_fake_penalty(CRITIC, FAKE).item()


def test_what_is_built_in_is_not_offered_otherwise():
    """Another target, or other k and p, than those inside: no verdict."""
    with pytest.raises(NotOffered, match="target is 1 inside"):
        FORMS["usual"](CRITIC, REAL, FAKE, ALPHA, 0.5)
    with pytest.raises(NotOffered, match="p is 6 inside"):
        FORMS["usual"](CRITIC, REAL, FAKE, ALPHA, 2.0, 3.0)


def test_alpha_must_come_from_somewhere():
    """A function that neither takes α nor draws it in a known way is told what to do; so is one with too many α."""
    other = penalty(lambda D, real, fake: right.two_sided_penalty(D, real, fake, torch.randn(len(real)).double()))
    with pytest.raises(RuntimeError, match=r"draws none by torch\.rand, .*takes='critic real fake alpha'"):
        other(CRITIC, REAL, FAKE, ALPHA, 1.0)
    with pytest.raises(ValueError, match="one alpha a sample, not 2 for 3"):
        FORMS["usual"](CRITIC, REAL, FAKE, ALPHA[:2], 1.0)


def test_draws_stand_in_and_go_away():
    """Every known way to draw uniform numbers gives α inside, in the shape and dtype that were asked for, and not outside."""
    before = torch.rand, torch.rand_like, torch.Tensor.uniform_, np.random.rand, np.random.uniform
    column = ALPHA.reshape(3, 1)
    with draws(ALPHA) as drawn:
        for got in (torch.rand(3, 1), torch.rand((3, 1)), torch.rand(size=(3, 1)), torch.rand_like(column),
                    torch.empty(3, 1).uniform_(), torch.tensor(np.random.rand(3, 1)), torch.tensor(np.random.random((3, 1))),
                    torch.tensor(np.random.random_sample((3, 1))), torch.tensor(np.random.uniform(0, 1, (3, 1)))):  # fmt: skip
            assert torch.equal(got.double(), column)
        assert torch.rand(3).dtype == torch.get_default_dtype()
        assert torch.rand(3, dtype=torch.float64).dtype == torch.float64
        assert torch.rand(1).item() == np.random.rand() == np.random.uniform() == 0.25
        assert np.random.uniform(-1, 1) == -0.5
        assert torch.rand(3, 2).tolist() == [[0.25, 0.5], [1.0, 0.25], [0.5, 1.0]]
        assert drawn.calls == 16
    assert before == (torch.rand, torch.rand_like, torch.Tensor.uniform_, np.random.rand, np.random.uniform)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"takes": "real fake"}, "takes='real fake' says nothing; it lists the arguments, of critic, real, "),
        ({"takes": "critic real noise"}, "takes='critic real noise' says nothing"),
        ({"takes": "critic real real"}, "says nothing"),
        ({"samples": "(n,c)"}, r"samples='\(n,c\)' says nothing; samples is one of '\(n,...\)'"),
        ({"logits": "()"}, r"logits='\(\)' says nothing"),
        ({"scale": "half"}, "scale='half' is no number"),
    ],
)
def test_wrong_words_are_refused(words, sentence):
    """One clear sentence that lists what there is."""
    with pytest.raises(SubjectError, match=sentence):
        penalty(usual, **words)


def test_only_functions_are_wrapped():
    """What cannot be called is refused; what can keeps its name and source."""
    with pytest.raises(SubjectError, match="wraps a function, not a float"):
        penalty(3.0)  # type: ignore[arg-type]
    wrapped: Any = penalty(usual)
    assert (wrapped.__name__, wrapped.__doc__, wrapped.source) == ("usual", "As it stands in many scripts.", usual)

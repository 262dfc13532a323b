"""Conventions: a loss in anybody's form becomes the contract's, and keeps its gradients."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from detrace.conventions import HIGH_ON, READS, REDUCTION, TAKES, loss
from detrace.engine import HELD, PROFILES, VIOLATED, run
from detrace.spaces import space
from detrace.subjects import SubjectError, from_object
from detrace.suite import load
from reference import gan_losses as right

REAL, FAKE = np.array([1.5, -0.25, 3.0]), np.array([0.5, -2.0])
F = torch.nn.functional
U, SINGLE = 2.0**-53, 2.0**-24
VALUE = 64
"""Units roundoff of a value: sixteen roundings of numbers up to 4, which are the logits, their softplus, and what a rounding of
a probability does to its logarithm here."""
SLOPE = 8 * np.exp(np.abs(REAL).max())
"""Units roundoff of a slope, relative: eight roundings, of which 1 − σ(d) carries up to e^|d| times that of σ."""


def softplus(x: Any) -> Any:
    return np.logaddexp(0, x)


MINIMAX, NON_SATURATING = "minimax_discriminator", "non_saturating_generator"
FORMS: dict[str, tuple[str, Any]] = {
    "as it is": (MINIMAX, loss(lambda r, f: softplus(-r).mean() + softplus(f).mean())),
    "fake first": (MINIMAX, loss(lambda f, r: softplus(-r).mean() + softplus(f).mean(), takes="fake real")),
    "fake only": (NON_SATURATING, loss(lambda f: softplus(-f).mean(), takes="fake")),
    "low on real": (MINIMAX, loss(lambda u, v: softplus(u).mean() + softplus(-v).mean(), high_on="fake")),
    "probabilities": (MINIMAX, loss(lambda r, f: -np.log(r).mean() - np.log(1 - f).mean(), reads="probabilities")),
    "sums of unequal batches": (MINIMAX, loss(lambda r, f: softplus(-r).sum() + softplus(f).sum(), reduction="sum")),
    "a sum of one batch": (NON_SATURATING, loss(lambda f: softplus(-f).sum(), takes="fake", reduction="sum")),
    "values of both batches": (MINIMAX, loss(lambda r, f: (softplus(-r), softplus(f)), reduction="none")),
    "values of one batch": (NON_SATURATING, loss(lambda f: softplus(-f), takes="fake", reduction="none")),
    "half": (MINIMAX, loss(lambda r, f: (softplus(-r).mean() + softplus(f).mean()) / 2, scale=2)),
    "to be maximised": ("wasserstein_discriminator", loss(lambda r, f: r.mean() - f.mean(), scale=-1.0)),
    "real only": (MINIMAX, lambda r, f: loss(lambda x: softplus(-x).mean(), takes="real")(r, f) + softplus(f).mean()),
    "labels, discriminator": (
        MINIMAX, loss(lambda d, y: (softplus(d) - y * d).mean(), takes="logits labels", player="discriminator")
    ),
    "labels, generator": (
        NON_SATURATING, loss(lambda d, y: (softplus(d) - y * d).mean(), takes="logits labels", player="generator")
    ),
    "labels, values": (
        MINIMAX, loss(lambda d, y: softplus(d) - y * d, takes="logits labels", player="discriminator", reduction="none")
    ),
    "labels, sums": (
        MINIMAX, loss(lambda d, y: (softplus(d) - y * d).sum(), takes="logits labels", player="discriminator", reduction="sum")
    ),
    "target is real": (
        MINIMAX, loss(lambda d, true: softplus(-d if true else d).mean(), takes="logits is_real", player="discriminator")
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_form_becomes_the_contract(form: str) -> None:
    """Whatever a loss takes and returns, the wrapped one gives the reference's value on unequal batches."""
    name, wrapped = FORMS[form]
    assert np.allclose(wrapped(REAL, FAKE), getattr(right, name)(REAL, FAKE), rtol=0.0, atol=VALUE * U)


def test_every_word_is_tried() -> None:
    """The forms above use every word that the documentation lists."""
    text = Path(__file__).read_text(encoding="utf-8")
    for word in (*TAKES, *HIGH_ON, *READS, *REDUCTION):
        assert f'"{word}"' in text or word in ("real", "logits", "mean", "real fake"), word


CRITERIA = {
    "labels": loss(torch.nn.BCEWithLogitsLoss(), takes="logits labels", player="discriminator"),
    "sums": loss(lambda r, f: F.softplus(-r).sum() + F.softplus(f).sum(), reduction="sum"),
    "probabilities": loss(
        lambda r, f: F.binary_cross_entropy(r, torch.ones_like(r)) - torch.log(1 - f).mean(), reads="probabilities"
    ),
    "energies": loss(lambda u, v: F.softplus(u).mean() + F.softplus(-v).mean(), high_on="fake"),
}


@pytest.mark.parametrize("form", CRITERIA)
def test_gradients_flow_through(form: str) -> None:
    """Reverse mode of torch through a wrapped criterion gives the closed-form gradient."""
    real, fake = (torch.tensor(x, requires_grad=True) for x in (REAL, FAKE))
    CRITERIA[form](real, fake).backward()
    for leaf, due in zip((real, fake), right.minimax_discriminator_gradient(REAL, FAKE), strict=True):
        assert leaf.grad is not None
        assert np.allclose(leaf.grad.numpy(), due, rtol=SLOPE * U, atol=0.0)


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="JAX is not installed")
def test_jax_arrays_stay_jax_arrays() -> None:
    """Values and gradients in JAX, through σ as well."""
    import jax
    import jax.numpy as jnp

    wrapped = loss(lambda r, f: -jnp.log(r).mean() - jnp.log(1 - f).mean(), reads="probabilities")
    real, fake = jnp.asarray(REAL, dtype="float32"), jnp.asarray(FAKE, dtype="float32")
    assert isinstance(wrapped(real, fake), jax.Array)
    due = right.minimax_discriminator_gradient(REAL, FAKE)[0]
    assert np.allclose(jax.grad(wrapped)(real, fake), due, rtol=SLOPE * SINGLE, atol=0.0)


def test_numpy_probabilities_keep_small_values() -> None:
    """σ(−700) is a small number, not 0, and σ(700) is 1: nothing overflows. Within 8u: an exponential, a sum and a quotient,
    against an exponential."""
    seen: list[Any] = []
    wrapped = loss(lambda r, f: seen.append((r, f)) or 0.0, reads="probabilities")
    with np.errstate(all="raise"):
        wrapped(np.array([-700.0, 0.0]), np.array([700.0]))
    assert np.allclose(seen[0][0], [np.exp(-700.0), 0.5], rtol=8 * U, atol=0.0)
    assert seen[0][1][0] == 1.0


def test_further_arguments_are_passed_on() -> None:
    """A margin or labels that the contract has behind the batches reach the function."""
    wrapped = loss(lambda f, r, m: (r.mean() + np.maximum(0, m - f).mean()), takes="fake real")
    assert wrapped(REAL, FAKE, 0.5) == right.energy_margin_discriminator(REAL, FAKE, 0.5)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"takes": "logit"}, "takes='logit' says nothing; takes is one of 'real fake', 'fake real'"),
        ({"high_on": "both"}, "high_on='both' says nothing; high_on is one of 'real', 'fake'"),
        ({"reads": "scores"}, "reads='scores' says nothing"),
        ({"reduction": "average"}, "reduction='average' says nothing; reduction is one of 'mean', 'sum', 'none'"),
        ({"takes": "logits labels"}, "without player"),
        ({"takes": "logits labels", "player": "critic"}, "player='critic' says nothing"),
        ({"scale": "half"}, "scale='half' is no number"),
    ],
)
def test_wrong_words_are_refused(words: dict[str, Any], sentence: str) -> None:
    """One clear sentence that lists what there is."""
    with pytest.raises(SubjectError, match=sentence.replace("(", r"\(")):
        loss(lambda r, f: 0.0, **words)


def test_only_functions_are_wrapped() -> None:
    """What cannot be called is refused."""
    with pytest.raises(SubjectError, match="wraps a function"):
        loss(3.0)  # type: ignore[arg-type]


def test_the_wrapped_function_is_remembered() -> None:
    """Name, documentation and source stay, and the signature is the contract's."""

    def g_loss(fake: Any) -> Any:
        """My loss."""
        return -fake.mean()

    wrapped: Any = loss(g_loss, takes="fake")
    assert (wrapped.__name__, wrapped.__doc__, wrapped.source) == ("g_loss", "My loss.", g_loss)


def judged(function: Any) -> str:
    """What becomes of a hinge generator that is wrapped in two lines, in torch."""
    suite = load()

    class Mine:
        hinge_generator = staticmethod(loss(function, takes="fake"))

    subject = from_object(Mine, suite.contracts, name="mine")
    law = suite.laws["loss_is_its_formula.hinge_generator"]
    assert subject.why_not(suite.contracts["hinge_generator"], space("torch-cpu-float32")) == ""
    return run(law, subject, space("torch-cpu-float32"), suite.contracts, PROFILES["quick"]).outcome


def test_a_training_script_is_judged() -> None:
    """The right loss holds, the one with a relu is violated."""
    assert judged(lambda fake_logits: -fake_logits.mean()) == HELD
    assert judged(lambda fake_logits: F.relu(-fake_logits).mean()) == VIOLATED


def test_other_arguments_lead_to_conventions() -> None:
    """A loss that takes what the contract does not is told where to say so."""
    mine = type("Mine", (), {"hinge_generator": staticmethod(lambda fake: -fake.mean())})()
    with pytest.raises(SubjectError, match=r"takes 1 argument, the contract is .*; detrace\.conventions makes it"):
        from_object(mine, load().contracts, name="mine")

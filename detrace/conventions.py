"""Losses as people write them, turned into contracts: sign, order of arguments, labels, reduction, said in one line.

    from detrace.conventions import loss

    hinge_generator = loss(g_loss, takes="fake")
    minimax_discriminator = loss(torch.nn.BCEWithLogitsLoss(), takes="logits labels", player="discriminator")
    energy_hinge_discriminator = loss(d_loss, takes="fake real", high_on="real")

What comes out is called ``(real, fake)`` with logits that are high on real where the contract says D, low on real where it says
U, and returns the mean. Arrays are those of the caller's library (NumPy, torch, JAX, CuPy), and gradients flow through.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from math import lcm
from typing import Any

from array_api_compat import array_namespace, is_jax_array, is_torch_array

from .penalties import draws, penalty
from .subjects import SubjectError

__all__ = ["draws", "loss", "penalty"]

Loss = Callable[..., Any]

TAKES = {
    "real fake": "f(real, fake)",
    "fake real": "f(fake, real)",
    "real": "f(real)",
    "fake": "f(fake)",
    "logits labels": "f(logits, labels) with labels 1 for real and 0 for fake, as a cross entropy is called",
    "logits is_real": "f(logits, True) on real and f(logits, False) on fake, as GANLoss classes are called",
}
"""What a loss may be called with. With labels, a discriminator's loss is f on real plus f on fake; a generator's is f on fakes
that are labelled real."""
HIGH_ON = {"real": "as the contract has it", "fake": "the contract's logits times −1"}
READS = {"logits": "the critic's output as it is", "probabilities": "σ(logits)"}
REDUCTION = {"mean": "the mean of a batch", "sum": "the sum over a batch", "none": "a value for each sample"}
PLAYER = {"discriminator": "real towards 1, fake towards 0", "generator": "fake towards 1"}


def loss(function: Loss, *, takes: str = "real fake", high_on: str = "real", reads: str = "logits", reduction: str = "mean",
         scale: float = 1.0, player: str = "") -> Loss:  # fmt: skip
    """`function` in the form of a GAN loss's contract: (real, fake, …) -> mean, an array ().

    Parameters
    ----------
    takes : what it is called with: ``"real fake"``, ``"fake real"``, ``"real"``, ``"fake"``, ``"logits labels"`` or
        ``"logits is_real"``. Further arguments of the contract (labels, a margin) are passed on behind these.
    high_on : ``"fake"`` if its sign is the opposite of the contract's: it then gets −real and −fake.
    reads : ``"probabilities"`` if it wants σ(logits).
    reduction : ``"sum"`` if it adds up each batch, ``"none"`` if it returns a value for each sample (a tuple of two arrays for
        two batches).
    scale : what its result must be multiplied with: 2 for half a loss, −1 for what is to be maximised.
    player : whose loss it is; needed with labels.

    Raises
    ------
    SubjectError : when a word is not one of these, or `player` is missing; one sentence that says what there is.
    """
    if not callable(function):
        raise SubjectError(f"loss() wraps a function, not a {type(function).__name__}")
    labelled = takes in ("logits labels", "logits is_real")
    words = [("takes", takes, TAKES), ("high_on", high_on, HIGH_ON), ("reads", reads, READS),
             ("reduction", reduction, REDUCTION)]  # fmt: skip
    words += [("player", player, PLAYER)] if player or labelled else []
    for parameter, word, known in words:
        if word not in known:
            what = f"{parameter}={word!r}" if word else f"takes={takes!r} without {parameter}"
            raise SubjectError(f"{what} says nothing; {parameter} is one of {', '.join(map(repr, known))}")
    if isinstance(scale, bool) or not isinstance(scale, int | float):
        raise SubjectError(f"scale={scale!r} is no number; it is what the loss must be multiplied with")

    def contract(real: Any, fake: Any, *numbers: Any) -> Any:
        r, f = (_read(x, high_on, reads) for x in (real, fake))
        if labelled:
            sides = [(f, True)] if player == "generator" else [(r, True), (f, False)]
            parts = [_mean(function(x, _label(x, true, takes), *numbers), [x], reduction) for x, true in sides]
        else:
            batches = [{"real": r, "fake": f}[word] for word in takes.split()]
            if reduction == "sum" and len(batches) == 2:
                batches = _equally_long(*batches)
            parts = [_mean(function(*batches, *numbers), batches, reduction)]
        total = sum(parts[1:], parts[0])
        return total if scale == 1 else total * scale

    contract.__name__ = contract.__qualname__ = getattr(function, "__name__", type(function).__name__)
    contract.__doc__ = inspect.getdoc(function)
    contract.source = function  # type: ignore[attr-defined]
    return contract


def _read(logits: Any, high_on: str, reads: str) -> Any:
    """What the loss wants to see of the critic's output."""
    x = -logits if high_on == "fake" else logits
    return x if reads == "logits" else _sigmoid(x)


def _sigmoid(x: Any) -> Any:
    """σ(x) by the library's own function where it has one whose gradient is finite everywhere."""
    if is_torch_array(x):
        return x.sigmoid()
    if is_jax_array(x):
        import jax

        return jax.nn.sigmoid(x)
    xp = array_namespace(x)
    e = xp.exp(-xp.abs(x))
    return xp.where(x < 0, e, xp.ones_like(e)) / (1 + e)


def _label(x: Any, true: bool, takes: str) -> Any:
    if takes == "logits is_real":
        return true
    xp = array_namespace(x)
    return xp.ones_like(x) if true else xp.zeros_like(x)


def _mean(result: Any, batches: list[Any], reduction: str) -> Any:
    """One number, the mean of each batch, of what the loss returned."""
    if reduction == "mean":
        return result
    if reduction == "sum":
        return result / _size(batches[0])
    parts = result if isinstance(result, tuple | list) else (result,)
    means = [array_namespace(part).mean(part) for part in parts]
    return sum(means[1:], means[0])


def _equally_long(a: Any, b: Any) -> list[Any]:
    """Both batches repeated to one size, so that a sum over both becomes the sum of both means, divided once."""
    xp, n = array_namespace(a, b), lcm(_size(a), _size(b))
    return [x if _size(x) == n else xp.concat([xp.reshape(x, (-1,))] * (n // _size(x))) for x in (a, b)]


def _size(x: Any) -> int:
    size = 1
    for n in x.shape:
        size *= n
    return size

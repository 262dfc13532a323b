"""Gradient penalties as people write them, turned into contracts: arguments, shapes, a random α, a built-in target.

    from detrace.conventions import penalty

    two_sided_penalty = penalty(gradient_penalty)                      # def gradient_penalty(D, real, fake)
    two_sided_penalty = penalty(gp, takes="real fake critic", samples="(n,c,h,w)", logits="(n,1)", scale=0.1)
    zero_centred_real_penalty = penalty(compute_grad2, takes="logits point")        # def compute_grad2(d_out, x_in)
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import numpy as np
from array_api_compat import array_namespace, is_torch_array

from .judging import NotOffered
from .subjects import SubjectError

TAKES = ("critic", "real", "fake", "alpha", "point", "logits", "target", "k", "p")
SAMPLES = {
    "(n,...)": "of any shape, as the contract has them",
    "(n,f)": "rows",
    "(n,c,h,w)": "images; axes of length one are added to others",
}
LOGITS = {"(n,)": "one number a sample, as the contract has them", "(n,1)": "a column, as the last linear layer gives them"}
BUILT_IN = {"target": 1.0, "k": 2.0, "p": 6.0}
"""Numbers that a penalty has inside if it does not take them."""
KNOWN_DRAWS = "torch.rand, torch.rand_like, Tensor.uniform_, numpy.random.rand, random, random_sample, uniform"


def penalty(function: Callable[..., Any], *, takes: str = "critic real fake", samples: str = "(n,...)", logits: str = "(n,)",
            scale: float = 1.0) -> Callable[..., Any]:  # fmt: skip
    """`function` in the form of a gradient penalty's contract: (critic, samples…, α, target) -> an array ().

    Parameters
    ----------
    takes : its arguments in their order, of ``critic``, ``real``, ``fake``, ``alpha``, ``target`` (for WGAN-div ``k`` and
        ``p``), or ``point`` and ``logits`` if it is given the points where it charges (αx + (1−α)y or the batch, not
        DRAGAN's) and the critic's output there. Without ``alpha`` or ``point`` it draws its own α: it is then given the
        law's wherever it draws uniform numbers (see `draws`). Without ``target`` it has 1 inside, and laws about other
        targets are undecided.
    samples : the shape that it wants: ``"(n,...)"``, ``"(n,f)"`` or ``"(n,c,h,w)"``.
    logits : what it wants of the critic: ``"(n,)"`` or ``"(n,1)"``.
    scale : what its result must be multiplied with: 0.1 if it has the weight 10 inside, 2 if it has a half.

    Raises
    ------
    SubjectError : when a word is not one of these; one sentence that says what there is.
    """
    if not callable(function):
        raise SubjectError(f"penalty() wraps a function, not a {type(function).__name__}")
    words = takes.split()
    if not {"critic", "logits"} & set(words) or len(set(words)) < len(words) or not set(words) <= set(TAKES):
        listed = f"it lists the arguments, of {', '.join(TAKES)}, critic or logits among them"
        raise SubjectError(f"takes={takes!r} says nothing; {listed}")
    for parameter, word, known in (("samples", samples, SAMPLES), ("logits", logits, LOGITS)):
        if word not in known:
            raise SubjectError(f"{parameter}={word!r} says nothing; {parameter} is one of {', '.join(map(repr, known))}")
    if isinstance(scale, bool) or not isinstance(scale, int | float):
        raise SubjectError(f"scale={scale!r} is no number; it is what the penalty must be multiplied with")

    def contract(critic: Any, real: Any, *rest: Any) -> Any:
        fake, alpha = (*rest[:2], None, None)[:2]
        numbers = dict(zip(("target",) if len(rest) == 3 else ("k", "p"), rest[2:], strict=False))
        for name, value in numbers.items():
            if name not in words and value != BUILT_IN[name]:
                raise NotOffered(f"{name} is {BUILT_IN[name]:g} inside")
        seen = Seen(critic, real.shape[1:], column=logits == "(n,1)")
        batches = {"real": real, "fake": real if fake is None else fake}
        given = {"critic": seen, "alpha": alpha} | numbers | {k: _shaped(x, samples) for k, x in batches.items()}
        if {"point", "logits"} & set(words):
            given["point"] = _leaf(_shaped(real if alpha is None else _between(real, fake, alpha), samples))
            given["logits"] = seen(given["point"])
        arguments = [given[word] for word in words]
        if alpha is None or {"alpha", "point", "logits"} & set(words):
            return _scaled(function(*arguments), scale)
        if alpha.shape[0] != real.shape[0]:
            raise ValueError(f"one alpha a sample, not {alpha.shape[0]} for {real.shape[0]}")
        with draws(alpha) as drawn:
            result = function(*arguments)
        if not drawn.calls:
            raise RuntimeError(f"it takes no alpha and draws none by {KNOWN_DRAWS}; let it take one: takes='{takes} alpha'")
        return _scaled(result, scale)

    contract.__name__ = contract.__qualname__ = getattr(function, "__name__", type(function).__name__)
    contract.__doc__ = inspect.getdoc(function)
    contract.source = function  # type: ignore[attr-defined]
    return contract


def _scaled(result: Any, scale: float) -> Any:
    return result if scale == 1 else result * scale


def _shaped(x: Any, samples: str) -> Any:
    """Samples (n, s...) in the shape that is wanted."""
    shape = tuple(x.shape[1:])
    if samples == "(n,f)":
        shape = (math.prod(shape),)
    elif samples == "(n,c,h,w)":
        shape = (*shape, 1, 1, 1)[:3] if len(shape) < 3 else (*shape[:2], math.prod(shape[2:]))
    return x if shape == tuple(x.shape[1:]) else array_namespace(x).reshape(x, (x.shape[0], *shape))


def _between(real: Any, fake: Any, alpha: Any) -> Any:
    a = array_namespace(alpha).reshape(alpha, (-1, *(1 for _ in real.shape[1:])))
    return a * real + (1 - a) * fake


def _leaf(x: Any) -> Any:
    """What torch's gradients are asked of."""
    return x.detach().requires_grad_() if is_torch_array(x) else x


class Seen:
    """A critic of samples (n, features) as a function sees it that has other ideas of shapes; the rest is the critic's own."""

    def __init__(self, critic: Any, features: Sequence[int], *, column: bool) -> None:
        self.critic, self.features, self.column = critic, tuple(features), column

    def __call__(self, x: Any) -> Any:
        xp = array_namespace(x)
        logits = self.critic(xp.reshape(x, (x.shape[0], *self.features)))
        return xp.reshape(logits, (-1, 1)) if self.column else logits

    def __getattr__(self, name: str) -> Any:
        return getattr(self.critic, name)


class Drawn:
    """Numbers that stand in for random ones; `calls` counts how often they were asked for."""

    def __init__(self, alpha: Any) -> None:
        host = alpha.detach().cpu().double().numpy() if is_torch_array(alpha) else np.asarray(alpha, dtype=np.float64)
        self.alpha, self.calls = host.ravel(), 0

    def numbers(self, shape: Any, low: float = 0.0, high: float = 1.0) -> np.ndarray:
        """One for each sample where there is room for one each; the first where there is one; again and again where more."""
        self.calls += 1
        return np.asarray(low + (high - low) * np.resize(self.alpha, shape))


@contextmanager
def draws(alpha: Any) -> Iterator[Drawn]:
    """Inside, uniform random numbers of torch and NumPy are `alpha` (n,): torch.rand, torch.rand_like, Tensor.uniform_,
    numpy.random.rand, random, random_sample and uniform. Whoever draws one number gets the first, n get one each.

    >>> def interpolate(real, fake, alpha):
    ...     with draws(alpha):
    ...         return train.interpolate(real, fake)
    """
    drawn = Drawn(alpha)

    def rand(*shape: int) -> Any:
        return drawn.numbers(shape) if shape else float(drawn.numbers(()))

    def random(size: Any = None) -> Any:
        return drawn.numbers(() if size is None else size)[()]

    def uniform(low: float = 0.0, high: float = 1.0, size: Any = None) -> Any:
        return drawn.numbers(() if size is None else size, low, high)[()]

    with ExitStack() as stack:
        for name, stand_in in (("rand", rand), ("random", random), ("random_sample", random), ("uniform", uniform)):
            stack.enter_context(mock.patch.object(np.random, name, stand_in))
        if is_torch_array(alpha):
            for where, name, stand_in in _of_torch(drawn):
                stack.enter_context(mock.patch.object(where, name, stand_in))
        yield drawn


def _of_torch(drawn: Drawn) -> list[tuple[Any, str, Any]]:
    """What torch draws uniform numbers by, and what stands in."""
    import torch

    def rand(*shape: Any, size: Any = None, dtype: Any = None, device: Any = None, **_: Any) -> Any:
        wanted = size if size is not None else shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape
        values = torch.as_tensor(drawn.numbers(tuple(wanted)))
        return values.to(dtype=dtype or torch.get_default_dtype(), device=device)

    def rand_like(x: Any, *, dtype: Any = None, device: Any = None, **_: Any) -> Any:
        return rand(size=x.shape, dtype=dtype or x.dtype, device=device or x.device)

    def uniform_(self: Any, low: float = 0.0, high: float = 1.0, **_: Any) -> Any:
        return self.copy_(torch.as_tensor(drawn.numbers(tuple(self.shape), low, high)))

    return [(torch, "rand", rand), (torch, "rand_like", rand_like), (torch.Tensor, "uniform_", uniform_)]

"""Members: one subject (or rival) in one space, bound to its arguments and ready to be timed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from ..spaces import Space, backends
from ..subjects import Subject
from .cases import Args, Case, Growth
from .timers import CudaTimer, CupyEvents, Events, Timer, TorchEvents, WallTimer, flush_by_zeroing


class NotCompilableError(TypeError):
    """A function that works on jax only step by step."""


@dataclass
class Member:
    """`call()` computes the result once and returns only when it is there (on a CUDA space: when it is asked for)."""

    subject: str
    space: Space
    call: Callable[[], Any]
    cold: bool = False

    @property
    def key(self) -> str:
        return f"{self.subject}-{self.space.id}{'-cold' if self.cold else ''}"

    def timer(self) -> Timer:
        return timer_of(self.space.backend.id, cold=self.cold)

    def result(self) -> np.ndarray:
        """The result on the host, as float64; of several results the first, which checkers judge."""
        return self.space.to_host(first(self.call()))


def first(result: Any) -> Any:
    """The result, or the first of several."""
    return result[0] if isinstance(result, tuple | list) else result


def of_subject(subject: Subject, case_contract: str, space: Space, args: Args) -> Member:
    """A subject's function on these arguments; on jax compiled, as its users do.

    Raises TypeError where jax cannot compile it: uncompiled it would say nothing about jax.
    """
    return _member(subject, case_contract, space, [_bind(a, space) for a in args])


def of_sizes(subject: Subject, curve: Growth, space: Space) -> list[Member]:
    """The points of a growth curve, each named by its size."""
    largest = [_bind(a, space) for a in curve.arguments(max(curve.sizes))] if curve.blocks else []
    found = []
    for n in curve.sizes:
        native = [a[..., :n, :n] for a in largest] or [_bind(a, space) for a in curve.arguments(n)]
        found.append(_member(subject, curve.contract, space, native))
        found[-1].subject = str(n)
    return found


def _member(subject: Subject, contract: str, space: Space, native: list[Any]) -> Member:
    function = subject.functions[contract]
    if space.backend.name == "jax":
        function = _compiled(function, native)
    return Member(subject.name, space, _finishing(function, native, space))


def of_rival(case: Case, name: str, dtype: str, args: Args) -> Member:
    rival = next(r for r in case.rivals if r.name == name)
    space = Space(backends()[rival.backend], dtype)
    return Member(name, space, _finishing(rival.function, [_bind(a, space) for a in args], space))


@cache
def timer_of(backend_id: str, *, cold: bool = False) -> Timer:
    """Events where the work completes after the call returns, the wall clock elsewhere."""
    if not backend_id.endswith("-cuda"):
        return WallTimer()
    events: Events
    if backend_id == "torch-cuda":
        import torch

        events = TorchEvents()
        flush = flush_by_zeroing(lambda size: torch.empty(size, dtype=torch.uint8, device="cuda")) if cold else None
    else:
        import cupy

        events = CupyEvents()
        flush = flush_by_zeroing(lambda size: cupy.empty(size, dtype=cupy.uint8)) if cold else None
    return CudaTimer(events, flush=flush)


def _bind(arg: Any, space: Space) -> Any:
    if isinstance(arg, np.ndarray):
        return space.to_native(arg)
    return arg.bind(space) if hasattr(arg, "bind") else arg


def _finishing(function: Callable[..., Any], native: list[Any], space: Space) -> Callable[[], Any]:
    """The bare call; on jax it waits for the result, which other CPU libraries do by themselves."""
    if space.backend.name == "jax":
        import jax

        return lambda: jax.block_until_ready(function(*native))
    return lambda: function(*native)


def _compiled(function: Callable[..., Any], native: list[Any]) -> Callable[..., Any]:
    """The compiled function; an argument that is itself a function (a matvec) becomes part of it."""
    import jax

    fixed = [i for i, a in enumerate(native) if not isinstance(a, jax.Array)]
    compiled = jax.jit(function, static_argnums=fixed)
    try:
        compiled(*native)
    except Exception as error:
        raise NotCompilableError(f"jax cannot compile it ({type(error).__name__})") from error
    return compiled

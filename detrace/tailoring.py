"""What differs in Hypothesis while a law is searched. It reaches into Hypothesis, so each change leaves alone what it does not
know."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from hypothesis import core
from hypothesis.internal import entropy
from hypothesis.internal.conjecture import pareto, providers


@contextmanager
def only_our_draws() -> Iterator[None]:
    """Keep Hypothesis from drawing constants that it finds in the source of loaded modules: the inputs of a law would
    depend on what else is loaded, and differ between one process, xdist workers and the isolation mode."""
    before = getattr(providers, "_get_local_constants", None)
    if before is None:  # a Hypothesis that does not do this
        yield
        return
    nothing = providers.Constants()
    providers.CONSTANTS_CACHE.cache.clear()
    providers._get_local_constants = lambda: nothing
    try:
        yield
    finally:
        providers._get_local_constants = before
        providers.CONSTANTS_CACHE.cache.clear()


@contextmanager
def keys_computed_once() -> Iterator[None]:
    """Keep Hypothesis from computing the key that it sorts an example by anew in every comparison. With a database and a target
    it compares each example with many of its Pareto front: a third of a deep search was spent so."""
    before = getattr(pareto, "sort_key", None)
    if before is None:  # a Hypothesis that does not do this
        yield
        return
    keys: dict[int, tuple[Any, Any]] = {}

    def once(nodes: Any) -> Any:
        if id(nodes) not in keys:
            keys[id(nodes)] = nodes, before(nodes)  # with the nodes, so that no others are given their id
        return keys[id(nodes)][1]

    pareto.sort_key = once
    try:
        yield
    finally:
        pareto.sort_key = before


@contextmanager
def generators_kept_once() -> Iterator[None]:
    """Keep Hypothesis from saving and restoring the state of all random generators around each example, which was a tenth of a
    search: they are kept around all examples, and each example still starts from the same seeds."""
    kept = getattr(core, "deterministic_PRNG", None)
    if kept is None or not hasattr(entropy, "RANDOMS_TO_MANAGE"):  # a Hypothesis that does not do this
        yield
        return

    @contextmanager
    def seeded(seed: int = 0) -> Iterator[None]:
        for generator in list(entropy.RANDOMS_TO_MANAGE.values()):
            generator.seed(seed)
        yield

    with kept():
        core.deterministic_PRNG = seeded
        try:
            yield
        finally:
            core.deterministic_PRNG = kept


def from_the_same_seeds() -> AbstractContextManager[None]:
    """As Hypothesis surrounds each example: every random generator starts from the same seed."""
    seeded: Callable[[], AbstractContextManager[None]] = getattr(core, "deterministic_PRNG", nullcontext)
    return seeded()

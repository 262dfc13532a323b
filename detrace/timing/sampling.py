"""Sampling: members of a group take turns, in a new order each round, each for a batch of calls of at least 2 ms."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from .members import Member
from .timers import Sample

BATCH_S = 2e-3
"""Shortest batch: the clock's grain and a timer interrupt stay below a percent of it."""
WARM_S = 2e-3
"""Calls before the first sample go on for this long: caches, branch predictors, lazily made handles."""
MIN_ROUNDS = 4
"""Fewer rounds give no interval worth the name, whatever a call costs."""


@dataclass(frozen=True)
class Effort:
    """`rounds` per process where a group costs at most `budget_s` seconds; dearer groups get fewer, `MIN_ROUNDS` at least."""

    rounds: int
    budget_s: float
    processes: int


QUICK = Effort(rounds=8, budget_s=0.8, processes=3)
FULL = Effort(rounds=20, budget_s=8.0, processes=5)


@contextmanager
def collector_off() -> Iterator[None]:
    """No garbage collection while timing: it would fall into whichever member happens to be running."""
    enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def calibrate(member: Member) -> int:
    """Warm up, then the number of calls that makes a batch of at least `BATCH_S`."""
    timer = member.timer()
    start = time.perf_counter()
    one = timer.sample(member.call, 1).wall_s
    while time.perf_counter() - start < WARM_S or one == 0.0:
        one = timer.sample(member.call, 1).wall_s
    if one >= BATCH_S:
        return 1
    guess = max(1, int(BATCH_S / one / 4))
    one = timer.sample(member.call, guess).wall_s  # a batch amortises the clock
    return max(1, int(np.ceil(BATCH_S / one)))


def interleave(members: Sequence[Member], effort: Effort, rng: np.random.Generator) -> dict[str, list[Sample]]:
    """Samples by member's key, one per round; in each round every member runs once, in random order."""
    with collector_off():
        repeats = {m.key: calibrate(m) for m in members}
        first = {m.key: m.timer().sample(m.call, repeats[m.key]) for m in members}  # also warms what calibrating did not
        cost = sum(s.wall_s * repeats[k] for k, s in first.items())
        rounds = int(np.clip(effort.budget_s / max(cost, 1e-9), MIN_ROUNDS, effort.rounds))
        samples: dict[str, list[Sample]] = {m.key: [] for m in members}
        for _ in range(rounds):
            for i in rng.permutation(len(members)):
                m = members[i]
                samples[m.key].append(m.timer().sample(m.call, repeats[m.key]))
    return samples

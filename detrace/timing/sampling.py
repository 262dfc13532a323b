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
LOST = 0.05
"""Lost time is not counted, but who had the core also had its caches: a sample that lost more than this share is taken
again, `RETAKES` times at most; the take that lost least counts. On a quiet machine nothing is taken again."""
RETAKES, RETAKE_S = 2, 20e-3
"""Longer samples are not taken again: on a busy machine the next take would be disturbed as well."""
MIN_ROUNDS = 4
"""Fewer rounds give no interval worth the name, whatever a call costs."""


@dataclass(frozen=True)
class Effort:
    """How much to measure.

    `rounds` per process where a group costs up to `budget_s` seconds; dearer groups get fewer, at least `MIN_ROUNDS`.
    Another of the `processes`, beyond two, begins only if it would end within `total_s` seconds of the start, judging by the
    others.
    A member whose first call takes longer than `call_s` is not measured.
    """

    rounds: int
    budget_s: float
    processes: int
    total_s: float
    call_s: float


QUICK = Effort(rounds=5, budget_s=0.3, processes=3, total_s=150.0, call_s=0.5)
FULL = Effort(rounds=20, budget_s=8.0, processes=5, total_s=3600.0, call_s=10.0)


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


def calibrate(member: Member) -> tuple[int, float]:
    """Warm up; the number of calls that makes a batch of at least `BATCH_S`, and how long that batch takes (s)."""
    timer, repeats = member.timer(), 1
    start = time.perf_counter()
    one = timer.sample(member.call, 1).seconds
    while time.perf_counter() - start < WARM_S:
        one = min(one, timer.sample(member.call, 1).seconds)
    while repeats * one < BATCH_S:  # a call within a batch costs less than a call alone: approach from below
        repeats = min(4 * repeats, int(BATCH_S / max(one, 1e-9)) + 1)
        one = min(one, timer.sample(member.call, repeats).seconds)
    return repeats, repeats * one


def interleave(members: Sequence[Member], effort: Effort, rng: np.random.Generator) -> dict[str, list[Sample]]:
    """Samples by member's key, one per round; in each round every member runs once, in random order."""
    with collector_off():
        batches = {m.key: calibrate(m) for m in members}
        cost = sum(seconds for _, seconds in batches.values())
        rounds = int(np.clip(effort.budget_s / max(cost, 1e-9), MIN_ROUNDS, effort.rounds))
        samples: dict[str, list[Sample]] = {m.key: [] for m in members}
        for _ in range(rounds):
            for i in rng.permutation(len(members)):
                m = members[i]
                samples[m.key].append(undisturbed(m, batches[m.key][0]))
    return samples


def undisturbed(member: Member, repeats: int) -> Sample:
    """One sample, taken again while other processes get in its way. Two calls before it bring back into the caches what the
    other members put out of them; a call as long as a batch does so itself."""
    if repeats > 1 and not member.cold:
        member.call()
        member.call()
    best = member.timer().sample(member.call, repeats)
    for _ in range(RETAKES):
        if best.lost <= LOST or best.wall_s * repeats > RETAKE_S:
            break
        best = min(best, member.timer().sample(member.call, repeats), key=lambda s: s.lost)
    return best

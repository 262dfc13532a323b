"""The decision: numbers in, a verdict out. Nothing here measures; every constant says where it comes from.

Samples come as blocks of log-ratios: one array (rounds,) for each set of fresh processes (a *pair*: base and head).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..timing import statistics

SAME, FASTER, SLOWER, INCONCLUSIVE = "SAME", "FASTER", "SLOWER", "INCONCLUSIVE"
NEW, GONE, CONTAMINATED = "NEW", "GONE", "CONTAMINATED"

MARGIN = 0.05
"""Base against head: a change must exceed 5 % with its whole interval. Medians of pairs of identical code lie within 1 to
3 % of 1 on a shared machine (memory layout), so that a narrower margin would gate the layout."""
STORED_MARGIN = 0.15
"""Head against a stored ratio: two runs days apart share no interval, so that the point estimate decides, by 15 %."""
PAIRS, ROUNDS = 5, 20
"""Fresh process pairs, and rounds in each. The interval's ends are about the extreme pairs, so that SLOWER needs all
five beyond the margin."""
FEWEST_PAIRS, FEWEST_ROUNDS = 3, 4
"""Fewer pairs do not show how processes differ, fewer rounds have no median worth the name: nothing is decided."""
SEED = 20240613
"""Of the bootstrap: the same numbers always give the same verdict."""


@dataclass(frozen=True)
class Decision:
    """A verdict with the ratio (head over base, or over what was stored), its 95 % interval, and what it rests on."""

    verdict: str
    ratio: float
    low: float
    high: float
    pairs: int
    rounds: int

    def as_json(self) -> dict[str, Any]:
        """Plain data; what is not finite becomes null."""
        return {k: v if not isinstance(v, float) or math.isfinite(v) else None for k, v in asdict(self).items()}


def decide(blocks: Sequence[np.ndarray], *, stored: float | None = None, resamples: int = statistics.RESAMPLES) -> Decision:
    """The verdict on log-ratios head/base; with `stored` (a log-ratio to the same control) on their change since then.

    Median over pairs of the median over rounds; interval by a two-level bootstrap (pairs, then rounds). Comparisons are
    written so that NaN is INCONCLUSIVE.
    """
    pairs, rounds = len(blocks), min((len(b) for b in blocks), default=0)
    if pairs < FEWEST_PAIRS or rounds < FEWEST_ROUNDS:
        ratio = math.exp(statistics.centre(blocks) - (stored or 0.0)) if rounds else math.nan
        return Decision(INCONCLUSIVE, ratio, 0.0, math.inf, pairs, rounds)
    logs = [np.asarray(b, dtype=float) - (stored or 0.0) for b in blocks]
    low, high = np.exp(statistics.interval(logs, np.random.default_rng(SEED), resamples=resamples)).tolist()
    ratio = math.exp(statistics.centre(logs))
    verdict = _by_interval(low, high) if stored is None else _by_ratio(ratio)
    return Decision(verdict, ratio, low, high, pairs, rounds)


def _by_interval(low: float, high: float) -> str:
    if low > 1.0 + MARGIN:
        return SLOWER
    if high < 1.0 - MARGIN:
        return FASTER
    return SAME if low >= 1.0 - MARGIN and high <= 1.0 + MARGIN else INCONCLUSIVE


def _by_ratio(ratio: float) -> str:
    if ratio > 1.0 + STORED_MARGIN:
        return SLOWER
    if ratio < 1.0 / (1.0 + STORED_MARGIN):
        return FASTER
    return SAME if math.isfinite(ratio) else INCONCLUSIVE


Measure = Callable[[list[str], int], dict[str, Decision]]
"""Fresh measurements of the named kernels with so many pairs; one that could not be measured is left out."""


def settle(names: Iterable[str], measure: Measure, pairs: int = PAIRS) -> dict[str, list[Decision]]:
    """Measure, and measure again what is not settled: the trail of decisions of each kernel that could be measured.

    What could not be measured is tried once more, since a worker may die of other things than the code. INCONCLUSIVE is
    measured once more with twice the pairs. SLOWER must be confirmed by fresh processes, as many as the decision had that
    it confirms.
    """
    trails: dict[str, list[Decision]] = {}

    def go(again: list[str], count: int) -> None:
        for name, decision in (measure(again, count) if again else {}).items():
            trails.setdefault(name, []).append(decision)

    wanted = list(names)
    go(wanted, pairs)
    go([n for n in wanted if n not in trails], pairs)
    unsettled, slower = ([n for n, t in trails.items() if t[-1].verdict == v] for v in (INCONCLUSIVE, SLOWER))
    go(unsettled, 2 * pairs)
    go(slower, pairs)
    go([n for n in unsettled if trails[n][-1].verdict == SLOWER], 2 * pairs)
    return trails


def verdict_of(trail: Sequence[Decision]) -> str:
    """What a trail comes to: SLOWER only if the two last decisions say so; SLOWER that was not confirmed decides nothing."""
    last = [d.verdict for d in trail[-2:]]
    return INCONCLUSIVE if SLOWER in last and last != [SLOWER, SLOWER] else last[-1]


def moved(canary: Decision) -> bool:
    """Whether base against base differs as only head may: then the machine, not the code, moves the numbers."""
    return canary.verdict in (SLOWER, FASTER)

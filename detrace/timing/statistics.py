"""Statistics of interleaved samples: ratios, two-level bootstrap, quantiles, serial correlation.

Samples come as blocks: one array (rounds,) for each process. Rounds within a process are correlated and processes
differ (memory layout), so intervals resample processes first, then rounds within them; resampling rounds alone is too
sure of itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Blocks = Sequence[np.ndarray]
RESAMPLES = 2000
"""Enough for 95 % percentiles to repeat within a few percent of the interval's width."""
QUANTILES = tuple(i / 10 for i in range(11))
"""Minimum, deciles, maximum: what is kept of the samples in place of raw data."""


def centre(blocks: Blocks) -> float:
    """Median over processes of the median over rounds."""
    return float(np.median([np.median(b) for b in blocks]))


def interval(blocks: Blocks, rng: np.random.Generator, *, level: float = 0.95,
             resamples: int = RESAMPLES) -> tuple[float, float]:  # fmt: skip
    """Two-level percentile bootstrap of `centre`: processes with replacement, then rounds within each."""
    shortest = min(len(b) for b in blocks)
    rows = np.stack([b[:shortest] for b in blocks])
    processes, rounds = rows.shape
    pick = rng.integers(processes, size=(resamples, processes, 1))
    within = rng.integers(rounds, size=(resamples, processes, rounds))
    centres = np.median(np.median(rows[pick, within], axis=2), axis=1)
    tail = (1 - level) / 2
    low, high = np.quantile(centres, (tail, 1 - tail))
    return float(low), float(high)


def ratio(times: Blocks, base: Blocks, rng: np.random.Generator) -> tuple[float, float, float]:
    """Slowdown against `base` with its 95 % interval, from the log-ratios of samples taken in the same round."""
    logs = [np.log(t / b) for t, b in zip(times, base, strict=True)]
    low, high = interval(logs, rng)
    return float(np.exp(centre(logs))), float(np.exp(low)), float(np.exp(high))


def lag1(blocks: Blocks) -> float | None:
    """Mean lag-1 autocorrelation within processes; None where nothing varies or there are fewer than four rounds."""
    found = []
    for b in blocks:
        d = b - b.mean()
        if len(b) >= 4 and (power := float(d @ d)) > 0:
            found.append(float(d[1:] @ d[:-1]) / power)
    return float(np.mean(found)) if found else None


def quantiles(blocks: Blocks) -> list[float]:
    """`QUANTILES` of all samples, seconds."""
    return [float(f"{q:.4g}") for q in np.quantile(np.concatenate(list(blocks)), QUANTILES)]


def spread(blocks: Blocks) -> float:
    """Interquartile range of all samples, seconds."""
    low, high = np.quantile(np.concatenate(list(blocks)), (0.25, 0.75))
    return float(high - low)

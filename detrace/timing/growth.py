"""Growth: the empirical exponent of time against size, with the fixed cost of a call in the model.

t = a + b·nᵖ with a ≥ 0, b > 0, fitted to log t with a robust loss. A straight line through log t against log n
takes the fixed cost for a smaller exponent: it read 1.50 for a quadratic kernel where this model reads 2.08.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MIN_SIZES, MIN_SPAN = 8, 16.0
"""Fewer sizes, or a shorter range, do not separate a fixed cost from a power."""
ROBUST_SCALE = 0.05
"""Residuals of log t beyond this (5 %) count less than quadratically: a size that hits a cache boundary is no trend."""
P_RANGE = (0.05, 6.0)


@dataclass(frozen=True)
class Fit:
    """t = offset + slope·n^exponent, seconds."""

    offset: float
    slope: float
    exponent: float
    cost: float

    def __call__(self, n: np.ndarray | float) -> np.ndarray:
        return self.offset + self.slope * np.asarray(n, dtype=float) ** self.exponent


Numbers = Sequence[float] | np.ndarray


def fit(sizes: Numbers, times: Numbers) -> Fit:
    """The best of several starts. Raises ValueError for too few sizes, too short a range, or times that are not > 0."""
    n, t = np.asarray(sizes, dtype=float), np.asarray(times, dtype=float)
    if len(n) < MIN_SIZES or (span := n.max() / n.min()) < MIN_SPAN:
        wanted = f"at least {MIN_SIZES} sizes over a factor of {MIN_SPAN:g}"
        raise ValueError(f"growth needs {wanted}, got {len(n)}" + (f" over {span:.3g}" if len(n) >= MIN_SIZES else ""))
    if not (t > 0).all():
        raise ValueError("growth needs positive times")
    return min((_descend(n, t, p) for p in (0.5, 1.0, 2.0, 3.0)), key=lambda f: f.cost)


def _descend(n: np.ndarray, t: np.ndarray, p: float) -> Fit:
    from scipy.optimize import least_squares

    top, scale = n.max(), t.max()
    x, y = n / top, np.log(t / scale)

    def model(theta: np.ndarray) -> np.ndarray:  # log a, log b in units of the largest size and time
        return np.logaddexp(theta[0], theta[1] + theta[2] * np.log(x))

    start = [np.log(max(t.min() / scale / 2, 1e-6)), -0.1, p]
    found = least_squares(
        lambda theta: model(theta) - y, start, loss="soft_l1", f_scale=ROBUST_SCALE,
        bounds=([-40.0, -40.0, P_RANGE[0]], [5.0, 5.0, P_RANGE[1]]), xtol=1e-10, ftol=1e-10,
    )  # fmt: skip
    a, b, exponent = found.x
    return Fit(float(np.exp(a) * scale), float(np.exp(b) * scale / top**exponent), float(exponent), float(found.cost))


def exponent_interval(sizes: Numbers, samples: np.ndarray, rng: np.random.Generator, *, best: Fit | None = None,
                      level: float = 0.95, resamples: int = 100) -> tuple[float, float]:  # fmt: skip
    """Percentile bootstrap of the exponent from `samples` (processes, rounds, sizes): processes, then rounds.

    It says what noise does to the exponent, not how wrong the model is.
    """
    n = np.asarray(sizes, dtype=float)
    processes, rounds, _ = samples.shape
    guess = (best or fit(n, np.median(np.median(samples, axis=1), axis=0))).exponent
    found = []
    for _ in range(resamples):
        pick = rng.integers(processes, size=(processes, 1))
        within = rng.integers(rounds, size=(processes, rounds))
        medians = np.median(samples[pick, within], axis=1)
        found.append(_descend(n, np.median(medians, axis=0), guess).exponent)
    tail = (1 - level) / 2
    low, high = np.quantile(found, (tail, 1 - tail))
    return float(low), float(high)

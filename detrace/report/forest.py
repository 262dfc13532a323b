"""A forest plot, row by row: ratios with their intervals on one logarithmic axis; positions are percents of the width."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from markupsafe import Markup

FARTHEST = 32.0
"""The axis ends here at the latest: an interval that goes on has an arrow, and what lies near 1 keeps its place."""
PAD = 0.03
"""Room on each side, as a share of the axis."""
TICKS = (1.0, 2.0, 0.5, 4.0, 0.25, 10.0, 0.1, 1.5, 0.7, 1.2, 0.85, 3.0, 0.33, 1.1, 0.9, 6.0, 20.0, 0.05, 1.05, 0.95)
"""Places that may have a name, the most telling first."""
APART = 11.0
"""Percents between two names."""


class Interval(NamedTuple):
    """A ratio and its 95 % interval; None for what is not known or not bounded."""

    ratio: float | None
    low: float | None
    high: float | None


class Scale:
    """The common axis of all rows; it holds the band and, as far as `FARTHEST`, every interval."""

    def __init__(self, rows: Iterable[Interval], band: tuple[float, float]) -> None:
        self.band = band
        reach = [math.log(v) for row in rows for v in row if v is not None and 1 / FARTHEST <= v <= FARTHEST]
        low, high = min([*reach, 1.6 * math.log(self.band[0])]), max([*reach, 1.6 * math.log(self.band[1])])
        room = PAD * (high - low)
        self.low, self.high = low - room, high + room

    def __call__(self, value: float) -> float:
        """Percent of the width, 0 to 100; beyond the axis its end."""
        if not value > 0:
            return 0.0
        return 100.0 * min(1.0, max(0.0, (math.log(value) - self.low) / (self.high - self.low)))

    @property
    def ticks(self) -> list[float]:
        """Values with names, far enough apart."""
        chosen: list[float] = []
        for tick in TICKS:
            if APART / 2 <= self(tick) <= 100 - APART / 2 and all(abs(self(tick) - self(t)) >= APART for t in chosen):
                chosen.append(tick)
        return sorted(chosen)


def axis(scale: Scale) -> Markup:
    """The names of the ticks."""
    names = (Markup('<text x="{}" y="1.1em">{}</text>').format(_percent(scale(t)), f"{t:g}") for t in scale.ticks)
    return Markup('<svg class="ticks" aria-hidden="true">{}</svg>').format(Markup("").join(names))


def row(scale: Scale, shown: Interval | None, canary: Interval | None, words: str) -> Markup:
    """One row: the band, the interval with its ratio, below it that of the canary; `words` say it all."""
    left, right = map(scale, scale.band)
    body = [Markup('<rect class="band" x="{}" width="{}" height="100%"/>').format(_percent(left), _percent(right - left))]
    for tick in scale.ticks:
        kind = "one" if tick == 1 else "at"
        body.append(Markup('<line class="{0}" x1="{1}" x2="{1}" y2="100%"/>').format(kind, _percent(scale(tick))))
    if canary is not None:
        body.append(_mark(scale, canary, "canary", "76%", 2.5))
    if shown is not None:
        body.append(_mark(scale, shown, "own", "44%", 4.5))
    return Markup('<svg class="forest" role="img" aria-label="{}">{}</svg>').format(words, Markup("").join(body))


def _mark(scale: Scale, shown: Interval, kind: str, y: str, radius: float) -> Markup:
    if shown.ratio is None:
        return Markup("")
    low, high = shown.low or 0.0, math.inf if shown.high is None else shown.high
    ends = Markup("")
    arrow = Markup('<svg x="{}" y="{}" overflow="visible"><path d="{}"/></svg>')
    for value, place, path in ((low, "0%", "M6-4 1 0 6 4"), (high, "100%", "M-6-4-1 0-6 4")):
        if not math.exp(scale.low) <= value <= math.exp(scale.high):
            ends += arrow.format(place, y, path)
    line = Markup('<line x1="{}" x2="{}" y1="{}" y2="{}"/>').format(_percent(scale(low)), _percent(scale(high)), y, y)
    dot = Markup('<circle cx="{}" cy="{}" r="{}"/>').format(_percent(scale(shown.ratio)), y, radius)
    return Markup('<g class="{}">{}{}{}</g>').format(kind, line, ends, dot)


def _percent(x: float) -> str:
    return f"{x:.1f}%".replace(".0%", "%")

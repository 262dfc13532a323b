"""Inline SVG plots with two logarithmic axes; colours, fonts and line widths are the style sheet's."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from markupsafe import Markup, escape

from .show import SUPERSCRIPTS

WIDTH, HEIGHT = 440, 290
LEFT, RIGHT, TOP, BOTTOM = 54, 14, 12, 44
MARKERS = (
    "h0", "m-3-3h6v6h-6zm3 3", "m0-4l-4 6h8zm0 4", "m-3-3l6 6m0-6l-6 6m3-3", "m-4 0h8m-4-4v8m0-4", "m0-4l4 4-4 4-4-4zm0 4",
)  # fmt: skip
"""Shapes as path steps from a point and back: disc (a round line cap), square, triangle, cross, plus, diamond."""
COLOURS = 8
MOST_TICKS = 7
ROOM = 26
"""Between the edge of 0 or ∞ and the next tick's name along the x-axis; half of it along the y-axis."""


class Point(NamedTuple):
    """A point in the data's units; `label` is what a hover shows."""

    x: float
    y: float
    label: str = ""


@dataclass
class Series:
    """Points of one subject; `style` numbers its colour and shape, `curve` is a line through others (a fit)."""

    name: str
    style: tuple[int, int]
    points: list[Point]
    curve: list[Point] = field(default_factory=list)


class Axis:
    """A logarithmic axis over whole decades; 0 and ∞, where they occur, get an edge of their own."""

    def __init__(self, values: Iterable[float], start: float, end: float) -> None:
        values = list(values)
        usable = [math.log10(v) for v in values if math.isfinite(v) and v > 0]
        self.zero = any(v <= 0 for v in values)
        self.infinite = not all(math.isfinite(v) for v in values)
        self.low = math.floor(min(usable, default=0.0) + 1e-9) - self.zero
        self.high = max(math.ceil(max(usable, default=1.0) - 1e-9), self.low + 1) + self.infinite
        self.start, self.end = start, end

    def __call__(self, value: float) -> float:
        if math.isnan(value) or value == math.inf:
            return self.end
        if value <= 0:
            return self.start
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return round(self.start + (self.end - self.start) * min(1.0, max(0.0, share)), 1)

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Powers of ten and their names; over a single decade its 2 and 5 too."""
        step = math.ceil((self.high - self.low + 1) / MOST_TICKS)
        lowest, highest = self.low + self.zero, self.high - self.infinite
        values = [(10.0**t, power(t)) for t in range(lowest, highest + 1, step)]
        edges = [(0.0, "0")] * self.zero + [(math.inf, "∞")] * self.infinite
        apart = ROOM if self.start < self.end else ROOM / 2
        values = [(v, name) for v, name in values if all(abs(self(v) - self(e)) >= apart for e, _ in edges)] + edges
        if self.high - self.low == 1 and not self.zero and not self.infinite and -1 <= self.low <= 2:
            values += [(k * 10.0**self.low, f"{k * 10.0**self.low:g}") for k in (2, 5)]
        return values


def plot(
    series: Sequence[Series], *, title: str, x: str, y: str, line: float | None = None, line_label: str = ""
) -> Markup:
    """An SVG of all series. `line` draws a horizontal rule, such as the limit of ratios."""
    points = [p for s in series for p in [*s.points, *s.curve]]
    across = Axis((p.x for p in points), LEFT, WIDTH - RIGHT)
    up = Axis([*(p.y for p in points), *([line, 1.0] if line else [])], HEIGHT - BOTTOM, TOP)
    body = [_frame(across, up, x, y)]
    if line:
        body.append(Markup('<path class="limit" d="M{} {}H{}"/>').format(LEFT, up(line), WIDTH - RIGHT))
        body.append(
            Markup('<text class="limit" x="{}" y="{}">{}</text>').format(
                WIDTH - RIGHT - 3, up(line) - 4 if up(line) > TOP + 12 else up(line) + 13, line_label
            )
        )
    body += [_series(s, across, up) for s in series]
    return Markup('<svg class="plot" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, HEIGHT, title, Markup("").join(body)
    )


def legend(series: Sequence[Series]) -> Markup:
    """Colour, shape and name of each series, as a list."""
    item = Markup('<li><svg viewBox="0 0 12 12" aria-hidden="true">{}</svg>{}</li>')
    items = (item.format(_path(s.style, f"M6 6{_marker(s.style)}"), s.name) for s in series)
    return Markup('<ul class="legend">{}</ul>').format(Markup("").join(items))


def _series(s: Series, across: Axis, up: Axis) -> Markup:
    out = []
    if s.curve:
        steps = " ".join(f"{across(p.x):g} {up(p.y):g}" for p in s.curve)
        out.append(Markup('<path class="fit c{}" d="M{}"/>').format(s.style[0] % COLOURS, steps))
    mark = _marker(s.style)
    if any(p.label for p in s.points):
        for p in s.points:
            out.append(_path(s.style, f"M{across(p.x):g} {up(p.y):g}{mark}", p.label))
    elif s.points:
        dots = sorted({(round(across(p.x)), round(up(p.y))) for p in s.points})
        marks = (f"m{x - x0} {y - y0}{mark}" for (x0, y0), (x, y) in pairwise([(0, 0), *dots]))
        out.append(_path(s.style, "".join(marks), s.name))
    return Markup("").join(out)


def _path(style: tuple[int, int], steps: str, label: str = "") -> Markup:
    title = Markup("<title>{}</title>").format(label) if label else ""
    mark = Markup('<path class="m{} c{}" d="{}">{}</path>')
    return mark.format(style[1] % len(MARKERS), style[0] % COLOURS, steps, title)


def _marker(style: tuple[int, int]) -> str:
    return MARKERS[style[1] % len(MARKERS)]


def _frame(across: Axis, up: Axis, x: str, y: str) -> Markup:
    grid = "".join(f"M{LEFT} {up(v):.0f}H{WIDTH - RIGHT}" for v, _ in up.ticks)
    grid += "".join(f"M{across(v):.0f} {TOP}V{HEIGHT - BOTTOM}" for v, _ in across.ticks)
    left = "".join(f'<text x="{LEFT - 6}" y="{up(v) + 4:.0f}">{name}</text>' for v, name in up.ticks)
    y0 = HEIGHT - BOTTOM + 16
    below = "".join(f'<text x="{across(v):.0f}" y="{y0}">{name}</text>' for v, name in across.ticks)
    middle, turned = (LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2
    below += f'<text class="axis" x="{middle:g}" y="{HEIGHT - 6}">{escape(x)}</text>'
    below += f'<text class="axis" transform="translate(11 {turned:g}) rotate(-90)">{escape(y)}</text>'
    return Markup(f'<path class="grid" d="{grid}"/><g class="left">{left}</g>{below}')


def power(exponent: int) -> str:
    """``1``, ``10``, ``0.1``, ``10⁶``."""
    return {0: "1", 1: "10", 2: "100", -1: "0.1"}.get(exponent) or f"10{str(exponent).translate(SUPERSCRIPTS)}"

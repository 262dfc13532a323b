"""Inline SVG plots with two logarithmic axes; colours, fonts and line widths are the style sheet's."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from markupsafe import Markup, escape

from .show import SUPERSCRIPTS

WIDTH, HEIGHT = 440, 290
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 12, 42
MARKERS = ("h0", "m-3-3h6v6h-6z", "m0-4l-4 6h8z", "m-3-3l6 6m0-6l-6 6", "m-4 0h8m-4-4v8", "m0-4l4 4-4 4-4-4z")
"""Shapes as path steps from a point: disc (a round line cap), square, triangle, cross, plus, diamond."""
COLOURS = 8
MOST_TICKS = 7


class Point(NamedTuple):
    """A point in the data's units; `label` is what a hover shows."""

    x: float
    y: float
    label: str = ""


@dataclass
class Series:
    """Points of one subject, drawn with one colour and one shape; `curve` is a line through others (a fit)."""

    name: str
    points: list[Point]
    curve: list[Point] = field(default_factory=list)


class Axis:
    """A logarithmic axis over whole decades that holds all values; what no logarithm takes sits on the edge."""

    def __init__(self, values: Iterable[float], start: float, end: float) -> None:
        usable = [math.log10(v) for v in values if math.isfinite(v) and v > 0]
        self.low = math.floor(min(usable, default=0.0) + 1e-9)
        self.high = max(math.ceil(max(usable, default=1.0) - 1e-9), self.low + 1)
        self.start, self.end = start, end

    def __call__(self, value: float) -> float:
        if math.isnan(value) or value == math.inf:
            return self.end
        if value <= 0:
            return self.start
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return round(self.start + (self.end - self.start) * min(1.0, max(0.0, share)), 1)

    @property
    def ticks(self) -> list[int]:
        step = math.ceil((self.high - self.low + 1) / MOST_TICKS)
        return list(range(self.low, self.high + 1, step))


def plot(
    series: Sequence[Series], *, title: str, x: str, y: str, line: float | None = None, line_label: str = ""
) -> Markup:
    """An SVG of all series. `line` draws a horizontal rule, such as the limit of ratios."""
    points = [p for s in series for p in [*s.points, *s.curve]]
    across = Axis((p.x for p in points), LEFT, WIDTH - RIGHT)
    up = Axis([*(p.y for p in points), *([line] if line else [])], HEIGHT - BOTTOM, TOP)
    body = [_frame(across, up, x, y)]
    if line:
        body.append(Markup('<path class="limit" d="M{} {}H{}"/>').format(LEFT, up(line), WIDTH - RIGHT))
        body.append(
            Markup('<text class="limit" x="{}" y="{}">{}</text>').format(
                WIDTH - RIGHT - 3, up(line) - 4 if up(line) > TOP + 12 else up(line) + 13, line_label
            )
        )
    for k, s in enumerate(series):
        body.append(_series(k, s, across, up))
    return Markup('<svg class="plot" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, HEIGHT, title, Markup("").join(body)
    )


def legend(series: Sequence[Series]) -> Markup:
    """Colour, shape and name of each series, as a list."""
    item = Markup('<li><svg viewBox="0 0 12 12" aria-hidden="true">{}</svg>{}</li>')
    items = (item.format(_path(k, f"M6 6{_marker(k)}"), s.name) for k, s in enumerate(series))
    return Markup('<ul class="legend">{}</ul>').format(Markup("").join(items))


def _series(k: int, s: Series, across: Axis, up: Axis) -> Markup:
    out = []
    if s.curve:
        steps = " ".join(f"{across(p.x):g} {up(p.y):g}" for p in s.curve)
        out.append(Markup('<path class="fit c{}" d="M{}"/>').format(k % COLOURS, steps))
    if any(p.label for p in s.points):
        for p in s.points:
            mark = _path(k, f"M{across(p.x):g} {up(p.y):g}{_marker(k)}", p.label)
            out.append(mark)
    elif s.points:
        dots = dict.fromkeys(f"M{across(p.x):.0f} {up(p.y):.0f}{_marker(k)}" for p in s.points)
        out.append(_path(k, "".join(dots), s.name))
    return Markup("").join(out)


def _path(k: int, steps: str, label: str = "") -> Markup:
    title = Markup("<title>{}</title>").format(label) if label else ""
    return Markup('<path class="m{} c{}" d="{}">{}</path>').format(k % len(MARKERS), k % COLOURS, steps, title)


def _marker(k: int) -> str:
    return MARKERS[k % len(MARKERS)]


def _frame(across: Axis, up: Axis, x: str, y: str) -> Markup:
    grid = "".join(f"M{LEFT} {up(10.0**t):.0f}H{WIDTH - RIGHT}" for t in up.ticks)
    grid += "".join(f"M{across(10.0**t):.0f} {TOP}V{HEIGHT - BOTTOM}" for t in across.ticks)
    left = "".join(f'<text x="{LEFT - 6}" y="{up(10.0**t) + 4:.0f}">{power(t)}</text>' for t in up.ticks)
    y0 = HEIGHT - BOTTOM + 16
    below = "".join(f'<text x="{across(10.0**t):.0f}" y="{y0}">{power(t)}</text>' for t in across.ticks)
    middle, turned = (LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2
    below += f'<text class="axis" x="{middle:g}" y="{HEIGHT - 6}">{escape(x)}</text>'
    below += f'<text class="axis" transform="translate(11 {turned:g}) rotate(-90)">{escape(y)}</text>'
    return Markup(f'<path class="grid" d="{grid}"/><g class="left">{left}</g>{below}')


def power(exponent: int) -> str:
    """``1``, ``10``, ``0.1``, ``10⁶``."""
    return {0: "1", 1: "10", 2: "100", -1: "0.1"}.get(exponent) or f"10{str(exponent).translate(SUPERSCRIPTS)}"

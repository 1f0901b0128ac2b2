"""Charts as SVG: pure functions of numbers. Colours come from the page's style sheet, through classes.

Horizontal places are shares of the width, so that a chart is as wide as its column while its text keeps its size.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from markupsafe import Markup

from codedpo_plugin.evaluation.passk import Estimate
from codedpo_plugin.report.svg import join, number, percent, tag

HEIGHT: Final = 168
"""Pixels from the top of a chart to its horizontal axis."""
TOP, BOTTOM = 18, 22
"""Pixels of it above the highest value, and of the text below the axis."""


@dataclass(frozen=True, slots=True)
class Axis:
    """From values to shares of a length, 0 to 100. Values outside are moved to the ends."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    logarithmic: bool = False

    def at(self, value: float) -> float:
        """Return the place of a value."""
        low, high, here = map(self._scaled, (self.low, self.high, value))
        return 100 * min(max((here - low) / ((high - low) or 1.0), 0.0), 1.0)

    def _scaled(self, value: float) -> float:
        return math.log(max(value, sys.float_info.min)) if self.logarithmic else value


@dataclass(frozen=True, slots=True)
class Bars:
    """Counts of one kind in a histogram."""

    css: str
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Curve:
    """A line; ``low`` and ``high`` of its points, where they are given, make a band."""

    css: str
    points: tuple[tuple[float, float], ...]
    band: tuple[tuple[float, float, float], ...] = ()
    """x, low, high."""


def nice_ticks(low: float, high: float, count: int = 4) -> tuple[tuple[float, str], ...]:
    """Return about ``count`` round values from low to high, with their texts."""
    span = (high - low) or 1.0
    rough = span / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    values = [k * step for k in range(first, math.floor(high / step + 1e-9) + 1)]
    digits = max(0, -math.floor(math.log10(step)))
    return tuple((value, f"{value:,.{digits}f}") for value in values)


def linear(low: float, high: float, count: int = 4) -> Axis:
    """Return an axis with round ticks."""
    return Axis(low, high, nice_ticks(low, high, count))


def counts_axis(highest: int) -> Axis:
    """Return an axis for counts from 0: ticks are whole numbers."""
    ticks = tuple((v, f"{int(v):,}") for v, _ in nice_ticks(0, max(highest, 1), 3) if v == int(v))
    return Axis(0, max(highest, 1), ticks)


# --------------------------------------------------------------------------- charts


def histogram(
    axis: Axis, edges: Sequence[float], series: Sequence[Bars], label: str, marks: Sequence[float] = ()
) -> Markup:
    """Return stacked counts over the bins between edges; ``marks`` are values with a line through the chart."""
    totals = [sum(column) for column in zip(*(bars.counts for bars in series), strict=True)]
    heights = counts_axis(max(totals, default=0))
    drawn: list[Markup] = []
    for index, (left, right) in enumerate(pairwise(edges)):
        base = 0
        for bars in series:
            count = bars.counts[index]
            if count:
                drawn.append(_box(bars.css, axis.at(left), axis.at(right), (base, base + count), heights))
            base += count
    places = (percent(axis.at(mark)) for mark in marks)
    lines = (tag("line", class_="mark", x1=place, x2=place, y1=TOP, y2=HEIGHT) for place in places)
    return _frame(label, axis, heights, join(*drawn, *lines))


def _box(css: str, left: float, right: float, span: tuple[int, int], heights: Axis) -> Markup:
    top, bottom = (_y(heights, value) for value in reversed(span))
    return tag(
        "rect", class_=f"box {css}", x=percent(left), width=percent(right - left), y=top, height=bottom - top
    )


def curves(across: Axis, up: Axis, lines: Sequence[Curve], label: str) -> Markup:
    """Return lines, with bands behind them."""
    bands = (tag("path", class_=f"band {c.css}", d=_band(across, up, c)) for c in lines if c.band)
    strokes = (
        tag("path", class_=f"curve {c.css}", d=_path([(across.at(x), 100 - up.at(y)) for x, y in c.points]))
        for c in lines
    )
    plot = tag(
        "svg",
        *bands,
        *strokes,
        y=TOP,
        width="100%",
        height=HEIGHT - TOP,
        viewBox="0 0 100 100",
        preserveAspectRatio="none",
        overflow="visible",
    )
    return _frame(label, across, up, plot)


def _band(across: Axis, up: Axis, curve: Curve) -> str:
    upper = [(across.at(x), 100 - up.at(high)) for x, _, high in curve.band]
    lower = [(across.at(x), 100 - up.at(low)) for x, low, _ in reversed(curve.band)]
    return _path(upper + lower) + "z"


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points)


def _frame(label: str, across: Axis, up: Axis, plot: Markup) -> Markup:
    """Return a chart: lines across with their values on them, the plot, the axis with its values below it."""
    heights = [(_y(up, value), text) for value, text in up.ticks if value > up.low]
    grid = (tag("line", class_="grid", x1=0, x2="100%", y1=y, y2=y) for y, _ in heights)
    values = (tag("text", text, class_="tick value", x=0, y=y - 4) for y, text in heights)
    names = (
        tag("text", text, class_=f"tick {_anchor(across.at(value))}", x=percent(across.at(value)), y=HEIGHT + 16)
        for value, text in across.ticks
    )
    axis = tag("line", class_="axis", x1=0, x2="100%", y1=HEIGHT, y2=HEIGHT)
    return tag(
        "svg",
        *grid,
        plot,
        axis,
        *values,
        *names,
        class_="chart",
        width="100%",
        height=HEIGHT + BOTTOM,
        role="img",
        aria_label=label,
    )


def _anchor(place: float) -> str:
    return "start" if place < 3 else "end" if place > 97 else "middle"


def _y(up: Axis, value: float) -> float:
    return HEIGHT - (HEIGHT - TOP) * up.at(value) / 100


# --------------------------------------------------------------------------- bars in tables


def interval_bar(estimate: Estimate, css: str) -> Markup:
    """Return a bar from 0 to an estimate on a scale that ends at 1, with its interval."""
    if math.isnan(estimate.value):
        return Markup("")
    scale = Axis(0, 1, ())
    parts = [
        tag("line", class_="track", x1=0, x2="100%", y1=15, y2=15),
        tag("rect", class_=css, width=percent(scale.at(estimate.value)), y=3, height=10),
    ]
    if not math.isnan(estimate.low):
        low, high = scale.at(estimate.low), scale.at(estimate.high)
        for css in ("halo", "whisker"):
            parts.append(tag("line", class_=css, x1=percent(low), x2=percent(high), y1=8, y2=8))
            parts += [tag("line", class_=css, x1=percent(x), x2=percent(x), y1=4, y2=12) for x in (low, high)]
    return tag("svg", *parts, class_="bar", width="100%", height=17, aria_hidden="true")


def share_bar(count: int, total: int, css: str) -> Markup:
    """Return a bar for a part of a whole."""
    width = percent(100 * count / total if total else 0)
    return tag(
        "svg",
        tag("rect", class_=css, width=width, height=10, y=2),
        class_="bar",
        width="100%",
        height=14,
        aria_hidden="true",
    )

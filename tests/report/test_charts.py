"""Charts: what is drawn where, and that they are well-formed SVG."""

from __future__ import annotations

import math

import pytest

from codedpo_plugin.evaluation.passk import Estimate
from codedpo_plugin.report.charts import (
    HEIGHT,
    TOP,
    Axis,
    Bars,
    Curve,
    counts_axis,
    curves,
    histogram,
    interval_bar,
    linear,
    nice_ticks,
    share_bar,
)

from .support import HOSTILE, classed, parse

NOT_KNOWN = Estimate(math.nan, math.nan, math.nan, 0)


def test_an_axis_places_values_and_keeps_them_inside():
    axis = linear(0, 10)
    assert [axis.at(value) for value in (-5, 0, 2.5, 10, 99)] == [0, 0, 25, 100, 100]
    log = Axis(0.25, 4, (), logarithmic=True)
    assert [log.at(value) for value in (0, 0.25, 1, 2, 100)] == [0, 0, 50, 75, 100]


def test_an_axis_of_one_value_is_no_division_by_zero():
    assert linear(1, 1).at(1) == 0


@pytest.mark.parametrize(
    ("low", "high", "texts"),
    [
        (0, 1, ["0.0", "0.5", "1.0"]),
        (0, 10, ["0", "5", "10"]),
        (-3.2, -1.1, ["-3", "-2"]),
        (0, 40_000, ["0", "10,000", "20,000", "30,000", "40,000"]),
    ],
)
def test_ticks_are_round(low, high, texts):
    assert [text for _, text in nice_ticks(low, high, 4)] == texts


@pytest.mark.parametrize("highest", [0, 1, 2, 3, 7, 1_234])
def test_counts_have_whole_ticks(highest):
    assert all(value == int(value) for value, _ in counts_axis(highest).ticks)
    assert "." not in "".join(text for _, text in counts_axis(highest).ticks)


def test_the_bars_of_a_histogram_stand_on_one_another():
    drawn = histogram(linear(0, 2), [0, 1, 2], [Bars("a", (1, 0)), Bars("b", (3, 0))], "label")
    (low,), (high,) = classed(drawn, "a"), classed(drawn, "b")
    assert float(low.get("y")) + float(low.get("height")) == HEIGHT
    assert float(high.get("y")) + float(high.get("height")) == float(low.get("y"))
    assert float(high.get("y")) == TOP
    assert (low.get("x"), low.get("width")) == ("0%", "50%")


def test_a_histogram_of_nothing_has_its_axis_only():
    drawn = histogram(linear(0, 1), [0, 1], [], "label", marks=(0.5,))
    assert len(classed(drawn, "axis")) == 1
    assert classed(drawn, "box") == []
    assert classed(drawn, "mark")[0].get("x1") == "50%"


def test_a_chart_says_what_it_is_and_what_it_is_called_is_text():
    svg = parse(curves(linear(0, 1), linear(0, 1), [], HOSTILE))
    assert svg.get("role") == "img"
    assert svg.get("aria-label") == HOSTILE
    assert not [element for element in svg.iter() if element.tag in ("script", "img")]


def test_a_curve_goes_through_its_points_and_has_its_band():
    curve = Curve("a", ((0, 0), (1, 1)), ((0, 0, 0.5), (1, 0.5, 1)))
    drawn = curves(linear(0, 1), linear(0, 1), [curve], "label")
    band, line = classed(drawn, "a")
    assert line.get("d") == "M0 100L100 0"
    assert band.get("d") == "M0 50L100 0L100 50L0 100z"


def test_the_value_at_the_foot_of_a_chart_is_not_written_on_its_axis():
    drawn = curves(linear(0, 1), linear(0, 1, 2), [], "label")
    assert [element.text for element in classed(drawn, "value")] == ["0.5", "1.0"]


def test_an_interval_bar_ends_at_the_value_and_has_its_interval():
    drawn = interval_bar(Estimate(0.5, 0.25, 0.75, 9), "after")
    assert classed(drawn, "after")[0].get("width") == "50%"
    whisker = classed(drawn, "whisker")[0]
    assert (whisker.get("x1"), whisker.get("x2")) == ("25%", "75%")


def test_what_is_not_known_has_no_bar_and_no_interval():
    assert interval_bar(NOT_KNOWN, "after") == ""
    assert classed(interval_bar(Estimate(0.5, math.nan, math.nan, 1), "after"), "whisker") == []


@pytest.mark.parametrize(("count", "total", "width"), [(0, 0, "0%"), (1, 4, "25%"), (4, 4, "100%")])
def test_a_share_is_a_part_of_the_width(count, total, width):
    assert classed(share_bar(count, total, "dropped"), "dropped")[0].get("width") == width

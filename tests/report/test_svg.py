"""Elements: well-formed, and no text becomes markup."""

from __future__ import annotations

import pytest
from markupsafe import Markup

from codedpo_plugin.report.svg import join, number, percent, tag


def test_an_element_has_its_attributes_in_order_and_its_children():
    drawn = tag("g", tag("rect", x=1, stroke_width=2.5), "text", class_="a", aria_label="b", viewBox="0 0 1 1")
    assert drawn == ('<g class="a" aria-label="b" viewBox="0 0 1 1"><rect x="1" stroke-width="2.5"></rect>text</g>')


def test_texts_and_attributes_are_escaped_and_markup_is_not_escaped_again():
    assert tag("text", "</svg><script>", Markup("&amp;")) == "<text>&lt;/svg&gt;&lt;script&gt;&amp;</text>"
    assert tag("a", title='" onload="x') == '<a title="&#34; onload=&#34;x"></a>'


def test_an_attribute_without_a_value_is_left_out():
    assert tag("a", x=None, y=0) == '<a y="0"></a>'


def test_joining_nothing_is_nothing():
    assert join() == ""
    assert join("<", tag("b")) == "&lt;<b></b>"


@pytest.mark.parametrize(
    ("value", "text"), [(1.0, "1"), (0.0, "0"), (12.345, "12.35"), (100.0, "100"), (-0.5, "-0.5")]
)
def test_coordinates_are_short(value, text):
    assert number(value) == text
    assert percent(value) == text + "%"


def test_a_rounded_zero_has_no_sign():
    assert number(-0.001) == "0"

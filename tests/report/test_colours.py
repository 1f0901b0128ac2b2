"""The colours of verdicts: told from one another in light and dark, and by readers who do not see every colour."""

from __future__ import annotations

import re
from importlib.resources import files
from itertools import combinations, product

import numpy as np
import pytest
from numpy.typing import NDArray

from codedpo_plugin.records import Verdict

STYLE = (files("codedpo_plugin.report") / "page.css").read_text("utf-8")

SEEING = {
    "every colour": np.eye(3),
    "no red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "no blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
"""What is left of linear RGB: Machado, Oliveira and Fernandes 2009, severity 1."""
TO_CONES = [
    [0.41222147, 0.53633254, 0.05144599],
    [0.2119035, 0.68069955, 0.10739696],
    [0.08830246, 0.28171884, 0.6299787],
]
TO_OKLAB = [
    [0.21045426, 0.79361779, -0.00407205],
    [1.9779985, -2.4285922, 0.45059371],
    [0.0259040, 0.78277177, -0.8086758],
]
"""Oklab, in which equal distances look about equally large (Ottosson 2020)."""

APART = 0.1
"""Black and white are 1 apart; a difference that is just noticed is about 0.02 (CSS Color 4)."""


def fill(verdict: Verdict, *, dark: bool) -> str:
    """Return the colour of a verdict's cells."""
    (name,) = re.findall(rf"^\.v-{verdict.name.lower()} {{ --c: var\(--(\w+)\); }}$", STYLE, re.MULTILINE)
    ((light, other),) = re.findall(rf"^  --{name}: light-dark\((#\w{{6}}), (#\w{{6}})\);$", STYLE, re.MULTILINE)
    return other if dark else light


def seen(colour: str, eyes: str) -> NDArray[np.float64]:
    """Return a colour in Oklab as it is seen."""
    shown = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    linear = np.where(shown <= 0.04045, shown / 12.92, ((shown + 0.055) / 1.055) ** 2.4)
    return np.array(TO_OKLAB) @ np.cbrt(np.array(TO_CONES) @ np.clip(np.array(SEEING[eyes]) @ linear, 0, 1))


def test_distances_are_those_of_oklab():
    assert np.linalg.norm(seen("#ffffff", "every colour") - seen("#000000", "every colour")) == pytest.approx(
        1, abs=1e-3
    )
    assert seen("#ff0000", "every colour") == pytest.approx([0.628, 0.225, 0.126], abs=1e-3)


@pytest.mark.parametrize(("dark", "eyes"), product((False, True), SEEING))
def test_any_two_verdicts_are_told_apart(dark, eyes):
    colours = {verdict: seen(fill(verdict, dark=dark), eyes) for verdict in Verdict if verdict != Verdict.NOT_RUN}
    near = {
        (a.name, b.name) for a, b in combinations(colours, 2) if np.linalg.norm(colours[a] - colours[b]) < APART
    }
    assert near == set()


@pytest.mark.parametrize(("dark", "eyes"), product((False, True), SEEING))
def test_what_was_not_run_is_hardly_there_and_yet_no_failure(dark, eyes):
    nothing = seen(fill(Verdict.NOT_RUN, dark=dark), eyes)
    paper = seen("#15171a" if dark else "#fdfdfc", eyes)
    assert np.linalg.norm(nothing - paper) < 0.05
    assert np.linalg.norm(nothing - seen(fill(Verdict.FAIL, dark=dark), eyes)) > 0.06

"""What is shown of rates and times, and how the progress of a stage is told."""

from __future__ import annotations

import pytest

from codedpo_plugin.cli import console
from codedpo_plugin.cli.console import ProgressBars, duration, pace, rate
from codedpo_plugin.status import Note


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 s"),
        (0.4, "0 s"),
        (59.6, "1 min 0 s"),
        (61, "1 min 1 s"),
        (3600, "1 h 0 min"),
        (3 * 86400 + 7200 + 59, "3 d 2 h"),
    ],
)
def test_a_time_is_told_in_its_two_largest_units(seconds, shown):
    assert duration(seconds) == shown


@pytest.mark.parametrize(
    ("speed", "shown"), [(0.01234, "0.0123/s"), (1.5, "1.5/s"), (99.94, "99.9/s"), (12345.6, "12,346/s")]
)
def test_a_rate_has_three_digits(speed, shown):
    assert rate(speed) == shown


def test_the_pace_is_of_what_was_done_since_the_start(monkeypatch):
    assert pace(Note(done=15, total=40, resumed=10, started=100.0, updated=110.0)) == "0.5/s, 50 s left"


@pytest.mark.parametrize("note", [Note(), Note(done=5, total=10, resumed=5, updated=9.0)])
def test_there_is_no_pace_where_nothing_was_done(note):
    assert pace(note) == ""


def test_without_a_terminal_progress_is_a_line_now_and_then(monkeypatch, capsys):
    now = [100.0]
    monkeypatch.setattr(console.time, "monotonic", lambda: now[0])
    bars = ProgressBars()
    bars.codedpo_stage_started("execute")
    for done in (10, 11, 15):
        bars.codedpo_progress("execute", done, 40)
        now[0] += 5.5
    assert capsys.readouterr().err == "execute: 15 of 40, 0.455/s, 55 s left\n"
    bars.codedpo_stage_started("score")
    now[0] += 20
    bars.codedpo_progress("score", 3, None)
    assert capsys.readouterr().err == "score: 3\n"

"""``codedpo status``: what is shown of times."""

from __future__ import annotations

import pytest

from codedpo_plugin.cli.status import duration


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

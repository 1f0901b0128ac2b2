"""Parameters of rankers."""

from __future__ import annotations

import pytest

from codedpo_plugin.errors import UsageError
from codedpo_plugin.ranking.params import read_params

DEFAULTS = {"damping": 0.85, "iterations": 10}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, {"damping": 0.85, "iterations": 10}),
        ({"damping": 0.5}, {"damping": 0.5, "iterations": 10}),
        ({"seed": 3}, {"damping": 0.85, "iterations": 10}),
        ({"damping": None}, {"damping": None, "iterations": 10}),
    ],
)
def test_what_is_given_overrides_the_defaults_and_an_unused_seed_is_dropped(given, found):
    assert read_params("r", given, DEFAULTS) == found


def test_a_seed_is_kept_where_it_is_used():
    assert read_params("r", {"seed": 3}, {"seed": 0}) == {"seed": 3}


def test_the_defaults_are_left_as_they_were():
    read_params("r", {"damping": 0.5}, DEFAULTS)["iterations"] = 1
    assert DEFAULTS == {"damping": 0.85, "iterations": 10}


def test_an_unknown_parameter_names_the_ranker_and_the_near_match():
    with pytest.raises(UsageError, match=r"ranker 'r': 'dampng'\. Did you mean 'damping'\? Known: damping, iter"):
        read_params("r", {"dampng": 1}, DEFAULTS)

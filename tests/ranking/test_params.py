"""Parameters of rankers."""

from __future__ import annotations

import pytest
from pydantic import Field

from codedpo_plugin.config import Section
from codedpo_plugin.errors import UsageError
from codedpo_plugin.ranking.params import NoParams, read_params


class Some(Section):
    damping: float = Field(0.85, ge=0, le=1)
    iterations: int = 10


class Seeded(Section):
    seed: int = 0


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, Some(damping=0.85, iterations=10)),
        ({"damping": 0.5}, Some(damping=0.5, iterations=10)),
        ({"seed": 3}, Some(damping=0.85, iterations=10)),
        ({"damping": 1}, Some(damping=1.0, iterations=10)),
    ],
)
def test_what_is_given_overrides_the_defaults_and_an_unused_seed_is_dropped(given, found):
    assert read_params("r", given, Some) == found


def test_a_seed_is_kept_where_it_is_used():
    assert read_params("r", {"seed": 3}, Seeded).seed == 3


def test_an_unknown_parameter_names_the_ranker_and_the_near_match():
    with pytest.raises(UsageError, match=r"ranker 'r': 'dampng'\. Did you mean 'damping'\? Known: damping, iter"):
        read_params("r", {"dampng": 1}, Some)
    with pytest.raises(UsageError, match=r"'damping'\. Known: none"):
        read_params("r", {"damping": 1}, NoParams)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"damping": 2}, r"ranker 'r': damping: .*less than or equal to 1, got 2"),
        ({"damping": None}, r"ranker 'r': damping: .*number, got None"),
        ({"damping": -1, "iterations": "many"}, r"damping: .*got -1; iterations: .*got 'many'"),
    ],
)
def test_a_value_that_a_parameter_cannot_have_is_named(given, message):
    with pytest.raises(UsageError, match=message):
        read_params("r", given, Some)

"""Which process this is, as a launcher says."""

from __future__ import annotations

import pytest

from codedpo_plugin.processes import is_main_process, number_of_processes


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, (1, True)),
        ({"WORLD_SIZE": "1", "RANK": "0"}, (1, True)),
        ({"RANK": "1"}, (1, True)),  # a scheduler's, with nothing launched
        ({"WORLD_SIZE": "2", "RANK": "0"}, (2, True)),
        ({"WORLD_SIZE": "2", "RANK": "1"}, (2, False)),
    ],
)
def test_without_a_launcher_there_is_one_process_and_it_is_the_main_one(monkeypatch, variables, expected):
    for name in ("WORLD_SIZE", "RANK"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert (number_of_processes(), is_main_process()) == expected

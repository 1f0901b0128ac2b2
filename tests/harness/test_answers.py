"""Answers to a request: no more than were asked for."""

from __future__ import annotations

import pytest
from lm_eval.api.instance import Instance

from codedpo_plugin.harness.answers import answers_to


@pytest.mark.parametrize(
    ("repeats", "given", "expected"), [(2, "ab", "ab"), (2, "abab", "ab"), (1, "", ""), (3, "a", "a")]
)
def test_surplus_answers_are_left_out(repeats, given, expected):
    instance = Instance("generate_until", {}, ("prompt", {}), 0, ("task", 0, repeats))
    instance.resps.extend(given)
    assert list(answers_to(instance)) == list(expected)

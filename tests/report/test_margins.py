"""How far apart the scores of a pair are, by what scores are."""

from __future__ import annotations

import math

import pytest

from codedpo_plugin.report.margins import SHARE, measure_of


def test_a_ranker_of_which_nothing_is_known_has_shares_of_the_chosen_score():
    assert measure_of("theirs") is measure_of("self-validation") is measure_of("") is SHARE


@pytest.mark.parametrize(
    ("chosen", "rejected", "margin"), [(4.0, 1.0, 0.75), (4.0, 0.0, 1.0), (4.0, 4.0, 0.0), (1e-300, 0.0, 1.0)]
)
def test_a_share_is_of_the_chosen_score(chosen, rejected, margin):
    assert SHARE.of(chosen, rejected) == margin


@pytest.mark.parametrize(
    ("chosen", "rejected"), [(0.0, 0.0), (-1.0, -2.0), (1.0, -1.0), (math.nan, 0.0), (math.inf, math.inf)]
)
def test_what_is_no_share_has_no_margin(chosen, rejected):
    assert math.isnan(SHARE.of(chosen, rejected))


@pytest.mark.parametrize(
    ("chosen", "rejected", "margin"),
    [
        (0.0, -math.inf, 1.0),
        (0.0, 0.0, 0.0),
        (math.log(0.9), math.log(0.4), 0.5),
        (1e-16, -1e6, 1.0),
        (1e9, 0.0, 0.0),
    ],
)
def test_the_margin_of_logs_of_probabilities_is_the_difference_of_the_probabilities(chosen, rejected, margin):
    assert measure_of("bayes").of(chosen, rejected) == pytest.approx(margin)


def test_random_scores_are_said_to_say_nothing():
    assert "say nothing" in measure_of("random").reading
    assert measure_of("random").of(0.5, 0.25) == 0.5

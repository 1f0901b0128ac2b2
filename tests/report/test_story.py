"""The run in a sentence: it claims no more than the intervals allow."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from codedpo_plugin.evaluation.passk import Estimate
from codedpo_plugin.records import PairKind, Verdict
from codedpo_plugin.report.data import MatrixFacts, PairFacts, Provenance, ReportData, StageFacts
from codedpo_plugin.report.story import headline, interval, key_figures, times
from codedpo_plugin.report.suites import NOTHING, SuiteFacts

NO_PAIRS = PairFacts({}, {}, (), {}, ())
EMPTY = ReportData("run", (), None, "", NO_PAIRS, (), None, (), Provenance({}, None, (), "{}"), ())


def sentence(data: ReportData) -> str:
    return "".join(word.text for word in headline(data))


def compared(low: float, high: float, speed: Estimate = NOTHING) -> ReportData:
    suite = SuiteFacts(
        "micro",
        {"pass@1": Estimate(0.25, 0.1, 0.4, 30)},
        {"pass@1": Estimate(0.5, 0.3, 0.7, 30)},
        {"pass@1": Estimate((low + high) / 2, low, high, 30)},
        mean_speedup=speed,
    )
    return replace(EMPTY, suites=(suite,))


def test_a_run_that_has_only_begun_says_so():
    assert sentence(EMPTY) == "This run has only begun."
    assert key_figures(EMPTY) == ()


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.1, 0.4, "Training raised pass@1 on micro from 0.25 to 0.50."),
        (-0.4, -0.1, "Training lowered pass@1 on micro from 0.25 to 0.50."),
        (-0.1, 0.4, "No certain change in pass@1 on micro: 0.25 before training, 0.50 after."),
        (0, 0.4, "No certain change in pass@1 on micro: 0.25 before training, 0.50 after."),
    ],
)
def test_a_change_is_claimed_where_its_interval_leaves_out_zero(low, high, said):
    assert sentence(compared(low, high)) == said


@pytest.mark.parametrize(
    ("speed", "end"),
    [
        (Estimate(1.5, 1.25, 2.0, 9), "; what both models solve runs 1.50× as fast."),
        (Estimate(0.5, 0.4, 0.75, 9), "; what both models solve runs 0.50× as fast."),
        (Estimate(1.5, 0.9, 2.0, 9), "; its speed shows no certain change."),
        (NOTHING, "."),
    ],
)
def test_a_speedup_is_claimed_where_its_interval_leaves_out_one(speed, end):
    assert sentence(compared(0.1, 0.4, speed)).endswith(f"to 0.50{end}")


def test_without_a_paired_difference_nothing_is_claimed():
    data = compared(0.1, 0.4)
    bare = replace(data.suites[0], differences={})
    assert sentence(replace(data, suites=(bare,))) == "pass@1 on micro: 0.25 before training, 0.50 after."


def test_sides_with_no_metric_in_common_are_not_compared():
    data = compared(0.1, 0.4)
    other = replace(data.suites[0], before={"pass@10": Estimate(0.25, 0.1, 0.4, 30)})
    assert "nothing in common" in sentence(replace(data, suites=(other,)))


def test_a_value_that_is_not_known_is_no_number_in_the_headline():
    data = compared(0.1, 0.4)
    unknown = replace(data.suites[0], before={"pass@1": NOTHING})
    assert "nan" not in sentence(replace(data, suites=(unknown,)))


def test_a_run_of_pairs_and_a_run_of_cells_have_their_numbers():
    cells = MatrixFacts(2, 4, 6, {Verdict.PASS: 3, Verdict.FAIL: 9})
    run = replace(EMPTY, matrices=cells)
    assert sentence(run) == "12 cells run, no pairs yet."
    looked = Provenance({}, None, (StageFacts("pairs", {}, None, {}),), "{}")
    assert sentence(replace(run, provenance=looked)) == "12 cells run, no pair made."
    pairs = replace(run, pairs=PairFacts({PairKind.CORRECTNESS: 3}, {PairKind.CORRECTNESS: 1}, (0.5,), {}, ()))
    assert sentence(pairs) == "3 preference pairs from 2 problems, without a ground-truth test."
    found = [(figure.value, figure.name, figure.detail) for figure in key_figures(pairs)]
    assert found == [
        ("2", "problems", "4 solutions, 6 tests"),
        ("25%", "of cells pass", "of 12"),
        ("3", "correctness pairs", "from 50% of the problems"),
        ("0", "efficiency pairs", "from 0% of the problems"),
    ]


def test_a_run_without_cells_is_no_division_by_zero():
    assert [f.value for f in key_figures(replace(EMPTY, matrices=MatrixFacts(0, 0, 0, {})))] == ["0", "–"]


def test_an_interval_has_its_denominator():
    assert interval(Estimate(0.5, 0.25, 0.75, 1_200)) == "0.250 to 0.750, n\u00a0=\u00a01,200"
    assert interval(Estimate(0.5, math.nan, math.nan, 1)) == "n\u00a0=\u00a01"


@pytest.mark.parametrize(("factor", "text"), [(0.5, "0.50×"), (1.234, "1.23×"), (93.4, "93×"), (3_770.2, "3,770×")])
def test_factors_are_written_as_they_are_read(factor, text):
    assert times(factor) == text

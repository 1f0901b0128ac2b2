"""Gates: read, decided, and explained."""

from __future__ import annotations

import math

import pytest

from codedpo_plugin.errors import UsageError
from codedpo_plugin.evaluation.compare import Comparison
from codedpo_plugin.evaluation.gates import Gate, decide, describe, parse_gate, require_metrics
from codedpo_plugin.evaluation.speed import ProblemSpeed, Speeds
from codedpo_plugin.timing import Ratio


def comparison(changes: list[float] = (), ratios: list[float] = ()) -> Comparison:
    speeds = tuple(ProblemSpeed(f"s{i}", Ratio(r, r, r, 1.0, r, 7)) for i, r in enumerate(ratios))
    by_problem = {f"p{i}": change for i, change in enumerate(changes)}
    return Comparison("micro", {}, {}, speeds=Speeds(speeds), changes={"pass@1": by_problem} if changes else {})


def decided(gate: str, **figures):
    (decision,) = decide([parse_gate(gate)], comparison(**figures))
    return decision


@pytest.mark.parametrize(
    ("text", "gate"),
    [
        ("pass@1 >= -0.01", Gate("pass@1", ">=", -0.01)),
        ("pass@10>0", Gate("pass@10", ">", 0.0)),
        (" speedup  >=  1. ", Gate("speedup", ">=", 1.0)),
        ("slower <= .05", Gate("slower", "<=", 0.05)),
        ("median_speedup < +2", Gate("median_speedup", "<", 2.0)),
    ],
)
def test_a_gate_is_a_metric_a_relation_and_a_number(text, gate):
    assert parse_gate(text) == gate


@pytest.mark.parametrize("text", ["", "pass@1", "pass@1 => 1", "pass@1 >= x", "pass@1 >= 1 or so", "pass@1 == 1"])
def test_what_is_not_a_gate_is_refused_with_an_example(text):
    with pytest.raises(UsageError, match=r"as 'pass@1 >= -0\.01'"):
        parse_gate(text)


def test_an_unknown_metric_is_refused_with_near_matches():
    with pytest.raises(UsageError, match=r"unknown metric of a gate 'speed_up'\. Did you mean 'speedup'"):
        parse_gate("speed_up >= 1")
    with pytest.raises(UsageError, match="unknown metric"):
        parse_gate("pass@0 >= 1")


def test_a_gate_on_a_pass_at_k_that_is_not_there_is_refused():
    require_metrics([parse_gate("pass@1 >= 0"), parse_gate("faster >= 0")], "micro", ["pass@1"])
    with pytest.raises(UsageError, match=r"gate 'pass@5 >= 0': both sides of suite 'micro' have pass@1, speedup"):
        require_metrics([parse_gate("pass@5 >= 0")], "micro", ["pass@1"])


@pytest.mark.parametrize(
    ("gate", "passed"),
    [
        ("pass@1 >= -0.5", True),
        ("pass@1 > -0.5", False),
        ("pass@1 <= -0.5", True),
        ("pass@1 < -0.5", False),
        ("speedup >= 1.0", False),
        ("median_speedup >= 0.5", True),
        ("faster >= 0.25", True),
        ("faster > 0.25", False),
        ("slower <= 0.5", True),
        ("slower < 0.5", False),
    ],
)
def test_a_gate_is_decided_by_the_estimate(gate, passed):
    assert decided(gate, changes=[-1.0, 0.0], ratios=[0.5, 0.5, 1.0, 1.2]).passed is passed


@pytest.mark.parametrize("gate", ["pass@1 >= -1", "pass@1 <= 1", "speedup >= 0", "slower <= 1", "faster >= 0"])
def test_what_cannot_be_computed_does_not_pass(gate):
    decision = decided(gate)
    assert not decision.passed
    assert "FAILED, it cannot be computed: no problem" in describe(decision)


def test_a_failed_gate_says_by_how_much_how_certainly_and_on_which_problems():
    text = describe(decided("pass@1 >= -0.01", changes=[-1.0] * 7 + [0.0]))
    assert text.startswith("gate pass@1 >= -0.01 on micro: FAILED, -0.875 (-1 – ")
    assert "n=8), short by 0.865; the whole interval says so" in text
    assert text.endswith("\n  worst: p0 -1.00, p1 -1.00, p2 -1.00, p3 -1.00, p4 -1.00 and 2 more")


def test_a_failure_that_can_be_chance_says_so():
    decision = decided("pass@1 >= -0.01", changes=[-1.0] + [0.0] * 19)
    assert not decision.passed
    assert not decision.certain
    assert "reaches across the bound, this can be chance" in describe(decision)


def test_a_few_problems_are_never_certain():
    decision = decided("pass@1 >= 0", changes=[-1.0] * 5)
    assert not decision.certain
    assert "5 problems are too few to say" in describe(decision)
    assert decided("pass@1 >= 0", changes=[-1.0] * 6).certain


def test_too_much_is_over_the_bound_and_names_the_slower_problems():
    decision = decided("slower <= 0.1", ratios=[0.5, 2.0, 0.25, 1.0, 1.0, 1.0])
    assert decision.problems == (("s2", 0.25), ("s0", 0.5))
    assert "over by 0.2333" in describe(decision)


def test_the_problems_that_count_against_a_speedup_are_the_slower_ones_worst_first():
    assert decided("speedup >= 2", ratios=[0.9, 1.5, 0.5]).problems == (("s2", 0.5), ("s0", 0.9))
    assert decided("speedup <= 1", ratios=[0.9, 1.5, 3.0]).problems == (("s2", 3.0), ("s1", 1.5))


def test_a_gate_that_holds_shows_its_figures():
    text = describe(decided("speedup >= 1.0", ratios=[2.0] * 6))
    assert text == "gate speedup >= 1 on micro: passed, 2 (2 – 2, n=6)"


def test_nan_is_on_neither_side():
    assert not any(Gate("speedup", relation, 1.0).holds(math.nan) for relation in (">=", "<=", ">", "<"))

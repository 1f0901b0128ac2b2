"""Before against after: who gained, who lost, and how much faster it became."""

from __future__ import annotations

import json
import math

import pytest

from codedpo_plugin.config import TimingConfig
from codedpo_plugin.errors import EvaluationError
from codedpo_plugin.evaluation.compare import (
    Comparison,
    ProblemSpeed,
    as_json,
    compare_results,
    read_results,
    write_comparison,
)
from codedpo_plugin.evaluation.results import SampleResult, SuiteResult, write_result
from codedpo_plugin.execution import Pool, TimingResult
from codedpo_plugin.execution.assertions import plan_test
from codedpo_plugin.records import Problem
from codedpo_plugin.suites import SuiteProblem
from codedpo_plugin.timing import Ratio

CONFIG = TimingConfig(rounds=6, passes=2, min_pass_ms=0.1)
FAST = "def f(n):\n    return n"
SLOW = "def f(n):\n    return sum(1 for _ in range(2000)) and n"
BROKEN = "def f(n):\n    raise ValueError"


def result(suite: str = "micro", **solutions: list[tuple[str, bool]]) -> SuiteResult:
    """Return a result: by problem the solutions and whether each is right."""
    samples = (
        SampleResult(problem, number, text, "pass" if right else "fail", "pass", 1)
        for problem, own in solutions.items()
        for number, (text, right) in enumerate(own)
    )
    return SuiteResult(suite, {}, tuple(samples))


def problems(*names: str) -> list[SuiteProblem]:
    plans = (plan_test("assert f(1) == 1", "f"),)
    return [SuiteProblem(Problem(name, "", "f"), FAST, plans, 1) for name in names]


class NoPool:
    """Stands for a pool that must not be used."""

    def time(self, jobs):
        pytest.fail("nothing is to be measured")


class Figures:
    """Stands for a pool: programs take as long as they are."""

    def time(self, jobs):
        return [TimingResult((float(len(job.program)),)) for job in jobs]


def comparison(*ratios: Ratio | None) -> Comparison:
    speeds = tuple(ProblemSpeed(f"p{i}", ratio) for i, ratio in enumerate(ratios))
    return Comparison("micro", {}, {}, (), (), speeds)


def ratio(value: float, low: float | None = None, high: float | None = None) -> Ratio:
    return Ratio(value, low or value, high or value, 1.0, value)


def test_problems_are_gained_lost_or_solved_by_both():
    before = result(a=[(FAST, True)], b=[(FAST, False)], c=[(FAST, True)], d=[(FAST, False)])
    after = result(a=[(FAST, True)], b=[(FAST, True)], c=[(FAST, False)], d=[(FAST, False)])
    found = compare_results(before, after, problems("a", "b", "c", "d"), NoPool(), CONFIG)
    assert (found.gained, found.lost) == (("b",), ("c",))
    assert [speed.problem_id for speed in found.speeds] == ["a"]
    assert found.before["pass@1"].value == found.after["pass@1"].value == 0.5


def test_the_same_program_is_exactly_as_fast_without_measuring():
    other_looks = "def f( n ):\n    # the same\n    return (n)\n"
    found = compare_results(
        result(a=[(FAST, True)]), result(a=[(other_looks, True)]), problems("a"), NoPool(), CONFIG
    )
    (only,) = found.ratios
    assert (only.value, only.low, only.high) == (1.0, 1.0, 1.0)
    assert found.speedup.value == 1.0
    assert found.share_faster().value == found.share_slower().value == 0.0


def test_a_ratio_above_one_means_that_it_became_faster():
    found = compare_results(result(a=[(SLOW, True)]), result(a=[(FAST, True)]), problems("a"), Figures(), CONFIG)
    assert found.ratios[0].value == pytest.approx(len(SLOW) / len(FAST))
    assert (found.share_faster().value, found.share_slower().value) == (1.0, 0.0)


def test_a_ratio_below_one_means_that_it_became_slower():
    found = compare_results(result(a=[(FAST, True)]), result(a=[(SLOW, True)]), problems("a"), Figures(), CONFIG)
    assert found.ratios[0].value == pytest.approx(len(FAST) / len(SLOW))
    assert (found.share_faster().value, found.share_slower().value) == (0.0, 1.0)


def test_the_first_right_sample_of_each_side_is_measured():
    before = result(a=[(BROKEN, False), (SLOW, True), (FAST, True)])
    found = compare_results(before, result(a=[(FAST, True)]), problems("a"), Figures(), CONFIG)
    assert found.ratios[0].value == pytest.approx(len(SLOW) / len(FAST))


def test_programs_are_measured_in_the_engine(pool: Pool):
    before = result(a=[(SLOW, True)], b=[(BROKEN, True)])
    after = result(a=[(FAST, True)], b=[(FAST, True)])
    found = compare_results(before, after, problems("a", "b"), pool, CONFIG)
    assert [speed.ratio is None for speed in found.speeds] == [False, True]
    assert found.ratios[0].low > 1
    assert as_json(found)["problems"][1] == {"problem_id": "b"}


def test_problems_that_the_suite_no_longer_has_are_not_measured():
    both = result(a=[(FAST, True)], gone=[(FAST, True)])
    found = compare_results(both, both, problems("a"), NoPool(), CONFIG)
    assert [speed.problem_id for speed in found.speeds] == ["a"]


def test_results_of_different_suites_cannot_be_compared():
    with pytest.raises(EvaluationError, match="micro and mbpp"):
        compare_results(result(), result("mbpp"), [], NoPool(), CONFIG)


def test_the_mean_speedup_is_geometric():
    found = comparison(ratio(4.0), None, ratio(1.0), ratio(0.25), ratio(2.0))
    assert found.speedup.value == pytest.approx(2 ** (1 / 4))
    assert found.speedup.n == 4
    assert found.speedup.low <= found.speedup.value <= found.speedup.high


def test_a_speedup_and_its_inverse_cancel_out():
    assert comparison(ratio(3.0), ratio(1 / 3)).speedup.value == pytest.approx(1.0)


def test_shares_count_only_what_is_certain_and_measured():
    found = comparison(
        ratio(2.0, 1.2, 3.0), ratio(2.0, 1.05, 3.0), ratio(1.0), None, ratio(0.5, 0.4, 0.95), ratio(0.5, 0.4, 0.9)
    )
    assert found.share_faster().value == pytest.approx(1 / 5)
    assert found.share_slower().value == pytest.approx(1 / 5)
    assert found.share_faster(1.01).value == pytest.approx(2 / 5)


def strict(text: str) -> object:
    """Return the value of strict JSON: no NaN, no Infinity."""
    return json.loads(text, parse_constant=pytest.fail)


@pytest.mark.parametrize(
    "found", [comparison(), comparison(None), comparison(Ratio(1.0, 1.0, 1.0, math.nan, math.nan))]
)
def test_a_comparison_is_strict_json(tmp_path, found):
    write_comparison(tmp_path / "comparison.json", [found])
    (data,) = strict((tmp_path / "comparison.json").read_text())
    assert data == as_json(found)
    assert data["solved_by_both"] == len(found.speeds)


def test_what_could_not_be_computed_is_null():
    data = as_json(comparison(None))
    nothing = {"value": None, "low": None, "high": None, "n": 0}
    assert data["mean_speedup"] == data["share_10_percent_faster"] == data["share_10_percent_slower"] == nothing
    assert data["median_speedup"] is None


@pytest.mark.parametrize(
    ("values", "median"), [([3.0], 3.0), ([1.0, 2.0, 9.0], 2.0), ([1.0, 2.0], 1.5), ([1.0, 2.0, 3.0, 9.0], 2.5)]
)
def test_the_median_speedup_is_the_median(values, median):
    assert as_json(comparison(*map(ratio, values)))["median_speedup"] == median


def test_a_comparison_keeps_every_problem_with_its_interval():
    data = as_json(comparison(ratio(2.0, 1.5, 2.5)))
    assert data["problems"] == [{"problem_id": "p0", "ratio": 2.0, "low": 1.5, "high": 2.5}]


def test_the_results_of_a_folder_are_by_suite(tmp_path):
    for suite in ("micro", "mbpp"):
        write_result(tmp_path / "eval" / f"{suite}.json", result(suite))
    assert read_results(tmp_path) == {suite: result(suite) for suite in ("mbpp", "micro")}


@pytest.mark.parametrize("name", ["", "missing"])
def test_a_folder_without_results_comes_with_the_command_that_makes_them(tmp_path, name):
    with pytest.raises(EvaluationError, match="no results under eval/; make them with `codedpo evaluate"):
        read_results(tmp_path / name)

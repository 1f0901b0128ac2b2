"""Before against after: who gained, who lost, and how much faster it became."""

from __future__ import annotations

import dataclasses
import json
import math

import pytest

from codedpo_plugin.config import TimingConfig
from codedpo_plugin.errors import EvaluationError
from codedpo_plugin.evaluation.compare import (
    Comparison,
    as_json,
    compare_results,
    write_comparison,
)
from codedpo_plugin.evaluation.results import SampleResult, SuiteResult
from codedpo_plugin.evaluation.speed import Outcome, ProblemSpeed, Speeds
from codedpo_plugin.execution import Pool, TimingResult
from codedpo_plugin.execution.assertions import plan_test
from codedpo_plugin.records import Problem
from codedpo_plugin.suites import SuiteProblem, version_of
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
    return Comparison("micro", {}, {}, speeds=Speeds(speeds))


def ratio(value: float, low: float | None = None, high: float | None = None) -> Ratio:
    return Ratio(value, low or value, high or value, 1.0, value, 7)


def test_problems_are_gained_lost_or_solved_by_both():
    before = result(a=[(FAST, True)], b=[(FAST, False)], c=[(FAST, True)], d=[(FAST, False)])
    after = result(a=[(FAST, True)], b=[(FAST, True)], c=[(FAST, False)], d=[(FAST, False)])
    found = compare_results(before, after, problems("a", "b", "c", "d"), NoPool(), CONFIG)
    assert (found.gained, found.lost) == (("b",), ("c",))
    assert [speed.problem_id for speed in found.speeds.problems] == ["a"]
    assert found.before["pass@1"].value == found.after["pass@1"].value == 0.5


def test_the_same_program_is_exactly_as_fast_without_measuring():
    other_looks = "def f( n ):\n    # the same\n    return (n)\n"
    found = compare_results(
        result(a=[(FAST, True)]), result(a=[(other_looks, True)]), problems("a"), NoPool(), CONFIG
    )
    (only,) = found.speeds.ratios
    assert (only.value, only.low, only.high) == (1.0, 1.0, 1.0)
    assert found.speeds.mean.value == 1.0
    assert found.speeds.counts["same"] == 1


def test_a_ratio_above_one_means_that_it_became_faster():
    found = compare_results(result(a=[(SLOW, True)]), result(a=[(FAST, True)]), problems("a"), Figures(), CONFIG)
    assert found.speeds.ratios[0].value == pytest.approx(len(SLOW) / len(FAST))
    assert found.speeds.problems[0].outcome() is Outcome.FASTER


def test_a_ratio_below_one_means_that_it_became_slower():
    found = compare_results(result(a=[(FAST, True)]), result(a=[(SLOW, True)]), problems("a"), Figures(), CONFIG)
    assert found.speeds.ratios[0].value == pytest.approx(len(FAST) / len(SLOW))
    assert found.speeds.problems[0].outcome() is Outcome.SLOWER


def test_right_samples_are_measured_and_no_wrong_ones():
    before = result(a=[(BROKEN, False), (SLOW, True), (FAST, True)])
    found = compare_results(before, result(a=[(FAST, True)]), problems("a"), Figures(), CONFIG)
    assert found.speeds.ratios[0].value == pytest.approx((len(SLOW) / len(FAST)) ** 0.5)


def test_how_many_right_samples_are_measured_can_be_said():
    before = result(a=[(SLOW, True), (FAST, True)])
    one = CONFIG.model_copy(update={"solutions": 1})
    found = compare_results(before, result(a=[(FAST, True)]), problems("a"), Figures(), one)
    assert found.speeds.ratios[0].value == pytest.approx(len(SLOW) / len(FAST))


def test_programs_are_measured_in_the_engine(pool: Pool):
    before = result(a=[(SLOW, True)], b=[(BROKEN, True)])
    after = result(a=[(FAST, True)], b=[(FAST, True)])
    found = compare_results(before, after, problems("a", "b"), pool, CONFIG)
    assert [speed.ratio is None for speed in found.speeds.problems] == [False, True]
    assert found.speeds.ratios[0].low > 1
    assert as_json(found)["problems"][1] == {"problem_id": "b", "outcome": "not_measured"}


def test_a_result_with_problems_that_the_suite_does_not_have_is_refused():
    both = result(a=[(FAST, True)], gone=[(FAST, True)])
    with pytest.raises(EvaluationError, match=r"result before is of another version of suite 'micro': 1 of .*gone"):
        compare_results(both, both, problems("a"), NoPool(), CONFIG)


def test_a_result_of_another_version_of_the_suite_is_refused():
    suite = problems("a")
    right = dataclasses.replace(result(a=[(FAST, True)]), suite_version=version_of(suite))
    wrong = dataclasses.replace(right, suite_version="0" * 16)
    assert len(compare_results(right, right, suite, NoPool(), CONFIG).speeds.problems) == 1
    with pytest.raises(EvaluationError, match=f"result after is of .*version {'0' * 16}, here {version_of(suite)}"):
        compare_results(right, wrong, suite, NoPool(), CONFIG)


def test_differences_are_paired_by_problem():
    before = result(a=[(FAST, True), (FAST, False)], b=[(FAST, True), (FAST, True)], only_before=[(FAST, False)])
    after = result(a=[(FAST, True), (FAST, True)], b=[(FAST, False), (FAST, False)])
    found = compare_results(before, after, problems("a", "b", "only_before"), NoPool(), CONFIG)
    assert found.changes == {"pass@1": {"a": 0.5, "b": -1.0}}
    assert (found.differences["pass@1"].value, found.differences["pass@1"].n) == (-0.25, 2)
    assert as_json(found)["without_sample"] == {"before": 0, "after": 1}
    assert as_json(found)["differences"]["pass@1"]["value"] == -0.25


def test_experiments_repeat_the_timing_and_each_problem_shows_its_median_one():
    class Changing(Figures):
        def time(self, jobs):
            found = [TimingResult((1.0 if job.program == FAST else self.slow,)) for job in jobs]
            self.runs += len(found)
            return found

    pool, progress = Changing(), []
    pool.runs, pool.slow = 0, 2.0

    def note(done, total):
        progress.append((done, total))
        pool.slow = (4.0, 2.0, 3.0, 3.0)[done]

    sides = result(a=[(SLOW, True)]), result(a=[(FAST, True)])
    found = compare_results(*sides, problems("a"), pool, CONFIG, 3, note)
    assert [experiment.ratios[0].value for experiment in found.experiments] == [4.0, 2.0, 3.0]
    assert found.speeds.ratios[0].value == 3.0
    assert progress == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert [e["mean_speedup"]["value"] for e in as_json(found)["experiments"]] == pytest.approx([4.0, 2.0, 3.0])


def test_results_of_different_suites_cannot_be_compared():
    with pytest.raises(EvaluationError, match="micro and mbpp"):
        compare_results(result(), result("mbpp"), [], NoPool(), CONFIG)


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
    assert data["solved_by_both"] == len(found.speeds.problems)


def test_what_could_not_be_computed_is_null():
    data = as_json(comparison(None))
    nothing = {"value": None, "low": None, "high": None, "n": 0}
    assert (
        data["mean_speedup"]
        == data["median_speedup"]
        == data["share_10_percent_faster"]
        == data["share_10_percent_slower"]
        == nothing
    )


def test_a_comparison_keeps_every_problem_with_its_interval():
    data = as_json(comparison(ratio(2.0, 1.5, 2.5)))
    assert data["problems"] == [
        {"problem_id": "p0", "outcome": "faster", "ratio": 2.0, "low": 1.5, "high": 2.5, "rounds": 7}
    ]


def test_an_interval_that_does_not_exist_is_null():
    (problem,) = as_json(comparison(Ratio(2.0, 0.0, math.inf, 1.0, 2.0, 1)))["problems"]
    assert (problem["outcome"], problem["high"]) == ("unclear", None)

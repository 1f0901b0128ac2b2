"""What the evaluations say."""

from __future__ import annotations

import json
import math

import pytest

from codedpo_plugin.evaluation.passk import Estimate
from codedpo_plugin.report.suites import read_suites
from codedpo_plugin.rundir import RunDirectory

from .support import COMPARISON, ESTIMATE, NOTHING


@pytest.fixture
def run(tmp_path):
    return RunDirectory(tmp_path)


def write_result(run: RunDirectory, suite: str, **metrics: object) -> None:
    path = run.result(suite)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"suite": suite, "metrics": metrics, "counts": {}}))


def test_a_run_without_evaluations_has_none(run):
    assert read_suites(run, []) == ()


def test_a_comparison_is_read_whole(run):
    run.comparison.write_text(json.dumps([COMPARISON]))
    (suite,) = read_suites(run, [])
    assert suite.compared
    assert suite.metrics == ("pass@1",)
    assert suite.after["pass@1"] == Estimate(0.75, 0.5, 0.875, 12)
    assert suite.differences["pass@1"].value == 0.5
    assert suite.gained == ("a", "b")
    assert suite.mean_speedup == Estimate(1.5, 1.25, 2.0, 12)
    assert math.isnan(suite.faster.value)
    assert [(s.problem_id, s.outcome, s.ratio) for s in suite.speeds] == [
        ("p0", "faster", 2.0),
        ("p1", "slower", 0.5),
        ("p2", "not_measured", None),
    ]
    assert math.isnan(suite.speeds[1].high)


def test_results_that_were_not_compared_stand_beside_those_that_were(run):
    run.comparison.write_text(json.dumps([COMPARISON]))
    write_result(run, "micro", **{"pass@1": ESTIMATE})
    write_result(run, "mbpp", **{"pass@1": ESTIMATE})
    write_result(run.before, "mbpp", **{"pass@1": NOTHING})
    write_result(run.before, "humaneval", **{"pass@10": ESTIMATE})
    suites = {suite.suite: suite for suite in read_suites(run, [])}
    assert list(suites) == ["micro", "humaneval", "mbpp"]
    assert suites["micro"].differences
    assert suites["mbpp"].compared
    assert math.isnan(suites["mbpp"].before["pass@1"].value)
    assert not suites["humaneval"].compared
    assert suites["humaneval"].metrics == ("pass@10",)


@pytest.mark.parametrize(
    "content",
    [
        '{"suite": 1}',
        "[1]",
        "[{}]",
        '"x"',
        '[{"suite": "a", "before": [], "after": {}}]',
        json.dumps([COMPARISON | {"problems": [{"problem_id": "p", "outcome": "quicker"}]}]),
    ],
)
def test_a_comparison_of_another_form_is_noted_and_left_out(run, content):
    notes: list[str] = []
    run.comparison.write_text(content)
    write_result(run, "mbpp", **{"pass@1": ESTIMATE})
    assert [suite.suite for suite in read_suites(run, notes)] == ["mbpp"]
    (note,) = notes
    assert note.startswith("comparison.json: left out, not of the expected form: ")


def test_a_result_of_another_form_is_noted_and_the_others_are_read(run):
    notes: list[str] = []
    write_result(run, "mbpp", **{"pass@1": {"value": "high"}})
    write_result(run, "micro", **{"pass@1": ESTIMATE})
    (run.path / "eval" / "torn.json").write_text('{"suite": ')
    assert [suite.suite for suite in read_suites(run, notes)] == ["micro"]
    assert [note.split(":")[0] for note in notes] == ["mbpp.json", "torn.json"]


@pytest.mark.parametrize("ratio", [0, -1, None, float("inf"), float("nan")])
def test_a_ratio_that_is_none_was_not_measured(run, ratio):
    problem = {"problem_id": "p", "outcome": "unclear", "ratio": ratio}
    run.comparison.write_text(json.dumps([COMPARISON | {"problems": [problem]}]))
    (suite,) = read_suites(run, [])
    assert suite.speeds[0].ratio is None

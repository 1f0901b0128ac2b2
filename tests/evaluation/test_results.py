"""Results of a suite and their file."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codedpo_plugin.errors import EvaluationError
from codedpo_plugin.evaluation.results import SampleResult, SuiteResult, read_result, status_of, write_result
from codedpo_plugin.records import Verdict


def samples(**right: str) -> tuple[SampleResult, ...]:
    """Return samples by problem: one per letter, ``+`` for a right one and ``-`` for a wrong one."""
    return tuple(
        SampleResult(name, number, f"program {number}", "pass" if mark == "+" else "fail", "pass", 5)
        for name, marks in right.items()
        for number, mark in enumerate(marks)
    )


RESULT = SuiteResult("micro", {"model": "hf"}, samples(a="+-", b="--", c="++"), (1, 2), ("d",), {"split": "all"})


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [
        ([], "pass"),
        ([Verdict.PASS, Verdict.PASS], "pass"),
        ([Verdict.PASS, Verdict.TIMEOUT, Verdict.FAIL], "timeout"),
        ([Verdict.NOT_RUN, Verdict.FAIL], "not_run"),
        *(([Verdict.PASS, verdict], verdict.name.lower()) for verdict in Verdict if verdict is not Verdict.PASS),
    ],
)
def test_the_status_is_the_first_verdict_that_is_not_a_pass(verdicts, status):
    assert status_of(verdicts) == status
    assert status_of([int(verdict) for verdict in verdicts]) == status


def test_only_a_sample_that_passes_everything_is_right():
    assert [s.passed for s in samples(a="+-")] == [True, False]
    assert not SampleResult("a", 0, "", "timeout", "pass", 0).passed


def test_samples_are_grouped_by_problem_in_order():
    mixed = dataclasses.replace(RESULT, samples=(*samples(b="+"), *samples(a="-"), *samples(b="-")))
    groups = mixed.by_problem()
    assert list(groups) == ["b", "a"]
    assert [s.status for s in groups["b"]] == ["pass", "fail"]


def test_pass_at_k_is_the_mean_over_problems():
    assert RESULT.pass_at(1).value == pytest.approx((0.5 + 0 + 1) / 3)
    assert RESULT.pass_at(2).value == pytest.approx((1 + 0 + 1) / 3)


def test_problems_with_fewer_samples_than_k_do_not_count_for_it():
    result = dataclasses.replace(RESULT, samples=samples(a="+-", b="-"))
    assert (result.pass_at(1).n, result.pass_at(2).n) == (2, 1)
    assert result.pass_at(2).value == 1.0


def test_metrics_are_those_that_the_samples_allow():
    result = dataclasses.replace(RESULT, ks=(1, 2, 10))
    assert list(result.metrics) == ["pass@1", "pass@2"]
    assert dataclasses.replace(RESULT, samples=()).metrics == {}


def test_a_result_comes_back_the_same(tmp_path):
    write_result(tmp_path / "eval" / "micro.json", RESULT)
    assert read_result(tmp_path / "eval" / "micro.json") == RESULT


def strict(path: Path) -> object:
    """Return the content of a file of strict JSON: no NaN, no Infinity."""
    return json.loads(path.read_text("utf-8"), parse_constant=pytest.fail)


def test_the_file_holds_metrics_counts_and_every_sample(tmp_path):
    write_result(tmp_path / "micro.json", RESULT)
    data = strict(tmp_path / "micro.json")
    assert data["schema_version"] == 1
    assert (data["suite"], data["model"], data["metadata"]) == ("micro", {"model": "hf"}, {"split": "all"})
    assert set(data["metrics"]) == {"pass@1", "pass@2"}
    assert set(data["metrics"]["pass@1"]) == {"value", "low", "high", "n"}
    assert data["counts"] == {
        "problems": 3,
        "problems_without_sample": 1,
        "samples": 6,
        "statuses": {"fail": 3, "pass": 3},
    }
    assert data["samples"][1] == {
        "problem_id": "a",
        "sample": 1,
        "solution": "program 1",
        "status": "fail",
        "base_status": "pass",
        "cpu_ns": 5,
        "plus_status": None,
        "group": "",
        "reason": "",
        "judged_inside": False,
    }


def test_statuses_are_counted_passes_first_and_by_part(tmp_path):
    def sample(group: str, status: str) -> SampleResult:
        return SampleResult(f"{group}/{status}", 0, "", status, status, 1, group=group)

    own = [sample("x", "fail"), sample("x", "pass"), sample("y", "timeout"), sample("y", "fail")]
    result = SuiteResult("s", {}, tuple(own))
    assert [*result.statuses.items()] == [("pass", 1), ("fail", 2), ("timeout", 1)]
    write_result(tmp_path / "s.json", result)
    groups = strict(tmp_path / "s.json")["groups"]
    assert groups["x"]["counts"] == {"problems": 2, "samples": 2, "statuses": {"fail": 1, "pass": 1}}
    assert groups["y"]["pass@1"]["n"] == 2


def test_a_result_without_samples_is_strict_json_too(tmp_path):
    empty = SuiteResult("micro", {}, ())
    write_result(tmp_path / "micro.json", empty)
    assert strict(tmp_path / "micro.json")["metrics"] == {}
    assert read_result(tmp_path / "micro.json") == empty


@given(st.text(st.characters()), st.sampled_from([v.name.lower() for v in Verdict]))
def test_solutions_come_back_whatever_is_in_them(solution, status):
    pair_free = solution.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    result = SuiteResult("s", {}, (SampleResult("p", 0, pair_free, status, status, -1),))
    with tempfile.TemporaryDirectory() as folder:
        write_result(Path(folder) / "s.json", result)
        assert read_result(Path(folder) / "s.json") == result


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"{",
        b"\xff",
        b"[]",
        b"{}",
        b'{"suite": "s", "model": {}, "ks": [1], "missing": [], "metadata": {}, "samples": [{"problem": "p"}]}',
        b'{"suite": "s", "model": {}, "ks": 1, "missing": [], "metadata": {}, "samples": []}',
        b'{"suite": "s", "samples": []}',
    ],
)
def test_what_is_not_a_result_is_an_error_with_its_path(tmp_path, content):
    path = tmp_path / "s.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(EvaluationError, match="not the result of an evaluation") as caught:
        read_result(path)
    assert str(caught.value).startswith(f"{path}: ")

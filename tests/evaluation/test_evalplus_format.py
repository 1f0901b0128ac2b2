"""Results as EvalPlus writes them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from codedpo_plugin.evaluation.evalplus_format import as_evalplus, write_evalplus
from codedpo_plugin.evaluation.results import SampleResult, SuiteResult, read_result, write_result
from codedpo_plugin.importing.evalplus_logs import read_eval_results

SAMPLES = (
    SampleResult("HumanEval/0", 0, "def f(): pass", "error", "pass", 5, "error"),
    SampleResult("HumanEval/0", 1, "def f(): return 1", "pass", "pass", 5, "pass"),
    SampleResult("HumanEval/1", 0, "loop", "timeout", "timeout", 5, "timeout"),
)
RESULT = SuiteResult("humaneval_plus", {"model": "hf"}, SAMPLES, (1,), suite_version="v")


def test_statuses_are_evalplus_words():
    found = as_evalplus(RESULT)["eval"]
    assert [[(e["base_status"], e["plus_status"]) for e in entries] for entries in found.values()] == [
        [("pass", "fail"), ("pass", "pass")],
        [("timeout", "timeout")],
    ]


@pytest.mark.parametrize(("suite", "part"), [("humaneval_plus", "plus"), ("mbpp", "base")])
def test_pass_at_k_is_that_of_the_suite(suite, part):
    result = replace(RESULT, suite=suite)
    assert as_evalplus(result)["pass_at_k"] == {part: {"pass@1": result.pass_at(1).value}}


def test_the_file_is_read_by_what_reads_evalplus_results_and_is_no_result_of_ours(tmp_path):
    target = tmp_path / "eval" / "humaneval_plus.json"
    write_result(target, RESULT)
    path = write_evalplus(target, RESULT)
    assert {task: len(entries) for task, entries in read_eval_results(path).items()} == {
        "HumanEval/0": 2,
        "HumanEval/1": 1,
    }
    assert json.loads(path.read_text())["hash"] == "v"
    assert [p.name for p in target.parent.glob("*.json")] == ["humaneval_plus.json"]
    assert read_result(target) == RESULT


def test_suites_of_others_have_no_such_file(tmp_path):
    assert write_evalplus(tmp_path / "micro.json", replace(RESULT, suite="micro")) is None
    assert list(tmp_path.iterdir()) == []

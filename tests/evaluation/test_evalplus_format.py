"""Results as EvalPlus writes them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime

import pytest

from codedpo_plugin.evaluation.evalplus_format import as_evalplus, write_evalplus
from codedpo_plugin.evaluation.results import SampleResult, SuiteResult, read_result, write_result
from codedpo_plugin.importing.evalplus_logs import read_eval_results

SAMPLES = (
    SampleResult("HumanEval/0", 0, "def f(): pass", "error", "pass", 5, "error"),
    SampleResult("HumanEval/0", 1, "def f(): return 1", "pass", "pass", 5, "pass"),
    SampleResult("HumanEval/1", 0, "loop", "timeout", "timeout", 5, "timeout"),
)
NOW = datetime(2026, 1, 2, 3, 4, 5)
RESULT = SuiteResult("humaneval_plus", {"model": "hf"}, SAMPLES, (1,), suite_version="v")


def test_statuses_are_evalplus_words():
    found = as_evalplus(RESULT, NOW)["eval"]
    assert [[(e["base_status"], e["plus_status"]) for e in entries] for entries in found.values()] == [
        [("pass", "fail"), ("pass", "pass")],
        [("timeout", "timeout")],
    ]


@pytest.mark.parametrize(
    ("suite", "expected"),
    [("humaneval_plus", {"base": {"pass@1": 0.5}, "plus": {"pass@1": 0.25}}), ("mbpp", {"base": {"pass@1": 0.5}})],
)
def test_pass_at_k_is_told_of_the_base_tests_and_of_all(suite, expected):
    found = as_evalplus(replace(RESULT, suite=suite), NOW)
    assert found["pass_at_k"] == expected
    assert found["date"] == "2026-01-02 03:04"


@pytest.mark.parametrize("suite", ["humaneval_plus", "mbpp"])
def test_evalplus_itself_reads_the_file_and_finds_the_same(tmp_path, capsys, suite):
    """It takes the results that lie beside the samples it is given, if there are any."""
    from evalplus.evaluate import evaluate

    path = write_evalplus(tmp_path / f"{suite}.json", replace(RESULT, suite=suite))
    samples = path.with_name(f"{suite}.jsonl")
    evaluate(suite.removesuffix("_plus"), str(samples), base_only=suite == "mbpp")
    told = capsys.readouterr().out
    assert f"Load from previous results from {path}" in told
    shown = [line.partition("pass@1:\t")[2][:5] for line in told.splitlines() if "pass@1" in line]
    assert [float(text) for text in shown] == [
        part["pass@1"] for part in json.loads(path.read_text())["pass_at_k"].values()
    ]


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

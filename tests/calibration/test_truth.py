"""Reading labels: lines of truth, or the result of an evaluation."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from codedpo_plugin.calibration.truth import read_labelled
from codedpo_plugin.errors import CodeDPOError, InputError, UsageError
from codedpo_plugin.evaluation.results import SampleResult, SuiteResult, write_result
from codedpo_plugin.formats import jsonl, parquet
from codedpo_plugin.records import Candidates, PassMatrix
from codedpo_plugin.rundir import RunDirectory

PROMPT = "def f():\n"


@pytest.fixture
def run(tmp_path) -> RunDirectory:
    run = RunDirectory(tmp_path / "run")
    solutions = {"a": ("    return 1\n", "    return 2\n"), "b": ("    return 1\n",)}
    jsonl.write(
        run.candidates,
        [
            Candidates(i, PROMPT, "f", tuple(PROMPT + s for s in own), ("assert f()",))
            for i, own in solutions.items()
        ],
    )
    parquet.write_matrices(
        run.matrix, [PassMatrix(i, np.zeros((len(own), 1), np.uint8)) for i, own in solutions.items()]
    )
    return run


def lines(path: Path, *rows: object) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def test_lines_say_what_is_right(run, tmp_path):
    truth = lines(
        tmp_path / "t.jsonl", {"problem_id": "b", "right": [True]}, {"problem_id": "a", "right": [True, False]}
    )
    found, left_out = read_labelled(run, truth)
    assert [(p.matrix.problem_id, p.right.tolist()) for p in found] == [("a", [True, False]), ("b", [True])]
    assert found[0].programs[0] == found[1].programs[0] != found[0].programs[1]
    assert left_out == []


def test_tests_that_are_examples_of_the_prompt_are_known(tmp_path):
    run = RunDirectory(tmp_path / "run")
    prompt = 'def f(x):\n    """Double.\n\n    >>> f(3)\n    6\n    """\n'
    solutions = (prompt + "    return 2 * x\n",)
    jsonl.write(run.candidates, [Candidates("a", prompt, "f", solutions, ("assert f(1) == 2", "assert f(3) == 6"))])
    parquet.write_matrices(run.matrix, [PassMatrix("a", np.zeros((1, 2), np.uint8))])
    (problem,), _ = read_labelled(run, lines(tmp_path / "t.jsonl", {"problem_id": "a", "right": [True]}))
    assert problem.examples == (1,)


def test_a_problem_without_truth_or_with_another_number_is_left_out_and_named(run, tmp_path):
    truth = lines(tmp_path / "t.jsonl", {"problem_id": "a", "right": [True]}, {"problem_id": "c", "right": []})
    with pytest.raises(InputError, match="the truth is known of no problem"):
        read_labelled(run, truth)
    lines(truth, {"problem_id": "a", "right": [True]}, {"problem_id": "b", "right": [False]})
    found, left_out = read_labelled(run, truth)
    assert [p.matrix.problem_id for p in found] == ["b"]
    assert left_out == [f"{truth}: problem a: 1 values for 2 solutions"]


def test_bad_lines_are_reported_and_the_rest_goes_on(run, tmp_path):
    truth = lines(
        tmp_path / "t.jsonl", {"problem_id": "b", "right": [True]}, "{", {"problem_id": "a", "right": [1, 0]}
    )
    found, left_out = read_labelled(run, truth)
    assert len(found) == 1
    assert "t.jsonl:2: not JSON" in left_out[0]
    assert "t.jsonl:3 (problem a): field 'right' has to be a list of true and false" in left_out[1]


def sample(problem_id: str, solution: str, status: str, reason: str = "") -> SampleResult:
    return SampleResult(problem_id, 0, solution, status, status, 0, reason=reason)


def test_samples_of_an_evaluation_are_found_by_their_text(run, tmp_path):
    samples = (
        sample("a", "    return 2\n", "fail"),
        sample("a", PROMPT + "    return 1\n", "pass"),
        sample("b", "    return 1\n", "fail", reason="no data"),
    )
    write_result(tmp_path / "eval.json", SuiteResult("micro", {}, samples))
    found, left_out = read_labelled(run, tmp_path / "eval.json")
    assert [(p.matrix.problem_id, p.right.tolist()) for p in found] == [("a", [True, False])]
    assert left_out == [
        f"{tmp_path / 'eval.json'}: problem b: nothing is said about it, or not about every solution"
    ]


@pytest.mark.parametrize(("name", "content"), [("t.jsonl", ""), ("t.jsonl", "{}"), ("eval.json", "{}")])
def test_a_file_without_truth_is_refused(run, tmp_path, name, content):
    (tmp_path / name).write_text(content)
    with pytest.raises(CodeDPOError, match=name):
        read_labelled(run, tmp_path / name)


def test_a_run_without_matrices_says_how_to_make_them(tmp_path, run):
    run.matrix.unlink()
    with pytest.raises(UsageError, match=r"matrix\.parquet does not exist; make it with `codedpo execute DIR`"):
        read_labelled(run, lines(tmp_path / "t.jsonl", {"problem_id": "a", "right": [True, False]}))

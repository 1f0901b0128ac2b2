"""The importers, on files that lm-eval and EvalPlus really wrote."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from codedpo_plugin.formats import jsonl, parquet
from codedpo_plugin.importing.evalplus_logs import read_evalplus
from codedpo_plugin.importing.lm_eval_logs import read_lm_eval
from codedpo_plugin.records import Verdict
from codedpo_plugin.suites.micro import micro_problems

TASKS = [e for e in micro_problems("train") if "list[int]" in e.prompt][:3]


pytestmark = pytest.mark.xdist_group("real-logs")  # what takes long is made once


@pytest.fixture
def lm_eval_log(tmp_path) -> Path:
    """Return the folder of a run of ``lm_eval --log_samples`` with its own dummy model."""
    command = [
        sys.executable,
        "-P",
        "-m",
        "lm_eval",
        "run",
        "--model",
        "dummy",
        "--tasks",
        "codedpo_micro",
        "--limit",
        "2",
    ]
    command += ["--include_path", tasks_folder(), "--output_path", str(tmp_path), "--log_samples"]
    subprocess.run(command, check=True, capture_output=True, env=os.environ | {"HF_HUB_OFFLINE": "1"})
    return tmp_path


def tasks_folder() -> str:
    from codedpo_plugin.harness.discovery import tasks_path

    return str(tasks_path())


def test_a_log_of_lm_eval_gives_candidates(lm_eval_log, tmp_path):
    (log,) = lm_eval_log.rglob("samples_codedpo_micro_*.jsonl")
    entries = {e.id: e for e in micro_problems("heldout")}
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    for line in lines:  # the dummy model says "lol"; give it two answers that are code
        entry = entries[line["doc"]["problem_id"]]
        line["resps"] = [[entry.reference, entry.wrong[0]]]
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    tests = tmp_path / "tests.jsonl"
    tests.write_text("".join(json.dumps({"problem_id": e.id, "tests": e.tests}) + "\n" for e in entries.values()))
    imported = read_lm_eval(lm_eval_log, tests)
    assert [c.problem_id for c in imported.candidates] == [line["doc"]["problem_id"] for line in lines]
    first = imported.candidates[0]
    assert len(first.solutions) == 2
    assert len(first.tests) == len(entries[first.problem_id].tests)


def test_answers_that_are_no_code_are_counted(lm_eval_log):
    with pytest.raises(Exception, match="problem without"):
        read_lm_eval(lm_eval_log)


def evalplus_data(folder: Path) -> Path:
    """Write a data set of three problems in the form of HumanEval+."""
    rows = []
    for number, entry in enumerate(TASKS):
        calls = [test.split(" == ")[0].removeprefix(f"assert {entry.entry_point}") for test in entry.tests]
        inputs = [list(eval(f"(lambda *a: a){call}")) for call in calls]
        row = {"task_id": f"HumanEval/{number}", "prompt": entry.prompt, "entry_point": entry.entry_point}
        row |= {"canonical_solution": entry.reference, "contract": "", "atol": 0, "test": ""}
        rows.append(row | {"base_input": inputs[:3], "plus_input": inputs[3:]})
    path = folder / "data.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture(params=[False, True], ids=["first-failure", "test-details"], scope="module")
def evalplus_run(request, tmp_path_factory) -> tuple[Path, Path]:
    """Return samples and data of a real run of ``evalplus.evaluate``."""
    folder = tmp_path_factory.mktemp("evalplus")
    data, samples = evalplus_data(folder), folder / "samples.jsonl"
    lines = [
        {"task_id": f"HumanEval/{number}", "solution": entry.prompt + body}
        for number, entry in enumerate(TASKS)
        for body in (entry.reference, *entry.wrong)
    ]
    samples.write_text("".join(json.dumps(line) + "\n" for line in lines))
    command = [sys.executable, "-P", "-m", "evalplus.evaluate", "--dataset", "humaneval", "--samples", str(samples)]
    variables = {"HUMANEVAL_OVERRIDE_PATH": str(data), "XDG_CACHE_HOME": str(folder / "cache")}
    details = ["--test-details"] if request.param else []
    subprocess.run([*command, *details], check=True, capture_output=True, env=os.environ | variables)
    return samples, data


def test_evalplus_results_are_a_pass_matrix(evalplus_run):
    samples, data = evalplus_run
    imported = read_evalplus(samples.with_name("samples_eval_results.json"), data)
    assert len(imported.candidates) == len(imported.matrices) == 3
    for candidates, matrix, entry in zip(imported.candidates, imported.matrices, TASKS, strict=True):
        assert matrix.verdicts.shape == (3, len(entry.tests)) == (len(candidates.solutions), len(candidates.tests))
        assert (matrix.verdicts[0] == Verdict.PASS).all()
        assert (matrix.verdicts[1:] == Verdict.FAIL).any(axis=1).all()


def test_what_evalplus_recorded_agrees_with_our_engine(evalplus_run, tmp_path, pool):
    from codedpo_plugin.execution import Limits
    from codedpo_plugin.execution.matrix import Workload, execute

    samples, data = evalplus_run
    imported = read_evalplus(samples.with_name("samples_eval_results.json"), data)
    ours = execute(pool, (Workload.of(c, Limits()) for c in imported.candidates))
    for theirs, mine in zip(imported.matrices, ours, strict=True):
        ran = theirs.verdicts != Verdict.NOT_RUN
        assert ((theirs.verdicts == Verdict.PASS) == mine.passed)[ran].all()


def test_evalplus_samples_give_the_same_candidates_as_its_results(evalplus_run):
    samples, data = evalplus_run
    from_samples = read_evalplus(samples, data)
    from_results = read_evalplus(samples.with_name("samples_eval_results.json"), data)
    assert from_samples.candidates == from_results.candidates
    assert from_samples.matrices == []


def test_the_command_writes_candidates_and_matrix_side_by_side(evalplus_run, tmp_path):
    samples, data = evalplus_run
    results, target = samples.with_name("samples_eval_results.json"), tmp_path / "run" / "candidates.jsonl"
    command = [
        sys.executable,
        "-P",
        "-m",
        "codedpo_plugin",
        "import",
        "evalplus",
        results,
        "-o",
        target,
        "--data",
        data,
    ]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(jsonl.read_all(target, jsonl.candidates_parser())[0]) == 3
    assert len(list(parquet.read_matrices(target.with_name("matrix.parquet")))) == 3
    scored = subprocess.run(
        [sys.executable, "-P", "-m", "codedpo_plugin", "score", str(target.parent)],
        capture_output=True,
        check=False,
    )
    assert scored.returncode == 0

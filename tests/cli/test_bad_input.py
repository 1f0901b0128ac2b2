"""``codedpo evaluate`` and ``codedpo compare`` on files that cannot be used, or only in part."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codedpo_plugin.suites.micro import micro_problems

from .support import codedpo

FIRST, SECOND, *_ = micro_problems("heldout")
RIGHT = {"task_id": FIRST.id, "solution": FIRST.prompt + FIRST.reference}


def write(path: Path, *lines: object) -> Path:
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return path


def evaluate(samples: Path, *options: object):
    return codedpo("evaluate", "--suite", "micro", "--samples", samples, "-o", samples.parent / "out", *options)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({**RIGHT, "completion": FIRST.reference}, "it has a solution and a completion"),
        ({**RIGHT, "task_id": "micro/no_such"}, "task 'micro/no_such' is not in the suite"),
        ({**RIGHT, "task_id": 17}, "field 'task_id' has to be a string"),
        ({"solution": "x"}, "missing field 'task_id'"),
        ({"task_id": FIRST.id}, "it has neither a solution nor a completion"),
        ({"task_id": FIRST.id, "solution": ["x"]}, "field 'solution' has to be a string"),
        ("[1, 2]", "a JSON object is expected"),
        ('{"task_id": "micro/', "is it complete?"),
    ],
)
def test_a_line_that_cannot_be_used_is_counted_and_told_and_the_rest_judged(tmp_path, line, reason):
    samples = write(tmp_path / "s.jsonl", RIGHT, line)
    if isinstance(line, str) and line.startswith("{"):
        samples.write_text(samples.read_text().removesuffix("\n"))  # a file that was cut
    done = evaluate(samples)
    assert done.returncode == 0, done.stderr
    assert f"1 lines of {samples} were left out" in done.stderr
    assert f"{samples}:2" in done.stderr
    assert reason in done.stderr
    assert "29 problems of the suite have no sample" in done.stdout
    found = json.loads((tmp_path / "out" / "eval" / "micro.json").read_text())
    assert found["counts"]["samples"] == 1
    assert len(found["missing"]) == 29


def test_a_file_that_mixes_solutions_and_completions_is_refused_with_both_counts(tmp_path):
    lines = [RIGHT, RIGHT, {"task_id": SECOND.id, "completion": SECOND.reference}]
    done = evaluate(write(tmp_path / "s.jsonl", *lines))
    assert done.returncode == 1
    assert "2 lines have a solution and 1 a completion; split the file by form" in done.stderr
    assert not (tmp_path / "out" / "eval").exists()


@pytest.mark.parametrize("lines", [(), ("{",), ({"task_id": "HumanEval/0", "solution": "x"},)])
def test_a_file_without_a_usable_line_is_refused(tmp_path, lines):
    done = evaluate(write(tmp_path / "s.jsonl", *lines))
    assert done.returncode == 1
    assert "no usable sample" in done.stderr
    assert "Traceback" not in done.stderr


# --------------------------------------------------------------------------- comparing


def lm_eval(folder: Path, lines: list[str]):
    """Run lm-eval itself on the embedded suite, with a model that says what it is given; write its logs."""
    from lm_eval.evaluator import simple_evaluate
    from lm_eval.loggers import EvaluationTracker

    from codedpo_plugin.harness.replay import ReplayLM
    from codedpo_plugin.harness.suite_task import SuiteTask
    from codedpo_plugin.suites.micro import MICRO

    task = SuiteTask({"metadata": {"workers": 1, "version": 1.0}}, MICRO)
    answers = dict.fromkeys((p.problem.problem_id for p in task.problems), ("",))
    answers |= {e.id: (line,) for e, line in zip(micro_problems("heldout"), lines, strict=False)}
    found = simple_evaluate(ReplayLM(answers), tasks=[task], log_samples=True, bootstrap_iters=0)
    tracker = EvaluationTracker(output_path=str(folder))
    samples = found.pop("samples")
    tracker.save_results_aggregated(results=found, samples=samples)
    for name in found["configs"]:
        tracker.save_results_samples(task_name=name, samples=samples[name])
    return folder


def test_two_real_log_directories_of_lm_eval_are_compared(tmp_path):
    entries = micro_problems("heldout")[:3]
    before = lm_eval(tmp_path / "before", [e.reference for e in entries[:2]])
    after = lm_eval(tmp_path / "after", [e.reference for e in entries])
    done = codedpo("compare", before, after, "-o", tmp_path / "c.json", "--budget-s", 1, "--gate", "pass@1 >= 0")
    assert done.returncode == 0, done.stderr
    (found,) = json.loads((tmp_path / "c.json").read_text())
    assert (found["gained"], found["lost"], found["solved_by_both"]) == ([entries[2].id], [], 2)
    assert found["differences"]["pass@1"]["value"] == pytest.approx(1 / 30)
    assert "gate pass@1 >= 0 on micro: passed" in done.stdout


@pytest.fixture
def result(tmp_path) -> Path:
    """Return the folder of a result."""
    samples = write(tmp_path / "s.jsonl", RIGHT)
    assert evaluate(samples).returncode == 0
    return tmp_path / "out"


def test_a_baseline_of_another_suite_is_refused(result, tmp_path):
    other = tmp_path / "other" / "eval"
    other.mkdir(parents=True)
    data = json.loads((result / "eval" / "micro.json").read_text())
    (other / "mbpp.json").write_text(json.dumps(data | {"suite": "mbpp"}))
    done = codedpo("compare", other.parent, result)
    assert done.returncode == 1
    assert f"no suite in common: {other.parent} has mbpp, {result} has micro" in done.stderr
    done = codedpo("compare", other.parent, result, "--suite", "micro")
    assert done.returncode == 1
    assert "no results of suite 'micro'; it has mbpp" in done.stderr


def test_a_baseline_of_another_version_is_refused(result, tmp_path):
    old = tmp_path / "old" / "eval"
    old.mkdir(parents=True)
    data = json.loads((result / "eval" / "micro.json").read_text())
    (old / "micro.json").write_text(json.dumps(data | {"suite_version": "0123456789abcdef"}))
    done = codedpo("compare", old.parent, result)
    assert done.returncode == 1
    assert "the result before is of another version of suite 'micro'" in done.stderr
    assert "evaluate the recorded samples again" in done.stderr

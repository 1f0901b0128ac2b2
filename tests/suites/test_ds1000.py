"""DS-1000 without its data and its environment: answers, files, downloads, and a small stand-in run for real."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

import datasets
import pytest
from lm_eval.tasks import TaskManager

from codedpo_plugin.config import ExecuteConfig
from codedpo_plugin.errors import EvaluationError, UsageError
from codedpo_plugin.evaluation.results import read_result, write_result
from codedpo_plugin.evaluation.run import evaluate_samples
from codedpo_plugin.execution.sandboxes import BUILT_IN
from codedpo_plugin.harness.discovery import tasks_path
from codedpo_plugin.harness.suite_task import SuiteTask
from codedpo_plugin.suites import ds1000
from codedpo_plugin.suites import ds1000_downloads as downloads

SUITES = {suite.name: suite for suite in ds1000.SUITES}
SANDBOXES = {sandbox.name: sandbox for sandbox in BUILT_IN}

CONTEXT = """
def test_execution(solution):
    scope = {}
    exec(solution, scope)
    assert scope["result"] == 4
"""
STRING_TEST = """
def test_string(solution):
    assert "for" not in solution
"""


def row(number: int, library: str = "Pandas", context: str = CONTEXT) -> dict:
    return {
        "prompt": f"Problem {number}:\nmake four\n<code>\n",
        "reference_code": "result = 2 + 2\n",
        "code_context": context,
        "metadata": {"problem_id": number, "library": library, "perturbation_type": "Origin"},
    }


ROWS = (row(0), row(1, context=CONTEXT + STRING_TEST), row(7, "Numpy"), row(519, "Matplotlib"))


def write(path: Path, rows) -> Path:
    with gzip.open(path, "wt") as handle:
        handle.writelines(json.dumps(r) + "\n" for r in rows)
    return path


@pytest.fixture
def data(tmp_path) -> Path:
    return write(tmp_path / "ds1000.jsonl.gz", ROWS)


@pytest.fixture
def anywhere(monkeypatch, tmp_path):
    """Let the running Python pass for the environment, with nothing cached."""
    monkeypatch.setattr(ds1000.environment, "require", lambda python, pins: None)
    monkeypatch.setattr(ds1000, "BASE", ())
    monkeypatch.setattr(ds1000, "SEED", "")
    for variable in downloads.VARIABLES.values():
        monkeypatch.setenv(variable, str(tmp_path / "nothing"))


def metadata(data: Path) -> dict[str, str]:
    return {"ds1000_path": str(data), "ds1000_python": sys.executable}


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("result = 1\n", "result = 1\n"),
        (["result = 1"], "result = 1"),
        (["first", "second"], "first"),
        ("<code>\nresult = 1\n</code>\nEND SOLUTION\n</code>", "\nresult = 1\n"),
        ("```python\nresult = 1\n```\nIt works.", "\nresult = 1\n"),
        ("a\n```\nb", "a\n"),
        ("a\nEND SOLUTION\nb", "a"),
        ("a # END SOLUTION\nb", "a # END SOLUTION\nb"),
        ("    indented = 1", "    indented = 1"),
        ("", ""),
    ],
)
def test_an_answer_is_cut_as_the_official_script_does(answer, code):
    assert ds1000.postprocess(answer) == code


def test_the_program_is_the_context_and_the_answer_as_a_literal():
    assert ds1000.program("x = 1", "print('a')\n") == "x = 1\ncode = \"print('a')\\n\"\n"


def test_the_string_test_is_run_where_the_context_defines_it():
    assert ds1000.tests_of(CONTEXT) == ("test_execution(code)",)
    assert ds1000.tests_of(CONTEXT + STRING_TEST) == ("test_execution(code)", "test_string(code)")


@pytest.mark.parametrize(
    ("context", "host"),
    [
        ("import numpy as np", "numpy"),
        ("import numpy as np\n    import torch\n", "pytorch"),
        ("from tensorflow import keras", "tensorflow"),
        ("import torchvision", "numpy"),
        ("# import torch", "numpy"),
    ],
)
def test_a_problem_that_imports_a_slow_library_runs_beside_that_librarys(context, host):
    assert ds1000.host_of("numpy", context) == host


def test_the_metadata_names_the_data_before_the_environment_does(data, tmp_path, monkeypatch):
    monkeypatch.setenv(ds1000.VARIABLE, str(write(tmp_path / "other.jsonl.gz", ROWS[:1])))
    assert len(ds1000.read_rows({})) == 1
    assert len(ds1000.read_rows({"ds1000_path": str(data)})) == len(ROWS)


def test_the_hub_is_asked_last_and_an_error_names_all_three(monkeypatch):
    def unreachable(name, split):
        raise ConnectionError(f"no route to {name}")

    monkeypatch.delenv(ds1000.VARIABLE, raising=False)
    monkeypatch.setattr(datasets, "load_dataset", unreachable)
    with pytest.raises(EvaluationError, match="no route to xlang-ai/DS-1000") as caught:
        ds1000.read_rows({})
    assert all(place in str(caught.value) for place in ("ds1000_path", ds1000.VARIABLE, "hub"))


def test_rows_of_the_hub_are_taken_as_they_are(monkeypatch):
    monkeypatch.delenv(ds1000.VARIABLE, raising=False)
    monkeypatch.setattr(datasets, "load_dataset", lambda name, split: iter(ROWS))
    assert [r["metadata"]["problem_id"] for r in ds1000.read_rows({})] == [0, 1, 7, 519]


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        (["{"], "not JSON"),
        ([json.dumps({"prompt": "p"})], "missing field"),
        ([json.dumps(row(3, "Cobol"))], "library 'Cobol'"),
        ([], "the file is empty"),
    ],
)
def test_a_file_that_is_not_the_data_set_is_one_error_with_its_path(tmp_path, lines, complaint):
    path = tmp_path / "data.jsonl"
    path.write_text("\n".join(lines))
    with pytest.raises(EvaluationError, match=complaint) as caught:
        ds1000.read_rows({"ds1000_path": str(path)})
    assert str(path) in str(caught.value)


def test_problems_that_download_are_not_run_unless_the_data_set_is_cached(tmp_path, monkeypatch):
    monkeypatch.setenv("SEABORN_DATA", str(tmp_path))
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path / "none"))
    assert downloads.what_is_missing(0) == ""
    assert "seaborn's data set tips" in downloads.what_is_missing(519)
    assert downloads.cached_folders() == {}
    (tmp_path / "tips.csv").write_text("total_bill\n1\n")
    assert downloads.what_is_missing(519) == ""
    assert "penguins" in downloads.what_is_missing(577)
    assert downloads.cached_folders() == {"SEABORN_DATA": str(tmp_path)}


def test_the_caches_are_where_the_libraries_keep_them(tmp_path, monkeypatch):
    for variable in downloads.VARIABLES.values():
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert downloads.cached_file("seaborn", "tips") == tmp_path / "cache" / "seaborn" / "tips.csv"
    assert downloads.cached_file("scikit-learn", "").parent == tmp_path / "scikit_learn_data"


def test_a_suite_of_one_library_has_its_problems_only(data, anywhere):
    assert [p.problem.problem_id for p in SUITES["ds1000_pandas"].load(metadata(data))] == [
        "DS-1000/0",
        "DS-1000/1",
    ]
    assert [p.group for p in SUITES["ds1000"].load(metadata(data))] == ["pandas", "pandas", "numpy", "matplotlib"]


def test_samples_are_judged_through_the_harness_and_scored_both_ways(data, anywhere, tmp_path):
    samples = {
        "DS-1000/0": "result = 4\n</code>\nnonsense(",
        1: "result = sum(2 for _ in 'ab')",  # right, but with a `for`
        "7": "import os\nos._exit(0)",
        519: "result = 4",
        "DS-1000/4": "result = 4",
    }
    file = tmp_path / "samples.jsonl"
    file.write_text("".join(json.dumps({"task_id": i, "completion": c}) + "\n" for i, c in samples.items()))
    result, bad = evaluate_samples(SUITES["ds1000"], file, metadata(data), ExecuteConfig(workers=1), SANDBOXES)
    assert [s.status for s in result.samples] == ["pass", "fail", "crash", "not_run"]
    assert [s.judged_inside for s in result.samples] == [True, True, True, False]
    assert result.samples[0].solution == "result = 4\n"
    assert (result.metrics["pass@1"].value, result.metrics["pass@1"].n) == (pytest.approx(1 / 4), 4)
    assert (result.metrics["pass@1_where_run"].value, result.metrics["pass@1_where_run"].n) == (
        pytest.approx(1 / 3),
        3,
    )
    assert result.groups["pandas"].metrics["pass@1"].value == pytest.approx(1 / 2)
    assert list(result.not_run) == ["DS-1000/519"]
    assert "DS-1000/4" in str(bad)
    write_result(tmp_path / "ds1000.json", result)
    written = json.loads((tmp_path / "ds1000.json").read_text())
    assert written["judged_inside"] == 3
    assert written["groups"]["numpy"]["pass@1"]["n"] == 1
    assert read_result(tmp_path / "ds1000.json").samples == result.samples


@pytest.mark.parametrize(
    "answer",
    [
        "import sys\nsys.exit(0)",
        "raise SystemExit",
        "import os\nos._exit(0)",
        "assert False",
        "result = 5",
        "(",
        "",
    ],
)
def test_an_answer_that_leaves_early_or_is_wrong_does_not_pass(data, anywhere, tmp_path, answer):
    file = tmp_path / "samples.jsonl"
    file.write_text(json.dumps({"task_id": 0, "completion": answer}) + "\n")
    result, _ = evaluate_samples(SUITES["ds1000"], file, metadata(data), ExecuteConfig(workers=1), SANDBOXES)
    assert not result.samples[0].passed


def test_whole_programs_are_refused(data, anywhere, tmp_path):
    file = tmp_path / "samples.jsonl"
    file.write_text(json.dumps({"task_id": 0, "solution": "result = 4"}) + "\n")
    with pytest.raises(UsageError, match="takes a `completion`"):
        evaluate_samples(SUITES["ds1000"], file, metadata(data), ExecuteConfig(workers=1), SANDBOXES)


def test_a_chat_model_is_instructed_and_a_base_model_sees_the_prompt_as_it_is(data, anywhere):
    task = SuiteTask({"metadata": metadata(data)}, SUITES["ds1000_pandas"], SANDBOXES)
    (doc, _) = task.test_docs()
    assert task.doc_to_text(doc) == ROWS[0]["prompt"]
    task._chat = True
    assert task.doc_to_text(doc).startswith(ds1000.INSTRUCTION)


def test_a_task_is_refused_when_the_environment_is_not_there(data, tmp_path):
    nowhere = {"ds1000_path": str(data), "ds1000_python": str(tmp_path / "python")}
    manager = TaskManager(include_path=str(tasks_path()), include_defaults=False, metadata=nowhere)
    with pytest.raises(EvaluationError, match="codedpo ds1000 setup"):
        manager.load(["codedpo_ds1000_pandas"])

"""The texts that must not be learned: the benchmarks' and the user's."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import pytest

from codedpo_plugin.errors import EvaluationError, InputError, UsageError
from codedpo_plugin.problems.cleaning.benchmarks import benchmark_files, benchmark_texts

DATA = Path(os.environ.get("CODEDPO_TEST_DATA") or Path(__file__).parents[4] / "shared" / "data")

TASK = {
    "task_id": "T/1",
    "prompt": 'def f(x):\n    """Double x, whatever it is.\n    >>> f(1)\n    2\n    """\n',
    "canonical_solution": "    return 2 * x\n",
    "entry_point": "f",
    "base_input": [],
    "plus_input": [],
}


def lines(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_an_item_of_evalplus_has_prompt_description_and_solutions(tmp_path, monkeypatch):
    monkeypatch.setenv("HUMANEVAL_OVERRIDE_PATH", str(lines(tmp_path / "h.jsonl", TASK)))
    texts = benchmark_texts(("humaneval",))
    assert [(t.benchmark, t.item, t.part, t.code) for t in texts] == [
        ("humaneval", "T/1", "prompt", False),
        ("humaneval", "T/1", "description", False),
        ("humaneval", "T/1", "solution", True),
        ("humaneval", "T/1", "solution", True),
    ]
    assert texts[1].text == "Double x, whatever it is."
    assert texts[2].text == TASK["prompt"] + TASK["canonical_solution"]


def test_an_item_of_ds1000_has_prompt_and_solution(tmp_path, monkeypatch):
    row = {"prompt": "Plot x.", "reference_code": "plt.plot(x)", "code_context": "", "metadata": {}}
    row["metadata"] = {"problem_id": 3, "library": "Matplotlib"}
    monkeypatch.setenv("DS1000_OVERRIDE_PATH", str(lines(tmp_path / "d.jsonl", row)))
    assert [(t.item, t.part, t.text) for t in benchmark_texts(("ds1000",))] == [
        ("DS-1000/3", "prompt", "Plot x."),
        ("DS-1000/3", "solution", "plt.plot(x)"),
    ]


@pytest.mark.parametrize("prompt", ["not code (", "x = 1"])
def test_a_prompt_without_documentation_has_no_description(tmp_path, monkeypatch, prompt):
    monkeypatch.setenv("HUMANEVAL_OVERRIDE_PATH", str(lines(tmp_path / "h.jsonl", TASK | {"prompt": prompt})))
    assert benchmark_texts(("humaneval",))[1].text == ""


def test_data_that_cannot_be_had_is_named_with_its_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("MBPP_OVERRIDE_PATH", str(tmp_path / "nowhere.jsonl"))
    with pytest.raises(EvaluationError, match="variable MBPP_OVERRIDE_PATH or, to evaluate on it, with --metadata"):
        benchmark_texts(("mbpp",))


def test_the_files_that_are_read_are_the_users_and_the_copies_that_variables_name(tmp_path, monkeypatch):
    monkeypatch.setenv("HUMANEVAL_OVERRIDE_PATH", str(tmp_path / "h.jsonl"))
    monkeypatch.setenv("MBPP_OVERRIDE_PATH", "")
    monkeypatch.setenv("DS1000_OVERRIDE_PATH", str(tmp_path / "d.jsonl"))
    own = tmp_path / "own.jsonl"
    assert benchmark_files(("humaneval", "mbpp"), (own,)) == (own, tmp_path / "h.jsonl")
    assert benchmark_files(("ds1000", "unknown")) == (tmp_path / "d.jsonl",)
    assert benchmark_files(()) == ()


def test_an_unknown_benchmark_comes_with_near_matches():
    with pytest.raises(UsageError, match=r"unknown benchmark 'human_eval'.*'humaneval'"):
        benchmark_texts(("human_eval",))


def test_the_lists_of_a_user_are_texts_and_their_bad_lines_are_told(tmp_path, caplog):
    path = lines(tmp_path / "own.jsonl", {"id": 5, "question": "What?", "code": "x = 1"}, {"name": "nothing"}, [1])
    with caplog.at_level(logging.WARNING):
        texts = benchmark_texts((), (path,))
    assert [(t.benchmark, t.item, t.part, t.code) for t in texts] == [
        ("own.jsonl", "5", "question", False),
        ("own.jsonl", "5", "code", True),
    ]
    assert "2 lines were left out" in caplog.text
    assert f"{path}:2" in caplog.text


@pytest.mark.parametrize("row", [{"name": "x"}, {"prompt": 5}])
def test_a_list_without_a_text_is_an_error_that_names_the_fields(tmp_path, row):
    with pytest.raises(InputError, match=r"no text to look for; .*prompt, instruction"):
        benchmark_texts((), (lines(tmp_path / "own.jsonl", row),))


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no benchmark data in {DATA}; CODEDPO_TEST_DATA names it")
def test_every_item_of_the_real_benchmarks_can_be_recognised(monkeypatch):
    from codedpo_plugin.problems.cleaning.decontamination import Decontamination

    monkeypatch.setenv("HUMANEVAL_OVERRIDE_PATH", str(DATA / "humanevalplus-v0.1.10.jsonl.gz"))
    monkeypatch.setenv("MBPP_OVERRIDE_PATH", str(DATA / "mbppplus-v0.2.0.jsonl.gz"))
    monkeypatch.setenv("DS1000_OVERRIDE_PATH", str(DATA / "ds1000" / "ds1000.jsonl.gz"))
    texts = benchmark_texts(("humaneval", "mbpp", "ds1000"))
    found = Decontamination(texts)
    assert found.undecidable == {}
    prompts = [t for t in texts if t.part == "prompt"]
    assert len(prompts) == 164 + 378 + 1000
    for text in prompts[::25]:
        assert found.benchmark_of(f"Some exercise:\n{text.text}\nGood luck.") == text.benchmark

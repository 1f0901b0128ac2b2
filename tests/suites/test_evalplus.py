"""HumanEval(+) and MBPP(+): EvalPlus's way of comparing, and where its data comes from."""

from __future__ import annotations

import dataclasses
import gzip
import json
import logging
import math
import re

import pytest
from evalplus.eval import _special_oracle as special

from codedpo_plugin.errors import EvaluationError
from codedpo_plugin.execution import Pool
from codedpo_plugin.execution.matrix import Workload, execute
from codedpo_plugin.records import Verdict
from codedpo_plugin.suites.evalplus import (
    HUMANEVAL,
    MBPP,
    MIN_TIME_LIMIT_S,
    agrees,
    cases_of,
    is_floats,
    load,
    read_tasks,
    special_oracles,
)

TASK = {
    "task_id": "HumanEval/0",
    "prompt": 'def add(a, b):\n    """Add."""\n',
    "canonical_solution": "    return a + b\n",
    "entry_point": "add",
    "base_input": [[1, 2], [0, 0]],
    "plus_input": [[-1, 1], ["a", "b"], [[1], [2]]],
    "atol": 0,
}
NO_DOWNLOAD = dataclasses.replace(HUMANEVAL, download=lambda: pytest.fail("nothing is to be downloaded"))


def write_tasks(path, *tasks) -> str:
    content = "".join(json.dumps(task) + "\n" for task in tasks).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return str(path)


# --------------------------------------------------------------------------- comparing


@pytest.mark.parametrize(
    ("atol", "expected", "answer", "right"),
    [
        (0, 3, 3, True),
        (0, 3, 4, False),
        (0, 3, 3.0, True),
        (0, True, 1, True),
        (0, [1, 2], [1, 2], True),
        (0, [1, 2], (1, 2), False),
        (0, [1, 2], [2, 1], False),
        (0, "a", "b", False),
        (0, None, None, True),
        (0, 3, None, False),
        # Floats are compared with a tolerance even where the task has none.
        (0, 0.3, 0.1 + 0.2, True),
        (0, 0.3, 0.3 + 0.9e-6, True),
        (0, 0.3, 0.3 + 1.2e-6, False),
        (0, 1e9, 1e9 + 50, True),
        (0, 0.5, 1, False),
        (0, 2.0, 2, True),
        (0, [0.3, 1.0], [0.1 + 0.2, 1.0], True),
        (0, (0.3, 1.0), (0.1 + 0.2, 1.0), True),
        (0, [0.3, 1.0], (0.1 + 0.2, 1.0), False),
        (0, [0.3, 1.0], [0.1 + 0.2], False),
        (0, [0.3, 1.0], [0.1 + 0.2, 1.0, 2.0], False),
        (0, [0.3, 1], [0.1 + 0.2, 1], False),
        (0, [], [0.1], False),
        (0, math.inf, math.inf, True),
        (0, math.nan, math.nan, False),
        # With a tolerance of the task whatever numpy can compare is compared.
        (0.01, 0.3, 0.309, True),
        (0.01, 0.3, 0.32, False),
        (0.01, [1, 2], [1, 2], True),
        (0.01, [[0.3]], [[0.301]], True),
        (0.01, 3, "3", False),
    ],
)
@pytest.mark.parametrize("dataset", ["humaneval", "mbpp"])
def test_answers_are_compared_as_evalplus_does(dataset, atol, expected, answer, right):
    assert agrees(dataset, "f", atol, [1], expected, answer) is right


@pytest.mark.parametrize(
    ("expected", "answer"), [("a", "b"), ([{"a": 1}], [{"a": 2}]), ([[1], [2, 3]], [[1], [2, 4]])]
)
def test_values_that_numpy_cannot_compare_are_never_right(expected, answer):
    try:
        right = agrees("humaneval", "f", 1e-4, [1], expected, answer)
    except (TypeError, ValueError):
        right = False
    assert not right


@pytest.mark.parametrize(
    ("value", "floats"),
    [(1.0, True), (1, False), ([1.0], True), ((1.0, 2.0), True), ([], False), ([1.0, 2], False), ("1.0", False)],
)
def test_floats_are_floats_and_lists_of_nothing_else(value, floats):
    assert is_floats(value) is floats


@pytest.mark.parametrize(
    ("name", "inputs", "expected", "answer", "right"),
    [
        ("are_equivalent", [1, 2], False, True, True),
        ("sum_div", [10], 8, 8, True),
        ("sum_div", [10], 8, 0, True),
        ("sum_div", [10], 8, 7, False),
        ("surface_Area", [3, 4], 33, 33, True),
        ("surface_Area", [3, 4], 33, special._surface_Area(3, 4), True),
        ("surface_Area", [3, 4], 33, 40, False),
        ("digit_distance_nums", [1, 256], 11, 11, True),
        ("digit_distance_nums", [1, 256], 11, special._digit_distance_nums(1, 256), True),
        ("digit_distance_nums", [1, 256], 11, 1, False),
        *((name, [[1]], [1, 2, 2], (2, 1), True) for name in special.MBPP_OUTPUT_SET_EQ_TASKS),
        *((name, [[1]], [1, 2], [1], False) for name in special.MBPP_OUTPUT_SET_EQ_TASKS),
        *((name, ["a"], True, "a match", True) for name in special.MBPP_OUTPUT_NOT_NONE_TASKS),
        *((name, ["a"], "a match", True, True) for name in special.MBPP_OUTPUT_NOT_NONE_TASKS),
        *((name, ["a"], True, None, False) for name in special.MBPP_OUTPUT_NOT_NONE_TASKS),
        *((name, ["a"], None, None, True) for name in special.MBPP_OUTPUT_NOT_NONE_TASKS),
        *((name, ["a"], None, False, True) for name in special.MBPP_OUTPUT_NOT_NONE_TASKS),
        *((name, ["a"], True, False, False) for name in special.MBPP_OUTPUT_NOT_NONE_TASKS),
    ],
)
def test_the_special_oracles_of_mbpp(name, inputs, expected, answer, right):
    assert agrees("mbpp", name, 0, inputs, expected, answer) is right


@pytest.mark.parametrize(("answer", "right"), [(-0.5, True), (-0.50001, True), (-0.6, False)])
def test_any_root_is_right_for_find_zero(answer, right):
    assert agrees("humaneval", "find_zero", 1e-4, [[1, 2]], 123.0, answer) is right


def test_special_oracles_are_for_their_data_set_only():
    assert not agrees("humaneval", "sum_div", 0, [10], 8, 0)
    assert {dataset for dataset, _ in special_oracles()} == {"humaneval", "mbpp"}


# --------------------------------------------------------------------------- where the data comes from


def test_the_path_in_the_metadata_comes_first(tmp_path, monkeypatch):
    named = write_tasks(tmp_path / "named.jsonl", TASK)
    monkeypatch.setenv("HUMANEVAL_OVERRIDE_PATH", write_tasks(tmp_path / "other.jsonl"))
    assert list(read_tasks(NO_DOWNLOAD, {"humaneval_path": named})) == ["HumanEval/0"]


@pytest.mark.parametrize("name", ["tasks.jsonl", "tasks.jsonl.gz"])
def test_the_path_in_the_environment_comes_second_packed_or_not(tmp_path, monkeypatch, name):
    monkeypatch.setenv("HUMANEVAL_OVERRIDE_PATH", write_tasks(tmp_path / name, TASK))
    assert dict(read_tasks(NO_DOWNLOAD, {})) == {"HumanEval/0": TASK}


def test_the_download_comes_last(monkeypatch):
    monkeypatch.delenv("HUMANEVAL_OVERRIDE_PATH", raising=False)
    source = dataclasses.replace(HUMANEVAL, download=lambda: {"HumanEval/0": TASK})
    assert dict(read_tasks(source, {"humaneval_path": None})) == {"HumanEval/0": TASK}


def test_data_that_cannot_be_had_is_an_error_that_names_every_way_to_it(monkeypatch):
    def unreachable():
        raise OSError("no network")

    monkeypatch.delenv("MBPP_OVERRIDE_PATH", raising=False)
    with pytest.raises(EvaluationError) as caught:
        read_tasks(dataclasses.replace(MBPP, download=unreachable), {})
    message = str(caught.value)
    assert all(
        part in message for part in ("mbpp", "no network", '--metadata \'{"mbpp_path"', "MBPP_OVERRIDE_PATH")
    )
    assert "download" in message


@pytest.mark.parametrize("content", [None, b"{", b'{"id": 1}\n', b"\xff\xfe"])
def test_a_file_that_is_not_the_data_is_named(tmp_path, content):
    path = tmp_path / "tasks.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(EvaluationError, match="humaneval cannot be read from") as caught:
        read_tasks(NO_DOWNLOAD, {"humaneval_path": str(path)})
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        ({**TASK, "task_id": "Mbpp/2"}, "'Mbpp/2' is no task of humaneval, whose ids begin with 'HumanEval/'"),
        (
            {key: value for key, value in TASK.items() if not key.endswith("_input")},
            "HumanEval/0 has no base_input, plus_input: this is not a release file of EvalPlus",
        ),
    ],
    ids=["another_data_set", "openais_file"],
)
def test_a_file_of_something_else_is_refused_with_the_reason(tmp_path, task, reason):
    path = write_tasks(tmp_path / "tasks.jsonl", TASK, task)
    with pytest.raises(EvaluationError, match=f"{re.escape(reason)}.*HUMANEVAL_OVERRIDE_PATH"):
        load(NO_DOWNLOAD, {"humaneval_path": path}, plus=True)


def test_an_empty_file_is_refused(tmp_path):
    with pytest.raises(EvaluationError, match="the file is empty"):
        read_tasks(NO_DOWNLOAD, {"humaneval_path": write_tasks(tmp_path / "tasks.jsonl")})


def test_the_types_of_mbpp_that_json_lacks_are_restored(tmp_path):
    task = TASK | {"task_id": "Mbpp/2", "base_input": [[[1, 2], [2, 3]]], "plus_input": [[[], [1]]]}
    path = write_tasks(tmp_path / "mbpp.jsonl", task)
    found = read_tasks(MBPP, {"mbpp_path": path})["Mbpp/2"]
    assert found["base_input"] == [[(1, 2), (2, 3)]]
    assert found["plus_input"] == [[(), (1,)]]


# --------------------------------------------------------------------------- cases and problems


def test_cases_hold_what_the_canonical_solution_answers():
    (cases,) = cases_of("humaneval", [TASK], plus=True)
    assert [(case.inputs, case.expected, case.plus) for case in cases] == [
        ([1, 2], 3, False),
        ([0, 0], 0, False),
        ([-1, 1], 0, True),
        (["a", "b"], "ab", True),
        ([[1], [2]], [1, 2], True),
    ]
    assert cases[0].check.source == "add(1, 2)"
    assert all(case.answer.cpu_s >= 0 for case in cases)


def test_without_plus_there_are_the_cases_of_the_suite_only():
    assert [case.plus for case in cases_of("humaneval", [TASK], plus=False)[0]] == [False, False]


def test_an_input_that_the_canonical_solution_does_not_answer_is_left_out_and_logged(caplog):
    with caplog.at_level(logging.WARNING):
        (cases,) = cases_of("humaneval", [TASK | {"plus_input": [[1, "a"]]}], plus=True)
    assert len(cases) == 2
    assert "HumanEval/0: input 2 is left out" in caplog.text


def test_a_canonical_solution_that_answers_nothing_is_an_error():
    with pytest.raises(EvaluationError, match="HumanEval/0: the canonical solution answers nothing"):
        cases_of("humaneval", [TASK | {"canonical_solution": "    return nothing\n"}], plus=True)


@pytest.fixture(scope="module")
def problem(tmp_path_factory):
    path = write_tasks(tmp_path_factory.mktemp("data") / "tasks.jsonl", TASK)
    (problem,) = load(NO_DOWNLOAD, {"humaneval_path": path}, plus=True)
    return problem


def test_a_problem_has_its_own_tests_before_those_added(problem):
    assert (problem.base, len(problem.plans)) == (2, 5)
    assert problem.problem.problem_id == "HumanEval/0"
    assert problem.problem.source == "humaneval"
    assert [check.source for check in problem.timing_checks] == ["add(1, 2)", "add(0, 0)"]
    assert problem.limits.cpu_s >= MIN_TIME_LIMIT_S


def test_prompts_are_those_that_evalplus_shows_to_models(tmp_path):
    path = write_tasks(tmp_path / "tasks.jsonl", TASK | {"prompt": f"\n\n{TASK['prompt']}"})
    (found,) = load(NO_DOWNLOAD, {"humaneval_path": path}, plus=True)
    assert found.problem.prompt == TASK["prompt"]
    assert found.reference == TASK["prompt"] + TASK["canonical_solution"]


def test_solutions_are_judged_in_the_engine(problem, pool: Pool):
    wrong = TASK["prompt"] + "    return a - b\n"
    crash = TASK["prompt"] + "    return None + b\n"
    work = Workload("p", (problem.reference, wrong, crash), problem.plans, problem.limits)
    (matrix,) = execute(pool, [work])
    assert matrix.verdicts.tolist() == [
        [Verdict.PASS] * 5,
        [Verdict.FAIL, Verdict.PASS, Verdict.FAIL, Verdict.ERROR, Verdict.ERROR],
        [Verdict.ERROR] * 5,
    ]
    assert matrix.judged_inside == ()


def test_a_problem_without_plus_is_judged_by_its_own_tests(tmp_path):
    path = write_tasks(tmp_path / "tasks.jsonl", TASK)
    (problem,) = load(NO_DOWNLOAD, {"humaneval_path": path}, plus=False)
    assert (problem.base, len(problem.plans)) == (2, 2)

"""Candidates and matrices out of files in the form that EvalPlus writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from evalplus.data.mbpp import mbpp_deserialize_inputs, mbpp_serialize_inputs
from evalplus.eval import _special_oracle as special

from codedpo_plugin.errors import EvaluationError, InputError
from codedpo_plugin.execution import Check, Ending, Job
from codedpo_plugin.execution.wire import Opaque, to_wire
from codedpo_plugin.importing import evalplus_logs
from codedpo_plugin.importing.evalplus_logs import assertion, read_evalplus, recorded_verdicts
from codedpo_plugin.suites.evalplus import Case, agrees
from codedpo_plugin.suites.references import Reference

PROMPT = 'def add(a, b):\n    """Add."""\n'
TASK = {
    "task_id": "HumanEval/0",
    "prompt": PROMPT,
    "canonical_solution": "    return a + b\n",
    "entry_point": "add",
    "base_input": [[1, 2], [0, 0], [3, 4]],
    "plus_input": [[-1, 1], ["a", "b"], [[1], [2]]],
    "atol": 0,
}
OTHER = TASK | {"task_id": "HumanEval/1", "prompt": PROMPT.replace("Add", "Sum up")}
RIGHT, WRONG = PROMPT + "    return a + b\n", PROMPT + "    return a - b\n"
TESTS = (
    "assert add(1, 2) == 3",
    "assert add(0, 0) == 0",
    "assert add(3, 4) == 7",
    "assert add(-1, 1) == 0",
    "assert add('a', 'b') == 'ab'",
    "assert add([1], [2]) == [1, 2]",
)
P, F, E, T, N = 0, 1, 2, 3, 7
"""Verdicts: passed, failed, raised, out of time, not run."""


@pytest.fixture
def data(tmp_path) -> Path:
    """Return a release file of two tasks."""
    path = tmp_path / "data.jsonl"
    path.write_text("".join(json.dumps(task) + "\n" for task in (TASK, OTHER)))
    return path


def sample_file(folder: Path, *lines: dict[str, Any]) -> Path:
    path = folder / "samples.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def result(solution: str, base: Any = "pass", plus: Any = "pass", base_fail=(), plus_fail=()) -> dict[str, Any]:
    """Return what EvalPlus writes of one sample."""
    return {
        "task_id": "HumanEval/0",
        "solution": solution,
        "base_status": base,
        "plus_status": plus,
        "base_fail_tests": list(base_fail),
        "plus_fail_tests": list(plus_fail),
    }


def results_file(folder: Path, **tasks: list[dict[str, Any]]) -> Path:
    path = folder / "samples_eval_results.json"
    entries = {name.replace("_", "/"): own for name, own in tasks.items()}
    path.write_text(json.dumps({"date": "2025-01-31 12:00", "hash": "ab" * 16, "eval": entries}))
    return path


def case(inputs: Any, expected: Any = None, *, plus: bool = False, call: str = "f(x)") -> Case:
    return Case(
        inputs, Check(call), Reference(Job("", ()), 0, Ending.VALUE, 0.0, json.dumps(to_wire(expected))), plus
    )


# --------------------------------------------------------------------------- samples


def test_samples_become_candidates_whose_tests_are_the_inputs_of_evalplus(tmp_path, data):
    lines = [{"task_id": "HumanEval/0", "solution": RIGHT}, {"task_id": "HumanEval/0", "solution": WRONG}]
    imported = read_evalplus(sample_file(tmp_path, *lines), data)
    (candidates,) = imported.candidates
    assert (candidates.problem_id, candidates.prompt, candidates.entry_point) == ("HumanEval/0", PROMPT, "add")
    assert candidates.solutions == (RIGHT, WRONG)
    assert candidates.tests == TESTS
    assert candidates.generator == {"imported_from": "evalplus"}
    assert imported.matrices == []
    assert (imported.counts["solutions"], imported.counts["tests"]) == (2, 6)


def test_completions_are_made_whole_and_both_forms_may_be_mixed(tmp_path, data):
    lines = [
        {"task_id": "HumanEval/0", "completion": "    return a - b\n"},
        {"task_id": "HumanEval/0", "solution": RIGHT, "completion": "ignored"},
        {"task_id": "HumanEval/1", "completion": "    return 1\n"},
    ]
    imported = read_evalplus(sample_file(tmp_path, *lines), data)
    assert [c.solutions for c in imported.candidates] == [(WRONG, RIGHT), (OTHER["prompt"] + "    return 1\n",)]


def test_samples_of_tasks_that_the_data_lacks_are_counted(tmp_path, data):
    lines = [{"task_id": f"HumanEval/{number}", "completion": "    return 1\n"} for number in (0, 7)]
    imported = read_evalplus(sample_file(tmp_path, *lines), data)
    assert [c.problem_id for c in imported.candidates] == ["HumanEval/0"]
    assert imported.counts["unknown_tasks"] == 1


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"solution": RIGHT}, "missing field 'task_id'"),
        ({"task_id": "HumanEval/0"}, "missing field 'completion'"),
        ({"task_id": "HumanEval/0", "solution": [RIGHT]}, "field 'solution' has to be a string, got list"),
        ({"task_id": 0, "solution": RIGHT}, "field 'task_id' has to be a string, got int"),
    ],
)
def test_a_sample_that_cannot_be_used_is_counted(tmp_path, data, line, reason):
    path = sample_file(tmp_path, {"task_id": "HumanEval/0", "solution": RIGHT}, line)
    imported = read_evalplus(path, data)
    assert imported.bad.messages == [f"{path}:2: {reason}"]
    assert len(imported.candidates[0].solutions) == 1


def test_a_file_without_samples_is_an_error(tmp_path, data):
    with pytest.raises(InputError, match="no usable sample"):
        read_evalplus(sample_file(tmp_path, {"id": 3}), data)


@pytest.mark.parametrize("names", [["APPS/1"], ["HumanEval/0", "Mbpp/2"]])
def test_tasks_of_another_or_of_two_data_sets_are_an_error(tmp_path, data, names):
    path = sample_file(tmp_path, *({"task_id": name, "solution": RIGHT} for name in names))
    with pytest.raises(InputError, match="tasks of HumanEval or of Mbpp are expected"):
        read_evalplus(path, data)


def test_data_that_is_not_there_is_an_error_that_says_where_it_may_come_from(tmp_path):
    path = sample_file(tmp_path, {"task_id": "HumanEval/0", "solution": RIGHT})
    with pytest.raises(EvaluationError, match="HUMANEVAL_OVERRIDE_PATH"):
        read_evalplus(path, tmp_path / "nothing.jsonl")


# --------------------------------------------------------------------------- results


def test_results_are_candidates_with_their_matrix(tmp_path, data):
    wrong = result(WRONG, "fail", "fail", [[1, 2]], [["a", "b"]])
    path = results_file(tmp_path, HumanEval_0=[result(RIGHT), wrong], HumanEval_1=[result(RIGHT)])
    imported = read_evalplus(path, data)
    assert [c.problem_id for c in imported.candidates] == ["HumanEval/0", "HumanEval/1"]
    assert imported.candidates[0].solutions == (RIGHT, WRONG)
    assert [m.problem_id for m in imported.matrices] == ["HumanEval/0", "HumanEval/1"]
    assert imported.matrices[0].verdicts.tolist() == [[P] * 6, [F, N, N, P, F, N]]
    assert imported.matrices[0].verdicts.shape == (2, len(imported.candidates[0].tests))


def test_test_details_say_of_every_input_whether_it_passed(tmp_path, data):
    detailed = result(WRONG, "fail", "fail", [[1, 2], [3, 4]], [["a", "b"], [[1], [2]]])
    imported = read_evalplus(results_file(tmp_path, HumanEval_0=[detailed]), data)
    assert imported.matrices[0].verdicts.tolist() == [[F, P, F, P, F, F]]


def test_columns_of_tests_that_are_too_long_are_left_out(tmp_path, data, monkeypatch):
    monkeypatch.setattr(evalplus_logs, "LONGEST_TEST", len("assert add(-1, 1) == 0"))
    wrong = result(WRONG, "fail", "fail", [[3, 4]], [[-1, 1]])
    imported = read_evalplus(results_file(tmp_path, HumanEval_0=[wrong]), data)
    assert imported.candidates[0].tests == TESTS[:4]
    assert imported.matrices[0].verdicts.tolist() == [[P, P, F, F]]
    assert imported.counts["tests_too_long"] == 2


@pytest.mark.parametrize(
    "content",
    [b"{", b"\xff", b"[]", b"{}", b'{"eval": []}', b'{"eval": {"HumanEval/0": 3}}', b'{"eval": null}'],
)
def test_what_is_not_a_result_is_an_error_with_its_path(tmp_path, data, content):
    path = tmp_path / "r_eval_results.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match="not EvalPlus's results") as caught:
        read_evalplus(path, data)
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize("entry", [{}, {"solution": None}, "text", {"base_status": "pass"}])
def test_a_result_without_its_solution_is_an_error_with_the_path(tmp_path, data, entry):
    path = results_file(tmp_path, HumanEval_0=[entry])
    with pytest.raises(InputError, match="not EvalPlus's results") as caught:
        read_evalplus(path, data)
    assert str(path) in str(caught.value)


CASES = [case([n], n) for n in (1, 2, 3)] + [case([n], n, plus=True) for n in (4, 5)]


@pytest.mark.parametrize(
    ("entry", "verdicts"),
    [
        (result(""), [P, P, P, P, P]),
        (result("", plus=None), [P, P, P, N, N]),
        (result("", "fail", "pass", [[2]]), [P, F, N, P, P]),
        (result("", "pass", "fail", [], [[4]]), [P, P, P, F, N]),
        (result("", "fail", "fail", [[3]], [[5]]), [P, P, F, P, F]),
        (result("", "fail", "fail", [[1], [3]], [[4], [5]]), [F, P, F, F, F]),
        (result("", "fail", "fail"), [E, E, E, E, E]),
        (result("", "timeout", "timeout"), [T, T, T, T, T]),
        (result("", "timeout", "pass", [[1]]), [P, T, N, P, P]),
        (result("", "timeout", "pass", [[2]]), [P, P, T, P, P]),
        (result("", "timeout", "pass", [[1], [2]]), [F, F, N, P, P]),
        (result("", "fail", "pass", [[99]]), [N, N, N, P, P]),
        ({"solution": ""}, [N, N, N, N, N]),
    ],
    ids=[
        "all pass",
        "base only",
        "first failure of base",
        "first failure of plus",
        "first failure of both",
        "details",
        "does not start",
        "never answers",
        "too slow at the second",
        "too slow at the last",
        "too slow with details",
        "failure without a case",
        "nothing recorded",
    ],
)
def test_verdicts_are_what_evalplus_recorded_and_what_it_did_not_run_is_not_run(entry, verdicts):
    assert recorded_verdicts(entry, CASES) == verdicts


def test_a_status_that_evalplus_does_not_have_is_an_error():
    with pytest.raises(EvaluationError, match="no status 'crashed'"):
        recorded_verdicts(result("", "crashed"), CASES)


@pytest.mark.parametrize(
    ("task_id", "stored"),
    [
        ("Mbpp/2", [[[1, 2], [3]], [[4], []]]),
        ("Mbpp/63", [[[[1, 2], [3]]], [[[4], []]]]),
        ("Mbpp/106", [[[1], [2]], [[3], [4]]]),
        ("Mbpp/124", [["1.0", "2j"], ["0.5", "1+1j"]]),
        ("Mbpp/252", [["2j"], ["1+1j"]]),
    ],
)
def test_a_failing_input_of_mbpp_is_found_in_the_form_that_evalplus_writes_it(task_id, stored):
    inputs = mbpp_deserialize_inputs(task_id, stored)
    cases = [case(own) for own in inputs]
    written = json.loads(json.dumps(mbpp_serialize_inputs(task_id, [inputs[1]])))
    assert recorded_verdicts(result("", "fail", None, written) | {"task_id": task_id}, cases) == [P, F]


# --------------------------------------------------------------------------- assertions


def holds(test: str, answer: Any) -> bool:
    """Return whether an assertion holds for a function that gives this answer."""
    try:
        exec(test, {"f": lambda *_: answer})
    except AssertionError:
        return False
    return True


@pytest.mark.parametrize(
    ("atol", "expected", "right", "wrong"),
    [
        (0, 3, [3, 3.0], [4, None, "3"]),
        (0, "it's", ["it's"], ["its"]),
        (0, [1, (2, {"a": None})], [[1, (2, {"a": None})]], [[1, [2, {"a": None}]]]),
        (0, 0.3, [0.1 + 0.2, 0.3 + 0.9e-6], [0.3 + 2e-6]),
        (0, [0.3, 1.0], [[0.1 + 0.2, 1.0]], [[0.3], [0.3, 1.0, 1.0], [0.3, 1.1]]),
        (0, (0.3,), [(0.1 + 0.2,)], [(0.4,)]),
        (0.01, 0.3, [0.309], [0.32]),
        (0.01, 3, [3], [4]),
        (0, float("inf"), [float("inf")], [1.0]),
        (0, True, [True], [False]),
    ],
)
def test_an_assertion_holds_for_what_evalplus_takes_for_right(atol, expected, right, wrong):
    task = {"task_id": "HumanEval/5", "entry_point": "f", "atol": atol}
    test = assertion(task, case([1], expected, call="f(1)"))
    assert [holds(test, answer) for answer in right] == [True] * len(right)
    assert [holds(test, answer) for answer in wrong] == [False] * len(wrong)


SETS, MATCHES = special.MBPP_OUTPUT_SET_EQ_TASKS, special.MBPP_OUTPUT_NOT_NONE_TASKS
SPECIAL = [
    *(("Mbpp/2", name, [[1]], [1, 2], ([2, 1], (1, 2), [1], [1, 2, 3])) for name in SETS),
    *(("Mbpp/737", name, ["a"], True, ("match", True, None, False)) for name in MATCHES),
    *(("Mbpp/737", name, ["a"], None, ("match", True, None, False)) for name in MATCHES),
    *(("Mbpp/737", name, ["a"], Opaque("re.Match", truth=True), ("match", None)) for name in MATCHES),
    ("Mbpp/581", "surface_Area", [3, 4], 33, (33, 35, 40)),
    ("Mbpp/558", "digit_distance_nums", [1, 256], 11, (11, special._digit_distance_nums(1, 256), 1)),
    ("HumanEval/32", "find_zero", [[-2, 1, 1]], 1.0, (1.0, -2.0, 0.0)),
]


@pytest.mark.parametrize(("task_id", "name", "inputs", "expected", "answers"), SPECIAL)
def test_an_assertion_of_a_task_with_an_oracle_of_its_own_holds_for_what_that_takes_for_right(
    task_id, name, inputs, expected, answers
):
    task = {"task_id": task_id, "entry_point": name, "atol": 1e-4 if name == "find_zero" else 0}
    test = assertion(task, case(inputs, expected, call="f(1)"))
    dataset = "mbpp" if task_id.startswith("Mbpp") else "humaneval"
    right = [agrees(dataset, name, task["atol"], inputs, expected, answer) for answer in answers]
    assert [holds(test, answer) for answer in answers] == right


@pytest.mark.parametrize(
    ("body", "tests"),
    [
        ("    import re\n    return re.compile('x')\n", ()),
        ("    return object() if a == b else a\n", ("assert add(1, 2) == 1",)),
    ],
    ids=["all", "one"],
)
def test_an_expected_value_that_has_no_source_makes_no_test(tmp_path, body, tests):
    task = TASK | {"canonical_solution": body, "base_input": [[1, 2], [0, 0]], "plus_input": []}
    (tmp_path / "data.jsonl").write_text(json.dumps(task))
    path = sample_file(tmp_path, {"task_id": "HumanEval/0", "solution": RIGHT})
    imported = read_evalplus(path, tmp_path / "data.jsonl")
    assert tuple(test for c in imported.candidates for test in c.tests) == tests
    assert imported.counts["problem_without_tests"] == (not tests)


def test_results_that_are_not_there_are_told_so(tmp_path):
    with pytest.raises(InputError, match=r"none_eval_results\.json: cannot be read: No such file or directory"):
        read_evalplus(tmp_path / "none_eval_results.json")

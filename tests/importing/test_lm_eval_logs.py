"""Candidates out of logs in the form that ``lm_eval --log_samples`` writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from codedpo_plugin.errors import InputError
from codedpo_plugin.importing import Imported
from codedpo_plugin.importing.lm_eval_logs import check_assertions, read_lm_eval

PROMPT = 'from typing import List\n\n\ndef total(xs: List[int]) -> int:\n    """Add all numbers."""\n'
CHECK = """

METADATA = {'author': 'x', 'dataset': 'test'}


def check(candidate):
    assert candidate([1, 2]) == 3, "two numbers, added"
    assert candidate([]) == 0
    for n in range(3):
        assert candidate([n]) == n
    assert abs(candidate([1.5]) - 1.5) < 1e-6
    assert True, "This prints if this assert fails 1 (good for debugging!)"

"""
HUMANEVAL = {
    "task_id": "HumanEval/0",
    "prompt": PROMPT,
    "canonical_solution": "    return sum(xs)\n",
    "test": CHECK,
    "entry_point": "total",
}
HUMANEVAL_TESTS = (
    "assert total([1, 2]) == 3",
    "assert total([]) == 0",
    "assert abs(total([1.5]) - 1.5) < 1e-06",
)
MBPP = {
    "task_id": 11,
    "text": "Write a python function to remove first and last occurrence of a given character from the string.",
    "code": "def remove_Occ(s, ch): ...",
    "test_list": [
        'assert remove_Occ("hello","l") == "heo"',
        'assert remove_Occ("abcda","a") == "bcd"',
        'assert remove_Occ("PHP","P") == "H"',
    ],
    "test_setup_code": "",
    "challenge_test_list": [],
}
MBPP_TESTS = (
    "assert remove_Occ('hello', 'l') == 'heo'",
    "assert remove_Occ('abcda', 'a') == 'bcd'",
    "assert remove_Occ('PHP', 'P') == 'H'",
)
MBPP_ASK = (
    "You are an expert Python programmer, and here is your task: {text} Your code should pass these tests:\n\n"
)
EXAMPLE = (
    MBPP_ASK.format(text="Write a function to find the similar elements from the given two tuple lists.")
    + "\n\nassert similar_elements((3, 4, 5, 6),(5, 7, 4, 10)) == (4, 5)\n"
    + "assert similar_elements((1, 2, 3, 4),(5, 4, 3, 7)) == (3, 4)\n"
    + "assert similar_elements((11, 12, 14, 13),(17, 15, 14, 13)) == (13, 14)\n[BEGIN]\n"
    + "def similar_elements(test_tup1, test_tup2):\n  res = tuple(set(test_tup1) & set(test_tup2))\n"
    + "  return (res) \n[DONE]\n\n"
)
"""One of the worked examples that lm-eval puts in front of every task of MBPP."""

ANSWER = "def remove_Occ(s, ch):\n    s = s.replace(ch, '', 1)\n    return s[::-1].replace(ch, '', 1)[::-1]\n"


def mbpp_prompt(doc: dict[str, Any], examples: int) -> str:
    """Return what lm-eval sends for a document of MBPP, with so many worked examples."""
    asked = MBPP_ASK.format(text=doc.get("prompt") or doc["text"])
    return EXAMPLE * examples + "\n".join([asked, "", *doc["test_list"], "[BEGIN]", ""])


def entry(doc: dict[str, Any], *responses: list[str], prompt: str | None = None, **more: Any) -> dict[str, Any]:
    """Return one line of a log: a document with its responses, one list per request."""
    sent = doc["prompt"] if prompt is None else prompt
    arguments = {f"gen_args_{i}": {"arg_0": sent, "arg_1": {"until": ["\ndef"]}} for i in range(len(responses))}
    return {
        "doc_id": 0,
        "doc": doc,
        "target": "check(total)",
        "arguments": arguments,
        "resps": list(responses),
        "filtered_resps": [[own[0]] for own in responses],
        "filter": "create_test",
        "metrics": ["pass@1"],
        "doc_hash": "0" * 64,
        "prompt_hash": "1" * 64,
        "target_hash": "2" * 64,
        "pass@1": 1.0,
    } | more


def write_log(folder: Path, *entries: dict[str, Any], task: str = "humaneval") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"samples_{task}_2025-01-31T12-00-00.000000.jsonl"
    path.write_text("".join(json.dumps(e, ensure_ascii=False) + "\n" for e in entries))
    return path


def read(folder: Path, *entries: dict[str, Any], **options: Any) -> Imported:
    return read_lm_eval(write_log(folder, *entries), **options)


def defined(program: str, name: str) -> Any:
    """Return what a program defines under a name."""
    names: dict[str, Any] = {}
    exec(program, names)
    return names[name]


def test_all_repeats_of_a_completion_become_whole_programs(tmp_path):
    responses = ["    return sum(xs)\n", "    return len(xs)\n\n\ndef other():", "    return 0\n"]
    imported = read(tmp_path, entry(HUMANEVAL, responses))
    (candidates,) = imported.candidates
    assert (candidates.problem_id, candidates.prompt, candidates.entry_point) == ("HumanEval/0", PROMPT, "total")
    assert [defined(program, "total")([5, 6]) for program in candidates.solutions] == [11, 2, 0]
    assert imported.counts["solutions"] == 3
    assert imported.matrices == []


def test_the_tests_are_the_plain_assertions_of_the_check(tmp_path):
    (candidates,) = read(tmp_path, entry(HUMANEVAL, ["    return sum(xs)"])).candidates
    assert candidates.tests == HUMANEVAL_TESTS
    assert candidates.generator["imported_from"] == "lm-eval"


def test_the_lines_of_several_filters_are_one_problem(tmp_path):
    lines = [entry(HUMANEVAL, ["    return sum(xs)"], filter=name) for name in ("create_test", "none", "extract")]
    imported = read(tmp_path, *lines)
    assert len(imported.candidates) == 1
    assert len(imported.candidates[0].solutions) == 1
    assert imported.counts["repeated_lines"] == 2


def test_documents_keep_their_order(tmp_path):
    lines = [entry(HUMANEVAL | {"task_id": f"HumanEval/{n}"}, ["    return 1"], doc_id=n) for n in (2, 0, 1)]
    assert [c.problem_id for c in read(tmp_path, *lines).candidates] == [
        "HumanEval/2",
        "HumanEval/0",
        "HumanEval/1",
    ]


@pytest.mark.parametrize("examples", [0, 1, 3])
def test_an_answer_to_mbpp_is_the_answer_and_no_worked_example(tmp_path, examples):
    line = entry(MBPP, [ANSWER], prompt=mbpp_prompt(MBPP, examples))
    (candidates,) = read(tmp_path, line).candidates
    assert candidates.problem_id == "11"
    assert candidates.tests == MBPP_TESTS
    assert defined(candidates.solutions[0], "remove_Occ")("hello", "l") == "heo"
    assert "similar_elements" not in candidates.solutions[0]


def test_an_answer_to_a_prompt_in_prose_keeps_its_first_line(tmp_path):
    doc = {k: v for k, v in MBPP.items() if k != "text"} | {
        "prompt": MBPP["text"],
        "test_imports": [],
        "test": "x = 1",
    }
    (candidates,) = read(tmp_path, entry(doc, [ANSWER], prompt=mbpp_prompt(doc, 3))).candidates
    assert defined(candidates.solutions[0], "remove_Occ")("hello", "l") == "heo"
    assert candidates.tests == MBPP_TESTS


def test_the_answer_of_a_chat_model_is_taken_from_its_code_block(tmp_path):
    response = f"Sure!\n```python\n{PROMPT}    return sum(xs)\n```"
    imported = read(tmp_path, entry(HUMANEVAL, [response]), form="chat")
    assert defined(imported.candidates[0].solutions[0], "total")([5, 6]) == 11


@pytest.mark.parametrize(
    ("form", "solution", "test"),
    [
        ("base", "    return sum(xs)", " total([7]) == 7\nassert total([8]) == 8"),
        ("chat", f"```python\n{PROMPT}    return sum(xs)\n```", "```python\nassert total([7]) == 7\n```"),
        ("chat", f"```python\n{PROMPT}    return sum(xs)\n```", "assert total([7]) == 7\nassert total([8]) == 8"),
    ],
    ids=["base", "code block", "bare"],
)
def test_the_second_request_of_a_document_holds_tests(tmp_path, form, solution, test):
    doc = {"problem_id": "p", "prompt": PROMPT, "entry_point": "total"}
    (candidates,) = read(tmp_path, entry(doc, [solution] * 2, [test] * 3), form=form).candidates
    assert len(candidates.solutions) == 2
    assert candidates.tests[0] == "assert total([7]) == 7"


def test_tests_may_come_from_a_file(tmp_path):
    doc = {"task_id": "mine/1", "prompt": PROMPT, "entry_point": "total"}
    tests = tmp_path / "tests.jsonl"
    tests.write_text(json.dumps({"problem_id": "mine/1", "tests": ["assert total([9]) == 9"]}) + "\n{\n")
    imported = read_lm_eval(write_log(tmp_path / "logs", entry(doc, ["    return sum(xs)"])), tests)
    assert imported.candidates[0].tests == ("assert total([9]) == 9",)
    assert len(imported.bad) == 1


def test_tests_of_a_file_join_those_of_the_document(tmp_path):
    tests = tmp_path / "tests.jsonl"
    tests.write_text(json.dumps({"problem_id": "HumanEval/0", "tests": ["assert total([9]) == 9"]}))
    imported = read_lm_eval(write_log(tmp_path / "logs", entry(HUMANEVAL, ["    return sum(xs)"])), tests)
    assert imported.candidates[0].tests == (*HUMANEVAL_TESTS, "assert total([9]) == 9")


def test_all_logs_below_a_folder_are_read(tmp_path):
    write_log(tmp_path / "model_a", entry(HUMANEVAL, ["    return 1"]))
    write_log(tmp_path / "sub" / "model_b", entry(MBPP, [ANSWER], prompt=mbpp_prompt(MBPP, 0)), task="mbpp")
    (tmp_path / "results_2025.json").write_text("{}")
    assert {c.problem_id for c in read_lm_eval(tmp_path).candidates} == {"HumanEval/0", "11"}


def test_documents_without_an_id_are_told_apart_by_task(tmp_path):
    doc = {"prompt": PROMPT, "entry_point": "total", "test": CHECK}
    other = doc | {"prompt": PROMPT.replace("Add all", "Sum up all")}
    write_log(tmp_path, entry(doc, ["    return 1"]), entry(doc, ["    return 2"], doc_id=1), task="one")
    write_log(tmp_path, entry(other, ["    return 3"]), task="two")
    imported = read_lm_eval(tmp_path)
    assert len(imported.candidates) == len({c.problem_id for c in imported.candidates}) == 3
    assert imported.counts["repeated_lines"] == 0


def test_a_document_without_a_prompt_has_the_one_that_was_sent(tmp_path):
    doc = {"task_id": "x", "entry_point": "total", "test": CHECK}
    (candidates,) = read(tmp_path, entry(doc, ["    return sum(xs)"], prompt=PROMPT)).candidates
    assert candidates.prompt == PROMPT
    assert defined(candidates.solutions[0], "total")([5, 6]) == 11


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"resps": [["x"]]}, "missing field 'doc'"),
        ({"doc": {}}, "missing field 'resps'"),
        ({"doc": [], "resps": [["x"]]}, "field 'doc' has to be an object"),
        ({"doc": {}, "resps": []}, "field 'resps' has to be a list of lists of responses"),
        ({"doc": {}, "resps": ["x"]}, "field 'resps' has to be a list of lists of responses"),
        ({"doc": {}, "resps": [[[-1.5, True]]]}, "the responses are not texts: not a generation task"),
    ],
)
def test_a_line_that_is_no_sample_of_a_generation_task_is_counted(tmp_path, line, reason):
    imported = read(tmp_path, line, entry(HUMANEVAL, ["    return 1"]))
    assert len(imported.candidates) == 1
    (message,) = imported.bad.messages
    assert ":1" in message
    assert message.endswith(reason)


def test_a_log_that_was_cut_off_gives_what_is_whole(tmp_path):
    path = write_log(tmp_path, entry(HUMANEVAL, ["    return 1"]), entry(HUMANEVAL, ["    return 2"]))
    path.write_text(path.read_text()[:-50])
    imported = read_lm_eval(path)
    assert (len(imported.candidates), len(imported.bad)) == (1, 1)
    assert "is it complete?" in imported.summary()


@pytest.mark.parametrize(
    ("doc", "response", "reason"),
    [
        (HUMANEVAL, "", "problem_without_solutions"),
        (HUMANEVAL | {"test": "def check(candidate):\n    pass\n"}, "    return 1", "problem_without_tests"),
        (HUMANEVAL | {"test": "not python ("}, "    return 1", "problem_without_tests"),
        ({"task_id": "x", "prompt": PROMPT, "entry_point": "total"}, "    return 1", "problem_without_tests"),
    ],
)
def test_a_problem_without_solutions_or_tests_is_counted(tmp_path, doc, response, reason):
    good = entry(HUMANEVAL | {"task_id": "good"}, ["    return 1"])
    imported = read(tmp_path, entry(doc, [response]), good)
    assert [c.problem_id for c in imported.candidates] == ["good"]
    assert imported.counts[reason] == 1


def test_a_log_without_any_candidates_is_an_error_that_says_why(tmp_path):
    with pytest.raises(InputError, match=r"no problem with solutions and tests.*problem without solutions 1"):
        read(tmp_path, entry(HUMANEVAL, [""]))


def test_a_folder_without_logs_is_an_error_that_says_how_to_make_them(tmp_path):
    with pytest.raises(InputError, match="was lm_eval run with --log_samples"):
        read_lm_eval(tmp_path)


def test_a_log_that_does_not_exist_is_an_error(tmp_path):
    with pytest.raises(InputError, match=r"nothing\.jsonl: cannot be read"):
        read_lm_eval(tmp_path / "nothing.jsonl")


@pytest.mark.parametrize(
    ("source", "assertions"),
    [
        (CHECK, ["assert total([1, 2]) == 3, 'two numbers, added'", "assert total([]) == 0"]),
        ("def check(candidate):\n    assert candidate(candidate) == 1", ["assert total(total) == 1"]),
        ("def check(f):\n    assert f(1) == 1", ["assert f(1) == 1"]),
        ("def other(candidate):\n    assert candidate(1) == 1", []),
        ("x = (", []),
        ("", []),
    ],
)
def test_the_assertions_of_a_check_name_the_entry_point(source, assertions):
    assert check_assertions(source, "total")[:2] == assertions


def test_a_summary_tells_what_was_taken_and_left_out():
    imported = Imported()
    imported.counts.update(solutions=3, problem_without_tests=1)
    assert imported.summary() == "0 problems; problem without tests 1, solutions 3"
    imported.bad.add(Path("f.jsonl"), 3, None, "not JSON")
    assert imported.summary().endswith("\n1 lines were left out:\nf.jsonl:3: not JSON")

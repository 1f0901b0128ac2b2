"""Programs out of what base and chat models really write, with EvalPlus's sanitizer."""

from __future__ import annotations

from collections import Counter

import pytest

from codedpo_plugin.generation.extraction import LONGEST_RESPONSE_LINES, extract_solution, truncate
from codedpo_plugin.programs import normalise
from codedpo_plugin.records import Problem
from codedpo_plugin.suites.micro import STOP

PROMPT = 'def add(a: int, b: int) -> int:\n    """Add two numbers."""\n'
PROBLEM = Problem("p", PROMPT, "add")
EXPECTED = PROMPT + "    return a + b"


def extract(response: str, form: str = "base", problem: Problem = PROBLEM) -> tuple[str | None, dict[str, int]]:
    """Return the program in a response and what was counted."""
    counts: Counter[str] = Counter()
    return extract_solution(problem, response, form, STOP, counts), dict(counts)


def namespace(program: str) -> dict:
    """Return what a program defines."""
    names: dict = {}
    exec(program, names)
    return names


@pytest.mark.parametrize(
    "response",
    [
        "    return a + b",
        "    return a + b\n\n\ndef sub(a, b):\n    return a - b\n",
        "    return a + b\n\nassert add(1, 2) == 3\n",
        "    return a + b\n\nif __name__ == '__main__':\n    print(add(1, 2))\n",
        "    return a + b\n\nprint(add(1, 2))",
        "    return a + b\n# Test\nadd(1, 2",
        "    return a + b\n\nclass Unfinished:\n    def",
        "    return a + b\n```\nThis adds the numbers.",
    ],
    ids=["plain", "next function", "assert", "main", "print", "comment", "class", "fence"],
)
def test_the_completion_of_a_base_model_is_cut_where_the_function_ends(response):
    program, counts = extract(response)
    assert normalise(program) == normalise(EXPECTED)
    assert counts == {}


@pytest.mark.parametrize(
    "response",
    [
        "```python\ndef add(a: int, b: int) -> int:\n    return a + b\n```",
        "Here is a solution:\n\n```python\ndef add(a, b):\n    return a + b\n```\n\nIt adds `a` and `b`. Enjoy!",
        "```\ndef add(a, b):\n    return a + b\n```\n```python\nprint(add(1, 2))\n```",
        "def add(a, b):\n    return a + b",
        "Sure! Here you go.\n\ndef add(a, b):\n    return a + b\n\nThis works since + adds.",
        "```python\ndef add(a, b):\n    return a + b\n\nassert add(1, 2) == 3\nprint(add(1, 2))\n```",
    ],
    ids=["block", "prose around", "two blocks", "bare", "bare in prose", "tests in block"],
)
def test_the_program_in_the_answer_of_a_chat_model_is_found(response):
    program, counts = extract(response, "chat")
    assert namespace(program)["add"](1, 2) == 3
    assert "print" not in program
    assert counts == {}


def test_helpers_and_imports_of_a_chat_answer_are_kept_and_the_rest_is_not():
    response = (
        "```python\nimport math\n\ndef helper(x):\n    return math.floor(x)\n\ndef other():\n    return 1\n\n"
        "def add(a, b):\n    return helper(a) + b\n```"
    )
    program, _ = extract(response, "chat")
    assert namespace(program)["add"](1.5, 2) == 3
    assert "other" not in program


def test_the_imports_of_a_prompt_are_kept():
    problem = Problem("p", "from typing import List\n\n\n" + PROMPT, "add")
    program, _ = extract("    return a + b", problem=problem)
    assert program.startswith("from typing import List")
    assert namespace(program)["add"](1, 2) == 3


@pytest.mark.parametrize(
    ("form", "response"),
    [
        ("base", ""),
        ("chat", ""),
        ("base", "  \n\n"),
        ("chat", "  \n\n"),
        ("base", "\ndef other():\n    return 1"),
        ("base", "\n# nothing"),
    ],
)
def test_a_response_without_anything_is_counted(form, response):
    program, counts = extract(response, form)
    assert program is None
    assert counts == {"solution_empty": 1}


@pytest.mark.parametrize("response", ["    pass\n", "\n    pass\n    ", "    # to be done\n    pass"])
def test_a_body_that_does_nothing_is_counted_as_empty(response):
    program, counts = extract(response)
    assert program is None
    assert counts == {"solution_empty": 1}


@pytest.mark.parametrize(
    "response",
    [
        "I am sorry, I cannot do that.",
        "```python\ndef plus(a, b):\n    return a + b\n```",
        "```python\ndef additional(a, b):\n    return a + b\n```",
    ],
    ids=["refusal", "other name", "longer name"],
)
def test_an_answer_without_the_function_is_counted(response):
    program, counts = extract(response, "chat")
    assert program is None
    assert counts == {"solution_without_entry_point": 1}


def test_without_an_entry_point_any_program_will_do():
    program, counts = extract("```python\nx = 1\ny = 2\n```", "chat", Problem("p", "Set x to one and y to two."))
    assert normalise(program) == "x = 1\ny = 2"
    assert counts == {}


@pytest.mark.parametrize("form", ["base", "chat"])
@pytest.mark.parametrize(
    "text",
    ["    return '\x00'", "    return '\ud83d'", "    return " + "-" * 100_000 + "1", "    return " + "(" * 5_000],
    ids=["null", "surrogate", "deep", "nested"],
)
def test_a_response_that_no_parser_takes_is_dropped_and_counted_or_its_rest_is_used(form, text):
    program, counts = extract(text if form == "base" else f"```python\n{PROMPT}{text}\n```", form)
    if program is None:
        assert sum(counts.values()) == 1
    else:
        compile(program, "program", "exec")


def test_a_response_of_many_lines_is_read_up_to_a_limit():
    lines = [f"    x{n} = {n}" for n in range(2 * LONGEST_RESPONSE_LINES)]
    program, counts = extract("\n".join(["    if a: return a + b", *lines]))
    assert f"x{LONGEST_RESPONSE_LINES - 2} =" in program
    assert f"x{LONGEST_RESPONSE_LINES - 1} =" not in program
    assert namespace(program)["add"](1, 2) == 3
    assert counts == {"solution_cut_off": 1}


def test_tabs_become_spaces_as_in_evalplus():
    program, _ = extract("\tif a:\n\t\treturn a + b\n\treturn b")
    assert namespace(program)["add"](1, 2) == 3


@pytest.mark.parametrize(
    ("text", "stops", "kept"),
    [
        ("abcabc", ["b"], "a"),
        ("abcabc", ["c", "b"], "a"),
        ("abcabc", ["x"], "abcabc"),
        ("abcabc", [], "abcabc"),
        ("abc", ["a"], ""),
        ("", ["a"], ""),
    ],
)
def test_a_text_is_cut_at_the_first_stop_in_it(text, stops, kept):
    assert truncate(text, stops) == kept

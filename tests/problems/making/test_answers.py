"""Answers taken apart: what has the agreed form is used, everything else has a reason."""

from __future__ import annotations

import ast

import pytest

from codedpo_plugin.problems.making.answers import (
    LONGEST_ANSWER,
    Refused,
    code_in,
    description_in,
    head_in,
    head_of,
    sections,
)

HEADINGS = ("Problem Description", "Solution")


@pytest.mark.parametrize(
    "answer",
    [
        "[Problem Description]\nadd\n[Solution]\ncode",
        "Of course!\n\n[Problem Description]\nadd\n\n[Solution]\n\ncode\n",
        "## [Problem Description]\nadd\n**[Solution]**\ncode",
        "[Problem Description]:\nadd\n[Solution]: \ncode",
    ],
)
def test_sections_are_the_texts_under_the_headings(answer):
    assert sections(answer, HEADINGS) == ["add", "code"]


def test_a_list_in_brackets_is_no_heading():
    answer = "[Problem Description]\nGiven\n[1, 2]\n[Examples]\nadd\n[Solution]\ncode"
    assert sections(answer, HEADINGS)[0] == "Given\n[1, 2]\n[Examples]\nadd"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (None, "answer_is_no_text"),
        ({"error": 500}, "answer_is_no_text"),
        ("", "answer_empty"),
        (" \n ", "answer_empty"),
        ("x" * (LONGEST_ANSWER + 1), "answer_too_long"),
        ("[Solution]\ncode", "answer_without_problem_description"),
        ("[Problem Description]\nadd", "answer_without_solution"),
        ("the [Problem Description] add [Solution] code", "answer_without_problem_description"),
        ("[Solution]\ncode\n[Problem Description]\nadd", "answer_out_of_order"),
        ("[Problem Description]\na\n[Solution]\nb\n[Problem Description]\nc", "answer_repeats_a_heading"),
        ("\ud800\x00<html>502 Bad Gateway</html>", "answer_without_problem_description"),
    ],
)
def test_an_answer_of_another_form_is_refused_with_a_reason(answer, reason):
    with pytest.raises(Refused, match=f"^{reason}$"):
        sections(answer, HEADINGS)


def test_a_description_needs_some_words():
    assert description_in("one two three four five six seven eight")
    with pytest.raises(Refused, match="description_too_short"):
        description_in("one two three")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("```python\nx = 1\n```", "x = 1\n"),
        ("Here:\n```py\nx = 1\n\n```\nDone.", "x = 1\n"),
        ("```\nx = 1\n```", "x = 1\n"),
        ("  ```python\n  if x:\n      y()\n  ```", "if x:\n    y()\n"),
    ],
)
def test_code_is_what_the_one_block_holds(text, code):
    assert code_in(text, "python") == code


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x = 1", "solution_without_code"),
        ("```python\n\n```", "solution_without_code"),
        ("```python\nx = 1", "solution_cut_off"),
        ("```python\nx = 1\n```\n```python\ny = 1\n```", "solution_in_several_blocks"),
        ("```java\nclass A {}\n```", "solution_in_another_language"),
        ("```nonsense\nx = 1\n```", "solution_in_another_language"),
    ],
)
def test_a_solution_that_is_no_block_is_refused_with_a_reason(text, reason):
    with pytest.raises(Refused, match=f"^{reason}$"):
        code_in(text, "python")


def test_blocks_may_be_called_by_other_names_of_their_language():
    assert code_in("```c++\nint x;\n```", "cpp") == "int x;\n"
    assert code_in("```cs\nint x;\n```", "csharp") == "int x;\n"


DESCRIPTION = "Return the sum of two whole numbers, whatever their sign is."
TASK = f'from typing import List\n\ndef add(a: int, b: int = 0) -> int:\n    """{DESCRIPTION}"""\n'


@pytest.mark.parametrize("body", ["", "    pass\n", "    return a + b\n", "    ...\n"])
def test_the_head_of_a_task_has_signature_and_documentation_and_no_body(body):
    head = head_in(TASK + body)
    assert head.name == "add"
    (imported, function) = ast.parse(head.prompt).body
    assert ast.unparse(imported) == "from typing import List"
    assert ast.get_docstring(function) == DESCRIPTION
    assert len(function.body) == 1
    assert head.prompt.endswith('"""\n')


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("def f(:", "task_does_not_parse"),
        ("x = '\x00'", "task_does_not_parse"),
        ("x = 1", "task_without_one_function"),
        ("def f(): pass\ndef g(): pass", "task_without_one_function"),
        ("def f(): pass", "task_without_description"),
        ('def f():\n    """Too short."""', "task_without_description"),
    ],
)
def test_a_task_that_is_no_head_is_refused_with_a_reason(code, reason):
    with pytest.raises(Refused, match=f"^{reason}$"):
        head_in(code)


@pytest.mark.parametrize(
    ("program", "name"),
    [
        ("def f(x):\n    return x\n", "f"),
        ("def helper(x):\n    return x\ndef f(x):\n    return helper(x)\n", "f"),
        ("def f(x):\n    return f(x - 1)\n", "f"),
        ("def main():\n    f(1)\ndef f(x):\n    return x\nmain()\n", "f"),
        ("def add(a, b):\n    return a + b\ndef other():\n    pass\n", "add"),
        ("def left():\n    pass\ndef right():\n    pass\n", None),
        ("class A:\n    def f(self):\n        pass\n", None),
        ("x = 1\n", None),
        ("def f(:", None),
    ],
)
def test_the_function_a_program_is_about(program, name):
    head = head_of(program, "Write `add`, which adds two numbers.")
    assert (head and head.name) == name


def test_a_head_made_of_a_program_can_be_continued():
    head = head_of(
        "@cache\ndef f(x: int) -> int:\n    return x + 1\n", 'Say """hi""" \\ to\n\n* a list\n' + "word " * 40
    )
    (function,) = ast.parse(head.prompt).body
    assert '"""hi""" \\ to' in ast.get_docstring(function)
    assert function.decorator_list == []
    assert max(map(len, head.prompt.split("\n"))) <= 101
    assert ast.parse(head.prompt + "    return x + 1\n")

"""When two programs are the same, and what of a program answers a prompt."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codedpo_plugin.programs import answer_to, normalise

PLAIN = "def f(x):\n    return x + 1\n"


@pytest.mark.parametrize(
    "other",
    [
        "def f( x ):\n  return x+1",
        "\n\ndef f(x):\n\n    # add one\n    return (x + 1)  # done\n\n\n",
        'def f(x):\n    """Return the next number."""\n    return x + 1',
        '"""A module."""\ndef f(x):\n    return x + 1',
        "def f(x): return x + 1",
        "def f(x):\r\n    return x + 1\r\n",
    ],
    ids=["layout", "comments", "docstring", "module docstring", "one line", "line ends"],
)
def test_programs_that_differ_in_looks_only_are_the_same(other):
    assert normalise(other) == normalise(PLAIN)


@pytest.mark.parametrize(
    "other",
    [
        "def f(x):\n    return x + 2\n",
        "def f(y):\n    return y + 1\n",
        "def f(x):\n    return 1 + x\n",
        "import os\ndef f(x):\n    return x + 1\n",
        "def f(x):\n    'a'.upper()\n    return x + 1\n",
        "",
    ],
)
def test_programs_that_differ_in_more_are_not(other):
    assert normalise(other) != normalise(PLAIN)


@pytest.mark.parametrize("head", ["def f():", "async def f():", "class C:"])
def test_what_holds_a_docstring_only_is_the_same_as_what_holds_nothing(head):
    assert normalise(f'{head}\n    """Doc."""') == normalise(f"{head}\n    pass")


def test_docstrings_inside_of_functions_and_classes_do_not_count():
    documented = 'class C:\n    """C."""\n\n    def m(self):\n        """M."""\n        return 1\n'
    assert normalise(documented) == normalise("class C:\n    def m(self):\n        return 1\n")


def test_a_string_that_is_not_a_docstring_counts():
    program = "def f():\n    x = 1\n    'text'\n    return x"
    assert normalise(program) != normalise(program.replace("    'text'\n", ""))


@pytest.mark.parametrize(
    "broken",
    [
        "def f(:\n  x  \n",
        "x = '\x00'\n",
        "x = '\ud800'\n",
        "-" * 20_000 + "1\n",
        "(" * 5_000 + "\n",
        "  indented\nbadly\n",
    ],
    ids=["syntax", "null", "surrogate", "deep", "nested", "indent"],
)
def test_a_program_that_does_not_parse_is_compared_by_its_text_without_white_space_at_line_ends(broken):
    assert normalise(broken) == normalise("\n" + broken.replace("\n", "  \n")) != normalise(broken + "y")


@given(st.text(st.characters()))
def test_every_text_has_a_form_that_is_its_own(text):
    assert normalise(normalise(text)) == normalise(text)


DOCUMENTED = 'def f(x):\n    """Return x plus one."""\n'
IMPORTING = "from typing import List\nimport math\n\n\n" + DOCUMENTED
HELPED = "def helper(y):\n    return y\n\n\n" + DOCUMENTED
BODY = "    y = x\n    return y + 1"


@pytest.mark.parametrize("prompt", [DOCUMENTED, IMPORTING, HELPED, "\n" + DOCUMENTED])
def test_of_a_program_that_begins_with_the_prompt_the_rest_is_the_answer(prompt):
    assert answer_to(prompt, prompt + BODY, "f") == BODY


@pytest.mark.parametrize(
    ("prompt", "program"),
    [
        ("\n" + DOCUMENTED, DOCUMENTED + BODY),
        (IMPORTING, "from typing import List\nimport math\n" + DOCUMENTED + BODY),
        (IMPORTING, "import math\nfrom typing import List\n" + DOCUMENTED + BODY),
        (IMPORTING, "import math\n" + DOCUMENTED + BODY),
        (IMPORTING, DOCUMENTED + BODY),
        (HELPED, "def helper(y):\n    return y\n" + DOCUMENTED + BODY),
        (HELPED, DOCUMENTED + BODY),
        (DOCUMENTED + "\n", DOCUMENTED + BODY),
    ],
    ids=[
        "blank line",
        "layout",
        "order",
        "import dropped",
        "imports dropped",
        "helper",
        "helper dropped",
        "line end",
    ],
)
def test_what_the_sanitizer_has_moved_or_dropped_is_no_part_of_the_answer(prompt, program):
    assert answer_to(prompt, program, "f") == BODY


def test_what_follows_the_function_is_part_of_the_answer():
    program = DOCUMENTED + BODY + "\ndef g():\n    return 2"
    assert answer_to("\n" + DOCUMENTED, program, "f") == BODY + "\ndef g():\n    return 2"


@pytest.mark.parametrize(
    ("prompt", "program"),
    [
        (DOCUMENTED, "import re\n" + DOCUMENTED + BODY),
        (DOCUMENTED, "def g():\n    return 2\n" + DOCUMENTED + BODY),
        (DOCUMENTED, "def f(x):\n    return x + 1"),
        (DOCUMENTED, "f = lambda x: x + 1"),
        ("\n" + DOCUMENTED, DOCUMENTED + BODY + "\n" + DOCUMENTED + BODY),
        ("Write a function that adds one.", DOCUMENTED + BODY),
        ("\n" + DOCUMENTED, "def g(:\n" + DOCUMENTED + BODY),
    ],
    ids=["new import", "new helper", "docstring dropped", "other form", "prompt twice", "prose", "broken helper"],
)
def test_a_program_that_does_not_continue_the_prompt_is_the_answer_as_a_whole(prompt, program):
    assert answer_to(prompt, program, "f") == program


def test_without_an_entry_point_only_a_program_that_begins_with_the_prompt_is_cut():
    assert answer_to("x = 1\n", "x = 1\ny = 2", None) == "y = 2"
    assert answer_to("\nx = 1\n", "x = 1\ny = 2", None) == "x = 1\ny = 2"


@pytest.mark.parametrize("end", ["", "\n", "\n\n", "\n    ", "  ", "\n\n    ", "\n  "])
@pytest.mark.parametrize("start", ["\n", "import math\n\n", ""])
def test_the_prompt_with_the_answer_is_the_program_however_the_prompt_ends(start, end):
    prompt = start + DOCUMENTED.rstrip() + end
    program = DOCUMENTED + BODY
    answer = answer_to(prompt, program, "f")
    assert answer == program or normalise(prompt + answer) == normalise(start + program)
    ast.parse(prompt + answer if answer != program else answer)

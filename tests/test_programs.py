"""When two programs are the same, and what of a program answers a prompt."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codedpo_plugin.programs import answer_to, form_of, normalise, program_from, programs_of
from codedpo_plugin.records import PairKind, PreferencePair, SolutionForm

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


# --------------------------------------------------------------------------- and back


def there_and_back(prompt: str, program: str, entry_point: str | None = "f") -> str:
    """Return the program that its own answer to a prompt makes."""
    answer = answer_to(prompt, program, entry_point)
    return program_from(prompt, answer, form_of(program, answer))


BODIES = ("\n    return 1)\n", "\n    y = 1\n    return y", " 1", "\n\n    return 1", "1)", "\n  return 1", "")
ENDS = ("", "\n", "\n\n", "\n    ", "  ", "\n\n    ", "\n  ")


@given(st.text('ab:\n \t#"', max_size=20), st.text('ab:\n \t#"', max_size=20), st.sampled_from(["f", None]))
def test_a_program_that_begins_with_the_prompt_comes_back_to_the_letter(prompt, rest, entry_point):
    assert there_and_back(prompt, prompt + rest, entry_point) == prompt + rest


@given(
    st.sampled_from(["\n", "import math\n\n", "", "# What follows adds.\n", "x = 1\n"]),
    st.sampled_from(["def f(x):", DOCUMENTED.rstrip(), "def f(x):\n    y = (x +", "def f(x): return x +"]),
    st.sampled_from(ENDS),
    st.sampled_from(BODIES),
    st.booleans(),
)
def test_a_program_comes_back_however_the_prompt_ends(start, head, end, body, kept):
    prompt, program = start + head + end, (start if kept else "") + head + body
    found = there_and_back(prompt, program)
    assert normalise(found) in {normalise(program), normalise(start + program)}
    assert found == program or found.startswith(prompt)


@given(st.text(), st.text(), st.text())
def test_what_is_not_a_rest_of_the_prompt_comes_back_to_the_letter(prompt, program, entry_point):
    if not program.startswith(prompt) and f"def {entry_point}" not in prompt:
        assert there_and_back(prompt, program, entry_point) == program


@pytest.mark.parametrize(("form", "program"), [("program", "y = 2"), ("completion", "x = 1\ny = 2")])
def test_what_an_answer_is_decides_where_both_are_possible(form, program):
    assert program_from("x = 1\n", "y = 2", SolutionForm(form)) == program


INDENTED = DOCUMENTED + "    "
PROSE = "Write a function that adds one."


@pytest.mark.parametrize(
    ("prompt", "answer", "completes"),
    [
        (DOCUMENTED, BODY, True),
        (DOCUMENTED, "\n" + BODY, True),
        (DOCUMENTED, "\treturn x + 1", True),
        (INDENTED, "return x + 1", True),
        (INDENTED, "y = x\n    return y + 1", True),
        (INDENTED, DOCUMENTED + BODY, False),
        ("def f(x): return ", "x + 1", True),
        ("def f(x): return ", "def f(x):\n    return x + 1", False),
        (DOCUMENTED, DOCUMENTED + BODY, False),
        (DOCUMENTED, "\n" + DOCUMENTED + BODY, False),
        (DOCUMENTED, "f = lambda x: x + 1", False),
        (PROSE, DOCUMENTED + BODY, False),
        (PROSE + "\n", DOCUMENTED + BODY, False),
        (INDENTED, "return (", False),
    ],
)
def test_an_answer_that_does_not_say_what_it_is_is_told_by_its_indent_or_by_the_prompts_end(
    prompt, answer, completes
):
    assert program_from(prompt, answer, None) == (prompt + answer if completes else answer)


def test_both_programs_of_a_pair_come_back():
    scores = (PairKind.CORRECTNESS, "p", 2.0, 1.0, 1.0)
    pair = PreferencePair(INDENTED, "return x + 1", "x += 1", *scores)
    assert programs_of(pair) == (INDENTED + "return x + 1", INDENTED + "x += 1")
    said = replace(pair, chosen_form=SolutionForm.COMPLETION, rejected_form=SolutionForm.PROGRAM)
    assert programs_of(said) == (INDENTED + "return x + 1", "x += 1")

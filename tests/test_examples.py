"""The examples in a prompt, as tests."""

from __future__ import annotations

import pytest

from codedpo_plugin.examples import normalised, prompt_examples

PROMPT = 'def f(x: list[int]) -> int:\n    """Add up.\n\n    >>> f([1, 2])\n    3\n    >>> f([])\n    0\n    """\n'


def test_each_example_is_an_assertion_in_their_order():
    assert prompt_examples(PROMPT, "f") == ("assert f([1, 2]) == 3", "assert f([]) == 0")


@pytest.mark.parametrize(
    ("example", "test"),
    [
        (">>> f('a')\n    'b'", "assert f('a') == 'b'"),
        ('>>> f("a")\n    "b"', "assert f('a') == 'b'"),
        (">>> f( 1,2 )\n    [1,\n     2]", "assert f(1, 2) == [1, 2]"),
        (">>> sorted(f(1))\n    [-1.5, None]", "assert sorted(f(1)) == [-1.5, None]"),
        (">>> f(1)  # one\n    1", "assert f(1) == 1"),
    ],
)
@pytest.mark.parametrize("end", ['\n    """', '"""', "\n\n    Plain words.\n    '''"])
def test_examples_are_written_as_tests_are(example, test, end):
    assert prompt_examples(f'def f(x):\n    """Do.\n\n    {example}{end}\n', "f") == (test,)
    assert normalised(test) == test


@pytest.mark.parametrize(
    "example",
    [
        ">>> f(1)",
        ">>> g(1)\n    1",
        ">>> f(y)\n    1",
        ">>> y = f(1)\n    1",
        ">>> f(1)\n    Traceback (most recent call last):\n    ValueError",
        ">>> f(1)\n    <object>",
        ">>> f(1)\n    ...",
        ">>> f(\n    1",
        ">>>f(1)\n    1",
    ],
)
def test_what_is_no_call_with_a_literal_result_is_passed_over(example):
    assert prompt_examples(f'def f(x):\n    """Do.\n\n    {example}\n    """\n', "f") == ()


def test_examples_that_are_repeated_are_one_test():
    assert len(prompt_examples(PROMPT.replace("[]", "[1, 2]").replace("    0", "    3"), "f")) == 1


def test_without_documentation_or_function_there_is_none():
    assert prompt_examples("def f(x):\n", "f") == prompt_examples(PROMPT, None) == ()


@pytest.mark.parametrize("test", ["assert f(", "x = 1\nassert x", ""])
def test_what_is_not_one_statement_stays_as_it_is(test):
    assert normalised(test) == test

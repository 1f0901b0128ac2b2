"""What models are asked."""

from __future__ import annotations

import pytest

from codedpo_plugin.generation import prompts
from codedpo_plugin.generation.prompts import BASE_TEST_STOP, SOLVE, chat_answer, solution_prompt
from codedpo_plugin.records import Problem

PROBLEM = Problem("p", '\ndef add(a, b):\n    """Add {two} numbers."""\n', "add")


def test_a_base_model_continues_the_prompt_as_it_is():
    assert solution_prompt(PROBLEM, "base") == PROBLEM.prompt


def test_a_chat_model_is_told_to_solve_the_prompt_in_a_code_block():
    asked = solution_prompt(PROBLEM, "chat")
    assert asked == SOLVE.replace("{prompt}", PROBLEM.prompt.strip())
    assert asked.endswith('"""Add {two} numbers."""\n```\n')


def test_a_base_model_is_led_to_the_word_that_begins_the_first_test():
    asked = prompts.tests_prompt(PROBLEM, "base", 5)
    assert asked.startswith(PROBLEM.prompt.rstrip())
    assert asked.endswith("\n    pass\n\n# check the correctness of add\nassert")
    compile(asked + " add(1, 2) == 3", "asked", "exec")


def test_a_chat_model_is_told_how_many_tests_to_write_and_of_what():
    asked = prompts.tests_prompt(PROBLEM, "chat", 5)
    assert "write 5 different tests" in asked
    assert "`assert add(…) == …`" in asked
    assert "Add {two} numbers." in asked


@pytest.mark.parametrize("form", ["base", "chat"])
def test_tests_of_a_problem_without_an_entry_point_are_asked_for_too(form):
    assert "the function" in prompts.tests_prompt(Problem("p", "Add two numbers."), form, 5)


def test_assertions_do_not_contain_what_ends_the_tests_of_a_base_model():
    tests = " add(1, 2) == 3\nassert add(0, 0) == 0\n\nassert add(-1, 1) == 0\n"
    assert not any(stop in tests for stop in BASE_TEST_STOP)


def test_the_answer_of_a_chat_model_is_a_code_block():
    assert chat_answer("\ndef f():\n    pass\n\n") == "```python\ndef f():\n    pass\n```"

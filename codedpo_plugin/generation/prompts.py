"""What a model is asked. One place, so that generation, training and evaluation ask alike."""

from __future__ import annotations

from typing import Final

from codedpo_plugin.config import PromptForm
from codedpo_plugin.records import Problem

SOLVE: Final = (
    "Please provide a self-contained Python script that solves the following problem in a markdown code block:\n"
    "```\n{prompt}\n```\n"
)
"""EvalPlus's instruction for chat models (evalplus.codegen)."""

ANSWER: Final = (
    "Below is a Python script with a self-contained function that solves the problem and passes corresponding "
    "tests:\n```python\n"
)
"""How EvalPlus begins a chat model's answer for it (idem): what follows is the program."""

END_STOP: Final = ("\nif __name__", "\ndef main(", "\nprint(", "<|endoftext|>", "<|endofmask|>", "</s>")
"""Where a solution has ended, whatever the model was asked (idem)."""

CHAT_STOP: Final = ("\n```\n", *END_STOP)
"""Where an answer begun like that ends."""

TEST: Final = (
    "Please write {count} different tests for the function `{function}` described below, in a markdown code "
    "block. "
    "Write each test on a line of its own, in the form `assert {function}(…) == …`, calling nothing else.\n"
    "```\n{prompt}\n```\n"
)

TEST_MARK: Final = "\n    pass\n\n# check the correctness of {function}\nassert"
"""Makes a base model write tests: the form of CodeT (arXiv 2207.10397, appendix)."""

BASE_TEST_STOP: Final = ("\ndef ", "\nclass ", "\nif __name__", "\nprint(", "\n#", "\n\n\n")


def solution_prompt(problem: Problem, form: PromptForm) -> str:
    """Return the text that asks for a solution: what a base model continues or a chat model is told."""
    return problem.prompt if form == "base" else SOLVE.format(prompt=problem.prompt.strip())


def tests_prompt(problem: Problem, form: PromptForm, count: int) -> str:
    """Return the text that asks for tests of a problem's entry point."""
    function = problem.entry_point or "the function"
    if form == "base":
        return problem.prompt.rstrip() + TEST_MARK.format(function=function)
    return TEST.format(prompt=problem.prompt.strip(), function=function, count=count)


def chat_answer(program: str) -> str:
    """Return the answer a chat model is expected to give: the program in a code block."""
    return f"```python\n{program.strip()}\n```"

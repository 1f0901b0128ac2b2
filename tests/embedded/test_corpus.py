"""The training text: the same for a seed, noisy on purpose, and without what is held out."""

from __future__ import annotations

import ast
import re
from collections import Counter
from itertools import islice

from codedpo_plugin.embedded.compose import OPERATIONS, SPLITS, is_reserved, split_of
from codedpo_plugin.embedded.corpus import (
    EXAMPLES,
    LONGEST_VALUE,
    SOLUTIONS,
    TESTS,
    documents,
    right_function,
    skill,
)
from codedpo_plugin.embedded.problems import composed_problems
from codedpo_plugin.generation import prompts
from codedpo_plugin.records import Problem

TEXT = list(islice(documents(0), 2_000))


def fingerprint(prompt: str) -> str:
    """Return what a prompt asks for, whatever its names, numbers, examples and the order of its steps are."""
    sentence = prompt.split('"""')[1].split("\n")[0]
    steps = re.split(r", then |, ", re.sub(r"\d+", "#", sentence).rstrip(".").lower())
    return " | ".join(sorted(steps))


def prompt_of(document) -> str:
    return document.solutions[0][0]


def test_a_seed_gives_the_same_text():
    assert list(islice(documents(0), 50)) == TEXT[:50]
    assert list(islice(documents(1), 50)) != TEXT[:50]


def test_nothing_that_is_held_out_is_in_the_text():
    held_out = [problem.prompt for split in SPLITS for problem in composed_problems(split)]
    assert {split_of(document.task.structure) for document in TEXT} == {None}
    assert not any(is_reserved(document.task.name) for document in TEXT)
    assert not {fingerprint(prompt_of(document)) for document in TEXT} & {*map(fingerprint, held_out)}


def test_the_splits_have_no_composition_in_common():
    prints = [fingerprint(problem.prompt) for split in SPLITS for problem in composed_problems(split)]
    by_split = [{fingerprint(problem.prompt) for problem in composed_problems(split)} for split in SPLITS]
    assert len(prints) > 200
    assert len(set.union(*by_split)) == sum(map(len, by_split))


def test_solutions_and_tests_follow_the_prompts_of_the_harness():
    for document in TEXT:
        problem = Problem("", prompt_of(document), document.task.name)
        asked = prompts.solution_prompt(problem, "base")
        assert [prompt for prompt, _ in document.solutions] == [asked] * SOLUTIONS
        assert document.tests[0] == prompts.tests_prompt(problem, "base", TESTS)


def test_the_text_is_python():
    for document in TEXT[:500]:
        for prompt, answer in (*document.solutions, document.tests):
            assert ast.parse(prompt + answer).body


def test_some_solutions_are_wrong_and_some_are_slow():
    kinds: Counter[str] = Counter()
    for document in TEXT:
        if len(document.task.structure) > 1:
            continue
        right = {document.task.variant(name): name for name in ("fast", "slow")}
        kinds.update(right.get(f"{body}\n", "wrong") for _, body in document.solutions)
    assert 0.15 < kinds["wrong"] / kinds.total() < 0.35
    assert kinds["slow"] > kinds["fast"] > 0


def test_most_tests_are_right_and_some_are_wrong():
    right = []
    for document in TEXT[:300]:
        function = right_function(document.task)
        lines = ("assert" + document.tests[1]).splitlines()
        assert 1 <= len(lines) <= TESTS
        for line in lines:
            source, value = line.removeprefix(f"assert {document.task.name}(").split(") == ", 1)
            right.append(repr(function(source)) == value)
    assert 0.7 < sum(right) / len(right) < 0.95


def test_examples_are_right_and_short():
    for document in TEXT[:300]:
        function = right_function(document.task)
        calls = re.findall(r">>> \w+\((.*)\)\n    (.*)\n", prompt_of(document))
        assert len({source for source, _ in calls}) == EXAMPLES
        assert all(repr(function(source)) == value and len(value) <= LONGEST_VALUE for source, value in calls)


def test_no_operation_is_always_or_never_written_right():
    shares = [skill(operation) for operation in OPERATIONS.values()]
    assert 0.55 <= min(shares) < 0.6
    assert 0.85 < max(shares) <= 0.9

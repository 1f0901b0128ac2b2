"""The model's training text: functions and tests as people of mixed skill might write them, in an endless stream.

Prompts have the forms in which the harness asks for solutions and for tests.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any, Final

from codedpo_plugin.embedded.compose import (
    EMPTY,
    Structure,
    Task,
    argument,
    function_of,
    names,
    split_of,
    structures,
    task_of,
)
from codedpo_plugin.embedded.grammar import Operation
from codedpo_plugin.generation.prompts import solution_prompt, tests_prompt
from codedpo_plugin.records import Problem

LENGTHS: Final = {1: 0.25, 2: 0.75}
"""How many operations a document's function has, with weights."""
KINDS: Final = {"L": 0.55, "W": 0.15, "S": 0.1, "N": 0.1, "M": 0.1}
"""What it is given, with weights."""
SLOW: Final = 0.6
"""Share of slow forms among the right ones."""
WRONG_TESTS: Final = 0.2
"""Share of the other tests with the result of a wrong function."""
TESTS: Final = 4
"""Tests a document, at most."""
KNOWN, LEAST = 0.45, 0.15
"""Share of tests that repeat an example of the prompt, and that try the least argument."""
EXAMPLES: Final = 3
"""Examples a prompt."""
TRIED: Final = 12
"""Calls that are tried to find examples with different results."""
LONG, SHORT = 5, 2
"""Items in the list of an example, and of a new test, at most."""
LONGEST_VALUE: Final = 36
"""Characters of a result in examples and tests."""


SOLUTIONS: Final = 2
"""Solutions a document; it has one text of tests."""


@dataclass(frozen=True, slots=True)
class Document:
    """What was written about one function: pairs of what the harness would ask with, and an answer."""

    task: Task
    solutions: tuple[tuple[str, str], ...]
    tests: tuple[str, str]


def documents(seed: int) -> Iterator[Document]:
    """Yield training documents without end."""
    rng = Random(f"corpus:{seed}")  # noqa: S311 - not for secrets
    while True:
        task = draw_task(rng, None, names(reserved=False))
        function = right_function(task)
        known = examples(task, function, rng)
        problem = Problem("", task.prompt(known), task.name)
        solutions = tuple((solution_prompt(problem, "base"), _solution(task, rng)) for _ in range(SOLUTIONS))
        yield Document(task, solutions, (tests_prompt(problem, "base", TESTS), _tests(task, function, known, rng)))


def draw_task(rng: Random, split: str | None, names: Sequence[str]) -> Task:
    """Return a random task of a split, with one of the names."""
    groups = _groups(split)
    lengths = [length for length in LENGTHS if any(length == own for own, _ in groups)]
    length = rng.choices(lengths, [LENGTHS[length] for length in lengths])[0]
    kinds = [kind for kind in KINDS if (length, kind) in groups]
    kind = rng.choices(kinds, [KINDS[kind] for kind in kinds])[0]
    return task_of(rng.choice(groups[length, kind]), kind, rng.choice(names), rng)


@cache
def _groups(split: str | None) -> dict[tuple[int, str], list[Structure]]:
    """Return the compositions of a split by length and kind of argument."""
    groups = defaultdict(list)
    for structure, kind in structures():
        if split_of(structure) == split:
            groups[len(structure), kind].append(structure)
    return dict(groups)


def examples(task: Task, function: Callable[[str], Any], rng: Random) -> list[tuple[str, str]]:
    """Return calls, arguments and results, for the prompt of a task: with different results, if there are any."""
    calls: dict[str, str] = {}
    for _ in range(TRIED):
        source, value = small_call(task, function, rng, LONG)
        if value not in calls.values():
            calls[source] = value
        if len(calls) == EXAMPLES:
            break
    while len(calls) < EXAMPLES:
        calls |= [small_call(task, function, rng, LONG)]
    return [*calls.items()]


def small_call(task: Task, function: Callable[[str], Any], rng: Random, longest: int) -> tuple[str, str]:
    """Return a random call with at most ``longest`` items whose result is short."""
    while True:
        source = argument(task.kind, rng, longest)
        value = repr(function(source))
        if len(value) <= LONGEST_VALUE:
            return source, value


def right_function(task: Task) -> Callable[[str], Any]:
    """Return the function that a task asks for."""
    return function_of(task.signature + task.variant("fast"), task.name)


def _solution(task: Task, rng: Random) -> str:
    """Return a body that solves the task, or tries to; without the last line break, as pairs have it."""
    return task.body([_form(operation, rng) for operation in task.operations]).rstrip("\n")


def _form(operation: Operation, rng: Random) -> str:
    """Return how somebody writes an operation. Some operations are written wrong more often than others."""
    if rng.random() > skill(operation):
        return rng.choice(operation.wrong)
    return operation.slow if rng.random() < SLOW else operation.fast


def skill(operation: Operation) -> float:
    """Return the share of right forms of an operation: 0.55 to 0.9."""
    return 0.55 + 0.35 * hashlib.sha256(operation.name.encode()).digest()[1] / 255


def _tests(task: Task, function: Callable[[str], Any], known: Sequence[tuple[str, str]], rng: Random) -> str:
    """Return tests of the task's function, some with a wrong result; the first ``assert`` is in the prompt."""
    tests = dict(_call(task, function, known, rng) for _ in range(TESTS))
    return "assert".join(f" {task.name}({source}) == {value}\n" for source, value in tests.items())


def _call(
    task: Task, function: Callable[[str], Any], known: Sequence[tuple[str, str]], rng: Random
) -> tuple[str, str]:
    """Return a call and what is said to come of it: an example, the least argument, or something new."""
    kind = rng.random()
    if kind < KNOWN:
        return rng.choice(known)
    if kind < KNOWN + LEAST:
        return EMPTY[task.kind], repr(function(EMPTY[task.kind]))
    source, value = small_call(task, function, rng, SHORT)
    return source, (_wrong_value(task, source, rng) or value) if rng.random() < WRONG_TESTS else value


def _wrong_value(task: Task, source: str, rng: Random) -> str:
    """Return what a wrong function gives; empty if it fails or gives too much."""
    _, body = rng.choice([*task.wrong_bodies()])
    try:
        value = repr(function_of(task.signature + body, task.name)(source))
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return ""
    return value if len(value) <= LONGEST_VALUE else ""

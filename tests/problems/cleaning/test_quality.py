"""Problems that cannot be solved as they stand, and solutions that are none."""

from __future__ import annotations

from collections import Counter

import pytest

from codedpo_plugin.problems.cleaning.quality import (
    statement_fault,
    with_complete_statements,
    with_running_solutions,
)
from codedpo_plugin.records import MadeProblem


def made(statement: str = "Add.", solution: str = "", language: str = "python", entry_point: str | None = None):
    return MadeProblem("p", statement, entry_point, language, instruction=statement, solution=solution)


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("Read the numbers in data.csv and add them.", "mentions_outside_file"),
        ("Count the words of the attached file.", "mentions_outside_file"),
        ("Draw what the following diagram shows.", "mentions_outside_file"),
        ("You are given a text file with names.", "mentions_outside_file"),
        ("Complete the code above.", "missing_context"),
        ("Fix the given code snippet so that it sorts.", "missing_context"),
        ("Extend the previous exercise.", "missing_context"),
        ("As described above, the list is sorted.", "missing_context"),
        ("Fix the given code snippet:\n```python\nx = 1\n```", None),
        ("Write a function that takes the name of a file and returns its extension.", None),
        ("Return all values above the given threshold.", None),
        ("Write a function that takes a list of points in the plane and returns the nearest pair.", None),
        ("", None),
    ],
)
def test_a_statement_has_to_be_complete(statement, fault):
    assert statement_fault(made(statement)) == fault


@pytest.mark.parametrize(
    ("solution", "language", "kept"),
    [
        ("def f(x):\n    return x\n", "python", True),
        ("def f(x:\n", "python", False),
        ("fn f(x: i32) -> i32 { x }\n", "rust", True),
        ("fn f(x: i32 -> {", "rust", False),
        ("anything ( at all", "cobol", True),
        ("", "python", True),
    ],
)
def test_a_solution_has_to_parse_in_its_language(solution, language, kept):
    counts: Counter[str] = Counter()
    found = list(with_complete_statements([made(solution=solution, language=language)], counts))
    assert bool(found) is kept
    assert counts == ({} if kept else {"solution_does_not_parse": 1})


def run(pool, *problems: MadeProblem) -> tuple[list[MadeProblem], Counter[str]]:
    counts: Counter[str] = Counter()
    return list(with_running_solutions(problems, pool, counts)), counts


@pytest.mark.parametrize(
    ("solution", "entry_point", "reason"),
    [
        ("def f(x):\n    return x\n", "f", None),
        ("print('hello')", None, None),
        ("def f(x):\n    return x\nassert f(1) == 2\n", "f", "solution_does_not_run"),
        ("import os.no_such_part\n", None, "solution_does_not_run"),
        ("raise ImportError('No module named x')\n", None, "solution_does_not_run"),
        ("def g(x):\n    return x\n", "f", "solution_does_not_run"),
        ("name = input()", None, "solution_does_not_run"),
        ("while True: pass", None, "solution_takes_too_long"),
        ("import sys; sys.exit(0)", None, "solution_does_not_run"),
    ],
)
def test_a_python_solution_has_to_load(pool, solution, entry_point, reason):
    problem = made(solution=solution, entry_point=entry_point)
    kept, counts = run(pool, problem)
    assert kept == ([] if reason else [problem])
    assert counts == ({reason: 1} if reason else {})


def test_what_needs_a_module_that_is_not_here_is_counted_by_the_module(pool):
    needing = ["import no_such_module", "from no_such_module.part import x", "def f():\n    import nor_this\nf()"]
    kept, counts = run(pool, *[made(solution=solution) for solution in needing])
    assert kept == []
    assert counts == {
        "solution_needs_module": 3,
        "solution_needs_module_no_such_module": 2,
        "solution_needs_module_nor_this": 1,
    }


def test_other_languages_and_tasks_without_solution_are_not_run(pool):
    problems = [made(solution="fn f() {}", language="rust"), made(), made(solution="x = 1")]
    assert run(pool, *problems) == (problems, Counter())


def test_many_problems_keep_their_order(pool):
    problems = [made(str(i), "x = 1" if i % 3 else "x = ") for i in range(60)]
    kept, counts = run(pool, *problems)
    assert kept == [problem for i, problem in enumerate(problems) if i % 3]
    assert counts["solution_does_not_run"] == 20

"""No solution that fails an example of its own prompt is believed."""

from __future__ import annotations

import numpy as np
import pytest

from codedpo_plugin.contracts import ScoredProblem
from codedpo_plugin.pairing.correctness import correctness_pairs
from codedpo_plugin.pairing.efficiency import credible_tests
from codedpo_plugin.pairing.examples import trusting_examples
from codedpo_plugin.records import Candidates, PassMatrix, Scores

PROMPT = 'def f(x):\n    """Double.\n\n    >>> f(3)\n    6\n    """\n'
BODIES = ("    return x * 2\n", "    return x ** 2\n", "    return x + 2\n", "    return x + x\n")
TESTS = ("assert f(2) == 4", "assert f(0) == 0", "assert f(1) == 1", "assert f(3)==6")
PASSED = np.array([[1, 1, 0, 1], [1, 1, 1, 0], [1, 0, 0, 0], [1, 1, 0, 1]], bool)


def scored(prompt: str = PROMPT, passed: np.ndarray = PASSED, tests: tuple[str, ...] = TESTS) -> ScoredProblem:
    """Return a problem whose solutions are scored by the number of tests they pass."""
    programs = tuple(prompt + body for body in BODIES)
    scores = Scores("p", "pass-count", passed.sum(axis=1).astype(float), np.ones(len(tests)))
    matrix = PassMatrix("p", (~passed).astype(np.uint8))
    return ScoredProblem(Candidates("p", prompt, "f", programs, tests), matrix, scores)


def chosen(problem: ScoredProblem) -> list[str]:
    return [pair.chosen for pair in correctness_pairs(problem, most=4) if not isinstance(pair, str)]


def test_solutions_that_fail_an_example_are_never_chosen():
    assert chosen(trusting_examples(scored())) == [BODIES[0], BODIES[3]]


def test_without_that_they_may_be():
    tied = scored(passed=PASSED & np.array([[1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1], [0, 1, 1, 0]], bool))
    assert BODIES[1] in chosen(tied)
    assert chosen(trusting_examples(tied)) == [BODIES[0]]


def test_the_tests_of_efficiency_pairs_are_those_that_such_a_solution_passes():
    first = scored(passed=PASSED & np.array([[0, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1], [0, 0, 1, 1]], bool))
    assert credible_tests(first) == [0, 1, 2]
    assert credible_tests(trusting_examples(first)) == [1, 3]


@pytest.mark.parametrize("prompt", ["def f(x):\n", PROMPT.replace("6", "9")])
def test_where_no_test_is_an_example_nothing_changes(prompt):
    problem = scored(prompt)
    assert trusting_examples(problem) is problem


def test_where_no_solution_passes_them_none_is_believed():
    none = scored(passed=PASSED & np.array([1, 1, 1, 0], bool))
    assert list(correctness_pairs(trusting_examples(none))) == ["all_scores_equal"]


def test_a_problem_without_solutions_stays_as_it_is():
    empty = ScoredProblem(
        Candidates("p", PROMPT, "f", (), TESTS),
        PassMatrix("p", np.zeros((0, 4), np.uint8)),
        Scores("p", "pass-count", np.zeros(0), np.ones(4)),
    )
    assert trusting_examples(empty) is empty

"""Efficiency pairs, on real programs in the real engine."""

from __future__ import annotations

import numpy as np
import pytest

from codedpo_plugin.config import TimingConfig
from codedpo_plugin.contracts import ScoredProblem
from codedpo_plugin.execution import Mode, Pool
from codedpo_plugin.pairing.efficiency import contenders, credible_tests, efficiency_pair, timing_checks
from codedpo_plugin.records import Candidates, PairKind, PassMatrix, PreferencePair, Scores

CONFIG = TimingConfig(rounds=6, passes=3, min_pass_ms=0.2)

PROMPT = "def f(n):\n"
LINEAR = PROMPT + "    return sum(range(n))\n"
QUADRATIC = PROMPT + "    return sum(1 for i in range(n) for j in range(i))\n"
WRONG = PROMPT + "    return n\n"
RAISING = PROMPT + "    raise ValueError\n"
TESTS = ("assert f(400) == 79800", "assert f(0) == 0", "assert f(3) == 4")
"""The last one is wrong: no solution that is right passes it."""

RIGHT_ROW, WRONG_ROW = [0, 0, 1], [1, 0, 1]


def scored(solutions: list[str], verdicts: list[list[int]], scores: list[float] | None = None) -> ScoredProblem:
    matrix = np.array(verdicts, np.uint8).reshape(len(solutions), len(TESTS))
    believed = np.array(scores or (matrix == 0).sum(axis=1), np.float64)
    candidates = Candidates("p", PROMPT, "f", tuple(solutions), TESTS)
    return ScoredProblem(candidates, PassMatrix("p", matrix), Scores("p", "r", believed, np.ones(len(TESTS))))


class NoPool:
    """Stands for a pool that must not be used."""

    def time(self, jobs):
        pytest.fail("nothing is to be measured")


def test_the_credible_tests_are_those_the_best_solution_passes():
    problem = scored([WRONG, LINEAR], [WRONG_ROW, RIGHT_ROW])
    assert credible_tests(problem) == [0, 1]


def test_of_equal_scores_the_first_solution_says_what_is_credible():
    problem = scored([WRONG, LINEAR], [WRONG_ROW, RIGHT_ROW], [1.0, 1.0])
    assert credible_tests(problem) == [1]


def test_without_solutions_no_test_is_credible():
    assert credible_tests(scored([], [])) == []


def test_contenders_pass_all_credible_tests_and_are_different_programs():
    copy = LINEAR.replace("sum(range(n))", "sum( range(n) )  # the same")
    problem = scored([WRONG, LINEAR, copy, QUADRATIC], [WRONG_ROW, RIGHT_ROW, RIGHT_ROW, RIGHT_ROW])
    assert contenders(problem, [0, 1]) == [1, 3]


def test_a_cell_that_was_not_run_is_not_passed():
    problem = scored([LINEAR, QUADRATIC], [RIGHT_ROW, [0, 7, 7]])
    assert contenders(problem, [0, 1]) == [0]


def test_what_is_timed_are_the_calls_and_not_the_comparisons():
    checks = timing_checks(["assert f(400) == 79800", "assert abs(f(1)) < 2"], "f")
    assert [(check.source, check.mode) for check in checks] == [("f(400)", Mode.VALUE), ("(f(1),)", Mode.VALUE)]


def test_the_fast_program_is_preferred_to_the_slow_one(pool: Pool):
    problem = scored([WRONG, QUADRATIC, LINEAR], [WRONG_ROW, RIGHT_ROW, RIGHT_ROW], [0.5, 2.5, 2.0])
    pair = efficiency_pair(problem, pool, CONFIG)
    assert isinstance(pair, PreferencePair), pair
    assert PROMPT + pair.chosen == LINEAR
    assert PROMPT + pair.rejected == QUADRATIC
    assert (pair.kind, pair.problem_id, pair.prompt) == (PairKind.EFFICIENCY, "p", PROMPT)
    assert (pair.chosen_score, pair.rejected_score, pair.margin) == (2.0, 2.5, -0.5)
    assert pair.speedup > CONFIG.min_ratio
    assert 0 < pair.chosen_cpu_ns < pair.rejected_cpu_ns


def test_the_fastest_and_the_slowest_of_several_are_paired(pool: Pool):
    middle = PROMPT + "    total = 0\n    for i in range(n):\n        for j in range(20):\n            total += i\n"
    middle += "    return total // 20\n"
    problem = scored([middle, QUADRATIC, LINEAR], [RIGHT_ROW] * 3)
    pair = efficiency_pair(problem, pool, CONFIG)
    assert isinstance(pair, PreferencePair), pair
    assert (PROMPT + pair.chosen, PROMPT + pair.rejected) == (LINEAR, QUADRATIC)


def test_two_copies_of_one_program_under_other_names_make_no_pair(pool: Pool):
    copy = QUADRATIC.replace(" i ", " k ").replace("(i)", "(k)")
    pair = efficiency_pair(scored([QUADRATIC, copy], [RIGHT_ROW] * 2), pool, CONFIG)
    assert pair in ("no_time_difference", "no_certain_time_difference")


@pytest.mark.parametrize(
    ("solutions", "verdicts", "reason"),
    [
        ([], [], "no_credible_test"),
        ([RAISING, RAISING], [[2, 2, 2], [2, 2, 2]], "no_credible_test"),
        ([LINEAR, WRONG], [RIGHT_ROW, WRONG_ROW], "fewer_than_two_correct"),
        ([LINEAR, LINEAR + "# the same\n"], [RIGHT_ROW, RIGHT_ROW], "fewer_than_two_correct"),
    ],
    ids=["no solution", "nothing passes", "one is right", "one program twice"],
)
def test_a_problem_that_needs_no_measuring_has_a_reason(solutions, verdicts, reason):
    assert efficiency_pair(scored(solutions, verdicts), NoPool(), CONFIG) == reason


def test_programs_that_fail_when_they_are_timed_are_not_measurable(pool: Pool):
    other = RAISING.replace("ValueError", "TypeError")
    problem = scored([RAISING, other], [RIGHT_ROW] * 2)
    assert efficiency_pair(problem, pool, CONFIG) == "not_measurable"


class Figures:
    """Stands for a pool that measures what it is told, turn by turn."""

    def __init__(self, *turns: float) -> None:
        self.turns = list(turns)

    def time(self, jobs):
        from codedpo_plugin.execution import TimingResult

        return [TimingResult((self.turns.pop(0),)) for _ in jobs]


FIRST_ROUND = (1.0, 2.0)
"""Of all solutions; the pilot of the two that are compared comes next."""


def turns(*rounds: tuple[float, float]) -> list[float]:
    """Return the figures of the pilot and of rounds, every other one of which runs the programs in reverse."""
    return [1.0, 2.0, *(f for turn, r in enumerate(rounds) for f in (reversed(r) if turn % 2 else r))]


@pytest.mark.parametrize(
    ("figures", "reason"),
    [
        ((1.0, 1.1), "no_time_difference"),
        ((*FIRST_ROUND, *turns(*[(1.0, 2.0)] * 5, (1.0, 1.05))), "no_certain_time_difference"),
        ((*FIRST_ROUND, *turns(*[(1.0, 1.0)] * 6)), "no_certain_time_difference"),
    ],
    ids=["first round", "one round of six", "second look"],
)
def test_a_difference_that_is_not_certain_makes_no_pair(figures, reason):
    problem = scored([LINEAR, QUADRATIC], [RIGHT_ROW] * 2)
    assert efficiency_pair(problem, Figures(*figures), CONFIG) == reason


def test_a_certain_difference_is_recorded_as_it_was_measured():
    rounds = turns((10.0, 21.0), (10.0, 20.0), (12.0, 24.0), (10.0, 22.0), (10.0, 20.0), (11.0, 20.0))
    problem = scored([LINEAR, QUADRATIC], [RIGHT_ROW] * 2)
    pair = efficiency_pair(problem, Figures(*FIRST_ROUND, *rounds), CONFIG)
    assert (pair.speedup, pair.chosen_cpu_ns, pair.rejected_cpu_ns) == (2.0, 10, 20)


def test_a_pair_that_answers_the_prompt_alike_has_a_reason():
    # Both programs are measured as different, but what follows the prompt in them is the same.
    prompt = "import math\n" + PROMPT
    solutions = (PROMPT + "    return n", prompt + "    return n")
    problem = scored(list(solutions), [RIGHT_ROW] * 2)
    candidates = Candidates("p", prompt, "f", solutions, TESTS)
    problem = ScoredProblem(candidates, problem.matrix, problem.scores)
    assert efficiency_pair(problem, Figures(*FIRST_ROUND, *turns(*[(1.0, 2.0)] * 6)), CONFIG) == "empty_answer"


def test_larger_inputs_decide_what_small_ones_cannot():
    """On one item the quadratic loop is as fast as the linear one, or faster."""
    linear = "def f(xs):\n    return list(dict.fromkeys(xs))\n"
    slow = "    r = []\n    for j, x in enumerate(xs):\n        if x not in xs[:j]:\n            r = r + [x]\n"
    quadratic = f"def f(xs):\n{slow}    return r\n"
    tests = ("assert f([]) == []", "assert f([3]) == [3]")
    candidates = Candidates("p", "def f(xs):\n", "f", (quadratic, linear), tests)
    matrix = PassMatrix("p", np.zeros((2, 2), np.uint8))
    problem = ScoredProblem(candidates, matrix, Scores("p", "r", np.ones(2), np.ones(2)))
    with Pool(1) as pool:
        pair = efficiency_pair(problem, pool, CONFIG, enlarge=200)
    assert isinstance(pair, PreferencePair)
    assert "fromkeys" in pair.chosen

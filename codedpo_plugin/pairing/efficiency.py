"""Efficiency pairs: of the solutions that pass every credible test, the fastest against the slowest.

Credible are the tests that the top-scored solution passes (CodeDPO, section 3.4). A pair is made only when the
difference in CPU time is real, see :mod:`codedpo_plugin.timing`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from codedpo_plugin.config import TimingConfig
from codedpo_plugin.contracts import ScoredProblem
from codedpo_plugin.execution import Check, Pool
from codedpo_plugin.execution.assertions import plan_test
from codedpo_plugin.pairing.correctness import distinct, make_pair
from codedpo_plugin.pairing.larger import agreed, larger_checks
from codedpo_plugin.records import PairKind, PreferencePair
from codedpo_plugin.timing import compare_programs, measure

if TYPE_CHECKING:
    from codedpo_plugin.calibration.model import Calibration


def credible_tests(problem: ScoredProblem) -> list[int]:
    """Return the tests that the top-scored solution passes."""
    if not len(problem.scores.solutions):
        return []
    best = int(np.argmax(problem.scores.solutions))
    return [int(test) for test in np.flatnonzero(problem.matrix.passed[best])]


def contenders(problem: ScoredProblem, tests: list[int]) -> list[int]:
    """Return the solutions that pass all of the tests, one of each group that is the same program."""
    passing = np.flatnonzero(problem.matrix.passed[:, tests].all(axis=1))
    return distinct(problem.candidates.solutions, map(int, passing))


def efficiency_pair(
    problem: ScoredProblem,
    pool: Pool,
    config: TimingConfig,
    calibration: Calibration | None = None,
    enlarge: int = 1,
) -> PreferencePair | str:
    """Return the pair of one problem, or the reason why it has none.

    A first round finds the fastest and the slowest solution; only those two are then compared with care. With
    ``enlarge`` solutions are timed on the calls of the credible tests with arguments so many times as large, where
    there are such; solutions that do not agree with the best one on these are left out.
    """
    tests = credible_tests(problem)
    if not tests:
        return "no_credible_test"
    solutions = contenders(problem, tests)
    candidates = problem.candidates
    checks = timing_checks([candidates.tests[test] for test in tests], candidates.entry_point)
    if enlarge > 1 and len(solutions) > 1:
        solutions, checks = enlarged(problem, pool, solutions, checks, enlarge)
    if len(solutions) < 2:
        return "fewer_than_two_correct"
    rounds = measure(pool, [candidates.solutions[s] for s in solutions], checks, config, rounds=1)
    times = [(figures[0], s) for figures, s in zip(rounds, solutions, strict=True) if figures]
    if len(times) < 2:
        return "not_measurable"
    (fast_ns, fast), (slow_ns, slow) = min(times), max(times)
    if slow_ns / fast_ns <= config.min_ratio:
        return "no_time_difference"
    ratio = compare_programs(pool, candidates.solutions[fast], candidates.solutions[slow], checks, config)
    if ratio is None or not ratio.beyond(config.min_ratio):
        return "no_certain_time_difference"
    pair = make_pair(problem, fast, slow, PairKind.EFFICIENCY, calibration)
    if isinstance(pair, str):
        return pair
    return replace(
        pair,
        speedup=ratio.value,
        chosen_cpu_ns=round(ratio.first_ns),
        rejected_cpu_ns=round(ratio.second_ns),
    )


def enlarged(
    problem: ScoredProblem, pool: Pool, solutions: list[int], checks: tuple[Check, ...], factor: int
) -> tuple[list[int], tuple[Check, ...]]:
    """Return larger checks and the solutions that agree on them; what was given if there are no larger checks.

    The best solution is the contender with the highest score.
    """
    larger = larger_checks(checks, problem.candidates.entry_point, factor)
    if not larger:
        return solutions, checks
    programs = [problem.candidates.solutions[solution] for solution in solutions]
    best = int(np.argmax(problem.scores.solutions[solutions]))
    same, answered = agreed(pool, programs, best, larger)
    return ([solutions[i] for i in same], answered) if answered else (solutions, checks)


def timing_checks(tests: list[str], entry_point: str | None) -> tuple[Check, ...]:
    """Return what to run to time a program on tests: only the calls, not the comparisons."""
    return tuple(plan_test(test, entry_point).check for test in tests)

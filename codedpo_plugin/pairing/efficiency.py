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
from codedpo_plugin.pairing.correctness import make_pair
from codedpo_plugin.programs import normalise
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
    distinct: dict[str, int] = {}
    for solution in passing:
        distinct.setdefault(normalise(problem.candidates.solutions[solution]), int(solution))
    return list(distinct.values())


def efficiency_pair(
    problem: ScoredProblem, pool: Pool, config: TimingConfig, calibration: Calibration | None = None
) -> PreferencePair | str:
    """Return the pair of one problem, or the reason why it has none.

    A first round finds the fastest and the slowest solution; only those two are then compared with care.
    """
    tests = credible_tests(problem)
    if not tests:
        return "no_credible_test"
    solutions = contenders(problem, tests)
    if len(solutions) < 2:
        return "fewer_than_two_correct"
    candidates = problem.candidates
    checks = timing_checks([candidates.tests[test] for test in tests], candidates.entry_point)
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


def timing_checks(tests: list[str], entry_point: str | None) -> tuple[Check, ...]:
    """Return what to run to time a program on tests: only the calls, not the comparisons."""
    return tuple(plan_test(test, entry_point).check for test in tests)

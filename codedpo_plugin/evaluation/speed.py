"""Speed on the problems that two sides solve: measured in one interleaved run, never read from logs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from statistics import median_low

from codedpo_plugin.config import TimingConfig
from codedpo_plugin.evaluation.passk import Estimate, bootstrap_mean, bootstrap_median
from codedpo_plugin.execution import Pool, Runtime
from codedpo_plugin.programs import normalise
from codedpo_plugin.suites import SuiteProblem
from codedpo_plugin.timing import Ratio, compare_sides, measure

BY = 1.1
"""What counts as faster or slower: by 10%, certainly."""
DILUTED = 0.5
"""Share of making the calls in a time from which on equal times say nothing about equal programs."""


class Outcome(StrEnum):
    """What the measurement of one problem says."""

    FASTER = "faster"
    SLOWER = "slower"
    SAME = "same"
    """Certainly less than 10% apart."""
    UNCLEAR = "unclear"
    """Not to be told apart: the interval holds 1.1 or 1/1.1, or the inputs are too small to show a difference."""
    NOT_MEASURED = "not_measured"
    """One of the two failed when it was timed."""


@dataclass(frozen=True, slots=True)
class ProblemSpeed:
    """How the two sides compare on one problem."""

    problem_id: str
    ratio: Ratio | None
    """Time before over time after; None where it could not be measured."""
    diluted: bool = False
    """Whether most of the time goes into making the calls, so that equal times say nothing."""

    def outcome(self, by: float = BY) -> Outcome:
        """Return what the measurement says about a factor of ``by``."""
        if self.ratio is None:
            return Outcome.NOT_MEASURED
        if self.ratio.beyond(by):
            return Outcome.FASTER
        if self.ratio.below(by):
            return Outcome.SLOWER
        same = self.ratio.low >= 1 / by and self.ratio.high <= by
        return Outcome.SAME if same and not self.diluted else Outcome.UNCLEAR


@dataclass(frozen=True)
class Speeds:
    """The problems that both sides solve, measured once each."""

    problems: tuple[ProblemSpeed, ...] = ()

    @cached_property
    def ratios(self) -> list[Ratio]:
        """Return the measured ratios."""
        return [speed.ratio for speed in self.problems if speed.ratio]

    @cached_property
    def mean(self) -> Estimate:
        """Return the geometric mean of the ratios with its bootstrap interval."""
        logs = bootstrap_mean([math.log(ratio.value) for ratio in self.ratios])
        return Estimate(math.exp(logs.value), math.exp(logs.low), math.exp(logs.high), logs.n)

    @cached_property
    def median(self) -> Estimate:
        """Return the median of the ratios with its bootstrap interval."""
        return bootstrap_median([ratio.value for ratio in self.ratios])

    def share(self, outcome: Outcome) -> Estimate:
        """Return the share of the measured problems with an outcome."""
        return bootstrap_mean([float(s.outcome() is outcome) for s in self.problems if s.ratio])

    @cached_property
    def counts(self) -> dict[str, int]:
        """Return the number of problems by outcome, all of them."""
        found = Counter(speed.outcome() for speed in self.problems)
        return {str(outcome): found[outcome] for outcome in Outcome}


Solved = Mapping[str, Sequence[str]]
"""The right solutions of one side, by problem; at least one of each problem."""


def measure_speeds(
    problems: Iterable[SuiteProblem], before: Solved, after: Solved, pool: Pool, config: TimingConfig
) -> Speeds:
    """Time the solutions of either side for each problem against each other. Give it a pool of one worker.

    The time of a side is the geometric mean over its first ``config.solutions`` solutions.
    """
    return Speeds(
        tuple(_speed(p, before[p.problem.problem_id], after[p.problem.problem_id], pool, config) for p in problems)
    )


def median_experiment(experiments: Sequence[Speeds]) -> Speeds:
    """Return for each problem the measurement of its median experiment. Needs at least one experiment."""
    return Speeds(tuple(map(_median_speed, zip(*(e.problems for e in experiments), strict=True))))


def _median_speed(repeats: tuple[ProblemSpeed, ...]) -> ProblemSpeed:
    measured = {speed.ratio.value: speed for speed in repeats if speed.ratio}
    values = [speed.ratio.value for speed in repeats if speed.ratio]
    return measured[median_low(values)] if values else repeats[0]


def _speed(
    problem: SuiteProblem, old: Sequence[str], new: Sequence[str], pool: Pool, config: TimingConfig
) -> ProblemSpeed:
    problem_id = problem.problem.problem_id
    if problem.runtime != Runtime():  # DS-1000: its tests do the reference's work as well, and much besides
        return ProblemSpeed(problem_id, None)
    # The second side of a ratio is the slower one if the ratio exceeds 1: here, the one from before.
    chosen = new[: config.solutions], old[: config.solutions]
    programs = {normalise(solution): solution for side in chosen for solution in side}
    numbers = {form: number for number, form in enumerate(programs)}
    first, second = ([numbers[normalise(solution)] for solution in side] for side in chosen)
    if len(programs) == 1 or sorted(first) == sorted(second):
        return ProblemSpeed(problem_id, Ratio(1.0, 1.0, 1.0, math.nan, math.nan))  # the same: nothing to measure
    ratio = compare_sides(pool, [*programs.values()], (first, second), problem.timing_checks, config)
    speed = ProblemSpeed(problem_id, ratio)
    if ratio and speed.outcome() is Outcome.SAME:
        return ProblemSpeed(problem_id, ratio, _diluted(ratio, problem, pool, config))
    return speed


def _diluted(ratio: Ratio, problem: SuiteProblem, pool: Pool, config: TimingConfig) -> bool:
    """Return whether a function that does nothing takes most of the time, too: what is timed is the calling."""
    name = problem.problem.entry_point
    if not name:
        return False
    (nothing,) = measure(pool, [f"def {name}(*_, **__): pass"], problem.timing_checks, config)
    return nothing is not None and nothing[0] > DILUTED * min(ratio.first_ns, ratio.second_ns)

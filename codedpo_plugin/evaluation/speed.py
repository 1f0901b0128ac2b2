"""Speed on the problems that two sides solve: measured in one interleaved run, never read from logs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from statistics import median_low
from time import monotonic

from codedpo_plugin.config import TimingConfig
from codedpo_plugin.evaluation.passk import Estimate, bootstrap_mean, bootstrap_median
from codedpo_plugin.execution import Pool, Runtime
from codedpo_plugin.programs import normalise
from codedpo_plugin.suites import SuiteProblem
from codedpo_plugin.timing import Ratio, compare_programs, mean_ratio, measure

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
    """Time before over time after, the geometric mean over the pairs of solutions that were timed; None where none
    could be."""
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

    The first solutions of both sides are a pair, the second ones, and so on, up to ``config.solutions``; the side
    that has fewer begins again from its first. ``config.budget_s`` is for all pairs of a problem.
    """
    return Speeds(
        tuple(_speed(p, before[p.problem.problem_id], after[p.problem.problem_id], pool, config) for p in problems)
    )


def matched(old: Sequence[str], new: Sequence[str], most: int) -> list[tuple[str, str]]:
    """Return the pairs of solutions to time, at most so many."""
    number = min(max(len(old), len(new)), most)
    return [(old[i % len(old)], new[i % len(new)]) for i in range(number)]


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
    ratios = _ratios(problem, matched(old, new, config.solutions), pool, config)
    if not ratios:
        return ProblemSpeed(problem_id, None)
    speed = ProblemSpeed(problem_id, mean_ratio(ratios))
    if speed.ratio and speed.ratio.rounds and speed.outcome() is Outcome.SAME:
        return ProblemSpeed(problem_id, speed.ratio, _diluted(speed.ratio, problem, pool, config))
    return speed


def _ratios(
    problem: SuiteProblem, pairs: Sequence[tuple[str, str]], pool: Pool, config: TimingConfig
) -> list[Ratio]:
    """Return the ratios of pairs of solutions, without those of which one failed; what is equal is timed once.

    After the first pair only those are timed that can be expected to fit into the budget.
    """
    measured: dict[tuple[str, str], Ratio | None] = {}
    start, longest = monotonic(), 0.0
    for old, new in pairs:
        form = normalise(old), normalise(new)
        left = config.budget_s - (monotonic() - start)
        if not measured or (form not in measured and left > longest):
            begun = monotonic()
            measured[form] = _ratio(problem, form, (old, new), pool, config.model_copy(update={"budget_s": left}))
            longest = max(longest, monotonic() - begun)
    forms = ((normalise(old), normalise(new)) for old, new in pairs)
    return [ratio for form in forms if (ratio := measured.get(form))]


def _ratio(
    problem: SuiteProblem, form: tuple[str, str], pair: tuple[str, str], pool: Pool, config: TimingConfig
) -> Ratio | None:
    """Return how one solution compares with another, normalised to ``form``; None where one failed."""
    old, new = pair
    if form[0] == form[1]:
        return Ratio(1.0, 1.0, 1.0, math.nan, math.nan)  # one program: nothing to measure
    # The second program of a ratio is the slower one if the ratio exceeds 1: here, the one from before.
    return compare_programs(pool, new, old, problem.timing_checks, config)


def _diluted(ratio: Ratio, problem: SuiteProblem, pool: Pool, config: TimingConfig) -> bool:
    """Return whether a function that does nothing takes most of the time, too: what is timed is the calling."""
    name = problem.problem.entry_point
    if not name:
        return False
    (nothing,) = measure(pool, [f"def {name}(*_, **__): pass"], problem.timing_checks, config)
    return nothing is not None and nothing[0] > DILUTED * min(ratio.first_ns, ratio.second_ns)

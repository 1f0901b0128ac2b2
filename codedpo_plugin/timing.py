"""Telling two programs apart by time, so that two copies of one program do not come out different.

CPU time, not wall time; the programs in turn, A B A B …, each time in a fresh process; within a process the
minimum of several passes, each long enough for the clock. Every round gives one ratio; the interval of the ratio
is the distribution-free interval of their median (a sign test turned round), so it needs no model of the noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from statistics import median

from codedpo_plugin.config import TimingConfig
from codedpo_plugin.execution import Check, Limits, Pool, TimingJob

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Ratio:
    """How much longer one program takes than another."""

    value: float
    """Time of the second program over that of the first."""
    low: float
    high: float
    """Interval of the ratio."""
    first_ns: float
    second_ns: float
    """CPU nanoseconds of one run through all checks, the minimum over rounds."""

    def beyond(self, threshold: float) -> bool:
        """Return whether the whole interval lies beyond a threshold: the second program really is slower."""
        return self.low > threshold


def compare_rounds(first: Sequence[float], second: Sequence[float]) -> Ratio:
    """Return the ratio of two programs measured in the same rounds (equal lengths, at least one round).

    With n rounds the interval spans the k-th smallest to the k-th largest ratio, k as large as it may be for a
    confidence of 95%; with fewer than 6 rounds it is the whole range, whose confidence is ``1 - 2**(1-n)``.
    """
    ratios = sorted(b / a for a, b in zip(first, second, strict=True))
    k = interval_rank(len(ratios))
    return Ratio(median(ratios), ratios[k], ratios[-1 - k], min(first), min(second))


def interval_rank(n: int) -> int:
    """Return how many of n sorted values to leave out at each end of a 95% interval of the median."""
    k = 0
    while 2 * sum(comb(n, i) for i in range(k + 2)) / 2**n <= 1 - CONFIDENCE and 2 * (k + 1) < n:
        k += 1
    return k


def measure(
    pool: Pool, programs: Sequence[str], checks: tuple[Check, ...], config: TimingConfig, rounds: int
) -> list[list[float] | None]:
    """Return the CPU nanoseconds of each program in each round, programs in turn; None for one that failed.

    Give it a pool of one worker: programs measured side by side disturb each other.
    """
    limits = Limits(cpu_s=20.0, wall_s=60.0)
    pass_ns = int(config.min_pass_ms * 1e6)
    jobs = [
        TimingJob(program, checks, limits, pass_ns, config.passes) for _ in range(rounds) for program in programs
    ]
    results = list(pool.time(jobs))
    figures: list[list[float] | None] = []
    for index in range(len(programs)):
        own = [results[turn * len(programs) + index].pass_ns for turn in range(rounds)]
        figures.append([min(passes) for passes in own] if all(own) else None)
    return figures


def compare_programs(
    pool: Pool, first: str, second: str, checks: tuple[Check, ...], config: TimingConfig
) -> Ratio | None:
    """Measure two programs in turn and return their ratio; None if one of them cannot be measured."""
    a, b = measure(pool, [first, second], checks, config, config.rounds)
    return compare_rounds(a, b) if a and b else None

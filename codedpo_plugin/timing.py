"""Telling two programs apart by time, so that two copies of one program do not come out different.

CPU time, not wall time; the programs in turn, A B B A A B …, each time in a fresh confined process; within a
process the minimum of several passes, each long enough for the clock. Every round gives one ratio; the interval of
the ratio is the distribution-free interval of their median (a sign test turned round): no model of the noise.

Measuring stops early when the interval says enough, see :func:`settled`. It is looked at after a few fixed numbers
of rounds only, and the 5% of error are shared out among these looks: the interval holds whichever is the last.

The figures are read by the measured program's own process: honest programs, not hostile ones, are what is timed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import comb, inf
from statistics import geometric_mean, median

from codedpo_plugin.config import TimingConfig
from codedpo_plugin.execution import Check, Limits, Pool, TimingJob

ERROR = 0.05
"""Chance that an interval misses the ratio."""

LIMITS = Limits(cpu_s=20.0, wall_s=60.0)
LONG_PASS_NS = 20e6
"""A program whose pass takes so long is passed through fewer times: the clock needs no more."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """How much longer one program takes than another."""

    value: float
    """Time of the second program over that of the first."""
    low: float
    high: float
    """Interval of the ratio; 0 and infinity where there were too few rounds for one."""
    first_ns: float
    second_ns: float
    """CPU nanoseconds of one run through all checks, the minimum over rounds."""
    rounds: int = 0
    """Rounds that were measured."""

    def beyond(self, threshold: float) -> bool:
        """Return whether the whole interval lies beyond a threshold: the second program really is slower."""
        return self.low > threshold

    def below(self, threshold: float) -> bool:
        """Return whether the second program really is faster by a factor of ``threshold``."""
        return self.high < 1 / threshold


def compare_rounds(first: Sequence[float], second: Sequence[float], error: float = ERROR) -> Ratio:
    """Return the ratio of two programs measured in the same rounds (equal lengths, at least one round).

    With n rounds the interval spans the k-th smallest to the k-th largest ratio, k as large as it may be for an
    error of ``error``. Where even the whole range of the ratios is not that certain there is no interval.
    """
    ratios = sorted(b / a for a, b in zip(first, second, strict=True))
    k = interval_rank(len(ratios), error)
    low, high = (0.0, inf) if k is None else (ratios[k], ratios[-1 - k])
    return Ratio(median(ratios), low, high, min(first), min(second), len(ratios))


def interval_rank(n: int, error: float = ERROR) -> int | None:
    """Return how many of n sorted values to leave out at each end of an interval of the median; None: too few."""
    outside, found = 0.0, None
    for k in range((n + 1) // 2):
        outside += 2 * comb(n, k) / 2**n
        if outside > error:
            break
        found = k
    return found


def looks(rounds: int) -> list[int]:
    """Return after how many rounds to look at the interval, at most after ``rounds``.

    Each look has about twice the rounds of the one before, and as many rounds as its share of the error needs.
    """
    found = [rounds]
    while interval_rank(found[0] // 2, ERROR / (len(found) + 1)) is not None:
        found.insert(0, found[0] // 2)
    return found


def settled(ratio: Ratio, config: TimingConfig) -> bool:
    """Return whether more rounds are not worth it: the interval is narrow, or holds neither threshold."""
    thresholds = (config.min_ratio, 1 / config.min_ratio)
    narrow = ratio.high <= ratio.low * (1 + config.narrow)
    return narrow or not any(ratio.low <= threshold <= ratio.high for threshold in thresholds)


def measure(
    pool: Pool, programs: Sequence[str], checks: tuple[Check, ...], config: TimingConfig, rounds: int = 1
) -> list[list[float] | None]:
    """Return the CPU nanoseconds of each program in each round, programs in turn; None for one that failed.

    Every other round runs the programs in reverse, so that what drifts favours neither. Give it a pool of one
    worker: programs measured side by side disturb each other.
    """
    pass_ns, order = int(config.min_pass_ms * 1e6), range(len(programs))
    turns = [index for turn in range(rounds) for index in (reversed(order) if turn % 2 else order)]
    jobs = (TimingJob(programs[index], checks, LIMITS, pass_ns, config.passes) for index in turns)
    figures: list[list[float]] = [[] for _ in programs]
    for index, result in zip(turns, pool.time(jobs), strict=True):
        figures[index] += [min(result.pass_ns)] if result.pass_ns else []
    return [own if len(own) == rounds else None for own in figures]


def compare_programs(
    pool: Pool,
    first: str,
    second: str,
    checks: tuple[Check, ...],
    config: TimingConfig,
    clock: Callable[[], float] = time.monotonic,
) -> Ratio | None:
    """Measure two programs in turn and return their ratio; None if one of them cannot be measured.

    Stops when the ratio is settled, after ``config.rounds`` rounds, or when ``config.budget_s`` is spent.
    """
    return compare_sides(pool, [first, second], ([0], [1]), checks, config, clock)


def compare_sides(
    pool: Pool,
    programs: Sequence[str],
    sides: tuple[Sequence[int], Sequence[int]],
    checks: tuple[Check, ...],
    config: TimingConfig,
    clock: Callable[[], float] = time.monotonic,
) -> Ratio | None:
    """Measure programs in turn and return the ratio of two sides; None if none of a side can be measured.

    ``sides`` are numbers of programs. The time of a side in a round is the geometric mean over its programs, each
    as often as it is named. Stops like :func:`compare_programs`; where the first round shows that the budget is too
    short for an interval, only the first program of either side is gone on with.
    """
    deadline = clock() + config.budget_s
    pilot = measure(pool, programs, checks, config.model_copy(update={"passes": 1}))
    first, second = ([number for number in side if pilot[number]] for side in sides)
    if not (first and second):
        return None
    able = sorted({*first, *second})
    config = _fewer_passes(config, max(max(pilot[number] or [0.0]) for number in able))
    times: dict[int, list[float]] = {number: [] for number in able}
    schedule, done, ratio = looks(config.rounds), 0, None
    for look in schedule:
        while done < look and (clock() < deadline or not done):
            begun = clock()
            if not _add_round(pool, programs, checks, config, times):
                return None
            done += 1
            if done == 1 and (clock() - begun) * schedule[0] > config.budget_s:
                times = {number: times[number] for number in {first[0], second[0]}}
                first, second = first[:1], second[:1]
        ratio = compare_rounds(_side(times, first), _side(times, second), ERROR / len(schedule))
        if settled(ratio, config) or done < look:
            break
    return ratio


def _side(times: Mapping[int, Sequence[float]], side: Sequence[int]) -> list[float]:
    """Return the time of a side in each round."""
    if len(side) == 1:
        return list(times[side[0]])
    return [geometric_mean(figures) for figures in zip(*(times[number] for number in side), strict=True)]


def _fewer_passes(config: TimingConfig, pass_ns: float) -> TimingConfig:
    """Return the configuration for programs that take ``pass_ns``."""
    return config.model_copy(update={"passes": max(1, min(config.passes, int(LONG_PASS_NS / pass_ns)))})


def _add_round(
    pool: Pool,
    programs: Sequence[str],
    checks: tuple[Check, ...],
    config: TimingConfig,
    times: Mapping[int, list[float]],
) -> bool:
    """Measure one more round, programs in the reverse of the last one's order; return False if one failed."""
    order = sorted(times)
    if len(times[order[0]]) % 2:
        order.reverse()
    for number, measured in zip(order, measure(pool, [programs[n] for n in order], checks, config), strict=True):
        if not measured:
            return False
        times[number].extend(measured)
    return True

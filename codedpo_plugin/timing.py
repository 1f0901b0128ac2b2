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
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import comb, inf, isfinite, nan
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


def mean_ratio(ratios: Sequence[Ratio]) -> Ratio:
    """Return the geometric mean of ratios, at least one, in all their figures; the rounds are added up.

    The interval is wider than it need be: errors of single ratios cancel out in their mean.
    """
    if len(ratios) == 1:
        return ratios[0]

    def mean(name: str) -> float:
        values = [value for ratio in ratios if isfinite(value := getattr(ratio, name))]
        return geometric_mean(values) if values else nan

    low = 0.0 if any(ratio.low == 0 for ratio in ratios) else mean("low")
    high = inf if any(ratio.high == inf for ratio in ratios) else mean("high")
    rounds = sum(ratio.rounds for ratio in ratios)
    return Ratio(mean("value"), low, high, mean("first_ns"), mean("second_ns"), rounds)


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
    deadline = clock() + config.budget_s
    pilot = measure(pool, [first, second], checks, config.model_copy(update={"passes": 1}))
    if not (pilot[0] and pilot[1]):
        return None
    config = _fewer_passes(config, max(*pilot[0], *pilot[1]))
    times: tuple[list[float], list[float]] = ([], [])
    schedule = looks(config.rounds)
    ratio = None
    for look in schedule:
        while len(times[0]) < look and (clock() < deadline or not times[0]):
            if not _add_round(pool, (first, second), checks, config, times):
                return None
        ratio = compare_rounds(*times, ERROR / len(schedule))
        if settled(ratio, config) or len(times[0]) < look:
            break
    return ratio


def _fewer_passes(config: TimingConfig, pass_ns: float) -> TimingConfig:
    """Return the configuration for programs that take ``pass_ns``."""
    return config.model_copy(update={"passes": max(1, min(config.passes, int(LONG_PASS_NS / pass_ns)))})


def _add_round(
    pool: Pool,
    programs: tuple[str, str],
    checks: tuple[Check, ...],
    config: TimingConfig,
    times: tuple[list[float], list[float]],
) -> bool:
    """Measure one more round, programs in the reverse of the last one's order; return False if one failed."""
    turn = -1 if len(times[0]) % 2 else 1
    figures = measure(pool, programs[::turn], checks, config)
    for own, measured in zip(times, figures[::turn], strict=True):
        if not measured:
            return False
        own += measured
    return True

"""Whether programs pass all of their tests: what has failed one is not run on those that follow.

For suites with trusted tests, where only the first failure matters. The tests come in waves of growing size, so
that a wrong program costs a few tests, and a right one a few more processes than it needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from codedpo_plugin.execution.matrix import BATCH, Workload, execute
from codedpo_plugin.execution.pool import Pool
from codedpo_plugin.records import PassMatrix, Verdict

WAVES: Final = (0, 1, 4, 16, 64)
"""The number of the first test of each of the first waves."""
WAVE: Final = 128
"""Tests of each wave after those."""


@dataclass(slots=True)
class _Screen:
    """The verdicts on the programs of one workload, as far as they are known."""

    work: Workload
    verdicts: NDArray[np.uint8]
    times: NDArray[np.int64]

    @property
    def rows(self) -> list[int]:
        """Return the programs that have not failed a test."""
        known = self.verdicts != Verdict.NOT_RUN
        failed = known & (self.verdicts != Verdict.PASS)
        return [int(row) for row in np.flatnonzero(~failed.any(axis=1))]


def screen(pool: Pool, workloads: Iterable[Workload]) -> Iterator[PassMatrix]:
    """Run the programs of workloads against their tests, up to a failure; yield matrices in the order of workloads.

    Cells after the wave of a program's first failure are NOT_RUN. Matrices carry the CPU time of each cell.
    """
    stream = iter(workloads)
    while batch := list(islice(stream, BATCH)):
        screens = [_start(work) for work in batch]
        longest = max(len(work.plans) for work in batch)
        for start, end in pairwise((*WAVES, *range(WAVES[-1] + WAVE, longest + WAVE, WAVE))):
            _wave(pool, screens, start, end)
        for one in screens:
            inside = tuple(n for n, plan in enumerate(one.work.plans) if plan.inside)
            yield PassMatrix(one.work.problem_id, one.verdicts, one.times, inside)


def _start(work: Workload) -> _Screen:
    shape = (len(work.programs), len(work.plans))
    return _Screen(work, np.full(shape, Verdict.NOT_RUN, np.uint8), np.full(shape, -1, np.int64))


def _wave(pool: Pool, screens: Sequence[_Screen], start: int, end: int) -> None:
    """Run the tests from ``start`` to ``end`` of every workload on the programs that have not failed."""
    going = [(one, rows) for one in screens if one.work.plans[start:end] and (rows := one.rows)]
    parts = (
        replace(one.work, programs=tuple(one.work.programs[r] for r in rows), plans=one.work.plans[start:end])
        for one, rows in going
    )
    for (one, rows), matrix in zip(going, execute(pool, parts, record_times=True), strict=True):
        one.verdicts[rows, start:end] = matrix.verdicts
        if matrix.cpu_ns is not None:
            one.times[rows, start:end] = matrix.cpu_ns

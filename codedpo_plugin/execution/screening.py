"""Whether programs pass all of their tests: what has failed one is not run on those that follow.

For suites with trusted tests, where only the first failure matters. The tests come in waves of growing size, so
that a wrong program costs a few tests, and a right one a few more processes than it needs. Every program moves from
wave to wave on its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from codedpo_plugin.execution.assertions import TestPlan
from codedpo_plugin.execution.matrix import (
    Pending,
    Sheet,
    Workload,
    judge_elsewhere,
    judge_value,
    judge_values,
    sheet_of,
)
from codedpo_plugin.execution.pool import Pool
from codedpo_plugin.execution.requests import Ending, Job, JobResult
from codedpo_plugin.records import PassMatrix, Verdict

FIRST_WAVES: Final = {0: 16, 16: 128}
"""Where a wave ends, by where it starts."""
WAVE: Final = 256
"""Tests of each wave after those."""
BATCH: Final = 512
"""Workloads on their way at a time."""


@dataclass(slots=True)
class _Run:
    """One program on its way through the tests of its problem."""

    work: Workload
    program: str
    verdicts: NDArray[np.uint8]
    times: NDArray[np.int64]
    inside: set[int] = field(default_factory=set)
    start: int = 0

    @property
    def end(self) -> int:
        """Return where the wave ends that starts now."""
        return min(FIRST_WAVES.get(self.start, self.start + WAVE), len(self.work.plans))

    @property
    def plans(self) -> tuple[TestPlan, ...]:
        """Return the tests of the wave."""
        return self.work.plans[self.start : self.end]

    @property
    def going(self) -> bool:
        """Return whether the program has passed what it was run on, and there are more tests."""
        return self.start < len(self.work.plans) and not self.verdicts[: self.start].any()

    def job(self) -> Job:
        """Return the job of the wave."""
        return Job(self.program, tuple(plan.check for plan in self.plans), self.work.limits)

    def sheet(self, result: JobResult) -> Sheet:
        """Return the answers of the wave, to be judged."""
        sheet = sheet_of(replace(self.work, programs=(self.program,), plans=self.plans))
        sheet.answers.append(result)
        return sheet

    def enter(self, sheet: Sheet) -> None:
        """Enter the verdicts of a judged wave, and move on to the next."""
        for row, column, _, answer in sheet.cells():
            self.verdicts[self.start + column] = sheet.verdicts[row, column]
            self.times[self.start + column] = answer.cpu_ns
        self.inside |= {self.start + column for column in sheet.inside}
        self.start = self.end


def screen(pool: Pool, workloads: Iterable[Workload]) -> Iterator[PassMatrix]:
    """Run the programs of workloads against their tests, up to a failure; yield matrices in the order of workloads.

    Cells after the wave of a program's first failure are NOT_RUN. Matrices carry the CPU time of each cell.
    """
    stream = iter(workloads)
    while batch := list(islice(stream, BATCH)):
        runs = [{program: _start(work, program) for program in work.programs} for work in batch]
        ready = deque(run for own in runs for run in own.values() if run.going)
        while ready:
            _advance(pool, ready)
        for work, own in zip(batch, runs, strict=True):
            yield _matrix(work, [own[program] for program in work.programs])


def _start(work: Workload, program: str) -> _Run:
    number = len(work.plans)
    return _Run(work, program, np.full(number, Verdict.NOT_RUN, np.uint8), np.full(number, -1, np.int64))


def _matrix(work: Workload, runs: Sequence[_Run]) -> PassMatrix:
    shape = (len(runs), len(work.plans))
    verdicts = np.array([run.verdicts for run in runs], np.uint8).reshape(shape)
    times = np.array([run.times for run in runs], np.int64).reshape(shape)
    inside = sorted(set[int]().union(*(run.inside for run in runs)))
    return PassMatrix(work.problem_id, verdicts, times, tuple(inside))


def _advance(pool: Pool, ready: deque[_Run]) -> None:
    """Take programs as far as the host can judge; then judge elsewhere, and make ready those that go on."""
    taken: list[_Run] = []

    def jobs() -> Iterator[Job | None]:
        while True:
            if ready:
                taken.append(ready.popleft())
                yield taken[-1].job()
            else:
                yield None

    pending: list[Pending] = []
    held: list[tuple[_Run, Sheet]] = []
    for number, result in pool.stream(jobs(), lambda n, r: not fails_before_timeout(taken[n].plans, r)):
        run = taken[number]
        sheet = run.sheet(result)
        open_cells = list(judge_values(sheet))
        if open_cells:
            pending += open_cells
            held.append((run, sheet))
            continue
        run.enter(sheet)
        if run.going:
            ready.appendleft(run)  # to its end: a long program that comes late would keep one worker busy alone
    judge_elsewhere(pool, pending)
    for run, sheet in held:
        run.enter(sheet)
        if run.going:
            ready.append(run)


def fails_before_timeout(plans: Sequence[TestPlan], result: JobResult) -> bool:
    """Return whether a program has surely failed a test before the first on which it ran out of time."""
    for plan, answer in zip(plans, result.answers, strict=True):
        if answer.ending in (Ending.TIMEOUT, Ending.NOT_RUN):
            return False
        if answer.ending is Ending.HELD:
            continue
        failed = (Verdict.FAIL, Verdict.ERROR)
        if answer.ending is not Ending.VALUE or judge_value(plan.judgement, answer.payload) in failed:
            return True
    return False

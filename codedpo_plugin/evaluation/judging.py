"""Judging the solutions of a suite whose problems need different runtimes: a pool for each, side by side."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from threading import Event
from time import monotonic

import numpy as np

from codedpo_plugin.execution import Pool, Runtime
from codedpo_plugin.execution.matrix import Workload, execute
from codedpo_plugin.execution.sandboxes import Sandbox
from codedpo_plugin.records import PassMatrix, Verdict
from codedpo_plugin.suites import SuiteProblem

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """The solutions of one problem."""

    problem: SuiteProblem
    solutions: tuple[str, ...]

    @property
    def workload(self) -> Workload:
        """Return the programs to run and the tests to run them against."""
        p = self.problem
        return Workload(p.problem.problem_id, tuple(map(p.program, self.solutions)), p.plans, p.limits)

    @property
    def not_run(self) -> PassMatrix:
        """Return the matrix of solutions that were not run."""
        shape = (len(self.solutions), len(self.problem.plans))
        verdicts, times = np.full(shape, Verdict.NOT_RUN, np.uint8), np.full(shape, -1, np.int64)
        return PassMatrix(self.problem.problem.problem_id, verdicts, times, ())


@dataclass(frozen=True, slots=True)
class Engine:
    """How pools are opened."""

    workers: int | None
    sandbox: str
    sandboxes: Mapping[str, Sandbox]

    @property
    def size(self) -> int:
        """Return the number of workers there may be at a time."""
        return self.workers or len(os.sched_getaffinity(0))

    def pool(self, runtime: Runtime, workers: int) -> Pool:
        """Return a pool whose programs find a runtime."""
        return Pool(workers, sandbox=self.sandbox, sandboxes=self.sandboxes, runtime=runtime)


def judge(entries: Sequence[Entry], engine: Engine) -> list[PassMatrix]:
    """Return the matrix of each entry, in order; entries that cannot be run here get NOT_RUN.

    Every runtime has a pool of its own. With several runtimes the workers are divided among them, and as many pools
    run at a time as there are workers for: one thread drives each.
    """
    matrices = {i: e.not_run for i, e in enumerate(entries) if e.problem.unavailable}
    groups: dict[Runtime, list[int]] = {}
    for number, entry in enumerate(entries):
        if number not in matrices:
            groups.setdefault(entry.problem.runtime, []).append(number)
    if len(groups) == 1:
        return _in_order(matrices | _run(entries, *groups.popitem(), engine, engine.size))
    each = max(1, engine.size // max(1, len(groups)))
    largest_first = sorted(groups, key=lambda runtime: -len(runtime.preload))  # the slowest should not end alone
    stop = Event()
    with ThreadPoolExecutor(engine.size // each) as threads:
        running = [threads.submit(_run, entries, r, groups[r], engine, each, stop) for r in largest_first]
        try:
            for done in as_completed(running):
                matrices |= done.result()
        except BaseException:
            stop.set()
            threads.shutdown(wait=False, cancel_futures=True)
            raise
    return _in_order(matrices)


def _run(
    entries: Sequence[Entry],
    runtime: Runtime,
    numbers: Sequence[int],
    engine: Engine,
    workers: int,
    stop: Event | None = None,
) -> dict[int, PassMatrix]:
    """Judge the entries of one runtime; give up between two programs when told to stop."""

    def workloads() -> Iterator[Workload]:
        for number in numbers:
            if stop and stop.is_set():
                raise CancelledError
            yield entries[number].workload

    start = monotonic()
    with engine.pool(runtime, workers) as pool:
        judged = dict(zip(numbers, execute(pool, workloads(), record_times=True), strict=True))
    if parts := ", ".join(sorted({entries[n].problem.group for n in numbers} - {""})):
        log.info("%s: %d problems judged in %.1f s", parts, len(numbers), monotonic() - start)
    return judged


def _in_order(matrices: Mapping[int, PassMatrix]) -> list[PassMatrix]:
    return [matrices[number] for number in range(len(matrices))]

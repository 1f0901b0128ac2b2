"""Judging the solutions of a suite whose problems need different runtimes: a pool for each, side by side."""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Final

import numpy as np

from codedpo_plugin.collection import no_collection
from codedpo_plugin.execution import Pool, Runtime
from codedpo_plugin.execution.matrix import Workload, execute
from codedpo_plugin.execution.sandboxes import Sandbox
from codedpo_plugin.execution.screening import screen
from codedpo_plugin.records import PassMatrix, Verdict
from codedpo_plugin.suites import SuiteProblem

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """The solutions of one problem."""

    problem: SuiteProblem
    solutions: tuple[str, ...]

    @property
    def workloads(self) -> tuple[Workload, Workload]:
        """Return the programs with the suite's own tests, and with those that were added."""
        p, programs = self.problem, tuple(map(self.problem.program, self.solutions))
        parts = p.plans[: p.base], p.plans[p.base :]
        base, plus = (Workload(p.problem.problem_id, programs, plans, p.limits) for plans in parts)
        return base, plus

    @property
    def not_run(self) -> Judged:
        """Return the matrices of solutions that were not run."""
        base, plus = (_not_run(work) for work in self.workloads)
        return Judged(base, plus)


@dataclass(frozen=True, slots=True)
class Judged:
    """The matrices of an entry: the suite's own tests, and those that were added."""

    base: PassMatrix
    plus: PassMatrix


def _not_run(work: Workload) -> PassMatrix:
    shape = (len(work.programs), len(work.plans))
    return PassMatrix(work.problem_id, np.full(shape, Verdict.NOT_RUN, np.uint8), np.full(shape, -1, np.int64), ())


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


@no_collection()
def judge(entries: Sequence[Entry], engine: Engine) -> list[Judged]:
    """Return the matrices of each entry, in order; entries that cannot be run here get NOT_RUN.

    Where programs need nothing special, which is where problems have many tests, they are run up to a failure.

    Every runtime has a pool of its own. With several runtimes the workers are divided among them, and as many pools
    run at a time as there are workers for: one thread drives each. A thread for which no runtime is left helps with
    the one that has most left to do.
    """
    matrices = {i: e.not_run for i, e in enumerate(entries) if e.problem.unavailable}
    queues: dict[Runtime, deque[int]] = {}
    for number, entry in enumerate(entries):
        if number not in matrices:
            queues.setdefault(entry.problem.runtime, deque()).append(number)
    line = _Line(queues)
    if len(queues) == 1:
        matrices |= _drain(entries, line.unclaimed[0], engine, engine.size, line)
    elif queues:
        matrices |= _side_by_side(entries, engine, line)
    return [matrices[number] for number in range(len(entries))]


WORTHWHILE: Final = 64
"""Problems that have to be left for another worker to be worth starting."""


class _Line:
    """What is left to judge of each runtime, shared by the threads that judge."""

    def __init__(self, queues: Mapping[Runtime, deque[int]]) -> None:
        self.queues = queues
        # Those that import most first: what is left to the end can be shared at little cost.
        self.unclaimed = deque(sorted(queues, key=lambda runtime: -len(runtime.preload)))
        self.lock = Lock()
        self.stopped = False

    def claim(self) -> Runtime | None:
        """Return a runtime to work on: one that nobody works on yet, else one that has much left, else none."""
        with self.lock:
            if self.unclaimed:
                return self.unclaimed.popleft()
            longest = max(self.queues, key=lambda runtime: len(self.queues[runtime]))
            return longest if len(self.queues[longest]) >= WORTHWHILE else None

    def take(self, runtime: Runtime) -> Iterator[int]:
        """Yield the next entry of a runtime, until there is none or all has been stopped."""
        while not self.stopped:
            with self.lock:
                if not self.queues[runtime]:
                    return
                number = self.queues[runtime].popleft()
            yield number


def _side_by_side(entries: Sequence[Entry], engine: Engine, line: _Line) -> dict[int, Judged]:
    """Judge the entries of several runtimes; when one fails, or on an interrupt, the others take nothing more."""
    each = max(1, engine.size // len(line.queues))

    def work() -> dict[int, Judged]:
        found: dict[int, Judged] = {}
        while not line.stopped and (runtime := line.claim()) is not None:
            found |= _drain(entries, runtime, engine, each, line)
        return found

    with ThreadPoolExecutor(engine.size // each) as threads:
        running = [threads.submit(work) for _ in range(engine.size // each)]
        try:
            return {number: matrix for done in as_completed(running) for number, matrix in done.result().items()}
        finally:
            line.stopped = True


def _drain(
    entries: Sequence[Entry], runtime: Runtime, engine: Engine, workers: int, line: _Line
) -> dict[int, Judged]:
    """Judge what is left of a runtime, in a pool of its own; others may do the same."""
    taken: list[int] = []

    def workloads() -> Iterator[Workload]:
        for number in line.take(runtime):
            taken.append(number)
            yield from entries[number].workloads

    start = monotonic()
    with engine.pool(runtime, workers) as pool:
        plain = runtime == Runtime()
        matrices = list(screen(pool, workloads()) if plain else execute(pool, workloads(), record_times=True))
    if parts := ", ".join(sorted({entries[n].problem.group for n in taken} - {""})):
        log.info("%s: %d problems judged in %.1f s", parts, len(taken), monotonic() - start)
    return dict(zip(taken, map(Judged, matrices[::2], matrices[1::2]), strict=True))

"""The pool: jobs in, results out, in order; its caller never sees a process.

One thread and no locks: a generator that keeps every worker supplied, waits for whichever answers first and
hands the results out in the order of the jobs. Jobs are taken from their iterable only as results are consumed,
so that any number of them streams through in bounded memory.

What went wrong may be the fault of a busy machine. A job with a check that ran out of time, or that was under
way when two workers died, is run once more when nothing else is left to run, on a core of its own; only then its
verdict stands. As that run decides, the first check to run out of time does so before its limit.
"""

from __future__ import annotations

import os
import selectors
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from copy import copy
from dataclasses import dataclass, field
from itertools import count
from types import TracebackType
from typing import Any, Final, Generic, TypeVar

from codedpo_plugin.errors import SandboxError, UsageError
from codedpo_plugin.execution.confirmation import Unsettled, ran_out_of_time
from codedpo_plugin.execution.frames import AnyJob, crash_frame, job_frame, job_result, patience, timing_result
from codedpo_plugin.execution.interpreter import inspect_interpreter
from codedpo_plugin.execution.libraries import slow_library
from codedpo_plugin.execution.machine import physical_cores, require_memory
from codedpo_plugin.execution.requests import Check, Job, JobResult, Runtime, TimingJob, TimingResult
from codedpo_plugin.execution.sandboxes import AUTO, BUILT_IN, Sandbox, choose
from codedpo_plugin.execution.wire import SUITES_KEPT
from codedpo_plugin.execution.worker import UnableError, WorkerError, WorkerProcess, WorkerSpec, start_worker

R = TypeVar("R", JobResult, TimingResult)

IN_FLIGHT: Final = 2
"""Jobs a worker holds at a time: one running, one waiting, so that it never idles."""
IN_LINE: Final = 8
"""Jobs a worker may hold of a slow library that it has loaded, before another one loads it too."""
SLOW_KEPT: Final = 1024  # programs remembered for having run out of time: those of a problem come close together
AHEAD: Final = 512
"""Jobs per worker that may be finished before the oldest is: while a slow one runs, the others go on."""
HELD: Final = 1 << 26
"""Characters of answers held back by the oldest job; with ``AHEAD`` it bounds the memory of the parent."""
ATTEMPTS: Final = 3
"""A job during which its worker died is tried again in a fresh worker, the last time alone; then it is a crash."""


@dataclass(slots=True)
class _Task(Generic[R]):
    """A job on its way through the pool."""

    number: int
    job: AnyJob
    deaths: int = 0
    """How many workers have died with it."""
    alone: bool = False
    """Whether it has to run while nothing else does."""
    unsettled: Unsettled | None = None
    """What has come of it before, where it asks again for what was left open."""


@dataclass(slots=True)
class _State(Generic[R]):
    """What one run through the pool has in hand."""

    parse: Callable[[dict[str, Any], AnyJob], R]
    ordered: bool = True
    """Whether results are handed out in the order of their jobs."""
    matters: Callable[[int, JobResult], bool] = lambda *_: True
    """Whether the timeouts of a job make a difference."""
    waiting: deque[_Task[R]] = field(default_factory=deque)
    suspects: deque[_Task[R]] = field(default_factory=deque)
    """What is to be run again, alone."""
    finished: dict[int, R] = field(default_factory=dict)
    """Results by number of their job, until they are handed out."""
    characters: int = 0
    """Of the answers in ``finished``."""
    handed_out: int = 0

    def finish(self, number: int, result: R) -> None:
        """Keep a result until it is handed out."""
        self.finished[number] = result
        self.characters += _characters(result)

    def hand_out(self) -> Iterator[tuple[int, R]]:
        """Yield the results, with the numbers of their jobs, that may be handed out now."""
        while (number := self.handed_out if self.ordered else next(iter(self.finished), -1)) in self.finished:
            self.handed_out += 1
            result = self.finished.pop(number)
            self.characters -= _characters(result)
            yield number, result


@dataclass(slots=True)
class _Seat:
    """A worker and what it holds."""

    worker: WorkerProcess
    tasks: deque[_Task[Any]] = field(default_factory=deque)
    suites: deque[tuple[Check, ...]] = field(default_factory=lambda: deque(maxlen=SUITES_KEPT))
    libraries: set[str] = field(default_factory=set)
    """Slow libraries it was given programs of: it has loaded them."""
    since: float = 0.0


class Pool:
    """A pool of confined workers.

    ``workers`` processes run programs with ``interpreter`` (the running Python by default) under ``sandbox``
    (``auto``: the best this machine has; refused if there is none). ``preload`` names modules that every program
    finds imported already; ``runtime``, in the place of both, says more of what programs find. Use as a context
    manager. Raises SandboxError when programs cannot be confined, and while running when the machine does not let a
    worker begin with a program (no process to be had, no space), not even alone.
    """

    def __init__(
        self,
        workers: int | None = None,
        *,
        sandbox: str = AUTO,
        sandboxes: Mapping[str, Sandbox] | None = None,
        interpreter: str | None = None,
        preload: tuple[str, ...] = (),
        runtime: Runtime | None = None,
    ) -> None:
        known = {s.name: s for s in BUILT_IN} if sandboxes is None else sandboxes
        self.size = workers or len(os.sched_getaffinity(0))
        runtime = runtime or Runtime(interpreter, preload)
        self.spec = WorkerSpec(choose(sandbox, known), inspect_interpreter(runtime.interpreter), runtime)
        self._seats: list[_Seat] = []
        self._slow: dict[str, None] = {}
        """The last programs that ran out of time alone: the timeouts of their other jobs stand."""
        self._judges: Pool | None = None

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, kind: type[BaseException] | None, e: BaseException | None, t: TracebackType | None) -> None:
        self.close()

    @property
    def sandbox(self) -> str:
        """Return the name of the sandbox in use."""
        return self.spec.sandbox.name

    @property
    def judges(self) -> Pool:
        """Return a pool like this one for what no program may see: its workers never run one."""
        if self._judges is None:
            self._judges = copy(self)
            self._judges._seats = []
        return self._judges

    def close(self) -> None:
        """Stop all workers and whatever they run."""
        if self._judges is not None:
            self._judges.close()
        while self._seats:
            self._seats.pop().worker.close()

    def run(self, jobs: Iterable[Job]) -> Iterator[JobResult]:
        """Run jobs; yield one result per job, in the order of the jobs."""
        return _values(self._drive(map(_Task, count(), jobs), _State(job_result)))

    def stream(
        self, jobs: Iterable[Job | None], matters: Callable[[int, JobResult], bool]
    ) -> Iterator[tuple[int, JobResult]]:
        """Run jobs; yield the number of each job, from 0 on, with its result, as they come.

        Among the jobs None stands for "nothing at the moment": more may come when results have been looked at.
        ``matters`` says of the number of a job and its first result whether a timeout in it makes a difference; one
        that does not is not asked again.
        """
        return self._drive(_numbered(jobs), _State(job_result, ordered=False, matters=matters))

    def time(self, jobs: Iterable[TimingJob]) -> Iterator[TimingResult]:
        """Measure jobs; yield one result per job, in order. Use a pool of one worker for quiet figures."""
        return _values(self._drive(map(_Task, count(), jobs), _State(timing_result)))

    def _drive(self, source: Iterator[_Task[R] | None], state: _State[R]) -> Iterator[tuple[int, R]]:
        """Drive the workers until every job has its result."""
        try:
            while True:
                yield from state.hand_out()
                if not self._take(source, state) and self._held(state) == len(state.finished):
                    return
                self._supply(state)
                self._wait(state)
        except BaseException:
            self.close()  # jobs are under way whose results nobody will read
            raise

    def _take(self, source: Iterator[_Task[R] | None], state: _State[R]) -> bool:
        """Take in jobs, as many as may wait; results held back by a slow job are bounded. Return if any came."""
        came = False
        while len(state.waiting) < self.size and self._held(state) < AHEAD * self.size and state.characters < HELD:
            task = next(source, None)
            if task is None:
                break
            state.waiting.append(task)
            came = True
        return came

    def _under_way(self) -> int:
        """Return the number of jobs that workers have in hand."""
        return sum(len(seat.tasks) for seat in self._seats)

    def _held(self, state: _State[R]) -> int:
        """Return the number of jobs between source and consumer."""
        return len(state.waiting) + len(state.suspects) + len(state.finished) + self._under_way()

    def _supply(self, state: _State[R]) -> None:
        """Give every worker something to do; suspects come when nothing else is left, each on a core of its own."""
        alone = sum(task.alone for seat in self._seats for task in seat.tasks)
        if not alone:
            while state.waiting and self._hand_out(state.waiting[0]):
                state.waiting.popleft()
        if not state.waiting and self._under_way() == alone:
            while state.suspects and alone < min(self.size, physical_cores()):
                self._hand_out(state.suspects.popleft())
                alone += 1

    def _hand_out(self, task: _Task[R]) -> bool:
        """Give a task to a worker, started if need be; return whether one took it."""
        require_memory(task.job.limits.memory_mb)
        library = slow_library(task.job.program, self.spec.interpreter.modules)
        seat = self._seat_for(library)
        if seat is None:
            return False
        if not seat.tasks:
            seat.since = time.monotonic()
        if library:
            seat.libraries.add(library)
        seat.tasks.append(task)
        final = task.alone or task.job.program in self._slow
        seat.worker.send(job_frame(task.number, task.job, seat.suites, library, final=final))
        return True

    def _seat_for(self, library: str | None) -> _Seat | None:
        """Return the least busy worker with room, best one that has loaded a library; start one if none is idle."""
        seats = sorted(self._seats, key=lambda s: len(s.tasks))
        familiar = next((s for s in seats if library in s.libraries and len(s.tasks) < IN_LINE), None)
        if familiar:
            return familiar
        if len(seats) < self.size and (not seats or seats[0].tasks):
            self._seats.append(_Seat(start_worker(self.spec)))
            return self._seats[-1]
        return seats[0] if len(seats[0].tasks) < IN_FLIGHT else None

    def _wait(self, state: _State[R]) -> None:
        """Move bytes until something happens; collect results and replace workers that died."""
        with selectors.DefaultSelector() as selector:
            for seat in self._seats:
                selector.register(seat.worker.channel, seat.worker.interest, seat)
            selector.select(timeout=1.0)
        for seat in list(self._seats):
            try:
                seat.worker.flush()
                for frame in seat.worker.receive():
                    task = seat.tasks[0]
                    if frame["id"] != task.number:
                        raise WorkerError(f"it answered job {frame['id']} instead of {task.number}")
                    if "too_little" in frame:
                        raise UsageError(f"limit {frame['too_little']} is too little to begin a program")
                    if "unable" in frame:
                        raise UnableError(f"it could not {frame['unable']}")
                    self._settle(task, state.parse(frame, task.job), state)
                    seat.tasks.popleft()
                    seat.since = time.monotonic()
                if seat.tasks and time.monotonic() - seat.since > patience(seat.tasks[0].job):
                    raise WorkerError("it did not answer in time")
            except (WorkerError, ValueError, TypeError, KeyError, IndexError) as death:
                self._bury(seat, state, death)

    def _settle(self, task: _Task[R], result: R, state: _State[R]) -> None:
        """File the result of a task, or put the task aside to be run again, alone."""
        job, rest = task.job, None
        if isinstance(job, Job) and isinstance(result, JobResult):
            late = ran_out_of_time(result)
            if task.unsettled:
                result = task.unsettled.answered(result)
                rest = task.unsettled.rest(result)
            elif late and not task.alone and job.program not in self._slow and state.matters(task.number, result):
                rest = Unsettled(job, result)
            if late and task.alone and job.program:  # without a program, checks have nothing in common
                self._remember(job.program)
        if rest:
            state.suspects.append(_Task(task.number, rest.question(), alone=True, unsettled=rest))
        else:
            state.finish(task.number, result)

    def _remember(self, program: str) -> None:
        """Note that a program has run out of time alone."""
        self._slow[program] = None
        if len(self._slow) > SLOW_KEPT:
            del self._slow[next(iter(self._slow))]

    def _bury(self, seat: _Seat, state: _State[R], death: Exception) -> None:
        """Replace a dead worker; only the job it was running may be at fault."""
        self._seats.remove(seat)
        seat.worker.close()
        if seat.tasks:
            culprit = seat.tasks[0]
            culprit.deaths += 1
            if culprit.deaths >= ATTEMPTS - 1:
                seat.tasks.popleft()
                if culprit.deaths == ATTEMPTS and isinstance(death, UnableError):
                    raise SandboxError(
                        f"a worker of sandbox {self.sandbox!r} cannot run programs: {death}"
                    ) from death
                if culprit.deaths == ATTEMPTS:
                    state.finish(culprit.number, state.parse(crash_frame(culprit.job, str(death)), culprit.job))
                else:
                    culprit.alone = True
                    state.suspects.append(culprit)
        state.waiting.extendleft(reversed(seat.tasks))


def _characters(result: JobResult | TimingResult) -> int:
    """Return how much text a result holds."""
    return sum(len(answer.payload) for answer in result.answers) if isinstance(result, JobResult) else 0


def _numbered(jobs: Iterable[Job | None]) -> Iterator[_Task[JobResult] | None]:
    """Yield the tasks of jobs, and None where nothing is to be had at the moment."""
    numbers = count()
    for job in jobs:
        yield None if job is None else _Task(next(numbers), job)


def _values(pairs: Iterator[tuple[int, R]]) -> Iterator[R]:
    """Yield results without their numbers."""
    with closing(pairs):  # type: ignore[type-var]  # a generator has a close
        for _, result in pairs:
            yield result


def require_confinement(sandbox: str, sandboxes: Mapping[str, Sandbox]) -> str:
    """Return the name of the sandbox that would be used, before anything is generated or run.

    Raises SandboxError when there is none.
    """
    return choose(sandbox, sandboxes).name

"""The pool: jobs in, results out, in order; its caller never sees a process.

One thread and no locks: a generator that keeps every worker supplied, waits for whichever answers first and
hands the results out in the order of the jobs. Jobs are taken from their iterable only as results are consumed,
so that any number of them streams through in bounded memory.
"""

from __future__ import annotations

import os
import selectors
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field
from itertools import count
from math import isfinite
from types import TracebackType
from typing import Any, Final, Generic, TypeVar

from codedpo_plugin.execution.interpreter import inspect_interpreter
from codedpo_plugin.execution.requests import (
    MEBIBYTE,
    Answer,
    Check,
    Ending,
    Job,
    JobResult,
    Limits,
    Mode,
    Runtime,
    TimingJob,
    TimingResult,
)
from codedpo_plugin.execution.sandboxes import AUTO, BUILT_IN, Sandbox, choose
from codedpo_plugin.execution.worker import WorkerError, WorkerProcess, WorkerSpec

AnyJob = Job | TimingJob
R = TypeVar("R", JobResult, TimingResult)

IN_FLIGHT: Final = 2
"""Jobs a worker holds at a time: one running, one waiting, so that it never idles."""
AHEAD: Final = 64
"""Jobs per worker that may be finished before the oldest is; bounds the memory of the parent."""
ATTEMPTS: Final = 2
"""A job during which its worker died is tried once more, in a fresh worker, before it is called a crash."""


@dataclass(slots=True)
class _Task:
    """A job on its way through the pool."""

    number: int
    job: AnyJob
    attempts: int = 0


@dataclass(slots=True)
class _State(Generic[R]):
    """What one run through the pool has in hand."""

    parse: Callable[[dict[str, Any], AnyJob], R]
    waiting: deque[_Task] = field(default_factory=deque)
    finished: dict[int, R] = field(default_factory=dict)
    """Results by number of their job, until those before them have been handed out."""


@dataclass(slots=True)
class _Seat:
    """A worker and what it holds."""

    worker: WorkerProcess
    tasks: deque[_Task] = field(default_factory=deque)
    suites: deque[tuple[Check, ...]] = field(default_factory=lambda: deque(maxlen=4))
    since: float = 0.0


class Pool:
    """A pool of confined workers.

    ``workers`` processes run programs with ``interpreter`` (the running Python by default) under ``sandbox``
    (``auto``: the best this machine has; refused if there is none). ``preload`` names modules that every program
    finds imported already; ``runtime``, in the place of both, says more of what programs find. Use as a context
    manager. Raises SandboxError when programs cannot be confined.
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
        return self._drive(jobs, _job_result)

    def time(self, jobs: Iterable[TimingJob]) -> Iterator[TimingResult]:
        """Measure jobs; yield one result per job, in order. Use a pool of one worker for quiet figures."""
        return self._drive(jobs, _timing_result)

    def _drive(self, jobs: Iterable[AnyJob], parse: Callable[[dict[str, Any], AnyJob], R]) -> Iterator[R]:
        """Drive the workers until every job has its result."""
        state = _State(parse)
        source = (_Task(number, job) for number, job in enumerate(jobs))
        try:
            for next_out in count():
                while next_out not in state.finished:
                    if not self._take(source, state) and not self._busy(state):
                        return
                    self._supply(state.waiting)
                    self._wait(state)
                yield state.finished.pop(next_out)
        except BaseException:
            self.close()  # jobs are under way whose results nobody will read
            raise

    def _busy(self, state: _State[R]) -> bool:
        """Return whether a job is waiting or under way."""
        return bool(state.waiting) or any(seat.tasks for seat in self._seats)

    def _take(self, source: Iterator[_Task], state: _State[R]) -> bool:
        """Take in jobs, as many as may wait; results held back by a slow job are bounded. Return if any came."""
        came = False
        while len(state.waiting) < self.size and self._held(state) < AHEAD * self.size:
            task = next(source, None)
            if task is None:
                break
            state.waiting.append(task)
            came = True
        return came

    def _held(self, state: _State[R]) -> int:
        """Return the number of jobs between source and consumer."""
        return len(state.waiting) + len(state.finished) + sum(len(seat.tasks) for seat in self._seats)

    def _supply(self, waiting: deque[_Task]) -> None:
        """Give every worker something to do, starting workers as they are needed."""
        while waiting:
            seat = min(self._seats, key=lambda s: len(s.tasks), default=None)
            if (seat is None or seat.tasks) and len(self._seats) < self.size:
                seat = _Seat(WorkerProcess(self.spec))
                self._seats.append(seat)
            if seat is None or len(seat.tasks) >= IN_FLIGHT:
                return
            task = waiting.popleft()
            if not seat.tasks:
                seat.since = time.monotonic()
            seat.tasks.append(task)
            seat.worker.send(_frame(task, seat.suites))

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
                    state.finished[task.number] = state.parse(frame, task.job)
                    seat.tasks.popleft()
                    seat.since = time.monotonic()
                if seat.tasks and time.monotonic() - seat.since > _patience(seat.tasks[0].job):
                    raise WorkerError("it did not answer in time")
            except (WorkerError, ValueError, TypeError, KeyError, IndexError) as death:
                self._bury(seat, state, death)

    def _bury(self, seat: _Seat, state: _State[R], death: Exception) -> None:
        """Replace a dead worker; only the job it was running may be at fault."""
        self._seats.remove(seat)
        seat.worker.close()
        if seat.tasks:
            culprit = seat.tasks[0]
            culprit.attempts += 1
            if culprit.attempts >= ATTEMPTS:
                state.finished[culprit.number] = state.parse(_crash(culprit.job, str(death)), culprit.job)
                seat.tasks.popleft()
        state.waiting.extendleft(reversed(seat.tasks))


def _frame(task: _Task, suites: deque[tuple[Check, ...]]) -> dict[str, Any]:
    """Return the frame that asks for a job; checks travel only when the worker does not hold them."""
    job, limits = task.job, task.job.limits
    frame: dict[str, Any] = {
        "id": task.number,
        "do": "run",
        "program": job.program,
        "suite": str(hash(job.checks)),
        "limits": {
            "cpu_s": limits.cpu_s,
            "wall_s": limits.wall_s,
            "memory_bytes": limits.memory_mb * MEBIBYTE,
            "answer_bytes": limits.answer_mb * MEBIBYTE,
            "max_timeouts": limits.max_timeouts,
        },
    }
    if job.checks not in suites:
        suites.append(job.checks)
        frame["checks"] = [(check.mode.value, check.source) for check in job.checks]
    if isinstance(job, TimingJob):
        frame |= {"do": "time", "min_pass_ns": job.min_pass_ns, "passes": job.passes}
    return frame


def _job_result(frame: dict[str, Any], job: AnyJob) -> JobResult:
    """Return the answers in a worker's frame. Raises ValueError or alike if it does not answer every check."""
    if len(frame["answers"]) != len(job.checks):
        raise ValueError("it left checks unanswered")
    return JobResult(tuple(map(_answer, job.checks, frame["answers"])))


def _answer(check: Check, line: list[Any]) -> Answer:
    """Return one answer. One that its kind of check cannot give was forged by the program, and is a crash."""
    ending, cpu_ns, payload = line
    answer = Answer(Ending(ending), int(cpu_ns), str(payload))
    impossible = (Ending.HELD, Ending.BROKEN) if check.mode is Mode.VALUE else (Ending.VALUE,)
    return Answer(Ending.CRASH, payload="it sent a forged answer") if answer.ending in impossible else answer


def _timing_result(frame: dict[str, Any], _: AnyJob) -> TimingResult:
    """Return the figures in a worker's frame."""
    try:
        figures = tuple(map(float, frame["figures"]))
    except ValueError:
        figures = (0.0,)
    if not all(isfinite(figure) and figure > 0 for figure in figures):
        return TimingResult((), "it sent forged figures")
    return TimingResult(figures, str(frame["problem"]))


def _crash(job: AnyJob, why: str) -> dict[str, Any]:
    """Return the frame of a job that has brought down its worker twice."""
    answers = [[Ending.CRASH, -1, f"the worker died with it: {why}"]] * len(job.checks)
    return {"answers": answers, "figures": [], "problem": f"crash: {why}"}


def _patience(job: AnyJob) -> float:
    """Return how long a worker may take over a job before it counts as hung: far longer than its limits allow."""
    limits: Limits = job.limits
    tests = min(len(job.checks), limits.max_timeouts) + 1
    passes = job.passes + 40 if isinstance(job, TimingJob) else 1
    return 30.0 + 3 * tests * passes * max(limits.wall_s, 2 * limits.cpu_s) + 0.1 * len(job.checks)


def require_confinement(sandbox: str, sandboxes: Mapping[str, Sandbox]) -> str:
    """Return the name of the sandbox that would be used, before anything is generated or run.

    Raises SandboxError when there is none.
    """
    return choose(sandbox, sandboxes).name

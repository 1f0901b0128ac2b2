"""Jobs as the frames that a worker is sent, and the frames that it answers with as results."""

from __future__ import annotations

from collections import deque
from math import isfinite
from typing import Any, Final

from codedpo_plugin.execution.machine import load
from codedpo_plugin.execution.requests import (
    MEBIBYTE,
    Answer,
    Check,
    Ending,
    Job,
    JobResult,
    Mode,
    TimingJob,
    TimingResult,
)

AnyJob = Job | TimingJob

CROWDED: Final = 0.2
"""Share of its CPU time after which a program's check is put off while others run, to be asked again alone."""


def job_frame(
    number: int, job: AnyJob, suites: deque[tuple[Check, ...]], library: str | None, *, final: bool
) -> dict[str, Any]:
    """Return the frame that asks for a job; checks travel only when the worker does not hold them.

    ``final``: a check that runs out of time will not be asked again.
    """
    limits = job.limits
    frame: dict[str, Any] = {
        "id": number,
        "do": "run",
        "program": job.program,
        "suite": str(hash(job.checks)),
        "limits": {
            "cpu_s": limits.cpu_s,
            "first_cpu_s": limits.cpu_s * (1.0 if final else CROWDED),
            "wall_s": limits.backstop_s * load(),
            "memory_bytes": limits.memory_mb * MEBIBYTE,
            "answer_bytes": limits.answer_mb * MEBIBYTE,
            "max_timeouts": limits.max_timeouts,
        },
        "library": library,
    }
    if job.checks not in suites:
        suites.append(job.checks)
        frame["checks"] = [(check.mode.value, check.source) for check in job.checks]
    if isinstance(job, TimingJob):
        frame |= {"do": "time", "min_pass_ns": job.min_pass_ns, "passes": job.passes}
    return frame


def job_result(frame: dict[str, Any], job: AnyJob) -> JobResult:
    """Return the answers in a worker's frame. Raises ValueError or alike if it does not answer every check."""
    if len(frame["answers"]) != len(job.checks):
        raise ValueError("it left checks unanswered")
    return JobResult(tuple(map(_answer, job.checks, frame["answers"])))


def _answer(check: Check, line: list[Any]) -> Answer:
    """Return one answer. One that its kind of check cannot give was forged by the program, and is a crash."""
    ending, cpu_ns, payload = line
    answer = Answer(Ending(ending), int(cpu_ns), str(payload))
    impossible = (Ending.VALUE,) if check.mode is Mode.INSIDE else (Ending.HELD, Ending.BROKEN)
    return Answer(Ending.CRASH, payload="it sent a forged answer") if answer.ending in impossible else answer


def timing_result(frame: dict[str, Any], _: AnyJob) -> TimingResult:
    """Return the figures in a worker's frame."""
    try:
        figures = tuple(map(float, frame["figures"]))
    except ValueError:
        figures = (0.0,)
    if not all(isfinite(figure) and figure > 0 for figure in figures):
        return TimingResult((), "it sent forged figures")
    return TimingResult(figures, str(frame["problem"]))


def crash_frame(job: AnyJob, why: str) -> dict[str, Any]:
    """Return the frame of a job that has brought down its worker every time."""
    answers = [[Ending.CRASH, -1, f"the worker died with it: {why}"]] * len(job.checks)
    return {"answers": answers, "figures": [], "problem": f"crash: {why}"}


def patience(job: AnyJob) -> float:
    """Return how long a worker may take over a job before it counts as hung: far longer than its limits allow."""
    limits = job.limits
    tests = min(len(job.checks), limits.max_timeouts) + 1
    passes = job.passes + 40 if isinstance(job, TimingJob) else 1
    return load() * (30.0 + 3 * tests * passes * max(limits.backstop_s, 2 * limits.cpu_s) + 0.1 * len(job.checks))

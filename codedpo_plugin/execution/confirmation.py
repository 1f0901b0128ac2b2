"""What a job has left open because it ran out of time, to be asked again when nothing else runs.

A limit counts CPU time, but a machine whose cores are shared makes every CPU second do less. So no verdict rests on
a check that ran out of time among others.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, TypeVar

from codedpo_plugin.execution.requests import Answer, Ending, Job, JobResult, TimingResult

R = TypeVar("R", JobResult, TimingResult)

OPEN: Final = frozenset({Ending.TIMEOUT, Ending.NOT_RUN})


def ran_out_of_time(result: JobResult) -> bool:
    """Return whether a check did."""
    return any(answer.ending is Ending.TIMEOUT for answer in result.answers)


def open_checks(job: Job, result: JobResult) -> Job:
    """Return a job of the checks a result has left open.

    It ends with the first check that runs out of time again: a program that does so alone has been slow by itself,
    and its other timeouts stand.
    """
    checks = tuple(c for c, answer in zip(job.checks, result.answers, strict=True) if answer.ending in OPEN)
    return Job(job.program, checks, replace(job.limits, max_timeouts=1))


def confirmed(first: R | None, second: R) -> R:
    """Return a first result, if there is one, with what it had left open as a second one has it."""
    if not isinstance(first, JobResult) or not isinstance(second, JobResult):
        return second
    again = iter(second.answers)
    return replace(first, answers=tuple(_later(a, next(again)) if a.ending in OPEN else a for a in first.answers))


def _later(first: Answer, second: Answer) -> Answer:
    return first if second.ending is Ending.NOT_RUN else second

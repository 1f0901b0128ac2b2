"""What a job has left open because it ran out of time, to be asked again when nothing else runs.

A limit counts CPU time, but a machine whose cores are shared makes every CPU second do less. So no verdict rests on
a check that ran out of time among others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from codedpo_plugin.execution.requests import Answer, Ending, Job, JobResult

OPEN: Final = frozenset({Ending.TIMEOUT, Ending.NOT_RUN})


def ran_out_of_time(result: JobResult) -> bool:
    """Return whether a check did."""
    return any(answer.ending is Ending.TIMEOUT for answer in result.answers)


@dataclass(frozen=True, slots=True)
class Unsettled:
    """What has come of a job, and the endings of the checks that are to be asked again."""

    job: Job
    result: JobResult
    again: frozenset[Ending] = OPEN

    def question(self) -> Job:
        """Return the job of the checks to be asked again.

        It ends with the first that runs out of time again: a program that does so alone has been slow by itself,
        and its other timeouts stand. Checks without a program have nothing to do with each other: all are asked.
        """
        answers = zip(self.job.checks, self.result.answers, strict=True)
        checks = tuple(check for check, answer in answers if answer.ending in self.again)
        limits = self.job.limits
        return Job(self.job.program, checks, replace(limits, max_timeouts=1) if self.job.program else limits)

    def answered(self, second: JobResult) -> JobResult:
        """Return the result, with what was asked again as the answer has it."""
        later = iter(second.answers)
        answers = tuple(_later(a, next(later)) if a.ending in self.again else a for a in self.result.answers)
        return JobResult(answers)

    def rest(self, result: JobResult) -> Unsettled | None:
        """Return what is to be asked next, when this has been answered; None when the result is final.

        A check that was put off, and passes, has used up one of the timeouts a program may have: those that were
        not run for it still have to be.
        """
        endings = [answer.ending for answer in result.answers]
        over = endings.count(Ending.TIMEOUT) >= self.job.limits.max_timeouts
        if over or Ending.NOT_RUN not in endings:
            return None
        return Unsettled(self.job, result, frozenset({Ending.NOT_RUN}))


def _later(first: Answer, second: Answer) -> Answer:
    return first if second.ending is Ending.NOT_RUN else second

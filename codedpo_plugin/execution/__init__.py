"""The execution engine: run untrusted programs, confined, and get verdicts that they cannot forge.

Usable on its own::

    from codedpo_plugin.execution import Check, Job, Pool

    with Pool(workers=2) as pool:
        job = Job(program="def f(x): return x * x", checks=(Check("f(3)"), Check("f('a')")))
        for result in pool.run([job]):
            print([answer.ending for answer in result.answers])   # value, raised
"""

from codedpo_plugin.execution.pool import Pool, require_confinement
from codedpo_plugin.execution.requests import (
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

__all__ = [
    "Answer",
    "Check",
    "Ending",
    "Job",
    "JobResult",
    "Limits",
    "Mode",
    "Pool",
    "Runtime",
    "TimingJob",
    "TimingResult",
    "require_confinement",
]

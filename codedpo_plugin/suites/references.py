"""What reference solutions answer, computed once in the engine and kept in the user's cache folder.

A file of the cache is JSON, named after a digest of the programs, the calls and the limits: whatever changes is
computed anew, and so is a file that cannot be read. Of a long answer only a digest is kept, which is enough to know
an equal one; the rare answer that is not equal has the reference asked again.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from codedpo_plugin.errors import EvaluationError, InputError
from codedpo_plugin.execution import Answer, Check, Ending, Job, Limits, Pool
from codedpo_plugin.execution.wire import decode
from codedpo_plugin.formats.files import atomic_write, cache_folder

log = logging.getLogger(__name__)

FORMAT: Final = 2
"""Of the files; part of their name."""
LONG: Final = 1 << 16
"""Characters from which an encoded answer is kept as a digest."""
UNEQUAL_TO_ITSELF: Final = re.compile('NaN|"object"|"array"')
"""What an encoded value contains if it may be unequal to a value encoded alike."""


@dataclass(frozen=True, slots=True)
class Reference:
    """One answer of a reference solution."""

    job: Job
    number: int
    """Of the check among the job's."""
    ending: Ending
    cpu_s: float
    kept: str
    """If ``ending`` is ``value``: the encoded value (:mod:`codedpo_plugin.execution.wire`), or its digest."""

    @property
    def is_long(self) -> bool:
        """Return whether only a digest of the value was kept."""
        return self.kept.startswith("sha256:")

    @property
    def value(self) -> Any:
        """Return the value. Asks the reference again where only a digest was kept."""
        if not self.is_long:
            return decode(self.kept)
        return decode(_ask_again(self.job.program, self.job.checks[self.number], self.job.limits))

    def has_encoding(self, payload: str) -> bool:
        """Return whether an encoded value is surely equal to the answer: encoded alike, and equal to itself."""
        return _keep(payload) == self.kept and not UNEQUAL_TO_ITSELF.search(payload)


def _keep(payload: str) -> str:
    """Return what is kept of an encoded value."""
    return payload if len(payload) < LONG else f"sha256:{hashlib.sha256(payload.encode()).hexdigest()}"


@lru_cache(maxsize=8)
def _ask_again(program: str, check: Check, limits: Limits) -> str:
    """Return the encoded answer of a reference solution to one check."""
    with Pool(1) as pool:
        (result,) = pool.run([Job(program, (check,), limits)])
    (answer,) = result.answers
    if answer.ending is not Ending.VALUE:
        raise EvaluationError(
            f"{check.source[:80]}: the reference solution, asked again, ends with {answer.ending}"
        )
    return answer.payload


Row = list[tuple[Ending, float, str]]
"""Ending, CPU seconds and what is kept, of each check of a job."""


def reference_answers(name: str, jobs: Sequence[Job]) -> list[list[Reference]]:
    """Return the answers to every check of every job, from the cache if they were computed before."""
    path = cache_folder() / f"{name}-{_digest(jobs)}.json.gz"
    rows = _read(path, jobs)
    if rows is None:
        log.info("%s: running %d reference solutions, once; kept in %s", name, len(jobs), path)
        rows = _compute(jobs)
        with suppress(InputError):  # a cache that cannot be written to costs time only
            _write(path, rows)
    return [
        [Reference(job, number, ending, cpu_s, kept) for number, (ending, cpu_s, kept) in enumerate(row)]
        for job, row in zip(jobs, rows, strict=True)
    ]


def _compute(jobs: Sequence[Job]) -> list[Row]:
    with Pool() as pool:
        return [[_entry(answer) for answer in result.answers] for result in pool.run(jobs)]


def _entry(answer: Answer) -> tuple[Ending, float, str]:
    kept = _keep(answer.payload) if answer.ending is Ending.VALUE else ""
    return answer.ending, max(answer.cpu_ns, 0) / 1e9, kept


def _digest(jobs: Sequence[Job]) -> str:
    """Return what identifies jobs and the Python that runs them."""
    digest = hashlib.sha256(f"{FORMAT} {sys.version_info[:2]}".encode())
    for job in jobs:
        digest.update(json.dumps([job.program, [c.source for c in job.checks], asdict(job.limits)]).encode())
    return digest.hexdigest()[:16]


def _read(path: Path, jobs: Sequence[Job]) -> list[Row] | None:
    """Return what a file of the cache holds; None if there is none, or none that fits."""
    try:
        rows = json.loads(gzip.decompress(path.read_bytes()))
        kept = [[(Ending(e), float(s), str(p)) for e, s, p in row] for row in rows]
    except (OSError, EOFError, ValueError, TypeError):
        return None
    return kept if [len(row) for row in kept] == [len(job.checks) for job in jobs] else None


def _write(path: Path, rows: Sequence[Row]) -> None:
    with atomic_write(path) as handle:
        handle.write(gzip.compress(json.dumps(rows).encode(), compresslevel=1, mtime=0))

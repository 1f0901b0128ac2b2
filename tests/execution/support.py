"""What the tests of the engine share: small limits, short ways to run things, and a view of the processes."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from codedpo_plugin.execution import Answer, Check, Job, Limits, Pool
from codedpo_plugin.execution.matrix import Workload, execute
from codedpo_plugin.execution.sandboxes import BUILT_IN, Launch, Sandbox, WorkerPlan
from codedpo_plugin.records import Candidates, PassMatrix, Verdict

LIMITS = Limits(cpu_s=0.3, memory_mb=256, answer_mb=4)

FORGE = '''
import os

def forge(text):
    """Write text to whatever is open besides the standard streams."""
    for fd in range(3, 64):
        try:
            os.write(fd, text.encode())
        except OSError:
            pass
'''

LIVING = set("RSDTtW")
PATIENCE_S = 20.0


def job(program: str, *checks: str | Check, limits: Limits = LIMITS) -> Job:
    """Return a job; checks given as text are evaluated for their value."""
    return Job(program, tuple(Check(c) if isinstance(c, str) else c for c in checks), limits)


def ask(pool: Pool, program: str, *checks: str | Check, limits: Limits = LIMITS) -> tuple[Answer, ...]:
    """Run one program and return its answers."""
    (result,) = pool.run([job(program, *checks, limits=limits)])
    return result.answers


def endings(answers: tuple[Answer, ...]) -> list[str]:
    """Return how the checks ended."""
    return [answer.ending.value for answer in answers]


def workload(
    programs: list[str], tests: list[str], entry_point: str | None = "f", limits: Limits = LIMITS
) -> Workload:
    """Return the workload of a problem."""
    return Workload.of(Candidates("problem", "", entry_point, tuple(programs), tuple(tests)), limits)


def matrix(pool: Pool, programs: list[str], tests: list[str], entry_point: str | None = "f") -> PassMatrix:
    """Run programs against tests."""
    (result,) = execute(pool, [workload(programs, tests, entry_point)])
    return result


def names(result: PassMatrix) -> list[list[str]]:
    """Return the verdicts of a matrix by name."""
    return [[Verdict(cell).name for cell in row] for row in result.verdicts]


def built_in(name: str) -> Sandbox:
    """Return a sandbox that comes with the engine."""
    return {sandbox.name: sandbox for sandbox in BUILT_IN}[name]


def leave_out(sandbox: str, reason: str) -> NoReturn:
    """Skip a test for want of a sandbox; an error where ``CODEDPO_REQUIRE_BACKENDS`` names it, as CI does."""
    if sandbox in os.environ.get("CODEDPO_REQUIRE_BACKENDS", "").split(","):
        pytest.fail(f"{sandbox} is required here: {reason}")
    pytest.skip(f"{sandbox}: {reason}")


class FakeSandbox:
    """Says that it is unavailable, or starts a command of the test's choice instead of a worker."""

    def __init__(self, name: str, reason: str | None = None, command: tuple[str, ...] = ()) -> None:
        self.name, self.reason, self.command = name, reason, command

    def unavailable(self) -> str | None:
        return self.reason

    @contextmanager
    def launch(self, plan: WorkerPlan) -> Iterator[Launch]:
        yield Launch((*self.command, plan.command[-1]))


def processes() -> dict[int, tuple[str, int]]:
    """Return state and parent of every process there is."""
    table = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            except (FileNotFoundError, ProcessLookupError):
                continue
            table[int(entry.name)] = (state, int(parent))
    return table


def descendants(pid: int) -> set[int]:
    """Return the living processes that come from one."""
    table = processes()
    found = {pid}
    while more := {child for child, (_, parent) in table.items() if parent in found} - found:
        found |= more
    return {child for child in found - {pid} if table[child][0] in LIVING}


def all_end(pids: set[int]) -> bool:
    """Wait until none of some processes lives; return False if they will not end."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        table = processes()
        if not any(table.get(pid, ("Z", 0))[0] in LIVING for pid in pids):
            return True
        time.sleep(0.005)
    return False


def worker_processes(pool: Pool) -> set[int]:
    """Return every process that a pool has started."""
    roots = {seat.worker.process.pid for seat in pool._seats}
    return roots.union(*(descendants(pid) for pid in roots))

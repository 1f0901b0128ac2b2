"""Watching one program's process from outside of it: its limits, its end, and the bytes it sends.

Part of the worker (:mod:`child`), loaded beside it: standard library only. What a program's process sends is bytes
on a pipe; they are cut into lines here and passed on without looking inside.
"""

from __future__ import annotations

import os
import select
import signal
import time
from contextlib import suppress
from typing import Any, NamedTuple

Limits = dict[str, Any]
AnswerLine = list[Any]  # ending, CPU nanoseconds, payload

TICK_MS = 20
ENDINGS = frozenset({"value", "held", "broken", "raised", "forbidden", "memory"})


class Ended(NamedTuple):
    """A program's process that has ended."""

    data: bytearray
    """What it sent."""
    status: int
    """As :func:`os.waitpid` has it."""
    reason: str | None
    """Why it was killed, if it was."""
    cpu_ns: int
    """What it used, by the kernel's account."""

    @property
    def cause(self) -> str:
        """Return the ending of the check that was running when it ended without an answer."""
        if self.reason:
            return self.reason
        if os.WIFSIGNALED(self.status):
            number = signal.Signals(os.WTERMSIG(self.status))
            return {signal.SIGKILL: "memory", signal.SIGSYS: "forbidden"}.get(number, "crash")
        return "crash"


class Watch:
    """The lines one program's process has sent, and what it has used."""

    def __init__(self, pid: int, fd: int, limits: Limits, most: int) -> None:
        self.pid, self.fd, self.limits, self.most = pid, fd, limits, most
        self.clock = (~pid << 3) | 2  # the kernel's id of that process's CPU clock, see clock_getcpuclockid(3)
        self.data = bytearray()
        self.lines = 0
        self.cpu_mark, self.wall_mark = -1.0, 0.0

    def drain(self) -> None:
        """Read what is in the pipe without waiting."""
        before = len(self.data)
        while True:
            try:
                chunk = os.read(self.fd, 1 << 16)
            except BlockingIOError:
                break
            if not chunk:
                break
            self.data += chunk
            if len(self.data) > self.limits["answer_bytes"]:
                return
        self.lines += self.data.count(b"\n", before)

    def overrun(self, seen: int) -> str | None:
        """Return why the process has to be stopped now, or None. ``seen``: lines at the last look."""
        if len(self.data) > self.limits["answer_bytes"] or self.lines > self.most:
            return "crash"
        try:
            cpu = time.clock_gettime(self.clock)
        except OSError:
            return None
        now = time.monotonic()
        if self.cpu_mark < 0 or self.lines != seen:
            self.cpu_mark, self.wall_mark = cpu, now
        if cpu - self.cpu_mark > self.limits["cpu_s"] or now - self.wall_mark > self.limits["wall_s"]:
            return "timeout"
        return None

    def wait(self) -> Ended:
        """Wait until the process ends or overruns a limit."""
        poll = select.poll()
        poll.register(self.fd, 0)  # wakes at hang-up only: the lines of a short program cost no wake-up
        reason = None
        seen = -1
        while not poll.poll(TICK_MS):
            self.drain()
            reason = self.overrun(seen)
            seen = self.lines
            if reason:
                break
        self.drain()
        return self.reap(reason)

    def reap(self, reason: str | None) -> Ended:
        """Collect the process; one that hung up its pipe but lives on gets a tick, then is killed."""
        if reason is None:
            for _ in range(TICK_MS):
                pid, status, used = os.wait4(self.pid, os.WNOHANG)
                if pid:
                    return self.ended(status, None, used)
                time.sleep(0.001)
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        _, status, used = os.wait4(self.pid, 0)
        return self.ended(status, reason or "crash", used)

    def ended(self, status: int, reason: str | None, used: Any) -> Ended:
        """Return what became of the process. ``used``: the kernel's account of it."""
        return Ended(self.data, status, reason, round((used.ru_utime + used.ru_stime) * 1e9))


def in_time(line: AnswerLine, cpu_s: float) -> AnswerLine:
    """Return an answer, or a timeout where it took longer than ``cpu_s`` by the account that it holds.

    Between two looks at the clock a check can end that has just run out of time.
    """
    return ["timeout", line[1], ""] if line[1] > cpu_s * 1e9 else line


def parse_lines(data: bytearray) -> list[AnswerLine]:
    """Cut a process's bytes into [ending, cpu_ns, payload] lists, up to the first that is not of that form."""
    answers = []
    for raw in bytes(data).split(b"\n")[:-1]:
        ending, _, rest = raw.decode("ascii", "replace").partition(" ")
        cpu, _, payload = rest.partition(" ")
        if ending not in ENDINGS or not cpu.isdigit() or len(cpu) > 18:
            break
        answers.append([ending, int(cpu), payload])
    return answers

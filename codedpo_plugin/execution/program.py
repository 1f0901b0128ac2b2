"""What runs in the process of one program: nothing here is to be trusted once the program has started.

Part of the worker (:mod:`child`), loaded beside it: standard library only. Outcomes go to the supervisor as lines
on a pipe; see :class:`Reporter`.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
import types
from types import CodeType
from typing import Any

from wire import to_wire  # type: ignore[import-not-found,unused-ignore]  # beside this file

Checks = list[tuple[str, "CodeType | str"]]  # mode, and the code or why it does not compile; or what is read


def compile_check(mode: str, source: str) -> tuple[str, CodeType | str]:
    """Return (mode, code object), with a message in the place of code that does not compile."""
    if mode == "output":
        return mode, source
    try:
        return mode, compile(source, "<test>", "exec" if mode == "inside" else "eval", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return mode, f"{type(error).__name__}: {error}"


def describe(error: BaseException) -> str:
    """Return a short description of an exception whose ``__str__`` may be hostile."""
    try:
        return json.dumps(f"{type(error).__name__}: {error}"[:300])
    except BaseException:
        return json.dumps(type(error).__name__[:300])


def ending_of(error: BaseException) -> str:
    """Return how a check ended that raised ``error``."""
    if isinstance(error, MemoryError):
        return "memory"
    return "forbidden" if isinstance(error, PermissionError) else "raised"


class Reporter:
    """Writes one line for every finished check. Holds its own references to what it calls."""

    def __init__(self, fd: int) -> None:
        self.fd, self.write, self.clock = fd, os.write, time.process_time_ns
        self.start = self.clock()

    def send(self, ending: str, payload: str, now: int) -> None:
        """Report a check that ended at CPU time ``now``; the next check starts when this returns."""
        line = memoryview(f"{ending} {now - self.start} {payload}\n".encode("ascii", "replace"))
        while line:
            line = line[self.write(self.fd, line) :]
        self.start = self.clock()


def load_program(source: str) -> dict[str, Any]:
    """Run the module body of a program in a fresh module and return its namespace."""
    module = types.ModuleType("solution")
    sys.modules["solution"] = module
    exec(compile(source, "<solution>", "exec", dont_inherit=True), module.__dict__)
    return module.__dict__


def run_program(source: str, checks: Checks, first: int, fd: int) -> None:
    """Load a program, then run its checks from ``first`` on, one line each. The load is a line of its own."""
    report = Reporter(fd)
    evaluate, dumps, clock = eval, json.dumps, time.process_time_ns
    try:
        namespace = load_program(source)
    except BaseException as error:
        report.send(ending_of(error), describe(error), clock())
        return
    report.send("value", "null", clock())
    for mode, code in checks[first:]:
        inside = mode == "inside"
        try:
            if isinstance(code, str):
                raise SyntaxError(code)
            value = evaluate(code, namespace)
            now = clock()
            report.send("held", "", now) if inside else report.send("value", dumps(to_wire(value)), now)
        except BaseException as error:
            broken = inside and isinstance(error, AssertionError)
            report.send("broken" if broken else ending_of(error), describe(error), clock())


def run_script(source: str, stdin: int, stdout: int, fd: int) -> None:
    """Run a program as a script that reads and prints; report a line only when it fails."""
    report = Reporter(fd)
    os.dup2(stdin, 0)
    os.dup2(stdout, 1)
    sys.stdin, sys.stdout = open(0, encoding="utf-8"), open(1, "w", encoding="utf-8")  # noqa: SIM115 - open to the end
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    try:
        try:
            exec(compile(source, "<solution>", "exec", dont_inherit=True), module.__dict__)
        except SystemExit as end:
            if end.code not in (None, 0):
                raise
        sys.stdout.flush()
    except BaseException as error:
        report.send(ending_of(error), describe(error), time.process_time_ns())


def time_program(source: str, checks: Checks, min_pass_ns: int, passes: int, fd: int) -> None:
    """Load a program and report ``passes`` runs through all checks, garbage collection off.

    The checks are looped over until one pass takes ``min_pass_ns``; reported is the time of one loop.
    """
    report, clock, evaluate = Reporter(fd), time.process_time_ns, eval
    loops = 1

    def one_pass() -> int:
        start = clock()
        for _ in range(loops):
            for _, code in checks:
                evaluate(code, namespace)
        return clock() - start

    try:
        namespace = load_program(source)
        gc.disable()
        one_pass()
        while (elapsed := one_pass()) < min_pass_ns and loops < 1 << 20:
            loops = max(loops * 2, int(loops * 1.2 * min_pass_ns / max(elapsed, 1)))
        for _ in range(passes):
            report.send("value", repr(one_pass() / loops), clock())
    except BaseException as error:
        report.send(ending_of(error), describe(error), clock())

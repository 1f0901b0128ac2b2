"""The confined side of the engine: one worker, which forks one process for every program.

Started by :mod:`codedpo_plugin.execution.worker` as ``python -s -S child.py FD``, already inside the sandbox.
Standard library only (and ``wire.py`` beside it), and as few modules as it can do with: every page of this
process is mapped into every fork.

Three parts, top to bottom: what runs in the *program's* process (untrusted as soon as the program starts), the
*supervisor* that watches one such process, and the worker's *loop*. What a program's process sends is bytes on
a pipe: the supervisor cuts them into lines and passes them on without looking inside.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import random
import resource
import select
import signal
import struct
import sys
import time
import types
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import CodeType
from typing import Any

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [HERE, *(entry for entry in sys.path if entry != HERE)]
from scratch import empty_folder  # type: ignore[import-not-found,unused-ignore]  # noqa: E402 - beside this file
from wire import read_frame, to_wire, write_frame  # type: ignore[import-not-found,unused-ignore]  # noqa: E402 - beside this file

del sys.path[0]  # programs import from the interpreter's own folders only

Checks = list[tuple[bool, "CodeType | str"]]  # judged inside?, and the code or why it does not compile
Limits = dict[str, Any]
AnswerLine = list[Any]  # ending, CPU nanoseconds, payload

TICK_MS = 20
ENDINGS = frozenset({"value", "held", "broken", "raised", "forbidden", "memory"})
UNCONFINED = 125  # exit status of a process that could not be confined
CONFINED = b"confined\n"  # what such a process sends before its program gets to run
PRELOAD = """
abc bisect cmath collections collections.abc copy dataclasses datetime decimal enum fractions functools hashlib
heapq itertools math operator queue re statistics string textwrap typing
""".split()  # noqa: SIM905 - a list of names is read as words
# --------------------------------------------------------------------------- the program's process


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
    random.seed(0)  # here: a fork seeds it anew
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
    for inside, code in checks[first:]:
        try:
            if isinstance(code, str):
                raise SyntaxError(code)
            value = evaluate(code, namespace)
            now = clock()
            report.send("held", "", now) if inside else report.send("value", dumps(to_wire(value)), now)
        except BaseException as error:
            broken = inside and isinstance(error, AssertionError)
            report.send("broken" if broken else ending_of(error), describe(error), clock())


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


# --------------------------------------------------------------------------- the supervisor


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

    def wait(self) -> tuple[int, str | None]:
        """Wait until the process ends or overruns a limit; return (status, reason it was killed or None)."""
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

    def reap(self, reason: str | None) -> tuple[int, str | None]:
        """Collect the process; one that hung up its pipe but lives on gets a tick, then is killed."""
        if reason is None:
            for _ in range(TICK_MS):
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                if pid:
                    return status, None
                time.sleep(0.001)
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        return os.waitpid(self.pid, 0)[1], reason or "crash"


def cause_of_death(status: int, reason: str | None) -> str:
    """Return the ending of the check that was running when a process ended without answering it."""
    if reason:
        return reason
    if os.WIFSIGNALED(status):
        number = signal.Signals(os.WTERMSIG(status))
        return {signal.SIGKILL: "memory", signal.SIGSYS: "forbidden"}.get(number, "crash")
    return "crash"


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


class Worker:
    """The loop of one worker process."""

    def __init__(self, channel: int, setup: dict[str, Any]) -> None:
        self.channel = channel
        self.scratch = setup["scratch"]
        self.confine_program = program_confinement(setup["program_filter"])
        self.suites: dict[str, Checks] = {}

    def fork(self, limits: Limits, body: Callable[[int], None], most: int) -> tuple[bytearray, int, str | None]:
        """Run ``body(fd)`` in a forked, confined process; return its bytes, exit status and kill reason."""
        read_end, write_end = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                os.close(read_end)
                os.close(self.channel)
                self.limit(limits)
                self.confine_program()
                os.write(write_end, CONFINED)
            except BaseException:
                os._exit(UNCONFINED)
            try:
                body(write_end)
            finally:
                os._exit(0)
        os.close(write_end)
        os.set_blocking(read_end, False)
        watch = Watch(pid, read_end, limits, most + 1)
        try:
            status, reason = watch.wait()
        finally:
            os.close(read_end)
            self.clean()
        if not watch.data.startswith(CONFINED):
            raise RuntimeError("a program's process could not be confined")
        return watch.data[len(CONFINED) :], status, reason

    def limit(self, limits: Limits) -> None:
        """Set the resource limits of the process that will run a program."""
        # No RLIMIT_CPU: it makes the process's own CPU clock advance by whole scheduler ticks.
        memory = limits["memory_bytes"]
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))

    def clean(self) -> None:
        """Empty the scratch folder; leave the worker (which is then replaced) when that cannot be done."""
        empty_folder(self.scratch)

    def execute(self, program: str, checks: Checks, limits: Limits) -> list[AnswerLine]:
        """Run a program against all checks, in as many processes as it takes; return one answer per check."""
        answers: list[AnswerLine] = []
        timeouts = 0
        while len(answers) < len(checks):
            first = len(answers)
            data, status, reason = self.fork(
                limits, partial(run_program, program, checks, first), len(checks) - first + 1
            )
            lines = parse_lines(data)
            if not lines:
                lines = [[cause_of_death(status, reason), -1, ""]]
            if lines[0][0] != "value":  # the program itself failed: so does every check not yet answered
                answers += [[lines[0][0], -1, lines[0][2]]] * (len(checks) - first)
                break
            answers += lines[1 : 1 + len(checks) - first]
            if len(answers) < len(checks):
                answers.append([cause_of_death(status, reason), -1, ""])
                timeouts += answers[-1][0] == "timeout"
            if timeouts >= limits["max_timeouts"]:
                answers += [["not_run", -1, ""]] * (len(checks) - len(answers))
        return answers

    def measure(self, program: str, checks: Checks, frame: dict[str, Any]) -> tuple[list[str], str]:
        """Return the CPU nanoseconds of each pass through all checks, and why there are none."""
        passes = frame["passes"]
        data, status, reason = self.fork(
            frame["limits"], lambda fd: time_program(program, checks, frame["min_pass_ns"], passes, fd), passes
        )
        lines = parse_lines(data)
        figures = [payload for ending, _, payload in lines if ending == "value"]
        if len(figures) == passes:
            return figures, ""
        failed = [ending for ending, _, _ in lines if ending != "value"]
        return [], failed[0] if failed else cause_of_death(status, reason)

    def checks_of(self, frame: dict[str, Any]) -> Checks:
        """Return the compiled checks a frame refers to, compiling those it brings along."""
        if "checks" in frame:
            if len(self.suites) >= 4:
                self.suites.pop(next(iter(self.suites)))
            self.suites[frame["suite"]] = [compile_check(mode, source) for mode, source in frame["checks"]]
        return self.suites[frame["suite"]]

    def serve(self) -> None:
        """Answer frames until the channel closes."""
        while (frame := read_frame(self.channel)) is not None:
            checks, limits = self.checks_of(frame), frame["limits"]
            if frame["do"] == "time":
                figures, problem = self.measure(frame["program"], checks, frame)
                write_frame(self.channel, {"id": frame["id"], "figures": figures, "problem": problem})
            else:
                answers = self.execute(frame["program"], checks, limits)
                write_frame(self.channel, {"id": frame["id"], "answers": answers})


def compile_check(mode: str, source: str) -> tuple[bool, CodeType | str]:
    """Return (judged inside?, code object), with a message in the place of code that does not compile."""
    inside = mode == "inside"
    try:
        return inside, compile(source, "<test>", "exec" if inside else "eval", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return inside, f"{type(error).__name__}: {error}"


# --------------------------------------------------------------------------- the worker's start


def program_confinement(bpf_hex: str) -> Callable[[], None]:
    """Return a function that takes from the calling process the right to fork, execute and signal."""
    libc = ctypes.CDLL(None, use_errno=True)
    prctl: Any = libc.prctl
    prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
    filters = ctypes.create_string_buffer(bytes.fromhex(bpf_hex))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(bpf_hex) // 16, ctypes.addressof(filters)))

    def confine() -> None:
        prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG: a program does not outlive its worker
        if bpf_hex and prctl(22, 2, program, 0, 0) != 0:  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER
            os._exit(UNCONFINED)

    confine.__dict__["filters"] = filters  # the kernel reads them through an address
    return confine


def main() -> None:
    """Set the worker up as its first frame says, then serve."""
    channel = int(sys.argv[1])
    setup = read_frame(channel)
    if setup is None:
        return
    sys.path += setup["path"]
    sys.set_int_max_str_digits(0)
    os.chdir(setup["scratch"])
    for name in [*PRELOAD, *setup["preload"]]:
        __import__(name)
    exec(compile(setup["warm_up"], "<warm-up>", "exec"), {})
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (setup["file_bytes"], setup["file_bytes"]))
    worker = Worker(channel, setup)
    write_frame(channel, {"ready": sys.version.split()[0]})
    for fd in (1, 2):
        os.dup2(0, fd)
    gc.collect()
    gc.freeze()
    worker.serve()


if __name__ == "__main__":
    main()

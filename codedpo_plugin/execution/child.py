"""The confined side of the engine: one worker, which forks one process for every program.

Started by :mod:`codedpo_plugin.execution.worker` as ``python -s -S child.py FD``, already inside the sandbox.
Standard library only, and the files beside it: ``program.py`` runs in each program's process, ``supervisor.py``
watches it, ``wire.py`` and ``scratch.py`` are shared with the host. As few modules as it can do with: every page of
this process is mapped into every fork.

A program that imports a library known to load slowly is passed on to a *specialist*: a worker forked from this one
that has imported the library once, and forks its programs with it.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import resource
import signal
import struct
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, NamedTuple

register_at_fork, os.register_at_fork = os.register_at_fork, lambda **_: None
import random  # seeds itself anew in every fork unless kept from it, which takes a tenth of a fork's time

os.register_at_fork = register_at_fork

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [HERE, *(entry for entry in sys.path if entry != HERE)]
from program import Checks, compile_check, run_program, run_script, time_program  # type: ignore[import-not-found,unused-ignore]
from scratch import empty_folder  # type: ignore[import-not-found,unused-ignore]
from supervisor import (  # type: ignore[import-not-found,unused-ignore]
    AnswerLine,
    Ended,
    Limits,
    Watch,
    in_time,
    parse_lines,
)
from wire import SUITES_KEPT, read_frame, write_frame  # type: ignore[import-not-found,unused-ignore]

del sys.path[0]  # programs import from the interpreter's own folders only
for beside in ("program", "scratch", "supervisor", "wire"):
    del sys.modules[beside]

# What many programs import. Every module makes every fork dearer, those most that bring a library of their own
# (decimal, hashlib) or other modules (dataclasses); threading (queue imports it) has a hook that doubles its cost.
PRELOAD = "abc bisect collections copy functools heapq itertools math operator re string textwrap typing".split()  # noqa: SIM905
LIBC = ctypes.CDLL(None, use_errno=True)
# Objects between two collections. With Python's 700, collecting takes a tenth of the time of drawing a figure.
YOUNG = 10_000
F_SETPIPE_SZ = 1031
PIPE_BYTES = 1 << 20  # the pipe is emptied now and then: a program that fills it waits


# --------------------------------------------------------------------------- the worker


class UnableError(Exception):
    """The machine did not let this worker run a program: no fault of the program's, which has not begun."""


def alarm() -> tuple[int, int]:
    """Return a pipe on which a process tells that it could not be confined; no program ever holds it."""
    read_end, write_end = os.pipe()
    os.set_blocking(read_end, False)
    return read_end, write_end


@contextmanager
def preparing(what: str) -> Iterator[None]:
    """Say of an error of the system that it came before the program did."""
    try:
        yield
    except OSError as error:
        raise UnableError(f"{what}: {error}") from error


class Specialist(NamedTuple):
    """A worker's way to a specialist, and the last suites of checks that it was given: those it holds."""

    source: int
    sink: int
    suites: deque[str]


class Worker:
    """The loop of one worker process."""

    def __init__(self, channel: int, setup: dict[str, Any]) -> None:
        self.source = self.sink = channel
        self.scratch = setup["scratch"]
        self.confine_program = program_confinement(setup["program_filter"])
        self.suites: dict[str, tuple[list[list[str]], Checks]] = {}
        self.specialists: dict[str, Specialist] = {}
        self.may_specialize = True
        self.alarm = alarm()
        self.enough: dict[int, bool] = {}

    def serve(self) -> None:
        """Answer frames until the channel closes."""
        while (frame := read_frame(self.source)) is not None:
            self.learn(frame)
            library = frame["library"]
            special = library and self.may_specialize and library not in sys.modules
            try:
                answer = self.pass_on(frame, library) if special else self.answer(frame)
            except UnableError as error:
                answer = {"id": frame["id"], "unable": str(error)}
            write_frame(self.sink, answer)

    def learn(self, frame: dict[str, Any]) -> None:
        """Keep and compile the checks that a frame brings along."""
        if "checks" in frame:
            if len(self.suites) >= SUITES_KEPT:
                self.suites.pop(next(iter(self.suites)))
            compiled = [compile_check(mode, source) for mode, source in frame["checks"]]
            self.suites[frame["suite"]] = frame["checks"], compiled

    def answer(self, frame: dict[str, Any]) -> dict[str, Any]:
        """Return the frame that answers one."""
        program, limits = frame["program"], frame["limits"]
        if self.may_specialize and not self.is_enough(limits):
            return {"id": frame["id"], "too_little": f"memory_mb={limits['memory_bytes'] >> 20}"}
        _, checks = self.suites[frame["suite"]]
        if frame["do"] == "time":
            figures, problem = self.measure(program, checks, frame)
            return {"id": frame["id"], "figures": figures, "problem": problem}
        scripts = bool(checks) and checks[0][0] == "output"
        answers = self.run_scripts(program, checks, limits) if scripts else self.execute(program, checks, limits)
        return {"id": frame["id"], "answers": answers}

    def is_enough(self, limits: Limits) -> bool:
        """Return whether a program can start within a memory limit; tried once for each."""
        memory = limits["memory_bytes"]
        if memory not in self.enough:
            ended = self.fork(limits, partial(run_program, "bytes(1 << 20)", [], 0), 1)
            began = any(line[0] == "value" for line in parse_lines(ended.data))
            # A busy machine's timeout says nothing of memory.
            self.enough[memory] = began or ended.reason is not None
        return self.enough[memory]

    def fork(self, limits: Limits, body: Callable[[int], None], most: int) -> Ended:
        """Run ``body(fd)`` in a forked, confined process, to its end; it may send ``most`` lines."""
        with preparing("start a process"):
            read_end, write_end = os.pipe()
            LIBC.fcntl(read_end, F_SETPIPE_SZ, PIPE_BYTES)
            pid = os.fork()
        if pid == 0:
            try:
                os.close(read_end)
                self.close_channels()
                self.limit(limits)
                self.confine_program()
            except BaseException:
                os.write(self.alarm[1], b"x")
                os._exit(1)
            os.close(self.alarm[1])
            try:
                body(write_end)
            finally:
                os._exit(0)
        os.close(write_end)
        os.set_blocking(read_end, False)
        watch = Watch(pid, read_end, limits, most)
        try:
            ended = watch.wait()
        finally:
            os.close(read_end)
            empty_folder(self.scratch)  # a worker that cannot do that ends, and is replaced
        if self.alarmed():
            raise UnableError("confine a process")
        return ended

    def alarmed(self) -> bool:
        """Return whether the last process could not be confined."""
        try:
            return bool(os.read(self.alarm[0], 1))
        except BlockingIOError:
            return False

    def close_channels(self) -> None:
        """Close whatever leads to the host or to another worker."""
        theirs = (fd for s in self.specialists.values() for fd in (s.source, s.sink))
        for fd in {self.source, self.sink, self.alarm[0], *theirs}:
            os.close(fd)

    def limit(self, limits: Limits) -> None:
        """Set the resource limits of the process that will run a program."""
        # No RLIMIT_CPU: it makes the process's own CPU clock advance by whole scheduler ticks.
        memory = limits["memory_bytes"]
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))

    def execute(self, program: str, checks: Checks, limits: Limits) -> list[AnswerLine]:
        """Run a program against all checks, in as many processes as it takes; return one answer per check."""
        answers: list[AnswerLine] = []
        timeouts = 0
        while len(answers) < len(checks):
            first = len(answers)
            own = limits if timeouts else limits | {"cpu_s": limits["first_cpu_s"]}
            ended = self.fork(own, partial(run_program, program, checks, first), len(checks) - first + 1)
            lines = parse_lines(ended.data) or [[ended.cause, -1, ""]]
            if lines[0][0] != "value":  # the program itself failed: so does every check not yet answered
                answers += [[lines[0][0], -1, lines[0][2]]] * (len(checks) - first)
                break
            answers += [in_time(line, limits["cpu_s"]) for line in lines[1 : 1 + len(checks) - first]]
            if len(answers) < len(checks):
                answers.append([ended.cause, -1, ""])
            timeouts = sum(answer[0] == "timeout" for answer in answers)
            if timeouts >= limits["max_timeouts"]:
                answers += [["not_run", -1, ""]] * (len(checks) - len(answers))
        return answers

    def run_scripts(self, program: str, checks: Checks, limits: Limits) -> list[AnswerLine]:
        """Run a program as a script on every input, each time in a process of its own; return what it printed."""
        answers: list[AnswerLine] = []
        for _, text in checks:
            timeouts = sum(answer[0] == "timeout" for answer in answers)
            own = limits if timeouts else limits | {"cpu_s": limits["first_cpu_s"]}
            if timeouts >= limits["max_timeouts"]:
                answers.append(["not_run", -1, ""])
            else:
                answers.append(in_time(self.run_script(program, str(text), own), limits["cpu_s"]))
        return answers

    def run_script(self, program: str, text: str, limits: Limits) -> AnswerLine:
        """Run a script on one input. What it printed counts if it exits with status 0, however it does so."""
        stdin, stdout = self.open_file(text.encode("utf-8", "surrogatepass")), self.open_file(b"")
        try:
            ended = self.fork(limits, partial(run_script, program, stdin, stdout), 1)
            failed = [line for line in parse_lines(ended.data) if line[0] in ("raised", "forbidden", "memory")]
            if failed:
                return [failed[0][0], ended.cpu_ns, failed[0][2]]
            if ended.status or ended.reason:
                return [ended.cause, ended.cpu_ns, ""]
            size = os.fstat(stdout).st_size
            if size > limits["answer_bytes"]:
                return ["crash", ended.cpu_ns, ""]
            printed = os.pread(stdout, size, 0).decode("utf-8", "replace")
            return ["value", ended.cpu_ns, json.dumps(printed)]
        finally:
            os.close(stdin)
            os.close(stdout)

    def open_file(self, data: bytes) -> int:
        """Return a descriptor of a file in the scratch folder that has no name, and holds some bytes."""
        path = os.path.join(self.scratch, "stream")
        with preparing("write its input"):
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            os.unlink(path)
            os.pwrite(fd, data, 0)
        return fd

    def measure(self, program: str, checks: Checks, frame: dict[str, Any]) -> tuple[list[str], str]:
        """Return the CPU nanoseconds of each pass through all checks, and why there are none."""
        passes = frame["passes"]
        ended = self.fork(
            frame["limits"], lambda fd: time_program(program, checks, frame["min_pass_ns"], passes, fd), passes
        )
        lines = parse_lines(ended.data)
        figures = [payload for ending, _, payload in lines if ending == "value"]
        if len(figures) == passes:
            return figures, ""
        failed = [ending for ending, _, _ in lines if ending != "value"]
        return [], failed[0] if failed else ended.cause

    def pass_on(self, frame: dict[str, Any], library: str) -> dict[str, Any]:
        """Have a frame answered by the specialist for a library; this worker ends when that one does."""
        if library not in self.specialists:
            self.start_specialist(library)
        specialist = self.specialists[library]
        passed = {key: value for key, value in frame.items() if key != "checks"}
        if frame["suite"] not in specialist.suites:
            specialist.suites.append(frame["suite"])
            passed["checks"] = self.suites[frame["suite"]][0]
        write_frame(specialist.sink, passed)
        answer = read_frame(specialist.source)
        if answer is None:
            raise RuntimeError("a specialist has ended")
        return dict(answer)

    def start_specialist(self, library: str) -> None:
        """Fork a worker that has loaded a library."""
        with preparing("start a process"):
            theirs, sink = os.pipe()
            source, their_sink = os.pipe()
            pid = os.fork()
        if pid == 0:
            die_with_parent()
            os.close(source)
            os.close(sink)
            self.close_channels()
            os.close(self.alarm[1])
            self.source, self.sink, self.may_specialize = theirs, their_sink, False
            self.specialists, self.suites = {}, {}
            self.alarm = alarm()
            with suppress(Exception):  # the program will see the error for itself
                __import__(library)
            settle()
            self.serve()
            os._exit(0)
        os.close(theirs)
        os.close(their_sink)
        self.specialists[library] = Specialist(source, sink, deque(maxlen=SUITES_KEPT))


def settle() -> None:
    """Make what is loaded now what every fork starts from: random numbers, and objects not collected any more."""
    random.seed(0)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG)


# --------------------------------------------------------------------------- the worker's start


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends."""
    LIBC.prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG


def rehearse() -> None:
    """Run a small program here: what the interpreter sets up on first use need not be set up in every fork."""
    checks = [compile_check("value", "f(1)"), compile_check("inside", "assert f(2)")]
    source, sink = os.pipe()
    for _ in range(20):
        run_program("def f(x): return [x]", checks, 0, sink)
        os.read(source, 1 << 12)
    os.close(source)
    os.close(sink)
    del sys.modules["solution"]


def hide() -> None:
    """Keep others from opening what this process has open, through ``/proc``: programs have the same user."""
    LIBC.prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE


def program_confinement(bpf_hex: str) -> Callable[[], None]:
    """Return a function that takes from the calling process the right to fork, execute and signal."""
    prctl: Any = LIBC.prctl
    prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
    filters = ctypes.create_string_buffer(bytes.fromhex(bpf_hex))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(bpf_hex) // 16, ctypes.addressof(filters)))

    def confine() -> None:
        die_with_parent()
        if bpf_hex and prctl(22, 2, program, 0, 0) != 0:  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER
            raise OSError("no filter")

    confine.__dict__["filters"] = filters  # the kernel reads them through an address
    return confine


def main() -> None:
    """Set the worker up as its first frame says, then serve."""
    channel = int(sys.argv[1])
    hide()
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
    rehearse()
    settle()
    worker.serve()


if __name__ == "__main__":
    main()

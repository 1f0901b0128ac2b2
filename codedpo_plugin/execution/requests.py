"""What goes into the engine and what comes out of it; nothing here knows about processes."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from codedpo_plugin.errors import UsageError

MEBIBYTE: Final = 1 << 20
MOST: Final = 1 << 40
"""Limits lie below: as seconds, the kernel takes them; as mebibytes, they fit its 63 bits."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one program may use. A limit counts per test, the program's own start-up counting as one test."""

    cpu_s: float = 1.0
    """CPU seconds of one test; measured by the kernel, so a busy machine does not change a verdict."""
    wall_s: float | None = None
    """Wall-clock backstop of one test, for programs that sleep; derived from ``cpu_s`` by default."""
    memory_mb: int = 1024
    """Address space of the program's process."""
    answer_mb: int = 16
    """Most that a program may send back for all tests together."""
    max_timeouts: int = 3
    """After so many tests that ran out of time the program's remaining tests are NOT_RUN."""

    def __post_init__(self) -> None:
        for name in ("cpu_s", "wall_s", *_WHOLE):
            value = getattr(self, name)
            if name == "wall_s" and value is None:
                continue
            if not 0 < value < MOST:
                raise UsageError(f"limit {name} must be positive and no more than {MOST - 1}, got {value!r}")
            if name in _WHOLE and type(value) is not int:
                raise UsageError(f"limit {name} must be a whole number, got {value!r}")
        if self.memory_mb < 64:
            raise UsageError(f"limit memory_mb must be at least 64 for an interpreter, got {self.memory_mb}")
        if self.wall_s is not None and self.wall_s < self.cpu_s:
            raise UsageError(
                f"limit wall_s ({self.wall_s}) ends every program before cpu_s ({self.cpu_s}); raise it"
            )

    @property
    def backstop_s(self) -> float:
        """Return the wall-clock seconds of one test: ``wall_s``, or enough for ``cpu_s`` to decide."""
        return max(15.0, 4 * self.cpu_s) if self.wall_s is None else self.wall_s


_WHOLE: Final = ("memory_mb", "answer_mb", "max_timeouts")


@dataclass(frozen=True, slots=True)
class Runtime:
    """What programs find when they start."""

    interpreter: str | None = None
    """The Python that runs them; the running one by default."""
    preload: tuple[str, ...] = ()
    """Modules that are imported already."""
    variables: tuple[tuple[str, str], ...] = ()
    """Environment variables besides the engine's own."""
    readable: tuple[str, ...] = ()
    """Files and folders they may read besides the interpreter's own."""
    command_line: bool = False
    """Whether a worker may read its own command line in ``/proc``; TensorFlow aborts where it cannot."""
    warm_up: str = ""
    """Code that a worker runs once before its first program; trusted, as it runs in the worker itself."""


class Mode(StrEnum):
    """How one check runs in the program's process."""

    VALUE = "value"
    """Evaluate an expression and send its value."""
    INSIDE = "inside"
    """Run a statement; it holds when it does not raise."""
    OUTPUT = "output"
    """Run the program as a script that reads the check's source from standard input; send what it printed."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to ask of a program."""

    source: str
    mode: Mode = Mode.VALUE


@dataclass(frozen=True, slots=True)
class Job:
    """One program and what to ask of it."""

    program: str
    checks: tuple[Check, ...]
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        if len({check.mode is Mode.OUTPUT for check in self.checks}) > 1:
            raise UsageError("a program is either run as a script or asked for values: make two jobs of it")


@dataclass(frozen=True, slots=True)
class TimingJob:
    """One program whose CPU time over all its checks is to be measured."""

    program: str
    checks: tuple[Check, ...]
    limits: Limits = field(default_factory=Limits)
    min_pass_ns: int = 1_000_000
    """The checks are repeated until one pass takes at least so long."""
    passes: int = 5


class Ending(StrEnum):
    """How one check ended."""

    VALUE = "value"
    HELD = "held"
    BROKEN = "broken"
    """A statement raised AssertionError."""
    RAISED = "raised"
    FORBIDDEN = "forbidden"
    MEMORY = "memory"
    TIMEOUT = "timeout"
    CRASH = "crash"
    NOT_RUN = "not_run"


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one check. ``payload`` is what the untrusted process sent, still encoded."""

    ending: Ending
    cpu_ns: int = -1
    """What it took: by the account of the program's process; of a script, by the kernel's, start included."""
    payload: str = ""
    """For VALUE the encoded value (:func:`codedpo_plugin.execution.wire.to_wire`), else a short description."""


@dataclass(frozen=True, slots=True)
class JobResult:
    """The answers to a job's checks, in their order."""

    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class TimingResult:
    """CPU nanoseconds of one run through all checks, one figure per pass; empty when the program failed."""

    pass_ns: tuple[float, ...]
    problem: str = ""
    """Why there are no figures."""

"""The records that flow through the pipeline: frozen values, without behaviour that does I/O.

How they look in files is :mod:`codedpo_plugin.formats`' business. Arrays inside records are never written to
after the record was made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

SCHEMA_VERSION: Final = 1
"""Version of every file format of a run directory."""


def content_id(text: str) -> str:
    """Return the id of a solution or test: 16 hex digits of the SHA-256 of its text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


class Verdict(IntEnum):
    """The outcome of one cell: one solution run against one test. Stored as one byte."""

    PASS = 0
    FAIL = 1
    """The assertion is false."""
    ERROR = 2
    """The program or the test raised an exception, or the program does not compile."""
    TIMEOUT = 3
    """The CPU-time limit, or the wall-clock backstop, was reached."""
    MEMORY = 4
    CRASH = 5
    """The process ended without an answer: a signal, or an exit in the middle of a test."""
    FORBIDDEN = 6
    """The sandbox refused what the program tried to do, and the program did not recover."""
    NOT_RUN = 7
    """The cell was not run. It is not a failure."""


class SolutionForm(StrEnum):
    """What the text of a solution is: the rest of the prompt, or a whole program."""

    PROGRAM = "program"
    COMPLETION = "completion"


class PairKind(StrEnum):
    """Why the chosen solution is preferred."""

    CORRECTNESS = "correctness"
    EFFICIENCY = "efficiency"


@dataclass(frozen=True, slots=True)
class Problem:
    """A programming problem as a model sees it."""

    problem_id: str
    prompt: str
    entry_point: str | None = None
    """The function that tests call."""
    language: str = "python"
    source: str = ""
    """Where the problem came from: a suite, a seed file, a data set."""


@dataclass(frozen=True, slots=True)
class MadeProblem(Problem):
    """A problem that a model wrote, with what training and cleaning need to know of it."""

    instruction: str = ""
    """The problem in words, as a person would ask it."""
    solution: str = ""
    """The model's own answer, a whole program; empty where the method asks for none."""
    method: str = ""
    seed: str = ""
    """The snippet that inspired it, or the id of the problem it was made of."""
    licence: str = ""
    """The licence of the snippet, where it is known."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """What a model wrote for one problem."""

    problem_id: str
    prompt: str
    entry_point: str | None
    solutions: tuple[str, ...]
    """Whole programs."""
    tests: tuple[str, ...]
    """One assertion statement each."""
    generator: Mapping[str, Any] = field(default_factory=dict)
    """Model, sampling parameters, seed, and what was dropped by reason."""


@dataclass(frozen=True, slots=True, eq=False)
class PassMatrix:
    """Verdicts of all solutions of a problem against all its tests."""

    problem_id: str
    verdicts: NDArray[np.uint8]
    """Shape (solutions, tests); values of :class:`Verdict`."""
    cpu_ns: NDArray[np.int64] | None = None
    """CPU time of each cell in nanoseconds, as the program's own process reported it; -1 where not run."""
    judged_inside: tuple[int, ...] = ()
    """Tests whose verdict was reached in the process that ran the solution, not outside of it."""

    @property
    def passed(self) -> NDArray[np.bool_]:
        """The ``Link`` matrix of the paper: shape (solutions, tests), true where the verdict is PASS."""
        return np.equal(self.verdicts, Verdict.PASS)


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """What a ranker believes about the solutions and tests of one problem; higher is better."""

    problem_id: str
    ranker: str
    solutions: NDArray[np.float64]
    tests: NDArray[np.float64]
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PreferencePair:
    """One training example: ``chosen`` is to be preferred to ``rejected`` as an answer to ``prompt``."""

    prompt: str
    chosen: str
    rejected: str
    kind: PairKind
    problem_id: str
    chosen_score: float
    rejected_score: float
    margin: float
    """``chosen_score - rejected_score``."""
    confidence: float | None = None
    """Calibrated probability that the preference is right; None where no such pairs were calibrated."""
    speedup: float | None = None
    """CPU time of ``rejected`` over that of ``chosen``; for efficiency pairs only."""
    chosen_cpu_ns: int | None = None
    rejected_cpu_ns: int | None = None
    chosen_form: SolutionForm | None = None
    """What ``chosen`` is; None where the pair's source does not say."""
    rejected_form: SolutionForm | None = None

"""Evaluation suites: problems with trusted tests. A suite is a name and a function that loads its problems."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from codedpo_plugin.execution.assertions import TestPlan
from codedpo_plugin.execution.requests import Check, Limits, Runtime
from codedpo_plugin.records import Problem


@dataclass(frozen=True, slots=True)
class SuiteProblem:
    """A problem with what it takes to judge a solution of it."""

    problem: Problem
    reference: str
    """A correct program."""
    plans: tuple[TestPlan, ...]
    """All tests; a solution is right if it passes all of them."""
    base: int
    """The first so many tests are the suite's own, the rest were added to it (EvalPlus's "plus")."""
    timing: tuple[Check, ...] = ()
    """What to run to time a correct solution; the base tests where empty."""
    limits: Limits = field(default_factory=Limits)
    split: str = "heldout"
    runtime: Runtime = field(default_factory=Runtime)
    """What its programs find when they start."""
    group: str = ""
    """The part of the suite it belongs to; scores are told for each part."""
    unavailable: str = ""
    """Why its programs cannot be run on this machine; they are NOT_RUN then, whatever they are."""
    program: Callable[[str], str] = str
    """Return the program to run for a solution, where a solution is not a program itself."""

    @property
    def timing_checks(self) -> tuple[Check, ...]:
        """Return what to run to time a correct solution."""
        return self.timing or tuple(plan.check for plan in self.plans[: self.base])


@dataclass(frozen=True, slots=True)
class Suite:
    """A named collection of problems."""

    name: str
    load: Callable[[Mapping[str, Any]], list[SuiteProblem]]
    """Return all problems; takes the metadata of the task (paths, splits). Raises EvaluationError."""
    stop: tuple[str, ...] = ()
    """Texts at which a model that continues the prompt has left the solution."""
    description: str = ""
    prefix: str = ""
    """What the ids of its problems begin with, and files of samples may leave away."""
    clean: Callable[[str], str] | None = None
    """How an answer becomes a solution, for suites whose answers are not functions to be extracted."""
    instruction: str = ""
    """What a chat model is told before the prompt of such a suite."""
    downloads: bool = False
    """Whether some problems need data sets that may not be there; the score is told with and without them."""
    options: tuple[str, ...] = ()
    """The keys of the metadata that ``load`` looks at; what is nearly one of them is refused as misspelt."""


def version_of(problems: Iterable[SuiteProblem]) -> str:
    """Return what tells versions of a suite apart: a digest of problems, references, tests, timing inputs."""
    total = hashlib.sha256()
    for item in sorted(problems, key=lambda p: p.problem.problem_id):
        tests, calls = (p.source for p in item.plans), (c.source for c in item.timing_checks)
        for text in (item.problem.problem_id, item.problem.prompt, item.reference, *tests, *calls):
            data = text.encode("utf-8", "surrogatepass")
            total.update(b"%d " % len(data) + data)
    return total.hexdigest()[:16]

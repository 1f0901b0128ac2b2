"""Dropping problems that cannot be solved as they stand, and solutions that are none.

The words are looked for in the statement only. They are few and plain on purpose; a problem lost to them costs less
than one that nobody can understand.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import tee
from typing import TYPE_CHECKING, Final

from codedpo_plugin.execution import Answer, Check, Ending, Job, Limits
from codedpo_plugin.problems.seeds.languages import LANGUAGES, parses
from codedpo_plugin.records import MadeProblem

if TYPE_CHECKING:
    from codedpo_plugin.execution import Pool

LIMITS: Final = Limits(cpu_s=5.0)

_OUTSIDE_FILE: Final = re.compile(
    r"\b[\w-]+\.(?:csv|tsv|xlsx?|json|xml|ya?ml|txt|log|dat|db|sqlite|png|jpe?g|gif|pdf|zip|parquet|ini|cfg|html)\b"
    r"|\b(?:attached|provided|given|accompanying|following|input|external|uploaded) (?:\w+ ){0,2}"
    r"(?:file|image|figure|dataset|picture|diagram)s?\b"
    r"|\b(?:file|image|dataset)s? (?:is|are|was|were) (?:provided|attached|given)\b",
    re.IGNORECASE,
)
_MISSING: Final = re.compile(
    r"\b(?:code|snippet|function|class|program|implementation|script|lines|method) (?:given |shown )?above\b"
    r"|\b(?:above|aforementioned|preceding|previous) (?:\w+ )?"
    r"(?:code|snippet|function|class|program|example|exercise|problem|implementation)\b"
    r"|\b(?:provided|given|following|existing|original|inspiring) (?:\w+ )?"
    r"(?:code|snippet|codebase|implementation|lines of)\b"
    r"|\bas (?:mentioned|described|shown|seen) (?:above|earlier|before|previously)\b"
    r"|\b(?:see|in|refer to) (?:the )?(?:previous|last) (?:section|chapter|lecture)\b",
    re.IGNORECASE,
)
_MODULE_MISSING: Final = re.compile(r"\"ModuleNotFoundError: No module named '(\w{1,64})'\"")
"""What a process says that found no module of a name; of a part of a module that is there it says more."""


def statement_fault(problem: MadeProblem) -> str | None:
    """Return why a statement is incomplete, or None: ``mentions_outside_file``, ``missing_context``.

    What a code block in the statement shows is there, so speaking of code is no fault then.
    """
    statement = problem.instruction or problem.prompt
    if _OUTSIDE_FILE.search(statement):
        return "mentions_outside_file"
    if "```" not in statement and _MISSING.search(statement):
        return "missing_context"
    return None


def with_complete_statements(problems: Iterable[MadeProblem], counts: Counter[str]) -> Iterator[MadeProblem]:
    """Yield problems whose statement is complete and whose solution, if there is one, parses; count the others.

    Counted reasons: those of :func:`statement_fault` and ``solution_does_not_parse``.
    """
    for problem in problems:
        fault = statement_fault(problem)
        if fault is None and problem.solution and not _parses(problem):
            fault = "solution_does_not_parse"
        if fault:
            counts[fault] += 1
        else:
            yield problem


def _parses(problem: MadeProblem) -> bool:
    """Return whether a solution is free of syntax errors; nothing is known of languages without a grammar."""
    return problem.language not in LANGUAGES or parses(problem.solution, problem.language)


def with_running_solutions(
    problems: Iterable[MadeProblem], pool: Pool, counts: Counter[str]
) -> Iterator[MadeProblem]:
    """Yield problems without those whose Python solution fails when it is loaded, or lacks what it defines.

    Solutions in other languages are not run. Counted reasons: ``solution_does_not_run``,
    ``solution_takes_too_long``, ``solution_is_forbidden``, and ``solution_needs_module``, of which
    ``solution_needs_module_<name>`` counts those that lack one module.
    """
    told, to_run = tee(problems)
    results = pool.run(_job(p) for p in to_run if _is_run(p))
    for problem in told:
        reasons = _faults(next(results).answers[0]) if _is_run(problem) else ()
        counts.update(reasons)
        if not reasons:
            yield problem


def _is_run(problem: MadeProblem) -> bool:
    return bool(problem.solution) and problem.language == "python"


def _job(problem: MadeProblem) -> Job:
    """Return the job that loads a solution and looks whether it has what is to be called."""
    check = f"callable({problem.entry_point})" if problem.entry_point else "True"
    return Job(problem.solution, (Check(check),), LIMITS)


def _faults(answer: Answer) -> tuple[str, ...]:
    """Return what is to be counted of a solution that did not load; nothing of one that did."""
    if answer.ending is Ending.VALUE:
        return ()
    missing = _MODULE_MISSING.fullmatch(answer.payload) if answer.ending is Ending.RAISED else None
    if missing:
        return "solution_needs_module", f"solution_needs_module_{missing[1]}"
    reasons = {Ending.TIMEOUT: "solution_takes_too_long", Ending.FORBIDDEN: "solution_is_forbidden"}
    return (reasons.get(answer.ending, "solution_does_not_run"),)

"""EvalPlus's own way to run programs, ``untrusted_check``, behind the executor interface: for comparison.

EvalPlus replaces functions of ``os`` inside the process that runs the program and says itself that this is no
sandbox; the expected values lie in that process's memory. Limits are wall time. Only assertions of the form
``f(literals) == literal`` can be given to it; it does not tell an exception from a wrong answer.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from codedpo_plugin.errors import UsageError
from codedpo_plugin.execution.assertions import Parsed, Relation, plan_test
from codedpo_plugin.records import Candidates, PassMatrix, Verdict


@dataclass(frozen=True, slots=True)
class Input:
    """A test as EvalPlus takes it."""

    column: int
    arguments: list[Any]
    expected: Any


def require_consent(sandbox: str) -> None:
    """Raise UsageError unless running unconfined was asked for by name."""
    if sandbox != "unconfined":
        raise UsageError(
            "executor 'evalplus' runs programs without confinement: ask for it with `--sandbox unconfined` on the "
            "command line, in a machine you can throw away"
        )


def execute_with_evalplus(candidates: Iterable[Candidates], cpu_s: float) -> Iterator[PassMatrix]:
    """Yield the matrix of each problem. Tests that EvalPlus cannot be given are NOT_RUN."""
    for one in candidates:
        inputs = [i for column, test in enumerate(one.tests) if (i := read_test(column, test, one.entry_point))]
        verdicts = np.full((len(one.solutions), len(one.tests)), Verdict.NOT_RUN, np.uint8)
        for row, program in enumerate(one.solutions if inputs else ()):
            verdicts[row, [i.column for i in inputs]] = _check(program, one.entry_point or "", inputs, cpu_s)
        yield PassMatrix(one.problem_id, verdicts, None, tuple(i.column for i in inputs))


def read_test(column: int, test: str, entry_point: str | None) -> Input | None:
    """Return a test's arguments and expected value; None if it is of another form."""
    plan = plan_test(test, entry_point)
    if plan.judgement.relation is not Relation.EQUAL:
        return None
    call = ast.parse(plan.check.source, mode="eval").body
    if not isinstance(call, ast.Call) or call.keywords:
        return None
    if not isinstance(call.func, ast.Name) or call.func.id != entry_point:
        return None
    try:
        return Input(column, [ast.literal_eval(a) for a in call.args], plan.judgement.expected)
    except (*Parsed, TypeError):
        return None


def _check(program: str, entry_point: str, inputs: list[Input], limit_s: float) -> list[Verdict]:
    """Return EvalPlus's verdict on each input; what it did not come to, it had no time for."""
    from evalplus.eval import PASS, TIMEOUT, untrusted_check

    status, details = untrusted_check(
        "",  # of no data set, so without special oracles
        program,
        [i.arguments for i in inputs],
        entry_point,
        [i.expected for i in inputs],
        0,
        [0.0] * len(inputs),
        fast_check=False,
        min_time_limit=limit_s,
    )
    found = [Verdict.PASS if passed else Verdict.FAIL for passed in details]
    rest = {PASS: Verdict.PASS, TIMEOUT: Verdict.TIMEOUT}.get(status, Verdict.ERROR)
    return found + [rest] * (len(inputs) - len(found))

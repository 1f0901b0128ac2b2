"""From candidates to pass matrices: plan the tests, run the programs, judge their answers outside of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Final

import numpy as np

from codedpo_plugin.execution.assertions import (
    Judgement,
    TestPlan,
    clean_expression,
    judge_literal,
    plan_test,
)
from codedpo_plugin.execution.pool import Pool
from codedpo_plugin.execution.requests import Answer, Check, Ending, Job, JobResult, Limits, Mode
from codedpo_plugin.execution.wire import decode
from codedpo_plugin.records import Candidates, PassMatrix, Verdict

BATCH: Final = 32
"""Problems judged together: large enough that workers seldom wait for the last program of a batch."""

VERDICTS: Final = {
    Ending.HELD: Verdict.PASS,
    Ending.BROKEN: Verdict.FAIL,
    Ending.RAISED: Verdict.ERROR,
    Ending.FORBIDDEN: Verdict.FORBIDDEN,
    Ending.MEMORY: Verdict.MEMORY,
    Ending.TIMEOUT: Verdict.TIMEOUT,
    Ending.CRASH: Verdict.CRASH,
    Ending.NOT_RUN: Verdict.NOT_RUN,
}


@dataclass(slots=True)
class _Sheet:
    """The answers for one problem, while they are being judged."""

    candidates: Candidates
    programs: tuple[str, ...]
    """The distinct solutions; equal ones are run once."""
    plans: tuple[TestPlan, ...]
    answers: list[JobResult]
    verdicts: dict[tuple[int, int], Verdict]
    """By (program, test)."""
    inside: set[int]

    def cells(self) -> Iterator[tuple[int, int, TestPlan, Answer]]:
        """Yield program, test, plan and answer of every cell."""
        for row, result in enumerate(self.answers):
            for column, (plan, answer) in enumerate(zip(self.plans, result.answers, strict=True)):
                yield row, column, plan, answer


def execute(
    pool: Pool, candidates: Iterable[Candidates], limits: Limits | None = None, *, record_times: bool = False
) -> Iterator[PassMatrix]:
    """Run every solution of every problem against every test of it; yield matrices in the order of the problems.

    Problems stream through in batches. With ``record_times`` the matrices carry the CPU time of each cell, which
    makes them differ from run to run.
    """
    limits = limits or Limits()
    stream = iter(candidates)
    while batch := list(islice(stream, BATCH)):
        sheets = [_sheet(c) for c in batch]
        _run_programs(pool, sheets, limits)
        pending = [cell for sheet in sheets for cell in _judge_literals(sheet)]
        unsettled = _judge_clean(pool, pending, limits)
        _judge_inside(pool, unsettled, limits)
        for sheet in sheets:
            yield _matrix(sheet, record_times=record_times)


def _sheet(candidates: Candidates) -> _Sheet:
    plans = tuple(plan_test(test, candidates.entry_point) for test in candidates.tests)
    inside = {column for column, plan in enumerate(plans) if plan.inside}
    return _Sheet(candidates, tuple(dict.fromkeys(candidates.solutions)), plans, [], {}, inside)


def _run_programs(pool: Pool, sheets: Sequence[_Sheet], limits: Limits) -> None:
    """Run each program of each sheet once, against all tests of its problem."""
    checks = [tuple(plan.check for plan in sheet.plans) for sheet in sheets]
    jobs = (Job(p, check, limits) for sheet, check in zip(sheets, checks, strict=True) for p in sheet.programs)
    results = pool.run(jobs)
    for sheet in sheets:
        sheet.answers.extend(islice(results, len(sheet.programs)))
    next(results, None)  # let the generator finish


@dataclass(frozen=True, slots=True)
class _Pending:
    """A cell whose value is still to be judged."""

    sheet: _Sheet
    row: int
    column: int
    expression: str | None
    """What a clean process is to evaluate; None if only the program's own process can tell."""

    @property
    def program(self) -> str:
        """Return the program of the cell."""
        return self.sheet.programs[self.row]

    @property
    def statement(self) -> Check:
        """Return the whole assertion, to be run inside."""
        return Check(self.sheet.plans[self.column].source, Mode.INSIDE)

    def settle(self, verdict: Verdict) -> None:
        """Enter the verdict."""
        self.sheet.verdicts[self.row, self.column] = verdict


def _judge_literals(sheet: _Sheet) -> Iterator[_Pending]:
    """Enter every verdict that needs no further run; yield the other cells."""
    seen: dict[tuple[int, str], Verdict | str | None] = {}
    for row, column, plan, answer in sheet.cells():
        if answer.ending is not Ending.VALUE:
            sheet.verdicts[row, column] = VERDICTS[answer.ending]
            continue
        key = (column, answer.payload)
        if key not in seen:
            seen[key] = _judge_value(plan.judgement, answer.payload)
        outcome = seen[key]
        if isinstance(outcome, Verdict):
            sheet.verdicts[row, column] = outcome
        else:
            yield _Pending(sheet, row, column, outcome)


def _judge_value(judgement: Judgement, payload: str) -> Verdict | str | None:
    """Return the verdict on a value, or the expression a clean process has to evaluate, or None: inside."""
    try:
        value = decode(payload)
        if judgement.relation is None:
            return clean_expression(judgement, value)
        return Verdict.PASS if judge_literal(judgement, value) else Verdict.FAIL
    except (ValueError, TypeError, RecursionError):
        return Verdict.ERROR  # not a value that an honest program could have sent


def _judge_clean(pool: Pool, pending: Sequence[_Pending], limits: Limits) -> list[_Pending]:
    """Evaluate expressions in processes without any program; return the cells that cannot be judged so."""
    expressions = tuple(dict.fromkeys(cell.expression for cell in pending if cell.expression))
    groups = [expressions[i : i + 64] for i in range(0, len(expressions), 64)]
    jobs = (Job("", tuple(Check(expression) for expression in group), limits) for group in groups)
    outcomes: dict[str, Verdict | None] = {}
    for group, result in zip(groups, pool.run(jobs), strict=True):
        outcomes |= dict(zip(group, map(_clean_verdict, result.answers), strict=True))
    unsettled = []
    for cell in pending:
        verdict = outcomes.get(cell.expression) if cell.expression else None
        if verdict is None:
            unsettled.append(cell)
        else:
            cell.settle(verdict)
    return unsettled


def _clean_verdict(answer: Answer) -> Verdict | None:
    """Return the verdict a clean process reached; None when it lacks a name that the program defines."""
    if answer.ending is Ending.VALUE:
        return Verdict.PASS if answer.payload == "true" else Verdict.FAIL
    if answer.ending is Ending.RAISED and answer.payload.startswith('"NameError'):
        return None
    return VERDICTS[answer.ending]


def _judge_inside(pool: Pool, cells: Sequence[_Pending], limits: Limits) -> None:
    """Run the assertions of what is left in the programs' own processes, one process per program."""
    groups = [list(group) for _, group in groupby(cells, key=lambda cell: (id(cell.sheet), cell.row))]
    results = pool.run(Job(g[0].program, tuple(cell.statement for cell in g), limits) for g in groups)
    for group, result in zip(groups, results, strict=True):
        for cell, answer in zip(group, result.answers, strict=True):
            cell.sheet.inside.add(cell.column)
            cell.settle(VERDICTS[answer.ending])


def _matrix(sheet: _Sheet, *, record_times: bool) -> PassMatrix:
    """Return the matrix of a judged sheet, equal solutions having equal rows."""
    candidates = sheet.candidates
    shape = (len(sheet.programs), len(sheet.plans))
    verdicts = np.full(shape, Verdict.NOT_RUN, np.uint8)
    times = np.full(shape, -1, np.int64)
    for row, column, _, answer in sheet.cells():
        verdicts[row, column] = sheet.verdicts[row, column]
        times[row, column] = answer.cpu_ns
    rows = np.array([sheet.programs.index(s) for s in candidates.solutions], dtype=np.intp)
    cpu_ns = times[rows] if record_times else None
    return PassMatrix(candidates.problem_id, verdicts[rows], cpu_ns, tuple(sorted(sheet.inside)))

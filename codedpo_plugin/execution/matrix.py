"""From candidates to pass matrices: plan the tests, run the programs, judge their answers outside of them."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, islice
from typing import Final

import numpy as np

from codedpo_plugin.config import ExecuteConfig
from codedpo_plugin.execution.assertions import (
    Judgement,
    TestPlan,
    clean_expression,
    judge_on_host,
    plan_test,
)
from codedpo_plugin.execution.pool import Pool
from codedpo_plugin.execution.requests import Answer, Check, Ending, Job, JobResult, Limits, Mode
from codedpo_plugin.execution.wire import decode
from codedpo_plugin.records import Candidates, PassMatrix, Verdict

BATCH: Final = 128
CELLS: Final = 1 << 15
"""Problems, and cells, judged together, at most: enough that workers seldom wait for the last program of a batch,
so few that with large matrices, too, there is progress to be seen, and an interruption costs little."""

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


@dataclass(frozen=True, slots=True)
class Workload:
    """The programs of one problem and the tests to run them against."""

    problem_id: str
    programs: tuple[str, ...]
    plans: tuple[TestPlan, ...]
    limits: Limits = field(default_factory=Limits)

    @classmethod
    def of(cls, candidates: Candidates, limits: Limits) -> Workload:
        """Return the workload of candidates: every solution against every test."""
        plans = tuple(plan_test(test, candidates.entry_point) for test in candidates.tests)
        return cls(candidates.problem_id, candidates.solutions, plans, limits)


@dataclass(slots=True)
class Sheet:
    """The answers to one workload, while they are being judged."""

    work: Workload
    programs: tuple[str, ...]
    """The distinct programs; equal ones are run once."""
    answers: list[JobResult]
    verdicts: dict[tuple[int, int], Verdict]
    """By (program, test)."""
    inside: set[int]

    def cells(self) -> Iterator[tuple[int, int, TestPlan, Answer]]:
        """Yield program, test, plan and answer of every cell."""
        for row, result in enumerate(self.answers):
            for column, (plan, answer) in enumerate(zip(self.work.plans, result.answers, strict=True)):
                yield row, column, plan, answer

    def drop_values(self) -> None:
        """Forget the values, once they are judged; a batch of them may be large."""
        self.answers = [JobResult(tuple(replace(a, payload="") for a in r.answers)) for r in self.answers]


def execute_candidates(pool: Pool, candidates: Iterable[Candidates], config: ExecuteConfig) -> Iterator[PassMatrix]:
    """Yield the matrix of each problem, every solution run against every test within the configured limits."""
    limits = Limits(config.cpu_s, config.wall_s, config.memory_mb, max_timeouts=config.max_timeouts)
    return execute(pool, (Workload.of(c, limits) for c in candidates), record_times=config.record_times)


def execute(pool: Pool, workloads: Iterable[Workload], *, record_times: bool = False) -> Iterator[PassMatrix]:
    """Run every program of every workload against every test of it; yield matrices in the order of the workloads.

    Workloads stream through in batches. With ``record_times`` the matrices carry the CPU time of each cell, which
    makes them differ from run to run.
    """
    stream = iter(workloads)
    while True:
        sheets: list[Sheet] = []
        pending: list[Pending] = []
        for sheet in _run_programs(pool, _batch(stream)):
            sheets.append(sheet)
            pending += judge_values(sheet)  # while the next programs run
            sheet.drop_values()
        if not sheets:
            return
        judge_elsewhere(pool, pending)
        for sheet in sheets:
            yield _matrix(sheet, record_times=record_times)


def _batch(stream: Iterator[Workload]) -> Iterator[Workload]:
    """Yield the workloads of the next batch; it ends with the one that fills it."""
    cells = 0
    for work in islice(stream, BATCH):
        yield work
        cells += len(work.programs) * len(work.plans)
        if cells >= CELLS:
            return


def sheet_of(work: Workload) -> Sheet:
    """Return a workload without answers yet."""
    inside = {column for column, plan in enumerate(work.plans) if plan.inside}
    return Sheet(work, tuple(dict.fromkeys(work.programs)), [], {}, inside)


def _run_programs(pool: Pool, workloads: Iterable[Workload]) -> Iterator[Sheet]:
    """Run each program of each workload once, against all tests of its problem; yield sheets as they are filled.

    A workload is taken when a worker is about to be free for it: what it costs to plan, it costs while others run.
    """
    begun: deque[Sheet] = deque()

    def jobs() -> Iterator[Job]:
        for work in workloads:
            begun.append(sheet_of(work))
            checks = tuple(plan.check for plan in work.plans)
            yield from [Job(program, checks, work.limits) for program in begun[-1].programs]

    for result in pool.run(jobs()):
        while not begun[0].programs:
            yield begun.popleft()
        begun[0].answers.append(result)
        if len(begun[0].answers) == len(begun[0].programs):
            yield begun.popleft()
    yield from begun  # without programs


@dataclass(frozen=True, slots=True)
class Pending:
    """A cell whose value is still to be judged."""

    sheet: Sheet
    row: int
    column: int
    expression: str
    """What a clean process is to evaluate."""

    @property
    def program(self) -> str:
        """Return the program of the cell."""
        return self.sheet.programs[self.row]

    @property
    def statement(self) -> Check:
        """Return the whole assertion, to be run inside."""
        return Check(self.sheet.work.plans[self.column].source, Mode.INSIDE)

    def settle(self, verdict: Verdict) -> None:
        """Enter the verdict."""
        self.sheet.verdicts[self.row, self.column] = verdict


def judge_values(sheet: Sheet) -> Iterator[Pending]:
    """Enter every verdict that needs no further run; yield the other cells."""
    seen: dict[tuple[int, str], Verdict | str] = {}
    for row, column, plan, answer in sheet.cells():
        if answer.ending is not Ending.VALUE:
            sheet.verdicts[row, column] = VERDICTS[answer.ending]
            continue
        key = (column, answer.payload)
        if key not in seen:
            seen[key] = judge_value(plan.judgement, answer.payload)
        outcome = seen[key]
        if isinstance(outcome, Verdict):
            sheet.verdicts[row, column] = outcome
        else:
            yield Pending(sheet, row, column, outcome)


def judge_value(judgement: Judgement, payload: str) -> Verdict | str:
    """Return the verdict on a value, or the expression a clean process has to evaluate.

    A value that such a process cannot be told is an error: were it judged inside, a program could choose to be.
    """
    if judgement.surely and judgement.surely(payload):
        return Verdict.PASS
    try:
        value = decode(payload)
        if judgement.clean is not None:
            return clean_expression(judgement, value) or Verdict.ERROR
        return Verdict.PASS if judge_on_host(judgement, value) else Verdict.FAIL
    except (ValueError, TypeError, ArithmeticError, RecursionError):
        return Verdict.ERROR  # a value that cannot be compared, or not a value at all


def judge_elsewhere(pool: Pool, pending: Sequence[Pending]) -> None:
    """Settle cells that need a further run: without the program if possible, else inside its process."""
    _judge_inside(pool, _judge_clean(pool, pending))


def _judge_clean(pool: Pool, pending: Sequence[Pending]) -> list[Pending]:
    """Evaluate expressions in processes without any program; return the cells that cannot be judged so."""
    expressions = tuple(dict.fromkeys(cell.expression for cell in pending))
    groups = [expressions[i : i + 64] for i in range(0, len(expressions), 64)]
    limits = Limits(max_timeouts=64)  # of one program's values; those of others are judged all the same
    jobs = (Job("", tuple(Check(expression) for expression in group), limits) for group in groups)
    outcomes: dict[str, Verdict | None] = {}
    for group, result in zip(groups, pool.judges.run(jobs), strict=True):
        outcomes |= dict(zip(group, map(_clean_verdict, result.answers), strict=True))
    unsettled = []
    for cell in pending:
        verdict = outcomes[cell.expression]
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


def _judge_inside(pool: Pool, cells: Sequence[Pending]) -> None:
    """Run the assertions of what is left in the programs' own processes, one process per program."""
    groups = [list(group) for _, group in groupby(cells, key=lambda cell: (id(cell.sheet), cell.row))]
    jobs = (Job(g[0].program, tuple(cell.statement for cell in g), g[0].sheet.work.limits) for g in groups)
    results = pool.run(jobs)
    for group, result in zip(groups, results, strict=True):
        for cell, answer in zip(group, result.answers, strict=True):
            cell.sheet.inside.add(cell.column)
            cell.settle(VERDICTS[answer.ending])


def _matrix(sheet: Sheet, *, record_times: bool) -> PassMatrix:
    """Return the matrix of a judged sheet, equal programs having equal rows."""
    shape = (len(sheet.programs), len(sheet.work.plans))
    verdicts = np.full(shape, Verdict.NOT_RUN, np.uint8)
    times = np.full(shape, -1, np.int64)
    for row, column, _, answer in sheet.cells():
        verdicts[row, column] = sheet.verdicts[row, column]
        times[row, column] = answer.cpu_ns
    place = {program: row for row, program in enumerate(sheet.programs)}
    rows = np.array([place[program] for program in sheet.work.programs], dtype=np.intp)
    cpu_ns = times[rows] if record_times else None
    return PassMatrix(sheet.work.problem_id, verdicts[rows], cpu_ns, tuple(sorted(sheet.inside)))


def count_cells(matrix: PassMatrix, counts: Counter[str]) -> PassMatrix:
    """Count the verdicts of a matrix, and return it."""
    counts["cells"] += matrix.verdicts.size
    counts["tests_judged_inside"] += len(matrix.judged_inside)
    for verdict in Verdict:
        number = int((matrix.verdicts == verdict).sum())
        if number:
            counts[f"cells_{verdict.name.lower()}"] += number
    return matrix

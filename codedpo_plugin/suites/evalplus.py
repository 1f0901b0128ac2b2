"""HumanEval(+) and MBPP(+) with EvalPlus's data, inputs, oracles and tolerances.

Expected outputs are computed by running the canonical solutions in the engine. Answers are compared on the host,
the way ``evalplus.eval.unsafe_execute`` compares them, with its special oracles.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from codedpo_plugin.collection import no_collection
from codedpo_plugin.errors import EvaluationError
from codedpo_plugin.execution import Check, Ending, Job, Limits
from codedpo_plugin.execution.assertions import Judgement, TestPlan, to_source
from codedpo_plugin.generation.prompts import END_STOP
from codedpo_plugin.records import Problem
from codedpo_plugin.suites import Suite, SuiteProblem
from codedpo_plugin.suites.references import Reference, reference_answers

log = logging.getLogger(__name__)

REFERENCE_LIMITS: Final = Limits(cpu_s=60.0, wall_s=120.0, memory_mb=4096, answer_mb=192)
MIN_TIME_LIMIT_S: Final = 1.0
TIME_FACTOR: Final = 4.0
"""A sample may take so many times as long as the canonical solution, as ``evalplus.config`` has it."""
LONG_ANSWER_S: Final = 5.0
"""CPU seconds added where an answer is so long that sending it takes longer than finding it (`Mbpp/255`)."""
FLOAT_ATOL: Final = 1e-6
"""Absolute tolerance where a float is expected and the task has none."""
WITHOUT_EXPECTATION: Final = {("humaneval", "find_zero")}
"""Functions whose answers are not compared with an expected one."""
DOUBTFUL: Final = re.compile("inf|nan|<")
"""What the ``repr`` of a value contains if it may not evaluate to the value."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where the data of one of EvalPlus's two data sets comes from."""

    dataset: str
    metadata_key: str
    variable: str
    prefix: str
    """What the ids of its tasks begin with."""
    download: Callable[[], Mapping[str, Any]]


def _download_humaneval() -> Mapping[str, Any]:
    from evalplus.data import get_human_eval_plus

    tasks: Mapping[str, Any] = get_human_eval_plus()
    return tasks


def _download_mbpp() -> Mapping[str, Any]:
    from evalplus.data import get_mbpp_plus

    tasks: Mapping[str, Any] = get_mbpp_plus()
    return tasks


HUMANEVAL: Final = Source(
    "humaneval", "humaneval_path", "HUMANEVAL_OVERRIDE_PATH", "HumanEval/", _download_humaneval
)
MBPP: Final = Source("mbpp", "mbpp_path", "MBPP_OVERRIDE_PATH", "Mbpp/", _download_mbpp)


def read_tasks(source: Source, metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return EvalPlus's tasks by id, from the metadata's path, the environment's, or EvalPlus's own download.

    Raises EvaluationError naming all three when none can be had.
    """
    path = metadata.get(source.metadata_key) or os.environ.get(source.variable)
    try:
        return _read_file(source, Path(path)) if path else source.download()
    except Exception as error:
        raise EvaluationError(
            f"the data of {source.dataset} cannot be read"
            f"{f' from {path}' if path else ''}: {type(error).__name__}: {error}. Give a local copy of EvalPlus's "
            f"release file with the environment variable {source.variable} or, to evaluate on it, with --metadata "
            f'\'{{"{source.metadata_key}": "FILE.jsonl"}}\', or make its download reachable.'
        ) from error


def _read_file(source: Source, path: Path) -> Mapping[str, Any]:
    """Read a release file, packed or not, restoring the types that JSON has no form for."""
    from evalplus.data.mbpp import mbpp_deserialize_inputs
    from evalplus.data.utils import stream_jsonl

    tasks = {task["task_id"]: task for task in stream_jsonl(str(path))}
    if not tasks:
        raise ValueError("the file is empty")
    if source is MBPP:
        for task_id, task in tasks.items():
            for part in ("base_input", "plus_input"):
                task[part] = mbpp_deserialize_inputs(task_id, task[part])
    return tasks


FIELDS: Final = ("prompt", "entry_point", "canonical_solution", "base_input", "plus_input", "atol")
"""What a task of a release file has."""


def require_inputs(source: Source, tasks: Mapping[str, Any]) -> None:
    """Raise EvaluationError for tasks of another data set, or without what a release of EvalPlus has of them."""
    for name, task in tasks.items():
        if not name.startswith(source.prefix):
            reason = f"{name!r} is no task of {source.dataset}, whose ids begin with {source.prefix!r}"
        elif missing := [field for field in FIELDS if field not in task]:
            reason = f"{name} has no {', '.join(missing)}: this is not a release file of EvalPlus"
        else:
            continue
        raise EvaluationError(f"{reason}. Look at {source.metadata_key} in the metadata, and at {source.variable}.")


@dataclass(frozen=True, slots=True)
class Case:
    """One input of a task, with what the canonical solution answers to it."""

    inputs: Any
    check: Check
    answer: Reference
    plus: bool
    """Whether EvalPlus added it."""

    @property
    def expected(self) -> Any:
        """Return the value the canonical solution answers."""
        return self.answer.value


def cases_of(dataset: str, tasks: Sequence[Any], *, plus: bool) -> list[list[Case]]:
    """Run the canonical solutions; return the cases of each task, its own before those EvalPlus added.

    Inputs whose answer is too large to leave the sandbox (a handful in MBPP+) have no case; they are logged.
    """
    inputs = [[*task["base_input"], *(task["plus_input"] if plus else [])] for task in tasks]
    jobs = [
        Job(
            task["prompt"] + task["canonical_solution"],
            tuple(_call(dataset, task["entry_point"], arguments) for arguments in own),
            REFERENCE_LIMITS,
        )
        for task, own in zip(tasks, inputs, strict=True)
    ]
    answers = reference_answers(f"{dataset}{'_plus' if plus else ''}", jobs)
    return [
        _cases(task, own, job.checks, row) for task, own, job, row in zip(tasks, inputs, jobs, answers, strict=True)
    ]


def _cases(task: Any, inputs: list[Any], checks: tuple[Check, ...], answers: Sequence[Reference]) -> list[Case]:
    cases = []
    for number, (own, check, answer) in enumerate(zip(inputs, checks, answers, strict=True)):
        if answer.ending is not Ending.VALUE:
            log.warning(
                "%s: input %d is left out: the reference ends with %s", task["task_id"], number, answer.ending
            )
            continue
        cases.append(Case(own, check, answer, plus=number >= len(task["base_input"])))
    if not cases and inputs:
        raise EvaluationError(f"{task['task_id']}: the canonical solution answers nothing: {answers[0]}")
    return cases


@no_collection()
def load(source: Source, metadata: Mapping[str, Any], *, plus: bool) -> list[SuiteProblem]:
    """Return the problems of a data set, with the tests EvalPlus added to it if ``plus``."""
    found = read_tasks(source, metadata)
    require_inputs(source, found)
    tasks = list(found.values())
    return [
        _suite_problem(source.dataset, t, c)
        for t, c in zip(tasks, cases_of(source.dataset, tasks, plus=plus), strict=True)
    ]


def _call(dataset: str, entry_point: str, arguments: Any) -> Check:
    """Return the call of a function with arguments that have a source form."""
    call = f"{entry_point}({', '.join(map(_argument, arguments))})"
    return Check(f"[*{call}]" if (dataset, entry_point) in answered_with_sets() else call)


def _argument(value: Any) -> str:
    """Return the source of an argument: its ``repr`` where that can be evaluated for sure, as it mostly can."""
    text = repr(value)
    return str(to_source(value)) if DOUBTFUL.search(text) else text


def _suite_problem(dataset: str, task: Any, cases: list[Case]) -> SuiteProblem:
    def plan(number: int, case: Case) -> TestPlan:
        oracle = partial(_agrees, dataset, task["entry_point"], task["atol"], cases, number)
        return TestPlan(case.check.source, case.check, Judgement(oracle=oracle, surely=case.answer.has_encoding))

    slowest = max((case.answer.cpu_s for case in cases), default=0.0)
    cpu_s = max(MIN_TIME_LIMIT_S, TIME_FACTOR * slowest) + LONG_ANSWER_S * any(c.answer.is_long for c in cases)
    limits = Limits(cpu_s=cpu_s, memory_mb=4096, max_timeouts=1, answer_mb=192)
    prompt = task["prompt"].strip() + "\n"  # as EvalPlus shows it to models
    return SuiteProblem(
        Problem(task["task_id"], prompt, task["entry_point"], "python", dataset),
        prompt + task["canonical_solution"],
        tuple(map(plan, range(len(cases)), cases)),
        sum(not case.plus for case in cases),
        limits=limits,
    )


def _agrees(dataset: str, entry_point: str, atol: float, cases: Sequence[Case], number: int, answer: Any) -> bool:
    """Return whether an answer to a case counts as right, those to the earlier cases having been right.

    EvalPlus runs the suite's own tests and those it added in a loop each. In a loop, the tolerance of a task that
    has none stays for all that comes after a float that was expected.
    """
    case = cases[number]
    agree = partial(agrees, dataset, entry_point, inputs=case.inputs, expected=case.expected, answer=answer)
    if agree(atol=atol):
        return True
    earlier = (other for other in cases[:number] if other.plus is case.plus)
    return atol == 0 and agree(atol=FLOAT_ATOL) and any(is_floats(other.expected) for other in earlier)


def agrees(dataset: str, entry_point: str, atol: float, inputs: Any, expected: Any, answer: Any) -> bool:
    """Return whether an answer counts as right, by the rules of ``evalplus.eval.unsafe_execute`` (0.3.1).

    Raises what comparing the values raises; the caller takes that for a wrong answer, as EvalPlus does.
    """
    special = special_oracles().get((dataset, entry_point))
    exact = bool(special(Reply(inputs, expected, answer, atol)) if special else answer == expected)
    if atol == 0 and is_floats(expected):
        atol = FLOAT_ATOL
    if exact or atol == 0 or (dataset, entry_point) in WITHOUT_EXPECTATION:
        return exact
    if type(answer) is not type(expected):
        return False
    if isinstance(expected, list | tuple) and len(answer) != len(expected):
        return False
    return bool(np.allclose(answer, expected, rtol=1e-07, atol=atol))


def is_floats(value: Any) -> bool:
    """Return whether a value is a float or a non-empty list or tuple of floats."""
    return isinstance(value, float) or (
        isinstance(value, list | tuple) and bool(value) and all(isinstance(item, float) for item in value)
    )


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, with what it answers and what was expected."""

    inputs: Any
    expected: Any
    answer: Any
    atol: float


Oracle = Callable[[Reply], Any]
"""Says by its truth whether a reply is right."""


def found(value: Any) -> bool:
    """Return whether something was found; what it was has no portable form."""
    return value if isinstance(value, bool) else value is not None


@cache
def answered_with_sets() -> frozenset[tuple[str, str]]:
    """Return the functions of whose answers EvalPlus takes the set: whatever can be iterated, generators too."""
    from evalplus.eval._special_oracle import MBPP_OUTPUT_SET_EQ_TASKS

    return frozenset(("mbpp", name) for name in MBPP_OUTPUT_SET_EQ_TASKS)


@cache
def special_oracles() -> Mapping[tuple[str, str], Oracle]:
    """Return EvalPlus's special oracles by data set and function."""
    from evalplus.eval import _special_oracle as special

    return {
        ("humaneval", "find_zero"): lambda r: abs(special._poly(*r.inputs, r.answer)) <= r.atol,
        **{key: lambda r: set(r.answer) == set(r.expected) for key in answered_with_sets()},
        **{
            ("mbpp", name): lambda r: found(r.answer) == found(r.expected)
            for name in special.MBPP_OUTPUT_NOT_NONE_TASKS
        },
        ("mbpp", "are_equivalent"): lambda _: True,
        ("mbpp", "sum_div"): lambda r: r.answer == r.expected or r.answer == 0,
        ("mbpp", "surface_Area"): lambda r: (
            r.answer == r.expected or abs(r.answer - special._surface_Area(*r.inputs)) <= r.atol
        ),
        ("mbpp", "digit_distance_nums"): lambda r: (
            r.answer == r.expected or r.answer == special._digit_distance_nums(*r.inputs)
        ),
    }


HUMANEVAL_STOP: Final = ("\ndef ", "\nclass ", "\nimport ", "\nfrom ", "\nassert ", *END_STOP)
MBPP_STOP: Final = ('\n"""', "\nassert", *END_STOP)


def _suite(source: Source, stop: tuple[str, ...], description: str, *, plus: bool = False) -> Suite:
    name = f"{source.dataset}_plus" if plus else source.dataset
    return Suite(name, partial(load, source, plus=plus), stop, description, options=(source.metadata_key,))


SUITES: Final = (
    _suite(HUMANEVAL, HUMANEVAL_STOP, "HumanEval, 164 problems"),
    _suite(HUMANEVAL, HUMANEVAL_STOP, "HumanEval+ of EvalPlus", plus=True),
    _suite(MBPP, MBPP_STOP, "MBPP, 378 problems"),
    _suite(MBPP, MBPP_STOP, "MBPP+ of EvalPlus", plus=True),
)

"""Candidates from EvalPlus: its sample files, and its ``eval_results.json``, whose details are a pass matrix.

The tests are EvalPlus's inputs with the canonical solution's answers. EvalPlus stops at the first failing input
unless it was run with ``--test-details``: what it did not run is NOT_RUN here, not a failure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any, Final

import numpy as np

from codedpo_plugin.errors import EvaluationError, InputError
from codedpo_plugin.execution.assertions import to_source
from codedpo_plugin.formats import jsonl
from codedpo_plugin.importing import Imported
from codedpo_plugin.records import Candidates, PassMatrix, Verdict
from codedpo_plugin.suites.evalplus import (
    HUMANEVAL,
    MBPP,
    Case,
    Source,
    cases_of,
    found,
    is_floats,
    read_tasks,
    special_oracles,
)

LONGEST_TEST: Final = 4_000
"""Inputs or answers longer than so many characters make no test."""


def read_evalplus(path: Path, data: Path | None = None) -> Imported:
    """Return the candidates in a sample file (``.jsonl``) or in the results of an evaluation (``.json``).

    ``data`` is EvalPlus's release file; without it the data is found as EvalPlus finds it. Raises InputError for
    a file of neither kind.
    """
    imported = Imported()
    if path.suffix == ".json":
        results = read_eval_results(path)
        programs = {task: [str(entry["solution"]) for entry in entries] for task, entries in results.items()}
    else:
        results, programs = {}, _read_programs(path, data, imported)
    known = read_tasks(*_source_of(programs, path, data))
    for task_id in [t for t in programs if t not in known]:
        imported.counts["unknown_tasks"] += 1
        del programs[task_id]
    tasks = [known[task_id] for task_id in programs]
    dataset = dataset_of(tasks[0]["task_id"]) if tasks else ""
    for task, cases in zip(tasks, cases_of(dataset, tasks, plus=True), strict=True):
        _add(task, programs[task["task_id"]], cases, results.get(task["task_id"]), imported)
    return imported


def _source_of(programs: Mapping[str, Any], path: Path, data: Path | None) -> tuple[Source, dict[str, Any]]:
    """Return the data set that task ids belong to, and the metadata that names its file."""
    prefixes = {task.split("/")[0] for task in programs}
    if prefixes not in ({"HumanEval"}, {"Mbpp"}):
        raise InputError(f"{path}: tasks of HumanEval or of Mbpp are expected, got {', '.join(sorted(prefixes))}")
    source = HUMANEVAL if prefixes == {"HumanEval"} else MBPP
    return source, {source.metadata_key: str(data)} if data else {}


def read_eval_results(path: Path) -> dict[str, list[Any]]:
    """Return the entries of EvalPlus's results by task. Raises InputError for a file that is not one."""
    try:
        entries = json.loads(path.read_text("utf-8"))["eval"]
        for entry in (entry for own in entries.values() for entry in own):
            jsonl.text_field(entry, "solution")
        return {task: list(own) for task, own in entries.items()}
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise InputError(f"{path}: not EvalPlus's results: {type(error).__name__}: {error}") from error


def _read_programs(path: Path, data: Path | None, imported: Imported) -> dict[str, list[str]]:
    """Return the programs of a sample file by task; completions get their prompt in front."""

    def parse(value: Mapping[str, Any]) -> tuple[str, str, bool]:
        whole = "solution" in value
        return (
            jsonl.text_field(value, "task_id"),
            jsonl.text_field(value, "solution" if whole else "completion"),
            whole,
        )

    lines = list(jsonl.read(path, parse, imported.bad, unique=False))
    if not lines:
        raise InputError(f"{path}: no usable sample\n{imported.bad}")
    tasks: Mapping[str, Any] = {}
    if not all(whole for *_, whole in lines):
        tasks = read_tasks(*_source_of(dict.fromkeys(task for task, *_ in lines), path, data))
    programs: dict[str, list[str]] = {}
    for task_id, text, whole in lines:
        prompt = "" if whole else tasks.get(task_id, {}).get("prompt", "")
        programs.setdefault(task_id, []).append(prompt + text)
    return programs


def _add(task: Any, programs: Sequence[str], cases: Sequence[Case], entries: Any, imported: Imported) -> None:
    """Add the candidates of one task, and its matrix if there are results."""
    tests = [assertion(task, case) for case in cases]
    kept = [i for i, test in enumerate(tests) if test is not None and len(test) <= LONGEST_TEST]
    without_source = tests.count(None)
    imported.counts.update(
        solutions=len(programs),
        tests=len(kept),
        tests_without_source=without_source,
        tests_too_long=len(tests) - len(kept) - without_source,
    )
    if not kept:
        imported.counts["problem_without_tests"] += 1
        return
    candidates = Candidates(
        task["task_id"],
        task["prompt"],
        task["entry_point"],
        tuple(programs),
        tuple(test for i in kept if (test := tests[i]) is not None),
        {"imported_from": "evalplus"},
    )
    imported.candidates.append(candidates)
    if entries is not None:
        rows = np.array([recorded_verdicts(entry, cases) for entry in entries], np.uint8)
        imported.matrices.append(PassMatrix(task["task_id"], rows[:, kept]))


def assertion(task: Any, case: Case) -> str | None:
    """Return a case as an assertion that holds for what EvalPlus takes for right; None if there is none.

    Numbers get a tolerance where EvalPlus has one. An expected value that has no source form makes no test.
    """
    call, expected = case.check.source, to_source(case.expected)
    if (dataset_of(task["task_id"]), task["entry_point"]) in special_oracles():
        return _special_assertion(task, case, call, expected)
    if expected is None:
        return None
    number = isinstance(case.expected, float) or (task["atol"] and isinstance(case.expected, int))
    if number and isfinite(case.expected):
        return f"assert abs({call} - {expected}) <= {max(task['atol'], 1e-6)} + 1e-07 * abs({expected})"
    if is_floats(case.expected) and not number:
        within = f"abs(a - b) <= {max(task['atol'], 1e-6)} + 1e-07 * abs(b)"
        close = f"len(got) == {len(case.expected)} and all({within} for a, b in zip(got, {expected}))"
        return f"assert (lambda got: {close})({call})"
    return f"assert {call} == {expected}"


def _special_assertion(task: Any, case: Case, call: str, expected: str | None) -> str | None:
    """Return the assertion of a task that EvalPlus judges by an oracle of its own."""
    from evalplus.eval import _special_oracle as special

    name = task["entry_point"]
    if name == "find_zero":
        value = f"sum(c * x ** i for i, c in enumerate({to_source(case.inputs[0])}))"
        return f"assert (lambda x: abs({value}) <= {task['atol']})({call})"
    if name in special.MBPP_OUTPUT_NOT_NONE_TASKS:
        return f"assert (lambda got: got is not None and got is not False)({call}) is {found(case.expected)}"
    if expected is None:
        return None
    if name in special.MBPP_OUTPUT_SET_EQ_TASKS:
        return f"assert set({call}) == set({expected})"
    if name in ("surface_Area", "digit_distance_nums"):
        return f"assert {call} in ({expected}, {getattr(special, f'_{name}')(*case.inputs)})"
    return f"assert {call} in ({expected}, 0)" if name == "sum_div" else None


def dataset_of(task_id: str) -> str:
    """Return the data set that a task id belongs to."""
    return MBPP.dataset if task_id.startswith("Mbpp/") else HUMANEVAL.dataset


def recorded_verdicts(entry: Mapping[str, Any], cases: Sequence[Case]) -> list[int]:
    """Return the verdicts EvalPlus recorded of one sample, one per case."""
    task_id = str(entry.get("task_id"))
    base = [_recorded(task_id, case.inputs) for case in cases if not case.plus]
    plus = [_recorded(task_id, case.inputs) for case in cases if case.plus]
    return [
        *_part(entry.get("base_status"), entry.get("base_fail_tests"), base),
        *_part(entry.get("plus_status"), entry.get("plus_fail_tests"), plus),
    ]


def _part(status: Any, failed: Any, cases: Sequence[str]) -> list[int]:
    """Return the verdicts on the suite's own inputs or on those added to it.

    Several failing inputs mean that all were run (``--test-details``). One means that the run ended there; for a
    timeout it is the last input that was finished, so that the one after it is the one that took too long.
    """
    match status:
        case "pass":
            return [Verdict.PASS] * len(cases)
        case None:
            return [Verdict.NOT_RUN] * len(cases)
        case "fail" | "timeout":
            pass
        case _:
            raise EvaluationError(f"EvalPlus has no status {status!r}")
    wrong = [_plain(inputs) for inputs in failed or []]
    at = [i for i, inputs in enumerate(cases) if inputs in wrong]
    if len(wrong) > 1:
        rest = Verdict.NOT_RUN if status == "timeout" else Verdict.PASS
        return [Verdict.FAIL if i in at else rest for i in range(len(cases))]
    if not at:  # failed before the first input, or in one that has no case here
        first = Verdict.TIMEOUT if status == "timeout" else Verdict.ERROR
        return [first] * len(cases) if not wrong else [Verdict.NOT_RUN] * len(cases)
    end = at[0] + (status == "timeout")
    last = Verdict.TIMEOUT if status == "timeout" else Verdict.FAIL
    return [Verdict.PASS if i < end else last if i == end else Verdict.NOT_RUN for i in range(len(cases))]


def _recorded(task_id: str, inputs: Any) -> str:
    """Return inputs as EvalPlus writes them."""
    from evalplus.data.mbpp import mbpp_serialize_inputs

    return _plain(mbpp_serialize_inputs(task_id, [inputs])[0] if task_id.startswith("Mbpp/") else inputs)


def _plain(inputs: Any) -> str:
    """Return inputs as text that is the same before and after a trip through JSON."""
    return json.dumps(inputs, default=lambda v: sorted(v) if isinstance(v, set | frozenset) else str(v))

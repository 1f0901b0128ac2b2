"""Candidates from EvalPlus: its sample files, and its ``eval_results.json``, whose details are a pass matrix.

The tests are EvalPlus's inputs with the canonical solution's answers. EvalPlus stops at the first failing input
unless it was run with ``--test-details``: what it did not run is NOT_RUN here, not a failure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from codedpo_plugin.errors import EvaluationError, InputError
from codedpo_plugin.execution.assertions import to_source
from codedpo_plugin.formats import jsonl
from codedpo_plugin.importing import Imported
from codedpo_plugin.records import Candidates, PassMatrix, Verdict
from codedpo_plugin.suites.evalplus import HUMANEVAL, MBPP, Case, Source, cases_of, is_floats, read_tasks

LONGEST_TEST: Final = 4_000
"""Inputs or answers longer than so many characters make no test."""


def read_evalplus(path: Path, data: Path | None = None) -> Imported:
    """Return the candidates in a sample file (``.jsonl``) or in the results of an evaluation (``.json``).

    ``data`` is EvalPlus's release file; without it the data is found as EvalPlus finds it. Raises InputError for
    a file of neither kind.
    """
    imported = Imported()
    if path.suffix == ".json":
        results = _read_results(path)
        programs = {task: [str(entry["solution"]) for entry in entries] for task, entries in results.items()}
    else:
        results, programs = {}, _read_programs(path, data, imported)
    known = read_tasks(*_source_of(programs, path, data))
    for task_id in [t for t in programs if t not in known]:
        imported.counts["unknown_tasks"] += 1
        del programs[task_id]
    tasks = [known[task_id] for task_id in programs]
    for task, cases in zip(tasks, cases_of(tasks, plus=True), strict=True):
        _add(task, programs[task["task_id"]], cases, results.get(task["task_id"]), imported)
    return imported


def _source_of(programs: Mapping[str, Any], path: Path, data: Path | None) -> tuple[Source, dict[str, Any]]:
    """Return the data set that task ids belong to, and the metadata that names its file."""
    prefixes = {task.split("/")[0] for task in programs}
    if prefixes not in ({"HumanEval"}, {"Mbpp"}):
        raise InputError(f"{path}: tasks of HumanEval or of Mbpp are expected, got {', '.join(sorted(prefixes))}")
    source = HUMANEVAL if prefixes == {"HumanEval"} else MBPP
    return source, {source.metadata_key: str(data)} if data else {}


def _read_results(path: Path) -> dict[str, list[Any]]:
    """Return EvalPlus's results by task."""
    try:
        entries = json.loads(path.read_text("utf-8"))["eval"]
        return {task: list(own) for task, own in entries.items()}
    except (OSError, ValueError, KeyError, AttributeError) as error:
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
    kept = [i for i, test in enumerate(tests) if len(test) <= LONGEST_TEST]
    imported.counts.update(solutions=len(programs), tests=len(kept), tests_too_long=len(tests) - len(kept))
    if not kept:
        imported.counts["problem_without_tests"] += 1
        return
    candidates = Candidates(
        task["task_id"],
        task["prompt"],
        task["entry_point"],
        tuple(programs),
        tuple(tests[i] for i in kept),
        {"imported_from": "evalplus"},
    )
    imported.candidates.append(candidates)
    if entries is not None:
        rows = np.array([recorded_verdicts(entry, cases) for entry in entries], np.uint8)
        imported.matrices.append(PassMatrix(task["task_id"], rows[:, kept]))


def assertion(task: Any, case: Case) -> str:
    """Return a case as an assertion: with a tolerance for numbers, where EvalPlus has one."""
    call, expected = case.check.source, to_source(case.expected)
    if isinstance(case.expected, float) or (task["atol"] and isinstance(case.expected, int | float)):
        return f"assert abs({call} - {expected}) <= {max(task['atol'], 1e-6)} + 1e-07 * abs({expected})"
    if is_floats(case.expected):
        within = f"abs(a - b) <= {max(task['atol'], 1e-6)} + 1e-07 * abs(b)"
        close = f"len(got) == {len(case.expected)} and all({within} for a, b in zip(got, {expected}))"
        return f"assert (lambda got: {close})({call})"
    return f"assert {call} == {expected}"


def recorded_verdicts(entry: Mapping[str, Any], cases: Sequence[Case]) -> list[int]:
    """Return the verdicts EvalPlus recorded of one sample, one per case."""
    base = [case for case in cases if not case.plus]
    plus = [case for case in cases if case.plus]
    return [
        *_part(entry.get("base_status"), entry.get("base_fail_tests"), base),
        *_part(entry.get("plus_status"), entry.get("plus_fail_tests"), plus),
    ]


def _part(status: Any, failed: Any, cases: Sequence[Case]) -> list[int]:
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
    at = [i for i, case in enumerate(cases) if _plain(case.inputs) in wrong]
    if len(wrong) > 1:
        rest = Verdict.NOT_RUN if status == "timeout" else Verdict.PASS
        return [Verdict.FAIL if i in at else rest for i in range(len(cases))]
    if not at:  # failed before the first input, or in one that has no case here
        first = Verdict.TIMEOUT if status == "timeout" else Verdict.ERROR
        return [first] * len(cases) if not wrong else [Verdict.NOT_RUN] * len(cases)
    end = at[0] + (status == "timeout")
    last = Verdict.TIMEOUT if status == "timeout" else Verdict.FAIL
    return [Verdict.PASS if i < end else last if i == end else Verdict.NOT_RUN for i in range(len(cases))]


def _plain(inputs: Any) -> str:
    """Return inputs as text that is the same before and after a trip through JSON."""
    return json.dumps(inputs, default=lambda v: sorted(v) if isinstance(v, set | frozenset) else str(v))

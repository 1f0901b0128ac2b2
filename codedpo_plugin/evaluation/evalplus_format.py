"""The results of a suite of EvalPlus in the form of its ``eval_results.json``, for tools that read those."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from codedpo_plugin.evaluation.results import SampleResult, SuiteResult
from codedpo_plugin.formats.files import atomic_write

BASE_ONLY: Final = frozenset({"humaneval", "mbpp"})
SUITES: Final = BASE_ONLY | {"humaneval_plus", "mbpp_plus"}


def evalplus_path(result_path: Path) -> Path:
    """Return where the file goes that belongs to a result: beside it, in a folder of its own."""
    return result_path.parent / "evalplus" / f"{result_path.stem}_eval_results.json"


def as_evalplus(result: SuiteResult, date: datetime) -> dict[str, Any]:
    """Return a result in EvalPlus's form. Inputs a sample fails on are not listed: it is not run on all of them."""
    base = replace(result, samples=tuple(replace(sample, status=sample.base_status) for sample in result.samples))
    parts = {"base": base} if result.suite in BASE_ONLY else {"base": base, "plus": result}
    return {
        "date": date.strftime("%Y-%m-%d %H:%M"),
        "hash": result.suite_version,
        "eval": {task: [_entry(sample) for sample in own] for task, own in result.by_problem().items()},
        "pass_at_k": {
            part: {name: estimate.value for name, estimate in own.metrics.items()} for part, own in parts.items()
        },
    }


def _entry(sample: SampleResult) -> dict[str, Any]:
    return {
        "task_id": sample.problem_id,
        "solution": sample.solution,
        "base_status": _status(sample.base_status),
        "plus_status": None if sample.plus_status is None else _status(sample.plus_status),
        "base_fail_tests": [],
        "plus_fail_tests": [],
    }


def _status(status: str) -> str:
    """Return EvalPlus's word: pass, timeout or fail."""
    return status if status in ("pass", "timeout") else "fail"


def write_evalplus(result_path: Path, result: SuiteResult) -> Path | None:
    """Write the file that belongs to a result and return its path; None for a suite that is not EvalPlus's.

    ``evalplus.evaluate --samples <suite>.jsonl`` in its folder prints it. It holds the time, as EvalPlus's does.
    """
    if result.suite not in SUITES:
        return None
    path = evalplus_path(result_path)
    with atomic_write(path) as handle:
        handle.write(json.dumps(as_evalplus(result, datetime.now())).encode() + b"\n")
    return path

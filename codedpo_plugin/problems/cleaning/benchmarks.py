"""The texts of the benchmarks that training data must not contain, and of lists the user gives."""

from __future__ import annotations

import ast
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from codedpo_plugin.errors import InputError, unknown_name
from codedpo_plugin.execution.assertions import Parsed
from codedpo_plugin.formats import jsonl
from codedpo_plugin.problems.cleaning.decontamination import BenchmarkText

log = logging.getLogger(__name__)

PROSE_FIELDS: Final = ("prompt", "instruction", "problem", "description", "text", "question")
CODE_FIELDS: Final = ("solution", "canonical_solution", "reference_code", "code", "answer", "response")
ID_FIELDS: Final = ("task_id", "problem_id", "id")


def benchmark_texts(names: Sequence[str], files: Sequence[Path] = ()) -> list[BenchmarkText]:
    """Return the texts of some benchmarks, read as their suites read them, and of a user's files.

    Raises UsageError for an unknown name, EvaluationError when the data of a benchmark cannot be had (naming the
    variable that takes a local copy), InputError when a file has no usable line.
    """
    unknown = next((name for name in names if name not in BENCHMARKS), None)
    if unknown is not None:
        raise unknown_name("benchmark", unknown, BENCHMARKS)
    texts = [text for name in names for text in BENCHMARKS[name]()]
    return texts + [text for path in files for text in _user_texts(path)]


def benchmark_files(names: Sequence[str], files: Sequence[Path] = ()) -> tuple[Path, ...]:
    """Return the local files that :func:`benchmark_texts` reads: the user's, and copies that variables name."""
    from codedpo_plugin.suites.ds1000 import VARIABLE
    from codedpo_plugin.suites.evalplus import HUMANEVAL, MBPP

    variables = {"humaneval": HUMANEVAL.variable, "mbpp": MBPP.variable, "ds1000": VARIABLE}
    copies = (os.environ.get(variables[name]) for name in names if name in variables)
    return (*files, *(Path(copy) for copy in copies if copy))


def _evalplus(dataset: str) -> Iterator[BenchmarkText]:
    """Yield prompts, their prose alone, and solutions of a data set of EvalPlus."""
    from codedpo_plugin.suites.evalplus import HUMANEVAL, MBPP, read_tasks

    source = {"humaneval": HUMANEVAL, "mbpp": MBPP}[dataset]
    for task_id, task in read_tasks(source, {}).items():
        program = task["prompt"] + task["canonical_solution"]
        yield BenchmarkText(dataset, task_id, "prompt", task["prompt"])
        yield BenchmarkText(dataset, task_id, "description", _prose(task["prompt"]))
        yield BenchmarkText(dataset, task_id, "solution", program, code=True)
        yield BenchmarkText(dataset, task_id, "solution", task["canonical_solution"], code=True)


def _ds1000() -> Iterator[BenchmarkText]:
    from codedpo_plugin.suites.ds1000 import PREFIX, read_rows

    for row in read_rows({}):
        item = f"{PREFIX}{row['metadata']['problem_id']}"
        yield BenchmarkText("ds1000", item, "prompt", row["prompt"])
        yield BenchmarkText("ds1000", item, "solution", row["reference_code"], code=True)


BENCHMARKS: Final[Mapping[str, Callable[[], Iterator[BenchmarkText]]]] = {
    "humaneval": lambda: _evalplus("humaneval"),
    "mbpp": lambda: _evalplus("mbpp"),
    "ds1000": _ds1000,
}


def _prose(prompt: str) -> str:
    """Return what a prompt says in words: its last documentation string without examples, if it has one."""
    try:
        tree = ast.parse(prompt)
    except Parsed:
        return ""
    texts = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    lines = texts[-1].split("\n") if texts else []
    end = next((i for i, line in enumerate(lines) if line.lstrip().startswith((">>>", "assert"))), len(lines))
    return "\n".join(lines[:end])


def _user_texts(path: Path) -> list[BenchmarkText]:
    """Return the texts in a user's file of JSON lines: the fields that prompts and solutions are usually in."""
    bad = jsonl.BadLines()
    found = [text for texts in jsonl.read(path, _row_texts(path), bad, unique=False) for text in texts]
    if bad:
        log.warning("%d lines were left out:\n%s", len(bad), bad)
    if not found:
        fields = ", ".join((*PROSE_FIELDS, *CODE_FIELDS))
        raise InputError(f"{path}: no text to look for; a line needs one of the fields {fields}\n{bad}")
    return found


def _row_texts(path: Path) -> Callable[[Mapping[str, Any]], list[BenchmarkText]]:
    def parse(row: Mapping[str, Any]) -> list[BenchmarkText]:
        item = next((str(row[name]) for name in ID_FIELDS if name in row), "")
        texts = [
            BenchmarkText(path.name, item, name, jsonl.text_field(row, name), code=name in CODE_FIELDS)
            for name in (*PROSE_FIELDS, *CODE_FIELDS)
            if row.get(name) is not None
        ]
        if not texts:
            raise ValueError(f"none of the fields {', '.join((*PROSE_FIELDS, *CODE_FIELDS))}")
        return texts

    return parse

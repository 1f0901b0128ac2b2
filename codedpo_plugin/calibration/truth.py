"""Reading what is known to be right: a run directory, and the truth about its solutions.

The truth is either JSON lines of ``problem_id`` and ``right``, a boolean per solution of ``candidates.jsonl`` in
their order, or the result of an evaluation (``eval/<suite>.json``), whose samples are found again by their text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from codedpo_plugin.calibration.examples import LabelledProblem
from codedpo_plugin.errors import InputError
from codedpo_plugin.evaluation.results import read_result
from codedpo_plugin.formats import jsonl, parquet
from codedpo_plugin.pairing.examples import examples_among
from codedpo_plugin.programs import normalise
from codedpo_plugin.records import Candidates
from codedpo_plugin.rundir import RunDirectory

Judge: TypeAlias = Callable[[Candidates], list[bool] | None]
"""Says which solutions of a problem are right; None if that is not known."""


def read_labelled(run: RunDirectory, truth: Path) -> tuple[list[LabelledProblem], list[str]]:
    """Return the problems of a run of which the truth is known, and a line for each that is left out.

    Raises InputError when a file cannot be read or no problem is left; UsageError when the run has no matrix.
    """
    judge, left_out = _from_result(truth) if truth.suffix == ".json" else _from_lines(truth)
    candidates, _ = jsonl.read_all(run.require(run.candidates, "build"), jsonl.candidates_parser())
    matrices = parquet.read_matrices(run.require(run.matrix, "execute DIR"))
    found = []
    for own, matrix in zip(candidates, matrices, strict=True):
        right = judge(own)
        if right is None or len(right) != len(own.solutions) or matrix.verdicts.shape[0] != len(own.solutions):
            left_out.append(f"{truth}: problem {own.problem_id}: {_reason(own, right)}")
        else:
            programs = tuple(map(normalise, own.solutions))
            found.append(LabelledProblem(matrix, np.array(right, bool), programs, examples_among(own)))
    if not found:
        raise InputError("\n".join([f"{truth}: the truth is known of no problem of {run.path}", *left_out[:5]]))
    return found, left_out


def _reason(candidates: Candidates, right: list[bool] | None) -> str:
    if right is None:
        return "nothing is said about it, or not about every solution"
    return f"{len(right)} values for {len(candidates.solutions)} solutions"


def _from_lines(path: Path) -> tuple[Judge, list[str]]:
    """Return the judge of a file of JSON lines, and its bad lines."""
    records, bad = jsonl.read_all(path, _line)
    by_id = dict(records)
    return lambda candidates: by_id.get(candidates.problem_id), bad.messages


def _line(value: Mapping[str, Any]) -> tuple[str, list[bool]]:
    right = value["right"]
    if not isinstance(right, list) or not all(isinstance(item, bool) for item in right):
        raise TypeError("field 'right' has to be a list of true and false")
    return jsonl.id_field(value), right


def _from_result(path: Path) -> tuple[Judge, list[str]]:
    """Return the judge of an evaluation's result. Samples may be whole programs or continue the prompt."""
    known = {(s.problem_id, s.solution): s.passed for s in read_result(path).samples if s.ran}

    def judge(candidates: Candidates) -> list[bool] | None:
        found = [next(_verdicts(candidates, solution), None) for solution in candidates.solutions]
        return None if None in found else [bool(verdict) for verdict in found]

    def _verdicts(candidates: Candidates, solution: str) -> Iterator[bool]:
        for text in (solution, solution.removeprefix(candidates.prompt)):
            if (candidates.problem_id, text) in known:
                yield known[candidates.problem_id, text]

    return judge, []

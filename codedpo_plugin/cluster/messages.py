"""What crosses the network: our own records as JSON in bytes, checked on arrival; nothing of ours is pickled.

A program's output never gets here: the engine on the node has made verdicts of it. What a node sends is still
checked against what it was asked, so that a node with a defect, or one in the wrong hands, can at most give
wrong verdicts on its own problems.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from codedpo_plugin.records import Candidates, PassMatrix, Verdict


def pack_candidates(group: Sequence[Candidates]) -> bytes:
    """Return the message that asks for the matrices of some problems."""
    return json.dumps([[c.problem_id, c.entry_point, c.solutions, c.tests] for c in group]).encode()


def unpack_candidates(message: bytes) -> list[Candidates]:
    """Return the candidates in a message, without prompts, which no program needs to run."""
    return [
        Candidates(problem_id, "", entry_point, tuple(solutions), tuple(tests))
        for problem_id, entry_point, solutions, tests in json.loads(message)
    ]


def pack_matrices(matrices: Iterable[PassMatrix]) -> bytes:
    """Return the message that answers with matrices."""
    return json.dumps([_columns(matrix) for matrix in matrices]).encode()


def _columns(matrix: PassMatrix) -> list[Any]:
    times = None if matrix.cpu_ns is None else _text(matrix.cpu_ns, "<i8")
    return [matrix.problem_id, _text(matrix.verdicts, np.uint8), times, list(matrix.judged_inside)]


def _text(cells: NDArray[Any], form: DTypeLike) -> str:
    return b64encode(np.ascontiguousarray(cells, form).tobytes()).decode()


def unpack_matrices(message: object, asked: Sequence[Candidates]) -> list[PassMatrix]:
    """Return the matrices in an answer. Raises ValueError if they are not those of the problems asked for."""
    if not isinstance(message, bytes):
        raise ValueError(f"bytes are expected, got {type(message).__name__}")
    try:
        rows = json.loads(message)
        return [_matrix(one, *row) for row, one in zip(rows, asked, strict=True)]
    except (TypeError, RecursionError) as error:
        raise ValueError(str(error)) from error


def _matrix(asked: Candidates, problem_id: Any, verdicts: Any, times: Any, inside: Any) -> PassMatrix:
    """Return one matrix. Raises ValueError or TypeError if it does not answer what was asked."""
    if problem_id != asked.problem_id:
        raise ValueError(f"problem {asked.problem_id!r} was asked for, not {problem_id!r}")
    shape = (len(asked.solutions), len(asked.tests))
    cells = _cells(verdicts, np.uint8, shape)
    if cells.size and cells.max() > max(Verdict):
        raise ValueError(f"problem {asked.problem_id!r}: a verdict that does not exist")
    if any(type(column) is not int or not 0 <= column < shape[1] for column in inside):
        raise ValueError(f"problem {asked.problem_id!r}: a test that does not exist was judged inside")
    cpu_ns = None if times is None else _cells(times, "<i8", shape).astype(np.int64)
    return PassMatrix(asked.problem_id, cells, cpu_ns, tuple(inside))


def _cells(text: str, form: DTypeLike, shape: tuple[int, int]) -> NDArray[Any]:
    return np.frombuffer(b64decode(text, validate=True), form).reshape(shape)

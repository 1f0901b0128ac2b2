"""Parquet: pass matrices and scores, a row per problem, written and read in streams."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from codedpo_plugin.errors import InputError
from codedpo_plugin.formats.files import Form, atomic_write
from codedpo_plugin.records import SCHEMA_VERSION, PassMatrix, Scores, Verdict

ROWS: Final = 1024
"""Problems a row group."""

_METADATA: Final = {
    "codedpo.schema_version": str(SCHEMA_VERSION),
    "codedpo.verdicts": json.dumps({v.name: int(v) for v in Verdict}),
}

MATRIX_SCHEMA: Final = pa.schema(
    [
        pa.field("problem_id", pa.string(), nullable=False),
        pa.field("n_solutions", pa.int32(), nullable=False),
        pa.field("n_tests", pa.int32(), nullable=False),
        pa.field("verdicts", pa.binary(), nullable=False),
        pa.field("cpu_ns", pa.list_(pa.int64())),
        pa.field("judged_inside", pa.list_(pa.int32()), nullable=False),
    ],
    metadata=_METADATA,
)

SCORES_SCHEMA: Final = pa.schema(
    [
        pa.field("problem_id", pa.string(), nullable=False),
        pa.field("ranker", pa.string(), nullable=False),
        pa.field("solution_scores", pa.list_(pa.float64()), nullable=False),
        pa.field("test_scores", pa.list_(pa.float64()), nullable=False),
        pa.field("params", pa.string(), nullable=False),
    ],
    metadata=_METADATA,
)


def write_matrices(path: Path, matrices: Iterable[PassMatrix]) -> int:
    """Write pass matrices as they come; return how many."""
    return _write(path, MATRIX_SCHEMA, map(_matrix_row, matrices))


def write_scores(path: Path, scores: Iterable[Scores]) -> int:
    """Write scores as they come; return how many."""
    return _write(path, SCORES_SCHEMA, _scores_rows(scores))


def read_matrices(path: Path) -> Iterator[PassMatrix]:
    """Yield the matrices of a file in its order. Raises InputError for a file that is not one of ours."""
    for row in _rows(path, MATRIX_SCHEMA):
        try:
            matrix = _matrix_from(row)
        except (TypeError, ValueError) as error:
            raise InputError(f"{path}: problem {row['problem_id']}: {error}") from error
        yield matrix


def _matrix_from(row: dict[str, Any]) -> PassMatrix:
    """Return the matrix of a row. Raises TypeError or ValueError if it is not one."""
    shape = (row["n_solutions"], row["n_tests"])
    verdicts = np.frombuffer(row["verdicts"], np.uint8)
    if verdicts.size != shape[0] * shape[1]:
        raise ValueError(f"{verdicts.size} verdicts for {shape} cells")
    times = row["cpu_ns"]
    cpu_ns = None if times is None else np.array(times, np.int64).reshape(shape)
    return PassMatrix(row["problem_id"], verdicts.reshape(shape), cpu_ns, tuple(row["judged_inside"] or ()))


def read_scores(path: Path) -> Iterator[Scores]:
    """Yield the scores of a file in its order. Raises InputError for a file that is not one of ours."""
    for row in _rows(path, SCORES_SCHEMA):
        yield Scores(
            row["problem_id"],
            row["ranker"],
            np.array(row["solution_scores"], np.float64),
            np.array(row["test_scores"], np.float64),
            json.loads(row["params"] or "{}"),
        )


def _matrix_row(matrix: PassMatrix) -> dict[str, Any]:
    rows, columns = matrix.verdicts.shape
    return {
        "problem_id": matrix.problem_id,
        "n_solutions": rows,
        "n_tests": columns,
        "verdicts": np.ascontiguousarray(matrix.verdicts, np.uint8).tobytes(),
        "cpu_ns": None if matrix.cpu_ns is None else matrix.cpu_ns.ravel().tolist(),
        "judged_inside": list(matrix.judged_inside),
    }


def _scores_rows(scores: Iterable[Scores]) -> Iterator[dict[str, Any]]:
    known: Mapping[str, Any] | None = None
    params = ""
    for one in scores:
        if one.params is not known:  # many problems share them; writing them anew takes a tenth of the time
            known, params = one.params, json.dumps(dict(one.params), sort_keys=True)
        yield {
            "problem_id": one.problem_id,
            "ranker": one.ranker,
            "solution_scores": one.solutions.tolist(),
            "test_scores": one.tests.tolist(),
            "params": params,
        }


def _write(path: Path, schema: pa.Schema, rows: Iterable[dict[str, Any]]) -> int:
    """Write rows in groups of ``ROWS``; return how many."""
    count, stream = 0, iter(rows)
    with atomic_write(path) as handle, _writer(handle, schema) as writer:
        while group := list(islice(stream, ROWS)):
            writer.write_table(pa.Table.from_pylist(group, schema))
            count += len(group)
    return count


def _writer(handle: IO[bytes], schema: pa.Schema) -> pq.ParquetWriter:
    # Numbers seldom repeat: with a dictionary they take more.
    texts = [field.name for field in schema if field.type == pa.string()]
    return pq.ParquetWriter(handle, schema, compression="zstd", use_dictionary=texts)


def join(schema: pa.Schema, path: Path, parts: Iterable[Path]) -> None:
    """Write to a path what several files hold, again in groups of ``ROWS``."""
    with atomic_write(path) as handle, _writer(handle, schema) as writer:
        held: list[pa.Table] = []
        for part in parts:
            held.append(_table(part))
            while sum(map(len, held)) >= ROWS:
                together = pa.concat_tables(held).combine_chunks()
                writer.write_table(together.slice(0, ROWS))
                held = [together.slice(ROWS)]
        if sum(map(len, held)):
            writer.write_table(pa.concat_tables(held).combine_chunks())


def _table(path: Path) -> pa.Table:
    """Return what a small file holds; by one thread, each of which would keep memory of its own."""
    with pq.ParquetFile(path) as file:
        return file.read(use_threads=False)


MATRICES: Final[Form[PassMatrix]] = Form(".parquet", write_matrices, partial(join, MATRIX_SCHEMA))
SCORES: Final[Form[Scores]] = Form(".parquet", write_scores, partial(join, SCORES_SCHEMA))


def count(path: Path) -> int:
    """Return the number of problems in a file. Raises InputError for a file that is not Parquet."""
    try:
        return int(pq.read_metadata(path).num_rows)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path}: cannot be read as Parquet: {error}") from error


def _rows(path: Path, schema: pa.Schema) -> Iterator[dict[str, Any]]:
    """Yield the rows of a file, reading it group by group."""
    try:
        with pq.ParquetFile(path) as file:
            missing = set(schema.names) - set(file.schema_arrow.names) - {"judged_inside", "params"}
            if missing:
                raise InputError(f"{path}: columns are missing: {', '.join(sorted(missing))}")
            for batch in file.iter_batches(batch_size=ROWS, use_threads=False):
                for row in batch.to_pylist():
                    yield dict.fromkeys(schema.names) | row
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path}: cannot be read as Parquet: {error}") from error

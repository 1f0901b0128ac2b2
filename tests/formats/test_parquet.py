"""Pass matrices and scores in Parquet: the contract's columns, and nothing lost on the way."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codedpo_plugin.errors import InputError
from codedpo_plugin.formats import parquet
from codedpo_plugin.records import PassMatrix, Scores, Verdict

ids = st.text()


@st.composite
def matrices(draw: st.DrawFn) -> PassMatrix:
    rows, columns = draw(st.integers(0, 4)), draw(st.integers(0, 4))
    cells = draw(st.binary(min_size=rows * columns, max_size=rows * columns))
    verdicts = (np.frombuffer(cells, np.uint8) % len(Verdict)).reshape(rows, columns)
    times = np.arange(-1, rows * columns - 1, dtype=np.int64).reshape(rows, columns)
    inside = tuple(sorted(draw(st.sets(st.integers(0, max(columns - 1, 0)))))) if columns else ()
    return PassMatrix(draw(ids), verdicts, draw(st.sampled_from([None, times])), inside)


floats = st.lists(st.floats(allow_nan=False), max_size=4).map(lambda values: np.array(values, np.float64))
params = st.dictionaries(st.text(st.characters()), st.none() | st.integers() | st.text(), max_size=3)
scores = st.builds(Scores, ids, st.text(), floats, floats, params)


def same_matrix(a: PassMatrix, b: PassMatrix) -> bool:
    times = (a.cpu_ns is None) == (b.cpu_ns is None) and (a.cpu_ns is None or np.array_equal(a.cpu_ns, b.cpu_ns))
    plain = (a.problem_id, a.verdicts.shape, a.judged_inside) == (b.problem_id, b.verdicts.shape, b.judged_inside)
    return plain and times and np.array_equal(a.verdicts, b.verdicts)


@given(st.lists(matrices(), max_size=4))
def test_matrices_come_back_the_same(written):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "matrix.parquet"
        assert parquet.write_matrices(path, written) == len(written)
        found = list(parquet.read_matrices(path))
    assert len(found) == len(written)
    assert all(map(same_matrix, found, written))
    assert all(m.verdicts.dtype == np.uint8 and (m.cpu_ns is None or m.cpu_ns.dtype == np.int64) for m in found)


@given(st.lists(scores, max_size=4))
def test_scores_come_back_the_same(written):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scores.parquet"
        assert parquet.write_scores(path, written) == len(written)
        found = list(parquet.read_scores(path))
    assert [(s.problem_id, s.ranker, s.params) for s in found] == [
        (s.problem_id, s.ranker, s.params) for s in written
    ]
    assert all(np.array_equal(a.solutions, b.solutions) for a, b in zip(found, written, strict=True))
    assert all(np.array_equal(a.tests, b.tests) for a, b in zip(found, written, strict=True))


def test_the_columns_of_a_matrix_are_those_of_the_contract(tmp_path):
    parquet.write_matrices(tmp_path / "m", [PassMatrix("p", np.zeros((1, 1), np.uint8))])
    schema = pq.read_schema(tmp_path / "m")
    types = {field.name: field.type for field in schema}
    assert types == {
        "problem_id": pa.string(),
        "n_solutions": pa.int32(),
        "n_tests": pa.int32(),
        "verdicts": pa.binary(),
        "cpu_ns": pa.list_(pa.int64()),
        "judged_inside": pa.list_(pa.int32()),
    }
    assert [field.name for field in schema if field.nullable] == ["cpu_ns"]


def test_the_columns_of_scores_are_those_of_the_contract(tmp_path):
    parquet.write_scores(tmp_path / "s", [Scores("p", "r", np.ones(1), np.ones(2))])
    types = {field.name: field.type for field in pq.read_schema(tmp_path / "s")}
    assert types == {
        "problem_id": pa.string(),
        "ranker": pa.string(),
        "solution_scores": pa.list_(pa.float64()),
        "test_scores": pa.list_(pa.float64()),
        "params": pa.string(),
    }


def test_the_files_say_their_schema_version_and_what_verdicts_mean(tmp_path):
    parquet.write_matrices(tmp_path / "m", [])
    parquet.write_scores(tmp_path / "s", [])
    for name in ("m", "s"):
        metadata = pq.read_schema(tmp_path / name).metadata
        assert metadata[b"codedpo.schema_version"] == b"1"
        assert json.loads(metadata[b"codedpo.verdicts"]) == {v.name: int(v) for v in Verdict}


def test_verdicts_are_stored_row_by_row_one_byte_a_cell(tmp_path):
    verdicts = np.array([[0, 1, 2], [3, 4, 7]], np.uint8)
    parquet.write_matrices(tmp_path / "m", [PassMatrix("p", np.asfortranarray(verdicts))])
    row = pq.read_table(tmp_path / "m").to_pylist()[0]
    assert (row["verdicts"], row["n_solutions"], row["n_tests"]) == (bytes([0, 1, 2, 3, 4, 7]), 2, 3)
    assert row["cpu_ns"] is None


def test_more_problems_than_a_row_group_holds_keep_their_order(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "ROWS", 3)
    names = [str(n) for n in range(10)]
    parquet.write_matrices(tmp_path / "m", (PassMatrix(n, np.zeros((1, 1), np.uint8)) for n in names))
    assert [m.problem_id for m in parquet.read_matrices(tmp_path / "m")] == names
    assert pq.ParquetFile(tmp_path / "m").num_row_groups == 4


def test_a_stream_that_breaks_off_leaves_no_file(tmp_path):
    def breaking():
        yield PassMatrix("p", np.zeros((1, 1), np.uint8))
        raise ValueError("the pool is gone")

    with pytest.raises(ValueError, match="the pool is gone"):
        parquet.write_matrices(tmp_path / "m", breaking())
    assert list(tmp_path.iterdir()) == []


def write_rows(path: Path, **columns: list[object]) -> Path:
    """Write a matrix file of one row, some of its columns replaced; None leaves a column out."""
    row = {"problem_id": ["p"], "n_solutions": [1], "n_tests": [2], "verdicts": [b"\0\0"], "cpu_ns": [None]}
    pq.write_table(pa.table({k: v for k, v in (row | columns).items() if v is not None}), path)
    return path


def test_a_file_without_the_later_columns_is_read(tmp_path):
    (matrix,) = parquet.read_matrices(write_rows(tmp_path / "m"))
    assert (matrix.verdicts.tolist(), matrix.judged_inside) == ([[0, 0]], ())


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"verdicts": None, "n_tests": None}, "columns are missing: n_tests, verdicts"),
        ({"verdicts": [b"\0"]}, "problem p: 1 verdicts for"),
        ({"cpu_ns": [[1, 2, 3]]}, "problem p"),
        ({"n_solutions": ["one"]}, "problem p"),
        ({"verdicts": ["ab"]}, "problem p"),
        ({"n_tests": [None]}, "problem p"),
    ],
    ids=["columns missing", "verdicts missing", "times too many", "sizes as text", "verdicts as text", "size null"],
)
def test_a_file_that_is_not_a_matrix_is_an_error_with_its_path(tmp_path, columns, reason):
    path = write_rows(tmp_path / "m", **columns)
    with pytest.raises(InputError, match=reason) as caught:
        list(parquet.read_matrices(path))
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("read", [parquet.read_matrices, parquet.read_scores])
@pytest.mark.parametrize("content", [None, b"", b"PAR1 this is not Parquet PAR1"])
def test_what_is_not_parquet_is_an_error_with_its_path(tmp_path, read, content):
    path = tmp_path / "f.parquet"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match="cannot be read as Parquet") as caught:
        list(read(path))
    assert str(path) in str(caught.value)


def test_a_file_that_was_cut_off_is_an_error_with_its_path(tmp_path):
    path = tmp_path / "s.parquet"
    parquet.write_scores(path, [Scores("p", "r", np.ones(99), np.ones(99))])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        list(parquet.read_scores(path))


@pytest.mark.parametrize("sizes", [[], [0], [5], [4, 4, 2], [7, 0, 1]])
def test_joined_files_are_those_that_one_would_be(tmp_path, monkeypatch, sizes):
    monkeypatch.setattr(parquet, "ROWS", 4)
    cells = np.random.default_rng(0)
    found = [
        PassMatrix(str(n), cells.integers(0, 8, (2, n % 3)).astype(np.uint8), None, (0,) * (n % 2))
        for n in range(sum(sizes))
    ]
    stream = iter(found)
    for place, size in enumerate(sizes):
        parquet.write_matrices(tmp_path / str(place), [next(stream) for _ in range(size)])
    parquet.write_matrices(tmp_path / "one", found)
    parquet.MATRICES.join(tmp_path / "joined", [tmp_path / str(place) for place in range(len(sizes))])
    assert (tmp_path / "joined").read_bytes() == (tmp_path / "one").read_bytes()
    assert parquet.count(tmp_path / "joined") == len(found)


@pytest.mark.parametrize("content", [None, b"not Parquet"])
def test_problems_of_what_is_no_parquet_file_cannot_be_counted(tmp_path, content):
    if content:
        (tmp_path / "m").write_bytes(content)
    with pytest.raises(InputError, match="m: cannot be read as Parquet"):
        parquet.count(tmp_path / "m")

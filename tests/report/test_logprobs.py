"""What training recorded about held-out code."""

from __future__ import annotations

import json

import pytest

from codedpo_plugin.report.logprobs import LogProbability, read_logprobs
from codedpo_plugin.rundir import RunDirectory


@pytest.fixture
def run(tmp_path):
    run = RunDirectory(tmp_path)
    run.train.mkdir()
    return run


def write(run, *lines: object) -> None:
    (run.train / "logprobs.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def record(step: int, kind: str, mean: float = -1.0) -> dict[str, object]:
    return {"step": step, "kind": kind, "mean": mean, "count": 4}


def test_a_run_that_recorded_nothing_has_none(tmp_path):
    notes: list[str] = []
    assert read_logprobs(RunDirectory(tmp_path), notes) == ()
    assert notes == []


def test_records_come_by_kind_as_the_paper_names_them_and_by_step(run):
    write(
        run, record(5, "slow"), record(0, "novel"), record(5, "correct"), record(0, "correct"), record(0, "wrong")
    )
    found = read_logprobs(run, [])
    assert [(r.kind, r.step) for r in found] == [
        ("correct", 0),
        ("correct", 5),
        ("wrong", 0),
        ("slow", 5),
        ("novel", 0),
    ]
    assert found[0] == LogProbability(0, "correct", -1.0, 4)


def test_a_step_that_was_repeated_counts_as_recorded_last(run):
    write(run, record(0, "correct", -1.0), record(10, "correct", -2.0), record(10, "correct", -3.0))
    assert [r.mean for r in read_logprobs(run, [])] == [-1.0, -3.0]


def test_lines_without_a_number_are_counted(run):
    notes: list[str] = []
    write(
        run,
        record(0, "correct"),
        {"step": 1},
        record(2, "wrong", float("nan")),
        {"step": "x", "kind": "a", "mean": 1},
    )
    assert len(read_logprobs(run, notes)) == 1
    assert notes == ["logprobs.jsonl: 3 lines left out, without a step, a kind and a finite mean"]

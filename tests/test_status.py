"""How far a run is, read from its directory alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codedpo_plugin.errors import UsageError
from codedpo_plugin.formats.files import append
from codedpo_plugin.lock import RunLock
from codedpo_plugin.rundir import Manifest, RunDirectory, StageRecord
from codedpo_plugin.shards import JOURNAL
from codedpo_plugin.status import Note, ProgressNotes, StageStatus, read_notes, read_status


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def run(tmp_path) -> RunDirectory:
    run = RunDirectory(tmp_path / "run")
    Manifest(run).finish("candidates", StageRecord({}, {}, {"problems": 40}))
    return run


def working(run: RunDirectory, clock: Clock) -> ProgressNotes:
    """Leave the notes of a process that resumed after 10 of 40 problems and did 5 in 10 seconds."""
    notes = ProgressNotes(run.progress, clock)
    notes.start("execute")
    clock.now += 3  # reading what was done before
    notes.move(10, 40)
    clock.now += 10
    notes.move(15, 40)
    return notes


def stages(run: RunDirectory, clock: Clock) -> dict[str, StageStatus]:
    return {stage.name: stage for stage in read_status(run, clock).stages}


def test_a_running_stage_has_a_rate_and_a_time_left_of_what_this_process_did(run, clock):
    working(run, clock)
    with RunLock(run.lock):
        assert stages(run, clock)["execute"] == StageStatus("execute", "running", 15, 40, 0.5, 50.0)
        clock.now += 20
        assert stages(run, clock)["execute"].seconds_left == 30.0


def test_stages_come_in_order_and_those_to_come_are_waiting(run, clock):
    working(run, clock)
    found = [(stage.name, stage.state) for stage in read_status(run).stages]
    assert found == [
        ("candidates", "finished"),
        ("execute", "interrupted"),
        ("score", "waiting"),
        ("pairs", "waiting"),
    ]


def test_of_an_interrupted_stage_what_need_not_be_done_again_counts(run, clock):
    working(run, clock)
    shards = run.shards("execute")
    shards.mkdir()
    append(shards / JOURNAL, b'{"done": 12}\n')
    assert stages(run, clock)["execute"] == StageStatus("execute", "interrupted", 12, 40)


def test_a_stage_that_is_to_be_done_again_is_waiting(run, clock):
    working(run, clock).finish()  # was finished, until one before it was done again
    assert stages(run, clock)["execute"] == StageStatus("execute", "waiting")


def test_a_finished_stage_is_as_large_as_it_was(run, clock):
    notes = working(run, clock)
    notes.move(40, 40)
    notes.finish()
    Manifest(run).finish("execute", StageRecord({}, {}, {}))
    found = stages(run, clock)["execute"]
    assert (found.state, found.done, found.total, found.seconds_left) == ("finished", 40, 40, None)
    assert stages(run, clock)["candidates"] == StageStatus("candidates", "finished", 40, 40)


def test_a_stage_that_is_done_again_is_running(run, clock):
    notes = ProgressNotes(run.progress, clock)
    notes.start("candidates")
    with RunLock(run.lock):
        assert stages(run, clock)["candidates"].state == "running"
    assert stages(run, clock)["candidates"].state == "finished"


def test_notes_are_written_once_a_second_at_most(run, clock):
    notes = ProgressNotes(run.progress, clock)
    notes.start("execute")
    for done in range(10):
        clock.now += 0.3
        notes.move(done, 40)
    running, kept = read_notes(run.progress)
    assert running == "execute"
    assert 0 < kept["execute"].done < 9


def test_notes_of_earlier_stages_are_kept(run, clock):
    working(run, clock).finish()
    ProgressNotes(run.progress, clock).start("score")
    assert list(read_notes(run.progress)[1]) == ["execute", "score"]


def test_notes_that_cannot_be_written_stop_nobody(tmp_path):
    (tmp_path / "file").touch()
    notes = ProgressNotes(tmp_path / "file" / "progress.json")
    notes.start("execute")
    notes.move(1, 2)
    notes.finish()
    assert read_notes(notes.path) == (None, {})


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"running": 1}',
        '{"running": null, "stages": {"a": {"b": 1}}}',
        '{"running": null, "stages": []}',
    ],
)
def test_notes_that_cannot_be_read_are_no_notes(tmp_path, content):
    (tmp_path / "progress.json").write_text(content)
    assert read_notes(tmp_path / "progress.json") == (None, {})


@pytest.mark.parametrize(
    "note", [Note(), Note(done=3, total=None, started=1, updated=2), Note(done=3, total=9, resumed=3, updated=5)]
)
def test_without_a_total_or_anything_done_no_time_is_left_to_tell(note):
    assert note.seconds_left(10.0) is None


def test_the_time_left_is_never_negative():
    assert Note(done=9, total=10, started=0, updated=9).seconds_left(100.0) == 0.0


def test_reading_changes_nothing(run, clock):
    working(run, clock)
    before = {path: path.read_bytes() for path in run.path.iterdir()}
    read_status(run)
    assert {path: path.read_bytes() for path in run.path.iterdir()} == before


def test_it_is_json_to_whoever_wants_json(run, clock):
    working(run, clock)
    with RunLock(run.lock):
        found = json.loads(json.dumps(read_status(run, clock).to_dict()))
    assert found["holder"]["pid"] > 0
    assert found["stages"][1] == {
        "name": "execute",
        "state": "running",
        "done": 15,
        "total": 40,
        "rate": 0.5,
        "seconds_left": 50.0,
    }


def test_a_folder_without_a_run_is_named(tmp_path):
    with pytest.raises(UsageError, match="holds no run"):
        read_status(RunDirectory(Path(tmp_path)))

"""Run directories in a store: all of what is finished, nothing else, and back again unharmed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from codedpo_plugin.errors import InputError, UsageError
from codedpo_plugin.lock import RunLock
from codedpo_plugin.publishing import pull, push
from codedpo_plugin.rundir import RunDirectory

URL = "memory://bucket/run"
FINISHED = {"manifest.json": "{}", "pairs.jsonl": "pairs", "eval/micro.json": "results", "train/a/config.json": "1"}
UNFINISHED = (
    "scores.parquet.partial",
    "run.lock",
    "progress.json",
    "execute.shards/0.parquet",
    "train.checkpoints/x",
)


@pytest.fixture
def run(tmp_path) -> Path:
    """Return a run directory, some of it under way."""
    for name in (*FINISHED, *UNFINISHED):
        path = tmp_path / "run" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(FINISHED.get(name, "under way"))
    return tmp_path / "run"


@pytest.fixture
def store() -> Iterator:
    """Return fsspec's store in memory."""
    memory = fsspec.filesystem("memory")
    yield memory
    memory.rm("/", recursive=True)


def stored(store) -> dict[str, str]:
    """Return what lies in the store, but for the listing."""
    found = {name.removeprefix("/bucket/run/"): store.cat(name).decode() for name in store.find("/bucket/run")}
    return {name: content for name, content in found.items() if name != "files.json"}


def test_what_is_finished_is_copied(run, store):
    assert push(run, URL) == {"copied": 4}
    assert stored(store) == FINISHED
    assert set(json.loads(store.cat("/bucket/run/files.json"))["files"]) == set(FINISHED)


def test_what_has_not_changed_is_not_copied_again(run, store):
    push(run, URL)
    (run / "pairs.jsonl").write_text("other pairs")
    assert push(run, URL + "/") == {"copied": 1, "unchanged": 3}
    assert stored(store) == FINISHED | {"pairs.jsonl": "other pairs"}


def test_what_the_run_has_no_more_is_removed_but_not_what_others_put_there(run, store):
    push(run, URL)
    (run / "pairs.jsonl").unlink()
    store.pipe("/bucket/run/notes.txt", b"mine")
    assert push(run, URL)["removed"] == 1
    assert set(stored(store)) == set(FINISHED) - {"pairs.jsonl"} | {"notes.txt"}


def test_an_interrupted_copy_does_not_look_complete(run, store, monkeypatch, tmp_path):
    push(run, URL)
    (run / "pairs.jsonl").write_text("other pairs")

    def cut(*_, **__):
        raise OSError("the line is cut")

    monkeypatch.setattr(type(store), "put_file", cut)
    with pytest.raises(InputError, match="memory://bucket/run: cannot be written: OSError: the line is cut"):
        push(run, URL)
    with pytest.raises(InputError, match="no complete copy of a run directory"):
        pull(URL, tmp_path / "back")


def test_a_run_that_is_worked_on_is_not_copied(run, store):
    with RunLock(RunDirectory(run).lock), pytest.raises(UsageError, match="process"):
        push(run, URL)
    assert stored(store) == {}


def test_there_and_back(run, store, tmp_path):
    push(run, URL)
    assert pull(URL, tmp_path / "back") == {"copied": 4}
    found = {p.relative_to(tmp_path / "back").as_posix() for p in (tmp_path / "back").rglob("*") if p.is_file()}
    assert found == set(FINISHED)
    assert all((tmp_path / "back" / name).read_text() == content for name, content in FINISHED.items())


def test_what_is_there_already_is_left(run, store, tmp_path):
    push(run, URL)
    pull(URL, tmp_path / "back")
    (tmp_path / "back" / "pairs.jsonl").unlink()
    assert pull(URL, tmp_path / "back") == {"copied": 1, "unchanged": 3}


def test_another_run_is_not_overwritten(run, store, tmp_path):
    push(run, URL)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "manifest.json").write_text("another")
    with pytest.raises(UsageError, match="holds another run"):
        pull(URL, tmp_path / "other")
    RunDirectory(tmp_path / "begun").shards("candidates").mkdir(parents=True)
    with pytest.raises(UsageError, match="holds another run"):
        pull(URL, tmp_path / "begun")


def test_a_run_that_is_worked_on_is_not_written_to(run, store, tmp_path):
    push(run, URL)
    back = RunDirectory(tmp_path / "back")
    with RunLock(back.lock), pytest.raises(UsageError, match="is in use by process"):
        pull(URL, back.path)
    assert list(back.path.iterdir()) == []


def test_a_damaged_file_is_told(run, store, tmp_path):
    push(run, URL)
    store.pipe("/bucket/run/pairs.jsonl", b"pai")
    with pytest.raises(InputError, match=r"pairs.jsonl is damaged"):
        pull(URL, tmp_path / "back")
    assert not (tmp_path / "back" / "pairs.jsonl").exists()
    assert not (tmp_path / "back" / "manifest.json").exists()


@pytest.mark.parametrize("name", ["../outside", "/outside", "a/../../outside", ""])
def test_a_listing_that_leads_outside_is_refused(store, tmp_path, name):
    digest = "0" * 64
    store.pipe("/bucket/run/files.json", json.dumps({"files": {"manifest.json": digest, name: digest}}).encode())
    with pytest.raises(InputError, match="not a listing of a run directory"):
        pull(URL, tmp_path / "back")
    assert not (tmp_path / "back").exists()


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"files": []}', b'{"files": {"a": "short"}}', b"\xff"])
def test_what_is_no_listing_is_refused(run, store, content):
    store.pipe("/bucket/run/files.json", content)
    with pytest.raises(InputError, match="not a listing of a run directory"):
        push(run, URL)


def test_a_folder_that_is_no_run_is_refused(tmp_path, store):
    with pytest.raises(UsageError, match="has no manifest"):
        push(tmp_path, URL)


@pytest.mark.parametrize("url", ["bucket/run", "", "/tmp/run"])
def test_a_path_is_no_url(run, tmp_path, url):
    with pytest.raises(UsageError, match="a URL is expected"):
        push(run, url)
    with pytest.raises(UsageError, match="a URL is expected"):
        pull(url, tmp_path / "back")

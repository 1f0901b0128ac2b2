"""Names of inputs: files, globs and URLs, in a defined order; what is missing is named."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from codedpo_plugin.errors import InputError, UsageError
from codedpo_plugin.inputs import input_file, input_files, is_url


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """Return the current folder, with some files in it."""
    for name in ("part-10.jsonl", "part-2.jsonl", "part-1.jsonl", "more.jsonl", "odd[1].jsonl"):
        (tmp_path / name).write_text(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def store(monkeypatch, tmp_path) -> Iterator:
    """Return fsspec's store in memory, with some files in it, and an empty cache."""
    monkeypatch.setenv("CODEDPO_CACHE", str(tmp_path / "cache"))
    memory = fsspec.filesystem("memory")
    memory.pipe({f"/bucket/part-{n}.jsonl": str(n).encode() for n in (3, 1, 2)})
    yield memory
    memory.rm("/", recursive=True)


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("s3://b/x", True),
        ("hf://b/x", True),
        ("file:///x", True),
        ("a/b", False),
        ("a:b", False),
        ("", False),
    ],
)
def test_urls_are_told_from_paths(name, url):
    assert is_url(name) is url


def names(*given: str) -> list[str]:
    return [path.name for path in input_files(given)]


def test_files_come_in_the_order_given(folder):
    assert names("part-2.jsonl", "more.jsonl", "part-1.jsonl") == ["part-2.jsonl", "more.jsonl", "part-1.jsonl"]


def test_a_glob_comes_in_the_order_of_code_points_in_its_place(folder):
    parts = ["part-1.jsonl", "part-10.jsonl", "part-2.jsonl"]
    assert names("more.jsonl", "part-*.jsonl") == ["more.jsonl", *parts]
    assert names("part-*.jsonl", "more.jsonl") == [*parts, "more.jsonl"]


def test_a_file_named_twice_comes_once_where_it_is_first_named(folder):
    assert names("part-2.jsonl", "part-*.jsonl", "part-2.jsonl") == [
        "part-2.jsonl",
        "part-1.jsonl",
        "part-10.jsonl",
    ]


def test_a_file_whose_name_looks_like_a_glob_is_that_file(folder):
    assert names("odd[1].jsonl") == ["odd[1].jsonl"]


def test_a_glob_below_folders(folder):
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / "x.jsonl").write_text("")
    assert input_files(["**/x.jsonl"]) == (Path("a/b/x.jsonl"),)


def test_a_missing_file_is_left_to_its_reader(folder):
    assert names("nothing.jsonl") == ["nothing.jsonl"]


@pytest.mark.parametrize("name", ["nothing-*.jsonl", "memory://bucket/nothing-*.jsonl"])
def test_a_glob_that_matches_nothing_is_a_usage_error(folder, store, name):
    with pytest.raises(UsageError, match="no file matches"):
        input_files([name])


def test_one_file_is_one(folder):
    assert input_file("more.*") == Path("more.jsonl")
    with pytest.raises(UsageError, match="one file is expected, 3 match"):
        input_file("part-*.jsonl")


def test_a_url_is_fetched_under_its_own_name(store):
    path = input_file("memory://bucket/part-2.jsonl")
    assert path.name == "part-2.jsonl"
    assert path.read_bytes() == b"2"


def test_a_glob_of_a_store_is_fetched_in_order(store):
    assert [p.read_bytes() for p in input_files(["memory://bucket/part-*.jsonl"])] == [b"1", b"2", b"3"]


def test_files_of_one_name_in_two_folders_are_two(store):
    store.pipe("/other/part-1.jsonl", b"other")
    both = input_files(["memory://bucket/part-1.jsonl", "memory://other/part-1.jsonl"])
    assert [p.read_bytes() for p in both] == [b"1", b"other"]


def test_a_url_is_fetched_again_only_when_it_has_changed(store):
    first = input_file("memory://bucket/part-1.jsonl")
    first.write_bytes(b"as it was fetched")
    assert input_file("memory://bucket/part-1.jsonl").read_bytes() == b"as it was fetched"
    store.pipe("/bucket/part-1.jsonl", b"changed")
    assert input_file("memory://bucket/part-1.jsonl").read_bytes() == b"changed"
    assert not first.exists()


def test_what_was_fetched_is_on_the_disk_before_it_looks_whole(store, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.readlink(f"/proc/self/fd/{descriptor}")))
    path = input_file("memory://bucket/part-1.jsonl")
    assert synced == [f"{path}.{os.getpid()}.partial", str(path.parent)]


def test_a_fetch_that_fails_leaves_nothing_that_looks_whole(store, monkeypatch, tmp_path):
    def torn(path, target, **_):
        Path(target).write_bytes(b"ha")
        raise OSError("the line is cut")

    monkeypatch.setattr(type(store), "get_file", lambda self, path, target: torn(path, target))
    with pytest.raises(InputError, match=r"memory://bucket/part-1.jsonl: cannot be read: OSError: the line is cut"):
        input_file("memory://bucket/part-1.jsonl")
    assert [p.name for p in (tmp_path / "cache").rglob("*") if p.is_file()] == []


def test_two_processes_may_fetch_a_file_at_a_time(store, monkeypatch):
    kind = type(store)
    get_file, here = kind.get_file, os.getpid()

    def meanwhile(self, path, target):
        monkeypatch.setattr(kind, "get_file", get_file)
        monkeypatch.setattr(os, "getpid", lambda: here + 1)
        assert input_file("memory://bucket/part-1.jsonl").read_bytes() == b"1"
        return get_file(self, path, target)

    monkeypatch.setattr(kind, "get_file", meanwhile)
    path = input_file("memory://bucket/part-1.jsonl")
    assert [(p.name, p.read_bytes()) for p in path.parent.iterdir()] == [("part-1.jsonl", b"1")]


def test_a_missing_object_is_named(store):
    with pytest.raises(InputError, match=r"memory://bucket/nothing: cannot be read: FileNotFoundError"):
        input_file("memory://bucket/nothing")


def test_a_file_url_is_the_file_itself(folder):
    assert input_file(f"file://{folder}/more.jsonl") == folder / "more.jsonl"
    assert [p.name for p in input_files([f"file://{folder}/part-1*.jsonl"])] == ["part-1.jsonl", "part-10.jsonl"]


def test_a_missing_driver_is_named(monkeypatch):
    from fsspec.registry import known_implementations

    known = {"class": "codedpo_no_such_package.Store", "err": "Install nosuchfs to access nowhere"}
    monkeypatch.setitem(known_implementations, "nowhere", known)
    with pytest.raises(UsageError, match="nowhere://b/x: a package is missing: Install nosuchfs"):
        input_file("nowhere://b/x")


def test_an_unknown_protocol_is_named():
    with pytest.raises(UsageError, match="Protocol not known: sss3"):
        input_file("sss3://bucket/x")


def test_nothing_is_fetched_for_a_local_file(folder, monkeypatch):
    monkeypatch.setenv("CODEDPO_CACHE", str(folder / "cache"))
    input_files(["more.jsonl", "part-*.jsonl"])
    assert not os.path.exists(folder / "cache")

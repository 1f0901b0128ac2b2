"""Files appear whole or not at all, and say what is wrong with them."""

from __future__ import annotations

import errno
import gc
import gzip
import hashlib
import os
import warnings
from contextlib import nullcontext
from pathlib import Path

import pytest

from codedpo_plugin.errors import InputError
from codedpo_plugin.formats.files import append, atomic_write, digest, open_bytes, put_in_place


def test_a_file_appears_when_the_block_ends_and_not_before(tmp_path):
    path = tmp_path / "new" / "folder" / "f.bin"
    with atomic_write(path) as handle:
        handle.write(b"content")
        assert not path.exists()
    assert path.read_bytes() == b"content"
    assert os.listdir(path.parent) == ["f.bin"]


def break_off(path: Path, error: type[BaseException]) -> None:
    """Write half a file."""
    with atomic_write(path) as handle:
        handle.write(b"half")
        handle.flush()
        raise error("half way")


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_block_that_raises_leaves_nothing_behind(tmp_path, error):
    with pytest.raises(error, match="half way"):
        break_off(tmp_path / "f.bin", error)
    assert os.listdir(tmp_path) == []


def test_a_block_that_raises_leaves_the_former_file_as_it_was(tmp_path):
    path = tmp_path / "f.bin"
    path.write_bytes(b"former")
    with pytest.raises(ValueError, match="half way"):
        break_off(path, ValueError)
    assert path.read_bytes() == b"former"
    assert os.listdir(tmp_path) == ["f.bin"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_is_reported_with_the_path_of_the_file(tmp_path, monkeypatch, call):
    path = tmp_path / "f.bin"
    path.write_bytes(b"former")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, full)
    with pytest.raises(InputError, match="No space left on device") as caught, atomic_write(path) as handle:
        handle.write(b"new")
    assert str(caught.value).startswith(f"{path}: cannot be written")
    assert path.read_bytes() == b"former"
    assert os.listdir(tmp_path) == ["f.bin"]


def test_a_write_that_fails_in_the_block_is_reported_with_the_path(tmp_path):
    path = tmp_path / "f.bin"
    with pytest.raises(InputError, match="No space left on device") as caught, atomic_write(path):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert str(caught.value).startswith(f"{path}: cannot be written")
    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize("code", [errno.ESTALE, errno.EIO, errno.ENOTCONN, errno.EDQUOT])
def test_a_mount_that_is_gone_and_a_quota_are_reported_as_a_full_disk_is(tmp_path, code):
    with pytest.raises(InputError, match="the same command continues"), atomic_write(tmp_path / "f"):
        raise OSError(code, os.strerror(code))


def test_a_disk_that_is_full_elsewhere_is_not_blamed_on_the_file(tmp_path):
    with pytest.raises(InputError, match=r"^/scratch/a: cannot be written: No space"), atomic_write(tmp_path / "f"):
        raise OSError(errno.ENOSPC, "No space left on device", "/scratch/a")


def test_a_durable_file_and_its_name_are_on_the_disk_when_the_block_ends(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.readlink(f"/proc/self/fd/{descriptor}")))
    with atomic_write(tmp_path / "f") as handle:
        handle.write(b"new")
    assert synced == [str(tmp_path / "f.partial"), str(tmp_path)]
    with atomic_write(tmp_path / "g", durable=False) as handle:
        handle.write(b"new")
    assert len(synced) == 2


@pytest.mark.parametrize("folder", [False, True])
def test_what_others_wrote_is_on_the_disk_before_it_gets_its_name(tmp_path, monkeypatch, folder):
    partial, place = tmp_path / "x.partial", tmp_path / "x"
    written = [partial / "sub" / "weights", partial / "config"] if folder else [partial]
    for path in written:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("new")
    synced = []

    def sync(descriptor: int) -> None:
        synced.append((os.readlink(f"/proc/self/fd/{descriptor}"), place.exists()))

    monkeypatch.setattr(os, "fsync", sync)
    put_in_place(partial, place)
    assert {(str(path), False) for path in written} <= set(synced)
    assert synced[-1] == (str(tmp_path), True)
    assert not partial.exists()


@pytest.mark.parametrize(("code", "harmless"), [(errno.EINVAL, True), (errno.EIO, False)])
def test_a_file_system_that_cannot_flush_folders_is_no_hindrance(tmp_path, monkeypatch, code, harmless):
    def sync(descriptor: int) -> None:
        if Path(os.readlink(f"/proc/self/fd/{descriptor}")).is_dir():
            raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", sync)
    told = nullcontext() if harmless else pytest.raises(InputError, match="cannot be written")
    with told, atomic_write(tmp_path / "f") as handle:
        handle.write(b"new")
    assert (tmp_path / "f").read_bytes() == b"new"


def test_what_is_appended_is_on_the_disk(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda _: synced.append((tmp_path / "f").read_bytes()))
    append(tmp_path / "f", b"a\n")
    append(tmp_path / "f", b"b\n")
    assert synced == [b"a\n", b"a\nb\n"]


def test_what_cannot_be_appended_is_reported_with_the_path(tmp_path):
    with pytest.raises(InputError, match=r"nowhere/f: cannot be written"):
        append(tmp_path / "nowhere" / "f", b"a")


def test_a_file_that_cannot_be_digested_is_reported_with_its_path(tmp_path):
    with pytest.raises(InputError, match=r"nothing: cannot be read: No such file"):
        digest(tmp_path / "nothing")


def test_a_place_that_cannot_be_written_to_is_reported_with_the_path(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    path = tmp_path / "file" / "f.bin"
    with pytest.raises(InputError, match="cannot be written") as caught, atomic_write(path) as handle:
        handle.write(b"new")
    assert str(path) in str(caught.value)


def test_a_folder_is_not_overwritten_by_a_file(tmp_path):
    (tmp_path / "f" / "inside").mkdir(parents=True)
    with pytest.raises(InputError, match="cannot be written"), atomic_write(tmp_path / "f") as handle:
        handle.write(b"new")
    assert (tmp_path / "f" / "inside").is_dir()


def test_a_file_is_read_as_it_is_and_a_gz_file_unpacked(tmp_path):
    (tmp_path / "f.jsonl").write_bytes(b"a\nb\n")
    (tmp_path / "f.jsonl.gz").write_bytes(gzip.compress(b"c\nd\n"))
    with open_bytes(tmp_path / "f.jsonl") as plain, open_bytes(tmp_path / "f.jsonl.gz") as packed:
        assert [*plain, *packed] == [b"a\n", b"b\n", b"c\n", b"d\n"]


def test_reading_a_gz_file_leaves_no_file_open(tmp_path):
    path = tmp_path / "f.gz"
    path.write_bytes(gzip.compress(b"content"))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with open_bytes(path) as handle:
            assert handle.read() == b"content"
        del handle
        gc.collect()
    assert [str(w.message) for w in caught if w.category is ResourceWarning] == []


@pytest.mark.parametrize("name", ["nothing.jsonl", "nothing.jsonl.gz", "folder"])
def test_what_cannot_be_opened_is_reported_with_its_path(tmp_path, name):
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="cannot be read") as caught:
        open_bytes(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)


def test_the_digest_of_a_file_is_its_sha256(tmp_path):
    content = os.urandom(3 << 20)
    (tmp_path / "f").write_bytes(content)
    assert digest(tmp_path / "f") == hashlib.sha256(content).hexdigest()


def folder(place: Path, files: dict[str, str]) -> Path:
    """Return a folder with files of these names and contents, made in this order."""
    for name, content in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(content)
    return place


def test_the_digest_of_a_folder_is_of_its_files_and_not_of_its_place_or_order(tmp_path):
    first = folder(tmp_path / "one", {"a": "1", "sub/b": "2"})
    second = folder(tmp_path / "two", {"sub/b": "2", "a": "1"})
    assert digest(first) == digest(second)


@pytest.mark.parametrize(
    "files",
    [
        {"a": "1"},
        {"a": "1", "sub/b": "3"},
        {"a": "1", "sub/c": "2"},
        {"a": "2", "sub/b": "1"},
        {"a": "1s", "ub/b": "2"},
    ],
    ids=["file missing", "content", "name", "contents exchanged", "name moved into content"],
)
def test_folders_that_differ_have_different_digests(tmp_path, files):
    first = folder(tmp_path / "one", {"a": "1", "sub/b": "2"})
    assert digest(first) != digest(folder(tmp_path / "two", files))

"""The lock of a run directory, between real processes."""

from __future__ import annotations

import errno
import json
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from codedpo_plugin import lock
from codedpo_plugin.errors import InputError, UsageError
from codedpo_plugin.lock import RunLock, holder_of, read_holder

HOLD = """
import sys, time
from pathlib import Path
from codedpo_plugin.lock import RunLock
with RunLock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "run" / "run.lock"


@pytest.fixture
def other(path):
    """Start another process that holds the lock."""
    command = [sys.executable, "-P", "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def take(path: Path) -> None:
    with RunLock(path):
        pass


def test_the_lock_is_there_in_the_block_and_gone_after_it(path):
    with RunLock(path):
        assert read_holder(path).pid == os.getpid()
    assert list(path.parent.iterdir()) == []


def test_blocks_may_be_nested(path):
    held = RunLock(path)
    with held:
        with held:
            pass
        assert holder_of(path) is not None
    assert holder_of(path) is None


def test_a_second_process_is_told_who_holds_the_lock(path, other, monkeypatch):
    monkeypatch.setattr(lock, "PATIENCE_S", 0.05)
    with pytest.raises(UsageError, match=rf"is in use by process {other.pid} on .* \(-c .*, since \d{{4}}-"):
        take(path)
    assert holder_of(path).pid == other.pid


def test_a_lock_is_refused_within_a_process_too(path, monkeypatch):
    monkeypatch.setattr(lock, "PATIENCE_S", 0.05)
    with RunLock(path), pytest.raises(UsageError, match="in use by"):
        take(path)


def test_the_lock_of_a_process_that_was_killed_is_taken_over_and_that_is_said(path, other, caplog):
    other.send_signal(signal.SIGKILL)
    other.wait()
    assert path.exists()
    assert holder_of(path) is None
    with caplog.at_level(logging.INFO):
        take(path)
    assert f"taken over from process {other.pid}" in caplog.text
    assert not path.exists()


def test_the_lock_can_be_had_when_the_other_process_has_ended(path, other, monkeypatch):
    other.communicate()
    assert holder_of(path) is None
    take(path)


def test_looking_whether_a_lock_is_held_makes_nobody_wait_for_long(path):
    path.parent.mkdir()
    path.touch()
    descriptor = os.open(path, os.O_RDONLY)
    lock.fcntl.flock(descriptor, lock.fcntl.LOCK_SH)
    assert holder_of(path) is None
    os.close(descriptor)
    take(path)


def test_where_there_are_no_locks_none_is_held_and_none_can_be_had(path, monkeypatch):
    path.parent.mkdir()
    path.touch()

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(lock.fcntl, "flock", refuse)
    assert holder_of(path) is None
    opened = len(os.listdir("/proc/self/fd"))
    with pytest.raises(InputError, match=r"run: the file system has no locks \(flock\): No locks available"):
        take(path)
    assert len(os.listdir("/proc/self/fd")) == opened


def test_a_lock_file_that_was_removed_meanwhile_is_not_taken_for_the_lock(path, monkeypatch):
    path.parent.mkdir()
    opened = os.open

    def remove_after_opening(*arguments: object) -> int:
        descriptor = opened(*arguments)
        monkeypatch.setattr(os, "open", opened)
        path.unlink()
        return descriptor

    monkeypatch.setattr(os, "open", remove_after_opening)
    with RunLock(path):
        assert read_holder(path).pid == os.getpid()


@pytest.mark.parametrize("content", ["", "{", "[]", json.dumps({"pid": 1})])
def test_a_lock_file_that_names_nobody_is_no_hindrance(path, content):
    path.parent.mkdir()
    path.write_text(content)
    assert read_holder(path) is None
    take(path)


@pytest.mark.parametrize("program", ["/bin/codedpo", "/lib/codedpo/__main__.py"])
def test_options_are_not_written_down(path, monkeypatch, program):
    monkeypatch.setattr(sys, "argv", [program, "generate", "--model-args", "api_key=secret"])
    with RunLock(path):
        assert read_holder(path).command == "codedpo generate"


def test_on_a_full_disk_the_lock_holds_without_saying_whose_it_is(path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    monkeypatch.setattr(lock, "PATIENCE_S", 0.05)
    with RunLock(path), pytest.raises(UsageError, match="in use by another process"):
        take(path)


def test_a_place_that_cannot_be_written_to_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"run\.lock: cannot be written"):
        take(tmp_path / "file" / "run.lock")

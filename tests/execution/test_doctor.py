"""What `codedpo doctor` finds out about a sandbox."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from codedpo_plugin.execution.doctor import examine

from .support import FakeSandbox, built_in

PROMISES = {
    "no network",
    "no reading of private files",
    "no writing outside",
    "no other processes",
    "no secrets in the environment",
    "bounded memory",
    "bounded time",
}


@pytest.fixture
def temporary_files() -> Iterator[set[Path]]:
    """Return what lies in the folder for temporary files; remove what a sandbox that leaks has added to it."""
    folder = Path("/tmp")
    before = set(folder.glob("codedpo-doctor*"))
    yield before
    for path in set(folder.glob("codedpo-doctor*")) - before:
        path.unlink()


def test_every_promise_of_a_sandbox_holds(sandbox):
    examination = examine(sandbox, {sandbox: built_in(sandbox)})
    assert examination.usable
    assert [p for p in examination.promises if not p.holds] == []
    assert {p.promise for p in examination.promises} == PROMISES


def test_an_examination_leaves_nothing_behind(sandbox, scratch_root, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    before = sorted(os.listdir(tmp_path))
    assert examine(sandbox, {sandbox: built_in(sandbox)}).usable
    assert sorted(os.listdir(tmp_path)) == before
    assert os.listdir(scratch_root) == []


def test_a_sandbox_that_confines_nothing_is_found_out_without_a_trace(temporary_files):
    examination = examine("unconfined", {"unconfined": built_in("unconfined")})
    broken = {p.promise for p in examination.promises if not p.holds}
    assert not examination.usable
    assert examination.unavailable is None
    assert {"no network", "no reading of private files", "no writing outside"} <= broken
    assert {"no secrets in the environment", "bounded memory", "bounded time"}.isdisjoint(broken)
    assert set(Path("/tmp").glob("codedpo-doctor*")) == temporary_files


def test_an_unavailable_sandbox_is_not_tried(monkeypatch):
    examination = examine("jail", {"jail": FakeSandbox("jail", "no jail here")})
    assert examination.unavailable == "no jail here"
    assert not examination.usable
    assert examination.promises == ()


def test_a_sandbox_in_which_no_worker_starts_is_unavailable_and_says_why():
    examination = examine("jail", {"jail": FakeSandbox("jail", command=("/bin/false",))})
    assert "a worker could not be started under sandbox 'jail'" in examination.unavailable
    assert not examination.usable

"""What `codedpo doctor` finds out about a sandbox."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from codedpo_plugin.execution import Answer, Ending, JobResult, Pool
from codedpo_plugin.execution import doctor as doctor_module
from codedpo_plugin.execution.doctor import REFUSED, Attempt, examine

from .support import FakeSandbox, built_in

PROMISES = {
    "programs run",
    "no network",
    "no reading of private files",
    "no writing outside",
    "no change of modes, owners, times",
    "no other processes",
    "no tracing",
    "no mounting",
    "no shared memory",
    "no kernel interfaces",
    "no privileges",
    "no secrets in the environment",
    "bounded memory",
    "bounded time",
    "bounded files and output",
    "nothing left behind",
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
    assert {"programs run", "no secrets in the environment", "nothing left behind"}.isdisjoint(broken)
    assert {"bounded memory", "bounded time", "bounded files and output"}.isdisjoint(broken)
    assert set(Path("/tmp").glob("codedpo-doctor*")) == temporary_files


@pytest.mark.parametrize("ending", Ending)
def test_a_sandbox_in_which_every_program_ends_alike_does_not_hold(monkeypatch, ending):
    same = JobResult((Answer(ending, payload='"PermissionError"'),))
    monkeypatch.setattr(Pool, "run", lambda self, jobs: [same for _ in jobs])
    examination = examine("unconfined", {"unconfined": built_in("unconfined")})
    broken = {p.promise for p in examination.promises if not p.holds}
    assert not examination.usable
    assert "programs run" in broken
    assert "bounded memory" in broken or ending is Ending.MEMORY
    assert "no network" in broken or ending in REFUSED


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        (Answer(Ending.VALUE, payload="false"), True),
        (Answer(Ending.VALUE, payload="true"), False),
        (Answer(Ending.VALUE, payload="null"), False),
        (Answer(Ending.VALUE, payload="7"), False),
        (Answer(Ending.FORBIDDEN, payload='"PermissionError"'), True),
        (Answer(Ending.RAISED, payload='"FileNotFoundError: x"'), True),
        (Answer(Ending.RAISED, payload='"NameError: x"'), False),
        (Answer(Ending.CRASH), False),
        (Answer(Ending.MEMORY), False),
        (Answer(Ending.TIMEOUT), False),
        (Answer(Ending.NOT_RUN), False),
    ],
)
def test_a_promise_is_kept_by_a_refusal_or_without_success(answer, kept):
    assert Attempt("promise", "detail", "1", REFUSED).failed(answer) is kept


def test_programs_that_die_have_not_been_kept_from_anything(sandbox, monkeypatch):
    monkeypatch.setattr(doctor_module, "_HEAD", "import os\nos._exit(0)\n")
    examination = examine(sandbox, {sandbox: built_in(sandbox)})
    assert not examination.usable
    assert {p.detail for p in examination.promises if p.holds} == {"the file outside is unchanged", "answer 5 MB"}


def test_an_unavailable_sandbox_is_not_tried(monkeypatch):
    examination = examine("jail", {"jail": FakeSandbox("jail", "no jail here")})
    assert examination.unavailable == "no jail here"
    assert not examination.usable
    assert examination.promises == ()


def test_a_sandbox_in_which_no_worker_starts_is_unavailable_and_says_why():
    examination = examine("jail", {"jail": FakeSandbox("jail", command=("/bin/false",))})
    assert "a worker could not be started under sandbox 'jail'" in examination.unavailable
    assert not examination.usable

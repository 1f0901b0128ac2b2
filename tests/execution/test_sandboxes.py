"""The choice of a sandbox, and what each one launches."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import py_landlock
import pytest

from codedpo_plugin.errors import SandboxError, UsageError
from codedpo_plugin.execution import Pool, require_confinement, seccomp
from codedpo_plugin.execution.sandboxes import AUTO, BUILT_IN, UNCONFINED, WorkerPlan, choose
from codedpo_plugin.execution.sandboxes.base import existing

from .support import FakeSandbox, ask, built_in, leave_out


def known(*sandboxes):
    return {sandbox.name: sandbox for sandbox in sandboxes}


def test_unconfined_comes_last_and_is_always_to_be_had():
    assert [sandbox.name for sandbox in BUILT_IN] == ["landlock", "bubblewrap", UNCONFINED]
    assert BUILT_IN[-1].unavailable() is None


def test_auto_takes_the_first_that_is_available():
    sandboxes = known(FakeSandbox("first", "it is broken"), FakeSandbox("second"), FakeSandbox("third"))
    assert choose(AUTO, sandboxes).name == "second"
    assert require_confinement(AUTO, sandboxes) == "second"


def test_auto_never_takes_unconfined():
    with pytest.raises(SandboxError):
        choose(AUTO, known(FakeSandbox("first", "it is broken"), built_in(UNCONFINED)))


@pytest.mark.parametrize(
    ("required", "outcome"),
    [("", pytest.skip.Exception), ("other", pytest.skip.Exception), ("other,jail", pytest.fail.Exception)],
)
def test_a_sandbox_that_is_required_may_not_be_absent(monkeypatch, required, outcome):
    monkeypatch.setenv("CODEDPO_REQUIRE_BACKENDS", required)
    with pytest.raises(outcome, match=r"jail.*: no jail here"):
        leave_out("jail", "no jail here")


def test_auto_without_any_names_every_reason_and_the_way_out():
    broken = known(
        FakeSandbox("jail", "no jail here"), FakeSandbox("cage", "the cage is open"), built_in(UNCONFINED)
    )
    with pytest.raises(SandboxError) as caught:
        Pool(1, sandboxes=broken)
    message = str(caught.value)
    assert "jail: no jail here" in message
    assert "cage: the cage is open" in message
    assert "--sandbox unconfined" in message


def test_a_sandbox_asked_for_by_name_gives_its_reason_when_it_cannot_be_had():
    sandboxes = known(FakeSandbox("jail", "no jail here"), FakeSandbox("other"))
    with pytest.raises(SandboxError, match="'jail' cannot be used on this machine: no jail here"):
        choose("jail", sandboxes)


@pytest.mark.parametrize("name", ["landlok", "bublewrap", "unconfine"])
def test_an_unknown_sandbox_gives_near_matches(name):
    near = {"landlok": "landlock", "bublewrap": "bubblewrap", "unconfine": "unconfined"}[name]
    with pytest.raises(UsageError, match=f"unknown sandbox '{name}'. Did you mean '{near}'"):
        Pool(1, sandbox=name)


def test_an_unknown_sandbox_gives_all_names_when_none_is_near():
    with pytest.raises(UsageError, match="Known: auto, bubblewrap, landlock, unconfined"):
        Pool(1, sandbox="xyz")


def test_unconfined_is_had_by_name():
    with Pool(1, sandbox="unconfined") as pool:
        assert pool.sandbox == "unconfined"
        assert ask(pool, "def f(x): return x", "f(3)")[0].payload == "3"


def test_paths_that_do_not_exist_or_lie_below_another_are_left_out(tmp_path):
    for name in ("a/b", "ab", "c"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "c")
    asked = [tmp_path / name for name in ("a", "a/b", "ab", "link", "none")]
    assert existing(tuple(map(str, asked))) == [str(tmp_path / name) for name in ("a", "ab", "c")]


PLAN = WorkerPlan(("python", "child.py", "7"), "/scratch", ("/usr", "/nowhere"), {"A": "b"})


def test_landlock_launches_a_policy_of_what_may_be_read_and_written():
    with built_in("landlock").launch(PLAN) as launch:
        *start, policy = launch.command[:4]
        assert start == [sys.executable, "-I", start[2]]
        assert launch.command[4:] == PLAN.command
        told = json.loads(policy)
    assert (told["read"], told["write"]) == (["/usr"], "/scratch")
    assert bytes.fromhex(told["filter"]) == seccomp.worker_filter()


def test_bubblewrap_launches_with_nothing_shared_and_the_same_filter():
    with built_in("bubblewrap").launch(PLAN) as launch:
        command, (fd,) = launch.command, launch.pass_fds
        assert os.pread(fd, 1 << 16, 0) == seccomp.worker_filter()
    assert {"--unshare-net", "--unshare-pid", "--unshare-user", "--unshare-ipc", "--die-with-parent"} <= set(
        command
    )
    assert command[command.index("--seccomp") + 1] == str(fd)
    assert command[command.index("--bind") : command.index("--bind") + 3] == ("--bind", "/scratch", "/scratch")
    assert command[-4:] == ("--", *PLAN.command)
    assert "/nowhere" not in command
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)


def test_unconfined_launches_the_worker_as_it_is():
    with built_in("unconfined").launch(PLAN) as launch:
        assert (launch.command, launch.pass_fds) == (PLAN.command, ())


@pytest.mark.parametrize("name", ["landlock", "bubblewrap"])
def test_a_sandbox_without_a_filter_for_the_processor_is_unavailable(name, monkeypatch):
    monkeypatch.setattr(seccomp, "worker_filter", lambda: b"")
    monkeypatch.setattr(shutil, "which", lambda name: name)
    assert "no seccomp filter is known for this processor" in built_in(name).unavailable()


def test_landlock_is_unavailable_in_a_kernel_without_it(monkeypatch):
    def fail():
        raise py_landlock.LandlockError("not built in")

    monkeypatch.setattr(py_landlock, "get_abi_version", fail)
    assert "not built in" in built_in("landlock").unavailable()


@pytest.mark.parametrize(("version", "usable"), [(2, False), (3, True), (9, True)])
def test_landlock_is_unavailable_in_a_kernel_that_cannot_refuse_to_truncate(version, usable, monkeypatch):
    monkeypatch.setattr(py_landlock, "get_abi_version", lambda: version)
    assert (built_in("landlock").unavailable() is None) == usable


def test_bubblewrap_is_unavailable_without_its_command(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "install bubblewrap" in built_in("bubblewrap").unavailable()


def test_bubblewrap_is_unavailable_where_it_may_not_make_namespaces(monkeypatch, tmp_path: Path):
    command = tmp_path / "bwrap"
    command.write_text("#!/bin/sh\necho 'no user namespaces' >&2\nexit 1\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "no user namespaces" in built_in("bubblewrap").unavailable()


def test_a_program_runs_in_each_sandbox(confined, sandbox):
    assert confined.sandbox == sandbox
    assert ask(confined, "def f(x): return x * x", "f(3)")[0].payload == "9"

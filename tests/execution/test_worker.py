"""Starting, talking to and ending one worker, and what surrounds the programs it runs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from codedpo_plugin.errors import SandboxError
from codedpo_plugin.execution import Pool, worker
from codedpo_plugin.execution.interpreter import inspect_interpreter
from codedpo_plugin.execution.sandboxes import Sandbox
from codedpo_plugin.execution.sandboxes.base import Launch, WorkerPlan
from codedpo_plugin.execution.wire import decode
from codedpo_plugin.execution.worker import (
    LARGEST_FRAME,
    WorkerError,
    WorkerProcess,
    WorkerSpec,
    environment,
    remove_tree,
    start_worker,
)

from .support import FakeSandbox, all_end, ask, built_in, descendants

READY = b'{"ready": 1}'


def frame(body: bytes, size: int | None = None) -> bytes:
    return (len(body) if size is None else size).to_bytes(4, "big") + body


def speaking(*said: bytes, then: str = "time.sleep(60)") -> FakeSandbox:
    """Return a sandbox in which not a worker runs, but something that says what it is told to."""
    code = f"import os, sys, time\nfor said in {said!r}: os.write(int(sys.argv[1]), said)\n{then}"
    return FakeSandbox("fake", command=(sys.executable, "-c", code))


@contextmanager
def started(sandbox: Sandbox) -> Iterator[WorkerProcess]:
    process = WorkerProcess(WorkerSpec(sandbox, inspect_interpreter()))
    try:
        yield process
    finally:
        process.close()


def frames_of(process: WorkerProcess) -> list[dict]:
    """Wait for the next frames."""
    for _ in range(100):
        process.wait_for_io(20.0)
        if frames := process.receive():
            return frames
    raise AssertionError("no frame came")


def test_the_environment_is_an_allow_list(monkeypatch):
    for name in ("HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "PYTHONPATH", "PYTHONSTARTUP", "LD_PRELOAD", "HTTP_PROXY"):
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("HOME", "/somewhere")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/lib")
    given = environment("/scratch")
    assert "secret" not in given.values()
    assert given["LD_LIBRARY_PATH"] == "/opt/lib"
    assert (given["HOME"], given["TMPDIR"], given["PYTHONHASHSEED"]) == ("/scratch", "/scratch", "0")


def test_a_variable_that_the_host_lacks_is_not_made_up(monkeypatch):
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    assert "LD_LIBRARY_PATH" not in environment("/scratch")


def test_a_program_sees_no_variable_of_the_host(monkeypatch, sandbox):
    monkeypatch.setenv("MY_API_KEY", "secret")
    with Pool(1, sandbox=sandbox) as pool:
        (answer,) = ask(pool, "import os", "dict(os.environ)")
    seen = decode(answer.payload)
    assert set(seen) <= {*environment(""), "LC_CTYPE", "PWD"}
    assert "secret" not in seen.values()


def test_the_order_of_a_set_is_the_same_in_every_worker():
    orders = []
    for _ in range(3):
        with Pool(1) as pool:
            (answer,) = ask(pool, "words = {'one', 'two', 'three', 'four', 'five', 'six'}", "list(words)")
        orders.append(answer.payload)
    assert len(json.loads(orders[0])) == 6
    assert len(set(orders)) == 1


def test_random_numbers_are_the_same_in_every_run_of_a_program(confined):
    program = "import random\nvalue = random.random()"
    first, second = (ask(confined, program, "value")[0].payload for _ in range(2))
    assert first == second


def test_a_program_starts_in_its_own_empty_folder(confined):
    (answer,) = ask(confined, "import os", "os.listdir('.'), os.getcwd() == os.environ['HOME']")
    assert decode(answer.payload) == ([], True)


def test_a_program_may_write_in_its_own_folder(confined):
    program = "with open('x', 'w') as file: file.write('abc')"
    assert decode(ask(confined, program, "open('x').read()")[0].payload) == "abc"


def test_what_a_program_prints_goes_nowhere(confined, capfd):
    program = "import sys\nprint('hello')\nsys.stderr.write('hello')"
    assert ask(confined, program, "print('hello')")[0].ending == "value"
    assert capfd.readouterr() == ("", "")


def test_standard_input_is_empty(confined):
    assert ask(confined, "import sys", "sys.stdin.read()")[0].payload == '""'


def test_a_program_finds_only_the_standard_streams_and_its_report_open(confined):
    program = """
import os
def is_open(fd):
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True
"""
    (answer,) = ask(confined, program, "sum(is_open(fd) for fd in range(1024))")
    assert decode(answer.payload) == 4


def test_a_worker_is_ready_once_it_is_made_and_gone_once_it_is_closed(sandbox, scratch_root):
    with started(built_in(sandbox)) as process:
        alive = {process.process.pid, *descendants(process.process.pid)}
        assert process.process.poll() is None
        assert os.listdir(scratch_root) == [os.path.basename(process.scratch)]
    assert all_end(alive)
    assert os.listdir(scratch_root) == []


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        (frame(b"[1, 2]"), "not a frame"),
        (frame(b"{not json"), "not JSON"),
        (frame(b"\xff\xfe"), "not JSON"),
        (frame(b"", LARGEST_FRAME + 1), "announced a frame of"),
    ],
    ids=["list", "text", "bytes", "size"],
)
def test_a_worker_that_does_not_send_frames_is_refused(scratch_root, said, complaint):
    with pytest.raises(SandboxError, match=complaint):
        WorkerProcess(WorkerSpec(speaking(said), inspect_interpreter()))
    assert os.listdir(scratch_root) == []


def test_a_worker_that_ends_at_once_is_an_error_with_what_it_printed(scratch_root):
    broken = speaking(then="sys.exit('the jail has no door')")
    with pytest.raises(SandboxError, match="the jail has no door") as caught:
        WorkerProcess(WorkerSpec(broken, inspect_interpreter()))
    assert "sandbox 'fake'" in str(caught.value)
    assert "codedpo doctor" in str(caught.value)
    assert os.listdir(scratch_root) == []


class Deadly(FakeSandbox):
    """Kills workers while they start, so many of them."""

    def __init__(self, deaths: int) -> None:
        super().__init__("deadly")
        self.deaths = deaths

    @contextmanager
    def launch(self, plan: WorkerPlan) -> Iterator[Launch]:
        self.deaths -= 1
        killed = (sys.executable, "-c", "import os; os.kill(os.getpid(), 9)")
        yield Launch(killed if self.deaths >= 0 else plan.command)


def test_a_worker_that_is_killed_while_it_starts_is_started_once_more(scratch_root):
    with closing(start_worker(WorkerSpec(Deadly(1), inspect_interpreter()))) as process:
        assert descendants(os.getpid()) >= {process.process.pid}
    with pytest.raises(SandboxError, match="could not be started under sandbox 'deadly'"):
        start_worker(WorkerSpec(Deadly(2), inspect_interpreter()))
    assert os.listdir(scratch_root) == []


def test_only_what_was_killed_is_started_once_more(scratch_root):
    launches = []
    refused = speaking(frame(b"[]"))
    refused.launch = lambda plan, launch=refused.launch: launches.append(plan) or launch(plan)
    with pytest.raises(SandboxError):
        start_worker(WorkerSpec(refused, inspect_interpreter()))
    assert len(launches) == 1


def test_a_worker_that_stays_silent_is_given_up(scratch_root, monkeypatch):
    monkeypatch.setattr(worker, "START_TIMEOUT_S", 0.05)
    with pytest.raises(SandboxError, match="did not start in time"):
        WorkerProcess(WorkerSpec(speaking(), inspect_interpreter()))
    assert os.listdir(scratch_root) == []


def test_a_worker_that_cannot_be_started_leaves_nothing_behind(scratch_root):
    missing = FakeSandbox("fake", command=(str(scratch_root / "no-such-command"),))
    with pytest.raises(FileNotFoundError):
        WorkerProcess(WorkerSpec(missing, inspect_interpreter()))
    assert os.listdir(scratch_root) == []


def test_frames_that_arrive_in_pieces_are_put_together():
    later = frame(b'{"n": 1}') + frame(b'{"n": 2}') + frame(b'{"n": 3}')[:5]
    told = "told = b''\nwhile b'go' not in told: told += os.read(int(sys.argv[1]), 1 << 20)\n"
    with started(speaking(frame(READY), then=told + pieces(later))) as process:
        process.send({"go": 1})
        process.flush()
        seen = frames_of(process)
        while len(seen) < 2:
            seen += frames_of(process)
        with pytest.raises(WorkerError, match="it ended"):
            frames_of(process)
    assert seen == [{"n": 1}, {"n": 2}]


def pieces(data: bytes) -> str:
    """Return code that sends bytes one by one, then ends."""
    return f"[os.write(int(sys.argv[1]), bytes([byte])) for byte in {data!r}]"


def test_frames_larger_than_the_channel_are_sent_bit_by_bit(confined):
    text = "x" * 3_000_000
    assert ask(confined, f"text = {text!r}", "len(text)")[0].payload == "3000000"


def test_sending_to_a_worker_that_is_gone_is_a_worker_error():
    with started(speaking(frame(READY), then="")) as process:
        process.process.wait()
        process.send({"program": "x" * 10_000_000})
        with pytest.raises(WorkerError):
            process.flush()


def test_a_folder_is_removed_whatever_permissions_a_program_gave_it(tmp_path):
    folder = tmp_path / "scratch"
    (folder / "open" / "closed" / "below").mkdir(parents=True)
    (folder / "open" / "closed" / "below" / "file").write_text("x")
    (folder / "open" / "closed" / "below").chmod(0o000)
    (folder / "open" / "closed").chmod(0o000)
    remove_tree(str(folder))
    assert not folder.exists()


def test_removing_a_folder_does_not_follow_links(tmp_path):
    outside, folder = tmp_path / "outside", tmp_path / "scratch"
    for path in (outside, folder):
        path.mkdir()
    (outside / "file").write_text("x")
    outside.chmod(0o500)
    (folder / "link").symlink_to(outside)
    remove_tree(str(folder))
    assert not folder.exists()
    assert outside.stat().st_mode & 0o777 == 0o500
    assert (outside / "file").read_text() == "x"


@pytest.mark.parametrize("depth", [50, 2500])
def test_a_folder_of_any_depth_is_removed(tmp_path: Path, monkeypatch, depth):
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for _ in range(depth):
        os.mkdir("d")
        os.chdir("d")
    os.chdir(tmp_path)
    try:
        remove_tree(str(folder))
        assert not folder.exists()
    finally:
        flatten(folder)


def flatten(folder: Path) -> None:
    """Remove a chain of folders, whatever is left of it."""
    while (below := folder / "d").exists():
        rest = folder.with_name("rest")
        if (below / "d").exists():
            (below / "d").rename(rest)
        below.rmdir()
        if rest.exists():
            rest.rename(folder / "d")

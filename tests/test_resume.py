"""A run that is killed, at whatever moment, ends as if nothing had happened: real processes, real kills."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from codedpo_plugin.formats import jsonl
from codedpo_plugin.records import Candidates
from codedpo_plugin.rundir import RunDirectory
from codedpo_plugin.shards import problems_done
from codedpo_plugin.suites.micro import micro_problems

SMALL_SHARDS = "from codedpo_plugin import cli, shards; shards.SHARD = 4; cli.main()"
FILES = ("manifest", "problems", "candidates", "matrix", "scores", "pairs")
PROBLEMS = 58

pytestmark = pytest.mark.xdist_group("resume")


def start(*arguments: object, **options) -> subprocess.Popen[str]:
    command = [sys.executable, "-P", "-c", SMALL_SHARDS, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def finish(process: subprocess.Popen[str]) -> str:
    """Wait for a process; return what it said."""
    said = "".join(process.communicate())
    assert process.returncode == 0, said
    return said


def build(source: Path, run: RunDirectory) -> subprocess.Popen[str]:
    return start("build", source, "-o", run.path, "--kind", "correctness", "--workers", 2)


def content(run: RunDirectory) -> dict[str, bytes]:
    assert not list(run.path.glob("*.shards"))
    return {name: getattr(run, name).read_bytes() for name in FILES}


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    """Return a file of candidates with some lines that cannot be used."""
    entries = micro_problems("train")
    path = tmp_path_factory.mktemp("source") / "candidates.jsonl"
    lines = []
    for number in range(PROBLEMS):
        e = entries[number % len(entries)]
        programs = tuple(e.prompt + body for body in e.bodies)
        one = Candidates(e.id, e.prompt, e.entry_point, programs, e.tests)
        lines.append(jsonl.line(replace(one, problem_id=f"{e.id}#{number}")))
        lines += [b"{broken\n", lines[0]] if number % 10 == 3 else []
    path.write_bytes(b"".join(lines))
    return path


@pytest.fixture(scope="module")
def quiet(source, tmp_path_factory) -> dict[str, bytes]:
    """Return the files of a run that was left alone."""
    run = RunDirectory(tmp_path_factory.mktemp("quiet") / "run")
    finish(build(source, run))
    return content(run)


def wait_for(process: subprocess.Popen[str], condition: Callable[[], bool]) -> None:
    """Wait until something is so, or the process has ended."""
    while process.poll() is None and not condition():
        time.sleep(0.002)


def executing(run: RunDirectory) -> Callable[[], bool]:
    """Return what tells whether the first programs of a run have been executed."""
    return lambda: problems_done(run.shards("execute")) >= 4


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


@pytest.mark.parametrize(
    ("seed", "moments"),
    [
        (1, [("candidates", 4), ("execute", 4), ("execute", 24)]),
        (2, [("execute", 36), ("score", 4), ("pairs", 4)]),
    ],
)
def test_a_run_that_is_killed_again_and_again_ends_the_same(source, quiet, tmp_path, seed, moments):
    run, draw = RunDirectory(tmp_path / "run"), random.Random(seed)
    for stage, done in moments:
        process = build(source, run)
        wait_for(process, lambda s=stage, n=done: problems_done(run.shards(s)) >= n)
        time.sleep(draw.uniform(0, 0.1))
        kill(process)
        assert problems_done(run.shards(stage)) >= done or not run.shards(stage).exists()
    finish(build(source, run))
    assert content(run) == quiet


def test_a_worker_that_is_killed_makes_no_difference(source, quiet, tmp_path):
    run = RunDirectory(tmp_path / "run")
    process = build(source, run)
    wait_for(process, executing(run))
    workers = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(workers[0]), signal.SIGKILL)
    finish(process)
    assert content(run) == quiet


def test_the_number_of_workers_and_interruptions_do_not_show(source, quiet, tmp_path):
    run = RunDirectory(tmp_path / "run")
    finish(start("build", source, "-o", run.path, "--kind", "correctness", "--workers", 1))
    assert content(run) == quiet


@pytest.fixture
def interrupted(source, tmp_path) -> RunDirectory:
    """Return a run that was killed while it executed."""
    run = RunDirectory(tmp_path / "run")
    process = build(source, run)
    wait_for(process, executing(run))
    kill(process)
    return run


def test_an_interrupted_stage_is_told_of_and_goes_on_or_is_refused_with_the_difference(source, quiet, interrupted):
    stages = {s["name"]: s for s in json.loads(finish(start("status", interrupted.path, "--json")))["stages"]}
    kept = stages["execute"]["done"]
    assert kept >= 4
    assert stages["execute"]["state"] == "interrupted"
    assert stages["execute"]["total"] == PROBLEMS
    changed = start("build", source, "-o", interrupted.path, "--cpu-s", 2)
    said = changed.communicate()[1]
    assert changed.returncode == 2
    assert "config.cpu_s: 1.0 -> 2.0" in said
    assert problems_done(interrupted.shards("execute")) == kept
    assert "taken over from process" in said
    finish(build(source, interrupted))
    assert content(interrupted) == quiet


def test_a_single_stage_goes_on_too_and_can_be_told_to_start_afresh(interrupted):
    refused = start("execute", interrupted.path, "--cpu-s", 2)
    assert "config.cpu_s: 1.0 -> 2.0" in refused.communicate()[1]
    assert refused.returncode == 2
    finish(start("execute", interrupted.path, "--cpu-s", 2, "--restart"))
    assert json.loads(interrupted.manifest.read_text())["stages"]["execute"]["config"]["cpu_s"] == 2.0


def test_a_second_process_is_refused_while_the_first_goes_on(source, quiet, tmp_path):
    run = RunDirectory(tmp_path / "run")
    first = build(source, run)
    wait_for(first, executing(run))
    first.send_signal(signal.SIGSTOP)
    for options in ([], ["--restart"]):
        second = start("build", source, "-o", run.path, *options)
        said = second.communicate()[1]
        assert second.returncode == 2
        assert f"is in use by process {first.pid} on" in said
    shown = finish(start("status", run.path))
    assert "running" in shown
    assert f"in use by process {first.pid}" in shown
    first.send_signal(signal.SIGCONT)
    finish(first)
    assert content(run) == quiet
    assert "no process works on it" in finish(start("status", run.path))


def limited() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))


def test_a_disk_that_is_full_is_named_and_the_run_goes_on_when_there_is_room(source, quiet, tmp_path):
    run = RunDirectory(tmp_path / "run")
    process = start("build", source, "-o", run.path, "--kind", "correctness", preexec_fn=limited)
    said = process.communicate()[1]
    assert process.returncode == 1
    assert "candidates.jsonl: cannot be written: File too large" in said
    assert "the same command continues" in said
    assert "Traceback" not in said
    assert problems_done(run.shards("candidates")) > 0
    finish(build(source, run))
    assert content(run) == quiet

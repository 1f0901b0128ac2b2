"""No timeout is a verdict that was not reached alone, too."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from codedpo_plugin.execution import Answer, Check, Ending, Job, JobResult, Limits, Pool, machine
from codedpo_plugin.execution import frames as frames_module
from codedpo_plugin.execution import pool as pool_module
from codedpo_plugin.execution.confirmation import Unsettled, ran_out_of_time
from codedpo_plugin.execution.frames import CROWDED
from codedpo_plugin.execution.machine import physical_cores

from .support import endings, job

LOOP = "def f(x):\n    while x == 7: pass\n    return x"
VALUE, TIMEOUT, NOT_RUN = Ending.VALUE, Ending.TIMEOUT, Ending.NOT_RUN


def result(*kinds: Ending, note: str = "") -> JobResult:
    return JobResult(tuple(Answer(kind, payload=note) for kind in kinds))


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [((VALUE, NOT_RUN), False), ((VALUE, TIMEOUT), True), ((Ending.CRASH,), False), ((), False)],
)
def test_a_result_with_a_timeout_ran_out_of_time(kinds, expected):
    assert ran_out_of_time(result(*kinds)) is expected


WHOLE = Job("p", tuple(map(Check, "abcde")), Limits(cpu_s=2.0, max_timeouts=3))


def test_what_was_left_open_is_asked_again_until_time_runs_out_again():
    again = Unsettled(WHOLE, result(VALUE, TIMEOUT, Ending.RAISED, NOT_RUN, VALUE)).question()
    assert [check.source for check in again.checks] == ["b", "d"]
    assert (again.program, again.limits.cpu_s, again.limits.max_timeouts) == ("p", 2.0, 1)


def test_checks_without_a_program_are_all_asked_again():
    again = Unsettled(replace(WHOLE, program=""), result(TIMEOUT, VALUE, TIMEOUT, VALUE, TIMEOUT)).question()
    assert [check.source for check in again.checks] == ["a", "c", "e"]
    assert again.limits == WHOLE.limits


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ((VALUE, VALUE, VALUE), (VALUE, VALUE, Ending.RAISED, VALUE, VALUE)),
        ((TIMEOUT, NOT_RUN, NOT_RUN), (VALUE, TIMEOUT, Ending.RAISED, TIMEOUT, NOT_RUN)),
        ((VALUE, TIMEOUT, NOT_RUN), (VALUE, VALUE, Ending.RAISED, TIMEOUT, NOT_RUN)),
    ],
)
def test_the_second_answer_counts_where_there_is_one(second, expected):
    first = result(VALUE, TIMEOUT, Ending.RAISED, TIMEOUT, NOT_RUN)
    assert tuple(a.ending for a in Unsettled(WHOLE, first).answered(result(*second)).answers) == expected


@pytest.mark.parametrize(
    ("kinds", "left"),
    [
        ((VALUE, TIMEOUT, TIMEOUT, NOT_RUN, NOT_RUN), ["d", "e"]),
        ((VALUE, VALUE, VALUE, VALUE, NOT_RUN), ["e"]),
        ((TIMEOUT, TIMEOUT, TIMEOUT, NOT_RUN, NOT_RUN), None),
        ((VALUE, TIMEOUT, VALUE, TIMEOUT, VALUE), None),
    ],
)
def test_what_was_not_run_is_asked_until_the_timeouts_are_used_up(kinds, left):
    rest = Unsettled(WHOLE, result()).rest(result(*kinds))
    assert (rest and [check.source for check in rest.question().checks]) == left


@pytest.fixture
def frames(monkeypatch):
    """Return the frames that workers are sent."""
    sent = []
    make = pool_module.job_frame

    def noting(number, job, suites, library, *, final):
        frame = make(number, job, suites, library, final=final)
        sent.append((job.program, [c.source for c in job.checks], frame["limits"]["first_cpu_s"]))
        return frame

    monkeypatch.setattr(pool_module, "job_frame", noting)
    return sent


def test_a_check_that_ran_out_of_time_is_asked_again_with_its_whole_limit(frames):
    with Pool(1) as pool:
        (looping,) = pool.run([job(LOOP, "f(1)", "f(7)", "f(2)", limits=Limits(cpu_s=0.2))])
    assert endings(looping.answers) == ["value", "timeout", "value"]
    assert frames == [(LOOP, ["f(1)", "f(7)", "f(2)"], 0.2 * CROWDED), (LOOP, ["f(7)"], 0.2)]


def test_a_program_known_to_loop_is_not_asked_twice_again(frames):
    with Pool(1) as pool:
        list(pool.run([job(LOOP, "f(7)", limits=Limits(cpu_s=0.1))]))
        list(pool.run([job(LOOP, "f(7)", limits=Limits(cpu_s=0.1))]))
    assert [first for *_, first in frames] == [0.1 * CROWDED, 0.1, 0.1]


def test_a_machine_that_was_too_busy_does_not_change_a_verdict(monkeypatch):
    monkeypatch.setattr(frames_module, "CROWDED", 0.01)  # as if the machine had been a hundred times too slow
    slow = "def f(n):\n    for _ in range(n): pass\n    return n"
    checks = ["f(1)", "f(4_000_000)", "f(2)", "f(4_000_001)", "f(3)"]
    with Pool(2) as pool:
        results = list(pool.run([job(slow, *checks, limits=Limits(cpu_s=5.0, max_timeouts=1))] * 3))
    assert [[a.payload for a in r.answers] for r in results] == [["1", "4000000", "2", "4000001", "3"]] * 3


BURN = """
import time
def f(x):
    end = time.process_time() + 0.1
    while x == 'loop' or x == 'slow' and time.process_time() < end: pass
    return x
"""


@pytest.mark.parametrize("share", [0.1, 1.0], ids=["put off", "not put off"])
@pytest.mark.parametrize(
    ("most", "expected"),
    [
        (1, ["value", "value", "timeout", "not_run", "not_run", "not_run", "not_run"]),
        (3, ["value", "value", "timeout", "timeout", "value", "timeout", "not_run"]),
    ],
)
def test_verdicts_do_not_depend_on_whether_a_slow_right_answer_was_put_off(monkeypatch, share, most, expected):
    monkeypatch.setattr(frames_module, "CROWDED", share)
    checks = [f"f({x!r})" for x in ("quick", "slow", "loop", "loop", "quick", "loop", "loop")]
    with Pool(1) as pool:
        (answered,) = pool.run([job(BURN, *checks, limits=Limits(cpu_s=0.3, max_timeouts=most))])
    assert endings(answered.answers) == expected


def test_a_judgement_that_ran_out_of_time_costs_later_ones_nothing(monkeypatch, frames):
    monkeypatch.setattr(frames_module, "CROWDED", 0.1)
    loop, slow = "any(iter(int, 1))", "any(t > 0.3 for t in iter(__import__('time').process_time, -1))"
    limits = Limits(cpu_s=1.0, max_timeouts=64)
    with Pool(1) as pool:
        judged = [next(pool.judges.run([job("", *checks, limits=limits)])) for checks in ([loop, slow], [slow])]
    assert [endings(r.answers) for r in judged] == [["timeout", "value"], ["value"]]
    assert frames == [("", [loop, slow], 0.1), ("", [loop], 1.0), ("", [slow], 0.1), ("", [slow], 1.0)]


def test_a_timeout_that_makes_no_difference_is_not_asked_again(frames):
    with Pool(1) as pool:
        jobs = [job(f"{LOOP}\n# {n}", "f(7)", limits=Limits(cpu_s=0.1)) for n in range(3)]
        found = dict(pool.stream(iter(jobs), lambda number, result: number == 1))
    assert {n: endings(result.answers) for n, result in found.items()} == {n: ["timeout"] for n in range(3)}
    assert [program for program, *_ in frames if program.endswith("1")] == [f"{LOOP}\n# 1"] * 2
    assert len(frames) == 4


def test_what_is_asked_again_runs_when_nothing_else_does(monkeypatch):
    most = []
    hand_out = Pool._hand_out

    def noting(self, task):
        taken = hand_out(self, task)
        if taken and task.alone:
            most.append(self._under_way())
            assert all(t.alone for seat in self._seats for t in seat.tasks)
        return taken

    monkeypatch.setattr(Pool, "_hand_out", noting)
    jobs = [job(f"{LOOP}\n# {n}", "f(7)" if n % 3 == 0 else "f(1)", limits=Limits(cpu_s=0.1)) for n in range(12)]
    with Pool(2) as pool:
        results = list(pool.run(jobs))
    assert [endings(r.answers)[0] for r in results] == ["timeout" if n % 3 == 0 else "value" for n in range(12)]
    assert len(most) == 4
    assert max(most) <= physical_cores()


def test_the_backstop_on_the_wall_scales_with_the_load(monkeypatch, frames):
    monkeypatch.setattr(os, "getloadavg", lambda: (8.0, 0.0, 0.0))
    monkeypatch.setattr(machine, "_logical_cores", lambda: 2)
    assert machine.load() == 4.0
    sleeping = job("import time\ndef f(): time.sleep(0.5); return 1", "f()", limits=Limits(cpu_s=0.2, wall_s=0.2))
    with Pool(1) as pool:
        (answered,) = pool.run([sleeping])
    assert endings(answered.answers) == ["value"]

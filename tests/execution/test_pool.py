"""The pool: jobs in, results out, whatever becomes of the workers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import count

import pytest

from codedpo_plugin.errors import SandboxError
from codedpo_plugin.execution import Check, Ending, Limits, Mode, Pool, TimingJob
from codedpo_plugin.execution import pool as pool_module
from codedpo_plugin.execution.requests import Runtime
from codedpo_plugin.execution.wire import decode

from .support import FORGE, LIMITS, FakeSandbox, all_end, ask, descendants, endings, job, worker_processes

SLOW = "import time\ntime.sleep(0.3)\ndef f(x): return x"
PLAIN = "def f(x): return x"


@pytest.fixture
def killer(monkeypatch):
    """Return a function that has the workers killed that come to a job, the first so many of them."""

    def kill(number: int, times: int) -> None:
        killed: set[int] = set()
        wait = Pool._wait

        def killing(self, state):
            for seat in self._seats:
                pid = seat.worker.process.pid
                if len(killed) < times and pid not in killed and seat.tasks and seat.tasks[0].number == number:
                    killed.add(pid)
                    seat.worker.process.kill()
            wait(self, state)

        monkeypatch.setattr(Pool, "_wait", killing)

    return kill


@pytest.mark.parametrize("workers", [1, 3])
def test_results_come_in_the_order_of_the_jobs(workers):
    jobs = [job(SLOW if n % 7 == 0 else PLAIN, f"f({n})") for n in range(15)]
    with Pool(workers) as pool:
        payloads = [result.answers[0].payload for result in pool.run(jobs)]
    assert payloads == [str(n) for n in range(15)]


def test_answers_come_in_the_order_of_the_checks(pool):
    program = "def f(x): return [1, 2, 3][x]"
    answers = ask(pool, program, "f(2)", "f(9)", "f(0)", "f(")
    assert endings(answers) == ["value", "raised", "value", "raised"]
    assert [answer.payload for answer in answers[::2]] == ["3", "1"]
    assert "IndexError: list index out of range" in answers[1].payload
    assert "SyntaxError" in answers[3].payload


def test_no_jobs_give_no_results_and_start_no_worker():
    with Pool(2) as pool:
        assert list(pool.run([])) == []
        assert pool._seats == []


def test_a_stream_gives_results_as_they_come_and_takes_jobs_that_follow_from_them():
    ready = [job(SLOW, "f(1)"), job(PLAIN, "f(2)")]

    def jobs():
        while True:
            yield ready.pop(0) if ready else None

    seen = []
    with Pool(2) as pool:
        for number, result in pool.stream(jobs(), lambda *_: True):
            seen.append((number, result.answers[0].payload))
            if len(seen) < 5:
                ready.append(job(PLAIN, f"f({10 + len(seen)})"))
    assert seen[0] == (1, "2")
    assert sorted(payload for _, payload in seen) == ["1", "11", "12", "13", "14", "2"]
    assert sorted(number for number, _ in seen) == list(range(6))


def test_a_job_without_checks_has_no_answers(pool):
    assert ask(pool, PLAIN) == ()


def test_no_more_workers_are_started_than_there_are_jobs():
    with Pool(3) as pool:
        list(pool.run([job(PLAIN, "f(1)")]))
        assert len(pool._seats) == 1


def test_more_suites_than_a_worker_holds_do_not_get_mixed_up(pool):
    jobs = [job(PLAIN, f"f({n % 7})", f"f({n % 7 + 100})") for n in range(30)]
    seen = [[int(answer.payload) for answer in result.answers] for result in pool.run(jobs)]
    assert seen == [[n % 7, n % 7 + 100] for n in range(30)]


@pytest.mark.parametrize(("bound", "value", "most"), [("AHEAD", 8, 2 * 8 + 1), ("HELD", 3000, 3 + 2 * 3)])
def test_few_jobs_are_taken_while_the_oldest_runs(monkeypatch, bound, value, most):
    monkeypatch.setattr(pool_module, bound, value)
    taken = []

    def endless():
        yield job(SLOW, "f(0)")
        for number in count(1):
            taken.append(number)
            yield job(PLAIN, f"'x' * 1000 + str(f({number}))")

    with Pool(2) as pool:
        results = pool.run(endless())
        assert next(results).answers[0].payload == "0"
        assert len(taken) <= most
        assert [decode(next(results).answers[0].payload)[1000:] for _ in range(3)] == ["1", "2", "3"]
        results.close()


@pytest.mark.parametrize(
    ("check", "limits", "ending"),
    [
        ("any(iter(int, 1))", LIMITS, "timeout"),
        ("__import__('time').sleep(9)", Limits(cpu_s=0.2, wall_s=0.2), "timeout"),
        ("len(bytearray(1 << 30))", LIMITS, "memory"),
        ("'x' * (3 << 20)", Limits(answer_mb=1), "crash"),
        ("__import__('os')._exit(0)", LIMITS, "crash"),
        ("open('/etc/passwd', 'a')", LIMITS, "forbidden"),
        ("1 / 0", LIMITS, "raised"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_check_that_goes_wrong_leaves_the_others_alone(pool, check, limits, ending):
    answers = ask(pool, PLAIN, "f(1)", check, "f(2)", limits=limits)
    assert endings(answers) == ["value", ending, "value"]


def test_a_program_that_does_not_load_fails_every_check(pool):
    answers = ask(pool, "raise KeyError('no')", "1", "2")
    assert endings(answers) == ["raised", "raised"]
    assert "KeyError: 'no'" in answers[0].payload


def test_after_some_timeouts_the_rest_is_not_run(pool):
    answers = ask(
        pool, PLAIN, "f(1)", *["any(iter(int, 1))"] * 3, "f(2)", limits=Limits(cpu_s=0.05, max_timeouts=2)
    )
    assert endings(answers) == ["value", "timeout", "timeout", "not_run", "not_run"]


def test_a_statement_holds_is_broken_or_raises(pool):
    statements = ["assert f(1) == 1", "assert f(1) == 2", "f(1, 2)", "assert f(", "open('/etc/passwd', 'a')"]
    answers = ask(pool, PLAIN, *[Check(statement, Mode.INSIDE) for statement in statements])
    assert endings(answers) == ["held", "broken", "raised", "raised", "forbidden"]


def test_the_smallest_memory_limit_is_enough_for_a_small_program(pool):
    assert endings(ask(pool, PLAIN, "f(1)", "f([0] * 100_000)[0]", limits=Limits(memory_mb=64))) == ["value"] * 2


def test_the_time_of_a_check_is_reported(pool):
    idle, busy = ask(pool, PLAIN, "f(1)", "sum(range(300_000))")
    assert 0 <= idle.cpu_ns < busy.cpu_ns


def test_a_huge_answer_arrives_whole(pool):
    (answer,) = ask(pool, PLAIN, "f('é' * 300_000)")
    assert decode(answer.payload) == "é" * 300_000


@pytest.mark.parametrize("program", ["x = '\ud800'", "x = '\x00'", "def f(:", "(" * 5000], ids=ascii)
def test_a_text_that_is_no_program_raises_in_its_process(pool, program):
    assert endings(ask(pool, program, "1")) == ["raised"]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_job_that_costs_three_workers_their_lives_is_a_crash_and_its_neighbours_are_not(killer, workers):
    killer(2, times=3)
    with Pool(workers) as pool:
        results = list(pool.run([job(SLOW, f"f({n})", "f(9)") for n in range(6)]))
    assert [endings(r.answers) for r in results] == [["crash" if n == 2 else "value"] * 2 for n in range(6)]
    assert "the worker died with it" in results[2].answers[0].payload
    assert [r.answers[0].payload for n, r in enumerate(results) if n != 2] == ["0", "1", "3", "4", "5"]


@pytest.mark.parametrize("times", [1, 2])
def test_a_job_whose_worker_was_killed_by_others_has_its_answers(killer, times):
    killer(1, times=times)
    with Pool(2) as pool:
        payloads = [result.answers[0].payload for result in pool.run([job(SLOW, f"f({n})") for n in range(6)])]
    assert payloads == ["0", "1", "2", "3", "4", "5"]


def test_a_timing_job_that_costs_three_workers_their_lives_has_no_figures(killer):
    killer(0, times=3)
    with Pool(1) as pool:
        (result,) = pool.time([TimingJob(SLOW, (Check("f(1)"),), LIMITS)])
    assert result.pass_ns == ()
    assert "crash" in result.problem


def test_a_worker_that_does_not_answer_is_replaced(monkeypatch):
    monkeypatch.setattr(pool_module, "patience", lambda job: 0.5)
    with Pool(1) as pool:
        answers = ask(pool, "import time\ntime.sleep(60)", "1", limits=Limits(wall_s=60))
        assert endings(answers) == ["crash"]
        assert "it did not answer in time" in answers[0].payload
        assert endings(ask(pool, PLAIN, "f(1)")) == ["value"]


@pytest.mark.parametrize(("busy", "used"), [(True, True), (False, True), (False, False)])
def test_closing_ends_every_process_and_removes_every_folder(scratch_root, sandbox, busy, used):
    pool = Pool(2, sandbox=sandbox)
    results = pool.run(job("while True: pass" if busy and n else PLAIN, "f(1)") for n in range(4))
    if used:
        next(results)
    started = worker_processes(pool)
    assert bool(started) == used
    pool.close()
    assert all_end(started)
    assert os.listdir(scratch_root) == []
    pool.close()


HOST = """
import sys
from codedpo_plugin.execution import Check, Job, Limits, Pool
pool = Pool(1, sandbox=sys.argv[1])
jobs = [Job(program, (Check("1"),), Limits(cpu_s=0.5)) for program in ("", "while True: pass")]
results = pool.run(jobs)
next(results)
print("started", flush=True)
next(results)
"""


def test_no_process_outlives_a_host_that_is_killed(scratch_root, sandbox):
    environment = os.environ | {"TMPDIR": str(scratch_root)}
    command = [sys.executable, "-c", HOST, sandbox]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as host:
        assert host.stdout.readline() == b"started\n"
        started = descendants(host.pid)
        host.kill()
    assert started
    assert all_end(started)


def test_a_program_does_not_outlive_its_worker(scratch_root, sandbox, monkeypatch):
    alive = []
    monkeypatch.setattr(pool_module, "patience", lambda job: alive.append(worker_processes(pool)) or 0.2)
    program = "import ctypes\nctypes.CDLL(None).prctl(1, 0, 0, 0, 0)\nwhile True: pass"
    with Pool(1, sandbox=sandbox) as pool:
        assert endings(ask(pool, program, "1", limits=Limits(cpu_s=60, wall_s=60))) == ["crash"]
        assert worker_processes(pool) == set()
    assert max(map(len, alive)) > 1
    assert all_end(set().union(*alive))


def test_a_run_that_is_abandoned_leaves_no_process(scratch_root):
    with Pool(2) as pool:
        results = pool.run(job(SLOW, "f(1)") for _ in range(9))
        next(results)
        started = worker_processes(pool)
        results.close()
        assert started
        assert all_end(started)
        assert os.listdir(scratch_root) == []


def test_a_pool_works_again_after_a_run_was_abandoned():
    with Pool(2) as pool:
        results = pool.run(job(PLAIN, f"f({n})") for n in range(9))
        next(results)
        results.close()
        assert [r.answers[0].payload for r in pool.run([job(PLAIN, "f(5)")])] == ["5"]


def test_an_error_in_the_source_of_jobs_reaches_the_caller_and_leaves_nothing(scratch_root):
    def failing():
        yield job(SLOW, "f(1)")
        raise LookupError("no more jobs")

    with Pool(1) as pool:
        with pytest.raises(LookupError, match="no more jobs"):
            list(pool.run(failing()))
        assert worker_processes(pool) == set()
        assert os.listdir(scratch_root) == []


def test_a_worker_that_cannot_start_is_an_error_of_the_run(scratch_root):
    broken = FakeSandbox("broken", command=("/bin/false",))
    with Pool(1, sandbox="broken", sandboxes={"broken": broken}) as pool:
        with pytest.raises(SandboxError, match="under sandbox 'broken'"):
            list(pool.run([job(PLAIN, "f(1)")]))
        assert os.listdir(scratch_root) == []


def test_a_check_that_ends_just_after_its_time_has_run_out_of_it(pool):
    program = """
import time
def f(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end: pass
"""
    limits = Limits(cpu_s=0.1, max_timeouts=9)
    late = ask(pool, program, *["f(0.102)"] * 6, limits=limits)
    assert endings(late) == ["timeout"] * 6
    assert endings(ask(pool, program, *["f(0.05)"] * 6, limits=limits)) == ["value"] * 6


NO_PROCESS = "import os\ndef fork(): raise BlockingIOError(11, 'no process to be had')\nos.fork = fork"
NO_CONFINEMENT = "import __main__\ndef limit(*_): raise OSError\n__main__.Worker.limit = limit"
NO_SPACE = "import os\ndef pwrite(*_): raise OSError(28, 'no space left')\nos.pwrite = pwrite"


@pytest.mark.parametrize(
    ("broken", "check", "why"),
    [
        (NO_PROCESS, Check("f(1)"), "could not start a process: .* no process to be had"),
        (NO_CONFINEMENT, Check("f(1)"), "could not confine a process"),
        (NO_SPACE, Check("1", Mode.OUTPUT), "could not write its input: .* no space left"),
    ],
)
def test_a_worker_that_cannot_begin_with_a_program_is_no_fault_of_the_program(scratch_root, broken, check, why):
    with Pool(1, runtime=Runtime(warm_up=broken)) as pool:
        with pytest.raises(SandboxError, match=f"cannot run programs: it {why}"):
            list(pool.run([job(PLAIN, check)]))
        assert worker_processes(pool) == set()
        assert os.listdir(scratch_root) == []


def timing(program: str, *checks: str, passes: int = 3) -> TimingJob:
    return TimingJob(program, tuple(map(Check, checks)), LIMITS, min_pass_ns=100_000, passes=passes)


def test_timing_gives_one_figure_per_pass_in_the_order_of_the_jobs(pool):
    program = "def f(n):\n    for _ in range(n): pass"
    fast, slow = pool.time([timing(program, "f(10)", passes=4), timing(program, "f(100_000)", "f(10)", passes=2)])
    assert (len(fast.pass_ns), len(slow.pass_ns)) == (4, 2)
    assert 0 < min(fast.pass_ns) < min(slow.pass_ns)
    assert (fast.problem, slow.problem) == ("", "")


@pytest.mark.parametrize(
    ("program", "check", "problem"),
    [
        ("def f(x): return 1 / x", "f(0)", "raised"),
        ("raise KeyError", "1", "raised"),
        (PLAIN, "f(", "raised"),
        (PLAIN, "any(iter(int, 1))", "timeout"),
        ("import os\nos._exit(0)", "1", "crash"),
        (PLAIN, "bytearray(1 << 30)", "memory"),
        (PLAIN, "open('/etc/passwd', 'a')", "forbidden"),
    ],
)
def test_a_program_that_fails_has_no_figures(pool, program, check, problem):
    (result,) = pool.time([timing(program, check)])
    assert (result.pass_ns, result.problem) == ((), problem)


@pytest.mark.parametrize("figure", ["0", "-1", "nan", "inf", "1e999", "abc", ""])
def test_figures_that_no_clock_could_have_given_are_no_figures(pool, figure):
    program = f"{FORGE}\nforge('value 1 {figure}\\n' * 3)\nos._exit(0)"
    forged, honest = pool.time([timing(program, "1"), timing(PLAIN, "f(1)")])
    assert forged.pass_ns == ()
    assert forged.problem
    assert len(honest.pass_ns) == 3


def test_a_program_cannot_put_off_its_time_limit_with_forged_answers(pool, monkeypatch):
    monkeypatch.setattr(pool_module, "patience", lambda job: 3.0)
    program = (
        f"{FORGE}\nimport time\ndef f():\n    while True:\n        time.sleep(0.02)\n        forge('value 1 1\\n')"
    )
    (answer,) = ask(pool, program, "f()", limits=Limits(cpu_s=0.2, wall_s=0.3))
    assert "worker died" not in answer.payload


def test_an_answer_of_a_kind_that_the_check_cannot_give_is_a_crash(pool):
    program = f"{FORGE}\nforge('value 1 null\\nheld 1 \\nbroken 1 \\nvalue 1 null\\n')\nos._exit(0)"
    answers = ask(pool, program, "f(1)", "f(2)", Check("assert f(3)", Mode.INSIDE))
    assert [answer.ending for answer in answers] == [Ending.CRASH] * 3


@pytest.mark.parametrize(
    "line", ["timeout 1 \n", "not_run 1 \n", "crash 1 \n", "value x 1\n", "value 1", "\n", "\xff\n"]
)
def test_a_line_that_no_check_could_have_caused_ends_the_answers(pool, line):
    program = f"{FORGE}\nforge('value 1 null\\nvalue 1 5\\n' + {line!r} + 'value 1 6\\n')\nos._exit(0)"
    answers = ask(pool, program, "1", "2")
    assert answers[0].payload == json.dumps(5)
    assert endings(answers) == ["value", "crash"]

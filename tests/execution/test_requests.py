"""What goes into the engine."""

from __future__ import annotations

import pytest

from codedpo_plugin.errors import UsageError
from codedpo_plugin.execution import Ending, Limits, Pool, machine
from codedpo_plugin.execution.requests import Runtime

from .support import ask, job


@pytest.mark.parametrize("name", ["cpu_s", "wall_s", "memory_mb", "answer_mb", "max_timeouts"])
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_a_limit_that_is_not_positive_is_refused_by_name(name, value):
    with pytest.raises(UsageError, match=f"limit {name} must be positive and no more than [0-9]+, got {value}"):
        Limits(**{name: value})


@pytest.mark.parametrize("name", ["cpu_s", "wall_s", "memory_mb", "answer_mb", "max_timeouts"])
@pytest.mark.parametrize("value", [float("inf"), 1 << 40, 1 << 63])
def test_a_limit_beyond_what_a_kernel_counts_is_refused(name, value):
    with pytest.raises(UsageError, match=f"limit {name} must be"):
        Limits(**{name: value})


@pytest.mark.parametrize("name", ["memory_mb", "answer_mb", "max_timeouts"])
@pytest.mark.parametrize("value", [100.5, 100.0, True])
def test_what_is_counted_is_a_whole_number(name, value):
    with pytest.raises(UsageError, match=f"limit {name} must be a whole number, got {value}"):
        Limits(**{name: value})


def test_a_backstop_below_the_cpu_time_is_refused():
    with pytest.raises(UsageError, match=r"limit wall_s \(1.5\) ends every program before cpu_s \(2.0\)"):
        Limits(cpu_s=2.0, wall_s=1.5)
    assert Limits(cpu_s=2.0, wall_s=2.0).backstop_s == 2.0


@pytest.mark.parametrize(("cpu_s", "backstop"), [(0.1, 15.0), (1.0, 15.0), (3.75, 15.0), (60.0, 240.0)])
def test_by_default_the_cpu_time_decides(cpu_s, backstop):
    assert Limits(cpu_s=cpu_s).backstop_s == backstop


def test_more_memory_than_the_process_may_have_is_refused_before_anything_runs(pool, monkeypatch):
    monkeypatch.setattr(machine.resource, "getrlimit", lambda _: (0, 1 << 30))
    with pytest.raises(UsageError, match="memory_mb=1025 is more than this process may have itself \\(1024"):
        list(pool.run([job("def f(): return 1", "f()", limits=Limits(memory_mb=1025))]))


def test_time_that_no_program_can_begin_in_is_not_taken_for_too_little_memory():
    with Pool(1) as pool:
        (answer,) = ask(pool, "sum(range(3_000_000))", "1", limits=Limits(cpu_s=1e-6))
    assert answer.ending is Ending.TIMEOUT


def test_memory_that_no_program_can_begin_with_is_refused():
    large = Runtime(warm_up="import __main__\n__main__.held = bytearray(100 << 20)")
    with Pool(1, runtime=large) as pool:
        with pytest.raises(UsageError, match="limit memory_mb=64 is too little to begin a program"):
            list(pool.run([job("def f(): return 1", "f()", limits=Limits(memory_mb=64))]))
        assert ask(pool, "def f(): return 1", "f()", limits=Limits(memory_mb=512))[0].payload == "1"


def test_a_memory_limit_no_interpreter_can_start_under_is_refused():
    with pytest.raises(UsageError, match="memory_mb must be at least 64 for an interpreter, got 63"):
        Limits(memory_mb=63)


def test_the_smallest_memory_limit_is_accepted():
    assert Limits(memory_mb=64).memory_mb == 64

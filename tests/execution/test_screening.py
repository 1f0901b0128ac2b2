"""Screening: the same first failure as running everything, without what follows it."""

from __future__ import annotations

import numpy as np
import pytest

from codedpo_plugin.execution.matrix import execute
from codedpo_plugin.execution.screening import FIRST_WAVES, WAVE, screen
from codedpo_plugin.records import Verdict

from .support import workload

LONGEST = max(FIRST_WAVES.values()) + 2 * WAVE + 5
TESTS = [f"assert f({n}) == {n}" for n in range(LONGEST)]


def fails_at(number: int) -> str:
    return f"def f(x): return x if x != {number} else None"


@pytest.mark.parametrize("length", [0, 1, 15, 16, 17, 127, 128, 129, 383, 384, 385, LONGEST])
def test_a_right_program_passes_every_test(pool, length):
    (matrix,) = screen(pool, [workload(["def f(x): return x"], TESTS[:length])])
    assert matrix.verdicts.tolist() == [[Verdict.PASS] * length]
    assert (matrix.cpu_ns >= 0).all()


@pytest.mark.parametrize("number", [0, 1, 15, 16, 17, 127, 128, 129, 383, 384, 385, LONGEST - 1])
def test_the_first_failure_is_that_of_a_full_run_and_later_waves_are_not_run(pool, number):
    work = workload([fails_at(number), "def f(x): return x"], TESTS)
    (screened,) = screen(pool, [work])
    (full,) = execute(pool, [work])
    known = screened.verdicts != Verdict.NOT_RUN
    assert (screened.verdicts[known] == full.verdicts[known]).all()
    assert known[0, : number + 1].all()
    assert known[0].sum() <= number + 1 + max(WAVE, 8 * number)
    assert known[1].all()


def test_every_kind_of_failure_ends_a_program(pool):
    programs = ["def f(x): return 1 / 0", "def f(:", "def f(x):\n    while True: pass", "import os\nos._exit(0)"]
    (matrix,) = screen(pool, [workload(programs, TESTS[:20])])
    assert [Verdict(row[0]).name for row in matrix.verdicts] == ["ERROR", "ERROR", "TIMEOUT", "CRASH"]
    assert (matrix.verdicts[:, FIRST_WAVES[0] :] == Verdict.NOT_RUN).all()


def test_workloads_keep_their_order_and_their_equal_programs(pool):
    right, wrong = "def f(x): return x", fails_at(2)
    works = [workload([right, wrong, right] if n % 2 else [wrong], TESTS[:6]) for n in range(70)]
    found = [(m.verdicts == Verdict.PASS).all(axis=1).tolist() for m in screen(pool, works)]
    assert found == [[True, False, True] if n % 2 else [False] for n in range(70)]


def test_what_is_judged_inside_is_on_record(pool):
    tests = ["assert f(1) == 1", "assert all(f(x) == x for x in range(3))"]
    (matrix,) = screen(pool, [workload(["def f(x): return x"], tests)])
    assert matrix.judged_inside == (1,)
    assert np.all(matrix.verdicts == Verdict.PASS)

"""EvalPlus's check as an executor: what it can be given, and that it agrees with the engine on it."""

from __future__ import annotations

from collections import Counter

import pytest

from codedpo_plugin.config import ExecuteConfig
from codedpo_plugin.context import Context
from codedpo_plugin.errors import UsageError
from codedpo_plugin.execution.evalplus_check import Input, execute_with_evalplus, read_test
from codedpo_plugin.execution.matrix import Workload, execute
from codedpo_plugin.manager import create_plugins
from codedpo_plugin.records import Candidates, Verdict

from .support import LIMITS, names

TESTS = ("assert f(1) == 1", "assert f(2) == 2", "assert f(3)", "assert f(3) == 3")


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("assert f(1, [2]) == 3", Input(4, [1, [2]], 3)),
        ("assert 'a' == f()", Input(4, [], "a")),
        ("assert f(x=1) == 3", None),
        ("assert f(g(1)) == 3", None),
        ("assert f(1)", None),
        ("assert f(1)[0] == 3", None),
        ("assert abs(f(1) - 3) < 0.1", None),
        ("assert f(1) ==", None),
    ],
)
def test_tests_of_one_form_can_be_given_to_evalplus(test, expected):
    assert read_test(4, test, "f") == expected


def test_its_verdicts_agree_with_the_engines_where_it_can_tell(pool):
    programs = ("def f(x): return x", "def f(x): return 1", "def f(:")
    candidates = Candidates("p", "", "f", programs, TESTS)
    (theirs,) = execute_with_evalplus([candidates], 1.0)
    (ours,) = execute(pool, [Workload.of(candidates, LIMITS)])
    assert [row[2] for row in names(theirs)] == ["NOT_RUN"] * 3
    assert theirs.judged_inside == (0, 1, 3)
    for column in (0, 1, 3):
        assert (theirs.verdicts[:, column] == ours.verdicts[:, column]).all()


def test_a_program_that_hangs_has_no_time_left():
    programs = ("def f(x):\n  while True:\n    try:\n      while True: pass\n    except BaseException: pass",)
    (matrix,) = execute_with_evalplus([Candidates("p", "", "f", programs, TESTS[:1])], 0.1)
    assert Verdict(matrix.verdicts[0, 0]).name in ("TIMEOUT", "FAIL")


def test_candidates_without_a_fitting_test_are_not_run():
    (matrix,) = execute_with_evalplus([Candidates("p", "", "f", ("def f(x): return x",), TESTS[2:3])], 1.0)
    assert names(matrix) == [["NOT_RUN"]]


def test_it_has_to_be_asked_for_by_name_twice():
    plugins = create_plugins(installed=False)
    executor = plugins.executors["evalplus"]
    candidates = [Candidates("p", "", "f", ("def f(x): return x",), TESTS[:1])]
    with pytest.raises(UsageError, match="--sandbox unconfined"):
        list(executor(candidates, ExecuteConfig(executor="evalplus"), Context(plugins, counts=Counter())))
    consent = ExecuteConfig.model_construct(executor="evalplus", sandbox="unconfined", cpu_s=1.0)
    (matrix,) = executor(candidates, consent, Context(plugins, counts=Counter()))
    assert names(matrix) == [["PASS"]]

"""What a suite is made of."""

from __future__ import annotations

from dataclasses import replace

import pytest

from codedpo_plugin.execution import Check
from codedpo_plugin.execution.assertions import plan_test
from codedpo_plugin.manager import create_plugins
from codedpo_plugin.records import Problem
from codedpo_plugin.suites import SuiteProblem, version_of

PLANS = tuple(plan_test(f"assert f({n}) == {n}", "f") for n in range(3))


def test_the_suites_of_the_contract_are_there():
    suites = create_plugins(installed=False).suites
    assert {"humaneval", "humaneval_plus", "mbpp", "mbpp_plus", "micro"} <= set(suites)
    assert all(suite.name == name and suite.description for name, suite in suites.items())


@pytest.mark.parametrize("name", ["humaneval", "humaneval_plus", "mbpp", "mbpp_plus", "micro"])
def test_a_model_that_leaves_the_function_is_stopped(name):
    stops = create_plugins(installed=False).suites[name].stop
    assert any(stop in "\n    return 1\nassert f(1) == 1\n" for stop in stops)
    assert not any(stop in "    if x:\n        return 1\n\n    return 2\n" for stop in stops)


def test_a_solution_is_timed_on_the_base_tests_where_the_suite_says_nothing_else():
    problem = SuiteProblem(Problem("p", "", "f"), "", PLANS, base=2)
    assert problem.timing_checks == (Check("f(0)"), Check("f(1)"))


def test_a_solution_is_timed_on_what_the_suite_says():
    problem = SuiteProblem(Problem("p", "", "f"), "", PLANS, base=2, timing=(Check("f(10**6)"),))
    assert problem.timing_checks == (Check("f(10**6)"),)


ONE = SuiteProblem(Problem("p", "def f(n):", "f"), "def f(n): return n", PLANS, base=2)
TWO = replace(ONE, problem=Problem("q", "def f(n):", "f"))


def test_a_version_does_not_depend_on_the_order_of_the_problems():
    assert version_of([ONE, TWO]) == version_of([TWO, ONE])


@pytest.mark.parametrize(
    "changed",
    [
        [ONE],
        [ONE, ONE, TWO],
        [ONE, replace(TWO, problem=Problem("r", "def f(n):", "f"))],
        [ONE, replace(TWO, problem=Problem("q", "def f(m):", "f"))],
        [ONE, replace(TWO, reference="def f(n): return +n")],
        [ONE, replace(TWO, plans=PLANS[:2])],
        [ONE, replace(TWO, plans=(*PLANS[:2], plan_test("assert f(2) == 3", "f")))],
        [ONE, replace(TWO, timing=(Check("f(10**6)"),))],
    ],
    ids=["problem", "number", "id", "prompt", "reference", "tests", "expected value", "timing inputs"],
)
def test_whatever_changes_in_a_suite_makes_another_version(changed):
    assert version_of(changed) != version_of([ONE, TWO])


def test_parts_that_touch_are_kept_apart():
    one = replace(ONE, problem=Problem("p", "ab", "f"), reference="c")
    assert version_of([one]) != version_of([replace(one, problem=Problem("p", "a", "f"), reference="bc")])

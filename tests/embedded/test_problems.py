"""Composed problems keep the promises of the micro suite, in the real engine."""

from __future__ import annotations

import ast

import pytest

from codedpo_plugin.embedded.compose import SPLITS
from codedpo_plugin.embedded.problems import SIZES, TESTS, composed_problems
from codedpo_plugin.execution import Limits, Pool
from codedpo_plugin.execution.assertions import plan_test
from codedpo_plugin.execution.matrix import Workload, execute
from codedpo_plugin.suites import version_of
from codedpo_plugin.suites.micro import load, micro_problems

LIMITS = Limits(cpu_s=5.0, wall_s=60.0)
VERSIONS = ["4dd81df2d64e9e65", "e126b5aefa25aeb5", "2a10d7ed05fd0f92"]
EVERY = [problem for split in SPLITS for problem in composed_problems(split)]


def workload(problem, bodies, tests) -> Workload:
    plans = tuple(plan_test(test, problem.entry_point) for test in tests)
    return Workload(problem.id, tuple(problem.prompt + body for body in bodies), plans, LIMITS)


@pytest.mark.parametrize("split", SPLITS)
def test_a_split_holds_its_problems_always_the_same(split):
    problems = micro_problems(split)
    assert len(problems) == SIZES[split]
    assert {problem.split for problem in problems} == {split}
    composed_problems.cache_clear()
    assert micro_problems(split) == problems


def test_the_problems_are_those_that_results_were_measured_on():
    versions = [version_of(load({"split": split})) for split in SPLITS]
    assert versions == VERSIONS


def test_no_two_problems_share_name_or_prompt():
    for part in ("id", "entry_point", "prompt"):
        assert len({getattr(problem, part) for problem in EVERY}) == len(EVERY)


def test_a_problem_has_the_form_of_the_suite():
    for problem in EVERY:
        assert problem.id == f"composed/{problem.entry_point}"
        assert problem.prompt.startswith(f"def {problem.entry_point}(")
        assert problem.prompt.endswith('"""\n')
        assert len(problem.tests) >= TESTS
        assert problem.fast == problem.reference != problem.slow
        assert len({*problem.bodies}) == len(problem.bodies)
        for test in (*problem.tests, *problem.timing):
            assert isinstance(ast.parse(test).body[0], ast.Assert)
            assert not plan_test(test, problem.entry_point).inside


def test_right_bodies_pass_every_test_and_every_wrong_body_fails_one(pool: Pool):
    work = [workload(p, (p.fast, p.slow, *p.wrong), p.tests) for p in EVERY]
    for matrix in execute(pool, work):
        assert matrix.passed[:2].all(), matrix.problem_id
        assert not matrix.passed[2:].all(axis=1).any(), matrix.problem_id


def test_right_bodies_pass_the_tests_that_they_are_timed_on(pool: Pool):
    work = [workload(p, (p.fast, p.slow), p.timing) for p in EVERY]
    assert all(matrix.passed.all() for matrix in execute(pool, work))

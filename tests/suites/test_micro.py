"""The micro suite keeps its promises, in the real engine."""

from __future__ import annotations

import ast
from collections import Counter

import numpy as np
import pytest

from codedpo_plugin.errors import EvaluationError
from codedpo_plugin.execution import Limits, Pool
from codedpo_plugin.execution.assertions import plan_test
from codedpo_plugin.execution.matrix import Workload, execute
from codedpo_plugin.programs import normalise
from codedpo_plugin.records import PassMatrix
from codedpo_plugin.suites.micro import MICRO, MicroProblem, load, micro_problems

ENTRIES = micro_problems()
TIMED = [entry for entry in ENTRIES if entry.timing]
LIMITS = Limits(cpu_s=5.0, wall_s=60.0)


def run(pool: Pool, entries: list[MicroProblem], tests: str, bodies: str) -> dict[str, PassMatrix]:
    """Return the matrices of these bodies against these tests, by problem."""
    work = []
    for entry in entries:
        own = getattr(entry, bodies) if bodies in ("bodies", "wrong") else (entry.reference, entry.fast, entry.slow)
        plans = tuple(plan_test(test, entry.entry_point) for test in getattr(entry, tests))
        work.append(Workload(entry.id, tuple(entry.prompt + body for body in own if body), plans, LIMITS))
    return {matrix.problem_id: matrix for matrix in execute(pool, work)}


def test_there_are_sixty_problems_half_of_them_held_out():
    assert Counter(entry.split for entry in ENTRIES) == {"train": 30, "heldout": 30}
    assert len({entry.id for entry in ENTRIES}) == 60


@pytest.mark.parametrize(("split", "number"), [("train", 30), ("heldout", 30), ("all", 60)])
def test_a_split_holds_its_problems(split, number):
    entries = micro_problems(split)
    assert len(entries) == number
    assert split == "all" or {entry.split for entry in entries} == {split}


def test_a_split_that_does_not_exist_is_an_error_that_names_those_that_do():
    with pytest.raises(EvaluationError, match="no split 'test'; it has train, heldout, all, composed_train"):
        micro_problems("test")


@pytest.mark.parametrize(
    ("metadata", "split"), [({}, "heldout"), ({"split": None}, "heldout"), ({"split": "train"}, "train")]
)
def test_a_suite_is_loaded_held_out_unless_asked_otherwise(metadata, split):
    problems = load(metadata)
    assert [p.problem.problem_id for p in problems] == [entry.id for entry in micro_problems(split)]
    assert {p.split for p in problems} == {split}
    assert MICRO.load(metadata) == problems


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
def test_a_problem_has_the_form_that_its_readme_says(entry):
    assert entry.id == f"micro/{entry.entry_point}"
    assert entry.prompt.startswith(f"def {entry.entry_point}(")
    assert entry.prompt.endswith('"""\n')
    assert len(entry.wrong) == 2
    assert 6 <= len(entry.tests) <= 10
    assert (entry.slow is None) == (entry.fast is None) == (entry.timing == ())
    for body in entry.bodies:
        assert body.startswith("    ")
        compile(entry.prompt + body, entry.id, "exec")
    for test in (*entry.tests, *entry.timing):
        assert isinstance(ast.parse(test).body[0], ast.Assert)
        assert "\n" not in test
        assert not plan_test(test, entry.entry_point).inside


def test_each_half_has_fourteen_problems_to_time():
    assert Counter(entry.split for entry in TIMED) == {"train": 14, "heldout": 14}


def test_all_bodies_of_a_problem_are_different_programs():
    for entry in ENTRIES:
        programs = [normalise(entry.prompt + body) for body in entry.bodies]
        assert len(set(programs)) == len(programs), entry.id


def test_no_problem_is_there_twice_under_another_name():
    bodies = Counter(normalise(f"def f():\n{entry.reference}") for entry in ENTRIES)
    assert [body for body, number in bodies.items() if number > 1] == []


def test_right_bodies_pass_every_test(pool: Pool):
    matrices = run(pool, ENTRIES, "tests", "right")
    assert len(matrices) == 60
    assert [name for name, matrix in matrices.items() if not matrix.passed.all()] == []


def test_every_wrong_body_fails_a_test_and_none_is_judged_by_itself(pool: Pool):
    matrices = run(pool, ENTRIES, "tests", "wrong")
    assert [name for name, matrix in matrices.items() if matrix.passed.all(axis=1).any()] == []
    assert [name for name, matrix in matrices.items() if matrix.judged_inside] == []
    assert not any(np.isin(matrix.verdicts, (5, 6, 7)).any() for matrix in matrices.values())


def test_right_bodies_pass_the_tests_that_they_are_timed_on(pool: Pool):
    matrices = run(pool, TIMED, "timing", "right")
    assert len(matrices) == 28
    assert [name for name, matrix in matrices.items() if not matrix.passed.all()] == []


def test_a_loaded_problem_is_judged_by_its_plans(pool: Pool):
    problems = load({"split": "all"})
    work = [Workload(p.problem.problem_id, (p.reference,), p.plans, p.limits) for p in problems]
    assert all(matrix.passed.all() for matrix in execute(pool, work))
    assert all(p.base == len(p.plans) and p.problem.source == "micro" for p in problems)
    assert sum(bool(p.timing) for p in problems) == 28

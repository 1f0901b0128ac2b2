"""Judging solutions whose problems need different runtimes."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from codedpo_plugin.errors import SandboxError
from codedpo_plugin.evaluation.judging import Engine, Entry, judge
from codedpo_plugin.execution import Check, Ending, Job, Pool, Runtime
from codedpo_plugin.execution.assertions import plan_test
from codedpo_plugin.execution.sandboxes import BUILT_IN
from codedpo_plugin.execution.sandboxes.landlock import LandlockSandbox
from codedpo_plugin.records import PassMatrix, Problem, Verdict
from codedpo_plugin.suites import SuiteProblem

ENGINE = Engine(2, "auto", {sandbox.name: sandbox for sandbox in BUILT_IN})
SANDBOX = LandlockSandbox()
COLOUR = 'import os\ndef f(): return os.environ.get("COLOUR", "none")'


def entry(name: str, expected: str, **options) -> Entry:
    plans = (plan_test(f"assert f() == {expected!r}", "f"),)
    return Entry(SuiteProblem(Problem(name, "", "f"), "", plans, 1, **options), (COLOUR,))


def judged(entries: list[Entry], engine: Engine) -> list[PassMatrix]:
    """Return the matrices of the suite's own tests."""
    return [found.base for found in judge(entries, engine)]


def coloured(colour: str) -> Runtime:
    return Runtime(variables=(("COLOUR", colour),))


def test_matrices_come_in_the_order_of_the_problems_each_from_its_runtime():
    entries = [
        entry("a", "red", runtime=coloured("red")),
        entry("b", "none"),
        entry("c", "red", runtime=coloured("red")),
        entry("d", "blue", runtime=coloured("blue")),
        entry("e", "blue", runtime=coloured("red")),
    ]
    matrices = judged(entries, ENGINE)
    assert [m.problem_id for m in matrices] == list("abcde")
    assert [bool(m.passed.all()) for m in matrices] == [True, True, True, True, False]


def test_problems_that_cannot_be_run_are_not_run():
    matrices = judged([entry("a", "none", unavailable="no network"), entry("b", "none")], ENGINE)
    assert [int(m.verdicts[0, 0]) for m in matrices] == [Verdict.NOT_RUN, Verdict.PASS]
    assert np.array_equal(matrices[0].cpu_ns, [[-1]])


def test_nothing_to_judge_is_nothing():
    assert judge([], ENGINE) == []
    assert [m.problem_id for m in judged([entry("a", "", unavailable="no")], ENGINE)] == ["a"]


def test_a_runtime_that_cannot_be_had_is_an_error():
    with pytest.raises(SandboxError, match="no_such_module"):
        judge([entry("a", "", runtime=Runtime(preload=("no_such_module",))), entry("b", "none")], ENGINE)


def test_solutions_become_programs_as_the_problem_says():
    problem = SuiteProblem(
        Problem("a", "", "f"), "", (plan_test("assert f() == 3", "f"),), 1, program="def f(): return {}".format
    )
    (matrix,) = judged([Entry(problem, ("3", "4"))], ENGINE)
    assert matrix.passed[:, 0].tolist() == [True, False]


def test_a_worker_warms_up_once_and_reads_what_its_runtime_allows(tmp_path):
    file = tmp_path / "colours"
    file.write_text("green")
    runtime = Runtime(
        sys.executable, preload=("wave",), readable=(str(tmp_path),), warm_up="import wave\nwave.warmed = 1"
    )
    program = f"import wave\ndef f(): return [wave.warmed, open({str(file)!r}).read()]"
    plans = (plan_test("assert f() == [1, 'green']", "f"),)
    (matrix,) = judged(
        [Entry(SuiteProblem(Problem("a", "", "f"), "", plans, 1, runtime=runtime), (program,))], ENGINE
    )
    assert matrix.passed.all()
    (without,) = judged([Entry(SuiteProblem(Problem("a", "", "f"), "", plans, 1), (program,))], ENGINE)
    assert not without.passed.any()


def test_a_pool_takes_a_runtime_in_the_place_of_its_parts():
    with Pool(1, runtime=Runtime(preload=("wave",))) as pool:
        assert pool.spec.runtime.preload == ("wave",)


@pytest.mark.skipif(bool(SANDBOX.unavailable()), reason="Landlock is not available")
def test_only_a_runtime_that_asks_for_it_lets_its_worker_read_its_command_line():
    read = "open('/proc/self/cmdline').read()"
    with Pool(1, sandbox=SANDBOX.name, runtime=Runtime(command_line=True, warm_up=read)) as pool:
        (result,) = pool.run([Job("x = 1", (Check("x"), Check(read)))])
    assert [answer.ending for answer in result.answers] == [Ending.VALUE, Ending.FORBIDDEN]
    with Pool(1, sandbox=SANDBOX.name, runtime=Runtime(warm_up=read)) as pool, pytest.raises(SandboxError):
        list(pool.run([Job("x = 1", (Check("x"),))]))


def test_a_program_may_move_a_file_to_another_folder_of_its_scratch():
    program = "import os\nos.makedirs('a/b')\nopen('c', 'w').close()\ndef f(): return os.rename('c', 'a/b/c')"
    plans = (plan_test("assert f() is None", "f"),)
    (matrix,) = judged([Entry(SuiteProblem(Problem("a", "", "f"), "", plans, 1), (program,))], ENGINE)
    assert matrix.passed.all()

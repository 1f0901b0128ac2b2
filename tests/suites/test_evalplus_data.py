"""The published data of EvalPlus, where it is at hand."""

from __future__ import annotations

import gzip
import os
from itertools import islice
from pathlib import Path

import pytest

from codedpo_plugin.execution import Pool
from codedpo_plugin.execution.matrix import Workload, execute
from codedpo_plugin.records import Verdict
from codedpo_plugin.suites.evalplus import HUMANEVAL, MBPP, load

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("CODEDPO_TEST_DATA", ROOT / ".." / "shared" / "data"))
FILES = {HUMANEVAL.dataset: "humanevalplus-v0.1.10.jsonl.gz", MBPP.dataset: "mbppplus-v0.2.0.jsonl.gz"}
TASKS = 10


@pytest.fixture(scope="module", params=[HUMANEVAL, MBPP], ids=lambda source: source.dataset)
def problems(request, tmp_path_factory):
    """Return the first problems of a data set."""
    file = DATA / FILES[request.param.dataset]
    if not file.exists():
        pytest.skip(f"{file} is not there; set CODEDPO_TEST_DATA to the folder that holds it")
    path = tmp_path_factory.mktemp("data") / "tasks.jsonl"
    with gzip.open(file) as handle:
        path.write_bytes(b"".join(islice(handle, TASKS)))
    return load(request.param, {request.param.metadata_key: str(path)}, plus=True)


def test_canonical_solutions_pass_all_tests(problems, pool: Pool):
    work = [Workload(p.problem.problem_id, (p.reference,), p.plans, p.limits) for p in problems]
    matrices = list(execute(pool, work))
    assert len(matrices) == TASKS
    assert {m.problem_id: m.verdicts.tolist() for m in matrices if not m.passed.all()} == {}


def test_a_solution_that_answers_nothing_passes_no_task(problems, pool: Pool):
    empty = [f"def {p.problem.entry_point}(*args):\n    return object()\n" for p in problems]
    work = [
        Workload(p.problem.problem_id, (program,), p.plans, p.limits)
        for p, program in zip(problems, empty, strict=True)
    ]
    assert [m.problem_id for m in execute(pool, work) if m.passed.any()] == []


def test_tests_are_judged_outside_of_the_programs(problems):
    assert all(0 < p.base < len(p.plans) for p in problems)
    assert not any(plan.inside for p in problems for plan in p.plans)


def test_a_program_that_cannot_start_passes_nothing(problems, pool: Pool):
    work = [Workload(p.problem.problem_id, ("raise SystemExit",), p.plans, p.limits) for p in problems]
    assert not any((m.verdicts == Verdict.PASS).any() for m in execute(pool, work))

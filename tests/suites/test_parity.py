"""Our verdicts and EvalPlus's own, sample by sample: on tasks written for the purpose, and on published ones."""

from __future__ import annotations

import ast
import gzip
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import evalplus.evaluate as evalplus
import pytest
from evalplus.data.mbpp import mbpp_deserialize_inputs
from evalplus.eval._special_oracle import MBPP_OUTPUT_NOT_NONE_TASKS

from codedpo_plugin.config import ExecuteConfig
from codedpo_plugin.evaluation.run import evaluate_samples
from codedpo_plugin.generation.extraction import truncate
from codedpo_plugin.manager import create_plugins, find

from .parity_tasks import DIFFERENT, HUMANEVAL_BODIES, HUMANEVAL_TASKS, MBPP_PROGRAMS, MBPP_TASKS, Task

Row = tuple[str, str]
"""A task's id and a program."""

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("CODEDPO_TEST_DATA", ROOT / ".." / "shared" / "data"))
PATIENCE_S = 3.0
"""Seconds EvalPlus waits for an input; it counts wall time, on a machine that may be busy."""
ENDLESS = "while True:"
CODEGEN_STOPS = ("\nclass", "\ndef", "\n#", "\nif", "\nprint")
NEVER_PASSED = "HumanEval/32"
"""EvalPlus 0.3.1 does not count the inputs of ``find_zero`` that it has checked, and passes no solution of it."""


def embedded(dataset: str) -> tuple[list[Task], list[Row]]:
    """Return the embedded tasks of a data set, and samples of each."""
    if dataset == "mbpp":
        return [*MBPP_TASKS.values()], [
            (MBPP_TASKS[name]["task_id"], program) for name, own in MBPP_PROGRAMS.items() for program in own
        ]
    return [*HUMANEVAL_TASKS.values()], [
        (t["task_id"], t["prompt"] + body) for name, t in HUMANEVAL_TASKS.items() for body in HUMANEVAL_BODIES[name]
    ]


# --------------------------------------------------------------------------- the published data


def published(dataset: str) -> tuple[list[Task], list[Row]]:
    """Return some of EvalPlus's tasks, with a model's samples of them or mutants of their solutions."""
    if dataset == "mbpp":
        tasks = [*islice(_lines("mbppplus-v0.2.0.jsonl.gz"), 0, 120, 10)]
        return tasks, [(t["task_id"], program) for t in tasks for program in _mutants(t)]
    tasks = [*islice(_lines("humanevalplus-v0.1.10.jsonl.gz"), 0, 60, 6)]
    wanted = {t["task_id"] for t in tasks}
    prompts = {row["prompt"]: row["task_id"] for row in _lines("codet/humaneval-prompts.jsonl.gz")}
    return tasks, [
        (prompts[row["prompt"]], row["prompt"] + truncate(text, CODEGEN_STOPS))
        for row in _lines("codet/humaneval-codegen16b-solutions.jsonl.gz")
        if prompts[row["prompt"]] in wanted
        for text in row["samples"][:3]
    ]


def _lines(name: str) -> Iterable[Task]:
    file = DATA / name
    if not file.exists():
        pytest.skip(f"{file} is not there; set CODEDPO_TEST_DATA to the folder that holds it")
    with gzip.open(file, "rt") as handle:
        yield from map(json.loads, handle)


def _mutants(task: Task) -> list[str]:
    """Return the canonical solution, and with each of the last two numbers or operators changed."""
    program = task["prompt"] + task["canonical_solution"]
    return [program, *(_mutant(program, number) for number in (1, 2))]


def _mutant(program: str, number: int) -> str:
    tree = ast.parse(program)
    swaps = {
        ast.Add: ast.Sub,
        ast.Sub: ast.Add,
        ast.Mult: ast.Add,
        ast.Lt: ast.LtE,
        ast.Gt: ast.GtE,
        ast.Eq: ast.NotEq,
    }
    found = [n for n in ast.walk(tree) if type(getattr(n, "op", getattr(n, "ops", [None])[0])) in swaps]
    for node in found[-number:][:1]:
        if isinstance(node, ast.Compare):
            node.ops[0] = swaps[type(node.ops[0])]()
        else:
            node.op = swaps[type(node.op)]()
    return ast.unparse(tree)


# --------------------------------------------------------------------------- both verdicts


def theirs(dataset: str, tasks: list[Task], rows: list[Row], folder: Path) -> list[tuple[str, str]]:
    """Return what EvalPlus says of each sample: its base and its plus status."""
    problems = {t["task_id"]: t | _inputs(dataset, t) for t in tasks}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evalplus, "CACHE_DIR", str(folder / "evalplus"))
        not_none = MBPP_OUTPUT_NOT_NONE_TASKS if dataset == "mbpp" else []
        expected = evalplus.get_groundtruth(problems, dataset, not_none)
    found = []
    for task_id, program in rows:
        limit = 0.5 if ENDLESS in program else PATIENCE_S
        told = evalplus.check_correctness(
            dataset, 0, problems[task_id], program, expected[task_id], fast_check=True, min_time_limit=limit
        )
        found.append((told["base"][0], told["plus"][0]))
    return found


def _inputs(dataset: str, task: Task) -> Mapping[str, Any]:
    parts = {part: task[part] for part in ("base_input", "plus_input")}
    return (
        {k: mbpp_deserialize_inputs(task["task_id"], v) for k, v in parts.items()} if dataset == "mbpp" else parts
    )


def ours(dataset: str, tasks: list[Task], rows: list[Row], folder: Path) -> list[tuple[str, str]]:
    """Return what we say of each sample."""
    data, samples = folder / "tasks.jsonl", folder / "samples.jsonl"
    data.write_text("".join(json.dumps(t) + "\n" for t in tasks))
    samples.write_text("".join(json.dumps({"task_id": i, "solution": p}) + "\n" for i, p in rows))
    plugins = create_plugins()
    suite = find("suite", f"{dataset}_plus", plugins.suites)
    metadata = {f"{dataset}_path": str(data)}
    result, bad = evaluate_samples(suite, samples, metadata, ExecuteConfig(workers=1), plugins.sandboxes)
    assert not bad
    told = {(s.problem_id, s.sample): (s.base_status, str(s.plus_status)) for s in result.samples}
    numbers: Counter[str] = Counter()
    found = []
    for task_id, _ in rows:
        found.append(told[task_id, numbers[task_id]])
        numbers[task_id] += 1
    return found


def differences(left: list[tuple[str, str]], right: list[tuple[str, str]], rows: list[Row]) -> list[Any]:
    """Return the samples of which one side says that they pass, base or plus, and the other that they do not."""
    return [
        (row, own, other)
        for row, own, other in zip(rows, left, right, strict=True)
        if [part == "pass" for part in own] != [part == "pass" for part in other]
    ]


@pytest.fixture(scope="module", params=["humaneval", "mbpp"])
def verdicts(request, tmp_path_factory):
    """Return the samples of the embedded tasks, our statuses and EvalPlus's."""
    tasks, rows = embedded(request.param)
    folder = tmp_path_factory.mktemp("parity")
    return rows, ours(request.param, tasks, rows, folder), theirs(request.param, tasks, rows, folder)


def test_what_passes_is_what_passes_evalplus(verdicts):
    rows, left, right = verdicts
    differ = differences(left, right, rows)
    assert [d for d in differ if d[0][0] != NEVER_PASSED] == []


def test_samples_of_every_kind_are_among_them(verdicts):
    _, left, right = verdicts
    for own in (left, right):
        parts = {(base == "pass", plus == "pass") for base, plus in own}
        assert parts >= {(True, True), (True, False), (False, False)}


def test_the_one_function_that_evalplus_never_passes(verdicts):
    rows, left, right = verdicts
    found = [
        (own, other) for (task_id, _), own, other in zip(rows, left, right, strict=True) if task_id == NEVER_PASSED
    ]
    if found:
        assert [own for own, _ in found] == [("pass", "pass"), ("fail", "fail"), ("error", "error")]
        assert [other for _, other in found] == [("fail", "fail")] * 3


def test_a_program_that_never_comes_to_its_end_is_a_timeout_on_both_sides(verdicts):
    """EvalPlus says so of what its parent process has to kill; a call that takes too long is a failure to it."""
    rows, left, right = verdicts
    hangs = [n for n, (_, program) in enumerate(rows) if f"\n{ENDLESS}" in program]
    for own in (left, right):
        assert {own[n] for n in hangs} <= {("timeout", "timeout")}
    assert all("timeout" not in right[n] for n in range(len(rows)) if n not in hangs)


def test_what_differs_from_evalplus_differs_as_it_is_documented(tmp_path):
    sums = HUMANEVAL_TASKS["sums"]
    rows = [(sums["task_id"], sums["prompt"] + body) for body, _ in DIFFERENT]
    here = [own == ("pass", "pass") for own in ours("humaneval", [sums], rows, tmp_path)]
    there = [other == ("pass", "pass") for other in theirs("humaneval", [sums], rows, tmp_path)]
    assert here == [passes for _, passes in DIFFERENT]
    assert there == [not passes for _, passes in DIFFERENT]


@pytest.mark.parametrize("dataset", ["humaneval", "mbpp"])
def test_on_published_tasks_what_passes_is_what_passes_evalplus(dataset, tmp_path):
    tasks, rows = published(dataset)
    left, right = ours(dataset, tasks, rows, tmp_path), theirs(dataset, tasks, rows, tmp_path)
    assert differences(left, right, rows) == []
    assert 0 < sum(part == "pass" for own in left for part in own) < 2 * len(rows)

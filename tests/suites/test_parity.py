"""Our verdicts and EvalPlus's own, sample by sample.

The embedded tasks are written for this test, in the format of EvalPlus's releases; where one of its special oracles
is to apply, they bear the name that it goes by.
"""

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

Task = dict[str, Any]
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


def task(task_id: str, header: str, body: str, base: list[Any], plus: list[Any], atol: float = 0) -> Task:
    name = header.partition("(")[0]
    return {
        "task_id": task_id,
        "prompt": f'def {header}:\n    """A task."""\n' if task_id.startswith("Human") else '"""\nA task.\n"""\n',
        "entry_point": name,
        "canonical_solution": body if task_id.startswith("Human") else f"\ndef {header}:\n{body}",
        "contract": "",
        "assertion": "",
        "test": f"def check(candidate):\n    assert candidate(*{base[0]!r}) is not None\n",
        "base_input": base,
        "plus_input": plus,
        "atol": atol,
    }


HUMANEVAL_TASKS = {
    "sums": task("HumanEval/0", "sums(a, b)", "    return a + b\n", [[1, 2], [3, 4]], [[-1, 1], ["a", "b"]]),
    "half": task("HumanEval/1", "half(x)", "    return x / 3\n", [[1], [10]], [[7.5], [-2]]),
    "pair": task("HumanEval/2", "pair(x)", "    return [[x / 3, 1], {'x': [x]}]\n", [[3], [6]], [[1], [0]]),
    "grid": task("HumanEval/3", "grid(x)", "    return [[x / 3], [x]]\n", [[1], [2]], [[4], [5]]),
    # A float, then what is compared exactly unless the tolerance stays.
    "mixed": task(
        "HumanEval/4",
        "mixed(x)",
        "    return x / 3 if x < 5 else [x / 3, 1]\n",
        [[1], [7]],
        [[8], [2], [10]],
    ),
    "late": task("HumanEval/5", "late(x)", "    return [x / 3, 1] if x < 5 else x / 3\n", [[1], [7]], [[9]]),
    "close": task("HumanEval/6", "close(x)", "    return [x, x / 3]\n", [[1]], [[2]], 1e-4),
    "find_zero": task("HumanEval/32", "find_zero(xs)", "    return -xs[0] / xs[1]\n", [[[1, 2]]], [[[4, 2]]], 1e-4),
}
MBPP_TASKS = {
    "similar_elements": task(
        "Mbpp/2",
        "similar_elements(a, b)",
        "    return tuple(set(a) & set(b))\n",
        [[[1, 2, 3], [2, 3]], [[1], [2]]],
        [[[0.3, 0.6], [0.3, 0.6]]],
    ),
    "check_str": task(
        "Mbpp/461",
        "check_str(text)",
        "    import re\n    return re.match('[aeiou]', text)\n",
        [["apple"], ["pear"]],
        [["olive"], [""]],
    ),
    "are_equivalent": task(
        "Mbpp/164", "are_equivalent(a, b)", "    return a % 7 == b % 7\n", [[1, 8], [1, 2]], [[3, 3]]
    ),
    "sum_div": task(
        "Mbpp/295",
        "sum_div(n)",
        "    return sum(i for i in range(1, n) if n % i == 0)\n",
        [[8], [12]],
        [[1], [28]],
    ),
    "surface_Area": task(
        "Mbpp/581",
        "surface_Area(b, h)",
        "    return round(2 * b * (b * b / 4 + h * h) ** 0.5 + b * b)\n",
        [[3, 4]],
        [[5, 6], [1, 1]],
    ),
    "digit_distance_nums": task(
        "Mbpp/558",
        "digit_distance_nums(a, b)",
        "    return sum(abs(int(x) - int(y)) for x, y in zip(str(a), str(b)))\n",
        [[12, 34]],
        [[1, 256], [9, 9]],
    ),
    "nested": task(
        "Mbpp/9001", "nested(x)", "    return [(x, [x, (x,)]), {x: [x]}, None]\n", [[1], [2]], [["a"], [None]]
    ),
}

HUMANEVAL_BODIES = {
    "sums": (
        "    return a + b\n",
        "    return a - b\n",  # wrong on everything
        "    return a + b if isinstance(a, str) or a >= 0 else 7\n",  # wrong on an input that was added
        "    return float(a) + b if not isinstance(a, str) else a + b\n",
        "    raise ValueError(a)\n",
        "    import sys\n    sys.exit(0)\n",
        "    return nothing\n",
        "    return a +\n",  # is no program
        "    return a + b\nraise SystemExit(0)\n",
        "    while True:\n        pass\n",
        "    return a + b\nwhile True:\n    pass\n",
        "    input()\n    return a + b\n",
        "    print(a)\n    return a + b\n",
        "    return None\n",
    ),
    "half": (
        "    return x / 3 + 1e-7\n",
        "    return x / 3 + 1e-5\n",
        "    return str(x / 3)\n",
        "    return [x / 3]\n",
        "    return x // 3\n",
    ),
    "pair": (
        "    return [[x / 3, 1], {'x': [x]}]\n",
        "    return [[x / 3 + 1e-9, 1], {'x': [x]}]\n",
        "    return [(x / 3, 1), {'x': [x]}]\n",
    ),
    "grid": (
        "    return [[x / 3], [x]]\n",
        "    return [[x / 3 + 1e-9], [x]]\n",
        "    return ([x / 3], [x])\n",
        "    x = [[x / 3], [x]]\n    x.append(x)\n    return x\n",
    ),
    "mixed": (
        "    return x / 3 + 1e-8 if x < 5 else [x / 3 + 1e-8, 1]\n",  # its first added input expects no float
        "    return x / 3 if x < 5 else [x / 3 + (x != 8) * 1e-8, 1]\n",
        "    return x / 3 if x < 5 else [x / 3 + (x != 8) * 1e-3, 1]\n",
        "    return x / 3 if x < 5 else (x / 3 + (x != 8) * 1e-8, 1)\n",
    ),
    "late": (
        "    return [x / 3 + 1e-8, 1] if x < 5 else x / 3\n",
        "    return [x / 3, 1] if x < 5 else x / 3 + 1e-8\n",
    ),
    "close": (
        "    return [x + 1e-5, x / 3]\n",
        "    return [x, x / 3 + 1e-3]\n",
        "    return [x, x / 3, 0.0]\n",
        "    return (x, x / 3)\n",
    ),
    "find_zero": ("    return -xs[0] / xs[1]\n", "    return 17.0\n", "    raise ValueError\n"),
}
MBPP_PROGRAMS = {
    "similar_elements": (
        "def similar_elements(a, b):\n    return sorted(set(a) & set(b), key=str) * 2\n",
        "def similar_elements(a, b):\n    return set(a) & set(b)\n",
        "def similar_elements(a, b):\n    return tuple(x + (x < 1) * 1e-9 for x in set(a) & set(b))\n",
        "def similar_elements(a, b):\n    return tuple(a)\n",
        "def similar_elements(a, b):\n    return None\n",
        "def similar_elements(a, b):\n    return (x for x in a if x in b)\n",
        "def similar_elements(a, b):\n    return dict.fromkeys(x for x in a if x in b).keys()\n",
    ),
    "check_str": (
        "import re\ndef check_str(text):\n    return re.search('^[aeiou]', text)\n",
        "def check_str(text):\n    return text[:1] in tuple('aeiou')\n",
        "def check_str(text):\n    return 'valid' if text[:1] in tuple('aeiou') else None\n",
        "def check_str(text):\n    return 'valid' if text[:1] in tuple('aeiou') else 'invalid'\n",
        "def check_str(text):\n    return bool(text)\n",
    ),
    "are_equivalent": (
        "def are_equivalent(a, b):\n    return 'whatever'\n",
        "def are_equivalent(a, b):\n    return 1 / 0\n",
    ),
    "sum_div": (
        "def sum_div(n):\n    return 0\n",
        "def sum_div(n):\n    return sum(i for i in range(1, n) if n % i == 0)\n",
        "def sum_div(n):\n    return n\n",
    ),
    "surface_Area": (
        "def surface_Area(b, h):\n    return round(2 * b * (b * b / 4 + h * h) ** 0.5 + b * b)\n",
        "def surface_Area(b, h):\n    return 2 * b * (b * b / 4 + h * h) ** 0.5 + b * b\n",
        "def surface_Area(b, h):\n    return 'large'\n",
    ),
    "digit_distance_nums": (
        "def digit_distance_nums(a, b):\n    a, b = str(a).zfill(3), str(b).zfill(3)\n"
        "    return sum(abs(int(x) - int(y)) for x, y in zip(a, b))\n",
        "def digit_distance_nums(a, b):\n    return abs(a - b)\n",
    ),
    "nested": (
        "def nested(x):\n    return [(x, [x, (x,)]), {x: [x]}, None]\n",
        "def nested(x):\n    return [(x, [x, [x]]), {x: [x]}, None]\n",
        "def nested(x):\n    return [(x, [x, (x,)]), {x: (x,)}, None]\n",
        "def nested(x):\n    return [(x, [x, (x,)]), {x: [x]}, None] if x else None\n",
        "from nowhere import anything\n",
        "def another(x):\n    return x\n",
    ),
}


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


@pytest.mark.parametrize("dataset", ["humaneval", "mbpp"])
def test_on_published_tasks_what_passes_is_what_passes_evalplus(dataset, tmp_path):
    tasks, rows = published(dataset)
    left, right = ours(dataset, tasks, rows, tmp_path), theirs(dataset, tasks, rows, tmp_path)
    assert differences(left, right, rows) == []
    assert 0 < sum(part == "pass" for own in left for part in own) < 2 * len(rows)

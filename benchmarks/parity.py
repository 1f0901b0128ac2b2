"""Do our evaluations say what EvalPlus says? Every base and plus status, on canonical solutions and real samples.

    python benchmarks/parity.py [-o DIR]

- HumanEval+ and MBPP+: every canonical solution, which has to pass.
- HumanEval+: five CodeGen-16B samples a problem, against ``evalplus.evaluate``, status by status.
- MBPP+: one planted mutant of every canonical solution, against ``evalplus.evaluate``.
"""

from __future__ import annotations

import argparse
import ast
import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codegen import candidates, data_folder
from rich.console import Console
from rich.table import Table

Statuses = dict[tuple[str, int, str], bool]
"""Whether a sample passes, by task, number and part (base, plus)."""


@dataclass(frozen=True)
class DataSet:
    suite: str
    evalplus: str
    variable: str
    file: str


HUMANEVAL = DataSet("humaneval_plus", "humaneval", "HUMANEVAL_OVERRIDE_PATH", "humanevalplus-v0.1.10.jsonl.gz")
MBPP = DataSet("mbpp_plus", "mbpp", "MBPP_OVERRIDE_PATH", "mbppplus-v0.2.0.jsonl.gz")


def unpacked(dataset: DataSet, folder: Path) -> list[dict[str, Any]]:
    """Put the data where both sides find it; return its tasks."""
    path = folder / f"{dataset.evalplus}.jsonl"
    path.write_bytes(gzip.decompress((data_folder() / dataset.file).read_bytes()))
    os.environ[dataset.variable] = str(path)
    return [json.loads(line) for line in path.read_text().splitlines()]


def canonical(tasks: list[dict[str, Any]]) -> Iterator[dict[str, str]]:
    for task in tasks:
        yield {"task_id": task["task_id"], "solution": task["prompt"] + task["canonical_solution"]}


def codegen() -> Iterator[dict[str, str]]:
    for one in candidates(5, 15):
        for solution in one.solutions:
            yield {"task_id": one.problem_id, "solution": solution}


def mutants(tasks: list[dict[str, Any]]) -> Iterator[dict[str, str]]:
    for row in canonical(tasks):
        yield row | {"solution": mutant(row["solution"])}


def mutant(program: str) -> str:
    """Return a program with its last comparison or arithmetic operation turned into another."""
    swaps: dict[type, Any] = {
        ast.Lt: ast.LtE(), ast.Gt: ast.GtE(), ast.Eq: ast.NotEq(), ast.Add: ast.Sub(), ast.Mult: ast.Add(),
    }  # fmt: skip
    tree = ast.parse(program)
    for node in reversed(list(ast.walk(tree))):
        if isinstance(node, ast.BinOp) and type(node.op) in swaps:
            node.op = swaps[type(node.op)]
            break
        if isinstance(node, ast.Compare) and type(node.ops[0]) in swaps:
            node.ops[0] = swaps[type(node.ops[0])]
            break
    return ast.unparse(tree)


def ours(dataset: DataSet, samples: Path) -> Statuses:
    command = ["-m", "codedpo_plugin", "evaluate", "--suite", dataset.suite, "--samples", str(samples)]
    subprocess.run([sys.executable, *command, "-o", str(samples.parent)], check=True, capture_output=True)
    found = json.loads((samples.parent / "eval" / f"{dataset.suite}.json").read_text())
    return {
        (s["problem_id"], s["sample"], part): s[f"{part}_status"] == "pass"
        for s in found["samples"]
        for part in ("base", "plus")
    }


def theirs(dataset: DataSet, samples: Path) -> Statuses:
    results = samples.with_name(samples.stem + "_eval_results.json")
    results.unlink(missing_ok=True)
    command = ["-m", "evalplus.evaluate", "--dataset", dataset.evalplus, "--samples", str(samples)]
    subprocess.run([sys.executable, *command, "--parallel", str(os.cpu_count())], check=True, capture_output=True)
    found = json.loads(results.read_text())["eval"]
    return {
        (task, number, part): entry[f"{part}_status"] == "pass"
        for task, entries in found.items()
        for number, entry in enumerate(entries)
        for part in ("base", "plus")
    }


def compared(name: str, dataset: DataSet, rows: Iterator[dict[str, str]], folder: Path) -> tuple[str, ...]:
    """Return a row of the table; print every status that differs."""
    samples = folder / f"{name.replace(' ', '-')}.jsonl"
    samples.write_text("".join(json.dumps(row) + "\n" for row in rows))
    left, right = ours(dataset, samples), theirs(dataset, samples)
    differ = sorted(key for key in left if left[key] != right.get(key))
    for key in differ:
        print(f"  {name}: {key}: ours {left[key]}, EvalPlus {right.get(key)}", flush=True)
    row = name, str(len(left)), str(sum(left.values())), str(sum(right.values())), str(len(differ))
    print(" | ".join(row), flush=True)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, default=Path("out/parity"))
    folder: Path = parser.parse_args().output
    folder.mkdir(parents=True, exist_ok=True)
    humaneval, mbpp = unpacked(HUMANEVAL, folder), unpacked(MBPP, folder)
    table = Table("samples", "statuses", "pass, ours", "pass, EvalPlus", "differ")
    for name, dataset, rows in (
        ("HumanEval+ canonical", HUMANEVAL, canonical(humaneval)),
        ("MBPP+ canonical", MBPP, canonical(mbpp)),
        ("HumanEval+ CodeGen", HUMANEVAL, codegen()),
        ("MBPP+ mutants", MBPP, mutants(mbpp)),
    ):
        table.add_row(*compared(name, dataset, rows, folder))
    Console(width=120).print(table)


if __name__ == "__main__":
    main()

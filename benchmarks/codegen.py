"""CodeGen-16B's recorded output for HumanEval: what every ranker makes of it, against HumanEval's own tests.

    python benchmarks/codegen.py [--solutions 15] [--tests 15] [-o DIR]

Candidates are the first completions of each problem and distinct one-assert tests, one from each of the first
recorded generations in turn; the truth comes from
HumanEval's tests, which no ranker sees. Data: microsoft/CodeT (MIT), see benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codedpo_plugin.contracts import ScoredProblem
from codedpo_plugin.examples import prompt_examples
from codedpo_plugin.execution import Check, Ending, Job, Limits, Mode, Pool
from codedpo_plugin.formats import jsonl, parquet
from codedpo_plugin.generation.extraction import extract_tests, truncate
from codedpo_plugin.manager import create_plugins
from codedpo_plugin.pairing.correctness import correctness_pair
from codedpo_plugin.records import Candidates

ROOT = Path(__file__).resolve().parents[1]
STOPS = ("\nclass", "\ndef", "\n#", "\nif", "\nprint")  # as CodeT cuts its samples


def data_folder() -> Path:
    return Path(os.environ.get("CODEDPO_TEST_DATA", ROOT.parent / "shared" / "data"))


def rows(name: str) -> Iterator[dict[str, Any]]:
    with gzip.open(data_folder() / "codet" / name, "rt") as handle:
        yield from map(json.loads, handle)


def candidates(n: int, m: int) -> Iterator[Candidates]:
    """Yield the candidates of each problem, those without a test included."""
    solutions = {row["prompt"]: row["samples"] for row in rows("humaneval-codegen16b-solutions.jsonl.gz")}
    tests = {row["prompt"].split("    pass\n\n# check")[0]: row["samples"] for row in _tests()}
    for row in rows("humaneval-prompts.jsonl.gz"):
        prompt, entry_point = row["prompt"], row["entry_point"]
        programs = tuple(prompt + truncate(text, STOPS) for text in solutions[prompt][:n])
        written = extract_tests(entry_point, (f"assert {text}" for text in tests[prompt]), m, Counter())
        yield Candidates(row["task_id"], prompt, entry_point, programs, written, {"model": "CodeGen-16B"})


def examples() -> dict[str, tuple[str, ...]]:
    """Return the examples in HumanEval's own prompts by entry point; in CodeT's prompts they are left out."""
    with gzip.open(data_folder() / "humaneval.jsonl.gz", "rt") as handle:
        found = {row["entry_point"]: row["prompt"] for row in map(json.loads, handle)}
    return {entry_point: prompt_examples(prompt, entry_point) for entry_point, prompt in found.items()}


def _tests() -> Iterator[dict[str, Any]]:
    yield from rows("humaneval-codegen16b-tests.jsonl.gz")


def truth(found: Sequence[Candidates], pool: Pool) -> dict[str, NDArray[np.bool_]]:
    """Return which solutions of each problem pass HumanEval's own tests."""
    tests = {row["task_id"]: row["test"] for row in rows("humaneval-prompts.jsonl.gz")}
    check = {c.problem_id: f"{tests[c.problem_id]}\ncheck({c.entry_point})" for c in found}
    jobs = [
        Job(program, (Check(check[c.problem_id], Mode.INSIDE),), Limits(cpu_s=3.0))
        for c in found
        for program in c.solutions
    ]
    right = iter([result.answers[0].ending is Ending.HELD for result in pool.run(jobs)])
    return {c.problem_id: np.array([next(right) for _ in c.solutions]) for c in found}


def top_1(scores: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Return the chance that a solution with the highest score is right; ties are drawn at random."""
    return float(right[scores == scores.max()].mean())


def table_row(name: str, problems: Sequence[ScoredProblem], right: dict[str, NDArray[np.bool_]]) -> str:
    """Return one ranker's row. Problems without a test count with their base rate in the top-1 over all."""
    by_id = {p.candidates.problem_id: p for p in problems}
    scored = [top_1(p.scores.solutions, right[i]) for i, p in by_id.items()]
    untested = [right[i].mean() for i in right if i not in by_id]
    outcomes = Counter(_outcome(p, right[p.candidates.problem_id]) for p in problems)
    pairs = sum(number for kind, number in outcomes.items() if kind != "none")
    shares = [outcomes[kind] / pairs for kind in ("right", "inverted")]
    return (
        f"| {name} | {np.mean(scored + untested):.3f} | {np.mean(scored):.3f} | {pairs} | "
        f"{shares[0]:.3f} | {shares[1]:.3f} |"
    )


def _outcome(problem: ScoredProblem, right: NDArray[np.bool_]) -> str:
    """Return what a problem's correctness pair is: right, inverted, both alike, or none."""
    if isinstance(correctness_pair(problem), str):
        return "none"
    scores = problem.scores.solutions
    chosen, rejected = right[int(np.argmax(scores))], right[int(np.argmin(scores))]
    return {(True, False): "right", (False, True): "inverted"}.get((bool(chosen), bool(rejected)), "alike")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--solutions", type=int, default=15)
    parser.add_argument("--tests", type=int, default=15)
    parser.add_argument("-o", "--output", type=Path, default=Path("out/codegen"))
    options = parser.parse_args()
    found = list(candidates(options.solutions, options.tests))
    source = options.output / "input.jsonl"
    jsonl.write(source, found)
    run = options.output / "run"
    start = time.monotonic()
    command = [sys.executable, "-m", "codedpo_plugin", "build", str(source), "-o", str(run), "--restart"]
    subprocess.run(command, check=True)
    seconds = time.monotonic() - start
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    matrices = list(parquet.read_matrices(run / "matrix.parquet"))
    usable = [c for c in found if c.tests]
    with Pool() as pool:
        right = truth(found, pool)
    cells = sum(m.verdicts.size for m in matrices)
    print(f"\n{len(found)} problems, {len(usable)} with tests, {cells} cells; "
          f"codedpo build: {seconds:.1f} s, largest process {memory:.0f} MB\n")  # fmt: skip
    base = float(np.mean([r.mean() for r in right.values()]))
    print(f"base rate: {base:.3f} of the solutions are right\n")
    print("| ranker | top-1, all | top-1, with tests | pairs | chosen right, rejected wrong | inverted |")
    print("|---|---|---|---|---|---|")
    for name, ranker in create_plugins(installed=False).rankers.items():
        problems = [ScoredProblem(c, m, ranker(m, {"seed": 0})) for c, m in zip(usable, matrices, strict=True)]
        print(table_row(name, problems, right))


if __name__ == "__main__":
    main()

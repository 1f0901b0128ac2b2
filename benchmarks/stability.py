"""Do verdicts depend on how busy the machine is? The same cells, on an idle machine and among busy loops.

    python benchmarks/stability.py [--runs 10] [--busy 4] [--problems 154] [--peer-runs 10] [--peer-problems 154]
                                   [--only CodeGen|HumanEval+|engine|EvalPlus]

- *CodeGen*: CodeGen-16B's solutions against its tests, 15 x 15 a problem, 1 s of CPU time a test.
- *HumanEval+*: the canonical solutions on all inputs, with EvalPlus's time rule.

Each is run some times with nothing else on the machine, and as often with busy loops, so many a core. Counted are
the cells whose verdict is not the same in all runs. EvalPlus does the same beside it: its ``untrusted_check`` on
the tests of CodeGen that it can be given, and ``evalplus.evaluate`` on HumanEval+.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from codegen import candidates, data_folder
from rich.console import Console
from rich.table import Table

from codedpo_plugin.execution import Limits, Pool
from codedpo_plugin.execution.evalplus_check import execute_with_evalplus
from codedpo_plugin.execution.matrix import Workload, execute
from codedpo_plugin.execution.screening import screen
from codedpo_plugin.records import Candidates, PassMatrix
from codedpo_plugin.suites.evalplus import HUMANEVAL, load

Verdicts = dict[str, list[int]]
"""The verdicts of one run, by problem."""


@contextmanager
def busy_loops(per_core: int) -> Iterator[None]:
    """Keep every core busy with other processes."""
    number = per_core * (os.cpu_count() or 1)
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(number)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def flat(matrices: Iterator[PassMatrix]) -> Verdicts:
    return {m.problem_id: m.verdicts.ravel().tolist() for m in matrices}


def codegen_with_engine(found: Sequence[Candidates]) -> Verdicts:
    with Pool() as pool:
        return flat(execute(pool, (Workload.of(c, Limits()) for c in found)))


def humaneval_with_engine(data: Path) -> Verdicts:
    problems = load(HUMANEVAL, {"humaneval_path": str(data)}, plus=True)
    with Pool() as pool:
        work = (Workload(p.problem.problem_id, (p.reference,), p.plans, p.limits) for p in problems)
        return flat(screen(pool, work))


def humaneval_with_evalplus(data: Path) -> Verdicts:
    tasks = [json.loads(line) for line in data.read_text().splitlines()]
    with tempfile.TemporaryDirectory() as folder:
        samples = Path(folder, "samples.jsonl")
        rows = [{"task_id": t["task_id"], "solution": t["prompt"] + t["canonical_solution"]} for t in tasks]
        samples.write_text("".join(json.dumps(row) + "\n" for row in rows))
        command = ["-m", "evalplus.evaluate", "--dataset", "humaneval", "--samples", str(samples), "--parallel"]
        subprocess.run(
            [sys.executable, *command, str(os.cpu_count())],
            capture_output=True, check=True, env=os.environ | {"HUMANEVAL_OVERRIDE_PATH": str(data)},
        )  # fmt: skip
        found = json.loads(next(Path(folder).glob("*eval_results.json")).read_text())["eval"]
    return {
        task: [int(r["base_status"] == "pass"), int(r["plus_status"] == "pass")] for task, (r,) in found.items()
    }


def changing(runs: Sequence[Verdicts]) -> list[str]:
    """Return the problem of every cell whose verdict is not the same in all runs."""
    first = runs[0]
    return [
        f"{problem}: {sorted(seen)}"
        for problem, cells in first.items()
        for index in range(len(cells))
        if len(seen := {run[problem][index] for run in runs}) > 1
    ]


def experiment(name: str, runs: int, busy: int, run: Callable[[], Verdicts]) -> tuple[str, str, str, str, str]:
    """Run idle and busy; return a row of the table."""
    seconds: list[float] = []
    idle = [_timed(run, seconds) for _ in range(runs)]
    with busy_loops(busy):
        loaded = [_timed(run, seconds) for _ in range(runs)]
    cells, differ = sum(map(len, idle[0].values())), changing([*idle, *loaded])
    for line in differ:
        print(f"  {name}, {line}")
    times = f"{sum(seconds[:runs]) / runs:.0f} s, {sum(seconds[runs:]) / runs:.0f} s"
    return name, str(cells), f"{runs} + {runs}", times, f"{len(changing(idle))}, {len(differ)}"


def _timed(run: Callable[[], Verdicts], seconds: list[float]) -> Verdicts:
    start = time.perf_counter()
    found = run()
    seconds.append(time.perf_counter() - start)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=10, help="runs idle, and as many busy")
    parser.add_argument("--busy", type=int, default=4, help="busy loops a core")
    parser.add_argument("--problems", type=int, default=154, help="problems of CodeGen")
    parser.add_argument("--peer-runs", type=int, default=10)
    parser.add_argument("--peer-problems", type=int, default=154)
    parser.add_argument("--only", default="", help="the experiments with this in their name")
    options = parser.parse_args()
    usable = [c for c in candidates(15, 15) if c.tests]
    ours, theirs = usable[: options.problems], usable[: options.peer_problems]
    table = Table("cells", "number", "runs, idle + busy", "seconds a run, idle, busy", "change: idle, in all runs")
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "data.jsonl")
        data.write_bytes(gzip.decompress((data_folder() / "humanevalplus-v0.1.10.jsonl.gz").read_bytes()))
        humaneval_with_engine(data)  # the references, once
        plan: list[tuple[str, int, Callable[[], Verdicts]]] = [
            ("CodeGen, engine", options.runs, lambda: codegen_with_engine(ours)),
            ("HumanEval+, engine", options.runs, lambda: humaneval_with_engine(data)),
            ("CodeGen, EvalPlus", options.peer_runs, lambda: flat(execute_with_evalplus(theirs, 1.0))),
            ("HumanEval+, EvalPlus", options.peer_runs, lambda: humaneval_with_evalplus(data)),
        ]
        for name, runs, run in plan:
            if runs and options.only in name:
                row = experiment(name, runs, options.busy, run)
                print(" | ".join(row), flush=True)
                table.add_row(*row)
    Console(width=140).print(table)


if __name__ == "__main__":
    main()

"""The engine against what others run programs with: one table, the peers in the same run, on the same cells.

    python benchmarks/engine.py [--problems 16] [--runs 5] [--interpreter PYTHON]
                                [--only code_eval,method,floor,evalplus,workers,stream]

- *code_eval*: the published method of HF ``evaluate``'s code_eval metric (its script needs the hub): a thread pool
  of four, and for each check a process, a manager process and a folder; the program and its test executed together.
  Starting Python is not counted on either side. *method*: the same without what the metric imports. Both on *quick*
  cells, of solutions that do not run out of time, and on *all* (``--cells``).
- *floor*: plain ``exec`` of the same cells in one process, no isolation of any kind; CPU time is compared.
- *evalplus*: ``evalplus.evaluate`` on HumanEval+ with five samples a problem, its ground truth cached as ours is.
- *workers*: one worker, beside the host and on one core with it, against one a core; and the memory of a worker.
- *stream*: a million cells through one pool, and the memory of the process that drives it.

Programs are run with this Python, or with the one of ``--interpreter``, by the engine and by code_eval and exec
alike: what is installed there, programs import, and that may take longer than all the rest.

Cells are CodeGen-16B's solutions and tests for HumanEval, 15 x 15 a problem, see benchmarks/codegen.py.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from codegen import ROOT, candidates, data_folder
from rich.console import Console
from rich.table import Table

from codedpo_plugin.execution import Check, Job, Limits, Pool
from codedpo_plugin.execution.matrix import Workload, execute
from codedpo_plugin.records import Candidates, PassMatrix, Verdict

Row = tuple[str, str, str, str, str]


# --------------------------------------------------------------------------- cells


def spread(number: int) -> list[Candidates]:
    """Return the candidates of so many problems, spread evenly over the data set."""
    usable = [c for c in candidates(15, 15) if c.tests]
    return [usable[round(i * (len(usable) - 1) / max(number - 1, 1))] for i in range(number)]


def without_timeouts(found: Sequence[Candidates], pool: Pool) -> list[Candidates]:
    """Return the candidates without the solutions that run out of time on some test."""
    matrices = execute(pool, (Workload.of(c, Limits()) for c in found))
    return [_only(c, m) for c, m in zip(found, matrices, strict=True)]


def _only(one: Candidates, matrix: PassMatrix) -> Candidates:
    slow = (matrix.verdicts == Verdict.TIMEOUT).any(axis=1)
    return replace(one, solutions=tuple(s for s, is_slow in zip(one.solutions, slow, strict=True) if not is_slow))


def cells_of(found: Sequence[Candidates]) -> list[tuple[str, str]]:
    """Return every pair of a program and a test."""
    return [(program, test) for c in found for program in c.solutions for test in c.tests]


# --------------------------------------------------------------------------- peers


METRIC = "import datasets, evaluate, numpy  # as the metric's own script does; every process is forked with them"

PEER = """
import contextlib, io, json, multiprocessing, os, signal, sys, tempfile, time
from concurrent.futures import ThreadPoolExecutor

class OutOfTime(Exception): pass

def run(program, results):
    def stop(*_): raise OutOfTime
    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 1.0)
    sys.stdin = io.StringIO()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                exec(program, {})
            results.append("passed")
        except BaseException as error:
            results.append(type(error).__name__)
        signal.setitimer(signal.ITIMER_REAL, 0)
        os.chdir("/")

def check(program):
    with multiprocessing.Manager() as manager:
        results = manager.list()
        process = multiprocessing.Process(target=run, args=(program, results))
        process.start()
        process.join(timeout=2.0)
        if process.is_alive():
            process.kill()
        return results[0] if results else "timed out"

if __name__ == "__main__":
    programs = json.load(sys.stdin)
    start = time.perf_counter()
    with ThreadPoolExecutor(4) as threads:
        passed = sum(result == "passed" for result in threads.map(check, programs))
    print(time.perf_counter() - start)
"""

FLOOR = """
import json, os, sys
cells, together = json.load(sys.stdin)
sys.stdin, sys.stdout = open(os.devnull), open(os.devnull, "w")
def run(source, names):
    try: exec(compile(source, "<cell>", "exec"), names)
    except BaseException: return False
    return True
last, names = None, {}
for program, test in cells:
    if not together: run(program + "\\n" + test, {})
    else:
        if program != last: last, names = program, {}; loaded = run(program, names)
        if loaded: run(test, names)
"""


def subprocess_cost(script: str, data: Any, interpreter: str) -> tuple[float, float]:
    """Run a script that reads JSON; return the seconds it prints and the CPU time of it and its children."""
    before = _children_cpu()
    command = [interpreter, "-c", script]
    done = subprocess.run(command, input=json.dumps(data).encode(), capture_output=True, check=True)
    return float(done.stdout or 0), _children_cpu() - before


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def engine_cost(found: Sequence[Candidates], interpreter: str, workers: int | None = None) -> tuple[float, float]:
    """Return the wall time and the CPU time, the host's included, of a pass matrix of every problem."""
    children, own = _children_cpu(), time.process_time()
    with Pool(workers, interpreter=interpreter) as pool:
        list(pool.run([Job("", (Check("1"),))] * pool.size))  # workers start before the clock, as peers' imports do
        start = time.perf_counter()
        for _ in execute(pool, (Workload.of(c, Limits()) for c in found)):
            pass
        wall = time.perf_counter() - start
        specialists = sum(_specialists_cpu(seat.worker.process.pid) for seat in pool._seats)
    return wall, _children_cpu() - children + specialists + time.process_time() - own


def _specialists_cpu(worker: int) -> float:
    """Return the CPU time of the processes of a worker's session but its own, which nobody waits for."""
    total = 0
    for entry in os.scandir("/proc"):
        with suppress(OSError):
            fields = Path(entry.path, "stat").read_text().rsplit(")", 1)[1].split()
            if entry.name.isdigit() and int(fields[3]) == worker != int(entry.name):
                total += sum(map(int, fields[11:15]))
    return total / os.sysconf("SC_CLK_TCK")


def medians(runs: int, measure: Callable[[], tuple[float, float]]) -> tuple[float, float]:
    """Return the medians of both figures over some runs."""
    figures = [measure() for _ in range(runs)]
    return median(wall for wall, _ in figures), median(cpu for _, cpu in figures)


# --------------------------------------------------------------------------- the comparisons


def against_code_eval(options: argparse.Namespace) -> Iterator[Row]:
    return _against_checks(options, "code_eval", f"{METRIC}\n{PEER}")


def against_its_method(options: argparse.Namespace) -> Iterator[Row]:
    return _against_checks(options, "its method, without its imports", PEER)


def _against_checks(options: argparse.Namespace, name: str, script: str) -> Iterator[Row]:
    everything, python = spread(options.problems), options.interpreter
    for which in options.cells.split(","):
        with Pool(interpreter=python) as pool:
            found = without_timeouts(everything, pool) if which == "quick" else everything
        cells = cells_of(found)
        programs = [f"{program}\n{test}" for program, test in cells]
        ours, _ = medians(options.runs, partial(engine_cost, found, python))
        peer, _ = medians(options.peer_runs, partial(subprocess_cost, script, programs, python))
        yield (
            f"{which} cells ({len(cells)})",
            f"{name}: {len(cells) / peer:.0f} cells/s",
            f"{len(cells) / ours:.0f} cells/s",
            f"{peer / ours:.1f}x",
            "100x" if which == "quick" else "15x",
        )


def against_floor(options: argparse.Namespace) -> Iterator[Row]:
    python = options.interpreter
    with Pool(interpreter=python) as pool:
        quick = without_timeouts(spread(options.problems), pool)
    cells = cells_of(quick)
    _, ours = medians(options.runs, lambda: engine_cost(quick, python))
    for name, together in (("each cell on its own", False), ("a program's tests together", True)):
        _, floor = medians(options.runs, partial(subprocess_cost, FLOOR, [cells, together], python))
        goal = "at most 2x" if not together else "–"
        yield f"CPU, {name} ({len(cells)})", f"exec: {floor:.2f} s", f"{ours:.2f} s", f"{ours / floor:.2f}x", goal


def against_evalplus(options: argparse.Namespace) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        samples, data = Path(folder, "samples.jsonl"), Path(folder, "data.jsonl")
        rows = [
            {"task_id": c.problem_id, "solution": solution} for c in candidates(5, 15) for solution in c.solutions
        ]
        samples.write_text("".join(json.dumps(row) + "\n" for row in rows))
        data.write_bytes(gzip.decompress((data_folder() / "humanevalplus-v0.1.10.jsonl.gz").read_bytes()))
        os.environ["HUMANEVAL_OVERRIDE_PATH"] = str(data)
        evalplus = ["-m", "evalplus.evaluate", "--dataset", "humaneval", "--samples", str(samples)]
        ours = ["-m", "codedpo_plugin", "evaluate", "--suite", "humaneval_plus", "--samples", str(samples)]
        commands = {"theirs": evalplus, "theirs, 2": [*evalplus, "--parallel", "2"], "ours": [*ours, "-o", folder]}
        runs = {"ours": options.runs}
        seconds = {n: _timed(c, samples, runs.get(n, options.peer_runs)) for n, c in commands.items()}
        differ = _statuses_that_differ(samples, Path(folder, "eval", "humaneval_plus.json"))
    for name, peer in (("as it comes", seconds["theirs"]), ("--parallel 2", seconds["theirs, 2"])):
        yield (
            f"HumanEval+, {len(rows)} samples",
            f"evalplus.evaluate, {name}: {peer:.1f} s",
            f"{seconds['ours']:.1f} s",
            f"{peer / seconds['ours']:.1f}x",
            "5x" if name == "as it comes" else "–",
        )
    yield f"statuses that differ, of {2 * len(rows)}", "", ", ".join(differ) or "none", str(len(differ)), "0"


def _timed(command: list[str], samples: Path, runs: int) -> float:
    """Return the median wall time of a command; with several runs a first one fills its cache."""
    seconds = []
    for _ in range(runs + (runs > 1)):
        for result in samples.parent.glob("*eval_results.json"):
            result.unlink()
        start = time.perf_counter()
        subprocess.run([sys.executable, *command], capture_output=True, check=True)
        seconds.append(time.perf_counter() - start)
    return median(seconds[1:] or seconds)


def _statuses_that_differ(samples: Path, ours: Path) -> list[str]:
    """Return the samples of which a base or plus status, pass or not, is not EvalPlus's."""
    subprocess.run(
        [sys.executable, "-m", "evalplus.evaluate", "--dataset", "humaneval", "--samples", str(samples)],
        capture_output=True, check=True,
    )  # fmt: skip
    theirs = json.loads(next(samples.parent.glob("*eval_results.json")).read_text())["eval"]
    return [
        f"{s['problem_id']}#{s['sample']} {part}: {s[part]}, EvalPlus {theirs[s['problem_id']][s['sample']][part]}"
        for s in json.loads(ours.read_text())["samples"]
        for part in ("base_status", "plus_status")
        if (s[part] == "pass") != (theirs[s["problem_id"]][s["sample"]][part] == "pass")
    ]


def workers(options: argparse.Namespace) -> Iterator[Row]:
    python = options.interpreter
    with Pool(interpreter=python) as pool:
        quick = without_timeouts(spread(options.problems), pool)
        number = pool.size
        memory = max(_proportional_mb(seat.worker.process.pid) for seat in pool._seats)
    one, many = (medians(options.runs, partial(engine_cost, quick, python, w))[0] for w in (1, number))
    with on_one_core():
        least, _ = medians(options.runs, partial(engine_cost, quick, python, 1))
    for name, seconds in (("1 worker", one), ("1 worker and the host on one core", least)):
        yield (
            "workers",
            f"{name}: {seconds:.2f} s",
            f"{number} workers: {many:.2f} s",
            f"{seconds / many:.2f}x",
            f"{number}x",
        )
    yield "memory of a worker", "", f"{memory:.0f} MB", "", "under 40 MB"


@contextmanager
def on_one_core() -> Iterator[None]:
    """Keep this process, and what it starts, to one core."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def _proportional_mb(pid: int) -> float:
    """Return the memory of a process, pages it shares divided among those who share them."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def stream(_: argparse.Namespace) -> Iterator[Row]:
    checks = tuple(Check(f"f({n})") for n in range(100))
    jobs = (Job(f"def f(x): return x + {n % 7}", checks) for n in range(10_000))
    with Pool() as pool:
        start, cells, memory = time.perf_counter(), 0, []
        for number, result in enumerate(pool.run(jobs)):
            cells += len(result.answers)
            if number % 1000 == 999:
                memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        seconds = time.perf_counter() - start
    grown = f"{memory[0]:.0f} MB after a tenth, {memory[-1]:.0f} MB at the end"
    yield f"{cells} cells through one pool", "", f"{seconds:.0f} s, {grown}", "", "no growth"


COMPARISONS = {
    "code_eval": against_code_eval,
    "method": against_its_method,
    "floor": against_floor,
    "evalplus": against_evalplus,
    "workers": workers,
    "stream": stream,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--problems", type=int, default=16, help="problems whose cells are run")
    parser.add_argument("--runs", type=int, default=5, help="runs of the engine; the median counts")
    parser.add_argument("--peer-runs", type=int, default=5, help="runs of the peers")
    parser.add_argument("--interpreter", default=sys.executable, help="the Python that runs programs")
    parser.add_argument("--cells", default="quick,all", help="which, for code_eval and method")
    parser.add_argument("--only", default=",".join(COMPARISONS), help="comparisons to make")
    options = parser.parse_args()
    table = Table("work", "peer", "engine", "ratio", "goal", title=f"{os.cpu_count()} cores, {ROOT.name}")
    for name in options.only.split(","):
        for row in COMPARISONS[name](options):
            table.add_row(*row)
            print(" | ".join(row), flush=True)
    Console(width=160).print(table)


if __name__ == "__main__":
    main()

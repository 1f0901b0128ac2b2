"""How a large run behaves: does its cost grow with the number of problems alone, and does it survive being killed?

    python benchmarks/scale.py linear [--problems 1000,10000] [--programs real|quick|two|none] [-o DIR]
    python benchmarks/scale.py kills [--command build|train|run] [--kills 20] [--problems 2560] [-o DIR]

Problems are *re-drawn*: 15 solutions and 15 tests drawn anew, for each, out of those that CodeGen-16B wrote for one
of 154 problems of HumanEval (benchmarks/codegen.py); they carry ids of their own and say what they were drawn from.

- ``real``: any solution. ``quick``: only solutions that do not run out of time.
- ``two``: two quick solutions, each written down several times. Equal solutions are run once, so that this shows
  what is not the running of programs: files, memory, ranking.
- ``none``: the problems of ``real``, but no program is run. An executor that draws the verdicts stands in, so that
  a hundred thousand problems take minutes.

*linear* builds correctness pairs with ``codedpo build``; *kills* kills that command, ``codedpo train`` or a small
``codedpo run``, or one of its workers, at random moments, starts it again, and compares every file of the finished
run, but those that tell times, with those of one that was left alone.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from codegen import candidates
from demo import configuration
from engine import without_timeouts

from codedpo_plugin import hookimpl
from codedpo_plugin.cli.console import session
from codedpo_plugin.config import ExecuteConfig, PairsConfig, ScoreConfig
from codedpo_plugin.demo import embedded_model
from codedpo_plugin.execution import Limits, Pool
from codedpo_plugin.execution.matrix import Workload, execute
from codedpo_plugin.formats import jsonl
from codedpo_plugin.pipeline import Pipeline
from codedpo_plugin.records import Candidates, PairKind, PassMatrix, PreferencePair, SolutionForm
from codedpo_plugin.rundir import RunDirectory
from codedpo_plugin.status import read_notes
from codedpo_plugin.suites.micro import micro_problems

DRAWN_FROM = 30
"""Solutions of each problem that those of a re-drawn one are drawn from; and twice as many tests as are drawn."""
TIMES: Final = ("progress.json", "comparison.json", "report.html")
"""Files of a run that tell times, which no two runs have in common."""
CODEDPO: Final = [sys.executable, "-m", "codedpo_plugin"]
Command = Sequence[str]


# --------------------------------------------------------------------------- problems


def recorded(programs: str, folder: Path) -> list[Candidates]:
    """Return what re-drawn problems are drawn from; kept in a file, as finding the quick ones takes a while."""
    path = folder / f"recorded-{programs}.jsonl"
    if not path.exists():
        found = [c for c in candidates(DRAWN_FROM, DRAWN_FROM) if c.tests]
        if programs in ("quick", "two"):
            with Pool() as pool:
                found = [c for c in without_timeouts(found, pool) if len(c.solutions) > 1]
        jsonl.write(path, found)
    return jsonl.read_all(path, jsonl.candidates_parser())[0]


def redrawn(number: int, programs: str, folder: Path) -> Iterator[Candidates]:
    """Yield so many re-drawn problems."""
    found = recorded(programs, folder)
    for index in range(number):
        one, draw = found[index % len(found)], random.Random(index)
        drawn = draw.sample(one.solutions, min(15, len(one.solutions)))
        yield replace(
            one,
            problem_id=f"redrawn/{index}",
            solutions=tuple((drawn[:2] * 8)[:15] if programs == "two" else drawn),
            tests=tuple(draw.sample(one.tests, min(15, len(one.tests)))),
            generator={"redrawn_from": one.problem_id},
        )


# --------------------------------------------------------------------------- linear


@dataclass(frozen=True)
class Cost:
    """What a command took."""

    wall_s: float
    cpu_s: float
    """Of the command and all processes it started."""
    own_cpu_s: float
    """Of its first process alone."""
    peak_mb: float
    """Memory of its first process."""


def cost_of(command: Command) -> Cost:
    """Run a command; return what it took."""
    start, own, peak = time.monotonic(), 0.0, 0
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        own = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        peak = max(peak, high_water(process.pid))
        time.sleep(0.2)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit status {process.returncode}")
    return Cost(time.monotonic() - start, usage.ru_utime + usage.ru_stime, own, peak / 1024)


def high_water(pid: int) -> int:
    """Return the largest memory a process had so far, in KiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


def build(source: Path, run: Path) -> Command:
    """Return the command that builds correctness pairs."""
    return [*CODEDPO, "build", str(source), "-o", str(run), "--kind", "correctness"]


class StandIn:
    """An executor that runs nothing: it draws pass or fail for every cell, by the problem's id."""

    @hookimpl
    def codedpo_execute(self, candidates: Iterable[Candidates]) -> Iterator[PassMatrix]:
        for one in candidates:
            draw = np.random.default_rng(zlib.crc32(one.problem_id.encode()))
            shape = (len(one.solutions), len(one.tests))
            yield PassMatrix(one.problem_id, draw.integers(0, 2, shape, np.uint8))


def build_without_programs(options: argparse.Namespace) -> None:
    with session() as plugins:
        plugins.manager.register(StandIn())
        with Pipeline(RunDirectory(options.output / "run"), plugins) as pipeline:
            pipeline.take_candidates([options.output / "source.jsonl"], SolutionForm.PROGRAM)
            pipeline.execute(ExecuteConfig())
            pipeline.score(ScoreConfig())
            pipeline.pairs(PairsConfig(kinds=(PairKind.CORRECTNESS,)), ExecuteConfig())


COLUMNS = (
    "problems", "cells", "wall s", "problems/s", "CPU s", "of these the parent", "parent's peak MB",
    "candidates, execute, score, pairs: wall s", "engine alone: wall, CPU s",
    "matrix, scores, pairs: MB", "compressed",
)  # fmt: skip


def linear(options: argparse.Namespace) -> None:
    print(f"{options.programs} programs, {len(os.sched_getaffinity(0))} cores\n")
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}", flush=True)
    for number in map(int, options.problems.split(",")):
        source, run = options.output / "source.jsonl", RunDirectory(options.output / "run")
        jsonl.write(source, redrawn(number, options.programs, options.output))
        shutil.rmtree(run.path, ignore_errors=True)
        without = [sys.executable, __file__, "without", "-o", str(options.output)]
        cost = cost_of(without if options.programs == "none" else build(source, run.path))
        alone = [f"{seconds:.0f}" for seconds in engine_alone(source)] if options.engine else ["–"]
        source.unlink()
        print(f"| {' | '.join(row(number, run, cost, alone))} |", flush=True)


def row(number: int, run: RunDirectory, cost: Cost, alone: list[str]) -> Iterator[str]:
    """Yield the row of a run."""
    yield f"{number:,}"
    yield f"{json.loads(run.manifest.read_text())['stages']['execute']['counts']['cells']:,}"
    yield f"{cost.wall_s:.1f}"
    yield f"{number / cost.wall_s:.1f}"
    yield f"{cost.cpu_s:.0f}"
    yield f"{cost.own_cpu_s:.1f}"
    yield f"{cost.peak_mb:.0f}"
    yield ", ".join(f"{note.updated - note.started:.1f}" for note in read_notes(run.progress)[1].values())
    yield ", ".join(alone)
    yield ", ".join(f"{path.stat().st_size / 1e6:.2f}" for path in (run.matrix, run.scores, run.pairs))
    yield ", ".join(f"{size / 1e6:.2f}" for size in compressed(run))


def engine_alone(source: Path) -> tuple[float, float]:
    """Return wall and CPU time of running the programs and judging their values, without any file but the input."""
    start, cpu = time.monotonic(), sum(os.times()[:4])
    found = jsonl.read(source, jsonl.candidates_parser(), jsonl.BadLines())
    with Pool() as pool:
        for _ in execute(pool, (Workload.of(c, Limits()) for c in found)):
            pass
    return time.monotonic() - start, sum(os.times()[:4]) - cpu


def compressed(run: RunDirectory) -> Iterator[int]:
    """Yield what matrices, scores and pairs would take, each column compressed by zstd in one piece."""
    codec = pa.Codec("zstd")
    for path in (run.matrix, run.scores):
        (batch,) = pq.read_table(path).combine_chunks().to_batches()
        yield sum(len(codec.compress(buffer)) for column in batch for buffer in column.buffers() if buffer)
    yield len(codec.compress(run.pairs.read_bytes()))


# --------------------------------------------------------------------------- kills


def killed_build(options: argparse.Namespace, run: Path) -> Command:
    source = options.output / "kills.jsonl"
    jsonl.write(source, redrawn(int(options.problems), options.programs, options.output))
    return build(source, run)


def killed_train(_: argparse.Namespace, run: Path) -> Command:
    """Train on pairs of the micro suite's own programs, with a checkpoint every second step."""
    pairs = [
        PreferencePair(entry.prompt, entry.reference, wrong, PairKind.CORRECTNESS, entry.id, 1, 0, 0)
        for entry in micro_problems("train")
        for wrong in entry.wrong
    ]
    jsonl.write(run / "pairs.jsonl", pairs)
    settings = [f"--set={name}=2" for name in ("checkpoint_every", "track_every", "gradient_accumulation")]
    return [*CODEDPO, "train", str(run), "--model", str(embedded_model()), *settings]


def killed_run(options: argparse.Namespace, run: Path) -> Command:
    """Run the demo on a few problems, without what rests on measured times."""
    less = ["problems.limit=12", "generate.n_solutions=6", "evaluate.n_samples=1"]
    config = configuration(0, "composed_heldout", [*less, "pairs.kinds=[correctness]", "train.checkpoint_every=1"])
    file = options.output / "kills.yaml"
    file.write_text(yaml.safe_dump(config), "utf-8")
    return [*CODEDPO, "run", str(file), "-o", str(run)]


KILLED: Final = {"build": killed_build, "train": killed_train, "run": killed_run}
"""By name: what writes the input of a command, into the run directory if it belongs there, and returns it."""


def kills(options: argparse.Namespace) -> None:
    run, prepare = options.output / "killed", KILLED[options.command]
    shutil.rmtree(run, ignore_errors=True)
    whole = cost_of(prepare(options, run)).wall_s
    alone = digests(run)
    print(f"{options.command}, left alone: {whole:.1f} s, {len(alone)} files", flush=True)
    draw, done, runs, equal = random.Random(options.seed), 0, 0, 0
    while done < options.kills:
        shutil.rmtree(run)
        done += until_finished(prepare(options, run), draw, whole, options.kills - done)
        differ = sorted({name for name, _ in digests(run).items() ^ alone.items()})
        runs, equal = runs + 1, equal + (not differ)
        print(f"{done} kills, {runs} finished runs, {equal} equal to the last byte", *differ, flush=True)
    if equal < runs:
        raise SystemExit("not all runs are equal")


def until_finished(command: Command, draw: random.Random, whole: float, most: int) -> int:
    """Run a command until it finishes, killing it, or one of its workers, at random moments; return how often."""
    killed = 0
    while True:
        process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
        try:
            process.wait(draw.uniform(0, whole) if killed < most else None)
        except subprocess.TimeoutExpired:
            victims = children(process.pid) if draw.random() < 1 / 3 else []
            os.kill(draw.choice(victims) if victims else process.pid, signal.SIGKILL)
            killed += 1
            print(f"  killed {'a worker' if victims else 'it'}", flush=True)
        error = process.communicate()[1].decode()
        if process.returncode == 0:
            return killed
        if process.returncode != -signal.SIGKILL:
            raise SystemExit(error)


def children(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def digests(run: Path) -> dict[str, str]:
    """Return a digest of each file of a run, but of those that tell times."""
    files = {str(path.relative_to(run)): path for path in run.rglob("*") if path.is_file()}
    return {n: hashlib.sha256(timeless(p)).hexdigest() for n, p in files.items() if n not in TIMES}


def timeless(path: Path) -> bytes:
    """Return the content of a file without the times that evaluations measure, and without their digests."""
    content = path.read_bytes()
    if path.parent.name == "eval":
        content = re.sub(rb'"cpu_ns": ?\d+', b"", content)
    if path.name == "manifest.json":
        manifest = json.loads(content)
        manifest["stages"].pop("compare", None)
        content = json.dumps(manifest).encode()
    return content


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=("linear", "kills", "without"))
    parser.add_argument("--problems", default="1000", help="how many; several, with commas, for linear")
    parser.add_argument("--programs", choices=("real", "quick", "two", "none"), default="two")
    parser.add_argument("--engine", action="store_true", help="also run the programs without the pipeline (linear)")
    parser.add_argument("--command", choices=tuple(KILLED), default="build", help="what is killed")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0, help="of the moments to kill at")
    parser.add_argument("-o", "--output", type=Path, default=Path("out/scale"))
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    {"linear": linear, "kills": kills, "without": build_without_programs}[options.what](options)


if __name__ == "__main__":
    main()

"""How long the report of a run takes to write and to open, at 100, 1,000 and 10,000 problems.

    python benchmarks/report.py RUN [--problems 100,1000,10000] [--loads 7] [-o DIR]

RUN is a finished run directory (`codedpo demo -o RUN`). Its problems are re-drawn: each new one takes a problem of
RUN with its solutions in another order, some tests left out, scores computed anew, and pairs with other figures.
Before and after, speeds and log-probabilities are drawn at random: the pages show layout and load, no result.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from codedpo_plugin.evaluation.compare import Comparison, write_comparison
from codedpo_plugin.evaluation.passk import bootstrap_mean
from codedpo_plugin.evaluation.speed import ProblemSpeed, Speeds
from codedpo_plugin.formats import jsonl, parquet
from codedpo_plugin.ranking.self_validation import rank
from codedpo_plugin.records import Candidates, PassMatrix, PreferencePair
from codedpo_plugin.rundir import RunDirectory
from codedpo_plugin.timing import Ratio

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Base:
    """A problem of the run that is re-drawn."""

    candidates: Candidates
    matrix: PassMatrix
    pairs: tuple[PreferencePair, ...]


def read_base(run: RunDirectory) -> list[Base]:
    pairs: dict[str, list[PreferencePair]] = {}
    for pair in jsonl.read(run.pairs, jsonl.pair_from, jsonl.BadLines(), unique=False):
        pairs.setdefault(pair.problem_id, []).append(pair)
    candidates, _ = jsonl.read_all(run.candidates, jsonl.candidates_parser())
    matrices = parquet.read_matrices(run.matrix)
    return [Base(c, m, tuple(pairs.get(c.problem_id, ()))) for c, m in zip(candidates, matrices, strict=True)]


def redraw(base: Sequence[Base], count: int, seed: int) -> Iterator[Base]:
    """Yield problems made of those of the base."""
    generator = np.random.default_rng(seed)
    for number in range(count):
        drawn = base[int(generator.integers(len(base)))]
        rows, columns = drawn.matrix.verdicts.shape
        kept_rows = generator.permutation(rows)
        kept_columns = np.sort(generator.permutation(columns)[: max(1, columns - int(generator.integers(3)))])
        name = f"{drawn.candidates.problem_id}/{number:05d}"
        candidates = replace(
            drawn.candidates,
            problem_id=name,
            solutions=tuple(drawn.candidates.solutions[i] for i in kept_rows),
            tests=tuple(drawn.candidates.tests[j] for j in kept_columns),
        )
        matrix = PassMatrix(name, np.ascontiguousarray(drawn.matrix.verdicts[np.ix_(kept_rows, kept_columns)]))
        yield Base(candidates, matrix, tuple(_redrawn(pair, name, generator) for pair in drawn.pairs))


def _redrawn(pair: PreferencePair, name: str, generator: np.random.Generator) -> PreferencePair:
    rejected = pair.chosen_score * float(generator.beta(1, 3))
    margin = pair.chosen_score - rejected
    speedup = pair.speedup and 1.1 + float(generator.lognormal(0.2, 0.9))
    confidence = float(generator.beta(4, 2))
    return replace(
        pair, problem_id=name, rejected_score=rejected, margin=margin, speedup=speedup, confidence=confidence
    )


def write_run(target: RunDirectory, source: RunDirectory, problems: Sequence[Base]) -> None:
    """Write a run directory of re-drawn problems, with what a trained model would add."""
    jsonl.write(target.candidates, (p.candidates for p in problems))
    parquet.write_matrices(target.matrix, (p.matrix for p in problems))
    parquet.write_scores(target.scores, (rank(p.matrix, {}) for p in problems))
    jsonl.write(target.pairs, (pair for p in problems for pair in p.pairs))
    manifest = json.loads(source.manifest.read_text("utf-8"))
    target.manifest.write_text(json.dumps(manifest))
    names = [p.candidates.problem_id for p in problems]
    write_comparison(target.comparison, [drawn_comparison(names, np.random.default_rng(1))])
    target.train.mkdir(exist_ok=True)
    (target.train / "logprobs.jsonl").write_text("".join(json.dumps(line) + "\n" for line in drawn_logprobs()))


def drawn_comparison(names: Sequence[str], generator: np.random.Generator) -> Comparison:
    before = generator.random(len(names)) < 0.35
    after = np.where(generator.random(len(names)) < 0.25, True, before)  # noqa: FBT003 - numpy's own form
    speeds = [ProblemSpeed(name, _ratio(generator)) for name, old in zip(names, before, strict=True) if old]
    return Comparison(
        "made-up",
        {"pass@1": bootstrap_mean(before.astype(float).tolist())},
        {"pass@1": bootstrap_mean(after.astype(float).tolist())},
        gained=tuple(name for name, old, new in zip(names, before, after, strict=True) if new and not old),
        speeds=Speeds(tuple(speeds)),
        changes={"pass@1": dict(zip(names, (after * 1.0 - before).tolist(), strict=True))},
    )


def _ratio(generator: np.random.Generator) -> Ratio:
    value, width = float(generator.lognormal(0.25, 0.45)), 1 + float(generator.random()) / 5
    return Ratio(value, value / width, value * width, 1e6, 1e6 * value)


def drawn_logprobs() -> Iterator[Mapping[str, Any]]:
    ends = {"correct": 0.35, "wrong": -0.9, "fast": 0.2, "slow": -0.5}
    for step in range(0, 201, 10):
        for start, (kind, end) in enumerate(ends.items()):
            mean = -2.0 - 0.15 * start + end * (1 - np.exp(-step / 70)) + 0.02 * np.sin(step + start)
            yield {"step": step, "kind": kind, "mean": float(mean), "count": 64}


# --------------------------------------------------------------------------- measuring


def loads(page: Path, times: int) -> list[Mapping[str, float]]:
    """Return, for each of several fresh pages, milliseconds to the first paint and to the end of loading."""
    from playwright.sync_api import sync_playwright

    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    read = """() => new Promise(done => setTimeout(() => done({
        paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? NaN,
        load: performance.getEntriesByType("navigation")[0].loadEventEnd}), 300))"""
    found = []
    with sync_playwright() as playwright:
        for _ in range(times):
            browser = playwright.chromium.launch(executable_path=chromium)
            tab = browser.new_page()
            tab.goto(page.resolve().as_uri())
            found.append(tab.evaluate(read))
            browser.close()
    return found


def measure(source: RunDirectory, folder: Path, count: int, times: int) -> str:
    """Return one row of the table."""
    run = RunDirectory(folder / str(count))
    run.path.mkdir(parents=True, exist_ok=True)
    write_run(run, source, list(redraw(read_base(source), count, seed=0)))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "codedpo_plugin", "report", str(run.path)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    shown = run.report.read_text("utf-8").count('role="option"')
    found = loads(run.report, times)
    paint, load = (statistics.median(f[name] for f in found) for name in ("paint", "load"))
    worst = max(f["load"] for f in found)
    size = run.report.stat().st_size / 1e6
    return f"| {count:,} | {shown} | {size:.2f} | {seconds:.1f} | {paint:.0f} | {load:.0f} | {worst:.0f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--problems", default="100,1000,10000")
    parser.add_argument("--loads", type=int, default=7)
    parser.add_argument("-o", "--output", type=Path, default=Path("out/report"))
    options = parser.parse_args()
    print("| problems | shown | page, MB | written, CPU s | first paint, ms | load event, ms | slowest load, ms |")
    print("|---|---|---|---|---|---|---|")
    for count in map(int, options.problems.split(",")):
        print(measure(RunDirectory(options.run), options.output, count, options.loads), flush=True)


if __name__ == "__main__":
    main()

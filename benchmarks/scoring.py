"""How long ``codedpo score`` takes for a million problems of 15×15, from matrix.parquet to scores.parquet.

    python benchmarks/scoring.py [--problems 1000000] [--rankers bayes,codet] [-o DIR]

The matrices are drawn at random: a share of the solutions and of the tests is right, right ones agree, wrong
solutions pass right tests more often than wrong ones. Each ranker runs in a process of its own; time and memory
are those of the whole command, start of the interpreter and digest of the input included.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codedpo_plugin.formats import parquet
from codedpo_plugin.manager import create_plugins
from codedpo_plugin.records import PassMatrix, Verdict

BLOCK = 1000


def matrices(problems: int, size: int = 15) -> Iterator[PassMatrix]:
    """Yield random problems."""
    generator = np.random.default_rng(0)
    for start in range(0, problems, BLOCK):
        for offset, passed in enumerate(_block(generator, min(BLOCK, problems - start), size)):
            verdicts = np.where(passed, Verdict.PASS, Verdict.FAIL).astype(np.uint8)
            yield PassMatrix(f"random/{start + offset}", verdicts)


def _block(generator: np.random.Generator, problems: int, size: int) -> NDArray[np.bool_]:
    """Return pass matrices of shape (problems, size, size)."""
    shares = generator.random((2, problems, 1))
    right_solutions, right_tests = generator.random((2, problems, size)) < shares
    chance = np.where(right_tests, generator.random((problems, 1)), 0.1)
    passed = generator.random((problems, size, size)) < chance[:, None, :]
    return np.where(right_solutions[:, :, None], right_tests[:, None, :], passed)


def measured(run: Path, ranker: str) -> tuple[float, float, float]:
    """Score a run directory with a ranker; return wall seconds, CPU seconds and peak memory in MB."""
    command = [sys.executable, "-m", "codedpo_plugin", "score", str(run), "--ranker", ranker]
    start = time.monotonic()
    with subprocess.Popen(command) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed")
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--problems", type=int, default=1_000_000)
    parser.add_argument("--rankers", default=",".join(create_plugins(installed=False).rankers))
    parser.add_argument("-o", "--output", type=Path, default=Path("out/scoring"))
    options = parser.parse_args()
    run = options.output / str(options.problems)
    if not (run / "matrix.parquet").exists():
        parquet.write_matrices(run / "matrix.parquet", matrices(options.problems))
    print("| ranker | wall s | CPU s | µs a problem | largest MB |")
    print("|---|---|---|---|---|")
    for ranker in options.rankers.split(","):
        wall, cpu, memory = measured(run, ranker)
        print(
            f"| `{ranker}` | {wall:.1f} | {cpu:.1f} | {cpu / options.problems * 1e6:.0f} | {memory:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()

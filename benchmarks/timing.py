"""How far a time ratio can be trusted: two copies of one program, and programs with a known difference.

    python benchmarks/timing.py [--programs 200] [--busy 4] [--ratios 1,1.1,1.25,2]

Programs are right: HumanEval's canonical solutions and CodeGen-16B's solutions that pass HumanEval's own tests,
on HumanEval's own inputs. Ratio 1 is each of them against itself, as it is. Another planted ratio is one function
called a different number of times by each program, about 2 ms in all. Beside it the naive way: a wall-clock run of
all inputs each. ``--busy N`` keeps N endless loops running on every core.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from codegen import data_folder, rows

from codedpo_plugin.config import TimingConfig
from codedpo_plugin.execution import Check, Pool
from codedpo_plugin.execution.matrix import Workload, execute
from codedpo_plugin.generation.extraction import truncate
from codedpo_plugin.programs import normalise
from codedpo_plugin.suites import SuiteProblem
from codedpo_plugin.suites.evalplus import HUMANEVAL, load
from codedpo_plugin.timing import Ratio, compare_programs, measure

STOPS = ("\nclass", "\ndef", "\n#", "\nif", "\nprint")  # as CodeT cuts its samples
PASS_NS = 2e6  # what a program is made to take, by calling its function often enough
FEWEST_CALLS = 20  # the fewest that tell 1.1 from 1.25 in whole calls
NAIVE = """
import json, sys, time
program, checks = json.load(sys.stdin)
space = {}
exec(program, space)
start = time.perf_counter()
for check in checks:
    eval(check, space)
print(time.perf_counter() - start)
"""
REPEATED = """

def _repeated(function):
    def call(*arguments):
        for _ in range({calls}):
            result = function(*arguments)
        return result
    return call

{name} = _repeated({name})
"""


@dataclass(frozen=True)
class Subject:
    """A right program with the inputs it is timed on."""

    program: str
    name: str
    checks: tuple[Check, ...]
    calls: int = 1

    def repeated(self, ratio: float) -> str:
        """Return the program, its function called ``ratio`` times as often as in the slowed-down subject."""
        return self.program + REPEATED.format(calls=round(self.calls * ratio), name=self.name)


def problems() -> list[SuiteProblem]:
    return load(
        HUMANEVAL, {HUMANEVAL.metadata_key: str(data_folder() / "humanevalplus-v0.1.10.jsonl.gz")}, plus=False
    )


def subjects(count: int, pool: Pool) -> list[Subject]:
    """Return ``count`` right programs, no two the same, taken from all problems in turn."""
    generated = {row["prompt"]: row["samples"] for row in rows("humaneval-codegen16b-solutions.jsonl.gz")}
    prompts = {row["task_id"]: row["prompt"] for row in rows("humaneval-prompts.jsonl.gz")}
    known, found = problems(), dict[str, Subject]()
    for depth in range(8):
        for problem in known:
            own = prompts[problem.problem.problem_id]
            samples = [own + truncate(text, STOPS) for text in generated[own][:8]]
            program = problem.reference if depth == 0 else samples[depth - 1]
            if normalise(program) not in found and _is_right(program, problem, pool):
                name = str(problem.problem.entry_point)
                subject = Subject(program, name, problem.timing_checks)
                calls = _calls(subject, pool)
                if calls:
                    found[normalise(program)] = Subject(program, name, problem.timing_checks, calls)
            if len(found) == count:
                return list(found.values())
    return list(found.values())


def _is_right(program: str, problem: SuiteProblem, pool: Pool) -> bool:
    workload = Workload(problem.problem.problem_id, (program,), problem.plans, problem.limits)
    return all(bool(matrix.passed.all()) for matrix in execute(pool, [workload]))


def _calls(subject: Subject, pool: Pool) -> int:
    """Return how often the function is to be called; 0 if that changes what it does (it changes its input)."""
    (once,) = measure(pool, [subject.program], subject.checks, TimingConfig(passes=1))
    if not once:
        return 0
    calls = FEWEST_CALLS * max(1, round(PASS_NS / once[0] / FEWEST_CALLS))
    (often,) = measure(pool, [Subject(subject.program, subject.name, (), calls).repeated(2)], subject.checks,
                       TimingConfig(passes=1))  # fmt: skip
    return calls if often else 0


def naive(programs: Sequence[str], checks: Sequence[Check]) -> float | None:
    """Return the ratio of two wall-clock times, one run each; None if a run fails."""
    times = []
    for program in programs:
        given = json.dumps([program, [check.source for check in checks]])
        done = subprocess.run(
            [sys.executable, "-S", "-c", NAIVE], input=given, capture_output=True, text=True, check=False
        )
        if done.returncode:
            print(f"a naive run failed: {done.stderr[-300:]}", file=sys.stderr, flush=True)
            return None
        times.append(float(done.stdout.split()[-1]))
    return times[1] / times[0]


@contextmanager
def busy(loops: int) -> Iterator[None]:
    """Keep so many endless loops running on every core."""
    cores = len(os.sched_getaffinity(0))
    processes = [subprocess.Popen([sys.executable, "-S", "-c", "while True: pass"]) for _ in range(loops * cores)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def trial(found: Sequence[Subject], planted: float, pool: Pool) -> str:
    """Return one row: how the programs with a planted ratio were told apart."""
    config, start = TimingConfig(), time.monotonic()
    pairs = [(s.program, s.program) if planted == 1 else (s.repeated(1), s.repeated(planted)) for s in found]
    measured = [compare_programs(pool, *p, s.checks, config) for p, s in zip(pairs, found, strict=True)]
    seconds = time.monotonic() - start
    ratios = [ratio for ratio in measured if ratio]
    once = [r for p, s in zip(pairs, found, strict=True) if (r := naive(p, s.checks))]
    cells = [
        f"{planted:g}",
        str(len(ratios)),
        _share([r.beyond(config.min_ratio) for r in ratios]),
        _share([r.below(config.min_ratio) for r in ratios]),
        _share([r.low <= planted <= r.high for r in ratios]),
        _share([_unclear(r, config.min_ratio) for r in ratios]),
        f"{seconds / len(found):.2f}",
        _share([ratio >= config.min_ratio for ratio in once]),
        _share([ratio <= 1 / config.min_ratio for ratio in once]),
    ]
    return "| " + " | ".join(cells) + " |"


def _unclear(ratio: Ratio, threshold: float) -> bool:
    return any(ratio.low <= edge <= ratio.high for edge in (threshold, 1 / threshold))


def _share(flags: Sequence[bool]) -> str:
    return f"{sum(flags)} ({sum(flags) / len(flags):.1%})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", type=int, default=200)
    parser.add_argument("--busy", type=int, default=0, help="endless loops on every core")
    parser.add_argument("--ratios", default="1,1.1,1.25,2", help="planted ratios")
    options = parser.parse_args()
    with Pool(1) as pool:
        found = subjects(options.programs, pool)
        print(f"{len(found)} programs, {options.busy} busy loops a core, load before {os.getloadavg()[0]:.1f}\n")
        print("| planted | pairs | faster | slower | interval holds it | unclear | s a pair "
              "| naive: faster | naive: slower |")  # fmt: skip
        print("|---|---|---|---|---|---|---|---|---|", flush=True)
        with busy(options.busy):
            for planted in map(float, options.ratios.split(",")):
                print(trial(found, planted, pool), flush=True)


if __name__ == "__main__":
    main()

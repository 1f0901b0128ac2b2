"""DS-1000's reference solutions and two models' published answers: our engine, the official way, what is published.

    python benchmarks/ds1000.py [--answers references,codex002,gpt-3.5-turbo-0125] [--official references] [-o DIR]

The official way (``ds1000_official.py``, in the same environment, with as many processes as our engine has workers)
is measured in the same run for the sets of answers named by ``--official``; verdicts it left in DIR are used again
for the others. Data: see benchmarks/README.md; environment: ``codedpo ds1000 setup``.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import resource
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from codedpo_plugin.evaluation.judging import Engine, Entry, judge
from codedpo_plugin.execution.sandboxes import BUILT_IN
from codedpo_plugin.records import Verdict
from codedpo_plugin.suites import SuiteProblem, ds1000

ROOT = Path(__file__).resolve().parents[1]
OFFICIAL = Path(__file__).with_name("ds1000_official.py")
REFERENCES = "references"


def data_folder() -> Path:
    return Path(os.environ.get("CODEDPO_TEST_DATA", ROOT.parent / "shared" / "data")) / "ds1000"


def answers_of(name: str, problems: Sequence[SuiteProblem]) -> list[str]:
    """Return the answers of a set, post-processed, in the order of the problems."""
    if name == REFERENCES:
        return [p.reference for p in problems]
    with gzip.open(data_folder() / f"{name}-answers.jsonl.gz", "rt") as handle:
        return [ds1000.postprocess(json.loads(line)["code"]) for line in handle]


def published(name: str) -> dict[str, float]:
    """Return the published accuracy by library; the reference solutions are right by definition."""
    if name == REFERENCES:
        return dict.fromkeys(ds1000.LIBRARIES, 1.0)
    text = (data_folder() / f"{name}-result.txt").read_text()
    return {
        key: float(match[1])
        for key, library in ds1000.LIBRARIES.items()
        if (match := re.search(rf"^{library.name}\s+\d+\s+([\d.]+)", text, re.MULTILINE))
    }


@dataclass(frozen=True, slots=True)
class Run:
    """Who passed, by problem id, and what it took."""

    passed: Mapping[str, bool]
    seconds: float | None = None
    cpu_s: float | None = None


def cpu_seconds() -> float:
    """Return the CPU time of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run_ours(problems: Sequence[SuiteProblem], answers: Sequence[str], workers: int) -> Run:
    """Judge answers with the engine."""
    entries = [Entry(p, (answer,)) for p, answer in zip(problems, answers, strict=True)]
    start, cpu = time.monotonic(), cpu_seconds()
    found = judge(entries, Engine(workers, "auto", {s.name: s for s in BUILT_IN}))
    seconds, used = time.monotonic() - start, cpu_seconds() - cpu
    passed = {one.base.problem_id: bool((one.base.verdicts == Verdict.PASS).all()) for one in found}
    return Run(passed, seconds, used)


def run_official(problems: Sequence[SuiteProblem], answers: Sequence[str], processes: int, verdicts: Path) -> Run:
    """Judge answers the official way, with the interpreter the problems run in."""
    programs = verdicts.with_suffix(".programs.jsonl")
    with programs.open("w") as handle:
        for p, answer in zip(problems, answers, strict=True):
            tests = "\n".join(plan.source for plan in p.plans)
            handle.write(
                json.dumps({"id": p.problem.problem_id, "program": f"{p.program(answer)}{tests}\n"}) + "\n"
            )
    python = str(problems[0].runtime.interpreter)
    start, cpu = time.monotonic(), cpu_seconds()
    subprocess.run([python, str(OFFICIAL), str(programs), str(verdicts), "--processes", str(processes)], check=True)
    return Run(read_verdicts(verdicts).passed, time.monotonic() - start, cpu_seconds() - cpu)


def read_verdicts(path: Path) -> Run:
    """Return the verdicts of an earlier run."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return Run({row["id"]: row["passed"] for row in rows})


def share(run: Run | None, problems: Sequence[SuiteProblem]) -> str:
    """Return the share of problems passed."""
    return f"{sum(run.passed[p.problem.problem_id] for p in problems) / len(problems):.3f}" if run else "–"


def report(name: str, problems: Sequence[SuiteProblem], ours: Run, official: Run | None) -> None:
    """Print the table of one set of answers, then every verdict that differs."""
    known = published(name)
    print(f"\n### {name}\n")
    print("| library | problems | not run | ours | ours, where run | official way | published |")
    print("|---|---|---|---|---|---|---|")
    for key in ds1000.LIBRARIES:
        own = [p for p in problems if p.group == key]
        ran = [p for p in own if not p.unavailable]
        print(
            f"| {key} | {len(own)} | {len(own) - len(ran)} | {share(ours, own)} | {share(ours, ran)} | "
            f"{share(official, own)} | {known[key]:.3f} |"
        )
    ran = [p for p in problems if not p.unavailable]
    print(
        f"| all | {len(problems)} | {len(problems) - len(ran)} | {share(ours, problems)} | {share(ours, ran)} | "
        f"{share(official, problems)} | |\n"
    )
    for who, run in (("ours", ours), ("official way", official)):
        if run and run.seconds:
            print(f"{who}: {run.seconds:.1f} s, {run.cpu_s:.1f} CPU s")
    if official:
        report_differences(ran, ours, official)


def report_differences(ran: Sequence[SuiteProblem], ours: Run, official: Run) -> None:
    """Print which verdicts differ, and how much faster we are."""
    differ = [i for p in ran if ours.passed[i := p.problem.problem_id] != official.passed[i]]
    listed = ", ".join(f"{i} ({'ours' if ours.passed[i] else 'official'} passes)" for i in differ)
    print(f"verdicts that differ, of {len(ran)}: {len(differ)}{': ' if differ else ''}{listed}")
    if official.seconds and ours.seconds and official.cpu_s and ours.cpu_s:
        clock, cpu = official.seconds / ours.seconds, official.cpu_s / ours.cpu_s
        print(f"ratio: {clock:.1f} by the clock, {cpu:.1f} in CPU time")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", default=f"{REFERENCES},codex002,gpt-3.5-turbo-0125")
    parser.add_argument("--official", default=REFERENCES, help="sets of answers also run the official way")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("-o", "--output", type=Path, default=Path("out/ds1000"))
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    problems = ds1000.load({ds1000.METADATA_KEY: str(data_folder() / "ds1000.jsonl.gz")})
    print(f"data read, environment checked: {time.monotonic() - start:.1f} s")
    for name in options.answers.split(","):
        answers, verdicts = answers_of(name, problems), options.output / f"{name}.jsonl"
        ours = run_ours(problems, answers, options.workers)
        official = read_verdicts(verdicts) if verdicts.exists() else None
        if name in options.official.split(","):
            official = run_official(problems, answers, options.workers, verdicts)
        report(name, problems, ours, official)


if __name__ == "__main__":
    main()

"""Before against after: pass@k, and speed on the problems that both solve.

Speed is measured, not read from logs: for each problem a right solution of either side is timed against the other
in one interleaved run, on the suite's timing inputs.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from codedpo_plugin.config import TimingConfig
from codedpo_plugin.errors import EvaluationError
from codedpo_plugin.evaluation.passk import Estimate, bootstrap_mean
from codedpo_plugin.evaluation.results import SuiteResult, read_result
from codedpo_plugin.execution import Pool, Runtime
from codedpo_plugin.formats.files import atomic_write
from codedpo_plugin.programs import normalise
from codedpo_plugin.suites import SuiteProblem
from codedpo_plugin.timing import Ratio, compare_programs


@dataclass(frozen=True, slots=True)
class ProblemSpeed:
    """How the two sides compare on one problem."""

    problem_id: str
    ratio: Ratio | None
    """Time before over time after; None where it could not be measured."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two results of one suite, side by side."""

    suite: str
    before: Mapping[str, Estimate]
    after: Mapping[str, Estimate]
    gained: tuple[str, ...]
    """Problems only the second side solves, of those that both have samples of."""
    lost: tuple[str, ...]
    speeds: tuple[ProblemSpeed, ...]
    """Problems both sides solve."""

    @property
    def ratios(self) -> list[Ratio]:
        """Return the measured ratios."""
        return [speed.ratio for speed in self.speeds if speed.ratio]

    @property
    def speedup(self) -> Estimate:
        """Return the geometric mean of the ratios with its bootstrap interval."""
        logs = bootstrap_mean([math.log(ratio.value) for ratio in self.ratios])
        return Estimate(math.exp(logs.value), math.exp(logs.low), math.exp(logs.high), logs.n)

    def share_faster(self, by: float = 1.1) -> Estimate:
        """Return the share of commonly solved problems that are certainly faster by a factor."""
        return bootstrap_mean([float(ratio.beyond(by)) for ratio in self.ratios])

    def share_slower(self, by: float = 1.1) -> Estimate:
        """Return the share of commonly solved problems that are certainly slower by a factor."""
        return bootstrap_mean([float(ratio.high < 1 / by) for ratio in self.ratios])


def read_results(folder: Path) -> dict[str, SuiteResult]:
    """Return the results in a directory's ``eval`` folder by suite. Raises EvaluationError when there are none."""
    files = sorted((folder / "eval").glob("*.json")) if folder.is_dir() else []
    if not files:
        raise EvaluationError(f"{folder}: no results under eval/; make them with `codedpo evaluate … -o {folder}`")
    results = [read_result(file) for file in files]
    return {result.suite: result for result in results}


def compare_results(
    before: SuiteResult,
    after: SuiteResult,
    problems: Sequence[SuiteProblem],
    pool: Pool,
    config: TimingConfig,
) -> Comparison:
    """Compare two results of one suite. Give it a pool of one worker: it measures time."""
    if before.suite != after.suite:
        raise EvaluationError(f"results of different suites cannot be compared: {before.suite} and {after.suite}")
    solved = [_first_right(result) for result in (before, after)]
    common = [p for p in problems if all(p.problem.problem_id in side for side in solved)]
    sampled = before.by_problem().keys() & after.by_problem().keys()
    speeds = tuple(_speed(p, solved[0], solved[1], pool, config) for p in common)
    return Comparison(
        before.suite,
        before.metrics,
        after.metrics,
        gained=tuple(i for i in solved[1] if i in sampled and i not in solved[0]),
        lost=tuple(i for i in solved[0] if i in sampled and i not in solved[1]),
        speeds=speeds,
    )


def _first_right(result: SuiteResult) -> dict[str, str]:
    """Return the first right solution of each problem that has one."""
    right: dict[str, str] = {}
    for sample in result.samples:
        if sample.passed:
            right.setdefault(sample.problem_id, sample.solution)
    return right


def _speed(
    problem: SuiteProblem,
    before: Mapping[str, str],
    after: Mapping[str, str],
    pool: Pool,
    config: TimingConfig,
) -> ProblemSpeed:
    problem_id = problem.problem.problem_id
    if problem.runtime != Runtime():  # DS-1000: its tests do the reference's work as well, and much besides
        return ProblemSpeed(problem_id, None)
    old, new = before[problem_id], after[problem_id]
    if normalise(old) == normalise(new):
        return ProblemSpeed(problem_id, Ratio(1.0, 1.0, 1.0, math.nan, math.nan))  # one program: nothing to measure
    # The second program of a ratio is the slower one if the ratio exceeds 1: here, the one from before.
    return ProblemSpeed(problem_id, compare_programs(pool, new, old, problem.timing_checks, config))


def write_comparison(path: Path, comparisons: Sequence[Comparison]) -> None:
    """Write comparisons as JSON."""
    with atomic_write(path) as handle:
        handle.write(json.dumps([as_json(c) for c in comparisons], indent=1).encode() + b"\n")


def as_json(comparison: Comparison) -> dict[str, object]:
    """Return a comparison in the form of its file; what could not be computed is null."""
    ratios = [ratio.value for ratio in comparison.ratios]
    return {
        "suite": comparison.suite,
        "before": {name: _estimate(e) for name, e in comparison.before.items()},
        "after": {name: _estimate(e) for name, e in comparison.after.items()},
        "gained": list(comparison.gained),
        "lost": list(comparison.lost),
        "solved_by_both": len(comparison.speeds),
        "mean_speedup": _estimate(comparison.speedup),
        "median_speedup": median(ratios) if ratios else None,
        "share_10_percent_faster": _estimate(comparison.share_faster()),
        "share_10_percent_slower": _estimate(comparison.share_slower()),
        "problems": [
            {
                "problem_id": s.problem_id,
                **({"ratio": s.ratio.value, "low": s.ratio.low, "high": s.ratio.high} if s.ratio else {}),
            }
            for s in comparison.speeds
        ],
    }


def _estimate(estimate: Estimate) -> dict[str, float | int | None]:
    return {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in asdict(estimate).items()}

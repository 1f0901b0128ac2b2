"""Before against after: pass@k, and speed on the problems that both solve.

Speed is measured, not read from logs: for each problem right solutions of either side are timed against each other
in one interleaved run, on the suite's timing inputs.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from codedpo_plugin.config import TimingConfig
from codedpo_plugin.errors import EvaluationError
from codedpo_plugin.evaluation.passk import Estimate, bootstrap_mean, pass_at_k
from codedpo_plugin.evaluation.results import SampleResult, SuiteResult
from codedpo_plugin.evaluation.speed import (
    Outcome,
    ProblemSpeed,
    Solved,
    Speeds,
    measure_speeds,
    median_experiment,
)
from codedpo_plugin.execution import Pool
from codedpo_plugin.formats.files import atomic_write
from codedpo_plugin.suites import SuiteProblem, version_of

Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two results of one suite, side by side."""

    suite: str
    before: Mapping[str, Estimate]
    after: Mapping[str, Estimate]
    gained: tuple[str, ...] = ()
    """Problems only the second side solves, of those that both have samples of."""
    lost: tuple[str, ...] = ()
    speeds: Speeds = field(default_factory=Speeds)
    """Problems both sides solve; with several experiments, each problem's median one."""
    changes: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """For each pass@k of both sides, after minus before by problem, of those that both have samples of."""
    experiments: tuple[Speeds, ...] = ()
    """The whole timing, repeated; one is enough for everything but its distribution."""
    without_sample: tuple[int, int] = (0, 0)
    """Problems of the suite that each side has no sample of; they are in no denominator."""

    @property
    def differences(self) -> dict[str, Estimate]:
        """Return the mean difference of each pass@k, after minus before, paired by problem."""
        return {name: bootstrap_mean([*values.values()]) for name, values in self.changes.items()}


def compare_results(
    before: SuiteResult,
    after: SuiteResult,
    problems: Sequence[SuiteProblem],
    pool: Pool,
    config: TimingConfig,
    experiments: int = 1,
    progress: Progress = lambda _done, _total: None,
) -> Comparison:
    """Compare two results of one suite. Give it a pool of one worker: it measures time.

    Raises EvaluationError when the results are of different suites or of another version than ``problems``.
    """
    if before.suite != after.suite:
        raise EvaluationError(f"results of different suites cannot be compared: {before.suite} and {after.suite}")
    for side, result in (("before", before), ("after", after)):
        require_version(f"the result {side}", result, problems)
    solved = right_solutions(before.samples), right_solutions(after.samples)
    common = [p for p in problems if all(p.problem.problem_id in side for side in solved)]
    sampled = before.by_problem().keys() & after.by_problem().keys()
    measured = _measure(common, solved, pool, config, experiments, progress)
    return Comparison(
        before.suite,
        before.metrics,
        after.metrics,
        gained=tuple(i for i in solved[1] if i in sampled and i not in solved[0]),
        lost=tuple(i for i in solved[0] if i in sampled and i not in solved[1]),
        speeds=median_experiment(measured),
        changes=_changes(before, after),
        experiments=tuple(measured),
        without_sample=(len(problems) - len(before.by_problem()), len(problems) - len(after.by_problem())),
    )


def require_version(what: str, result: SuiteResult, problems: Sequence[SuiteProblem]) -> None:
    """Raise EvaluationError unless a result is of this version of the suite."""
    version = version_of(problems)
    unknown = sorted(result.by_problem().keys() - {p.problem.problem_id for p in problems})
    if unknown or result.suite_version not in ("", version):
        reason = (
            f"{len(unknown)} of its problems are not in the suite ({', '.join(unknown[:3])}, …)"
            if unknown
            else f"its problems or tests differ (version {result.suite_version}, here {version})"
        )
        raise EvaluationError(
            f"{what} is of another version of suite {result.suite!r}: {reason}. Use the same data and --metadata "
            "for both sides, or evaluate the recorded samples again with `codedpo evaluate --samples`"
        )


def right_solutions(samples: Iterable[SampleResult]) -> dict[str, list[str]]:
    """Return the right solutions of each problem that has one, in the order of the samples."""
    right: dict[str, list[str]] = {}
    for sample in samples:
        if sample.passed:
            right.setdefault(sample.problem_id, []).append(sample.solution)
    return right


def _measure(
    problems: Sequence[SuiteProblem],
    solved: tuple[Solved, Solved],
    pool: Pool,
    config: TimingConfig,
    experiments: int,
    progress: Progress,
) -> list[Speeds]:
    """Time all problems, and again for each further experiment."""
    total = len(problems) * experiments
    measured = []
    for number in range(experiments):
        speeds: list[ProblemSpeed] = []
        for problem in problems:
            progress(number * len(problems) + len(speeds), total)
            speeds += measure_speeds([problem], *solved, pool, config).problems
        measured.append(Speeds(tuple(speeds)))
    progress(total, total)
    return measured


def _changes(before: SuiteResult, after: SuiteResult) -> dict[str, dict[str, float]]:
    """Return the difference of every pass@k that both sides have, by problem."""
    groups = before.by_problem(), after.by_problem()
    both = [i for i in groups[0] if i in groups[1]]
    changes: dict[str, dict[str, float]] = {}
    for k in sorted({*before.ks} & {*after.ks}):
        enough = [i for i in both if all(len(side[i]) >= k for side in groups)]
        values = {i: [pass_at_k(len(s[i]), sum(x.passed for x in s[i]), k) for s in groups] for i in enough}
        if values:
            changes[f"pass@{k}"] = {i: new - old for i, (old, new) in values.items()}
    return changes


def write_comparison(path: Path, comparisons: Sequence[Comparison]) -> None:
    """Write comparisons as JSON."""
    with atomic_write(path) as handle:
        handle.write(json.dumps([as_json(c) for c in comparisons], indent=1).encode() + b"\n")


def as_json(comparison: Comparison) -> dict[str, Any]:
    """Return a comparison in the form of its file; what could not be computed is null."""
    return {
        "suite": comparison.suite,
        "before": {name: _estimate(e) for name, e in comparison.before.items()},
        "after": {name: _estimate(e) for name, e in comparison.after.items()},
        "differences": {name: _estimate(e) for name, e in comparison.differences.items()},
        "changes": {name: {i: x for i, x in by.items() if x} for name, by in comparison.changes.items()},
        "gained": list(comparison.gained),
        "lost": list(comparison.lost),
        "without_sample": dict(zip(("before", "after"), comparison.without_sample, strict=True)),
        "solved_by_both": len(comparison.speeds.problems),
        **_summary(comparison.speeds),
        "outcomes": comparison.speeds.counts,
        "problems": [_problem(speed) for speed in comparison.speeds.problems],
        "experiments": [_summary(speeds) for speeds in comparison.experiments],
    }


def _summary(speeds: Speeds) -> dict[str, Any]:
    return {
        "mean_speedup": _estimate(speeds.mean),
        "median_speedup": _estimate(speeds.median),
        "share_10_percent_faster": _estimate(speeds.share(Outcome.FASTER)),
        "share_10_percent_slower": _estimate(speeds.share(Outcome.SLOWER)),
    }


def _problem(speed: ProblemSpeed) -> dict[str, Any]:
    found: dict[str, Any] = {"problem_id": speed.problem_id, "outcome": str(speed.outcome())}
    if speed.ratio:
        ratio = speed.ratio
        figures = {"ratio": ratio.value, "low": ratio.low, "high": ratio.high, "rounds": ratio.rounds}
        found |= {name: value if math.isfinite(value) else None for name, value in figures.items()}
    return found


def _estimate(estimate: Estimate) -> dict[str, float | int | None]:
    return {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in asdict(estimate).items()}

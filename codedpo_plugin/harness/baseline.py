"""Speed against an earlier run, as metrics of a task: ``--metadata '{"baseline": "<dir of an earlier run>"}'``."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from codedpo_plugin.config import ExecuteConfig, TimingConfig
from codedpo_plugin.evaluation.compare import require_version, right_solutions
from codedpo_plugin.evaluation.results import SampleResult
from codedpo_plugin.evaluation.sources import Judge, read_side
from codedpo_plugin.evaluation.speed import Outcome, ProblemSpeed, Solved, Speeds, measure_speeds
from codedpo_plugin.execution import Pool
from codedpo_plugin.execution.sandboxes import Sandbox
from codedpo_plugin.harness.options import SuiteOptions
from codedpo_plugin.suites import Suite, SuiteProblem

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Baseline:
    """The right programs of an earlier run of the same suite."""

    path: Path
    problems: tuple[SuiteProblem, ...]
    solved: Solved
    """The right programs of each problem that has one."""

    def measure(self, results: Sequence[Mapping[str, Any]], pool: Pool) -> dict[str, ProblemSpeed]:
        """Time the right ones of each problem's new samples against the baseline's, by problem.

        ``results`` are samples as they are logged. Give it a pool of one worker.
        """
        new = right_solutions(SampleResult(**sample) for sample in results)
        common = [p for p in self.problems if p.problem.problem_id in self.solved.keys() & new.keys()]
        speeds = measure_speeds(common, self.solved, new, pool, TimingConfig())
        log.info("%s", self._summary(speeds, new))
        return {speed.problem_id: speed for speed in speeds.problems}

    def _summary(self, speeds: Speeds, new: Solved) -> str:
        outcomes = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in speeds.counts.items())
        return (
            f"against {self.path}: {len(speeds.problems)} problems solved by both (before {len(self.solved)}, "
            f"now {len(new)}): {outcomes}"
        )


def open_baseline(
    options: SuiteOptions,
    suite: Suite,
    problems: Sequence[SuiteProblem],
    metadata: Mapping[str, Any],
    sandboxes: Mapping[str, Sandbox],
) -> Baseline | None:
    """Return the baseline that the metadata name, if they do.

    Raises EvaluationError when it cannot be read, or is of another suite or another version of it.
    """
    if options.baseline is None:
        return None
    given = {name: value for name, value in metadata.items() if name != "baseline"}
    loaded = replace(suite, load=lambda _: list(problems))
    execute = ExecuteConfig(sandbox=options.sandbox, workers=options.workers)
    path = Path(options.baseline)
    result = read_side(path, Judge(loaded, given, execute, sandboxes))[suite.name]
    require_version(f"the baseline {path}", result, problems)
    return Baseline(path, tuple(problems), right_solutions(result.samples))


def speed_metrics(speed: ProblemSpeed | None) -> dict[str, float]:
    """Return the metrics of one document; a problem that was not timed counts in ``timed`` only, as 0."""
    if speed is None or speed.ratio is None:
        return {"timed": 0.0}
    faster = float(speed.outcome() is Outcome.FASTER)
    return {"timed": 1.0, "speedup": speed.ratio.value, "optimized": faster}


def geometric_mean(ratios: Sequence[float]) -> float:
    """Return the geometric mean of ratios: twice as fast and twice as slow average to 1."""
    return math.exp(math.fsum(map(math.log, ratios)) / len(ratios))


def total(values: Sequence[float]) -> float:
    """Return the number of documents a flag is set for."""
    return math.fsum(values)


METRICS: Final[Sequence[Mapping[str, Any]]] = (
    {"metric": "speedup", "aggregation": geometric_mean, "higher_is_better": True},
    {"metric": "optimized", "aggregation": "mean", "higher_is_better": True},
    {"metric": "timed", "aggregation": total, "higher_is_better": True},
)
"""What a task with a baseline reports besides pass@k, in the form of lm-eval's ``metric_list``."""

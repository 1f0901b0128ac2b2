"""The result of a model on a suite, and its file ``eval/<suite>.json``."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from codedpo_plugin.errors import EvaluationError
from codedpo_plugin.evaluation.passk import Estimate, bootstrap_mean, pass_at_k
from codedpo_plugin.formats.files import atomic_write
from codedpo_plugin.records import SCHEMA_VERSION, Verdict


@dataclass(frozen=True, slots=True)
class SampleResult:
    """What became of one sample."""

    problem_id: str
    sample: int
    """Number of the sample among those of its problem."""
    solution: str
    status: str
    """``pass``, or the name of the first verdict that is not, in lower case."""
    base_status: str
    """The same for the suite's own tests, without those EvalPlus added."""
    cpu_ns: int
    """CPU time over all tests that were run."""
    plus_status: str | None = None
    """The same for the tests that were added; None where there are none."""

    @property
    def passed(self) -> bool:
        """Return whether the sample is right."""
        return self.status == "pass"


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """The samples of a model on a suite."""

    suite: str
    model: Mapping[str, Any]
    """How the samples came about: model, arguments, sampling; or the file they were read from."""
    samples: tuple[SampleResult, ...]
    ks: tuple[int, ...] = (1,)
    missing: tuple[str, ...] = ()
    """Problems of the suite without a sample; they are in no denominator."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """What the suite was loaded with, so that a comparison can load it again."""
    suite_version: str = ""
    """:func:`~codedpo_plugin.suites.version_of` the suite; empty where it is not known."""

    def by_problem(self) -> dict[str, list[SampleResult]]:
        """Return the samples of each problem, in order."""
        groups: dict[str, list[SampleResult]] = {}
        for sample in self.samples:
            groups.setdefault(sample.problem_id, []).append(sample)
        return groups

    def pass_at(self, k: int) -> Estimate:
        """Return pass@k over the problems that have at least k samples."""
        groups = self.by_problem().values()
        values = [pass_at_k(len(g), sum(s.passed for s in g), k) for g in groups if len(g) >= k]
        return bootstrap_mean(values)

    @property
    def metrics(self) -> dict[str, Estimate]:
        """Return every pass@k that the samples allow."""
        most = max((len(group) for group in self.by_problem().values()), default=0)
        return {f"pass@{k}": self.pass_at(k) for k in self.ks if k <= most}


def status_of(verdicts: Sequence[int]) -> str:
    """Return ``pass`` if every verdict is, or the first that is not, in lower case."""
    return next((Verdict(v).name.lower() for v in verdicts if v != Verdict.PASS), "pass")


def write_result(path: Path, result: SuiteResult) -> None:
    """Write a result."""
    problems = result.by_problem()
    data = {
        "schema_version": SCHEMA_VERSION,
        "suite": result.suite,
        "suite_version": result.suite_version,
        "model": dict(result.model),
        "metadata": dict(result.metadata),
        "metrics": {name: asdict(estimate) for name, estimate in result.metrics.items()},
        "counts": {
            "problems": len(problems),
            "problems_without_sample": len(result.missing),
            "samples": len(result.samples),
            "statuses": dict(sorted(Counter(s.status for s in result.samples).items())),
        },
        "missing": list(result.missing),
        "ks": list(result.ks),
        "samples": [asdict(sample) for sample in result.samples],
    }
    with atomic_write(path) as handle:
        handle.write(json.dumps(data, indent=1, ensure_ascii=True).encode() + b"\n")


def read_result(path: Path) -> SuiteResult:
    """Read a result. Raises EvaluationError for a file that is not one."""
    try:
        data = json.loads(path.read_text("utf-8"))
        if data["schema_version"] != SCHEMA_VERSION:
            raise EvaluationError(
                f"{path}: written as version {data['schema_version']} of its format, this package reads version "
                f"{SCHEMA_VERSION}; make it again with `codedpo evaluate`"
            )
        samples = tuple(SampleResult(**sample) for sample in data["samples"])
        return SuiteResult(
            data["suite"],
            data["model"],
            samples,
            tuple(data["ks"]),
            tuple(data["missing"]),
            data["metadata"],
            data.get("suite_version", ""),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EvaluationError(
            f"{path}: not the result of an evaluation: {type(error).__name__}: {error}"
        ) from error

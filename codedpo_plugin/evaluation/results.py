"""The result of a model on a suite, and its file ``eval/<suite>.json``."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from codedpo_plugin.errors import EvaluationError
from codedpo_plugin.evaluation.passk import Estimate, bootstrap_mean, pass_at_k
from codedpo_plugin.formats.files import atomic_write
from codedpo_plugin.records import SCHEMA_VERSION, Verdict

WHERE_RUN: Final = "_where_run"
"""Ends the name of a metric over the problems that could be run; without it, the others count as not solved."""


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
    group: str = ""
    """The part of the suite its problem belongs to (DS-1000: the library)."""
    reason: str = ""
    """Why it was not run, where its problem cannot be run on this machine."""
    judged_inside: bool = False
    """Whether a test was judged in the program's own process, by a program that could forge it."""

    @property
    def passed(self) -> bool:
        """Return whether the sample is right."""
        return self.status == "pass"

    @property
    def ran(self) -> bool:
        """Return whether the problem could be run at all."""
        return not self.reason


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
        """Return every pass@k that the samples allow; where problems could not be run, also without those."""
        most = max((len(group) for group in self.by_problem().values()), default=0)
        found = {f"pass@{k}": self.pass_at(k) for k in self.ks if k <= most}
        ran = tuple(sample for sample in self.samples if sample.ran)
        if len(ran) == len(self.samples):
            return found
        return found | {f"{name}{WHERE_RUN}": e for name, e in replace(self, samples=ran).metrics.items()}

    @property
    def groups(self) -> dict[str, SuiteResult]:
        """Return the result of each part of the suite, if it has parts."""
        names = dict.fromkeys(sample.group for sample in self.samples if sample.group)
        return {name: replace(self, samples=tuple(s for s in self.samples if s.group == name)) for name in names}

    @property
    def statuses(self) -> dict[str, int]:
        """Return the number of samples by status, ``pass`` first, then the most frequent."""
        counted = Counter(sample.status for sample in self.samples)
        return dict(sorted(counted.items(), key=lambda item: (item[0] != "pass", -item[1], item[0])))

    @property
    def not_run(self) -> dict[str, str]:
        """Return the problems that could not be run on this machine, each with the reason."""
        return {sample.problem_id: sample.reason for sample in self.samples if not sample.ran}


def status_of(verdicts: ArrayLike) -> str:
    """Return ``pass`` if every verdict is, or the first that is not, in lower case."""
    codes = np.asarray(verdicts)
    failed = np.flatnonzero(codes != Verdict.PASS)
    return Verdict(codes[failed[0]]).name.lower() if failed.size else "pass"


def _counts(result: SuiteResult) -> dict[str, Any]:
    return {
        "problems": len(result.by_problem()),
        "samples": len(result.samples),
        "statuses": dict(sorted(result.statuses.items())),
    }


def write_result(path: Path, result: SuiteResult) -> None:
    """Write a result."""
    data = {
        "schema_version": SCHEMA_VERSION,
        "suite": result.suite,
        "suite_version": result.suite_version,
        "model": dict(result.model),
        "metadata": dict(result.metadata),
        "metrics": {name: asdict(estimate) for name, estimate in result.metrics.items()},
        "counts": _counts(result) | {"problems_without_sample": len(result.missing)},
        "judged_inside": sum(s.judged_inside for s in result.samples),
        "groups": {
            name: {metric: asdict(estimate) for metric, estimate in part.metrics.items()}
            | {"counts": _counts(part)}
            for name, part in result.groups.items()
        },
        "not_run": result.not_run,
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

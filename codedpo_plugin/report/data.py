"""All that the page shows, gathered from a run directory into one frozen record. Pure but for reading files."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from codedpo_plugin.errors import UsageError
from codedpo_plugin.formats import jsonl, parquet
from codedpo_plugin.records import PairKind, PreferencePair, Verdict
from codedpo_plugin.report.convergence import Convergence, summarise
from codedpo_plugin.report.files import Notes
from codedpo_plugin.report.logprobs import LogProbability, read_logprobs
from codedpo_plugin.report.margins import Measure, measure_of
from codedpo_plugin.report.problems import ProblemView, read_outlines, read_pairs, read_problems
from codedpo_plugin.report.sample import PairOutline, choose
from codedpo_plugin.report.suites import SuiteFacts, read_suites
from codedpo_plugin.rundir import Manifest, RunDirectory

SHOWN_PROBLEMS: Final = 200
"""Problems that are shown one by one."""


@dataclass(frozen=True, slots=True)
class MatrixFacts:
    """The pass matrices of the whole run."""

    problems: int
    solutions: int
    tests: int
    cells: Mapping[Verdict, int]

    @property
    def total(self) -> int:
        """Return the number of cells."""
        return sum(self.cells.values())


@dataclass(frozen=True, slots=True)
class PairFacts:
    """The figures of all pairs, by kind; those a kind does not have are left out."""

    counts: Mapping[PairKind, int]
    problems: Mapping[PairKind, int]
    """That have a pair of the kind."""
    margins: tuple[float, ...]
    """Of correctness pairs, as the ranker's are measured, where that has a sense."""
    confidences: Mapping[PairKind, tuple[float, ...]]
    speedups: tuple[float, ...]
    """Of efficiency pairs."""

    @property
    def total(self) -> int:
        """Return the number of pairs."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class StageFacts:
    """What the manifest says about a finished stage."""

    name: str
    counts: Mapping[str, int]
    seed: int | None
    inputs: Mapping[str, str]
    """Digests of the files it read."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the run came from."""

    versions: Mapping[str, str]
    seed: int | None
    stages: tuple[StageFacts, ...]
    config: str
    """JSON: the configuration of the whole run, or of each stage where there is none."""


@dataclass(frozen=True, slots=True)
class ReportData:
    """What the page shows."""

    name: str
    suites: tuple[SuiteFacts, ...]
    matrices: MatrixFacts | None
    ranker: str
    """Of the first scores; empty if nothing is scored."""
    pairs: PairFacts
    problems: tuple[ProblemView, ...]
    convergence: Convergence | None
    logprobs: tuple[LogProbability, ...]
    provenance: Provenance
    notes: tuple[str, ...]
    """What could not be used."""

    @property
    def sampled(self) -> bool:
        """Return whether not every problem is shown one by one."""
        return self.matrices is not None and len(self.problems) < self.matrices.problems

    @property
    def paired(self) -> bool:
        """Return whether pairs were looked for, and found or not."""
        return self.pairs.total > 0 or any(stage.name == "pairs" for stage in self.provenance.stages)


def gather(run: RunDirectory, limit: int = SHOWN_PROBLEMS) -> ReportData:
    """Return what a run directory holds. Raises UsageError if there is no run, InputError for broken matrices."""
    if not run.manifest.exists():
        raise UsageError(f"{run.path} holds no run: there is no manifest.json")
    notes: Notes = []
    ranker = _ranker(run)
    pairs = _read_pair_outlines(run, measure_of(ranker), notes)
    matrices = _matrices(run)
    outlines = list(read_outlines(run, pairs))
    chosen = choose(outlines, limit)
    views = read_problems(run, outlines, chosen)
    if matrices and run.scores.exists() and len(outlines) < matrices.problems:
        notes.append(f"{run.scores.name}: {matrices.problems - len(outlines)} problems have no scores of their own")
    if len(views) < len(chosen):
        notes.append(f"{run.candidates.name}: {len(chosen) - len(views)} problems have none that fit their matrix")
    return ReportData(
        name=run.path.resolve().name,
        suites=read_suites(run, notes),
        matrices=matrices,
        ranker=ranker,
        pairs=_pair_facts(pairs),
        problems=tuple(views),
        convergence=summarise([view.trajectory for view in views if view.trajectory is not None]),
        logprobs=read_logprobs(run, notes),
        provenance=_provenance(Manifest(run).data),
        notes=tuple(notes),
    )


def _read_pair_outlines(run: RunDirectory, measure: Measure, notes: Notes) -> dict[str, list[PairOutline]]:
    """Return the figures of all pairs by problem, and note the lines that are none."""
    found: dict[str, list[PairOutline]] = {}
    bad = jsonl.BadLines()
    for pair in read_pairs(run, bad):
        found.setdefault(pair.problem_id, []).append(_outline(pair, measure))
    if bad:
        notes.append(
            f"{run.pairs.name}: {len(bad)} lines left out, the first: {bad.messages[0].split(': ', 1)[-1]}"
        )
    return found


def _outline(pair: PreferencePair, measure: Measure) -> PairOutline:
    margin = measure.of(pair.chosen_score, pair.rejected_score)
    return PairOutline(pair.kind, margin, pair.confidence, pair.speedup)


def _pair_facts(pairs: Mapping[str, Sequence[PairOutline]]) -> PairFacts:
    """Return the figures of the pairs of all problems."""
    found = [pair for own in pairs.values() for pair in own]
    return PairFacts(
        counts=Counter(pair.kind for pair in found),
        problems=Counter(kind for own in pairs.values() for kind in {pair.kind for pair in own}),
        margins=tuple(p.margin for p in found if p.kind is PairKind.CORRECTNESS and math.isfinite(p.margin)),
        confidences={
            kind: values
            for kind in PairKind
            if (values := tuple(p.confidence for p in found if p.kind is kind and p.confidence is not None))
        },
        speedups=tuple(p.speedup for p in found if p.speedup is not None and p.speedup > 0),
    )


def _matrices(run: RunDirectory) -> MatrixFacts | None:
    if not run.matrix.exists():
        return None
    shapes, cells = [], np.zeros(256, np.int64)
    for matrix in parquet.read_matrices(run.matrix):
        shapes.append(matrix.verdicts.shape)
        cells += np.bincount(matrix.verdicts.ravel(), minlength=256)
    counts = {verdict: int(cells[verdict]) for verdict in Verdict if cells[verdict]}
    return MatrixFacts(len(shapes), sum(rows for rows, _ in shapes), sum(columns for _, columns in shapes), counts)


def _ranker(run: RunDirectory) -> str:
    """Return the name of the ranker of the first scores; empty if there are none."""
    first = next(parquet.read_scores(run.scores), None) if run.scores.exists() else None
    return first.ranker if first else ""


def _provenance(manifest: Mapping[str, Any]) -> Provenance:
    stages = tuple(
        StageFacts(name, stage["counts"], stage["config"].get("seed"), stage["inputs"])
        for name, stage in manifest["stages"].items()
    )
    config = manifest.get("config") or {name: stage["config"] for name, stage in manifest["stages"].items()}
    seed = manifest.get("config", {}).get("seed")
    return Provenance(manifest["versions"], seed, stages, json.dumps(config, indent=2, ensure_ascii=False))

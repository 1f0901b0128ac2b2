"""What there is to say about problems: what was dropped, how similar they are to HumanEval, what they are about."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from codedpo_plugin.errors import EvaluationError, UsageError
from codedpo_plugin.formats.files import atomic_write
from codedpo_plugin.problems.categories import categories, distribution
from codedpo_plugin.problems.cleaning.benchmarks import benchmark_texts
from codedpo_plugin.problems.making.factory import as_made
from codedpo_plugin.problems.similarity import BINS, similarity
from codedpo_plugin.records import MadeProblem, Problem


@dataclass(frozen=True, slots=True)
class ProblemsReport:
    """Figures about the problems of a run."""

    problems: int
    counts: Mapping[str, int]
    """What making and cleaning them did and dropped, by reason."""
    languages: Mapping[str, int]
    licences: Mapping[str, int]
    categories: Mapping[str, int]
    similarity_mean: float | None
    """Mean of the cosine to the most similar HumanEval problem; None where there is no copy of HumanEval."""
    similarity_histogram: Sequence[int]
    """Problems by that cosine, in equal bins from 0 to 1."""
    similarity_missing: str = ""
    """Why there is no similarity."""


def report_on(problems: Sequence[Problem], counts: Mapping[str, int], model: str | None = None) -> ProblemsReport:
    """Return the figures about some problems; ``model`` embeds them for their categories."""
    made = [as_made(problem) for problem in problems]
    mean, histogram, missing = _similarity(made)
    return ProblemsReport(
        problems=len(made),
        counts=dict(sorted(counts.items())),
        languages=dict(Counter(problem.language for problem in made).most_common()),
        licences=dict(Counter(problem.licence or "unknown" for problem in made).most_common()),
        categories=distribution(categories([problem.instruction for problem in made], model)),
        similarity_mean=mean,
        similarity_histogram=histogram,
        similarity_missing=missing,
    )


def _similarity(problems: Sequence[MadeProblem]) -> tuple[float | None, list[int], str]:
    """Return mean and histogram of the similarity to HumanEval, or why there are none."""
    try:
        programs = [t for t in benchmark_texts(("humaneval",)) if t.part == "solution"]
    except EvaluationError as error:
        return None, [], str(error)
    # Of the two solutions of an item, the first one begins with its prompt.
    reference = list({text.item: text.text for text in reversed(programs)}.values())
    found = similarity([f"{problem.instruction} {problem.solution}" for problem in problems], reference)
    return found.mean, found.histogram, ""


def write_report(path: Path, report: ProblemsReport) -> None:
    """Write a report as JSON."""
    with atomic_write(path) as handle:
        handle.write(json.dumps(asdict(report), indent=2).encode() + b"\n")


def plot_report(path: Path, report: ProblemsReport) -> None:
    """Draw categories and similarity. Raises UsageError, with the command that mends it, without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UsageError(f"a plot needs {error.name}: pip install 'codedpo-plugin[plot]'") from error
    figure = Figure(figsize=(11, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    names = list(report.categories)[::-1]
    left.barh(names, [report.categories[name] for name in names])
    left.set_title(f"categories of {report.problems} problems")
    right.set_title("cosine to the nearest HumanEval problem")
    if report.similarity_mean is not None:
        right.bar([(i + 0.5) / BINS for i in range(BINS)], report.similarity_histogram, width=1 / BINS)
        right.axvline(report.similarity_mean, linestyle="--", label=f"mean {report.similarity_mean:.3f}")
        right.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)

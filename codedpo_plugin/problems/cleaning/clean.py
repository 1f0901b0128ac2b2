"""All cleaning in its order: cheap before dear, and the sandbox last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from codedpo_plugin.problems.cleaning.benchmarks import benchmark_texts
from codedpo_plugin.problems.cleaning.decontamination import Decontamination
from codedpo_plugin.problems.cleaning.duplicates import text_of, without_exact_duplicates, without_near_duplicates
from codedpo_plugin.problems.cleaning.quality import with_complete_statements, with_running_solutions
from codedpo_plugin.records import MadeProblem

if TYPE_CHECKING:
    from codedpo_plugin.config import CleanConfig
    from codedpo_plugin.execution import Pool


def clean(
    problems: Iterable[MadeProblem],
    config: CleanConfig,
    found: Decontamination,
    pool: Pool | None,
    counts: Counter[str],
) -> Iterator[MadeProblem]:
    """Yield the problems that are worth learning from, in their order; every other one is counted by its reason.

    Without a pool no solution is run.
    """
    problems = _counted(problems, counts)
    problems = without_exact_duplicates(problems, counts)
    problems = with_complete_statements(problems, counts)
    problems = without_contamination(problems, found, counts)
    problems = without_near_duplicates(problems, config.near_duplicates, counts)
    return with_running_solutions(problems, pool, counts) if pool else iter(problems)


def benchmarks_of(config: CleanConfig) -> Decontamination:
    """Return what finds the configured benchmarks. Raises EvaluationError when the data of one cannot be had."""
    return Decontamination(benchmark_texts(config.benchmarks, config.against))


def without_contamination(
    problems: Iterable[MadeProblem], found: Decontamination, counts: Counter[str]
) -> Iterator[MadeProblem]:
    """Yield problems that have nothing in common with a benchmark. Counted: ``contaminated_<benchmark>``."""
    for problem in problems:
        benchmark = found.benchmark_of(text_of(problem))
        if benchmark is None:
            yield problem
        else:
            counts[f"contaminated_{benchmark}"] += 1


def _counted(problems: Iterable[MadeProblem], counts: Counter[str]) -> Iterator[MadeProblem]:
    for problem in problems:
        counts["problems_before_cleaning"] += 1
        yield problem

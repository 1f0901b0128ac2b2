"""The stage that makes problems: of seeds or of other problems, by a model, and cleaned.

What it needs (data of the benchmarks, a sandbox, the model) is checked before the first token is generated.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from codedpo_plugin.config import CleanConfig, ExecuteConfig, FactoryConfig, ProblemsConfig
from codedpo_plugin.context import Context
from codedpo_plugin.contracts import Seed
from codedpo_plugin.execution import require_confinement
from codedpo_plugin.formats import jsonl
from codedpo_plugin.generation.sampling import load_model
from codedpo_plugin.problems.cleaning.clean import benchmarks_of, clean
from codedpo_plugin.problems.cleaning.decontamination import Decontamination
from codedpo_plugin.problems.making.asking import Asker
from codedpo_plugin.problems.making.factory import as_made, distinct, evolved, problems_from_seeds
from codedpo_plugin.problems.making.journal import Journal
from codedpo_plugin.problems.making.methods import EVOL_INSTRUCT
from codedpo_plugin.records import MadeProblem, Problem
from codedpo_plugin.rundir import RunDirectory

log = logging.getLogger(__name__)


def make_problems(
    seeds: Iterable[Seed],
    given: Sequence[Problem],
    config: ProblemsConfig,
    execute: ExecuteConfig,
    context: Context,
    lm: Any = None,
) -> Iterator[Problem]:
    """Yield the configured problems, made by ``lm`` or the configured model where they are to be made."""
    found = check(config.clean, execute, context) if config.clean else None
    problems: Iterable[Problem] = context.tracked(given, len(given))
    if config.make:
        problems = list(_made(seeds, given, config.make, context, lm))
    if config.clean and found:
        yield from cleaned(map(as_made, problems), config.clean, found, execute, context)
    else:
        yield from problems


def read_seeds(path: Path) -> list[Seed]:
    """Return the seeds in a file; lines that are none are logged and left out."""
    seeds, bad = jsonl.read_all(path, jsonl.seed_from, unique=False)
    if bad:
        log.warning("%d lines were left out:\n%s", len(bad), bad)
    return seeds


def check(config: CleanConfig, execute: ExecuteConfig, context: Context) -> Decontamination:
    """Return what finds the benchmarks. Raises EvaluationError or SandboxError for what cleaning lacks."""
    if config.run_solutions:
        require_confinement(execute.sandbox, context.plugins.sandboxes)
    return benchmarks_of(config)


def asker_of(config: FactoryConfig, context: Context, questions: int, lm: Any = None) -> Asker:
    """Return the model of a configuration with the answers it gave before; it is to be asked so many questions."""
    path = RunDirectory(context.folder).answers if context.folder else None
    journal = Journal(path, str(config.model_args.get("base_url") or ""))
    done = 0

    def progress(more: int) -> None:
        nonlocal done
        done += more
        context.progress(done, questions)

    progress(0)
    return Asker(lm or load_model(config), config, journal, context.counts, context.seed, progress)


def cleaned(
    problems: Iterable[MadeProblem],
    config: CleanConfig,
    found: Decontamination,
    execute: ExecuteConfig,
    context: Context,
) -> Iterator[MadeProblem]:
    """Yield the problems that cleaning leaves."""
    with context.pool(execute) if config.run_solutions else nullcontext() as pool:
        yield from clean(problems, config, found, pool, context.counts)


def _made(
    seeds: Iterable[Seed], given: Sequence[Problem], config: FactoryConfig, context: Context, lm: Any
) -> Iterator[MadeProblem]:
    """Yield the problems that a model makes; progress is reported after each call."""
    if config.method == EVOL_INSTRUCT:
        return evolved(given, asker_of(config, context, len(given) * config.rounds, lm), context.counts)
    once = list(distinct(seeds, context.counts))
    return problems_from_seeds(once, asker_of(config, context, len(once), lm), context.counts)

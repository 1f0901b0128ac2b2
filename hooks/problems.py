"""Makes the problems of a run: those of a suite, those of a file, or what a model makes of seeds or of these."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from itertools import islice

from codedpo_plugin import hookimpl
from codedpo_plugin.config import ExecuteConfig, ProblemsConfig
from codedpo_plugin.context import Context
from codedpo_plugin.contracts import Seed
from codedpo_plugin.formats import jsonl
from codedpo_plugin.manager import find
from codedpo_plugin.problems.stage import make_problems
from codedpo_plugin.records import Problem

log = logging.getLogger(__name__)


@hookimpl(trylast=True)
def codedpo_make_problems(
    seeds: Iterable[Seed], config: ProblemsConfig, execute: ExecuteConfig, context: Context
) -> Iterable[Problem]:
    """Return the problems of the configured suite or file, or those made by the configured model."""
    given = list(islice(_given(config, context), config.limit))
    return make_problems(islice(seeds, config.limit), given, config, execute, context)


def _given(config: ProblemsConfig, context: Context) -> Iterator[Problem]:
    if config.path is not None:
        problems, bad = jsonl.read_all(config.path, jsonl.problem_from)
        context.counts["bad_lines"] += len(bad)
        if bad:
            log.warning("%d lines were left out:\n%s", len(bad), bad)
        yield from problems
    elif config.suite is not None:
        suite = find("suite", config.suite, context.plugins.suites)
        for entry in suite.load({"split": config.split}):
            yield entry.problem

"""Makes the problems of a run: those of a suite, or those of a file."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from itertools import islice

from codedpo_plugin import hookimpl
from codedpo_plugin.config import ProblemsConfig
from codedpo_plugin.context import Context
from codedpo_plugin.formats import jsonl
from codedpo_plugin.manager import find
from codedpo_plugin.records import Problem

log = logging.getLogger(__name__)


@hookimpl(trylast=True)
def codedpo_make_problems(config: ProblemsConfig, context: Context) -> Iterable[Problem]:
    """Return the problems of the configured suite and split, or of the configured file."""
    return islice(_problems(config, context), config.limit)


def _problems(config: ProblemsConfig, context: Context) -> Iterator[Problem]:
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

"""Collects seeds: from folders, a data set, the standard library, or a file of seeds."""

from __future__ import annotations

from collections.abc import Iterable

from codedpo_plugin import hookimpl
from codedpo_plugin.config import ProblemsConfig
from codedpo_plugin.context import Context
from codedpo_plugin.contracts import Seed
from codedpo_plugin.problems.seeds.collection import collect_seeds


@hookimpl(trylast=True)
def codedpo_collect_seeds(config: ProblemsConfig, context: Context) -> Iterable[Seed] | None:
    """Return the configured seeds, where problems are made of seeds."""
    if not config.makes_of_seeds:
        return None
    return collect_seeds(config.make.seeds, context.seed, context.counts)  # type: ignore[union-attr]  # it makes

"""Scores pass matrices with the configured ranker."""

from __future__ import annotations

from collections.abc import Iterable

from codedpo_plugin import hookimpl
from codedpo_plugin.config import ScoreConfig
from codedpo_plugin.context import Context
from codedpo_plugin.manager import find
from codedpo_plugin.ranking.stacks import score_all
from codedpo_plugin.records import PassMatrix, Scores


@hookimpl(trylast=True)
def codedpo_score(matrices: Iterable[PassMatrix], config: ScoreConfig, context: Context) -> Iterable[Scores]:
    """Rank the solutions and tests of each problem."""
    ranker = find("ranker", config.ranker, context.plugins.rankers)
    return score_all(ranker, config.ranker, matrices, {**config.params, "seed": context.seed})

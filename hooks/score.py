"""Scores pass matrices with the configured ranker."""

from __future__ import annotations

from collections.abc import Iterable

from codedpo_plugin import hookimpl
from codedpo_plugin.config import ScoreConfig
from codedpo_plugin.context import Context
from codedpo_plugin.errors import RankingError, boundary
from codedpo_plugin.manager import find
from codedpo_plugin.records import PassMatrix, Scores


@hookimpl(trylast=True)
def codedpo_score(matrices: Iterable[PassMatrix], config: ScoreConfig, context: Context) -> Iterable[Scores]:
    """Rank the solutions and tests of each problem."""
    ranker = find("ranker", config.ranker, context.plugins.rankers)
    params = {**config.params, "seed": context.seed}

    def score(matrix: PassMatrix) -> Scores:
        with boundary(RankingError, f"ranker {config.ranker!r} failed on problem {matrix.problem_id}"):
            scores = ranker(matrix, params)
        if (len(scores.solutions), len(scores.tests)) != matrix.verdicts.shape:
            got = (len(scores.solutions), len(scores.tests))
            raise RankingError(
                f"ranker {config.ranker!r} returned {got} scores for the {matrix.verdicts.shape} matrix of "
                f"problem {matrix.problem_id}"
            )
        return scores

    return map(score, matrices)

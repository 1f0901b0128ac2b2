"""The built-in plugin that scores with the configured ranker."""

from __future__ import annotations

import numpy as np
import pytest

from codedpo_plugin import hookimpl
from codedpo_plugin.config import ScoreConfig
from codedpo_plugin.context import Context
from codedpo_plugin.errors import RankingError, UsageError
from codedpo_plugin.manager import create_plugins
from codedpo_plugin.ranking import ablations, self_validation
from codedpo_plugin.records import PassMatrix, Scores

MATRICES = [PassMatrix(name, np.array([[0, 0, 1], [0, 1, 1]], np.uint8)) for name in ("a", "b")]


class Rankers:
    """A plugin with rankers that break the contract in one way each, and one that keeps its parameters."""

    def __init__(self) -> None:
        self.params: list[dict] = []

    def keeping(self, matrix, params):
        self.params.append(dict(params))
        return Scores(matrix.problem_id, "keeping", np.ones(2), np.ones(3))

    @hookimpl
    def codedpo_register_rankers(self, register):
        register("keeping", self.keeping)
        register("failing", lambda matrix, params: 1 / 0)
        register("short", lambda matrix, params: Scores(matrix.problem_id, "short", np.ones(1), np.ones(3)))
        register("swapped", lambda matrix, params: Scores(matrix.problem_id, "swapped", np.ones(3), np.ones(2)))


def score(config: ScoreConfig, seed: int = 0, plugin: object = None) -> list[Scores]:
    context = Context(create_plugins([("mine", plugin or Rankers())], installed=False), seed)
    return list(context.plugins.score(MATRICES, config, context))


def test_the_default_is_self_validation_with_the_defaults_of_the_paper():
    for matrix, scores in zip(MATRICES, score(ScoreConfig()), strict=True):
        expected = self_validation.rank(matrix, {})
        assert (scores.problem_id, scores.ranker, scores.params) == (
            matrix.problem_id,
            expected.ranker,
            expected.params,
        )
        assert scores.solutions.tolist() == expected.solutions.tolist()


def test_the_seed_of_the_run_goes_to_the_ranker():
    found = score(ScoreConfig(ranker="random"), seed=5)
    assert [s.solutions.tolist() for s in found] == [
        ablations.random(m, {"seed": 5}).solutions.tolist() for m in MATRICES
    ]


def test_parameters_go_to_the_ranker():
    plugin = Rankers()
    score(ScoreConfig(ranker="keeping", params={"depth": 2}), seed=5, plugin=plugin)
    assert plugin.params == [{"depth": 2, "seed": 5}] * 2


def test_an_unknown_ranker_comes_with_near_matches():
    with pytest.raises(UsageError, match=r"unknown ranker 'passcount'\. Did you mean 'pass-count'"):
        score(ScoreConfig(ranker="passcount"))


def test_an_unknown_parameter_comes_with_near_matches():
    with pytest.raises(UsageError, match="Did you mean 'damping'"):
        score(ScoreConfig(params={"dampening": 0.5}))


def test_a_ranker_that_fails_is_named_with_the_problem():
    with pytest.raises(RankingError, match="ranker 'failing' failed on problem a: ZeroDivisionError"):
        score(ScoreConfig(ranker="failing"))


@pytest.mark.parametrize("ranker", ["short", "swapped"])
def test_scores_of_another_shape_are_refused(ranker):
    with pytest.raises(RankingError, match=rf"ranker '{ranker}' returned .* for the \(2, 3\) matrix of problem a"):
        score(ScoreConfig(ranker=ranker))

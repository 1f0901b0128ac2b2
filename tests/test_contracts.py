"""What plugins register, and that the built-ins keep the contract."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from codedpo_plugin.contracts import Executor, Ranker, Trainer
from codedpo_plugin.errors import UsageError
from codedpo_plugin.manager import create_plugins
from codedpo_plugin.records import PassMatrix, Verdict

PLUGINS = create_plugins(installed=False)
VERDICTS = [
    np.array([[0, 1, 7], [0, 0, 0], [2, 3, 4], [0, 1, 7]], np.uint8),
    np.zeros((1, 1), np.uint8),
    np.full((3, 2), Verdict.NOT_RUN, np.uint8),
    np.ones((2, 5), np.uint8),
]


@pytest.mark.parametrize("name", PLUGINS.rankers)
@pytest.mark.parametrize("verdicts", VERDICTS, ids=lambda v: f"{v.shape[0]}x{v.shape[1]}")
def test_a_ranker_gives_a_finite_score_to_every_solution_and_test(name, verdicts):
    scores = PLUGINS.rankers[name](PassMatrix("p", verdicts), {"seed": 3})
    assert (scores.solutions.shape, scores.tests.shape) == ((len(verdicts),), (verdicts.shape[1],))
    assert scores.solutions.dtype == scores.tests.dtype == np.float64
    assert np.isfinite(scores.solutions).all()
    assert np.isfinite(scores.tests).all()
    assert (scores.problem_id, scores.ranker) == ("p", name)


@pytest.mark.parametrize("name", [name for name in PLUGINS.rankers if name != "random"])
def test_equal_evidence_scores_equal(name):
    scores = PLUGINS.rankers[name](PassMatrix("p", VERDICTS[0]), {})
    assert scores.solutions[0] == scores.solutions[3]


@pytest.mark.parametrize("name", PLUGINS.rankers)
def test_a_ranker_does_not_write_to_the_matrix(name):
    verdicts = VERDICTS[0].copy()
    verdicts.flags.writeable = False
    PLUGINS.rankers[name](PassMatrix("p", verdicts), {})
    assert np.array_equal(verdicts, VERDICTS[0])


@pytest.mark.parametrize("name", PLUGINS.rankers)
def test_a_ranker_refuses_parameters_it_does_not_know(name):
    with pytest.raises(UsageError, match=f"unknown parameter of ranker '{name}': 'wings'"):
        PLUGINS.rankers[name](PassMatrix("p", VERDICTS[0]), {"wings": 2})


@pytest.mark.parametrize(
    ("protocol", "things"),
    [(Ranker, PLUGINS.rankers), (Executor, PLUGINS.executors), (Trainer, PLUGINS.trainers)],
    ids=["rankers", "executors", "trainers"],
)
def test_what_is_registered_takes_the_arguments_of_the_contract(protocol, things):
    arguments = [*inspect.signature(protocol.__call__).parameters][1:]
    assert things
    assert all([*inspect.signature(thing).parameters] == arguments for thing in things.values())

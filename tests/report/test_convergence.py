"""The iterations of self-validation, one by one."""

from __future__ import annotations

import numpy as np
import pytest

from codedpo_plugin.ranking.self_validation import rank
from codedpo_plugin.records import PassMatrix
from codedpo_plugin.report.convergence import MOST_ITERATIONS, iterates, summarise, trajectory

from .support import verdicts

MATRIX = PassMatrix("p", verdicts("PPPF", "PPFF", "FFFP"))


def test_only_self_validation_is_known_to_iterate():
    assert iterates("self-validation")
    assert not iterates("codet")
    assert not iterates("")


def test_a_trajectory_starts_equal_and_ends_where_the_ranker_ends():
    steps = trajectory(MATRIX, {"iterations": 4, "damping": 0.5})
    assert steps.shape == (5, 3)
    assert steps[0].tolist() == [1.0, 1.0, 1.0]
    final = rank(MATRIX, {"iterations": 4, "damping": 0.5}).solutions
    assert steps[-1] == pytest.approx(final / final.max())
    assert steps.max(axis=1) == pytest.approx(1.0)


def test_a_ranker_that_never_stops_is_followed_for_a_while():
    assert len(trajectory(MATRIX, {"iterations": 10_000})) == MOST_ITERATIONS + 1


def test_no_test_and_no_pass_are_no_division_by_zero():
    for matrix in (np.zeros((2, 0), np.uint8), verdicts("FF", "FF")):
        assert np.isfinite(trajectory(PassMatrix("p", matrix), {"damping": 1.0})).all()


def test_the_summary_says_how_far_scores_move_and_when_the_best_is_known():
    steps = [np.array([[1.0, 1.0], [1.0, 0.5], [1.0, 0.25]]), np.array([[1.0, 1.0], [0.5, 1.0], [1.0, 0.75]])]
    found = summarise(steps)
    assert found is not None
    assert (found.iterations, found.problems) == (2, 2)
    assert [middle for _, middle, _ in found.change] == pytest.approx([0.5, 0.375])
    assert found.change[1] == pytest.approx((0.275, 0.375, 0.475))
    assert found.settled == pytest.approx((0.5, 0.5, 1.0))


def test_solutions_that_stay_equal_are_settled_from_the_start():
    found = summarise([np.ones((3, 4))])
    assert found is not None
    assert found.settled == (1.0, 1.0, 1.0)
    assert found.change == ((0.0, 0.0, 0.0),) * 2


@pytest.mark.parametrize("steps", [[], [np.ones((1, 3))]])
def test_without_iterations_there_is_no_summary(steps):
    assert summarise(steps) is None

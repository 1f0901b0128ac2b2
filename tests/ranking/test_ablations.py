"""The rankers of the paper's ablation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codedpo_plugin.errors import UsageError
from codedpo_plugin.ranking import ablations
from codedpo_plugin.records import PassMatrix, Verdict

VERDICTS = np.array([[0, 0, 0], [0, 1, 0], [0, 7, 0], [2, 3, 4]], np.uint8)
MATRIX = PassMatrix("p", VERDICTS)


def test_all_tests_believes_a_solution_that_passes_every_test_and_all_tests_alike():
    scores = ablations.all_tests(MATRIX, {})
    assert scores.solutions.tolist() == [1.0, 0.0, 0.0, 0.0]
    assert scores.tests.tolist() == [1.0, 1.0, 1.0]
    assert (scores.problem_id, scores.ranker, scores.params) == ("p", "all-tests", {})


def test_pass_count_counts_both_ways():
    scores = ablations.pass_count(MATRIX, {})
    assert scores.solutions.tolist() == [3.0, 2.0, 2.0, 0.0]
    assert scores.tests.tolist() == [3.0, 1.0, 3.0]
    assert (scores.problem_id, scores.ranker, scores.params) == ("p", "pass-count", {})


@pytest.mark.parametrize("ranker", [ablations.all_tests, ablations.pass_count])
@given(st.permutations(range(4)), st.permutations(range(3)))
def test_permuted_solutions_and_tests_have_permuted_scores(ranker, rows, columns):
    scores, permuted = ranker(MATRIX, {}), ranker(PassMatrix("p", VERDICTS[rows][:, columns]), {})
    assert permuted.solutions.tolist() == scores.solutions[rows].tolist()
    assert permuted.tests.tolist() == scores.tests[columns].tolist()


def test_random_scores_are_the_same_for_a_seed_and_a_problem():
    first, second = (ablations.random(MATRIX, {"seed": 3}) for _ in range(2))
    assert first.solutions.tolist() == second.solutions.tolist()
    assert first.tests.tolist() == second.tests.tolist()
    assert first.params == {"seed": 3}


def test_random_scores_do_not_depend_on_the_order_of_problems():
    problems = [PassMatrix(name, VERDICTS) for name in ("a", "b", "c")]
    forwards = {m.problem_id: ablations.random(m, {}).solutions.tolist() for m in problems}
    backwards = {m.problem_id: ablations.random(m, {}).solutions.tolist() for m in reversed(problems)}
    assert forwards == backwards


def test_random_scores_do_not_depend_on_the_verdicts():
    other = PassMatrix("p", np.full_like(VERDICTS, Verdict.NOT_RUN))
    assert ablations.random(other, {}).solutions.tolist() == ablations.random(MATRIX, {}).solutions.tolist()


@pytest.mark.parametrize(("problem_id", "seed"), [("p", 4), ("q", 3)])
def test_random_scores_of_another_seed_or_problem_are_others(problem_id, seed):
    scores = ablations.random(MATRIX, {"seed": 3})
    others = ablations.random(PassMatrix(problem_id, VERDICTS), {"seed": seed})
    assert scores.solutions.tolist() != others.solutions.tolist()


def test_random_scores_are_spread_evenly():
    scores = ablations.random(PassMatrix("p", np.zeros((2_000, 1), np.uint8)), {}).solutions
    assert 0 <= scores.min() < 0.01 < 0.99 < scores.max() < 1
    assert 0.45 < scores.mean() < 0.55


@pytest.mark.parametrize("ranker", [ablations.all_tests, ablations.pass_count, ablations.random])
def test_a_seed_may_be_given_and_nothing_else(ranker):
    assert ranker(MATRIX, {"seed": 1}).problem_id == "p"
    with pytest.raises(UsageError, match="damping"):
        ranker(MATRIX, {"damping": 0.5})


@pytest.mark.parametrize("ranker", [ablations.all_tests, ablations.pass_count, ablations.random])
@pytest.mark.parametrize("shape", [(0, 0), (0, 2), (2, 0)])
def test_empty_matrices_have_scores_of_their_shape(ranker, shape):
    scores = ranker(PassMatrix("p", np.zeros(shape, np.uint8)), {})
    assert (len(scores.solutions), len(scores.tests)) == shape

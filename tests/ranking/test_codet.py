"""Dual execution agreement."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codedpo_plugin.ranking.codet import agreement, rank
from codedpo_plugin.records import PassMatrix

PASSED = np.array([[1, 1, 0], [1, 1, 0], [1, 1, 1], [0, 0, 0], [0, 1, 1]], bool)


def scores(passed):
    return rank(PassMatrix("p", (~passed).astype(np.uint8)), {})


def test_a_consensus_set_scores_its_tests_times_the_root_of_its_solutions():
    found = scores(PASSED)
    assert found.solutions.tolist() == [2 * np.sqrt(2)] * 2 + [3.0, 0.0, 2.0]
    assert found.tests.tolist() == [3.0, 3.0, 3.0]


def test_a_test_scores_as_the_best_set_that_passes_it():
    assert scores(PASSED[[0, 1, 4]]).tests.tolist() == [2 * np.sqrt(2), 2 * np.sqrt(2), 2.0]


def test_agreement_is_to_pass_exactly_the_same_tests():
    common, same = agreement(PASSED)
    assert common.tolist() == [[2, 2, 2, 0, 1], [2, 2, 2, 0, 1], [2, 2, 3, 0, 2], [0] * 5, [1, 1, 2, 0, 2]]
    assert same.tolist() == [[1, 1, 0, 0, 0], [1, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 0, 1]]


@pytest.mark.parametrize("shape", [(0, 0), (0, 2), (2, 0)])
def test_empty_matrices_have_scores_of_their_shape(shape):
    found = scores(np.zeros(shape, bool))
    assert (len(found.solutions), len(found.tests)) == shape


@given(st.permutations(range(5)), st.permutations(range(3)))
def test_permuted_solutions_and_tests_have_permuted_scores(rows, columns):
    found, permuted = scores(PASSED), scores(PASSED[rows][:, columns])
    assert permuted.solutions.tolist() == found.solutions[rows].tolist()
    assert permuted.tests.tolist() == found.tests[columns].tolist()

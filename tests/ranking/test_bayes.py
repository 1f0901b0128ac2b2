"""The posterior over consistency sets."""

from __future__ import annotations

from math import exp, lgamma, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from codedpo_plugin.errors import UsageError
from codedpo_plugin.ranking.bayes import BayesParams, log_posterior, rank
from codedpo_plugin.records import PassMatrix

PASSED = np.array([[1, 1, 0, 1], [1, 1, 0, 1], [1, 0, 0, 1], [0, 0, 1, 0]], bool)
UNIFORM = {"rarity": 0.0, "repeats": 1.0}

matrices = arrays.arrays(bool, st.tuples(st.integers(1, 6), st.integers(1, 6)))


def log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def by_definition(passed: np.ndarray, params: BayesParams) -> list[float]:
    """Return the posterior of each solution's set, cell by cell as in the module's description, repeats = 1."""
    (n_codes, n_tests), evidence = passed.shape, {}
    for row in {tuple(r) for r in passed.tolist()}:
        others = [r for r in passed.tolist() if tuple(r) != row]
        n, m = n_codes - len(others), sum(row)
        on_right = [r[t] for r in others for t in range(n_tests) if row[t]]
        on_wrong = [r[t] for r in others for t in range(n_tests) if not row[t]]
        counts = (
            (n, n_codes - n, params.solutions),
            (m, n_tests - m, params.tests),
            (sum(on_right), len(on_right) - sum(on_right), params.wrong_on_right),
            (sum(on_wrong), len(on_wrong) - sum(on_wrong), params.wrong_on_wrong),
        )
        evidence[row] = sum(log_beta(k + a, rest + b) for k, rest, (a, b) in counts)
    total = log(sum(exp(value) for value in evidence.values()))
    return [evidence[tuple(row)] - total for row in passed.tolist()]


priors = st.tuples(st.floats(0.5, 20), st.floats(0.5, 20))


@given(matrices, priors, priors, priors, priors)
def test_the_posterior_is_that_of_the_definition(passed, solutions, tests, on_right, on_wrong):
    params = BayesParams(
        solutions=solutions, tests=tests, wrong_on_right=on_right, wrong_on_wrong=on_wrong, rarity=0, repeats=1
    )
    np.testing.assert_allclose(log_posterior(passed, params), by_definition(passed, params), rtol=1e-9, atol=1e-9)


@given(matrices)
def test_the_probabilities_of_the_distinct_rows_sum_to_one(passed):
    found = log_posterior(passed)
    rows = np.unique(passed, axis=0, return_index=True)[1]
    assert np.exp(found[rows]).sum() == pytest.approx(1)
    assert all(len(set(found[(passed == row).all(axis=1)])) == 1 for row in passed)


@given(matrices, st.randoms())
def test_permuted_solutions_and_tests_have_permuted_scores(passed, random):
    rows, columns = list(range(len(passed))), list(range(passed.shape[1]))
    random.shuffle(rows)
    random.shuffle(columns)
    found = rank(PassMatrix("p", (~passed).astype(np.uint8)), {})
    permuted = rank(PassMatrix("p", (~passed[rows][:, columns]).astype(np.uint8)), {})
    np.testing.assert_allclose(permuted.solutions, found.solutions[rows], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(permuted.tests, found.tests[columns], rtol=1e-9, atol=1e-12)


def test_agreement_of_more_solutions_is_believed_more():
    scores = rank(PassMatrix("p", (~PASSED).astype(np.uint8)), {})
    assert scores.solutions[0] == scores.solutions[1] == scores.solutions.max()
    assert np.argmin(scores.tests) == 2


def test_a_test_is_as_probable_as_the_sets_that_pass_it():
    scores = rank(PassMatrix("p", (~PASSED).astype(np.uint8)), UNIFORM)
    probability = np.exp(scores.solutions)[[0, 2, 3]]
    expected = [probability[0] + probability[1], probability[0], probability[2], probability[0] + probability[1]]
    np.testing.assert_allclose(scores.tests, expected)


def test_repeated_tests_count_less():
    other = np.array([[1, 1, 0], [1, 0, 1], [1, 0, 1], [1, 0, 0]], bool)
    repeated = other[:, [0, 1, 1, 1, 1, 2]]  # the first solution passes four variants of one test alone

    def belief(params):
        found = log_posterior(repeated, params)
        return found[0] - found[1]

    once, root, each = (belief(BayesParams(repeats=repeats)) for repeats in (0.0, 0.5, 1.0))
    assert once == pytest.approx(np.subtract(*log_posterior(other, BayesParams())[:2]))
    assert once < root < each


def test_rarity_is_a_prior_worth_so_many_cells_per_cell():
    plain = BayesParams(wrong_on_wrong=(1.0, 1 + 2.5 * PASSED.size), rarity=0, repeats=1)
    rare = BayesParams(rarity=2.5, repeats=1)
    assert log_posterior(PASSED, rare).tolist() == log_posterior(PASSED, plain).tolist()


@pytest.mark.parametrize("shape", [(0, 0), (0, 2), (2, 0), (1, 1), (3, 1)])
def test_matrices_without_evidence_have_equal_scores(shape):
    scores = rank(PassMatrix("p", np.zeros(shape, np.uint8)), {})
    assert scores.solutions.tolist() == [0.0] * shape[0]
    assert scores.tests.shape == (shape[1],)


def test_large_problems_stay_finite():
    passed = np.random.default_rng(0).random((300, 200)) < 0.5
    assert np.isfinite(log_posterior(passed)).all()


@pytest.mark.parametrize(
    "params", [{"solutions": (0, 1)}, {"tests": (1, -1)}, {"wrong_on_right": (1,)}, {"repeats": 1.5}]
)
def test_priors_that_are_none_are_refused(params):
    with pytest.raises(UsageError, match=next(iter(params))):
        rank(PassMatrix("p", np.zeros((1, 1), np.uint8)), params)

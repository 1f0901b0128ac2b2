"""pass@k against every subset there is, and the bootstrap."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codedpo_plugin.evaluation.passk import Estimate, bootstrap_mean, pass_at_k

CASES = [(n, c, k) for n in range(1, 8) for c in range(n + 1) for k in range(1, n + 1)]


def by_brute_force(n: int, correct: int, k: int) -> Fraction:
    """Return the share of all choices of k samples that hold a right one."""
    chosen = list(combinations([True] * correct + [False] * (n - correct), k))
    return Fraction(sum(map(any, chosen)), len(chosen))


@pytest.mark.parametrize(("n", "correct", "k"), CASES)
def test_pass_at_k_is_the_share_of_subsets_with_a_right_sample(n, correct, k):
    assert pass_at_k(n, correct, k) == pytest.approx(float(by_brute_force(n, correct, k)), abs=1e-12)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))))
def test_pass_at_k_is_a_probability_that_grows_with_right_samples_and_with_k(case):
    n, correct, k = case
    value = pass_at_k(n, correct, k)
    assert 0.0 <= value <= 1.0
    assert (value == 0.0) == (correct == 0)
    if correct < n:
        assert pass_at_k(n, correct + 1, k) >= value - 1e-12
    if k < n:
        assert pass_at_k(n, correct, k + 1) >= value - 1e-12


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))))
def test_pass_at_1_is_the_share_of_right_samples(case):
    assert pass_at_k(*case, 1) == pytest.approx(case[1] / case[0], abs=1e-12)


@pytest.mark.parametrize(("n", "correct", "k"), [(3, 4, 1), (3, -1, 1), (3, 1, 4), (3, 1, 0), (0, 0, 1)])
def test_pass_at_k_of_numbers_that_do_not_fit_is_refused(n, correct, k):
    with pytest.raises(ValueError, match=f"pass@{k}"):
        pass_at_k(n, correct, k)


shares = st.lists(st.floats(0, 1), min_size=1, max_size=30)


@given(shares, st.integers(0, 5))
def test_the_interval_covers_the_mean_and_is_the_same_every_time(values, seed):
    estimate = bootstrap_mean(values, seed)
    assert estimate == bootstrap_mean(values, seed)
    assert estimate.value == pytest.approx(float(np.mean(values)))
    assert estimate.n == len(values)
    slack = 1e-9
    assert min(values) - slack <= estimate.low <= estimate.value + slack
    assert estimate.value - slack <= estimate.high <= max(values) + slack


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_equal_values_have_an_interval_without_width(value):
    assert bootstrap_mean([value] * 7) == Estimate(pytest.approx(value), *(pytest.approx(value),) * 2, 7)


def test_more_problems_have_a_narrower_interval():
    few, many = bootstrap_mean([0.0, 1.0] * 5), bootstrap_mean([0.0, 1.0] * 500)
    assert few.high - few.low > 3 * (many.high - many.low) > 0


def test_the_interval_is_that_of_the_binomial_distribution():
    # 40 of 100: the normal approximation gives 0.4 ± 1.96 * sqrt(0.4 * 0.6 / 100).
    estimate = bootstrap_mean([1.0] * 40 + [0.0] * 60)
    assert estimate.low == pytest.approx(0.304, abs=0.02)
    assert estimate.high == pytest.approx(0.496, abs=0.02)


def test_without_values_everything_is_nan():
    estimate = bootstrap_mean([])
    assert estimate.n == 0
    assert all(map(math.isnan, (estimate.value, estimate.low, estimate.high)))

"""Rounding that makes ties of what is equal on paper."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codedpo_plugin.ranking.numbers import round_significant

positive = st.floats(1e-290, 1e290)


@pytest.mark.parametrize("value", [0.0, 1.0, -1.0, 2.6875, 1e-300, 1e300, 123456.0, 5e-324, 1.7e308])
def test_values_of_few_digits_stay(value):
    assert round_significant(np.array([value])).tolist() == pytest.approx([value], rel=1e-15, abs=0)


def test_values_that_differ_in_their_last_bits_become_ties():
    values = np.array([0.1 + 0.2, 0.3, 0.30000000000000004])
    assert len(set(round_significant(values).tolist())) == 1


def test_values_that_differ_in_a_kept_digit_stay_apart():
    first, second = round_significant(np.array([1.00000000001, 1.00000000002]))
    assert first < second


@given(st.lists(positive, min_size=1, max_size=6))
def test_rounding_changes_little_and_keeps_the_order(values):
    rounded = round_significant(np.array(values))
    np.testing.assert_allclose(rounded, values, rtol=1e-11)
    assert np.all(np.diff(round_significant(np.sort(values))) >= 0)


@given(st.lists(positive, min_size=1, max_size=6))
def test_rounding_is_of_each_value_alone(values):
    together = round_significant(np.array(values)).tolist()
    assert together == [round_significant(np.array([value]))[0] for value in values]


def test_rounding_warns_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rounded = round_significant(np.array([0.0, 5e-324, 1.7e308, np.inf]))
    assert rounded[0] == 0.0


def test_nothing_rounds_to_nothing():
    assert round_significant(np.zeros((0,))).shape == (0,)

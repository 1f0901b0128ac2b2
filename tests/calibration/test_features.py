"""What the calibrated model looks at."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from codedpo_plugin.calibration.features import FEATURES, feature_bounds, pair_features

PASSED = np.array([[1, 1, 0, 1], [1, 1, 0, 1], [1, 0, 0, 1], [0, 0, 1, 0]], bool)
matrices = arrays.arrays(bool, st.tuples(st.integers(1, 6), st.integers(0, 6)))


def named(*arguments: object) -> dict[str, float]:
    return dict(zip(FEATURES, pair_features(*arguments), strict=True))


def test_each_feature_is_what_it_is_said_to_be():
    found = named(PASSED, 0, 3)
    assert found["hardest_test"] == pytest.approx(np.log(3 / 5))  # two of four pass the second test
    assert found["support"] == pytest.approx(np.log(3 / 3))  # two of four pass exactly these tests
    assert found["silent"] == pytest.approx(np.log(1 / 5))  # every one of four passes a test
    assert (found["n_solutions"], found["n_tests"]) == (np.log(4), np.log(4))
    assert (found["same_row"], named(PASSED, 0, 1)["same_row"]) == (0, 1)


def test_a_solution_that_passes_nothing_has_the_least_agreement():
    passed = np.zeros((3, 2), bool)
    passed[0] = True
    assert named(passed, 1, 0)["hardest_test"] == pytest.approx(np.log(1 / 4))


def test_solutions_that_pass_nothing_are_counted():
    passed = np.array([[1, 1], [0, 0], [0, 1], [0, 0], [0, 0]], bool)
    assert named(passed, 0, 1)["silent"] == pytest.approx(np.log(4 / 3))


@given(matrices, st.randoms())
def test_features_are_finite_and_do_not_depend_on_the_order_of_tests(passed, random):
    columns = list(range(passed.shape[1]))
    random.shuffle(columns)
    if not passed.shape[1]:
        return
    found = pair_features(passed, 0, len(passed) - 1)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(pair_features(passed[:, columns], 0, len(passed) - 1), found, rtol=1e-9, atol=1e-9)


@given(matrices)
def test_a_pair_of_different_rows_is_within_the_bounds_of_its_size(passed):
    if not passed.shape[1] or (passed[0] == passed[-1]).all():
        return
    least, greatest = feature_bounds(*passed.shape)
    found = pair_features(passed, 0, len(passed) - 1)
    assert (least - 1e-9 <= found).all()
    assert (found <= greatest + 1e-9).all()


def test_the_bounds_are_reached():
    least, greatest = feature_bounds(4, 5)
    common = pair_features(np.array([[1, 1, 0], [1, 1, 0], [1, 1, 0], [1, 1, 1]], bool), 0, 3)
    assert common[:2] == pytest.approx(feature_bounds(4, 3)[1][:2])
    assert pair_features(np.eye(4, 5, dtype=bool), 0, 3)[1] == pytest.approx(least[1])
    assert pair_features(np.eye(4, 5, -1, dtype=bool), 0, 3)[0] == pytest.approx(least[0])
    silent = np.array([[1, 1, 1], [0, 0, 0], [0, 0, 0], [0, 0, 0]], bool)
    assert pair_features(silent, 0, 3)[2] == pytest.approx(greatest[2])
    assert common[2] == pytest.approx(least[2])

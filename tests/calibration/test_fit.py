"""Fitting a calibration, and measuring how confidences hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from codedpo_plugin.calibration.examples import Example, examples_of
from codedpo_plugin.calibration.features import FEATURES
from codedpo_plugin.calibration.fit import cross_fitted, fit_calibration, halves, measure
from codedpo_plugin.errors import InputError
from codedpo_plugin.manager import create_plugins
from codedpo_plugin.records import PairKind

from .support import many

RANKERS = {"codet": create_plugins(installed=False).rankers["codet"]}


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    return [example for problem in many() for example in examples_of(problem, RANKERS, 3)]


def example(value: float, *, right: bool, problem_id: str = "p") -> Example:
    features = np.zeros(len(FEATURES))
    features[0] = value
    return Example(problem_id, "r", PairKind.CORRECTNESS, features, right)


def test_what_tells_right_from_wrong_has_weight(examples):
    calibration = fit_calibration(examples, "made up")
    assert (calibration.rankers, calibration.source) == (("codet",), "made up")
    model = calibration.models[PairKind.CORRECTNESS]
    own = [e for e in examples if e.kind is PairKind.CORRECTNESS]
    found = model.probability(np.array([e.features for e in own]))
    right = np.array([e.right for e in own])
    assert found[right].mean() > found[~right].mean() + 0.15


def test_every_problem_has_the_same_weight_however_many_pairs_it_has():
    few = [example(x, right=x > 0, problem_id=f"{x}") for x in (-2.0, -1, 1, 2)]
    once, often = (fit_calibration(e, "").models[PairKind.CORRECTNESS] for e in (few, [*few, *[few[0]] * 50]))
    assert often.intercept == pytest.approx(once.intercept, abs=1e-4)
    assert often.coefficients == pytest.approx(once.coefficients, abs=1e-4)


def test_a_feature_that_never_varies_has_no_weight():
    model = fit_calibration([example(x, right=x > 0, problem_id=f"{x}") for x in (-1.0, 1.0)], "").models
    assert model[PairKind.CORRECTNESS].coefficients[1:] == (0.0,) * (len(FEATURES) - 1)


def test_pairs_that_trust_examples_are_fitted_and_measured_apart():
    """Trusting, high values are wrong; else they are right."""
    ids = [f"p{n}" for n in range(24)]
    values = [1.0 if n % 4 < 2 else -1.0 for n in range(24)]
    plain = [example(x, right=x > 0, problem_id=i) for i, x in zip(ids, values, strict=True)]
    trusting = [replace(one, right=not one.right, trusting=True) for one in plain]
    both = [*plain, *trusting]
    calibration = fit_calibration(both, "")
    assert calibration.models[PairKind.CORRECTNESS] == fit_calibration(plain, "").models[PairKind.CORRECTNESS]
    assert calibration.models[PairKind.CORRECTNESS].coefficients[0] > 0
    assert calibration.trusting[PairKind.CORRECTNESS].coefficients[0] < 0
    assert fit_calibration(plain, "").trusting == {}
    found = cross_fitted(both, both, halves(ids))
    assert ((found > 0.5) == [one.right for one in both]).all()


@pytest.mark.parametrize("right", [[], [True, True], [False]])
def test_without_right_and_wrong_pairs_there_is_nothing_to_fit(right):
    with pytest.raises(InputError, match="nothing to fit"):
        fit_calibration([example(0.0, right=value) for value in right], "")


def test_halves_are_disjoint_equal_and_do_not_depend_on_the_order():
    names = [f"p{n}" for n in range(11)]
    first, second = halves(names)
    assert (first | second, first & second) == ({*names}, set())
    assert (len(first), len(second)) == (6, 5)
    assert halves(reversed(names)) == (first, second)


def test_cross_fitting_uses_the_other_half_alone(examples):
    own = [e for e in examples if e.kind is PairKind.CORRECTNESS]
    split = first, second = halves(e.problem_id for e in examples)
    found = cross_fitted(examples, own, split)
    model = fit_calibration([e for e in examples if e.problem_id in second], "").models[PairKind.CORRECTNESS]
    place = next(i for i, e in enumerate(own) if e.problem_id in first)
    assert found[place] == model.probability(own[place].features)
    assert measure(found, np.array([e.right for e in own])).ece < 0.15


def test_what_is_measured_need_not_be_what_is_fitted_on(examples):
    split = halves(e.problem_id for e in examples)
    everything = cross_fitted(examples, examples, split)
    assert cross_fitted(examples, examples[3:9], split).tolist() == everything[3:9].tolist()
    assert cross_fitted(examples, [], split).shape == (0,)


def test_a_half_with_nothing_to_fit_leaves_the_other_without_confidence():
    pairs = [example(float(n), right=n in (1, 2), problem_id=f"p{n}") for n in range(6)]
    found = cross_fitted(pairs, pairs, ({"p0", "p1", "p2"}, {"p3", "p4", "p5"}))
    assert np.isnan(found).tolist() == [True] * 3 + [False] * 3


def test_a_measure_counts_by_hand():
    confidences = np.array([0.05, 0.15, 0.15, 0.95, 0.95, 0.95, 1.0, 0.5])
    right = np.array([0, 1, 0, 1, 1, 0, 1, 1], bool)
    found = measure(confidences, right)
    assert (found.n, found.right, found.high, found.high_right) == (8, 5 / 8, 4, 0.75)
    assert found.top_quarter == 1.0
    assert [(b.count, b.right) for b in found.bins] == [(1, 0), (2, 0.5), (1, 1.0), (4, 0.75)]
    assert found.ece == pytest.approx((0.05 + 2 * 0.35 + 0.5 + 4 * (3.85 / 4 - 0.75)) / 8)


def test_a_large_sample_that_is_right_as_often_as_said_has_no_error_but_chance():
    generator = np.random.default_rng(1)
    confidences = generator.random(2_000)
    found = measure(confidences, generator.random(2_000) < confidences)
    assert found.ece < 0.04
    assert 0.5 < found.ece / found.ece_by_chance < 2
    assert measure(np.full(2_000, 0.99), generator.random(2_000) < 0.4).ece == pytest.approx(0.59, abs=0.05)


def test_one_pair_can_be_measured():
    found = measure(np.array([0.3]), np.array([True]))
    assert (found.n, found.top_quarter, found.high) == (1, 1.0, 0)
    assert np.isnan(found.high_right)

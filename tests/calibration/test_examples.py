"""Labelled pairs out of labelled problems."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from codedpo_plugin.calibration.examples import SMALLEST, LabelledProblem, examples_of
from codedpo_plugin.calibration.features import FEATURES, pair_features
from codedpo_plugin.manager import create_plugins
from codedpo_plugin.records import PairKind, PassMatrix

from .support import labelled

RANKERS = {name: create_plugins(installed=False).rankers[name] for name in ("pass-count", "codet")}
PASSED = np.array([[1, 1, 1], [1, 1, 1], [1, 0, 0], [0, 0, 0]], bool)


def problem(right: list[bool], programs: str = "abcd") -> LabelledProblem:
    return LabelledProblem(PassMatrix("p", (~PASSED).astype(np.uint8)), np.array(right), tuple(programs))


def test_a_correctness_pair_is_right_if_chosen_is_and_rejected_is_not():
    for right, expected in (([1, 1, 0, 0], True), ([0, 1, 0, 0], False), ([1, 1, 1, 1], False)):
        pairs = list(examples_of(problem(list(map(bool, right))), RANKERS, 0))
        own = [e for e in pairs if e.kind is PairKind.CORRECTNESS]
        assert [(e.ranker, e.right) for e in own] == [("pass-count", expected), ("codet", expected)]
        assert own[0].features.tolist() == pair_features(PASSED, 0, 3).tolist()


def test_an_efficiency_pair_is_right_if_both_are():
    for right, expected in (([1, 1, 0, 0], True), ([1, 0, 0, 0], False)):
        pairs = list(examples_of(problem(list(map(bool, right))), RANKERS, 0))
        assert {e.right for e in pairs if e.kind is PairKind.EFFICIENCY} == {expected}


def test_trusting_examples_makes_further_pairs():
    """The second test is an example: the last two solutions fail it and share the lowest score."""
    known = replace(problem([True, False, False, False]), examples=(1,))
    own = [e for e in examples_of(known, RANKERS, 0) if e.kind is PairKind.CORRECTNESS]
    assert [e.trusting for e in own] == [False, True] * len(RANKERS)
    assert own[1].features.tolist() == pair_features(PASSED, 0, 2).tolist()


def test_what_fails_an_example_is_not_chosen():
    fooled = replace(problem([False, False, False, True]), examples=(2,))
    passed = np.array([[1, 1, 0], [1, 1, 0], [1, 0, 0], [0, 0, 1]], bool)
    fooled = replace(fooled, matrix=PassMatrix("p", (~passed).astype(np.uint8)))
    own = [e for e in examples_of(fooled, RANKERS, 0) if e.kind is PairKind.CORRECTNESS]
    assert [e.right for e in own] == [False, True] * len(RANKERS)


def test_a_part_keeps_all_examples():
    known = replace(labelled("p", 0.5), examples=(2, 5))
    sizes = {round(float(np.exp(e.features[FEATURES.index("n_tests")]))) for e in examples_of(known, RANKERS, 30)}
    assert len(sizes) > 2
    for tests in ([0, 5, 7, 2], [2, 5]):
        part = known.part(np.arange(3), np.array(tests))
        assert [tests[place] for place in part.examples] == [test for test in tests if test in (2, 5)]
    without = known.part(np.arange(3), np.array([0, 7]))
    np.testing.assert_array_equal(without.matrix.verdicts, known.matrix.verdicts[:3, [0, 7, 2, 5]])
    assert without.examples == (2, 3)


def test_the_same_program_makes_no_pair():
    assert {e.kind for e in examples_of(problem([True] * 4, "aabc"), RANKERS, 0)} == {PairKind.CORRECTNESS}
    assert {e.kind for e in examples_of(problem([True] * 4, "abca"), RANKERS, 0)} == {PairKind.EFFICIENCY}


def test_a_problem_that_says_nothing_has_no_example():
    silent = LabelledProblem(PassMatrix("p", np.ones((3, 2), np.uint8)), np.ones(3, bool), tuple("abc"))
    assert list(examples_of(silent, RANKERS)) == []


def test_parts_are_smaller_of_every_size_and_the_same_on_every_call():
    first, second = ([*examples_of(labelled("p", 0.5), RANKERS, 30)] for _ in range(2))
    assert [e.features.tolist() for e in first] == [e.features.tolist() for e in second]
    sizes = {round(float(np.exp(e.features[FEATURES.index("n_solutions")]))) for e in first}
    assert min(sizes) == SMALLEST
    assert max(sizes) == 12
    assert len(sizes) > 3


def test_a_problem_smaller_than_the_smallest_part_is_taken_as_it_is():
    tiny = LabelledProblem(PassMatrix("p", np.array([[0], [1]], np.uint8)), np.array([True, False]), ("a", "b"))
    found = list(examples_of(tiny, {"codet": RANKERS["codet"]}, 3))
    assert [e.features.tolist() for e in found] == [found[0].features.tolist()] * 4

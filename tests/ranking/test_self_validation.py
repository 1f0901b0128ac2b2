"""Self-validation: the published example, its symmetries, and what it must never do."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from codedpo_plugin.errors import UsageError
from codedpo_plugin.ranking.self_validation import SelfValidationParams, rank, self_validation
from codedpo_plugin.records import PassMatrix, Verdict

Link = NDArray[np.bool_]

EXAMPLE = np.array([[1, 1, 1, 1], [1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0]], bool)
"""The first solution passes all four tests, whose pass counts (4, 3, 2, 1) sum to 10."""

STAIRS = np.tril(np.ones((6, 6), bool))
"""Every solution passes one test more than the one before it."""


@st.composite
def links(draw: st.DrawFn, largest: int = 8) -> Link:
    rows, columns = draw(st.integers(1, largest)), draw(st.integers(1, largest))
    bits = draw(st.lists(st.booleans(), min_size=rows * columns, max_size=rows * columns))
    return np.array(bits, bool).reshape(rows, columns)


dampings = st.sampled_from([0.0, 0.25, 0.5, 0.85, 1.0])


def exact(link: Link, damping: Fraction, iterations: int) -> tuple[list[Fraction], list[Fraction]]:
    """Return the scores in exact arithmetic, straight from the published equations."""
    codes, tests = [Fraction(1)] * link.shape[0], [Fraction(1)] * link.shape[1]
    for _ in range(iterations):
        from_tests = [sum((t for t, ok in zip(tests, row, strict=True) if ok), Fraction(0)) for row in link]
        from_codes = [sum((c for c, ok in zip(codes, row, strict=True) if ok), Fraction(0)) for row in link.T]
        codes = [(1 - damping) * c + damping * s for c, s in zip(codes, from_tests, strict=True)]
        tests = [(1 - damping) * t + damping * s for t, s in zip(tests, from_codes, strict=True)]
    return codes, tests


@pytest.mark.parametrize(("iterations", "score"), [(0, 1.0), (1, 1.75), (2, 2.6875)])
def test_the_published_example(iterations, score):
    codes, _ = self_validation(EXAMPLE, damping=0.25, iterations=iterations)
    assert codes[0] == score


def test_the_published_example_as_it_is_printed():
    assert f"{self_validation(EXAMPLE, damping=0.25, iterations=2)[0][0]:.1f}" == "2.7"


def test_both_sides_are_updated_at_once():
    codes, tests = self_validation(np.ones((2, 1), bool), damping=0.5, iterations=1)
    assert codes.tolist() == [1.0, 1.0]
    assert tests.tolist() == [1.5]


def test_the_defaults_are_those_of_the_paper():
    assert SelfValidationParams().model_dump() == {"damping": 0.85, "iterations": 10}
    codes, tests = self_validation(EXAMPLE)
    expected = exact(EXAMPLE, Fraction(85, 100), 10)
    np.testing.assert_allclose(codes, [float(c) for c in expected[0]], rtol=1e-11)
    np.testing.assert_allclose(tests, [float(t) for t in expected[1]], rtol=1e-11)


@given(links(5), dampings, st.integers(0, 12))
def test_scores_are_those_of_the_equations(link, damping, iterations):
    codes, tests = self_validation(link, damping, iterations)
    expected = exact(link, Fraction(damping), iterations)
    np.testing.assert_allclose(codes, [float(c) for c in expected[0]], rtol=1e-11)
    np.testing.assert_allclose(tests, [float(t) for t in expected[1]], rtol=1e-11)


@given(links(), dampings, st.data())
def test_permuted_solutions_and_tests_have_permuted_scores(link, damping, data):
    rows = data.draw(st.permutations(range(link.shape[0])))
    columns = data.draw(st.permutations(range(link.shape[1])))
    codes, tests = self_validation(link, damping)
    permuted_codes, permuted_tests = self_validation(link[rows][:, columns], damping)
    assert permuted_codes.tolist() == codes[rows].tolist()
    assert permuted_tests.tolist() == tests[columns].tolist()


@given(links(), dampings, st.sampled_from([1, 10, 300]), st.data())
def test_a_dominated_solution_never_ranks_above_its_dominator(link, damping, iterations, data):
    fewer = data.draw(st.lists(st.booleans(), min_size=link.shape[1], max_size=link.shape[1]))
    dominated = np.vstack([link, link[0] & fewer])
    codes, _ = self_validation(dominated, damping, iterations)
    assert codes[-1] <= codes[0]


@given(links(), dampings, st.data())
def test_a_test_that_fewer_solutions_pass_never_ranks_above(link, damping, data):
    fewer = data.draw(st.lists(st.booleans(), min_size=link.shape[0], max_size=link.shape[0]))
    _, tests = self_validation(np.column_stack([link, link[:, 0] & fewer]), damping)
    assert tests[-1] <= tests[0]


@given(links(), dampings)
def test_equal_solutions_and_equal_tests_stay_exact_ties(link, damping):
    doubled = np.vstack([link, link])
    codes, tests = self_validation(np.hstack([doubled, doubled]), damping)
    rows, columns = link.shape
    assert codes[:rows].tolist() == codes[rows:].tolist()
    assert tests[:columns].tolist() == tests[columns:].tolist()


@given(st.lists(st.booleans(), min_size=1, max_size=9), dampings, st.sampled_from([1, 10, 50]))
def test_solutions_that_a_symmetry_exchanges_stay_exact_ties(first, damping, iterations):
    circulant = np.array([np.roll(first, shift) for shift in range(len(first))], bool)
    codes, tests = self_validation(circulant, damping, iterations)
    assert len(set(codes.tolist())) == 1
    assert len(set(tests.tolist())) == 1


@pytest.mark.parametrize("seed", range(20))
def test_copies_of_one_group_stay_exact_ties_wherever_they_stand(seed):
    # On paper all these scores end in a five after the twelfth digit, so that rounding alone does not make ties.
    group = np.array([[0, 1, 1, 0, 1, 1], [0, 0, 1, 0, 1, 1], [1, 1, 0, 1, 1, 1], [1, 0, 1, 1, 0, 1]], bool)
    link = np.kron(np.eye(3, dtype=bool), group)
    generator = np.random.default_rng(seed)
    rows, columns = generator.permutation(link.shape[0]), generator.permutation(link.shape[1])
    codes, tests = self_validation(link[rows][:, columns])
    assert [len({*codes[rows % 4 == row].tolist()}) for row in range(4)] == [1] * 4
    assert [len({*tests[columns % 6 == column].tolist()}) for column in range(6)] == [1] * 6


@given(st.data(), dampings)
def test_problems_of_one_shape_are_scored_together_as_one_by_one(data, damping):
    one = data.draw(links(5))
    shape = st.lists(st.booleans(), min_size=one.size, max_size=one.size)
    others = [
        np.array(bits, bool).reshape(one.shape) for bits in data.draw(st.lists(shape, min_size=3, max_size=3))
    ]
    batch = np.stack([one, *others]).reshape(2, 2, *one.shape)
    codes, tests = self_validation(batch, damping)
    for index in np.ndindex(2, 2):
        alone_codes, alone_tests = self_validation(batch[index], damping)
        assert codes[index].tolist() == alone_codes.tolist()
        assert tests[index].tolist() == alone_tests.tolist()


def test_a_problem_that_grows_does_not_rescale_those_that_do_not():
    batch = np.stack([np.ones((9, 9), bool), np.zeros((9, 9), bool)])
    codes, _ = self_validation(batch, 0.25, 400)
    assert codes[1].tolist() == self_validation(batch[1], 0.25, 400)[0].tolist()


@pytest.mark.parametrize("iterations", [10, 100, 1_000, 10_000])
def test_many_iterations_keep_the_ranking_of_few(iterations):
    codes, tests = self_validation(STAIRS, iterations=iterations)
    assert np.isfinite(codes).all()
    assert np.isfinite(tests).all()
    assert np.argsort(codes).tolist() == [0, 1, 2, 3, 4, 5]
    assert np.argsort(tests).tolist() == [5, 4, 3, 2, 1, 0]
    assert len({*codes.tolist()}) == len({*tests.tolist()}) == 6


@pytest.mark.parametrize("size", [1, 15, 200])
def test_many_iterations_of_solutions_that_pass_everything_do_not_overflow(size):
    codes, tests = self_validation(np.ones((size, size), bool), iterations=5_000)
    assert np.isfinite(codes).all()
    assert (len({*codes.tolist()}), len({*tests.tolist()})) == (1, 1)


@given(links(5))
def test_rescaling_keeps_ratios(link):
    codes, tests = self_validation(link, 0.85, 200)
    expected_codes, expected_tests = exact(link, Fraction(85, 100), 200)
    largest = max(*expected_codes, *expected_tests)
    found = np.concatenate([codes, tests]) / max(codes.max(), tests.max())
    expected = [float(value / largest) for value in (*expected_codes, *expected_tests)]
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-200)


@pytest.mark.parametrize("verdict", [v for v in Verdict if v is not Verdict.PASS])
def test_only_a_pass_is_a_link(verdict):
    scores = rank(PassMatrix("p", np.array([[0, 0], [0, verdict]], np.uint8)), {})
    plain, _ = self_validation(np.array([[True, True], [True, False]]))
    assert scores.solutions.tolist() == plain.tolist()
    assert scores.solutions[1] < scores.solutions[0]


def test_solutions_that_pass_nothing_decay_alike():
    codes, tests = self_validation(np.zeros((3, 2), bool), damping=0.25, iterations=2)
    assert codes.tolist() == [0.5625] * 3
    assert tests.tolist() == [0.5625] * 2


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0)])
def test_a_problem_without_solutions_or_tests_has_no_scores_for_them(shape):
    codes, tests = self_validation(np.zeros(shape, bool))
    assert (codes.shape, tests.shape) == ((shape[0],), (shape[1],))


def test_the_ranker_records_its_name_and_parameters():
    scores = rank(PassMatrix("p", (~EXAMPLE).astype(np.uint8)), {"damping": 0.25, "iterations": 2, "seed": 5})
    assert (scores.problem_id, scores.ranker) == ("p", "self-validation")
    assert scores.params == {"damping": 0.25, "iterations": 2}
    assert scores.solutions[0] == 2.6875


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"dampin": 0.5}, r"unknown parameter of ranker 'self-validation': 'dampin'\. Did you mean 'damping'\?"),
        ({"iteration": 5}, r"Did you mean 'iterations'\? Known: damping, iterations\."),
        ({"damping": 1.01}, r"ranker 'self-validation': damping: .*got"),
        ({"damping": -0.01}, r"ranker 'self-validation': damping: .*got"),
        ({"damping": float("nan")}, r"ranker 'self-validation': damping: .*got"),
        ({"iterations": -1}, r"iterations: .*got -1"),
        ({"damping": "high"}, "damping"),
        ({"iterations": None}, "iterations"),
    ],
)
def test_wrong_parameters_are_refused(params, message):
    with pytest.raises(UsageError, match=message):
        rank(PassMatrix("p", np.zeros((1, 1), np.uint8)), params)

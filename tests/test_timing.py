"""Telling programs apart by time: the arithmetic by hand, the measuring in the real engine."""

from __future__ import annotations

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codedpo_plugin.config import TimingConfig
from codedpo_plugin.execution import Check, Pool, TimingResult
from codedpo_plugin.timing import Ratio, compare_programs, compare_rounds, interval_rank, measure

CONFIG = TimingConfig(rounds=2, passes=2, min_pass_ms=0.1)
FAST = "def f(n): return n"
SLOW = "def f(n): return sum(1 for _ in range(3000)) and n"
FAILING = {
    "raises": "def f(n): raise ValueError",
    "does not compile": "def f(n:",
    "lacks the function": "x = 1",
    "raises at the start": "1 / 0",
    "exits": "import os\ndef f(n): os._exit(0)",
}


@pytest.mark.parametrize(
    ("n", "rank"),
    # By hand from the binomial distribution: the largest k with 2 * P(X <= k) <= 0.05 for X ~ B(n, 1/2), or 0.
    [(1, 0), (2, 0), (5, 0), (6, 0), (7, 0), (8, 0), (9, 1), (11, 1), (12, 2), (15, 3), (20, 5), (100, 39)],
)
def test_so_many_values_are_left_out_at_each_end(n, rank):
    assert interval_rank(n) == rank


@given(st.integers(1, 300))
def test_the_interval_is_as_narrow_as_its_confidence_allows(n):
    def outside(k: int) -> float:
        return 2 * sum(comb(n, i) for i in range(k + 1)) / 2**n

    rank = interval_rank(n)
    assert 2 * rank < n
    assert rank == 0 or outside(rank) <= 0.05
    assert outside(rank + 1) > 0.05


def test_rounds_are_compared_one_by_one():
    ratio = compare_rounds([10.0, 20.0, 10.0], [30.0, 40.0, 10.0])
    assert ratio == Ratio(value=2.0, low=1.0, high=3.0, first_ns=10.0, second_ns=10.0)


def test_one_round_is_its_own_interval():
    assert compare_rounds([4.0], [6.0]) == Ratio(1.5, 1.5, 1.5, 4.0, 6.0)


def test_an_even_number_of_rounds_has_the_mean_of_the_middle_ones():
    assert compare_rounds([1.0] * 4, [1.0, 2.0, 3.0, 10.0]).value == 2.5


def test_of_nine_rounds_the_extreme_ratios_are_left_out():
    ratio = compare_rounds([1.0] * 9, [9.0, 1.0, 5.0, 2.0, 8.0, 3.0, 7.0, 4.0, 6.0])
    assert (ratio.low, ratio.value, ratio.high) == (2.0, 5.0, 8.0)


@pytest.mark.parametrize(("low", "beyond"), [(1.1, False), (1.1000001, True), (0.9, False), (3.0, True)])
def test_a_ratio_is_beyond_a_threshold_if_all_of_its_interval_is(low, beyond):
    assert Ratio(5.0, low, 9.0, 1.0, 5.0).beyond(1.1) is beyond


rounds = st.lists(st.tuples(st.floats(1, 1e9), st.floats(1, 1e9)), min_size=1, max_size=20)


@given(rounds)
def test_a_ratio_lies_in_its_interval_and_turns_round_with_its_programs(measured):
    first, second = zip(*measured, strict=True)
    ratio, inverse = compare_rounds(first, second), compare_rounds(second, first)
    assert ratio.low <= ratio.value <= ratio.high
    assert inverse.low == pytest.approx(1 / ratio.high)
    assert inverse.high == pytest.approx(1 / ratio.low)


@given(st.lists(st.floats(1, 1e9), min_size=1, max_size=20))
def test_the_same_figures_are_never_different(figures):
    ratio = compare_rounds(figures, figures)
    assert (ratio.value, ratio.low, ratio.high) == (1.0, 1.0, 1.0)


def test_rounds_of_different_number_are_refused():
    with pytest.raises(ValueError, match="shorter"):
        compare_rounds([1.0, 2.0], [1.0])


class Recorder:
    """Stands for a pool: keeps the jobs and numbers the figures."""

    def __init__(self) -> None:
        self.jobs = []

    def time(self, jobs):
        self.jobs = list(jobs)
        return [TimingResult((number + 0.5, float(number))) for number in range(len(self.jobs))]


def test_programs_are_measured_in_turn_and_the_minimum_of_passes_counts():
    recorder = Recorder()
    figures = measure(recorder, ["a", "b"], (Check("f(1)"),), CONFIG, rounds=3)
    assert [job.program for job in recorder.jobs] == ["a", "b"] * 3
    assert figures == [[0.0, 2.0, 4.0], [1.0, 3.0, 5.0]]
    assert {(job.passes, job.min_pass_ns) for job in recorder.jobs} == {(2, 100_000)}


def test_programs_that_run_have_a_positive_figure_a_round(pool: Pool):
    figures = measure(pool, [FAST, SLOW], (Check("f(1)"), Check("f(2)")), CONFIG, rounds=2)
    assert [len(own) for own in figures] == [2, 2]
    assert all(figure > 0 for own in figures for figure in own)


@pytest.mark.parametrize("failing", FAILING)
def test_a_program_that_fails_has_no_figures_and_the_others_keep_theirs(pool: Pool, failing):
    figures = measure(pool, [FAST, FAILING[failing]], (Check("f(1)"),), CONFIG, rounds=2)
    assert figures[1] is None
    assert len(figures[0]) == 2


def test_a_program_that_fails_at_one_check_of_many_has_no_figures(pool: Pool):
    checks = tuple(Check(f"f({n})") for n in range(3))
    assert measure(pool, ["def f(n): return 1 // (2 - n)"], checks, CONFIG, rounds=1) == [None]


def test_the_slower_program_second_has_a_ratio_above_one(pool: Pool):
    ratio = compare_programs(pool, FAST, SLOW, (Check("f(1)"),), CONFIG)
    assert ratio.low > 1
    assert ratio.first_ns < ratio.second_ns


@pytest.mark.parametrize("programs", [(FAST, FAILING["raises"]), (FAILING["raises"], FAST)])
def test_a_program_that_fails_cannot_be_compared(pool: Pool, programs):
    assert compare_programs(pool, *programs, (Check("f(1)"),), CONFIG) is None

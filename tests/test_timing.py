"""Telling programs apart by time: the arithmetic by hand, the measuring in the real engine."""

from __future__ import annotations

from math import comb, inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codedpo_plugin.config import TimingConfig
from codedpo_plugin.execution import Check, Pool, TimingResult
from codedpo_plugin.timing import (
    LONG_PASS_NS,
    Ratio,
    compare_programs,
    compare_rounds,
    compare_sides,
    interval_rank,
    looks,
    measure,
    settled,
)

CONFIG = TimingConfig(rounds=6, passes=2, min_pass_ms=0.1)
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
    # By hand from the binomial distribution: the largest k with 2 * P(X <= k) <= 0.05 for X ~ B(n, 1/2).
    [(1, None), (5, None), (6, 0), (7, 0), (8, 0), (9, 1), (11, 1), (12, 2), (15, 3), (20, 5), (100, 39)],
)
def test_so_many_values_are_left_out_at_each_end(n, rank):
    assert interval_rank(n) == rank


@given(st.integers(1, 300), st.sampled_from([0.05, 0.025, 0.05 / 3]))
def test_the_interval_is_as_narrow_as_its_confidence_allows(n, error):
    def outside(k: int) -> float:
        return 2 * sum(comb(n, i) for i in range(k + 1)) / 2**n

    rank = interval_rank(n, error)
    assert rank is None or (2 * rank < n and outside(rank) <= error)
    assert outside(0 if rank is None else rank + 1) > error


def test_rounds_are_compared_one_by_one():
    ratio = compare_rounds([10.0, 20.0, 10.0] * 2, [30.0, 40.0, 10.0] * 2)
    assert ratio == Ratio(value=2.0, low=1.0, high=3.0, first_ns=10.0, second_ns=10.0, rounds=6)


@pytest.mark.parametrize("rounds", [1, 5])
def test_too_few_rounds_have_no_interval_and_are_beyond_nothing(rounds):
    ratio = compare_rounds([4.0] * rounds, [6.0] * rounds)
    assert ratio == Ratio(1.5, 0.0, inf, 4.0, 6.0, rounds)
    assert not ratio.beyond(1.0)
    assert not ratio.below(1.0)


def test_an_even_number_of_rounds_has_the_mean_of_the_middle_ones():
    assert compare_rounds([1.0] * 4, [1.0, 2.0, 3.0, 10.0]).value == 2.5


def test_of_nine_rounds_the_extreme_ratios_are_left_out():
    ratio = compare_rounds([1.0] * 9, [9.0, 1.0, 5.0, 2.0, 8.0, 3.0, 7.0, 4.0, 6.0])
    assert (ratio.low, ratio.value, ratio.high) == (2.0, 5.0, 8.0)


@pytest.mark.parametrize(("low", "beyond"), [(1.1, False), (1.1000001, True), (0.9, False), (3.0, True)])
def test_a_ratio_is_beyond_a_threshold_if_all_of_its_interval_is(low, beyond):
    assert Ratio(5.0, low, 9.0, 1.0, 5.0).beyond(1.1) is beyond
    assert Ratio(1 / 5.0, 1 / 9.0, 1 / low, 5.0, 1.0).below(1.1) is beyond


@pytest.mark.parametrize(
    # Four looks at 63 would leave each 1.25% of error: too little for seven rounds, whose range misses in 1.6%.
    ("rounds", "expected"),
    [(6, [6]), (7, [7]), (13, [13]), (14, [7, 14]), (31, [7, 15, 31]), (63, [15, 31, 63])],
)
def test_looks_double_as_long_as_each_can_have_an_interval(rounds, expected):
    assert looks(rounds) == expected


@given(st.integers(6, 500))
def test_every_look_can_have_an_interval_with_its_share_of_the_error(rounds):
    found = looks(rounds)
    assert found[-1] == rounds
    assert all(interval_rank(n, 0.05 / len(found)) is not None for n in found)


@given(st.lists(st.floats(0.5, 2), min_size=31, max_size=31))
def test_the_interval_at_a_look_holds_at_least_the_interval_of_one_look(ratios):
    careful = compare_rounds([1.0] * 31, ratios, 0.05 / 3)
    plain = compare_rounds([1.0] * 31, ratios)
    assert careful.low <= plain.low <= plain.value <= plain.high <= careful.high


@pytest.mark.parametrize(
    ("low", "high", "enough"),
    [
        (0.95, 1.05, True),  # certainly the same
        (1.2, 3.0, True),  # certainly slower
        (0.1, 0.8, True),  # certainly faster
        (1.0, 1.2, False),
        (0.8, 1.0, False),
        (0.8, 1.3, False),
        (1.08, 1.12, True),  # as close to the threshold as can be told
        (0.0, inf, False),
    ],
)
def test_measuring_is_settled_when_the_interval_is_narrow_or_clear_of_the_thresholds(low, high, enough):
    assert settled(Ratio(1.0, low, high, 1.0, 1.0, 7), TimingConfig()) is enough


rounds = st.lists(st.tuples(st.floats(1, 1e9), st.floats(1, 1e9)), min_size=6, max_size=20)


@given(rounds)
def test_a_ratio_lies_in_its_interval_and_turns_round_with_its_programs(measured):
    first, second = zip(*measured, strict=True)
    ratio, inverse = compare_rounds(first, second), compare_rounds(second, first)
    assert ratio.low <= ratio.value <= ratio.high
    assert inverse.low == pytest.approx(1 / ratio.high)
    assert inverse.high == pytest.approx(1 / ratio.low)


@given(st.lists(st.floats(1, 1e9), min_size=6, max_size=20))
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
    assert [job.program for job in recorder.jobs] == ["a", "b", "b", "a", "a", "b"]
    assert figures == [[0.0, 3.0, 4.0], [1.0, 2.0, 5.0]]
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


class Machine:
    """Stands for a pool: says how long each run takes, and lets time pass."""

    def __init__(self, *ratios: float, pass_ns: float = 1e6, seconds: float = 0.0) -> None:
        self.ratios, self.pass_ns, self.seconds = ratios, pass_ns, seconds
        self.runs: list[str] = []
        self.passes: list[int] = []
        self.now = 0.0

    def time(self, jobs):
        for job in jobs:
            self.now += self.seconds
            self.runs.append(job.program)
            self.passes.append(job.passes)
            turn = max(0, self.runs.count(job.program) - 2)  # the first run of each is the pilot
            slower = self.ratios[turn % len(self.ratios)] if job.program == "b" else 1.0
            yield TimingResult((self.pass_ns * slower,) * job.passes)

    def compare(self, **config) -> Ratio | None:
        return compare_programs(self, "a", "b", (Check("f(1)"),), TimingConfig(**config), clock=lambda: self.now)


@pytest.mark.parametrize(
    ("ratios", "rounds"),
    [
        ((1.0, 1.01), 7),
        ((1.2, 1.5), 7),
        ((0.5, 0.6), 7),
        ((1.0, 1.3), 31),
        ((1.3,) * 6 + (1.0,) + (1.3,) * 8, 15),  # one round of fifteen is off: left out at the second look
    ],
)
def test_measuring_stops_at_the_first_look_that_is_enough(ratios, rounds):
    machine = Machine(*ratios)
    assert machine.compare().rounds == rounds
    assert len(machine.runs) == 2 * (rounds + 1)


def test_the_order_of_the_programs_is_reversed_every_round():
    machine = Machine(1.0)
    machine.compare()
    assert machine.runs[2:10] == ["a", "b", "b", "a", "a", "b", "b", "a"]


def test_measuring_stops_when_the_budget_is_spent_and_then_claims_nothing():
    machine = Machine(3.0, seconds=1.0)
    ratio = machine.compare(budget_s=8.0)
    assert ratio == Ratio(3.0, 0.0, inf, 1e6, 3e6, 3)


def test_a_budget_that_ends_between_two_looks_leaves_the_interval_of_the_rounds_so_far():
    machine = Machine(1.0, 1.3, seconds=1.0)
    ratio = machine.compare(budget_s=20.0)
    assert (ratio.rounds, ratio.low, ratio.high) == (9, 1.0, 1.3)


def test_at_least_one_round_is_measured_whatever_the_budget():
    assert Machine(1.5, seconds=100.0).compare(budget_s=1.0).rounds == 1


@pytest.mark.parametrize(("pass_ns", "passes"), [(1e3, 5), (LONG_PASS_NS / 5, 5), (LONG_PASS_NS / 2, 2), (1e10, 1)])
def test_long_programs_are_passed_through_fewer_times(pass_ns, passes):
    machine = Machine(1.0, pass_ns=pass_ns)
    machine.compare()
    assert machine.passes[:2] == [1, 1]
    assert set(machine.passes[2:]) == {passes}


def test_a_program_that_fails_in_a_later_round_cannot_be_compared():
    class Failing(Machine):
        def time(self, jobs):
            for result in super().time(jobs):
                yield result if len(self.runs) < 6 else TimingResult((), "timeout")

    assert Failing(1.0).compare() is None


ABC = ["a", "b", "c"]


def test_a_side_is_the_geometric_mean_of_its_programs_as_often_as_they_are_named():
    class Figures:
        def time(self, jobs):
            return [TimingResult(({"a": 1.0, "b": 8.0, "c": 27.0}[job.program],)) for job in jobs]

    ratio = compare_sides(Figures(), ABC, ([0], [0, 1, 2]), (Check("f(1)"),), TimingConfig())
    assert ratio.value == pytest.approx(6.0)
    ratio = compare_sides(Figures(), ABC, ([0], [1, 1, 2]), (Check("f(1)"),), TimingConfig())
    assert ratio.value == pytest.approx(12.0)
    assert ratio.low == pytest.approx(ratio.high)


def test_a_program_of_both_sides_is_measured_once_a_round():
    machine = Machine(1.5)
    compare_sides(machine, ABC, ([0, 1], [1, 2]), (Check("f(1)"),), TimingConfig(), lambda: machine.now)
    assert machine.runs[:9] == ["a", "b", "c", "a", "b", "c", "c", "b", "a"]


def test_programs_that_fail_are_left_out_of_their_side():
    class Failing(Machine):
        def time(self, jobs):
            for job, result in zip(jobs := list(jobs), super().time(jobs), strict=True):
                yield TimingResult(()) if job.program == "c" else result

    machine = Failing(3.0)
    ratio = compare_sides(machine, ABC, ([0], [1, 2]), (Check("f(1)"),), TimingConfig(), lambda: machine.now)
    assert (ratio.value, machine.runs.count("c")) == (3.0, 1)
    assert compare_sides(machine, ABC, ([0, 1], [2]), (Check("f(1)"),), TimingConfig(), lambda: machine.now) is None


@pytest.mark.parametrize(("budget_s", "timed_c", "rounds"), [(60.0, 8, 7), (20.0, 2, 7)])
def test_a_budget_too_short_for_all_is_spent_on_the_first_of_either_side(budget_s, timed_c, rounds):
    machine = Machine(3.0, seconds=1.0)
    config = TimingConfig(budget_s=budget_s)
    ratio = compare_sides(machine, ABC, ([0], [1, 2]), (Check("f(1)"),), config, lambda: machine.now)
    assert (machine.runs.count("c"), ratio.rounds) == (timed_c, rounds)

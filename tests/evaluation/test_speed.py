"""What the measurements of the problems that both sides solve say, one by one and together."""

from __future__ import annotations

import math

import pytest

from codedpo_plugin.config import TimingConfig
from codedpo_plugin.evaluation.speed import (
    Outcome,
    ProblemSpeed,
    Speeds,
    measure_speeds,
    median_experiment,
)
from codedpo_plugin.execution import Pool, TimingResult
from codedpo_plugin.execution.assertions import plan_test
from codedpo_plugin.records import Problem
from codedpo_plugin.suites import SuiteProblem
from codedpo_plugin.timing import Ratio

CONFIG = TimingConfig(rounds=6, passes=2, min_pass_ms=0.1)


def ratio(value: float, low: float | None = None, high: float | None = None) -> Ratio:
    return Ratio(value, low or value, high or value, 1.0, value, 7)


def speeds(*ratios: Ratio | None) -> Speeds:
    return Speeds(tuple(ProblemSpeed(f"p{i}", ratio) for i, ratio in enumerate(ratios)))


@pytest.mark.parametrize(
    ("measured", "outcome"),
    [
        (None, Outcome.NOT_MEASURED),
        (ratio(1.5, 1.11, 2.0), Outcome.FASTER),
        (ratio(1.5, 1.09, 2.0), Outcome.UNCLEAR),
        (ratio(1.5, 1.1, 2.0), Outcome.UNCLEAR),
        (ratio(0.5, 0.4, 0.9), Outcome.SLOWER),
        (ratio(0.5, 0.4, 0.95), Outcome.UNCLEAR),
        (ratio(1.0, 0.95, 1.05), Outcome.SAME),
        (ratio(1.0, 0.85, 1.05), Outcome.UNCLEAR),
        (ratio(1.0, 0.95, 1.15), Outcome.UNCLEAR),
        (Ratio(3.0, 0.0, math.inf, 1.0, 3.0, 2), Outcome.UNCLEAR),
    ],
)
def test_an_outcome_is_what_the_whole_interval_says(measured, outcome):
    assert ProblemSpeed("p", measured).outcome() is outcome


def test_equal_times_say_nothing_where_the_calls_take_most_of_them_but_differences_do():
    assert ProblemSpeed("p", ratio(1.0), diluted=True).outcome() is Outcome.UNCLEAR
    assert ProblemSpeed("p", ratio(2.0), diluted=True).outcome() is Outcome.FASTER


def test_the_mean_speedup_is_geometric():
    mean = speeds(ratio(4.0), None, ratio(1.0), ratio(0.25), ratio(2.0)).mean
    assert mean.value == pytest.approx(2 ** (1 / 4))
    assert mean.n == 4
    assert mean.low <= mean.value <= mean.high


def test_a_speedup_and_its_inverse_cancel_out():
    assert speeds(ratio(3.0), ratio(1 / 3)).mean.value == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("values", "median"), [([3.0], 3.0), ([1.0, 2.0, 9.0], 2.0), ([1.0, 2.0], 1.5), ([1.0, 2.0, 3.0, 9.0], 2.5)]
)
def test_the_median_speedup_is_the_median(values, median):
    found = speeds(*map(ratio, values)).median
    assert (found.value, found.n) == (median, len(values))
    assert min(values) <= found.low <= median <= found.high <= max(values)


def test_shares_count_only_what_is_certain_and_measured():
    found = speeds(
        ratio(2.0, 1.2, 3.0), ratio(2.0, 1.05, 3.0), ratio(1.0), None, ratio(0.5, 0.4, 0.95), ratio(0.5, 0.4, 0.9)
    )
    assert found.share(Outcome.FASTER).value == found.share(Outcome.SLOWER).value == pytest.approx(1 / 5)
    assert found.share(Outcome.FASTER).n == 5


def test_every_problem_is_in_one_count():
    found = speeds(ratio(2.0), None, ratio(1.0), ratio(1.0, 0.5, 2.0), ratio(0.5), ratio(0.4))
    assert found.counts == {"faster": 1, "slower": 2, "same": 1, "unclear": 1, "not_measured": 1}


def test_the_median_experiment_is_chosen_problem_by_problem():
    experiments = [speeds(ratio(a), b and ratio(b), None) for a, b in ((3.0, None), (1.0, 5.0), (2.0, None))]
    found = median_experiment(experiments).problems
    assert [speed.ratio and speed.ratio.value for speed in found] == [2.0, 5.0, None]


class Calls:
    """Stands for a pool: the function that does nothing takes half as long as told, everything else 10 ns."""

    def __init__(self, nothing_ns: float) -> None:
        self.nothing_ns = nothing_ns

    def time(self, jobs):
        return [TimingResult((self.nothing_ns if "pass" in job.program else 10.0,)) for job in jobs]


@pytest.mark.parametrize(("nothing_ns", "outcome"), [(4.0, Outcome.SAME), (6.0, Outcome.UNCLEAR)])
def test_inputs_that_are_too_small_are_found_by_timing_a_function_that_does_nothing(nothing_ns, outcome):
    problem = SuiteProblem(Problem("p", "", "f"), "", (plan_test("assert f(1) == 1", "f"),), 1)
    programs = {"p": ["def f(n): return n"]}, {"p": ["def f(n): return 0 + n"]}
    (speed,) = measure_speeds([problem], *programs, Calls(nothing_ns), CONFIG).problems
    assert speed.outcome() is outcome


def test_a_difference_in_nanoseconds_of_one_call_is_measured_by_repeating_it(pool: Pool):
    problem = SuiteProblem(Problem("p", "", "f"), "", (plan_test("assert f(1) == 1", "f"),), 1)
    slow = "def f(n):\n    for _ in range(40): pass\n    return n"
    (speed,) = measure_speeds([problem], {"p": [slow]}, {"p": ["def f(n): return n"]}, pool, CONFIG).problems
    assert speed.outcome() is Outcome.FASTER


PROBLEM = SuiteProblem(Problem("p", "", "f"), "", (plan_test("assert f(1) == 1", "f"),), 1)


class Lengths:
    """Stands for a pool: programs take as long as they are; those with a ``raise`` fail. Notes what was timed."""

    def __init__(self) -> None:
        self.timed: list[str] = []

    def time(self, jobs):
        for job in jobs:
            self.timed.append(job.program)
            yield TimingResult(() if "raise" in job.program else (float(len(job.program)),))


def program(length: int) -> str:
    head = "def f(n): return "
    return head + "n" * (length - len(head))


def speed_of(old: list[str], new: list[str], pool: Lengths | None = None, **config) -> ProblemSpeed:
    settings = CONFIG.model_copy(update=config)
    (speed,) = measure_speeds([PROBLEM], {"p": old}, {"p": new}, pool or Lengths(), settings).problems
    return speed


def test_the_speed_of_a_problem_is_the_mean_over_its_solutions():
    speed = speed_of([program(100), program(200), program(50)], [program(50)])
    assert speed.ratio.value == pytest.approx((2 * 4 * 1) ** (1 / 3))
    assert speed.outcome() is Outcome.FASTER


def test_so_many_solutions_of_a_side_are_timed_as_the_configuration_says():
    solutions = [program(200), program(400), program(800)]
    assert speed_of(solutions, [program(100)], solutions=2).ratio.value == pytest.approx(8**0.5)
    assert speed_of(solutions, [program(100)], solutions=1).ratio.value == pytest.approx(2)


def test_equal_solutions_are_timed_once_and_count_as_often_as_they_occur():
    pool, old = Lengths(), [program(200), program(100), program(200) + "  # again", program(200)]
    assert speed_of(old, [program(100)], pool).ratio.value == pytest.approx(2 ** (3 / 4))
    once = Lengths()
    speed_of([program(200)], [program(100)], once)
    assert len(pool.timed) == len(once.timed)


def test_sides_with_the_same_solutions_are_not_timed():
    pool = Lengths()
    speed = speed_of([program(100), program(200)], [program(200), program(100)], pool)
    assert (speed.ratio.value, speed.outcome(), pool.timed) == (1.0, Outcome.SAME, [])


def test_a_solution_that_fails_does_not_keep_the_others_from_counting():
    speed = speed_of(["def f(n): raise ValueError", program(200)], [program(100)])
    assert speed.ratio.value == pytest.approx(2)
    assert speed_of(["def f(n): raise ValueError"], [program(100)]).outcome() is Outcome.NOT_MEASURED

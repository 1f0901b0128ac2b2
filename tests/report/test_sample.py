"""Which problems are shown one by one."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from codedpo_plugin.records import PairKind
from codedpo_plugin.report.sample import ORDERS, Outline, PairOutline, choose


def outline(number: int, *pairs: PairOutline, **changes: object) -> Outline:
    fields = {"problem_id": f"p{number}", "passed": 0.5, "broken": 0, "tied": False, "pairs": pairs}
    return Outline(**(fields | changes))


def correctness(margin: float, confidence: float | None = None) -> PairOutline:
    return PairOutline(PairKind.CORRECTNESS, margin, confidence, None)


def efficiency(speedup: float) -> PairOutline:
    return PairOutline(PairKind.EFFICIENCY, 0.0, None, speedup)


def many(count: int = 1_000) -> list[Outline]:
    return [outline(k, correctness(0.25 + 0.5 * ((k * 37) % count) / count)) for k in range(count)]


@pytest.mark.parametrize("count", [0, 1, 5])
def test_of_few_problems_all_are_shown_for_no_particular_reason(count):
    assert choose(many()[:count], 5) == dict.fromkeys(range(count), "")


def test_of_many_problems_so_many_are_shown_in_order_and_always_the_same():
    chosen = choose(many(), 40)
    assert len(chosen) == 40
    assert list(chosen) == sorted(chosen)
    assert chosen == choose(many(), 40)


def test_half_of_the_places_are_spread_evenly():
    plain = [position for position, reason in choose(many(), 40).items() if not reason]
    assert len(plain) == 20
    steps = [b - a for a, b in pairwise(plain)]
    assert 40 <= min(steps) <= max(steps) <= 60


@pytest.mark.parametrize(
    ("special", "reason"),
    [
        (outline(7, correctness(0.999)), "largest margin"),
        (outline(7, correctness(0.001)), "smallest margin"),
        (outline(7, correctness(0.5), efficiency(64.0)), "largest speedup"),
        (outline(7, correctness(0.5, confidence=0.01)), "lowest confidence"),
        (outline(7, broken=90), "most errors and timeouts"),
        (outline(7, tied=True), "all scores equal"),
        (outline(7), "no pair"),
        (outline(7, correctness(0.5), passed=0.0), "fewest passes"),
        (outline(7, correctness(0.5), passed=1.0), "most passes"),
    ],
)
def test_the_extreme_of_every_order_is_shown(special, reason):
    problems = many()
    problems[611] = special
    assert choose(problems, 2 * len(ORDERS))[611] == reason


def test_margins_that_are_none_and_those_of_efficiency_pairs_are_not_extremes():
    problems = many()
    problems[5] = outline(5, correctness(math.nan), efficiency(1.5))
    assert "margin" not in choose(problems, 20).get(5, "")


def test_ties_are_taken_in_the_order_of_the_run():
    chosen = choose([outline(k) for k in range(100)], 4)
    assert [position for position, reason in chosen.items() if reason] == [0, 1]


def test_a_limit_of_one_shows_one():
    assert len(choose(many(), 1)) == 1

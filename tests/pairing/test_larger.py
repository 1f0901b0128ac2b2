"""Larger inputs: what grows, what stays, and who agrees."""

from __future__ import annotations

import pytest

from codedpo_plugin.execution import Check, Mode, Pool
from codedpo_plugin.pairing.larger import agreed, larger_checks


@pytest.mark.parametrize(
    ("call", "larger"),
    [
        ("f([1, 2])", "f([1, 2] * 4)"),
        ("f((1, 2), 3)", "f((1, 2) * 4, 3)"),
        ("f('ab', [])", "f('ab' * 4, [] * 4)"),
        ("f(6)", "f(6 * 4)"),
        ("f(-6, 2)", "f(-6 * 4, 2 * 4)"),
        ("f(xs=[1], k=2)", "f(xs=[1] * 4, k=2)"),
        ("f(3, **{'xs': [1]})", "f(3 * 4, **{'xs': [1]})"),
    ],
)
def test_arguments_grow(call, larger):
    assert larger_checks([Check(call)], "f", 4) == (Check(larger),)


@pytest.mark.parametrize(
    "call",
    [
        "f([])",
        "f('')",
        "f(0)",
        "f()",
        "f(True)",
        "f({1: 2})",
        "f(1.5)",
        "f(None)",
        "g([1])",
        "f([x])",
        "f([1]) + 1",
        "f(*[1])",
        "f((",
    ],
)
def test_what_cannot_grow_is_left_out(call):
    assert larger_checks([Check(call)], "f", 4) == ()


def test_statements_and_equal_calls_are_left_out():
    checks = [Check("f([1])"), Check("f([1])"), Check("assert f([1])", Mode.INSIDE)]
    assert larger_checks(checks, "f", 2) == (Check("f([1] * 2)"),)


def test_solutions_agree_with_the_best_one_where_it_answers():
    good = "def f(x):\n    return sorted(x)"
    same = "def f(x):\n    return sorted(list(x))"
    off = "def f(x):\n    return sorted(x) if len(x) < 5 else x"
    endless = "def f(x):\n    while len(x) > 5: pass\n    return sorted(x)"
    checks = larger_checks([Check("f([2, 1])"), Check("f([2, 'a'])")], "f", 10)
    with Pool(1) as pool:
        same_ones, answered = agreed(pool, [off, good, same, endless], 1, checks)
    assert same_ones == [1, 2]
    assert answered == (Check("f([2, 1] * 10)"),)


def test_where_the_best_one_answers_nothing_there_is_nothing_to_agree_on():
    with Pool(1) as pool:
        assert agreed(pool, ["def f(x):\n    return x[9]"], 0, (Check("f([1] * 2)"),)) == ([0], ())


def test_objects_that_equal_nothing_are_nothing_to_agree_on():
    program = "class A: pass\ndef f(x):\n    return [A()] if x else x"
    checks = (Check("f([1] * 2)"), Check("f([])"))
    with Pool(1) as pool:
        assert agreed(pool, [program, program + "  # other"], 0, checks) == ([0, 1], (Check("f([])"),))

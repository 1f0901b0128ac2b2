"""Tests by input and output: a program is run as a script, and what it printed is compared on the host.

For suites of the kind of APPS and CodeContests. The expected text never enters the sandbox.
"""

from __future__ import annotations

from functools import partial
from itertools import zip_longest
from math import isclose

from codedpo_plugin.execution.assertions import Judgement, TestPlan
from codedpo_plugin.execution.requests import Check, Mode


def plan_output(stdin: str, expected: str, tolerance: float | None = None) -> TestPlan:
    """Return the test that a script which reads ``stdin`` prints ``expected``, see :func:`same_output`."""
    oracle = partial(_printed, expected, tolerance)
    return TestPlan(f"input {stdin!r} gives {expected!r}", Check(stdin, Mode.OUTPUT), Judgement(oracle=oracle))


def _printed(expected: str, tolerance: float | None, value: object) -> bool:
    return isinstance(value, str) and same_output(expected, value, tolerance)


def same_output(expected: str, printed: str, tolerance: float | None = None) -> bool:
    """Return whether a text was printed, up to space at the ends of lines and empty lines at the end.

    With a tolerance, absolute or relative, words that are numbers count as the same if they are that close, and
    space between words does not count.
    """
    if tolerance is None:
        return _lines(expected) == _lines(printed)
    return all(_same_word(a, b, tolerance) for a, b in zip_longest(expected.split(), printed.split()))


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.rstrip().split("\n")]


def _same_word(expected: str | None, printed: str | None, tolerance: float) -> bool:
    if expected is None or printed is None:
        return False
    try:
        return isclose(float(expected), float(printed), rel_tol=tolerance, abs_tol=tolerance)
    except ValueError:
        return expected == printed

"""The recorded samples give what is locked, and a difference is found and said."""

from __future__ import annotations

import copy
import json

import pytest

from .drift import LOCKED, current, drift

LOCK = json.loads(LOCKED.read_text("utf-8"))
FIRST = next(iter(LOCK["evaluate"]["statuses"]))


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> dict:
    return current(tmp_path_factory.mktemp("regression"))


def test_nothing_has_drifted(found):
    assert list(drift(LOCK, found)) == []


def test_what_is_locked_covers_every_kind_of_ending():
    statuses = {*LOCK["evaluate"]["counts"]["statuses"]}
    assert statuses >= {"pass", "fail", "error", "timeout", "memory", "crash", "forbidden"}
    assert LOCK["evaluate"]["metrics"]["pass@1"]["value"] == 0.25
    assert len(LOCK["build"]) == 12


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        (("evaluate", "metrics", "pass@1", "value"), 0.3, "evaluate > metrics > pass@1 > value: was 0.3, is 0.25"),
        (("evaluate", "statuses", FIRST), "fail", f'evaluate > statuses > {FIRST}: was "fail", is "pass"'),
        (("evaluate", "counts", "gone"), 3, "evaluate > counts > gone: gone, was 3"),
    ],
)
def test_a_difference_is_one_readable_line(path, value, line):
    changed = copy.deepcopy(LOCK)
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    assert list(drift(changed, LOCK)) == [line]


def test_what_was_not_there_before_is_a_difference_too():
    assert list(drift({}, {"a": 1})) == ["a: new, 1"]

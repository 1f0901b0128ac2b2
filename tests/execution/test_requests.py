"""What goes into the engine."""

from __future__ import annotations

import pytest

from codedpo_plugin.errors import UsageError
from codedpo_plugin.execution import Limits


@pytest.mark.parametrize("name", ["cpu_s", "wall_s", "memory_mb", "answer_mb", "max_timeouts"])
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_a_limit_that_is_not_positive_is_refused_by_name(name, value):
    with pytest.raises(UsageError, match=f"limit {name} must be positive, got {value}"):
        Limits(**{name: value})


def test_a_memory_limit_no_interpreter_can_start_under_is_refused():
    with pytest.raises(UsageError, match="memory_mb must be at least 64 for an interpreter, got 63"):
        Limits(memory_mb=63)


def test_the_smallest_memory_limit_is_accepted():
    assert Limits(memory_mb=64).memory_mb == 64

"""The surroundings of a stage: progress and a pool as configured."""

from __future__ import annotations

import pytest

from codedpo_plugin.config import ExecuteConfig
from codedpo_plugin.context import Context
from codedpo_plugin.errors import UsageError
from codedpo_plugin.manager import create_plugins


@pytest.fixture
def plugins():
    return create_plugins(installed=False)


def test_items_pass_through_and_progress_is_told_after_each(plugins):
    told = []
    context = Context(plugins, progress=lambda done, total: told.append((done, total)))
    assert list(context.tracked("ab", 2)) == ["a", "b"]
    assert told == [(0, 2), (1, 2), (2, 2)]


def test_progress_is_told_only_as_items_are_taken(plugins):
    told = []
    items = Context(plugins, progress=lambda done, total: told.append(done)).tracked(iter("ab"))
    assert told == []
    next(items)
    assert told == [0]


def test_progress_of_nothing_is_told_once(plugins):
    told = []
    assert list(Context(plugins, progress=lambda done, total: told.append((done, total))).tracked([], 0)) == []
    assert told == [(0, 0)]


def test_without_an_observer_progress_is_told_to_nobody(plugins):
    assert list(Context(plugins).tracked("ab")) == ["a", "b"]


def test_counts_are_not_shared_between_stages(plugins):
    first, second = Context(plugins), Context(plugins)
    first.counts["pairs"] += 1
    assert second.counts["pairs"] == 0


@pytest.mark.parametrize(("configured", "asked", "size"), [(3, None, 3), (3, 1, 1), (None, 2, 2)])
def test_a_pool_has_the_workers_configured_or_asked_for(plugins, configured, asked, size):
    with Context(plugins).pool(ExecuteConfig(workers=configured), workers=asked) as pool:
        assert pool.size == size


def test_a_pool_uses_the_sandboxes_that_are_registered(plugins):
    with pytest.raises(UsageError, match=r"unknown sandbox 'landlok'.*Did you mean 'landlock'"):
        Context(plugins).pool(ExecuteConfig(sandbox="landlok"))

"""Ids that came before are found again, however many there are."""

from __future__ import annotations

from collections import deque

import pytest

from codedpo_plugin.errors import InputError
from codedpo_plugin.formats.seen import Seen


@pytest.fixture
def seen():
    seen = Seen()
    yield seen
    seen.close()


def test_an_id_is_new_once_and_then_known_with_its_first_line(seen):
    assert [seen.add(name, line) for line, name in enumerate(["a", "b", "a", "a"], 1)] == [None, None, 1, 1]


@pytest.mark.parametrize("name", ["", "é", "\ud800", "a\0b", "x" * 10_000, "'; DROP TABLE seen"])
def test_ids_may_be_any_text(seen, name):
    assert seen.add(name, 3) is None
    assert seen.add(name, 4) == 3
    assert seen.add(name + "x", 5) is None


def test_more_ids_than_fit_into_its_memory_are_kept_apart(seen):
    names = [f"problem/{number}/{'x' * 200}" for number in range(20_000)]
    assert all(seen.add(name, line) is None for line, name in enumerate(names))
    assert [seen.add(names[line], 0) for line in (0, 9_999, 19_999)] == [0, 9_999, 19_999]


def test_a_full_disk_is_told_with_what_to_do(seen):
    seen.add("a", 1)
    seen._table.execute("PRAGMA max_page_count = 4")
    with pytest.raises(InputError, match=r"temporary file: database or disk is full\. Set SQLITE_TMPDIR"):
        deque(seen.add(f"problem/{line}", line) for line in range(10_000))


def test_closing_forgets(seen):
    seen.add("a", 1)
    seen.close()
    assert seen.add("a", 2) is None

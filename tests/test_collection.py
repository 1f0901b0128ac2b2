"""The collector is paused for as long as asked, and as it was before."""

from __future__ import annotations

import gc

import pytest

from codedpo_plugin.collection import no_collection


@no_collection()
def fail_paused() -> None:
    raise ValueError(f"enabled: {gc.isenabled()}")


def test_the_collector_is_paused_and_comes_back_even_after_an_error():
    with pytest.raises(ValueError, match="enabled: False"):
        fail_paused()
    assert gc.isenabled()


def test_pauses_nest_and_a_collector_that_was_off_stays_off():
    with no_collection():
        with no_collection():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()

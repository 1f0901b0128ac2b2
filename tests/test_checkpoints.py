"""A folder that outlives interruptions and knows from what it was made."""

from __future__ import annotations

from pathlib import Path

import pytest

from codedpo_plugin.checkpoints import MADE_FROM, kept_checkpoints
from codedpo_plugin.errors import UsageError

FIRST, OTHER = {"config": {"beta": 0.1}}, {"config": {"beta": 0.5}}


def stop(folder: Path) -> None:
    with kept_checkpoints(folder, FIRST, restart=False):
        (folder / "step").touch()
        raise KeyboardInterrupt


@pytest.fixture
def folder(tmp_path) -> Path:
    """Return a folder that an interrupted block left."""
    with pytest.raises(KeyboardInterrupt):
        stop(tmp_path / "kept")
    return tmp_path / "kept"


def test_the_folder_is_there_in_the_block_and_gone_after_it(tmp_path):
    with kept_checkpoints(tmp_path / "a" / "kept", FIRST, restart=False):
        assert (tmp_path / "a" / "kept").is_dir()
    assert not (tmp_path / "a" / "kept").exists()


def test_what_an_interrupted_block_left_is_there_for_the_next(folder):
    with kept_checkpoints(folder, FIRST, restart=False):
        assert (folder / "step").exists()
    assert not folder.exists()


def test_something_else_is_refused_and_nothing_touched(folder):
    block = kept_checkpoints(folder, OTHER, restart=False)
    with pytest.raises(UsageError, match=r"config\.beta: 0\.1 -> 0\.5"):
        block.__enter__()
    assert (folder / "step").exists()


@pytest.mark.parametrize("made_from", [FIRST, OTHER])
def test_a_restart_begins_with_nothing(folder, made_from):
    with kept_checkpoints(folder, made_from, restart=True):
        assert [path.name for path in folder.iterdir()] == [MADE_FROM]


def test_a_folder_that_does_not_say_what_it_is_is_not_used(folder):
    (folder / MADE_FROM).unlink()
    with kept_checkpoints(folder, FIRST, restart=False):
        assert not (folder / "step").exists()


def test_a_damaged_note_is_an_error_with_a_way_out(folder):
    (folder / MADE_FROM).write_text("{")
    block = kept_checkpoints(folder, FIRST, restart=False)
    with pytest.raises(UsageError, match=r"made_from\.json: cannot be read: .* Start afresh with --restart"):
        block.__enter__()


def test_a_folder_in_which_nothing_was_left_is_no_hindrance(folder):
    (folder / "step").unlink()
    with kept_checkpoints(folder, OTHER, restart=False):
        assert [path.name for path in folder.iterdir()] == [MADE_FROM]

"""Callbacks: made of functions; progress, losses that are not numbers, complete checkpoints."""

from __future__ import annotations

import math
import os
from types import SimpleNamespace

import pytest

from codedpo_plugin.context import Context
from codedpo_plugin.errors import TrainingError
from codedpo_plugin.training.callbacks import (
    COMPLETE,
    callback,
    completed_checkpoints,
    last_checkpoint,
    progress,
    stop_at_nan,
)

from .support import PLUGINS

pytest.importorskip("torch", reason="training needs the extra 'train'")

STATE = SimpleNamespace(global_step=3, max_steps=8, is_world_process_zero=True)


def test_a_callback_calls_the_functions_it_is_made_of_and_no_other():
    from transformers import TrainerCallback

    heard = []
    made = callback(on_save=lambda args, state, **more: heard.append((args, state, more)))
    assert isinstance(made, TrainerCallback)
    made.on_save("args", STATE, "control", model="m")
    made.on_log("args", STATE, "control")
    assert heard == [("args", STATE, {"model": "m"})]


def test_progress_is_told_in_steps():
    told = []
    made = progress(Context(PLUGINS, progress=lambda done, total: told.append((done, total))))
    made.on_train_begin(None, STATE, None)
    made.on_step_end(None, STATE, None)
    assert told == [(3, 8), (3, 8)]


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_a_number_ends_the_training(loss):
    with pytest.raises(TrainingError, match=r"step 3: the loss is (nan|-?inf)\. Lower learning_rate"):
        stop_at_nan().on_log(None, STATE, None, logs={"loss": loss})


@pytest.mark.parametrize("logs", [{"loss": 0.0}, {"train_runtime": 3.0}])
def test_other_figures_do_not(logs):
    assert stop_at_nan().on_log(None, STATE, None, logs=logs) is None


def test_a_checkpoint_is_marked_when_it_is_complete(tmp_path, monkeypatch):
    folder = tmp_path / "checkpoint-3"
    folder.mkdir()
    (folder / "weights").touch()
    assert last_checkpoint(tmp_path) is None
    marked = []
    monkeypatch.setattr(os, "fsync", lambda _: marked.append((folder / COMPLETE).exists()))
    completed_checkpoints().on_save(SimpleNamespace(output_dir=str(tmp_path)), STATE, None)
    assert last_checkpoint(tmp_path) == folder
    assert marked == [False, False]  # the weights and the folder are on the disk before


def test_the_last_checkpoint_is_the_one_of_the_highest_step_that_is_complete(tmp_path):
    for step in (9, 10, 100):
        (tmp_path / f"checkpoint-{step}").mkdir()
    for step in (9, 10):
        (tmp_path / f"checkpoint-{step}" / COMPLETE).touch()
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-10"


@pytest.mark.parametrize("folder", [None, "nowhere"])
def test_without_a_folder_there_is_no_checkpoint(tmp_path, folder):
    assert last_checkpoint(folder and tmp_path / folder) is None

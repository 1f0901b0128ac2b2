"""Supervised fine-tuning: on the best solution of each problem of the pairs, or on solutions from elsewhere."""

from __future__ import annotations

import logging
from pathlib import Path

from codedpo_plugin.config import ModelConfig, TrainConfig
from codedpo_plugin.context import Context
from codedpo_plugin.training.data import Row, best_rows
from codedpo_plugin.training.loop import Method, split_file, train
from codedpo_plugin.training.solutions import read_solutions

log = logging.getLogger(__name__)


def train_sft(pairs: Path, model: ModelConfig, config: TrainConfig, output: Path, context: Context) -> None:
    """Train on solutions and write a model directory; only the answers are learned, not the prompts.

    With ``config.data`` the solutions are those of that file, and the pairs, if there are any, are only tracked on.
    Errors: :func:`.loop.train`.
    """
    own = None if config.data and not pairs.exists() else split_file(pairs, config, context)
    if config.data:
        rows = _solutions(config.data, config, context)
    else:
        rows = best_rows(own.training if own else (), config.prompt_form)
    context.counts["solutions"] = len(rows)
    options = {"completion_only_loss": True}
    train(Method("SFT", rows, options, own.held_out if own else ()), model, config, output, context)


def _solutions(path: Path, config: TrainConfig, context: Context) -> list[Row]:
    """Read the file of solutions, counting what cannot be used."""
    rows, bad = read_solutions(path, config.prompt_form)
    context.counts["bad_lines"] += len(bad)
    if bad:
        log.warning("%d lines were left out:\n%s", len(bad), bad)
    return rows

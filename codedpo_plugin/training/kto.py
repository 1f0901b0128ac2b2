"""Kahneman-Tversky optimisation (arXiv 2402.01306): learns from single answers, desirable and undesirable ones."""

from __future__ import annotations

import random
from pathlib import Path

from codedpo_plugin.config import ModelConfig, TrainConfig
from codedpo_plugin.context import Context
from codedpo_plugin.errors import UsageError
from codedpo_plugin.training.data import labelled_rows
from codedpo_plugin.training.loop import Method, refuse_data, split_file, train


def train_kto(pairs: Path, model: ModelConfig, config: TrainConfig, output: Path, context: Context) -> None:
    """Train on the answers of the pairs of a file and write a model directory. Errors: :func:`.loop.train`.

    The answers are shuffled once: TRL's trainer takes them in order and estimates its reference point by giving
    each prompt the answer before it in the batch, which should be another problem's.
    """
    refuse_data(config)
    if config.batch_size < 2:
        raise UsageError("kto compares the answers of a batch with one another: batch_size has to be 2 or more")
    split = split_file(pairs, config, context)
    rows = labelled_rows(split.training, config.prompt_form, context.counts)
    random.Random(context.seed).shuffle(rows)  # noqa: S311 - nothing secret
    context.counts.update(
        desirable=sum(row["label"] for row in rows), undesirable=sum(not row["label"] for row in rows)
    )
    train(Method("KTO", rows, {"beta": config.beta}, split.held_out), model, config, output, context)

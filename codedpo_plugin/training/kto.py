"""Kahneman-Tversky optimisation (arXiv 2402.01306): learns from single answers, desirable and undesirable ones."""

from __future__ import annotations

import logging
import random
from pathlib import Path

from codedpo_plugin.config import ModelConfig, TrainConfig
from codedpo_plugin.context import Context
from codedpo_plugin.errors import UsageError
from codedpo_plugin.training.data import labelled_rows
from codedpo_plugin.training.loop import Method, refuse_data, split_file, train

log = logging.getLogger(__name__)


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
    desirable = sum(row["label"] for row in rows)
    context.counts.update(desirable=desirable, undesirable=len(rows) - desirable)
    options = {"beta": config.beta, **balance(desirable, len(rows) - desirable)}
    train(Method("KTO", rows, options, split.held_out), model, config, output, context)


def balance(desirable: int, undesirable: int) -> dict[str, float]:
    """Return the weights of the two kinds of answers: the rarer kind weighs more, so that both weigh the same.

    Equation 8 of the paper asks that desirable answers weigh 1 to 4/3 times what undesirable ones do, all
    together. Where a kind is missing nothing can be balanced.
    """
    ratio = desirable / undesirable if desirable and undesirable else 1.0
    if ratio != 1.0:
        log.info("the rarer kind of answers weighs %.3g times as much", max(ratio, 1 / ratio))
    return {"desirable_weight": max(1 / ratio, 1.0), "undesirable_weight": max(ratio, 1.0)}

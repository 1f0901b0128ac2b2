"""Trains with the configured trainer."""

from __future__ import annotations

from pathlib import Path

from codedpo_plugin import hookimpl
from codedpo_plugin.config import ModelConfig, TrainConfig
from codedpo_plugin.context import Context
from codedpo_plugin.errors import TrainingError, boundary
from codedpo_plugin.manager import find


@hookimpl(trylast=True)
def codedpo_train(pairs: Path, model: ModelConfig, config: TrainConfig, output: Path, context: Context) -> Path:
    """Train and return the model's directory."""
    trainer = find("trainer", config.method, context.plugins.trainers)
    with boundary(TrainingError, f"trainer {config.method!r} failed"):
        trainer(pairs, model, config, output, context)
    return output

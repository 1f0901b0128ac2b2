"""Registers the built-in trainers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from codedpo_plugin import hookimpl
from codedpo_plugin.config import ModelConfig, TrainConfig
from codedpo_plugin.context import Context
from codedpo_plugin.contracts import Trainer


def dpo(pairs: Path, model: ModelConfig, config: TrainConfig, output: Path, context: Context) -> None:
    """Train with TRL's DPOTrainer."""
    from codedpo_plugin.training.dpo import train_dpo

    train_dpo(pairs, model, config, output, context)


@hookimpl(trylast=True)
def codedpo_register_trainers(register: Callable[[str, Trainer], None]) -> None:
    """Register ``dpo`` and its form with a likelihood term, ``rpo``."""
    register("dpo", dpo)
    register("rpo", dpo)

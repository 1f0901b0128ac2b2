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


def kto(pairs: Path, model: ModelConfig, config: TrainConfig, output: Path, context: Context) -> None:
    """Train with TRL's KTOTrainer."""
    from codedpo_plugin.training.kto import train_kto

    train_kto(pairs, model, config, output, context)


def sft(pairs: Path, model: ModelConfig, config: TrainConfig, output: Path, context: Context) -> None:
    """Train with TRL's SFTTrainer."""
    from codedpo_plugin.training.sft import train_sft

    train_sft(pairs, model, config, output, context)


@hookimpl(trylast=True)
def codedpo_register_trainers(register: Callable[[str, Trainer], None]) -> None:
    """Register what learns from pairs (``dpo``, ``rpo``), single answers (``kto``) and solutions (``sft``)."""
    for name, trainer in {"dpo": dpo, "rpo": dpo, "kto": kto, "sft": sft}.items():
        register(name, trainer)

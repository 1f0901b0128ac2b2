"""``codedpo train``: train a model on the pairs of a run directory."""

from __future__ import annotations

from typing import Annotated

import typer

from codedpo_plugin.cli.options import Chat, RunPath, Seed, Verbose, make


def train(
    directory: RunPath,
    model: Annotated[str, typer.Option("--model", "-m", help="A model directory or name.")],
    method: Annotated[str, typer.Option(help="A registered trainer.")] = "dpo",
    lora: Annotated[bool, typer.Option("--lora", help="Train low-rank adapters and merge them.")] = False,
    learning_rate: Annotated[float, typer.Option("--learning-rate", "--lr")] = 5e-6,
    beta: Annotated[float, typer.Option(help="How strongly the policy is held to the reference.")] = 0.1,
    rpo_weight: Annotated[float, typer.Option(help="Weight of the likelihood of the chosen answer (rpo).")] = 1.0,
    epochs: Annotated[float, typer.Option()] = 1.0,
    max_steps: Annotated[int, typer.Option(help="Stop after so many steps; -1: after the epochs.")] = -1,
    batch_size: Annotated[int, typer.Option(help="Pairs a device and step.")] = 2,
    gradient_accumulation: Annotated[int, typer.Option()] = 8,
    max_length: Annotated[int, typer.Option(help="Tokens of prompt and answer together.")] = 1024,
    apply_chat_template: Chat = False,
    seed: Seed = 0,
    restart: Annotated[bool, typer.Option("--restart", help="Train again where a trained model lies.")] = False,
    verbose: Verbose = False,
) -> None:
    """Train on DIR/pairs.jsonl; write the model to DIR/train."""
    from codedpo_plugin.cli.console import out, session
    from codedpo_plugin.config import ModelConfig, TrainConfig
    from codedpo_plugin.manager import find
    from codedpo_plugin.pipeline import Pipeline
    from codedpo_plugin.rundir import RunDirectory

    config = make(
        TrainConfig,
        method=method,
        lora=lora,
        learning_rate=learning_rate,
        beta=beta,
        rpo_weight=rpo_weight,
        epochs=epochs,
        max_steps=max_steps,
        batch_size=batch_size,
        gradient_accumulation=gradient_accumulation,
        max_length=max_length,
        prompt_form="chat" if apply_chat_template else "base",
    )
    with session(verbose=verbose) as plugins:
        find("trainer", method, plugins.trainers)
        pipeline = Pipeline(RunDirectory(directory), plugins, seed, redo=restart)
        pipeline.train(make(ModelConfig, model_args={"pretrained": model}), config)
    out(f"model: {pipeline.run.train}")

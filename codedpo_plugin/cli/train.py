"""``codedpo train``: train a model on the pairs of a run directory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from codedpo_plugin.cli.options import Chat, RunPath, Seed, Verbose, make
from codedpo_plugin.errors import UsageError, unknown_name

if TYPE_CHECKING:
    from codedpo_plugin.config import TrainConfig


def train(
    directory: RunPath,
    model: Annotated[str, typer.Option("--model", "-m", help="A model directory or name.")],
    method: Annotated[str, typer.Option(help="A registered trainer: dpo, rpo, kto, sft.")] = "dpo",
    data: Annotated[
        Path | None,
        typer.Option(help="Problems with solutions (JSON lines) to train on instead of pairs; sft only."),
    ] = None,
    lora: Annotated[bool, typer.Option("--lora", help="Train low-rank adapters and merge them.")] = False,
    learning_rate: Annotated[float, typer.Option("--learning-rate", "--lr")] = 5e-6,
    beta: Annotated[float, typer.Option(help="How strongly the policy is held to the reference.")] = 0.1,
    rpo_weight: Annotated[float, typer.Option(help="Weight of the likelihood of the chosen answer (rpo).")] = 1.0,
    epochs: Annotated[float, typer.Option()] = 1.0,
    max_steps: Annotated[int, typer.Option(help="Stop after so many steps; -1: after the epochs.")] = -1,
    batch_size: Annotated[int, typer.Option(help="Rows a device and forward pass.")] = 2,
    gradient_accumulation: Annotated[int, typer.Option(help="Forward passes a step.")] = 8,
    max_length: Annotated[int, typer.Option(help="Tokens of prompt and answer together.")] = 1024,
    apply_chat_template: Chat = False,
    other: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any other field of the train section: track_every=5."),
    ] = None,
    seed: Seed = 0,
    restart: Annotated[bool, typer.Option("--restart", help="Train again where a trained model lies.")] = False,
    verbose: Verbose = False,
) -> None:
    """Train on DIR/pairs.jsonl; write the model to DIR/train. Continues after an interruption."""
    from codedpo_plugin.config import TrainConfig

    given = {
        "method": method,
        "data": data,
        "lora": lora,
        "learning_rate": learning_rate,
        "beta": beta,
        "rpo_weight": rpo_weight,
        "epochs": epochs,
        "max_steps": max_steps,
        "batch_size": batch_size,
        "gradient_accumulation": gradient_accumulation,
        "max_length": max_length,
        "prompt_form": "chat" if apply_chat_template else "base",
    }
    config = make(TrainConfig, **given | _fields(other or (), TrainConfig.model_fields))
    _train(directory, model, config, seed, restart=restart, verbose=verbose)


def _train(directory: Path, model: str, config: TrainConfig, seed: int, *, restart: bool, verbose: bool) -> None:
    from codedpo_plugin.cli.console import out, session
    from codedpo_plugin.config import ModelConfig
    from codedpo_plugin.manager import find
    from codedpo_plugin.pipeline import Pipeline
    from codedpo_plugin.processes import is_main_process
    from codedpo_plugin.rundir import RunDirectory

    with session(verbose=verbose) as plugins:
        find("trainer", config.method, plugins.trainers)
        pipeline = Pipeline(RunDirectory(directory), plugins, seed, redo=restart, forget=restart)
        pipeline.train(make(ModelConfig, model_args={"pretrained": model}), config)
    if is_main_process():
        out(f"model: {pipeline.run.train}")


def _fields(given: Sequence[str], known: Iterable[str]) -> dict[str, Any]:
    """Return the fields in ``--set``, their values read as YAML. Raises UsageError for one that does not exist."""
    from yaml import YAMLError, safe_load

    fields = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"--set: KEY=VALUE is expected, got {text!r}")
        if name not in known:
            raise unknown_name("field of the train section", name, known)
        try:
            fields[name] = safe_load(value)
        except YAMLError as error:
            raise UsageError(f"--set {name}: {value!r} cannot be read as YAML") from error
    return fields

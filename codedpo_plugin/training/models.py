"""The model and the tokenizer of a training: loading, adapters, saving."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

from codedpo_plugin.config import ModelConfig, TrainConfig
from codedpo_plugin.errors import TrainingError, UsageError, boundary
from codedpo_plugin.processes import is_main_process


def pretrained_name(model: ModelConfig) -> str:
    """Return the model a trainer loads. Raises UsageError if the arguments do not name one."""
    name = model.model_args.get("pretrained")
    if not name:
        raise UsageError(
            "training needs a model that transformers loads: give model_args.pretrained, or --model DIR"
        )
    return str(name)


def load_tokenizer(name: str, config: TrainConfig) -> Any:
    """Return the tokenizer of a model, with a padding token and the configured chat template.

    Raises TrainingError if it cannot be loaded or lacks what the configuration needs.
    """
    from transformers import AutoTokenizer

    with boundary(TrainingError, _cannot_load("the tokenizer of", name)):
        tokenizer = AutoTokenizer.from_pretrained(name)
    if tokenizer.eos_token is None:
        raise TrainingError(f"model {name}: the tokenizer has no end-of-sequence token: answers could not end")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    if config.chat_template:
        tokenizer.chat_template = _template(config.chat_template)
    if config.prompt_form == "chat" and not tokenizer.chat_template:
        raise TrainingError(
            f"model {name}: the tokenizer has no chat template. Give one with chat_template ('instruction' is "
            "built in), or train with prompt_form base."
        )
    return tokenizer


def _template(chosen: Path | str) -> str:
    """Return a chat template. Raises UsageError if its file cannot be read."""
    if isinstance(chosen, str):
        return (files(__package__) / f"{chosen}.jinja").read_text("utf-8")
    try:
        return chosen.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{chosen}: the chat template cannot be read: {error}") from error


def uses_bf16(config: TrainConfig) -> bool:
    """Return whether to compute in bfloat16: as configured, or where a GPU has it."""
    import torch

    if config.precision != "auto":
        return config.precision == "bf16"
    return bool(torch.cuda.is_available() and torch.cuda.is_bf16_supported())


def load_model(name: str, config: TrainConfig) -> Any:
    """Return the model to train. Raises TrainingError if it cannot be loaded.

    Weights that are trained are kept in 32 bits: a step of 5e-6 is lost in bfloat16, whose next number is up to
    0.8% away. Only what stays frozen under adapters is loaded in bfloat16.
    """
    import torch
    from transformers import AutoModelForCausalLM

    dtype = torch.bfloat16 if config.lora and uses_bf16(config) else torch.float32
    with boundary(TrainingError, _cannot_load("model", name)):
        return AutoModelForCausalLM.from_pretrained(name, dtype=dtype)


def _cannot_load(what: str, name: str) -> str:
    return f"{what} {name} cannot be loaded (a directory, or a name on the Hugging Face hub, is expected)"


def adapters(config: TrainConfig) -> Any:
    """Return the configuration of low-rank adapters on all linear layers, or None."""
    if not config.lora:
        return None
    from peft import LoraConfig

    return LoraConfig(
        r=config.lora_rank,
        lora_alpha=2 * config.lora_rank,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )


def merged(model: Any) -> Any:
    """Return a model with its adapters added to its weights: in 32 bits, and in the machine's memory.

    In bfloat16 the sum would be rounded, and with it most of a small update lost. The weights take twice the
    memory then, which a device that was large enough to train may not have. The model given is used up.
    """
    import torch

    return model.to("cpu", torch.float32).merge_and_unload()


def save(trainer: Any, tokenizer: Any, config: TrainConfig, output: Path) -> None:
    """Write the trained model in 32 bits, adapters merged, so that it loads like any other. Main process only."""
    if is_main_process():
        model = trainer.accelerator.unwrap_model(trainer.model)
        trained = merged(model) if config.lora else model
        trained.save_pretrained(output)
        tokenizer.save_pretrained(output)

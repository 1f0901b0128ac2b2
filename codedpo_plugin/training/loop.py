"""What all methods of training share: from rows to a saved model, through one of TRL's trainers."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from codedpo_plugin.config import ModelConfig, TrainConfig
from codedpo_plugin.context import Context
from codedpo_plugin.errors import TrainingError, UsageError
from codedpo_plugin.formats import jsonl
from codedpo_plugin.processes import is_main_process, number_of_processes
from codedpo_plugin.records import PreferencePair
from codedpo_plugin.training import callbacks
from codedpo_plugin.training.data import Row, Split, hold_out, read_pairs, undeclared
from codedpo_plugin.training.encoding import fitting
from codedpo_plugin.training.failures import explained, quiet
from codedpo_plugin.training.models import adapters, load_model, load_tokenizer, pretrained_name, save, uses_bf16
from codedpo_plugin.training.plot import write_logprobs_plot
from codedpo_plugin.training.tracking import recorded, tracked_answers, tracking

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Method:
    """One way to train: a trainer of TRL, what it is given, and what is tracked beside it."""

    trainer: str
    """``DPO`` for DPOTrainer and DPOConfig, and so on."""
    rows: Sequence[Row]
    options: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of this trainer's configuration."""
    held_out: Sequence[PreferencePair] = ()


def refuse_data(config: TrainConfig) -> None:
    """Raise UsageError if solutions are given to a method that learns from pairs."""
    if config.data:
        raise UsageError(f"{config.method} learns from the pairs of a run; data is for sft")


def split_file(pairs: Path, config: TrainConfig, context: Context) -> Split:
    """Read the pairs and hold out some problems, counting both. Raises TrainingError if there are no pairs."""
    records, bad = read_pairs(pairs)
    context.counts.update(pairs=len(records), bad_lines=len(bad))
    if bad:
        log.warning("%d lines were left out:\n%s", len(bad), bad)
    if config.prompt_form == "chat" and (number := undeclared(records)):
        context.counts["undeclared_forms"] += number
        log.warning(
            "%d answers do not say whether they are programs or the rest of the prompt (chosen_form, "
            "rejected_form): indented ones, and what a prompt that ends within a line needs, count as the rest",
            number,
        )
    split = hold_out(records, config.track_share, config.track_problems, context.seed)
    context.counts["held_out_problems"] = len({pair.problem_id for pair in split.held_out})
    if config.track_share and not split.held_out:
        log.info("too few problems to hold one out: log-probabilities are not tracked")
    return split


def train(method: Method, model: ModelConfig, config: TrainConfig, output: Path, context: Context) -> None:
    """Train, and write the model and what was recorded of the training to a directory.

    Continues from the last complete checkpoint in ``context.checkpoints``. Raises TrainingError, with what mends
    it, when packages or memory are missing, the model cannot be loaded or the loss is not a number.
    """
    name = pretrained_name(model)
    with explained(config, output.parent), quiet():
        tokenizer = load_tokenizer(name, config)
        rows = fitting(method.rows, tokenizer, config.max_length, context.counts)
        cut, lost = context.counts["truncated"], context.counts["prompt_too_long"]
        if cut or lost:
            log.warning("%d rows are cut to max_length, %d left out because their prompt fills it", cut, lost)
        if context.counts["merged"]:
            log.warning(
                "%d rows have a token that spans the end of the prompt and the beginning of the answer; the model "
                "is trained on other tokens there than it is asked with",
                context.counts["merged"],
            )
        trainer = _trainer(method, rows, load_model(name, config), tokenizer, config, output, context)
        if trainer.accelerator.num_processes != number_of_processes():
            raise TrainingError(
                f"{number_of_processes()} processes were launched, but each trains by itself. Launch them with "
                "`accelerate launch --multi_gpu` or `torchrun`."
            )
        start = callbacks.last_checkpoint(context.checkpoints)
        if start:
            log.info("the training continues after step %s", start.name.rpartition("-")[2])
        outcome = trainer.train(resume_from_checkpoint=str(start) if start else None)
        context.counts["steps"] = outcome.global_step
        save(trainer, tokenizer, config, output)
    if is_main_process():
        _write_records(trainer.state.log_history, output)
    trainer.accelerator.wait_for_everyone()


def _trainer(
    method: Method,
    rows: list[Row],
    model: Any,
    tokenizer: Any,
    config: TrainConfig,
    output: Path,
    context: Context,
) -> Any:
    """Return TRL's trainer with our callbacks in place of those that print."""
    import trl
    from datasets import Dataset
    from transformers import PrinterCallback

    folder = context.checkpoints or output
    options = {**_arguments(config, context.seed, folder, keep=bool(context.checkpoints)), **method.options}
    arguments = getattr(trl, f"{method.trainer}Config")(**options)
    _use_one_device(arguments)
    trainer = getattr(trl, f"{method.trainer}Trainer")(
        model=model,
        args=arguments,
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        peft_config=adapters(config),
    )
    trainer.remove_callback(PrinterCallback)
    for one in (callbacks.progress(context), callbacks.stop_at_nan(), callbacks.completed_checkpoints()):
        trainer.add_callback(one)
    answers = tracked_answers(method.held_out, config.prompt_form, tokenizer, config.max_length)
    if answers:
        trainer.add_callback(tracking(answers, config.track_every))
    return trainer


def _arguments(config: TrainConfig, seed: int, folder: Path, *, keep: bool) -> dict[str, Any]:
    """Return the arguments that all of TRL's configurations take."""
    import torch

    return {
        "output_dir": str(folder),
        "learning_rate": config.learning_rate,
        "lr_scheduler_type": "linear",
        "warmup_steps": config.warmup_ratio,
        "num_train_epochs": config.epochs,
        "max_steps": config.max_steps,
        "per_device_train_batch_size": config.batch_size,
        "gradient_accumulation_steps": config.gradient_accumulation,
        "gradient_checkpointing": config.gradient_checkpointing,
        "max_length": config.max_length,
        "bf16": uses_bf16(config),
        "use_cpu": not torch.accelerator.is_available(),  # without it, bf16 on a CPU is refused
        "seed": seed,
        "data_seed": seed,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,  # a loss that is not a number has to be seen
        "disable_tqdm": True,
        "report_to": "none",
        "save_strategy": "steps" if keep and config.checkpoint_every else "no",
        "save_steps": max(config.checkpoint_every, 1),
        "save_total_limit": 2,  # the one before stays until the next is complete
        "dataloader_pin_memory": torch.cuda.is_available(),
    }


def _use_one_device(arguments: Any) -> None:
    """Make a process that sees several GPUs train on the first of them. TRL's trainers refuse to use more."""
    number = arguments.n_gpu
    if number > 1:
        log.info(
            "%d GPUs are visible; one process trains on one, %s. `accelerate launch --multi_gpu --num_processes %d "
            "-m codedpo_plugin train …` uses all of them",
            number,
            arguments.device,
            number,
        )
        arguments._n_gpu = 1  # no argument sets it; transformers' Trainer does the same for models on several GPUs


def _write_records(history: Sequence[Mapping[str, Any]], output: Path) -> None:
    """Write what the trainer logged at each step, and the tracked log-probabilities with their picture."""
    jsonl.write_objects(output / "log.jsonl", (_logged(entry) for entry in history if "loss" in entry))
    lines = recorded(history)
    if not lines:
        return
    jsonl.write_objects(output / "logprobs.jsonl", lines)
    if find_spec("matplotlib"):
        write_logprobs_plot(output / "logprobs.svg", lines)
    else:
        log.info("no picture of the log-probabilities: pip install 'codedpo-plugin[plot]'")


def _logged(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was logged at a step, without what an interruption changes: an order, and a running total."""
    return {"step": entry["step"]} | {name: entry[name] for name in sorted(entry) if name != "num_tokens"}

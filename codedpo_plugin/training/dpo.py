"""Direct preference optimisation with TRL's trainer: plain (``dpo``) or with a likelihood term (``rpo``).

RPO adds the negative log-likelihood of the chosen answer to the loss (CodeDPO, arXiv 2410.05605, section 4.1,
after arXiv 2404.19733), which keeps its probability from falling along with that of the rejected one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from codedpo_plugin.config import ModelConfig, TrainConfig
from codedpo_plugin.context import Context
from codedpo_plugin.errors import TrainingError, UsageError
from codedpo_plugin.training.data import preference_rows, read_pairs


def train_dpo(pairs: Path, model: ModelConfig, config: TrainConfig, output: Path, context: Context) -> None:
    """Train on the pairs of a file and write a model directory.

    With ``config.lora`` adapters are trained and merged, so that the directory loads like any other model. Raises
    TrainingError, with the command that mends it, when TRL is not installed.
    """
    records, bad = read_pairs(pairs)
    context.counts.update(pairs=len(records), bad_lines=len(bad))
    trainer = _trainer(preference_rows(records, config.prompt_form), model, config, output, context)
    outcome = trainer.train()
    context.counts["steps"] = outcome.global_step
    trained = trainer.model.merge_and_unload() if config.lora else trainer.model
    trained.save_pretrained(output)
    trainer.processing_class.save_pretrained(output)


def _trainer(
    rows: list[dict[str, Any]], model: ModelConfig, config: TrainConfig, output: Path, context: Context
) -> Any:
    """Return a ready DPOTrainer."""
    try:
        import torch
        from datasets import Dataset
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from trl import DPOTrainer
    except ImportError as error:
        raise TrainingError(f"training needs {error.name}: pip install 'codedpo-plugin[train]'") from error
    name = pretrained_name(model)
    half = _uses_bf16(config, torch)
    tokenizer = AutoTokenizer.from_pretrained(name)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    policy = AutoModelForCausalLM.from_pretrained(name, dtype=torch.bfloat16 if half else torch.float32)
    return DPOTrainer(
        model=policy,
        args=_arguments(config, output, context.seed, half=half, cuda=torch.cuda.is_available()),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        peft_config=_adapters(config),
    )


def _uses_bf16(config: TrainConfig, torch: Any) -> bool:
    """Return whether to compute in bfloat16: as configured, or where a GPU has it."""
    if config.precision != "auto":
        return config.precision == "bf16"
    return bool(torch.cuda.is_available() and torch.cuda.is_bf16_supported())


def _arguments(config: TrainConfig, output: Path, seed: int, *, half: bool, cuda: bool) -> Any:
    """Return TRL's configuration."""
    from trl import DPOConfig

    rpo = config.method == "rpo"
    return DPOConfig(
        output_dir=str(output),
        loss_type=["sigmoid", "sft"] if rpo else ["sigmoid"],
        loss_weights=[1.0, config.rpo_weight] if rpo else None,
        beta=config.beta,
        learning_rate=config.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=config.warmup_ratio,
        num_train_epochs=config.epochs,
        max_steps=config.max_steps,
        per_device_train_batch_size=config.batch_size,
        gradient_accumulation_steps=config.gradient_accumulation,
        max_length=config.max_length,
        bf16=half,
        seed=seed,
        data_seed=seed,
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        dataloader_pin_memory=cuda,
        **({"gradient_checkpointing": True} if config.gradient_checkpointing else {}),
    )


def _adapters(config: TrainConfig) -> Any:
    """Return the LoRA configuration, or None."""
    if not config.lora:
        return None
    from peft import LoraConfig

    return LoraConfig(
        r=config.lora_rank,
        lora_alpha=2 * config.lora_rank,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )


def pretrained_name(model: ModelConfig) -> str:
    """Return the model a trainer loads. Raises UsageError if the arguments do not name one."""
    name = model.model_args.get("pretrained")
    if not name:
        raise UsageError(
            "training needs a model that transformers loads: give model_args.pretrained, or --model DIR"
        )
    return str(name)

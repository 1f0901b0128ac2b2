"""Training with the real trainer, on a model of a few thousand weights."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="training needs the extra 'train'")

from codedpo_plugin.config import ModelConfig, TrainConfig  # noqa: E402 - after the check for torch
from codedpo_plugin.context import Context  # noqa: E402
from codedpo_plugin.errors import UsageError  # noqa: E402
from codedpo_plugin.formats import jsonl  # noqa: E402
from codedpo_plugin.manager import create_plugins  # noqa: E402
from codedpo_plugin.records import PairKind, PreferencePair  # noqa: E402
from codedpo_plugin.suites.micro import micro_problems  # noqa: E402
from codedpo_plugin.training.dpo import train_dpo  # noqa: E402

pytestmark = pytest.mark.filterwarnings("default")  # the libraries below warn of each other


@pytest.fixture
def pairs(tmp_path) -> Path:
    path = tmp_path / "pairs.jsonl"
    jsonl.write(
        path,
        [
            PreferencePair(e.prompt, e.reference, e.wrong[0], PairKind.CORRECTNESS, e.id, 2.0, 1.0, 1.0)
            for e in micro_problems("train")[:4]
        ],
    )
    return path


def weights(folder: Path) -> dict[str, torch.Tensor]:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder).state_dict()


@pytest.mark.parametrize("method", ["dpo", "rpo"])
@pytest.mark.parametrize("lora", [False, True], ids=["full", "lora"])
def test_training_moves_the_weights_and_saves_a_model(tiny_model, pairs, tmp_path, method, lora):
    config = TrainConfig(
        method=method, lora=lora, learning_rate=1e-2, batch_size=2, gradient_accumulation=1, warmup_ratio=0.0
    )
    context = Context(create_plugins(installed=False))
    train_dpo(pairs, ModelConfig(model_args={"pretrained": str(tiny_model)}), config, tmp_path / "out", context)
    before, after = weights(tiny_model), weights(tmp_path / "out")
    assert before.keys() == after.keys()
    assert any(not torch.equal(before[name], after[name]) for name in before)
    assert context.counts["pairs"] == 4
    assert context.counts["steps"] == 2


def test_pairs_go_into_trl_unchanged(tiny_model, pairs, tmp_path):
    from datasets import load_dataset
    from transformers import AutoTokenizer
    from trl import DPOConfig, DPOTrainer

    rows = load_dataset("json", data_files=str(pairs), split="train", cache_dir=str(tmp_path / "cache"))
    arguments = DPOConfig(output_dir=str(tmp_path / "out"), max_steps=1, report_to="none", bf16=False)
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    trainer = DPOTrainer(model=str(tiny_model), args=arguments, train_dataset=rows, processing_class=tokenizer)
    assert trainer.train().global_step == 1


def test_the_trained_model_runs_in_lm_eval(tiny_model, tmp_path):
    from codedpo_plugin.harness.discovery import tasks_path

    command = [
        sys.executable,
        "-P",
        "-m",
        "lm_eval",
        "run",
        "--model",
        "hf",
        "--model_args",
        f"pretrained={tiny_model}",
    ]
    command += ["--tasks", "codedpo_micro", "--include_path", str(tasks_path()), "--limit", "1"]
    done = subprocess.run([*command, "--gen_kwargs", "max_gen_toks=8"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "|codedpo_micro|" in done.stdout


def test_a_model_that_is_not_named_is_a_usage_error(pairs, tmp_path):
    context = Context(create_plugins(installed=False))
    with pytest.raises(UsageError, match=r"model_args\.pretrained"):
        train_dpo(pairs, ModelConfig(), TrainConfig(), tmp_path / "out", context)

"""DPO and RPO with the real trainer, on a model of a few thousand weights."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from .support import micro_pairs, pairs_file, trained

torch = pytest.importorskip("torch", reason="training needs the extra 'train'")

pytestmark = pytest.mark.filterwarnings("default")  # the libraries below warn of each other


@pytest.fixture
def pairs(tmp_path) -> Path:
    return pairs_file(tmp_path, micro_pairs(4))


def state(folder: Path) -> dict[str, torch.Tensor]:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder).state_dict()


@pytest.mark.parametrize("method", ["dpo", "rpo"])
@pytest.mark.parametrize("lora", [False, True], ids=["full", "lora"])
def test_training_moves_the_weights_and_saves_a_model(tiny_model, pairs, tmp_path, method, lora):
    counts = trained(pairs, tiny_model, tmp_path / "out", method=method, lora=lora).counts
    before, after = state(tiny_model), state(tmp_path / "out")
    assert before.keys() == after.keys()
    assert any(not torch.equal(before[name], after[name]) for name in before)
    assert counts["pairs"] == 4
    assert counts["steps"] == 2


def test_the_likelihood_term_is_that_of_rpo_alone(tiny_model, pairs, tmp_path):
    for name, fields in {
        "dpo": {"method": "dpo"},
        "zero": {"method": "rpo", "rpo_weight": 0.0},
        "rpo": {"method": "rpo"},
    }.items():
        trained(pairs, tiny_model, tmp_path / name, **fields)
    dpo, zero, rpo = (state(tmp_path / name)["lm_head.weight"] for name in ("dpo", "zero", "rpo"))
    assert torch.allclose(dpo, zero)
    assert not torch.allclose(dpo, rpo)


def test_pairs_go_into_trl_unchanged(tiny_model, pairs, tmp_path):
    from datasets import load_dataset
    from transformers import AutoTokenizer
    from trl import DPOConfig, DPOTrainer

    rows = load_dataset("json", data_files=str(pairs), split="train", cache_dir=str(tmp_path / "cache"))
    arguments = DPOConfig(output_dir=str(tmp_path / "out"), max_steps=1, report_to="none", bf16=False)
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    trainer = DPOTrainer(model=str(tiny_model), args=arguments, train_dataset=rows, processing_class=tokenizer)
    assert trainer.train().global_step == 1


def test_the_trained_model_runs_in_lm_eval(tiny_model, pairs, tmp_path):
    from codedpo_plugin.harness.discovery import tasks_path

    trained(pairs, tiny_model, tmp_path / "out", lora=True)
    command = [
        sys.executable,
        "-P",
        "-m",
        "lm_eval",
        "run",
        "--model",
        "hf",
        "--model_args",
        f"pretrained={tmp_path / 'out'}",
    ]
    command += ["--tasks", "codedpo_micro", "--include_path", str(tasks_path()), "--limit", "1"]
    done = subprocess.run([*command, "--gen_kwargs", "max_gen_toks=8"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "|codedpo_micro|" in done.stdout

"""What all methods share: records, interruptions, several ways to fail. With the real trainers and a tiny model."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from codedpo_plugin.config import TrainConfig
from codedpo_plugin.context import Context
from codedpo_plugin.errors import TrainingError, UsageError
from codedpo_plugin.training import loop

from .support import PLUGINS, micro_pairs, pair, pairs_file, trained, weights

torch = pytest.importorskip("torch", reason="training needs the extra 'train'")

pytestmark = pytest.mark.filterwarnings("default")  # the libraries below warn of each other

STEPS = 4
TRACKED = {"track_share": 0.5, "track_every": 2, "checkpoint_every": 1, "epochs": 2.0}


class Interrupted(BaseException):
    """Stands for the end of the process: nothing is cleaned up after it."""


@pytest.fixture
def pairs(tmp_path) -> Path:
    return pairs_file(tmp_path, micro_pairs(4, efficiency=True))


def context(folder: Path, progress: Callable[[int, int | None], None] = lambda done, total: None) -> Context:
    return Context(PLUGINS, checkpoints=folder / "checkpoints", progress=progress)


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(scope="module")
def undisturbed(tiny_model, tmp_path_factory) -> Callable[..., Path]:
    """Return the folder of a training by method that ran through."""
    done: dict[tuple[str, bool], Path] = {}

    def of(method: str, *, lora: bool = False) -> Path:
        if (method, lora) not in done:
            folder = tmp_path_factory.mktemp("undisturbed")
            source = pairs_file(folder, micro_pairs(4, efficiency=True))
            trained(source, tiny_model, folder / "out", context(folder), method=method, lora=lora, **TRACKED)
            done[method, lora] = folder / "out"
        return done[method, lora]

    return of


# --------------------------------------------------------------------------- what is written


@pytest.mark.parametrize("method", ["dpo", "kto", "sft"])
def test_the_log_probabilities_of_held_out_code_are_written(undisturbed, method):
    found = lines(undisturbed(method) / "logprobs.jsonl")
    last = max(line["step"] for line in found)
    assert [(line["step"], line["kind"]) for line in found] == [
        (step, kind)
        for step in sorted({0, *range(2, last, 2), last})
        for kind in ("correct", "wrong", "fast", "slow")
    ]
    assert {line["count"] for line in found} == {2}
    assert all(line["mean_sequence"] < line["mean"] < 0 for line in found)


def test_the_picture_and_the_log_of_every_step_are_written(undisturbed):
    pytest.importorskip("matplotlib")
    folder = undisturbed("dpo")
    assert "<svg" in (folder / "logprobs.svg").read_text()
    assert [line["step"] for line in lines(folder / "log.jsonl")] == [1, 2, 3, 4]
    assert all(line["loss"] > 0 for line in lines(folder / "log.jsonl"))


def test_without_matplotlib_there_is_no_picture_but_a_hint(tiny_model, pairs, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(loop, "find_spec", lambda name: None)
    caplog.set_level("INFO")
    trained(pairs, tiny_model, tmp_path / "out", track_share=0.5, max_steps=1)
    assert (tmp_path / "out" / "logprobs.jsonl").is_file()
    assert not (tmp_path / "out" / "logprobs.svg").exists()
    assert "pip install 'codedpo-plugin[plot]'" in caplog.text


def test_without_held_out_problems_nothing_is_tracked_and_the_log_says_so(tiny_model, pairs, tmp_path, caplog):
    caplog.set_level("INFO")
    counts = trained(pairs, tiny_model, tmp_path / "out", max_steps=1).counts
    assert not (tmp_path / "out" / "logprobs.jsonl").exists()
    assert counts["held_out_problems"] == 0
    assert "too few problems to hold one out" in caplog.text


def test_progress_is_told_in_steps(tiny_model, pairs, tmp_path):
    told: list[tuple[int, int | None]] = []
    trained(pairs, tiny_model, tmp_path / "out", Context(PLUGINS, progress=lambda d, t: told.append((d, t))))
    assert told == [(done, STEPS) for done in range(STEPS + 1)]


def test_the_trained_model_computes_in_bfloat16_where_it_is_asked_to(tiny_model, pairs, tmp_path):
    trained(pairs, tiny_model, tmp_path / "out", precision="bf16", max_steps=2)
    assert weights(tmp_path / "out") != weights(tiny_model)


def test_what_adapters_learn_in_bfloat16_is_in_the_saved_weights(tiny_model, pairs, tmp_path):
    from safetensors.torch import load_file

    small = {"learning_rate": 5e-6, "max_steps": 1}  # less than bfloat16 can tell from nothing
    trained(pairs, tiny_model, tmp_path / "out", precision="bf16", lora=True, **small)
    before, after = (load_file(folder / "model.safetensors") for folder in (tiny_model, tmp_path / "out"))
    adapted = [name for name in before if "_proj" in name]
    changed = [(after[name] != before[name].bfloat16().float()).float().mean() for name in adapted]
    assert min(changed) > 0.9


@pytest.mark.parametrize("lora", [False, True], ids=["full", "lora"])
def test_equal_seeds_give_equal_weights_and_others_do_not(tiny_model, pairs, tmp_path, lora):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        torch.rand(seed)  # what was drawn before makes no difference
        trained(pairs, tiny_model, tmp_path / name, Context(PLUGINS, seed), lora=lora, max_steps=2)
    first, again, other = (weights(tmp_path / name) for name in "abc")
    assert first == again != other


# --------------------------------------------------------------------------- several GPUs


@pytest.mark.parametrize("method", ["dpo", "rpo", "kto", "sft"])
def test_of_several_gpus_one_is_used_and_the_log_says_once_how_to_use_all(
    tiny_model, pairs, tmp_path, monkeypatch, caplog, method
):
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    caplog.set_level("INFO")
    trained(pairs, tiny_model, tmp_path / "out", method=method, max_steps=1)
    assert weights(tmp_path / "out") != weights(tiny_model)
    assert caplog.text.count("4 GPUs are visible; one process trains on one") == 1
    assert "accelerate launch --multi_gpu --num_processes 4" in caplog.text


@pytest.mark.parametrize("number", [0, 1])
def test_nothing_is_said_of_no_gpu_or_one(tiny_model, pairs, tmp_path, monkeypatch, caplog, number):
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: number > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: number)
    caplog.set_level("INFO")
    trained(pairs, tiny_model, tmp_path / "out", max_steps=1)
    assert "visible" not in caplog.text


# --------------------------------------------------------------------------- interruptions


@pytest.mark.parametrize("step", range(STEPS + 1))
@pytest.mark.parametrize("lora", [False, True], ids=["full", "lora"])
def test_an_interrupted_training_gives_the_weights_of_an_undisturbed_one(
    undisturbed, tiny_model, pairs, tmp_path, step, lora
):
    def stop(done: int, total: int | None) -> None:
        if done == step:
            raise Interrupted

    with pytest.raises(Interrupted):
        trained(pairs, tiny_model, tmp_path / "out", context(tmp_path, stop), method="rpo", lora=lora, **TRACKED)
    begun: list[int] = []
    again = context(tmp_path, lambda done, total: begun.append(done))
    trained(pairs, tiny_model, tmp_path / "out", again, method="rpo", lora=lora, **TRACKED)
    assert begun[0] == max(step - 1, 0)  # the step that was stopped had no time for its checkpoint
    expected = undisturbed("rpo", lora=lora)
    for name in ("model.safetensors", "logprobs.jsonl", "log.jsonl"):
        assert (tmp_path / "out" / name).read_bytes() == (expected / name).read_bytes(), name


@pytest.mark.parametrize("method", ["kto", "sft"])
def test_other_methods_continue_as_well(undisturbed, tiny_model, pairs, tmp_path, method):
    def stop(done: int, total: int | None) -> None:
        if done == 2:
            raise Interrupted

    with pytest.raises(Interrupted):
        trained(pairs, tiny_model, tmp_path / "out", context(tmp_path, stop), method=method, **TRACKED)
    trained(pairs, tiny_model, tmp_path / "out", context(tmp_path), method=method, **TRACKED)
    assert weights(tmp_path / "out") == weights(undisturbed(method))


def test_a_checkpoint_that_was_cut_off_is_not_used(undisturbed, tiny_model, pairs, tmp_path, monkeypatch):
    from transformers import TrainerState

    save = TrainerState.save_to_json

    def cut_off(state, path):
        save(state, path)
        if state.global_step == 3:
            raise Interrupted

    monkeypatch.setattr(TrainerState, "save_to_json", cut_off)
    with pytest.raises(Interrupted):
        trained(pairs, tiny_model, tmp_path / "out", context(tmp_path), method="rpo", **TRACKED)
    monkeypatch.setattr(TrainerState, "save_to_json", save)
    torn = tmp_path / "checkpoints" / "checkpoint-3"
    (torn / "optimizer.pt").write_bytes(b"half")
    begun: list[int] = []
    again = context(tmp_path, lambda done, total: begun.append(done))
    trained(pairs, tiny_model, tmp_path / "out", again, method="rpo", **TRACKED)
    assert begun[0] == 2
    assert weights(tmp_path / "out") == weights(undisturbed("rpo"))


def test_no_more_checkpoints_are_kept_than_are_needed(tiny_model, pairs, tmp_path):
    trained(pairs, tiny_model, tmp_path / "out", context(tmp_path), **TRACKED)
    assert {path.name for path in (tmp_path / "checkpoints").glob("checkpoint-*")} == {
        "checkpoint-3",
        "checkpoint-4",
    }


@pytest.mark.parametrize("folder", [None, "checkpoints"])
def test_without_a_folder_or_an_interval_there_are_no_checkpoints(tiny_model, pairs, tmp_path, folder):
    around = Context(PLUGINS, checkpoints=folder and tmp_path / folder)
    trained(pairs, tiny_model, tmp_path / "out", around, max_steps=1, checkpoint_every=0 if folder else 1)
    assert list(tmp_path.rglob("checkpoint-*")) == []


# --------------------------------------------------------------------------- failures


def test_a_loss_that_is_not_a_number_ends_the_training(tiny_model, pairs, tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(tiny_model)
    torch.nn.init.constant_(model.lm_head.weight, float("nan"))
    model.save_pretrained(tmp_path / "broken")
    AutoTokenizer.from_pretrained(tiny_model).save_pretrained(tmp_path / "broken")
    with pytest.raises(TrainingError, match=r"step 1: the loss is nan\. Lower learning_rate"):
        trained(pairs, tmp_path / "broken", tmp_path / "out", context(tmp_path), checkpoint_every=1)
    assert list((tmp_path / "checkpoints").glob("checkpoint-*")) == []


def test_processes_that_know_nothing_of_one_another_are_refused(tiny_model, pairs, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "number_of_processes", lambda: 2)
    with pytest.raises(TrainingError, match="2 processes were launched, but each trains by itself"):
        trained(pairs, tiny_model, tmp_path / "out")


def test_missing_packages_are_named(tiny_model, pairs, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "trl", None)
    with pytest.raises(TrainingError, match=r"training needs trl: pip install 'codedpo-plugin\[train\]'"):
        trained(pairs, tiny_model, tmp_path / "out")


def test_rows_that_are_cut_are_counted_and_said(tiny_model, tmp_path, caplog):
    source = pairs_file(tmp_path, [pair(), pair("    return " + "a + " * 99 + "b", problem_id="long")])
    counts = trained(source, tiny_model, tmp_path / "out", max_length=64).counts
    assert (counts["truncated"], counts["prompt_too_long"]) == (1, 0)
    assert "1 rows are cut to max_length, 0 left out" in caplog.text


def test_bad_lines_are_counted_and_said(tiny_model, pairs, tmp_path, caplog):
    pairs.write_bytes(pairs.read_bytes() + b'{"prompt": "cut')
    assert trained(pairs, tiny_model, tmp_path / "out", max_steps=1).counts["bad_lines"] == 1
    assert "pairs.jsonl:9: not JSON" in caplog.text


@pytest.mark.parametrize(("form", "expected"), [("chat", 8), ("base", 0)])
def test_answers_that_do_not_say_what_they_are_are_counted_where_it_counts(pairs, caplog, form, expected):
    around = Context(PLUGINS)
    loop.split_file(pairs, TrainConfig(prompt_form=form), around)
    assert around.counts["undeclared_forms"] == expected * 2
    assert ("16 answers do not say whether they are programs" in caplog.text) is (form == "chat")


@pytest.mark.parametrize("method", ["dpo", "rpo", "kto"])
def test_solutions_are_refused_where_pairs_are_learned(tiny_model, pairs, tmp_path, method):
    with pytest.raises(UsageError, match=f"{method} learns from the pairs of a run; data is for sft"):
        trained(pairs, tiny_model, tmp_path / "out", method=method, data=tmp_path / "solutions.jsonl")

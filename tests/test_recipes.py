"""Every recipe is a configuration that `codedpo run` takes, with the figures of the papers."""

from __future__ import annotations

from pathlib import Path

import pytest

from codedpo_plugin.config import load_config

RECIPES = Path(__file__).resolve().parents[1] / "recipes"
FILES = sorted(RECIPES.rglob("*.yaml"))
PAPER = ("phi-2", "deepseek-coder-1.3b", "deepseek-coder-6.7b", "starcoder2-7b", "codellama-7b", "magicoder")


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_a_recipe_is_a_valid_configuration(file):
    config = load_config(file)
    assert config.train is not None
    assert config.generate is not None
    assert config.generate.model_args["pretrained"]


@pytest.mark.parametrize("model", PAPER)
def test_there_is_a_recipe_for_every_model_of_the_paper(model):
    assert any(file.stem.startswith(model) for file in (RECIPES / "codedpo").glob("*.yaml"))


@pytest.mark.parametrize("file", sorted((RECIPES / "codedpo").glob("*.yaml")), ids=lambda file: file.stem)
def test_codedpo_has_the_figures_of_its_paper(file):
    config = load_config(file)
    assert (config.generate.n_solutions, config.generate.n_tests, config.generate.temperature) == (15, 15, 1.5)
    assert (config.train.method, config.train.learning_rate, config.train.beta) == ("rpo", 5e-6, 0.1)
    assert config.score.params == {"damping": 0.85, "iterations": 10}
    assert config.problems.make.method == "concepts"
    assert config.problems.clean.benchmarks == ("humaneval", "mbpp", "ds1000")
    chat = "instruct" in file.stem or "magicoder" in file.stem
    assert {config.generate.prompt_form, config.train.prompt_form} == {"chat" if chat else "base"}


@pytest.mark.parametrize("folder", sorted(RECIPES.glob("magicoder-*")), ids=lambda folder: folder.name)
def test_magicoder_is_three_steps_of_which_each_begins_where_the_last_one_ended(folder):
    first, second, third = (load_config(file) for file in sorted(folder.glob("*.yaml")))
    for config, length in ((first, 1216), (second, 1024)):
        assert (config.train.method, config.train.epochs, config.train.learning_rate) == ("sft", 2, 5e-5)
        assert config.train.batch_size * config.train.gradient_accumulation == 512
        assert config.train.max_length == length
    assert [c.problems.make.method for c in (first, second, third)] == ["oss-instruct", "evol-instruct", "concepts"]
    assert second.problems.path == folder / "1-oss-instruct" / "problems.jsonl"
    assert second.generate.model_args["pretrained"] == "1-oss-instruct/train"
    assert third.generate.model_args["pretrained"] == "2-evol-instruct/train"


@pytest.mark.parametrize("file", [f for f in FILES if f.name[0] in "12"], ids=lambda f: f"{f.parent.name}/{f.stem}")
def test_fine_tuning_takes_the_solutions_of_its_own_run(file):
    assert load_config(file).train.data == file.with_suffix("") / "solutions.jsonl"

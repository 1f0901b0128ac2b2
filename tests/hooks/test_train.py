"""The built-in plugins that train and evaluate: they pick what is configured and attribute its failures."""

from __future__ import annotations

from importlib import import_module

import pytest

from codedpo_plugin import hookimpl
from codedpo_plugin.config import EvaluateConfig, ExecuteConfig, ModelConfig, TrainConfig
from codedpo_plugin.context import Context
from codedpo_plugin.errors import TrainingError, UsageError
from codedpo_plugin.manager import create_plugins
from codedpo_plugin.suites import Suite

MODEL = ModelConfig(model="dummy")


class Trainers:
    """A plugin with a trainer that writes a file and one that fails."""

    @hookimpl
    def codedpo_register_trainers(self, register):
        register("writing", self.write)
        register("failing", self.fail)

    def write(self, pairs, model, config, output, context):
        output.mkdir()
        (output / "config.json").write_text(f"{pairs.name} {model.model} {config.method}")

    def fail(self, pairs, model, config, output, context):
        raise MemoryError("too large")


@pytest.fixture
def context():
    return Context(create_plugins([("mine", Trainers())], installed=False), seed=4)


def test_the_configured_trainer_writes_the_model(context, tmp_path):
    output = tmp_path / "train"
    config = TrainConfig(method="writing")
    assert context.plugins.train(tmp_path / "pairs.jsonl", MODEL, config, output, context) == output
    assert (output / "config.json").read_text() == "pairs.jsonl dummy writing"


def test_a_trainer_that_fails_is_named(context, tmp_path):
    with pytest.raises(TrainingError, match="trainer 'failing' failed: MemoryError: too large"):
        context.plugins.train(tmp_path / "p", MODEL, TrainConfig(method="failing"), tmp_path / "t", context)


def test_an_unknown_trainer_comes_with_near_matches(context, tmp_path):
    with pytest.raises(UsageError, match=r"unknown trainer 'dop'\. Did you mean 'dpo'"):
        context.plugins.train(tmp_path / "p", MODEL, TrainConfig(method="dop"), tmp_path / "t", context)


def test_the_configured_model_is_evaluated_with_the_seed_of_the_run(context, monkeypatch):
    module = import_module("codedpo_plugin.hooks.evaluate")
    asked = []
    monkeypatch.setattr(module, "load_model", lambda model: f"loaded {model.model}")
    monkeypatch.setattr(module, "evaluate_model", lambda *args, **more: asked.append((args, more)) or "result")
    suite, config, execute = Suite("micro", lambda metadata: []), EvaluateConfig(metadata={"a": 1}), ExecuteConfig()
    assert context.plugins.evaluate(suite, MODEL, config, execute, context) == "result"
    assert asked == [
        ((suite, "loaded dummy", MODEL, config, execute, context.plugins.sandboxes, {"a": 1}), {"seed": 4}),
    ]

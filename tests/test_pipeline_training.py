"""Training as a stage of the pipeline: continued, refused, restarted, and run as several processes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codedpo_plugin import hookimpl
from codedpo_plugin.config import ModelConfig, TrainConfig
from codedpo_plugin.errors import UsageError
from codedpo_plugin.manager import create_plugins
from codedpo_plugin.pipeline import Pipeline
from codedpo_plugin.rundir import RunDirectory


class Training:
    """A plugin that trains in two steps with a checkpoint between, and can be stopped after the first."""

    def __init__(self) -> None:
        self.stop = False
        self.steps: list[str] = []

    @hookimpl
    def codedpo_train(self, pairs, output, context):
        half = context.checkpoints / "half"
        if not half.exists():
            self.steps.append("first")
            half.write_text(pairs.read_text())
            if self.stop:
                raise KeyboardInterrupt
        self.steps.append("second")
        output.mkdir()
        (output / "config.json").write_text(half.read_text())
        return output


@pytest.fixture
def training() -> Training:
    return Training()


def train(training: Training, folder: Path, seed: int = 0, *, redo: bool = False, **fields) -> Path:
    plugins = create_plugins([("training", training)], installed=False)
    run = RunDirectory(folder)
    if not run.pairs.exists():
        folder.mkdir(exist_ok=True)
        run.pairs.write_text("pairs")
    model = ModelConfig(model_args={"pretrained": "m"})
    Pipeline(run, plugins, seed, redo=redo, forget=redo).train(model, TrainConfig(**fields))
    return run.train / "config.json"


@pytest.fixture
def interrupted(training, tmp_path) -> Path:
    training.stop = True
    with pytest.raises(KeyboardInterrupt):
        train(training, tmp_path / "run")
    training.stop = False
    return tmp_path / "run"


def test_an_interrupted_training_is_continued_and_its_checkpoints_removed_at_the_end(training, interrupted):
    assert RunDirectory(interrupted).checkpoints.is_dir()
    assert train(training, interrupted).read_text() == "pairs"
    assert training.steps == ["first", "second"]
    left = sorted(path.name for path in interrupted.iterdir())
    assert left == ["manifest.json", "pairs.jsonl", "progress.json", "train"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"learning_rate": 1.0}, "config.learning_rate: 5e-06 -> 1.0"),
        ({"seed": 3}, "config.seed: 0 -> 3"),
        ({"method": "kto"}, "config.method: 'dpo' -> 'kto'"),
    ],
)
def test_an_interrupted_training_is_not_continued_with_another_configuration(
    training, interrupted, fields, message
):
    with pytest.raises(
        UsageError, match="an interrupted run is to be continued, but with something else"
    ) as refusal:
        train(training, interrupted, **fields)
    assert message in str(refusal.value)
    assert "--restart" in str(refusal.value)
    assert training.steps == ["first"]


def test_an_interrupted_training_is_not_continued_with_other_pairs(training, interrupted):
    (interrupted / "pairs.jsonl").write_text("others")
    with pytest.raises(UsageError, match=r"input\.pairs\.jsonl"):
        train(training, interrupted)


def test_an_interrupted_training_is_not_continued_by_another_number_of_processes(
    training, interrupted, monkeypatch
):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UsageError, match="processes: 1 -> 2"):
        train(training, interrupted)


def test_how_often_a_checkpoint_is_made_may_change(training, interrupted):
    train(training, interrupted, checkpoint_every=7)
    assert training.steps == ["first", "second"]


def test_restart_trains_from_the_beginning(training, interrupted):
    (interrupted / "pairs.jsonl").write_text("others")
    assert train(training, interrupted, redo=True).read_text() == "others"
    assert training.steps == ["first", "first", "second"]


def test_a_finished_training_is_not_repeated_but_refused_with_another_configuration(training, tmp_path):
    train(training, tmp_path / "run")
    train(training, tmp_path / "run")
    assert training.steps == ["first", "second"]
    with pytest.raises(UsageError, match="beta"):
        train(training, tmp_path / "run", beta=0.5)


def test_solutions_take_the_place_of_pairs_and_are_part_of_what_a_model_was_made_from(training, tmp_path):
    solutions = tmp_path / "solutions.jsonl"
    solutions.write_text("solutions")
    train(training, tmp_path / "run", method="sft", data=solutions)
    inputs = json.loads((tmp_path / "run" / "manifest.json").read_text())["stages"]["train"]["inputs"]
    assert set(inputs) == {"pairs.jsonl", "solutions.jsonl"}
    solutions.write_text("others")
    with pytest.raises(UsageError, match=r"input\.solutions\.jsonl"):
        train(training, tmp_path / "run", method="sft", data=solutions)


def test_without_pairs_and_solutions_there_is_nothing_to_train_on(training, tmp_path):
    run = RunDirectory(tmp_path)
    pipeline = Pipeline(run, create_plugins([("training", training)], installed=False))
    with pytest.raises(UsageError, match="codedpo pairs DIR"):
        pipeline.train(ModelConfig(), TrainConfig())


def test_of_several_processes_only_the_main_one_writes(training, tmp_path, monkeypatch):
    class Reading(Training):
        @hookimpl
        def codedpo_train(self, output, context):
            self.steps.append(str(context.checkpoints))
            return output

    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    reading = Reading()
    train(reading, tmp_path / "run")
    assert reading.steps == [str(tmp_path / "run" / "train.checkpoints")]
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["pairs.jsonl"]

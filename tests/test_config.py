"""The configuration: the paper's defaults, unknown keys refused, nothing that widens what programs may do."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel, ValidationError

from codedpo_plugin import config as configuration
from codedpo_plugin.config import (
    EvaluateConfig,
    ExecuteConfig,
    GenerateConfig,
    PairsConfig,
    ProblemsConfig,
    RunConfig,
    ScoreConfig,
    Section,
    TimingConfig,
    TrainConfig,
    load_config,
)
from codedpo_plugin.errors import UsageError
from codedpo_plugin.records import PairKind

GENERATE = {"generate": {"model": "hf", "model_args": {"pretrained": "some/model"}}}
SECTIONS = [s for s in vars(configuration).values() if isinstance(s, type) and issubclass(s, Section)]


def load(folder: Path, data: object) -> RunConfig:
    """Return the configuration in a file of the folder with this data."""
    path = folder / "run.yaml"
    path.write_text(data if isinstance(data, str) else yaml.safe_dump(data))
    return load_config(path)


def refused(folder: Path, data: object) -> str:
    """Return the message about a file that cannot be used, without the name of the file in front."""
    with pytest.raises(UsageError) as caught:
        load(folder, data)
    message = str(caught.value)
    assert message.startswith(f"{folder / 'run.yaml'}: ")
    return message.removeprefix(f"{folder / 'run.yaml'}: ")


def test_a_model_is_enough(tmp_path):
    config = load(tmp_path, GENERATE)
    assert config.generate.model_args == {"pretrained": "some/model"}
    assert config.problems == ProblemsConfig(suite="micro", split="train")
    assert (config.train, config.evaluate, config.candidates, config.seed) == (None, None, (), 0)


def test_candidates_are_enough(tmp_path):
    assert load(tmp_path, {"candidates": "c.jsonl"}).generate is None


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        (GenerateConfig, "n_solutions", 15),
        (GenerateConfig, "n_tests", 15),
        (GenerateConfig, "temperature", 1.5),
        (GenerateConfig, "prompt_form", "base"),
        (ScoreConfig, "ranker", "self-validation"),
        (ScoreConfig, "params", {}),
        (PairsConfig, "kinds", (PairKind.CORRECTNESS, PairKind.EFFICIENCY)),
        (TimingConfig, "min_ratio", 1.1),
        (TrainConfig, "method", "dpo"),
        (TrainConfig, "learning_rate", 5e-6),
        (TrainConfig, "beta", 0.1),
        (ExecuteConfig, "executor", "local"),
        (ExecuteConfig, "sandbox", "auto"),
        (ExecuteConfig, "record_times", False),
        (EvaluateConfig, "temperature", 0.0),
        (EvaluateConfig, "ks", (1,)),
    ],
)
def test_defaults_are_those_of_the_contract(section, key, value):
    assert getattr(section(), key) == value


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"sede": 1}, "sede: unknown key; did you mean seed?"),
        ({"problems": {"suit": "micro"}}, "problems.suit: unknown key; did you mean suite"),
        ({"generate": {"n_solution": 3}}, "generate.n_solution: unknown key; did you mean n_solutions"),
        ({"execute": {"worker": 3}}, "execute.worker: unknown key; did you mean workers"),
        ({"score": {"rankr": "random"}}, "score.rankr: unknown key; did you mean ranker?"),
        ({"pairs": {"kind": ["correctness"]}}, "pairs.kind: unknown key; did you mean kinds"),
        ({"pairs": {"timing": {"min_rato": 2}}}, "pairs.timing.min_rato: unknown key; did you mean min_ratio"),
        ({"train": {"learning_rat": 1}}, "train.learning_rat: unknown key; did you mean learning_rate"),
        ({"evaluate": {"suits": ["micro"]}}, "evaluate.suits: unknown key; did you mean suites"),
    ],
)
def test_an_unknown_key_is_named_with_its_place_and_near_match(tmp_path, data, message):
    generate = GENERATE["generate"] | data.get("generate", {})
    assert message in refused(tmp_path, data | {"generate": generate})


def test_an_unknown_key_like_no_other_comes_with_the_known_ones(tmp_path):
    message = refused(tmp_path, GENERATE | {"score": {"zzz": 1}})
    assert message == "score.zzz: unknown key; known keys: ranker, params"


def test_all_errors_of_a_file_are_told_at_once(tmp_path):
    message = refused(tmp_path, {"generate": {"n_tests": 0}, "score": {"zzz": 1}, "seed": "x"})
    assert [part.split(":")[0] for part in message.split("; ") if ":" in part] == [
        "seed",
        "generate.n_tests",
        "score.zzz",
        "known keys",
    ]


def test_a_ranker_may_have_any_parameters(tmp_path):
    params = {"damping": 0.5, "mine": {"deep": [1]}}
    assert load(tmp_path, GENERATE | {"score": {"params": params}}).score.params == params


@pytest.mark.parametrize("section", SECTIONS, ids=lambda s: s.__name__)
def test_no_section_takes_unknown_keys_or_can_be_changed(section: type[BaseModel]):
    assert section.model_config["extra"] == "forbid"
    assert section.model_config["frozen"]


@pytest.mark.parametrize("section", SECTIONS, ids=lambda s: s.__name__)
def test_every_section_says_what_it_is_for(section):
    assert section.__doc__


def test_a_file_cannot_ask_for_programs_to_run_unconfined(tmp_path):
    message = refused(tmp_path, GENERATE | {"execute": {"sandbox": "unconfined"}})
    assert message == "execute: 'unconfined' cannot be asked for in a file; pass --sandbox unconfined instead"


def test_a_file_may_choose_among_sandboxes(tmp_path):
    assert load(tmp_path, GENERATE | {"execute": {"sandbox": "landlock"}}).execute.sandbox == "landlock"


def test_the_command_line_may_ask_for_programs_to_run_unconfined():
    assert ExecuteConfig(sandbox="unconfined").sandbox == "unconfined"


@pytest.mark.parametrize("problems", [{}, {"suite": "micro", "path": "p.jsonl"}, {"split": "train"}])
def test_problems_come_from_exactly_one_place(tmp_path, problems):
    message = refused(tmp_path, GENERATE | {"problems": problems})
    assert message == "problems: give exactly one of 'suite' and 'path'"


@pytest.mark.parametrize(
    "data", [{"seed": 1}, {"candidates": "c", "train": {}}, {"candidates": "c", "evaluate": {}}]
)
def test_a_run_that_needs_a_model_has_to_name_it(tmp_path, data):
    assert refused(tmp_path, data).startswith("configuration: section 'generate' names the model")


def test_relative_paths_are_relative_to_the_file(tmp_path, monkeypatch):
    (tmp_path / "conf").mkdir()
    monkeypatch.chdir(tmp_path)
    data = GENERATE | {
        "candidates": "../c.jsonl",
        "problems": {"path": "sub/p.jsonl", "limit": 3},
        "pairs": {"calibration": "mine.json", "min_confidence": 0.5},
    }
    config = load(Path("conf"), data)
    assert config.candidates == (str(tmp_path.resolve() / "c.jsonl"),)
    assert config.problems == ProblemsConfig(path=tmp_path.resolve() / "conf" / "sub" / "p.jsonl", limit=3)
    assert config.pairs == PairsConfig(calibration=tmp_path.resolve() / "conf" / "mine.json", min_confidence=0.5)


def test_the_paths_of_a_training_are_relative_to_the_file(tmp_path):
    train = {"method": "sft", "data": "../d.jsonl", "prompt_form": "chat", "chat_template": "t.jinja"}
    found = load(tmp_path, GENERATE | {"train": train}).train
    assert (found.data, found.chat_template) == (
        tmp_path.resolve().parent / "d.jsonl",
        tmp_path.resolve() / "t.jinja",
    )


def test_the_built_in_chat_template_is_no_path(tmp_path):
    train = {"prompt_form": "chat", "chat_template": "instruction"}
    assert load(tmp_path, GENERATE | {"train": train}).train.chat_template == "instruction"


def test_a_chat_template_without_chat_is_refused(tmp_path):
    message = refused(tmp_path, GENERATE | {"train": {"chat_template": "instruction"}})
    assert message == "train: chat_template needs prompt_form: chat"


def test_absolute_paths_stay(tmp_path):
    place = tmp_path.resolve() / "elsewhere" / "c.jsonl"
    assert load(tmp_path, {"candidates": str(place)}).candidates == (str(place),)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", "a mapping of sections is expected, got NoneType"),
        ("- generate", "a mapping of sections is expected, got list"),
        ("just text", "a mapping of sections is expected, got str"),
        ("a: [1", "cannot be read as YAML"),
        ("a: !!python/object/apply:os.getcwd []", "cannot be read as YAML"),
        ("generate: base", "generate: "),
        ("1: 2", ""),
    ],
)
def test_what_is_not_a_configuration_is_refused(tmp_path, data, message):
    assert refused(tmp_path, data).startswith(message)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\xff"])
def test_what_cannot_be_read_is_refused(tmp_path, content):
    path = tmp_path / "run.yaml"
    if content:
        path.write_bytes(content)
    with pytest.raises(UsageError, match="cannot be read as YAML"):
        load_config(path)


@pytest.mark.parametrize(
    ("section", "values"),
    [
        (GenerateConfig, {"n_solutions": 0}),
        (GenerateConfig, {"temperature": -0.1}),
        (GenerateConfig, {"top_p": 1.1}),
        (GenerateConfig, {"prompt_form": "poem"}),
        (ExecuteConfig, {"cpu_s": 0}),
        (ExecuteConfig, {"cpu_s": float("inf")}),
        (ExecuteConfig, {"wall_s": float("nan")}),
        (ExecuteConfig, {"cpu_s": 3.0, "wall_s": 2.0}),
        (ExecuteConfig, {"memory_mb": 32}),
        (ExecuteConfig, {"workers": 0}),
        (PairsConfig, {"kinds": ()}),
        (PairsConfig, {"kinds": ("beauty",)}),
        (TimingConfig, {"min_ratio": 1.0}),
        (TimingConfig, {"rounds": 1}),
        (TrainConfig, {"warmup_ratio": 1.0}),
        (EvaluateConfig, {"suites": ()}),
        (EvaluateConfig, {"ks": ()}),
        (ProblemsConfig, {"suite": "micro", "split": "test"}),
        (ProblemsConfig, {"suite": "micro", "limit": 0}),
    ],
)
def test_values_out_of_range_are_refused(section, values):
    with pytest.raises(ValidationError, match=next(reversed(values))):
        section(**values)


def test_candidates_may_be_several_files_globs_and_urls(tmp_path):
    config = load(tmp_path, {"candidates": ["part-*.jsonl", "/a/b.jsonl", "s3://bucket/c.jsonl"]})
    folder = tmp_path.resolve()
    assert config.candidates == (str(folder / "part-*.jsonl"), "/a/b.jsonl", "s3://bucket/c.jsonl")


def test_an_address_of_a_cluster_is_used_by_an_executor_that_takes_it():
    assert ExecuteConfig(executor="ray", ray_address="auto").ray_address == "auto"
    with pytest.raises(ValidationError, match="ray_address needs executor: ray"):
        ExecuteConfig(ray_address="auto")

"""The defaults that commands show are those of the configuration, which is too slow to import for `--help`."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest
from pydantic_core import PydanticUndefined

from codedpo_plugin.cli.build import build
from codedpo_plugin.cli.evaluate import evaluate
from codedpo_plugin.cli.generate import generate
from codedpo_plugin.cli.train import train
from codedpo_plugin.config import (
    EvaluateConfig,
    ExecuteConfig,
    GenerateConfig,
    PairsConfig,
    ProblemsConfig,
    Section,
    TrainConfig,
)


@pytest.mark.parametrize(
    ("command", "section", "shared"),
    [
        (train, TrainConfig, 11),
        (generate, GenerateConfig, 10),
        (generate, ProblemsConfig, 3),
        (evaluate, EvaluateConfig, 5),
        (evaluate, ExecuteConfig, 2),
        (build, ExecuteConfig, 5),
        (build, PairsConfig, 5),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_an_option_named_like_a_field_has_its_default(
    command: Callable[..., None], section: type[Section], shared: int
) -> None:
    options = {name: option.default for name, option in inspect.signature(command).parameters.items()}
    fields = {name: field.default for name, field in section.model_fields.items()}
    both = {
        name
        for name in options.keys() & fields.keys()
        if options[name] is not inspect.Parameter.empty and fields[name] is not PydanticUndefined
    }
    assert {name: str(options[name]) for name in both} == {name: str(fields[name]) for name in both}
    assert len(both) == shared

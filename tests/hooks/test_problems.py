"""The built-in plugin that makes problems: of a suite, or of a file."""

from __future__ import annotations

import logging

import pytest

from codedpo_plugin.config import ExecuteConfig, ProblemsConfig
from codedpo_plugin.context import Context
from codedpo_plugin.errors import InputError, UsageError
from codedpo_plugin.formats import jsonl
from codedpo_plugin.manager import create_plugins
from codedpo_plugin.records import Problem
from codedpo_plugin.suites.micro import micro_problems


@pytest.fixture
def context():
    return Context(create_plugins(installed=False))


def make(context: Context, **config: object) -> list[Problem]:
    return list(context.plugins.make_problems((), ProblemsConfig(**config), ExecuteConfig(), context))


@pytest.mark.parametrize("split", ["train", "heldout", "all"])
def test_the_problems_of_a_suite_are_those_of_the_split(context, split):
    assert make(context, suite="micro", split=split) == [entry.problem for entry in micro_problems(split)]


def test_the_problems_of_a_file_are_taken_and_its_bad_lines_counted(context, tmp_path, caplog):
    path = tmp_path / "problems.jsonl"
    path.write_bytes(jsonl.line(Problem("a", "p")) + b"{\n" + jsonl.line(Problem("b", "p")))
    with caplog.at_level(logging.WARNING):
        assert [p.problem_id for p in make(context, path=path)] == ["a", "b"]
    assert context.counts["bad_lines"] == 1
    assert "1 lines were left out" in caplog.text
    assert f"{path}:2" in caplog.text


def test_a_file_without_bad_lines_is_taken_without_a_word(context, tmp_path, caplog):
    path = tmp_path / "problems.jsonl"
    jsonl.write(path, [Problem("a", "p")])
    make(context, path=path)
    assert caplog.text == ""


@pytest.mark.parametrize(("limit", "number"), [(1, 1), (5, 5), (1_000, 30), (None, 30)])
def test_the_first_so_many_are_taken(context, limit, number):
    found = make(context, suite="micro", limit=limit)
    assert found == [entry.problem for entry in micro_problems("train")][:number]


def test_an_unknown_suite_comes_with_near_matches(context):
    with pytest.raises(UsageError, match=r"unknown suite 'mikro'\. Did you mean 'micro'"):
        make(context, suite="mikro")


def test_a_file_that_is_not_there_is_an_error(context, tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        make(context, path=tmp_path / "problems.jsonl")

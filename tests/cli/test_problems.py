"""``codedpo seeds`` and ``codedpo problems`` on the command line."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from codedpo_plugin.cli import app
from codedpo_plugin.errors import InputError, UsageError
from codedpo_plugin.formats import jsonl
from codedpo_plugin.records import Problem


def codedpo(*arguments: object) -> str:
    done = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def fails(*arguments: object) -> Exception:
    done = CliRunner().invoke(app, list(map(str, arguments)))
    assert done.exception is not None
    return done.exception


@pytest.fixture
def corpus(tmp_path):
    folder = tmp_path / "corpus"
    folder.mkdir()
    for number in range(5):
        (folder / f"{number}.py").write_text(f"def f(x):\n    return x + {number}\n")
    return folder


def test_seeds_are_written(corpus, tmp_path):
    shown = codedpo("seeds", "-o", tmp_path / "run", "--folder", corpus, "--quota", "python=3, rust=2")
    assert f"seeds: {tmp_path}/run/seeds.jsonl" in shown
    seeds, _ = jsonl.read_all(tmp_path / "run" / "seeds.jsonl", jsonl.seed_from, unique=False)
    assert len(seeds) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--quota", "python"], "quotas"),
        (["--quota", "python=0"], "positive"),
        (["--quota", "cobol=5"], "unknown language 'cobol'"),
        (["--dataset", "x", "--folder", "y"], "not both"),
        (["--dataset-args", "[1]"], "--dataset-args has to be a JSON object"),
    ],
)
def test_wrong_options_are_named(tmp_path, options, message):
    error = fails("seeds", "-o", tmp_path / "run", *options)
    assert isinstance(error, UsageError)
    assert message in str(error)


def test_an_empty_folder_is_an_error(tmp_path):
    (tmp_path / "empty").mkdir()
    assert isinstance(fails("seeds", "-o", tmp_path / "run", "--folder", tmp_path / "empty"), InputError)


def test_problems_are_cleaned_and_reported_on(tmp_path):
    problems = [
        Problem("a", "Sort a list of numbers."),
        Problem("b", "sort a LIST of numbers"),
        Problem("c", "See x.csv"),
    ]
    jsonl.write(tmp_path / "p.jsonl", problems)
    common = ("problems", "-o", tmp_path / "run")
    plot = tmp_path / "plot.png"
    shown = codedpo(
        *common, "--problems", tmp_path / "p.jsonl", "--benchmark", "", "--no-run", "--report", "--plot", plot
    )
    assert "duplicate" in shown
    assert "Algorithmic and Data Structure" in shown
    report = json.loads((tmp_path / "run" / "problems_report.json").read_text())
    assert report["problems"] == 1
    assert report["counts"]["mentions_outside_file"] == 1
    assert sum(report["categories"].values()) == 1
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert codedpo(*common, "--report") == shown.replace(f"problems: {tmp_path}/run/problems.jsonl\n", "").replace(
        f"plot: {plot}\n", ""
    )


def test_a_model_makes_problems_of_the_seeds_that_lie_there(corpus, tmp_path):
    """The dummy model of lm-eval answers rubbish: the run says so, by reason, and stops."""
    codedpo("seeds", "-o", tmp_path / "run", "--folder", corpus, "--quota", "python=4")
    error = fails("problems", "-o", tmp_path / "run", "--model", "dummy", "--benchmark", "")
    assert isinstance(error, InputError)
    assert "not one problem" in str(error)
    assert "questions: 4" in str(error)


def test_without_seeds_they_are_collected_from_the_standard_library(tmp_path):
    error = fails("problems", "-o", tmp_path / "run", "--model", "dummy", "--benchmark", "", "--limit", "2")
    assert "questions: 2" in str(error)
    assert (tmp_path / "run" / "seeds.jsonl").exists()


def test_without_anything_to_do_it_says_what_to_give(tmp_path):
    assert "--model" in str(fails("problems", "-o", tmp_path / "run"))


def test_a_report_needs_problems(tmp_path):
    assert "does not exist" in str(fails("problems", "-o", tmp_path / "run", "--report"))

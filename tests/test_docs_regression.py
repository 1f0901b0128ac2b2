"""The recipes of ``docs/regression.md``: what is shown there is what works."""

from __future__ import annotations

import configparser
import shlex
import tomllib
from itertools import pairwise
from pathlib import Path

from codedpo_plugin.evaluation.gates import parse_gate
from codedpo_plugin.harness.discovery import tasks_path

ROOT = Path(__file__).resolve().parents[1]


def environment() -> configparser.SectionProxy:
    """Return the environment of tox in the page."""
    text = (ROOT / "docs" / "regression.md").read_text("utf-8").partition("```ini\n")[2].partition("```")[0]
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(text)
    (section,) = parser.sections()
    return parser[section]


def commands() -> list[list[str]]:
    joined = environment()["commands"].replace("\\\n", " ")
    return [shlex.split(line) for line in joined.strip().splitlines()]


def test_the_environment_needs_no_package_of_the_users_own():
    assert environment().getboolean("skip_install")


def test_it_installs_an_extra_that_exists():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    name, _, extra = environment()["deps"].strip().rstrip("]").partition("[")
    assert name == project["name"]
    assert extra in project["optional-dependencies"]


def test_its_task_and_its_gates_exist():
    evaluate, compare = commands()
    assert (tasks_path() / f"{evaluate[evaluate.index('--tasks') + 1]}.yaml").is_file()
    gates = [parse_gate(text) for option, text in pairwise(compare) if option == "--gate"]
    assert len(gates) == 3


def test_what_is_compared_is_what_was_written():
    evaluate, compare = commands()
    assert compare[:3] == ["codedpo", "compare", "baseline"]
    assert compare[3] == evaluate[evaluate.index("--output_path") + 1]
    assert "--log_samples" in evaluate

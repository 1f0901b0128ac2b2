"""What an installation brings: the wheel's files, its entry points, and a plugin of somebody else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from codedpo_plugin.formats import jsonl
from codedpo_plugin.records import Candidates
from codedpo_plugin.suites.micro import micro_problems

ROOT = Path(__file__).resolve().parents[1]


def pip(*arguments: object) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture(scope="module")
def wheel_files(tmp_path_factory) -> list[str]:
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    keep = ("codedpo_plugin", "hooks", "tasks", "pyproject.toml", "README.md", "LICENSE")
    for name in keep:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        source.mkdir(exist_ok=True)
        copy(ROOT / name, source / name)
    pip("wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", folder, source)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_the_wheel_lays_the_tasks_where_lm_eval_looks(wheel_files):
    for file in (ROOT / "tasks").glob("*.yaml"):
        assert f"lm_eval/tasks/codedpo/{file.name}" in wheel_files


def test_the_wheel_installs_nothing_under_a_generic_name(wheel_files):
    tops = {name.split("/")[0] for name in wheel_files}
    assert tops == {"codedpo_plugin", "lm_eval", next(t for t in tops if t.endswith(".dist-info"))}
    assert all(name.startswith("lm_eval/tasks/codedpo/") for name in wheel_files if name.startswith("lm_eval"))


@pytest.mark.parametrize(
    "file",
    [
        "codedpo_plugin/py.typed",
        "codedpo_plugin/embedded/CARD.md",
        "codedpo_plugin/embedded/model/model.safetensors",
        "codedpo_plugin/embedded/model/tokenizer.json",
        "codedpo_plugin/hooks/score.py",
        "codedpo_plugin/report/page.html.j2",
        "codedpo_plugin/suites/micro/lists.toml",
        "codedpo_plugin/execution/child.py",
    ],
)
def test_the_wheel_has_every_kind_of_file(wheel_files, file):
    assert file in wheel_files


def test_the_entry_points_of_newer_harness_versions_are_declared():
    assert {e.name for e in entry_points(group="lm_eval.tasks")} >= {"codedpo"}
    models = {e.name: e for e in entry_points(group="lm_eval.models")}
    assert models["codedpo-replay"].load().__name__ == "ReplayLM"


@pytest.fixture(scope="module")
def with_example(tmp_path_factory) -> dict[str, str]:
    """Install the example plugin of the documentation; return the environment that finds it."""
    folder = tmp_path_factory.mktemp("example")
    source = shutil.copytree(ROOT / "docs" / "example_plugin", folder / "source")
    pip("install", "--no-deps", "--no-build-isolation", "--no-index", "--target", folder / "site", source)
    return os.environ | {"PYTHONPATH": str(folder / "site")}


def test_an_installed_plugin_is_listed_with_its_hooks(with_example):
    command = [sys.executable, "-P", "-m", "codedpo_plugin", "plugins", "--json"]
    done = subprocess.run(command, env=with_example, capture_output=True, check=True)
    shown = json.loads(done.stdout)
    assert shown["plugins"][0]["name"] == "popular"
    assert shown["plugins"][0]["hooks"] == ["codedpo_register_rankers", "codedpo_report"]
    assert "popular" in shown["rankers"]


def test_an_installed_plugin_ranks_and_replaces_a_stage(with_example, tmp_path):
    entry = micro_problems("train")[0]
    programs = tuple(entry.prompt + body for body in entry.bodies)
    record = Candidates(entry.id, entry.prompt, entry.entry_point, programs, entry.tests)
    jsonl.write(tmp_path / "c.jsonl", [record])
    options = ["--ranker", "popular", "--kind", "correctness"]
    for command in (
        ["build", tmp_path / "c.jsonl", "-o", tmp_path / "run", *options],
        ["report", tmp_path / "run"],
    ):
        full = [sys.executable, "-P", "-m", "codedpo_plugin", *map(str, command)]
        done = subprocess.run(full, env=with_example, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "report.txt").read_text() == "1 pairs\n"


def test_the_documented_plugin_is_the_tested_one():
    source = (ROOT / "docs" / "example_plugin" / "codedpo_popular.py").read_text()
    assert source.strip() in (ROOT / "docs" / "plugins.md").read_text()

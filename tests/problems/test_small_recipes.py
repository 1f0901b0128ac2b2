"""Magicoder's order as its small recipes have it, with a tiny model: OSS-Instruct, then Evol-Instruct on top."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from codedpo_plugin.cli import app
from codedpo_plugin.contracts import Seed
from codedpo_plugin.formats import jsonl
from codedpo_plugin.problems.making.methods import seed_question

from .transcript import TRANSCRIPT

DATA = Path(os.environ.get("CODEDPO_TEST_DATA") or Path(__file__).parents[3] / "shared" / "data")
RECIPES = Path(__file__).resolve().parents[2] / "recipes" / "small"

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.filterwarnings("default"),
    pytest.mark.skipif(not DATA.is_dir(), reason=f"no benchmark data in {DATA}; CODEDPO_TEST_DATA names it"),
]


def test_the_small_recipes_run_one_after_the_other(tiny_model, tmp_path, monkeypatch):
    monkeypatch.setenv("HUMANEVAL_OVERRIDE_PATH", str(DATA / "humanevalplus-v0.1.10.jsonl.gz"))
    monkeypatch.setenv("MBPP_OVERRIDE_PATH", str(DATA / "mbppplus-v0.2.0.jsonl.gz"))
    monkeypatch.setenv("DS1000_OVERRIDE_PATH", str(DATA / "ds1000" / "ds1000.jsonl.gz"))
    monkeypatch.chdir(shutil.copytree(RECIPES, tmp_path / "recipes"))
    Path("model").symlink_to(tiny_model)
    good = [(seed, answer) for seed, answer, reason in TRANSCRIPT if not reason]
    made = [seed_question("oss-instruct", Seed(s.text, s.language, s.source), "chat").read(a) for s, a in good]
    jsonl.write(Path("problems.jsonl"), made)
    jsonl.write(Path("evolved.jsonl"), made[:3])
    for step, solutions in (("1-oss-instruct", 5), ("2-evol-instruct", 3)):
        done = CliRunner().invoke(app, ["run", f"{step}.yaml"], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        stages = json.loads(Path(step, "manifest.json").read_text())["stages"]
        assert list(stages) == ["problems", "train"]
        assert stages["train"]["counts"]["solutions"] == solutions
        assert Path(step, "train", "model.safetensors").exists()

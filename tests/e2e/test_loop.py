"""The whole loop with a real, tiny model: ``codedpo run`` from a configuration, then by single commands."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from codedpo_plugin.config import ExecuteConfig
from codedpo_plugin.demo import demo_config
from codedpo_plugin.formats import jsonl
from codedpo_plugin.records import Candidates
from codedpo_plugin.suites.micro import micro_problems

pytestmark = [pytest.mark.e2e, pytest.mark.filterwarnings("default")]


def codedpo(*arguments: object) -> str:
    command = [sys.executable, "-P", "-m", "codedpo_plugin", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


@pytest.fixture
def recorded(tmp_path) -> Path:
    """Return candidates as a model might have written them: the tiny one writes noise."""
    path = tmp_path / "recorded.jsonl"
    jsonl.write(
        path,
        [
            Candidates(e.id, e.prompt, e.entry_point, tuple(e.prompt + b for b in e.bodies), e.tests + e.timing)
            for e in micro_problems("train")[:6]
        ],
    )
    return path


def test_run_from_recorded_candidates_to_a_comparison(tiny_model, recorded, tmp_path):
    config = {
        "candidates": str(recorded),
        "generate": {"model_args": {"pretrained": str(tiny_model)}},
        "train": {"method": "rpo", "lora": True, "learning_rate": 1e-3, "max_steps": 2, "batch_size": 1},
        "evaluate": {"suites": ["micro"], "max_tokens": 16, "limit": 4},
    }
    (tmp_path / "loop.yaml").write_text(yaml.safe_dump(config))
    shown = codedpo("run", tmp_path / "loop.yaml")
    run = tmp_path / "loop"
    pairs = [json.loads(line) for line in (run / "pairs.jsonl").read_text().splitlines()]
    assert {pair["kind"] for pair in pairs} == {"correctness", "efficiency"}
    assert (run / "train" / "model.safetensors").is_file()
    (comparison,) = json.loads((run / "comparison.json").read_text())
    assert comparison["before"]["pass@1"]["n"] == comparison["after"]["pass@1"]["n"] == 4
    assert "before" in shown
    assert "rpo" in (run / "report.html").read_text()


def test_generate_really_asks_the_model(tiny_model, tmp_path):
    """A random model writes no code: the run says so, by reason, and stops."""
    command = [
        sys.executable,
        "-P",
        "-m",
        "codedpo_plugin",
        "generate",
        "--model",
        tiny_model,
        "-o",
        tmp_path / "run",
    ]
    command += ["--limit", 1, "-n", 2, "-t", 2, "--max-solution-tokens", 8, "--max-test-tokens", 8]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "not one problem with solutions and tests" in done.stderr


def test_the_stages_as_single_commands(tiny_model, recorded, tmp_path):
    run = tmp_path / "run"
    codedpo("build", recorded, "-o", run, "--kind", "correctness")
    codedpo("train", run, "--model", tiny_model, "--max-steps", 1, "--batch-size", 1, "--lora")
    for side, which in (("before", tiny_model), ("after", run / "train")):
        options = ("--limit", 2, "--max-tokens", 8, "--n-samples", 2, "--temperature", 0.8, "--k", "1,2")
        shown = codedpo("evaluate", "--suite", "micro", "--model", which, "-o", tmp_path / side, *options)
        assert "pass@2" in shown
    assert "solved by both" in codedpo("compare", tmp_path / "before", tmp_path / "after")
    codedpo("report", run)
    assert (run / "report.html").is_file()


def test_the_loop_of_the_demo_on_fewer_problems(tmp_path):
    """The embedded model writes right and wrong solutions, pairs come of them, and it is trained and compared."""
    config = demo_config(0, ExecuteConfig()).model_dump(mode="json")
    config["problems"]["limit"] = 12
    config["generate"] |= {"n_solutions": 8, "n_tests": 8}
    config["train"]["max_steps"] = 2
    config["evaluate"] |= {"limit": 12, "n_samples": 4}
    (tmp_path / "demo.yaml").write_text(yaml.safe_dump(config))
    shown = codedpo("run", tmp_path / "demo.yaml")
    run = tmp_path / "demo"
    assert "mean speedup" in shown
    assert len((run / "candidates.jsonl").read_text().splitlines()) == 12
    kinds = [json.loads(line)["kind"] for line in (run / "pairs.jsonl").read_text().splitlines()]
    assert kinds.count("correctness") >= 6
    assert "efficiency" in kinds
    (comparison,) = json.loads((run / "comparison.json").read_text())
    assert comparison["before"]["pass@1"]["n"] == 12
    assert comparison["before"]["pass@1"]["value"] < 0.9  # there is something to learn

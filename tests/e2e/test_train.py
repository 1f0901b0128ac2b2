"""``codedpo train`` as real processes: killed and continued, and launched as two at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from codedpo_plugin.formats import jsonl
from codedpo_plugin.records import PairKind, PreferencePair
from codedpo_plugin.suites.micro import micro_problems

pytestmark = [pytest.mark.e2e, pytest.mark.filterwarnings("default")]

OPTIONS = ("--batch-size", 2, "--gradient-accumulation", 1, "--lr", 1e-3)
SETTINGS = ("--set", "track_share=0.2", "--set", "track_every=2", "--set", "checkpoint_every=1")
PATIENCE_S = 300


def command(run: Path, model: Path, *more: object) -> list[str]:
    return [*map(str, ("codedpo_plugin", "train", run, "--model", model, *OPTIONS, *SETTINGS, *more))]


def finish(*arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr[-4000:]
    return done


def figures(path: Path) -> list[dict[str, float]]:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [{name: value for name, value in line.items() if name != "kind"} for line in lines]


@pytest.fixture
def runs(tmp_path) -> tuple[Path, Path]:
    """Return two run directories with the same pairs."""
    entries = micro_problems("train")[:10]
    pairs = [
        PreferencePair(e.prompt, e.reference, e.wrong[0], PairKind.CORRECTNESS, e.id, 2, 1, 1) for e in entries
    ]
    for name in ("one", "other"):
        jsonl.write(tmp_path / name / "pairs.jsonl", pairs)
    return tmp_path / "one", tmp_path / "other"


def test_a_killed_training_gives_the_weights_of_an_undisturbed_one(tiny_model, runs):
    undisturbed, killed = runs
    finish(sys.executable, "-P", "-m", *command(undisturbed, tiny_model))
    process = subprocess.Popen([sys.executable, "-P", "-m", *command(killed, tiny_model)], stderr=subprocess.PIPE)
    deadline = time.monotonic() + PATIENCE_S
    while not list((killed / "train.checkpoints").glob("checkpoint-2/*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (killed / "train").exists()
    continued = finish(sys.executable, "-P", "-m", *command(killed, tiny_model))
    assert "the training continues after step" in continued.stderr
    for name in ("model.safetensors", "logprobs.jsonl", "log.jsonl"):
        assert (killed / "train" / name).read_bytes() == (undisturbed / "train" / name).read_bytes(), name
    assert (killed / "manifest.json").read_bytes() == (undisturbed / "manifest.json").read_bytes()
    assert not (killed / "train.checkpoints").exists()


def test_two_processes_train_together(tiny_model, runs, monkeypatch):
    one, two = runs
    monkeypatch.chdir(one)  # launched modules are looked for where one is, which is no checkout with users
    # --multi_gpu is what starts several processes, also where there is no GPU: with --cpu accelerate starts one.
    launch = ("-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--num_machines", "1")
    port = ("--main_process_port", "0", "--mixed_precision", "no", "--dynamo_backend", "no")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    launched = finish(sys.executable, *launch, *port, "-m", *command(two, tiny_model))
    assert launched.stdout.count("model: ") == 1
    assert launched.stderr.count("train: held out problems") == 1
    # Two processes with two pairs each take the steps of one process with all four.
    finish(sys.executable, "-P", "-m", *command(one, tiny_model, "--batch-size", 4))
    for name in ("log.jsonl", "logprobs.jsonl"):
        for found, expected in zip(*(figures(run / "train" / name) for run in (two, one)), strict=True):
            assert found == pytest.approx(expected, rel=1e-2, abs=1e-3), name

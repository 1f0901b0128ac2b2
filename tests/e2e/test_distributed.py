"""The evaluation tasks under lm-eval as two processes, as ``accelerate launch`` starts them on two devices."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from codedpo_plugin.demo import embedded_model

pytestmark = [pytest.mark.e2e, pytest.mark.filterwarnings("default")]

PROBLEMS = 5

# lm-eval shares documents out among GPUs only; without one its model is told here which process it is.
SCRIPT = """
import json, sys
from lm_eval import simple_evaluate
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager
from codedpo_plugin.harness.discovery import tasks_path

model, limit, target, baseline = sys.argv[1:]
metadata = {"split": "composed_dev"} | ({"baseline": baseline} if baseline else {})
lm = HFLM(pretrained=model, dtype="float32", device="cpu", batch_size=1)
if hasattr(lm, "accelerator"):
    lm._rank, lm._world_size = lm.accelerator.local_process_index, lm.accelerator.num_processes
found = simple_evaluate(
    lm, tasks=["codedpo_micro"], limit=int(limit), gen_kwargs="max_gen_toks=96", log_samples=True,
    metadata=metadata, task_manager=TaskManager(include_path=str(tasks_path()), metadata=metadata),
)
if found:
    samples = sorted(found["samples"]["codedpo_micro"], key=lambda sample: sample["doc_id"])
    kept = [(sample["doc_id"], sample["pass@1"], sample["resps"][0][0]) for sample in samples]
    results = found["results"]["codedpo_micro"]
    metrics = {name: results[f"{name},execute"] for name in ("pass@1", "timed") if f"{name},execute" in results}
    json.dump({"metrics": metrics, "samples": kept}, open(target, "w"))
    with open("samples_codedpo_micro_2026-01-01T00-00-00.000000.jsonl", "w") as log:  # as --log_samples does
        for sample in samples:
            print(json.dumps(sample, default=str), file=log)
"""


def evaluated(folder: Path, *launcher: str, baseline: Path | str = "") -> dict[str, object]:
    folder.mkdir()
    script, target = folder / "evaluate.py", folder / "found.json"
    script.write_text(SCRIPT)
    command = [sys.executable, *launcher, str(script), str(embedded_model()), str(PROBLEMS), str(target)]
    command.append(str(baseline))
    settings = {"ACCELERATE_USE_CPU": "1", "GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=300, cwd=folder, env=os.environ | settings
    )
    assert done.returncode == 0, done.stderr[-4000:]
    found: dict[str, object] = json.loads(target.read_text())
    return found


def test_two_processes_find_what_one_finds(tmp_path):
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
    one = evaluated(tmp_path / "one")
    two = evaluated(tmp_path / "two", *launcher, baseline=tmp_path / "one")
    assert [number for number, *_ in two["samples"]] == list(range(PROBLEMS))
    assert two["samples"] == one["samples"]
    solved = sum(passed for _, passed, _ in one["samples"])
    assert solved, "no program could be timed against itself"
    assert two["metrics"] == one["metrics"] | {"timed": solved}

"""The demo's loop for several seeds: pass@1 and speed on held-out problems, before and after.

    python benchmarks/demo.py [--seeds 0,1,2] [--split composed_dev] [--set train.beta=0.2 …] [-o DIR]

Without ``--split`` and ``--set`` each run is what ``codedpo demo --seed N`` does. ``--set`` changes any key of the
configuration, which is how settings were chosen (on ``composed_dev``) and how ablations are made.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from codedpo_plugin.config import ExecuteConfig
from codedpo_plugin.demo import demo_config
from codedpo_plugin.rundir import RunDirectory

COLUMNS = (
    "seed", "correctness pairs", "efficiency pairs", "pass@1 before", "after", "difference", "solved by both",
    "mean speedup", "wall s", "CPU s",
)  # fmt: skip


def configuration(seed: int, split: str, changes: list[str]) -> dict[str, Any]:
    """Return the demo's configuration, changed as ``section.key=value`` says."""
    config = demo_config(seed, ExecuteConfig(), split).model_dump(mode="json")
    for change in changes:
        path, _, value = change.partition("=")
        *sections, key = path.split(".")
        place = config
        for section in sections:
            place = place[section]
        place[key] = yaml.safe_load(value)
    return config


def run(config: dict[str, Any], folder: Path) -> tuple[float, float]:
    """Run a configuration; return wall and CPU seconds."""
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "config.yaml"
    source.write_text(yaml.safe_dump(config), "utf-8")
    begin, used = time.monotonic(), _cpu_s()
    command = [sys.executable, "-m", "codedpo_plugin", "run", str(source), "-o", str(folder / "run"), "--restart"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - begin, _cpu_s() - used


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def row(seed: int, directory: RunDirectory, wall_s: float, cpu_s: float) -> str:
    """Return one seed's row of the table."""
    (comparison,) = json.loads(directory.comparison.read_text("utf-8"))
    counts = json.loads(directory.manifest.read_text("utf-8"))["stages"]["pairs"]["counts"]
    cells = (
        seed,
        counts.get("correctness_pairs", 0),
        counts.get("efficiency_pairs", 0),
        _estimate(comparison["before"]["pass@1"]),
        _estimate(comparison["after"]["pass@1"]),
        _estimate(comparison["differences"]["pass@1"], "+.3f"),
        comparison["solved_by_both"],
        _estimate(comparison["mean_speedup"], ".2f"),
        f"{wall_s:.0f}",
        f"{cpu_s:.0f}",
    )
    return "| " + " | ".join(map(str, cells)) + " |"


def _estimate(estimate: dict[str, Any], form: str = ".3f") -> str:
    value, low, high = (format(estimate[part], form) for part in ("value", "low", "high"))
    return f"{value} ({low} – {high})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--split", default="composed_heldout")
    parser.add_argument("--set", dest="changes", nargs="*", default=[], metavar="SECTION.KEY=VALUE")
    parser.add_argument("-o", "--output", type=Path, default=Path("out/demo"))
    options = parser.parse_args()
    rows = []
    for seed in map(int, options.seeds.split(",")):
        folder = options.output / str(seed)
        seconds = run(configuration(seed, options.split, options.changes), folder)
        rows.append(row(seed, RunDirectory(folder / "run"), *seconds))
    print("| " + " | ".join(COLUMNS) + " |")
    print("|" + "---|" * len(COLUMNS))
    print("\n".join(rows))


if __name__ == "__main__":
    main()

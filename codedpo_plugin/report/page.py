"""``report.html``: one self-contained page about a run, readable without a network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from codedpo_plugin.errors import UsageError
from codedpo_plugin.formats import jsonl
from codedpo_plugin.formats.files import atomic_write
from codedpo_plugin.records import PreferencePair
from codedpo_plugin.rundir import Manifest, RunDirectory

SHOWN_PAIRS: Final = 20


def write_report(run: RunDirectory) -> Path:
    """Write the page about a run and return its path. Raises UsageError if the directory holds no run."""
    from jinja2 import Environment, PackageLoader

    if not run.manifest.exists():
        raise UsageError(f"{run.path} holds no run: there is no manifest.json")
    environment = Environment(loader=PackageLoader("codedpo_plugin", "report"), autoescape=True, trim_blocks=True)
    page = environment.get_template("page.html.j2").render(**contents(run))
    with atomic_write(run.report) as handle:
        handle.write(page.encode("utf-8", "replace"))
    return run.report


def contents(run: RunDirectory) -> dict[str, Any]:
    """Return what the page shows."""
    manifest = Manifest(run).data
    pairs = (
        list(jsonl.read(run.pairs, jsonl.pair_from, jsonl.BadLines(), unique=False)) if run.pairs.exists() else []
    )
    comparisons = json.loads(run.comparison.read_text("utf-8")) if run.comparison.exists() else []
    return {
        "name": run.path.resolve().name,
        "stages": {name: stage["counts"] for name, stage in manifest["stages"].items()},
        "versions": manifest["versions"],
        "config": json.dumps(manifest.get("config", {}), indent=2),
        "comparisons": comparisons,
        "results": _results(run),
        "pairs": [_shown(pair) for pair in pairs[:SHOWN_PAIRS]],
        "n_pairs": len(pairs),
    }


def _results(run: RunDirectory) -> list[Mapping[str, Any]]:
    """Return the metrics of every result of the run."""
    rows: list[Mapping[str, Any]] = []
    for label, where in (("before", run.before), ("after", run)):
        for file in sorted((where.path / "eval").glob("*.json")):
            data = json.loads(file.read_text("utf-8"))
            rows.append(
                {"side": label, "suite": data["suite"], "metrics": data["metrics"], "counts": data["counts"]}
            )
    return rows


def _shown(pair: PreferencePair) -> Mapping[str, Any]:
    return {
        "problem_id": pair.problem_id,
        "kind": str(pair.kind),
        "prompt": pair.prompt,
        "chosen": pair.chosen,
        "rejected": pair.rejected,
        "margin": f"{pair.margin:.4g}",
        "speedup": f"{pair.speedup:.2f}×" if pair.speedup else "",
    }

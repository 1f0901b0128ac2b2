"""A run directory: where each file is, and the manifest that says what is finished and from what it was made."""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from codedpo_plugin import __version__
from codedpo_plugin.errors import InputError, UsageError
from codedpo_plugin.formats.files import atomic_write
from codedpo_plugin.records import SCHEMA_VERSION

TOOLS: Final = (
    "lm-eval",
    "evalplus",
    "trl",
    "transformers",
    "torch",
    "peft",
    "datasets",
    "pyarrow",
    "numpy",
    "pluggy",
)


def tool_versions() -> dict[str, str]:
    """Return the versions of this package, of Python and of every tool that is installed."""
    found = {"codedpo-plugin": __version__, "python": platform.python_version()}
    for tool in TOOLS:
        try:
            found[tool] = version(tool)
        except PackageNotFoundError:
            continue
    return found


@dataclass(frozen=True, slots=True)
class StageRecord:
    """What the manifest keeps of a finished stage."""

    config: Mapping[str, Any]
    """The configuration the stage ran with."""
    inputs: Mapping[str, str]
    """Digests of the files it read."""
    counts: Mapping[str, int] = field(default_factory=dict)


SHARDS: Final = ".shards"
"""How the names of folders end that hold the shards of a stage."""

STEPS: Final = (("seeds",), ("problems",), ("generate", "candidates"), ("execute",), ("score",), ("pairs",))
"""The stages in their order; evaluation and training come after these."""


def step_of(stage: str) -> int:
    """Return the place of a stage in the order of all."""
    return next((place for place, names in enumerate(STEPS) if stage in names), len(STEPS))


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """The paths of a run."""

    path: Path

    @property
    def manifest(self) -> Path:
        """Return the path of the manifest."""
        return self.path / "manifest.json"

    @property
    def seeds(self) -> Path:
        """Return the path of the seeds that problems were made of."""
        return self.path / "seeds.jsonl"

    @property
    def answers(self) -> Path:
        """Return the path of a model's answers while problems are made, as it gave them."""
        return self.path / "answers.jsonl"

    @property
    def solutions(self) -> Path:
        """Return the path of the problems made with a solution, as supervised fine-tuning takes them."""
        return self.path / "solutions.jsonl"

    @property
    def problems_report(self) -> Path:
        """Return the path of the report on the problems."""
        return self.path / "problems_report.json"

    @property
    def problems(self) -> Path:
        """Return the path of the problems."""
        return self.path / "problems.jsonl"

    @property
    def candidates(self) -> Path:
        """Return the path of the candidates."""
        return self.path / "candidates.jsonl"

    @property
    def matrix(self) -> Path:
        """Return the path of the pass matrices."""
        return self.path / "matrix.parquet"

    @property
    def scores(self) -> Path:
        """Return the path of the scores."""
        return self.path / "scores.parquet"

    @property
    def pairs(self) -> Path:
        """Return the path of the preference pairs."""
        return self.path / "pairs.jsonl"

    @property
    def train(self) -> Path:
        """Return the path of the trained model."""
        return self.path / "train"

    @property
    def lock(self) -> Path:
        """Return the path of the lock, which is there while a process works on the run."""
        return self.path / "run.lock"

    @property
    def progress(self) -> Path:
        """Return the path of the notes on how far the stages are."""
        return self.path / "progress.json"

    def shards(self, stage: str) -> Path:
        """Return the path of what an interrupted stage continues from."""
        return self.path / f"{stage}{SHARDS}"

    @property
    def checkpoints(self) -> Path:
        """Return the path of what an interrupted training continues from."""
        return self.path / "train.checkpoints"

    @property
    def before(self) -> RunDirectory:
        """Return the directory of the results of the model before training."""
        return RunDirectory(self.path / "before")

    @property
    def report(self) -> Path:
        """Return the path of the report."""
        return self.path / "report.html"

    @property
    def comparison(self) -> Path:
        """Return the path of the comparison of before and after."""
        return self.path / "comparison.json"

    def result(self, suite: str) -> Path:
        """Return the path of the results of a suite."""
        return self.path / "eval" / f"{suite}.json"

    def require(self, path: Path, made_by: str) -> Path:
        """Return a file of this run. Raises UsageError with the command that makes it when it is not there."""
        if not path.exists():
            raise UsageError(f"{path} does not exist; make it with `codedpo {made_by}`")
        return path

    def exists(self) -> bool:
        """Return whether a run has left something here, finished or not."""
        return self.manifest.exists() or any(self.path.glob(f"*{SHARDS}"))

    def forget(self, stage: str, *, candidates: bool = True) -> None:
        """Remove what a stage and those after it have left here, and nothing else.

        What a model answered while problems were made is kept: it cost, and is found again by what was asked.
        ``candidates``: whether those here are of a stage; given ones are kept.
        """
        files = (
            (self.seeds,),
            (self.problems, self.solutions, self.problems_report),
            (self.candidates,) if candidates else (),
            (self.matrix,),
            (self.scores,),
            (self.pairs,),
            (self.report, self.comparison, self.progress),
        )
        for path in (path for own in files[step_of(stage) :] for path in own):
            path.unlink(missing_ok=True)
        shards = (self.shards(name) for names in STEPS[step_of(stage) :] for name in names)
        for folder in (self.train, self.checkpoints, self.before.path, self.path / "eval", *shards):
            shutil.rmtree(folder, ignore_errors=True)


class Manifest:
    """The manifest of a run: read once, written after every stage. Holds no times, so equal runs are equal.

    ``mend``: one that cannot be read is taken for an empty one.
    """

    def __init__(self, run: RunDirectory, *, mend: bool = False) -> None:
        self.path = run.manifest
        self.data: dict[str, Any] = {
            "schema_version": SCHEMA_VERSION,
            "versions": tool_versions(),
            "stages": {},
        }
        try:
            self.data = self._read() if self.path.exists() else self.data
        except InputError:
            if not mend:
                raise

    def _read(self) -> dict[str, Any]:
        try:
            data = json.loads(self.path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"{self.path}: not a manifest: {error}. Start afresh with --restart.") from error
        if not isinstance(data, dict) or data.get("schema_version") != SCHEMA_VERSION:
            raise InputError(
                f"{self.path}: schema version {SCHEMA_VERSION} is expected. Start afresh with --restart."
            )
        return data

    def finished(self, stage: str) -> StageRecord | None:
        """Return the record of a finished stage, or None."""
        kept = self.data["stages"].get(stage)
        if not kept or kept["state"] != "finished":
            return None
        return StageRecord(kept["config"], kept["inputs"], kept["counts"])

    def finish(self, stage: str, record: StageRecord) -> None:
        """Note that a stage has finished, and forget the stages that were made from an earlier run of it."""
        stages = self.data["stages"]
        later = list(stages)[list(stages).index(stage) + 1 :] if stage in stages else []
        for name in later:
            del stages[name]
        stages[stage] = {
            "state": "finished",
            "config": dict(record.config),
            "inputs": dict(record.inputs),
            "counts": dict(sorted(record.counts.items())),
        }
        self.data["versions"] = tool_versions()
        self.write()

    def forget(self, stage: str) -> None:
        """Forget a stage and those after it."""
        kept = {name: own for name, own in self.data["stages"].items() if step_of(name) < step_of(stage)}
        self.data["stages"] = kept
        self.write()

    def set(self, key: str, value: Any) -> None:
        """Set a top-level entry, such as the resolved configuration."""
        self.data[key] = value
        self.write()

    def write(self) -> None:
        """Write the manifest."""
        with atomic_write(self.path) as handle:
            handle.write(json.dumps(self.data, indent=2, ensure_ascii=False).encode() + b"\n")


def differences(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Return one line for each entry in which two nested mappings differ."""
    lines = []
    for key in sorted({*old, *new}, key=str):
        before, after = old.get(key), new.get(key)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            lines += differences(before, after, f"{prefix}{key}.")
        elif before != after:
            lines.append(f"  {prefix}{key}: {before!r} -> {after!r}")
    return lines

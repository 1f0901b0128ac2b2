"""How far a run is: noted by the process that works on it, read by whoever asks. Reading needs no lock.

The notes (``progress.json``) hold times and are therefore no part of what equal runs have in common.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from codedpo_plugin.errors import CodeDPOError, UsageError
from codedpo_plugin.formats.files import atomic_write
from codedpo_plugin.lock import Holder, holder_of
from codedpo_plugin.rundir import Manifest, RunDirectory
from codedpo_plugin.shards import problems_done

NOTE_EVERY_S: Final = 1.0
"""Seconds from one note to the next: what a reader waits, and a file of a few hundred bytes a second."""
BUILD: Final = ("execute", "score", "pairs")
"""The stages that always follow one another."""


@dataclass(slots=True)
class Note:
    """How far a stage was when it was last looked at."""

    done: int = 0
    total: int | None = None
    resumed: int = 0
    """What was done already when the process began."""
    started: float = 0.0
    """Seconds since the epoch."""
    updated: float = 0.0

    def rate(self) -> float | None:
        """Return how many units the process did in a second."""
        seconds = self.updated - self.started
        return (self.done - self.resumed) / seconds if seconds > 0 and self.done > self.resumed else None

    def seconds_left(self, now: float) -> float | None:
        """Return in how many seconds the stage will be done if it goes on like that."""
        rate = self.rate()
        if rate is None or self.total is None:
            return None
        return max(0.0, (self.total - self.done) / rate - (now - self.updated))


class ProgressNotes:
    """The notes of a run: written at most once in ``NOTE_EVERY_S``, and at the start and the end of a stage.

    A note that cannot be written is left out; it must not stop a run.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self.path, self.clock = path, clock
        self.stage: str | None = None
        self._stages: dict[str, Note] = {}
        self._moved = False

    def start(self, stage: str) -> None:
        """Note that a stage starts."""
        now = self.clock()
        self._stages = dict(read_notes(self.path)[1])
        self._stages[stage] = Note(started=now, updated=now)
        self.stage, self._moved = stage, False
        self._write()

    def move(self, done: int, total: int | None) -> None:
        """Note how far the stage is."""
        if self.stage is None:
            return
        note, now = self._stages[self.stage], self.clock()
        first = not self._moved
        if first:
            note.resumed, note.started, self._moved = done, now, True
        note.done, note.total = done, total
        if first or now - note.updated >= NOTE_EVERY_S:
            note.updated = now
            self._write()

    def finish(self) -> None:
        """Note that the stage is finished."""
        if self.stage is not None:
            self._stages[self.stage].updated = self.clock()
        self.stage = None
        self._write()

    def _write(self) -> None:
        content = {"running": self.stage, "stages": {name: asdict(note) for name, note in self._stages.items()}}
        with suppress(CodeDPOError), atomic_write(self.path, durable=False) as handle:
            handle.write(json.dumps(content, indent=2).encode() + b"\n")


def read_notes(path: Path) -> tuple[str | None, Mapping[str, Note]]:
    """Return the stage that the notes say is running, and all notes; nothing for notes that cannot be read."""
    try:
        content = json.loads(path.read_text("utf-8"))
        return content["running"], {name: Note(**note) for name, note in content["stages"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None, {}


@dataclass(frozen=True, slots=True)
class StageStatus:
    """How far a stage is."""

    name: str
    state: str
    """``finished``, ``running``, ``interrupted`` or ``waiting``."""
    done: int | None = None
    """Problems, or what else the stage goes by; of an interrupted one those that need not be done again."""
    total: int | None = None
    rate: float | None = None
    """Units a second."""
    seconds_left: float | None = None


@dataclass(frozen=True, slots=True)
class RunStatus:
    """How far a run is."""

    directory: str
    holder: Holder | None
    """The process that works on it."""
    stages: tuple[StageStatus, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return asdict(self)


def read_status(run: RunDirectory, clock: Callable[[], float] = time.time) -> RunStatus:
    """Return how far a run is, from files of its directory. Raises UsageError if there is no run."""
    holder = holder_of(run.lock)
    running, notes = read_notes(run.progress)
    if not (run.exists() or notes or holder):
        raise UsageError(f"{run.path} holds no run: there is no manifest.json")
    manifest = Manifest(run)
    finished = {name: done for name in manifest.data["stages"] if (done := manifest.finished(name))}
    names = list(dict.fromkeys([*finished, *notes]))
    if set(names) & {"candidates", "generate", *BUILD}:
        names += [name for name in BUILD if name not in names]

    def status(name: str) -> StageStatus:
        note = notes.get(name, Note())
        if name == running and holder:
            return StageStatus(name, "running", note.done, note.total, note.rate(), note.seconds_left(clock()))
        if name in finished:
            done = note.done or finished[name].counts.get("problems")
            return StageStatus(name, "finished", done, note.total or done, note.rate())
        if name == running or run.shards(name).exists():
            return StageStatus(name, "interrupted", problems_done(run.shards(name)), note.total)
        return StageStatus(name, "waiting")

    return RunStatus(str(run.path), holder, tuple(map(status, names)))

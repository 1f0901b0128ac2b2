"""What a stage is made from (its configuration, its inputs by their digests), and whether that is still so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from codedpo_plugin.checkpoints import made_from
from codedpo_plugin.errors import InputError
from codedpo_plugin.formats.files import digest
from codedpo_plugin.rundir import StageRecord, differences
from codedpo_plugin.stages.stage import Stage

Seen = dict[Path, tuple[int, int]]
"""Size and time of change of files, by which a change is suspected; digests tell."""


def seen_of(paths: Sequence[Path]) -> Seen:
    """Return size and time of change of the files that are there."""
    found: Seen = {}
    for path in paths:
        with suppress(OSError):
            stat = path.stat()
            found[path] = (stat.st_size, stat.st_mtime_ns)
    return found


def require_unchanged(stage: Stage, record: StageRecord) -> None:
    """Raise InputError if inputs are not what they were: what was made of them is of neither version."""
    changed = differences({"input": record.inputs}, {"input": digests(stage.inputs)})
    if changed:
        raise InputError(
            f"stage {stage.name!r}: an input has changed while it was read:\n"
            + "\n".join(changed)
            + "\nStart again with --restart when it is as it should be."
        )


def begun_anew(stage: Stage, done: StageRecord) -> bool:
    """Return whether a finished stage was interrupted while it was done again with something else.

    Its output may be of the one or of the other then.
    """
    left = made_from(stage.checkpoints) if stage.checkpoints else None
    return left is not None and any(left.get(name) != value for name, value in plain(done).items())


def digests(paths: Sequence[Path]) -> dict[str, str]:
    """Return the digests of files by name, and by place where two have the same."""
    names = Counter(path.name for path in paths)
    return {
        path.name if names[path.name] == 1 else f"{path.name} ({number})": digest(path)
        for number, path in enumerate(paths, 1)
        if path.exists()
    }


def plain(record: StageRecord) -> dict[str, Any]:
    """Return what a stage was made from, as it is compared and noted."""
    return {"config": record.config, "input": record.inputs}

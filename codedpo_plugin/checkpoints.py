"""What a stage continues from after an interruption: a folder that knows from what its content was made."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from codedpo_plugin.errors import UsageError
from codedpo_plugin.formats.files import atomic_write
from codedpo_plugin.rundir import differences

MADE_FROM: Final = "made_from.json"


@contextmanager
def kept_checkpoints(folder: Path, made_from: Mapping[str, Any], *, restart: bool) -> Iterator[None]:
    """Keep a folder until the block ends without an error.

    What an interrupted block left is kept for the next one, or removed with ``restart``. Raises UsageError with
    the differences if it was made from something else: continuing from it would mix the two. A folder in which
    nothing was left is made anew, whatever it was made from.
    """
    note = folder / MADE_FROM
    if restart or not _holds_more_than(note):
        shutil.rmtree(folder, ignore_errors=True)
    if note.exists():
        changed = differences(_read(note), made_from)
        if changed:
            raise UsageError(
                f"{folder}: an interrupted run is to be continued, but with something else:\n"
                + "\n".join(changed)
                + "\nUndo the change, use another directory, or --restart to start afresh."
            )
    else:
        shutil.rmtree(folder, ignore_errors=True)  # whatever lies there says not what it is
        with atomic_write(note) as handle:
            handle.write(json.dumps(made_from, indent=2).encode() + b"\n")
    yield
    shutil.rmtree(folder)


def made_from(folder: Path) -> Mapping[str, Any] | None:
    """Return what the content of a folder was made from, None if there is none. Raises UsageError as above."""
    note = folder / MADE_FROM
    return _read(note) if _holds_more_than(note) else None


def _holds_more_than(note: Path) -> bool:
    """Return whether there are files beside the note of a folder."""
    return note.exists() and any(path != note for path in note.parent.iterdir())


def _read(note: Path) -> dict[str, Any]:
    """Return what a folder was made from. Raises UsageError if its note is damaged."""
    try:
        found = json.loads(note.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{note}: cannot be read: {error}. Start afresh with --restart.") from error
    return found if isinstance(found, dict) else {}

"""Reading what may be missing or broken: a report is written of what is there, and says what could not be used."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

Notes = list[str]
"""What could not be used, a line each."""


def read_json(path: Path, notes: Notes) -> Any:
    """Return the content of a JSON file; None if it is not there, or cannot be read, which is noted."""
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        notes.append(f"{path.name}: left out, not JSON: {error}")
        return None


def read_lines(path: Path, notes: Notes) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of a file of JSON lines, if it is there; lines that hold none are counted and noted."""
    if not path.exists():
        return
    unusable = 0
    with path.open("rb") as handle:
        for raw in handle:
            try:
                value = json.loads(raw)
            except (ValueError, RecursionError):
                value = None
            if isinstance(value, dict):
                yield value
            else:
                unusable += 1
    if unusable:
        notes.append(f"{path.name}: {unusable} lines left out, not JSON objects")

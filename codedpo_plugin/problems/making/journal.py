"""The answers of a model on the disk, so that an interrupted run asks nothing twice."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from codedpo_plugin.errors import InputError
from codedpo_plugin.formats.files import append, writing

log = logging.getLogger(__name__)


class Journal:
    """The answers of a run so far, in a file of JSON lines; without a path it remembers nothing.

    In memory are only the keys, and where in the file each answer is.
    """

    def __init__(self, path: Path | None = None, server: str = "") -> None:
        """Take in what a file has; a line that was torn is asked for again. ``server``: whose answers are added."""
        self.path, self.server = path, server
        self._places: dict[str, int] = {}
        self._told = False
        self._size = self._read(path) if path is not None and path.exists() else 0

    def _read(self, path: Path) -> int:
        """Note where every answer is; return the size of the file, whose last line is ended if it was torn."""
        place, line = 0, b"\n"
        try:
            with path.open("rb") as handle:
                for line in handle:
                    entry = _entry(line)
                    if entry:
                        self._places[entry["key"]] = place
                    place += len(line)
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
        if not line.endswith(b"\n"):
            append(path, b"\n")
            place += 1
        return place

    def __contains__(self, key: str) -> bool:
        return key in self._places

    def get(self, key: str) -> str:
        """Return the answer under a key, and say once if another server gave it. Raises KeyError."""
        place = self._places[key]
        assert self.path is not None  # noqa: S101 - for the type checker: it has the key
        with self.path.open("rb") as handle:
            handle.seek(place)
            entry = _entry(handle.readline())
        if entry is None:
            raise InputError(f"{self.path}: was changed by somebody else; run it again")
        self._compare(entry.get("server", ""))
        answer: str = entry["answer"]
        return answer

    def _compare(self, server: str) -> None:
        """Say, once, that an answer is another server's."""
        if server != self.server and not self._told:
            self._told = True
            log.warning(
                "%s: answers of the server %s are taken for those of %s, as the model has the same name; "
                "if it is another model, use another directory",
                self.path,
                server or "(none)",
                self.server or "(none)",
            )

    def add(self, answers: Mapping[str, str]) -> None:
        """Note answers; they are on the disk when this returns. Raises InputError if they cannot be written."""
        if self.path is None or not answers:
            return
        origin = {"server": self.server} if self.server else {}
        lines = {k: json.dumps({"key": k, "answer": a, **origin}).encode() + b"\n" for k, a in answers.items()}
        with writing(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
        append(self.path, b"".join(lines.values()))
        for key, line in lines.items():
            self._places[key] = self._size
            self._size += len(line)


def _entry(line: bytes) -> dict[str, Any] | None:
    """Return the entry in a line, or None if there is none, or no text in it."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    usable = isinstance(entry, dict) and isinstance(entry.get("key"), str) and isinstance(entry.get("answer"), str)
    return entry if usable else None

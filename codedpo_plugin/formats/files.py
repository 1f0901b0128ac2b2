"""Reading and writing files so that what is half done is never taken for done."""

from __future__ import annotations

import gzip
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from codedpo_plugin.errors import InputError


@contextmanager
def atomic_write(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that appears under its name only when the block ends without an error.

    Raises InputError naming the path when the disk is full or the place cannot be written to.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as handle:
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(partial, path)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written: {error.strerror or error}. What was finished before is kept."
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file for reading, unpacking ``.gz``. Raises InputError when it cannot be opened."""
    try:
        handle = path.open("rb")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    return gzip.open(handle) if path.suffix == ".gz" else handle  # type: ignore[return-value]


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, or of a folder's files by name."""
    total = hashlib.sha256()
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    for file in files:
        if path.is_dir():
            total.update(str(file.relative_to(path)).encode())
        with file.open("rb") as handle:
            while chunk := handle.read(1 << 20):
                total.update(chunk)
    return total.hexdigest()

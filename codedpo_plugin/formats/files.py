"""Reading and writing files so that what is half done is never taken for done."""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final

from codedpo_plugin.errors import InputError

CACHE_VARIABLE: Final = "CODEDPO_CACHE"


def cache_folder() -> Path:
    """Return where the project keeps what it can make again: ``CODEDPO_CACHE``, or below the user's cache."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get(CACHE_VARIABLE) or Path(home) / "codedpo")


@contextmanager
def atomic_write(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that appears under its name only when the block ends without an error.

    Raises InputError naming the path when the disk is full or the place cannot be written to.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        with _writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = partial.open("wb")
        with _writing(path, NO_ROOM), handle:
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        with _writing(path):
            os.replace(partial, path)
    finally:
        with suppress(OSError):  # what went wrong is being reported already
            partial.unlink()


NO_ROOM: Final = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EIO)
"""What writing to an open file fails with; other errors in the block are not about the file."""


@contextmanager
def _writing(path: Path, codes: tuple[int, ...] = ()) -> Iterator[None]:
    """Turn a failure to write a file, with one of some error codes if any are given, into an InputError."""
    try:
        yield
    except OSError as error:
        if codes and error.errno not in codes:
            raise
        raise InputError(
            f"{path}: cannot be written: {error.strerror or error}. What was finished before is kept."
        ) from error


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file for reading, unpacking ``.gz``. Raises InputError when it cannot be opened."""
    try:
        return gzip.open(path) if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, or of a folder's files by name."""
    total = hashlib.sha256()
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    for file in files:
        if path.is_dir():
            name = os.fsencode(file.relative_to(path))
            total.update(b"%d %b %d " % (len(name), name, file.stat().st_size))
        with file.open("rb") as handle:
            while chunk := handle.read(1 << 20):
                total.update(chunk)
    return total.hexdigest()

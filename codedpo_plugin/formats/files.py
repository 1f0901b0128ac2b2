"""Reading and writing files so that what is half done is never taken for done."""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Generic, TypeVar

from codedpo_plugin.errors import InputError

T_contra = TypeVar("T_contra", contravariant=True)

CACHE_VARIABLE: Final = "CODEDPO_CACHE"


@dataclass(frozen=True, slots=True)
class Form(Generic[T_contra]):
    """How records of a kind are written to a file, and how several such files become one."""

    suffix: str
    write: Callable[[Path, Iterable[T_contra]], int]
    join: Callable[[Path, Iterable[Path]], None]
    """Writes to a path what files hold, in their order: the same bytes as if it had been written at once."""


def cache_folder() -> Path:
    """Return where the project keeps what it can make again: ``CODEDPO_CACHE``, or below the user's cache."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get(CACHE_VARIABLE) or Path(home) / "codedpo")


@contextmanager
def atomic_write(path: Path, *, durable: bool = True) -> Iterator[IO[bytes]]:
    """Open a file that appears under its name only when the block ends without an error.

    A ``durable`` file is on the disk when the block has ended, whatever becomes of the machine. Raises InputError
    naming the path when the disk is full or the place cannot be written to.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = partial.open("wb")
        with writing(path, NO_ROOM), handle:
            yield handle
            handle.flush()
            if durable:
                os.fsync(handle.fileno())
        with writing(path):
            os.replace(partial, path)
            if durable:
                _sync_folder(path.parent)
    finally:
        with suppress(OSError):  # what went wrong is being reported already
            partial.unlink()


NO_ROOM: Final = (
    errno.ENOSPC,
    errno.EFBIG,
    errno.EDQUOT,
    errno.EROFS,
    errno.EIO,
    errno.ESTALE,
    errno.ENOTCONN,
    errno.ENODEV,
)
"""What writing to an open file fails with: a full disk, a quota, a mount that is gone. Other errors in the block
are not about the file."""


def append(path: Path, content: bytes) -> None:
    """Add to the end of a file, on the disk when this returns. Raises InputError as ``atomic_write`` does."""
    with writing(path), path.open("ab") as handle:
        handle.write(content)
        handle.flush()
        os.fsync(handle.fileno())


def put_in_place(partial: Path, path: Path) -> None:
    """Give a file or folder that is complete its name, once all of it is on the disk."""
    flush(partial)
    os.replace(partial, path)
    _sync_folder(path.parent)


def flush(path: Path) -> None:
    """Make sure that a file, or a folder with all that is in it, is on the disk, whoever wrote it."""
    for part in [*path.rglob("*"), path] if path.is_dir() else [path]:
        if part.is_dir():
            _sync_folder(part)
        elif part.is_file():
            _sync(part)


def _sync_folder(folder: Path) -> None:
    """Make sure that the names in a folder are on the disk, where the file system has a way to ask for that."""
    try:
        _sync(folder)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # as SMB and some in user space answer
            raise


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def writing(path: Path, codes: tuple[int, ...] = ()) -> Iterator[None]:
    """Turn a failure to write a file, with one of some error codes if any are given, into an InputError.

    It names the file of the error where that is another one: in a block much may be written besides.
    """
    try:
        yield
    except OSError as error:
        if codes and error.errno not in codes:
            raise
        place = (codes and error.filename) or path
        raise InputError(
            f"{place}: cannot be written: {error.strerror or error}. What was finished before is kept: "
            "when that is mended, the same command continues."
        ) from error


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file for reading, unpacking ``.gz``. Raises InputError when it cannot be opened."""
    try:
        return gzip.open(path) if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, or of a folder's files by name. Raises InputError if it cannot be read."""
    total = hashlib.sha256()
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    try:
        for file in files:
            if path.is_dir():
                name = os.fsencode(file.relative_to(path))
                total.update(b"%d %b %d " % (len(name), name, file.stat().st_size))
            with file.open("rb") as handle:
                while chunk := handle.read(1 << 20):
                    total.update(chunk)
    except OSError as error:
        raise InputError(f"{error.filename or path}: cannot be read: {error.strerror or error}") from error
    return total.hexdigest()

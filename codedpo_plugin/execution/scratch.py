"""Emptying a folder in which a program did as it pleased. Used on both sides; standard library only."""

from __future__ import annotations

import os

FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


def empty_folder(path: str) -> None:
    """Remove all that lies below a folder, at any depth: no recursion, no long paths, two descriptors.

    Raises OSError for what may not be removed.
    """
    here, names = os.open(path, FLAGS), []
    try:
        while True:
            folder = _remove_files(here)
            if folder is not None:
                names.append(folder)
                here = _step(here, folder)
            elif names:
                here = _step(here, "..")
                os.rmdir(names.pop(), dir_fd=here)
            else:
                return
    finally:
        os.close(here)


def _remove_files(here: int) -> str | None:
    """Remove files until there is a folder among them; return its name, or None when nothing is left."""
    with os.scandir(here) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                return entry.name
            os.unlink(entry.name, dir_fd=here)
    return None


def _step(here: int, name: str) -> int:
    """Open a folder beside ``here``, whatever its permissions, and close ``here``."""
    try:
        there = os.open(name, FLAGS, dir_fd=here)
    except PermissionError:
        os.chmod(name, 0o700, dir_fd=here)
        there = os.open(name, FLAGS, dir_fd=here)
    os.close(here)
    return there

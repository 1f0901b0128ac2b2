"""One process at a time works on a run directory; whoever else wants to is told who does.

The kernel keeps the lock (``flock``) and gives it up with the process that holds it, however that ends. The file
says who holds it. It is removed with the lock: one that is there without being held tells of a process that died.
"""

from __future__ import annotations

import errno
import fcntl
import json
import logging
import os
import socket
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from codedpo_plugin.errors import InputError, UsageError
from codedpo_plugin.formats.files import writing

log = logging.getLogger(__name__)

NO_LOCKS: Final = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP)
"""What ``flock`` fails with where a file system has none."""
PATIENCE_S: Final = 0.5
"""How long to try: someone who only looks whether the lock is held, holds it for a moment."""


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that holds a lock, in its own words."""

    pid: int
    host: str
    command: str
    since: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} ({self.command}, since {self.since})"


class RunLock:
    """The lock of a run directory. As a context manager it is held in the block; blocks may be nested."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None
        self._depth = 0

    def __enter__(self) -> None:
        if not self._depth:
            with writing(self.path):
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._descriptor = self._locked()
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if not self._depth and self._descriptor is not None:
            self.path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = None

    def _locked(self) -> int:
        """Return the descriptor of the locked file. Raises UsageError naming who holds it."""
        deadline = time.monotonic() + PATIENCE_S
        while (descriptor := _try(self.path)) is None:
            if time.monotonic() > deadline:
                whose = read_holder(self.path) or "another process"
                raise UsageError(f"{self.path.parent} is in use by {whose}; `codedpo status` shows how far it is")
            time.sleep(0.02)
        former = read_holder(self.path)
        if former:
            log.info("%s: taken over from %s, which is gone", self.path.parent, former)
        with suppress(OSError):  # on a full disk the lock holds without saying whose it is
            os.truncate(descriptor, 0)
            os.write(descriptor, json.dumps(asdict(_this_process())).encode() + b"\n")
        return descriptor


def _try(path: Path) -> int | None:
    """Return the descriptor of a file that is now locked, or None if another process has it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_ino == path.stat().st_ino:
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass  # held, or removed by who held it between the two calls
    except OSError as error:
        os.close(descriptor)
        if error.errno not in NO_LOCKS:
            raise
        raise InputError(
            f"{path.parent}: the file system has no locks (flock): {error.strerror}. Use a directory on "
            "another, or have them switched on."
        ) from error
    os.close(descriptor)
    return None


def holder_of(path: Path) -> Holder | None:
    """Return who holds a lock at the moment; changes nothing, and needs no right to write."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return read_holder(path) or Holder(0, "", "", "")
    except OSError:
        return None  # no process can hold a lock where there are none
    finally:
        os.close(descriptor)
    return None


def read_holder(path: Path) -> Holder | None:
    """Return who a lock file names, or None if it names nobody."""
    try:
        return Holder(**json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _this_process() -> Holder:
    """Return the words for this process: the command without its options, which may hold secrets."""
    program = Path(sys.argv[0])
    name = program.parent.name if program.name == "__main__.py" else program.name
    command = " ".join([name, *sys.argv[1:2]])
    return Holder(os.getpid(), socket.gethostname(), command, time.strftime("%Y-%m-%d %H:%M:%S %z"))

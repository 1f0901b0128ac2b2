"""Does the sandbox hold on this machine? Every promise is tested by a program that tries to break it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from codedpo_plugin.errors import SandboxError
from codedpo_plugin.execution.pool import Pool
from codedpo_plugin.execution.requests import Answer, Check, Ending, Job, Limits
from codedpo_plugin.execution.sandboxes import Sandbox
from codedpo_plugin.execution.worker import environment


@dataclass(frozen=True, slots=True)
class Attempt:
    """A program that tries to break a promise: its function ``attack`` returns true where it succeeds."""

    promise: str
    detail: str
    program: str
    call: str = "attack()"


@dataclass(frozen=True, slots=True)
class Promise:
    """Whether one promise holds."""

    promise: str
    holds: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Examination:
    """What a sandbox promises on this machine."""

    unavailable: str | None
    promises: tuple[Promise, ...] = ()

    @property
    def usable(self) -> bool:
        """Return whether the sandbox can be had and every promise holds."""
        return self.unavailable is None and all(p.holds for p in self.promises)


def _attempts(secret: Path) -> tuple[Attempt, ...]:
    """Return the programs; ``secret`` is a file outside the sandbox that holds the word secret."""
    file, folder = repr(str(secret)), repr(str(secret.parent))
    trace = str(_trace(secret))
    returns = (
        ("no network", "open a TCP socket", "bool(socket.socket())"),
        ("no network", "open a UDP socket", "bool(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))"),
        ("no reading of private files", "read a file outside", f"'secret' in open({file}).read()"),
        ("no reading of private files", "list a folder outside", f"bool(os.listdir({folder}))"),
        ("no writing outside", "append to a file outside", f"open({file}, 'a').write('x')"),
        ("no writing outside", "create a file in /tmp", f"open({trace!r}, 'w').write('x')"),
        ("no writing outside", "change the mode of a file", f"os.chmod({file}, 0o777) is None"),
        ("no other processes", "fork", "os.fork() >= 0"),
        ("no other processes", "start a command", "os.posix_spawn('/bin/true', ['true'], {}) > 0"),
        ("no other processes", "signal the parent", "os.kill(os.getppid(), 0) is None"),
        ("no secrets in the environment", "look for other variables", f"bool(set(os.environ) - {_VARIABLES})"),
        ("bounded memory", "take a gigabyte", "len(bytearray(1 << 30)) > 0"),
        ("bounded time", "loop forever", "any(iter(int, 1))"),
    )
    return tuple(
        Attempt(promise, detail, f"import os, socket\ndef attack(): return {value}")
        for promise, detail, value in returns
    )


def _trace(secret: Path) -> Path:
    """Return the file that an attack creates where a promise is broken."""
    return Path(tempfile.gettempdir()) / f"{secret.parent.name}.txt"


_VARIABLES: Final = {*environment(""), "LC_CTYPE", "PWD"}
"""What a program may find in its environment."""


def examine(name: str, sandboxes: Mapping[str, Sandbox]) -> Examination:
    """Try to break every promise of a sandbox; needs a second or two."""
    reason = sandboxes[name].unavailable()
    if reason:
        return Examination(reason)
    home = Path.home()
    where = home if os.access(home, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="codedpo-doctor-", dir=where) as folder:
        secret = Path(folder) / "secret.txt"
        secret.write_text("secret")
        attempts = _attempts(secret)
        limits = Limits(cpu_s=0.5, memory_mb=256)
        try:
            with Pool(1, sandbox=name, sandboxes=sandboxes) as pool:
                results = list(pool.run(Job(a.program, (Check(a.call),), limits) for a in attempts))
        except SandboxError as error:
            return Examination(str(error))
        finally:
            _trace(secret).unlink(missing_ok=True)
        unharmed = secret.read_text() == "secret"
    promises = tuple(
        Promise(a.promise, _held(result.answers[0]), a.detail) for a, result in zip(attempts, results, strict=True)
    )
    return Examination(None, (*promises, Promise("no writing outside", unharmed, "the file outside is unchanged")))


def _held(answer: Answer) -> bool:
    """Return whether an attack failed: it was stopped, or it reported no success."""
    return answer.ending is not Ending.VALUE or answer.payload in ("false", "null")

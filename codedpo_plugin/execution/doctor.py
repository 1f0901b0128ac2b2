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

REFUSED: Final = frozenset({Ending.FORBIDDEN, Ending.RAISED})
REFUSALS: Final = ("PermissionError", "FileNotFoundError", "OSError", "ProcessLookupError", "BlockingIOError")
"""What a program may find raised that was refused something; anything else is a fault of its own."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """An expression that tries to break a promise: it is true where it succeeds, and false where it fails."""

    promise: str
    detail: str
    expression: str
    stopped: frozenset[Ending] = REFUSED
    """How its program may end where it is kept from doing so."""

    def job(self) -> Job:
        """Return the job of the attempt."""
        return Job(f"{_HEAD}def attack(): return {self.expression}", (Check("attack()"),), _LIMITS)

    def failed(self, answer: Answer) -> bool:
        """Return whether the promise was kept: the attempt did not succeed, or was stopped as it should be."""
        if answer.ending is Ending.VALUE:
            return answer.payload == "false"
        if answer.ending is Ending.RAISED and not answer.payload.strip('"').startswith(REFUSALS):
            return False
        return answer.ending in self.stopped


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


_HEAD: Final = """
import ctypes, os, socket
libc = ctypes.CDLL(None, use_errno=True)
def denied(result):
    return result < 0 and ctypes.get_errno() in (1, 13, 38)  # EPERM, EACCES, ENOSYS
"""
"""The start of every program. What the kernel is asked for would have no effect were it granted."""
_LIMITS: Final = Limits(cpu_s=0.5, memory_mb=256, answer_mb=4)


def _attempts(secret: Path) -> tuple[Attempt, ...]:
    """Return the attempts; ``secret`` is a file outside the sandbox that holds the word secret."""
    return (*_on_files(secret), *_ON_PROCESSES, *_ON_LIMITS, *_ON_OTHERS)


def _on_files(secret: Path) -> tuple[Attempt, ...]:
    file, folder, trace = repr(str(secret)), repr(str(secret.parent)), repr(str(_trace(secret)))
    reading, writing = "no reading of private files", "no writing outside"
    changing = "no change of modes, owners, times"
    return (
        Attempt(reading, "read a file outside", f"'secret' in open({file}).read()"),
        Attempt(reading, "list a folder outside", f"bool(os.listdir({folder}))"),
        Attempt(writing, "append to a file outside", f"open({file}, 'a').write('x') > 0"),
        Attempt(writing, "create a file in /tmp", f"open({trace}, 'w').write('x') > 0"),
        Attempt(changing, "change the mode of a file", f"os.chmod({file}, 0o777) is None"),
        Attempt(changing, "change the owner of a file", f"os.chown({file}, os.getuid(), os.getgid()) is None"),
        Attempt(changing, "change the times of a file", f"os.utime({file}, (0, 0)) is None"),
    )


_FOREIGN: Final = f"bool(set(os.environ) - { ({*environment(''), 'LC_CTYPE', 'PWD'}) })"
_ON_PROCESSES: Final = (
    Attempt("no network", "open a TCP socket", "bool(socket.socket())"),
    Attempt("no network", "open a UDP socket", "bool(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))"),
    Attempt("no other processes", "fork", "os.fork() >= 0"),
    Attempt("no other processes", "start a command", "os.posix_spawn('/bin/true', ['true'], {}) > 0"),
    Attempt("no other processes", "signal the parent", "os.kill(os.getppid(), 0) is None"),
    Attempt("no other processes", "leave the session", "os.setsid() > 0"),
    Attempt("no tracing", "trace the parent", "not denied(libc.ptrace(0x4206, os.getppid(), 0, 0))"),
    Attempt("no mounting", "mount on a folder", "not denied(libc.mount(b'x', b'/no/such/folder', b'tmpfs', 0, 0))"),
    Attempt("no mounting", "make a namespace", "not denied(libc.unshare(0x10000000))"),
    Attempt("no shared memory", "make a segment", "not denied(libc.shmget(0, 0, 0))"),
    Attempt("no shared memory", "make a file without a name", "os.memfd_create('x') >= 0"),
    Attempt("no kernel interfaces", "queue system calls", "not denied(libc.syscall(425, 0, 0))"),
    Attempt("no kernel interfaces", "change the personality", "not denied(libc.personality(0xFFFFFFFF))"),
    Attempt("no privileges", "change the user", "os.setuid(os.getuid()) is None"),
    Attempt("no privileges", "change the root", "not denied(libc.chroot(b'/no/such/folder'))"),
    Attempt("no privileges", "gain them by a command", "libc.prctl(39, 0, 0, 0, 0) != 1"),  # PR_GET_NO_NEW_PRIVS
    Attempt("no secrets in the environment", "look for other variables", _FOREIGN),
)
_ON_LIMITS: Final = (
    Attempt("bounded memory", "take a gigabyte", "len(bytearray(1 << 30)) > 0", frozenset({Ending.MEMORY})),
    Attempt("bounded time", "loop forever", "any(iter(int, 1))", frozenset({Ending.TIMEOUT})),
    Attempt("bounded files and output", "make a file of a gigabyte", "open('x', 'wb').truncate(1 << 30) > 0"),
    Attempt("bounded files and output", "answer 5 MB", "'x' * (5 << 20)", frozenset({Ending.CRASH})),
)
_ON_OTHERS: Final = (
    Attempt("nothing left behind", "write a file into the scratch folder", "bool(open('left', 'w').close())"),
    Attempt("nothing left behind", "find the file of another program", "os.path.exists('left')"),
    Attempt("nothing left behind", "set a variable", "bool(os.environ.update(LEFT='x'))"),
    Attempt("nothing left behind", "find the variable of another program", "'LEFT' in os.environ"),
)
_CONTROL: Final = Attempt("programs run", "a program that breaks no promise answers", "sum(range(5)) == 10")


def _trace(secret: Path) -> Path:
    """Return the file that an attack creates where a promise is broken."""
    return Path(tempfile.gettempdir()) / f"{secret.parent.name}.txt"


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
        attempts = (_CONTROL, *_attempts(secret), _CONTROL)
        try:
            with Pool(1, sandbox=name, sandboxes=sandboxes) as pool:
                answers = [result.answers[0] for result in pool.run(attempt.job() for attempt in attempts)]
        except SandboxError as error:
            return Examination(str(error))
        finally:
            _trace(secret).unlink(missing_ok=True)
        unharmed = secret.read_text() == "secret"
    runs = all(answer.payload == "true" for answer in (answers[0], answers[-1]))
    pairs = list(zip(attempts, answers, strict=True))[1:-1]
    promises = (
        Promise(_CONTROL.promise, runs, _CONTROL.detail),
        *(Promise(attempt.promise, attempt.failed(answer), attempt.detail) for attempt, answer in pairs),
        Promise("no writing outside", unharmed, "the file outside is unchanged"),
    )
    return Examination(None, promises)

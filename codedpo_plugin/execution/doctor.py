"""Does the sandbox hold on this machine? Every promise is tested by a program that tries to break it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from codedpo_plugin.errors import SandboxError
from codedpo_plugin.execution.pool import Pool
from codedpo_plugin.execution.requests import Answer, Check, Ending, Job, Limits
from codedpo_plugin.execution.sandboxes import Sandbox


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
    return (
        Attempt("no network", "open a TCP socket", "import socket\ndef attack(): return bool(socket.socket())"),
        Attempt(
            "no network",
            "open a UDP socket",
            "import socket\ndef attack(): return bool(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))",
        ),
        Attempt("no reading of private files", "read a file outside", f"def attack(): return 'secret' in open({str(secret)!r}).read()"),
        Attempt("no reading of private files", "list the home folder", _LIST_HOME),
        Attempt("no writing outside", "append to a file outside", f"def attack(): return open({str(secret)!r}, 'a').write('x')"),
        Attempt("no writing outside", "create a file in /tmp", "def attack(): return open('/tmp/codedpo-doctor', 'w').write('x')"),
        Attempt("no writing outside", "change the mode of a file", f"import os\ndef attack(): return os.chmod({str(secret)!r}, 0o777) is None"),
        Attempt("no other processes", "fork", "import os\ndef attack(): return os.fork() >= 0"),
        Attempt("no other processes", "start a command", "import os\ndef attack(): return os.posix_spawn('/bin/true', ['true'], {}) > 0"),
        Attempt("no other processes", "signal the parent", "import os\ndef attack(): return os.kill(os.getppid(), 0) is None"),
        Attempt("no secrets in the environment", "look for the host's variables", "import os\ndef attack(): return 'CODEDPO_DOCTOR_SECRET' in os.environ"),
        Attempt("bounded memory", "take a gigabyte", "def attack(): return len(bytearray(1 << 30)) > 0"),
        Attempt("bounded time", "loop forever", "def attack():\n    while True: pass"),
    )  # fmt: skip


_LIST_HOME = "import os\ndef attack(): return bool(os.listdir({home!r}))".format(home=str(Path.home()))


def examine(name: str, sandboxes: Mapping[str, Sandbox]) -> Examination:
    """Try to break every promise of a sandbox; needs a second or two."""
    reason = sandboxes[name].unavailable()
    if reason:
        return Examination(reason)
    with tempfile.TemporaryDirectory(prefix="codedpo-doctor-", dir=Path.home()) as folder:
        secret = Path(folder) / "secret.txt"
        secret.write_text("secret")
        attempts = _attempts(secret)
        limits = Limits(cpu_s=0.5, memory_mb=256)
        try:
            with Pool(1, sandbox=name, sandboxes=sandboxes) as pool:
                results = list(pool.run(Job(a.program, (Check(a.call),), limits) for a in attempts))
        except SandboxError as error:
            return Examination(str(error))
        unharmed = secret.read_text() == "secret"
    promises = tuple(
        Promise(a.promise, _held(result.answers[0]), a.detail) for a, result in zip(attempts, results, strict=True)
    )
    return Examination(None, (*promises, Promise("no writing outside", unharmed, "the file outside is unchanged")))


def _held(answer: Answer) -> bool:
    """Return whether an attack failed: it was stopped, or it reported no success."""
    return answer.ending is not Ending.VALUE or answer.payload in ("false", "null")

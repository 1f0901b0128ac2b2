"""One confined worker process, seen from the host: start it, send it frames, read its frames."""

from __future__ import annotations

import json
import os
import selectors
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from codedpo_plugin.errors import SandboxError
from codedpo_plugin.execution import seccomp
from codedpo_plugin.execution.interpreter import Interpreter
from codedpo_plugin.execution.requests import MEBIBYTE, Runtime
from codedpo_plugin.execution.sandboxes.base import Sandbox, WorkerPlan
from codedpo_plugin.execution.scratch import empty_folder

CHILD: Final = os.path.join(os.path.dirname(os.path.abspath(__file__)), "child.py")
START_TIMEOUT_S: Final = 180.0
"""Enough to import the largest libraries from a cold disk on a busy machine."""
LARGEST_FRAME: Final = 256 * MEBIBYTE

PASSED_ON: Final = ("LD_LIBRARY_PATH",)
"""Variables of the host's environment that a worker gets; everything else stays outside."""


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """How workers of one pool are started."""

    sandbox: Sandbox
    interpreter: Interpreter
    runtime: Runtime = field(default_factory=Runtime)
    file_mb: int = 16
    """Largest file a program may write into its scratch folder."""


class WorkerError(Exception):
    """The worker's process ended, or sent something that is not a frame."""


class GoneError(WorkerError):
    """The worker's process ended."""


class UnableError(WorkerError):
    """The worker could not begin to run a program, for want of a process, of confinement or of space."""


class WorkerProcess:
    """A started worker. Not thread-safe; all I/O after the start is non-blocking."""

    def __init__(self, spec: WorkerSpec) -> None:
        self.spec = spec
        self.scratch = tempfile.mkdtemp(prefix="codedpo-")
        self.channel, theirs = socket.socketpair()
        try:
            self.process = self._start(theirs)
        except BaseException:
            self.channel.close()
            shutil.rmtree(self.scratch, ignore_errors=True)
            raise
        finally:
            theirs.close()
        self.incoming = bytearray()
        self.outgoing = bytearray()
        self._handshake()

    def _start(self, theirs: socket.socket) -> subprocess.Popen[bytes]:
        """Start the process under its sandbox."""
        interpreter = self.spec.interpreter
        plan = WorkerPlan(
            command=(interpreter.executable, "-s", "-S", CHILD, str(theirs.fileno())),
            scratch=self.scratch,
            readable=(*interpreter.readable, *self.spec.runtime.readable, os.path.dirname(CHILD)),
            environment=environment(self.scratch, self.spec.runtime.variables),
            command_line=self.spec.runtime.command_line,
        )
        with self.spec.sandbox.launch(plan) as launch:
            return subprocess.Popen(
                launch.command,
                pass_fds=(theirs.fileno(), *launch.pass_fds),
                env=dict(plan.environment),
                cwd=self.scratch,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )

    def _handshake(self) -> None:
        """Tell the worker how to set itself up and wait until it is ready."""
        setup = {
            "scratch": self.scratch,
            "path": list(self.spec.interpreter.packages),
            "preload": list(self.spec.runtime.preload),
            "warm_up": self.spec.runtime.warm_up,
            "file_bytes": self.spec.file_mb * MEBIBYTE,
            "program_filter": seccomp.program_filter().hex(),
        }
        self.channel.settimeout(0)
        self.send(setup)
        deadline = time.monotonic() + START_TIMEOUT_S
        try:
            while True:
                self.wait_for_io(deadline - time.monotonic())
                self.flush()
                frames = self.receive()
                if frames:
                    return
                if time.monotonic() > deadline:
                    raise WorkerError("it did not start in time")
        except (WorkerError, OSError) as error:
            said = self.close()
            raise SandboxError(
                f"a worker could not be started under sandbox {self.spec.sandbox.name!r} with "
                f"{self.spec.interpreter.executable}: {error}\n{said[-2000:]}\nRun `codedpo doctor`."
            ) from error

    def wait_for_io(self, timeout: float) -> None:
        """Wait until the channel can be read, or written if there is something to write."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.channel, self.interest)
            selector.select(max(timeout, 0))

    @property
    def interest(self) -> int:
        """Return the selector events this worker waits for."""
        return selectors.EVENT_READ | (selectors.EVENT_WRITE if self.outgoing else 0)

    def send(self, frame: dict[str, Any]) -> None:
        """Queue a frame; :meth:`flush` sends it as far as the channel takes it."""
        body = json.dumps(frame, separators=(",", ":")).encode("utf-8", "surrogatepass")
        self.outgoing += struct.pack(">I", len(body)) + body

    def flush(self) -> None:
        """Send as much of the queue as the channel takes now."""
        try:
            while self.outgoing:
                del self.outgoing[: self.channel.send(self.outgoing)]
        except BlockingIOError:
            pass
        except OSError as error:
            raise GoneError(str(error)) from error

    def receive(self) -> list[dict[str, Any]]:
        """Return the frames that have arrived in full. Raises WorkerError at the end of the stream."""
        closed = self._fill()
        frames = []
        while len(self.incoming) >= 4:
            (size,) = struct.unpack(">I", self.incoming[:4])
            if size > LARGEST_FRAME:
                raise WorkerError(f"it announced a frame of {size} bytes")
            if len(self.incoming) < 4 + size:
                break
            frames.append(_parse(bytes(self.incoming[4 : 4 + size])))
            del self.incoming[: 4 + size]
        if closed and not frames:
            raise GoneError("it ended")
        return frames

    def _fill(self) -> bool:
        """Read what has arrived; return whether the stream has ended."""
        try:
            while chunk := self.channel.recv(1 << 18):
                self.incoming += chunk
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    def close(self) -> str:
        """Kill the process with everything in its session, remove its scratch; return what it printed."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        stderr = self.process.stderr
        said = stderr.read().decode("utf-8", "replace") if stderr else ""
        self.process.wait()
        if stderr:
            stderr.close()
        self.channel.close()
        remove_tree(self.scratch)
        return said


def start_worker(spec: WorkerSpec) -> WorkerProcess:
    """Return a worker that is ready; one that was gone before is started once more, as it may have been killed.

    Raises SandboxError where none starts.
    """
    try:
        return WorkerProcess(spec)
    except SandboxError as error:
        if not isinstance(error.__cause__, GoneError):
            raise
    return WorkerProcess(spec)


def environment(scratch: str, more: Iterable[tuple[str, str]] = ()) -> dict[str, str]:
    """Return the whole environment of a worker: an allow-list, nothing of the host's but ``PASSED_ON``.

    ``more`` is what the programs' runtime adds.
    """
    fixed = {
        "HOME": scratch,
        "TMPDIR": scratch,
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONHASHSEED": "0",  # verdicts that depend on the order of a set are the same in every run
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    return fixed | dict(more) | {name: os.environ[name] for name in PASSED_ON if name in os.environ}


def remove_tree(path: str) -> None:
    """Remove a scratch folder whatever permissions a program gave to folders in it."""
    with suppress(OSError):
        empty_folder(path)
        os.rmdir(path)


def _parse(body: bytes) -> dict[str, Any]:
    """Return the frame in ``body``; a worker that sends anything else counts as dead."""
    try:
        frame = json.loads(body)
    except ValueError as error:
        raise WorkerError(f"it sent something that is not JSON: {error}") from error
    if not isinstance(frame, dict):
        raise WorkerError("it sent something that is not a frame")
    return frame

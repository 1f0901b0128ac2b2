"""Bubblewrap: namespaces in which nothing else exists, with the same seccomp filter inside."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from codedpo_plugin.execution import seccomp
from codedpo_plugin.execution.sandboxes.base import Launch, WorkerPlan, existing

ISOLATE: Final = (
    *("--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"),
    *("--unshare-cgroup-try", "--die-with-parent", "--new-session", "--cap-drop", "ALL"),
)


EXECUTABLE: Final = "/proc/self/exe"
"""There is no /proc, but TensorFlow aborts where it cannot read this link; where it leads does not matter to it."""

LINKS: Final = ("/lib", "/lib64", "/bin")


def _below(path: str, top: str) -> bool:
    return path == top or path.startswith(top + os.sep)


class BubblewrapSandbox:
    """Starts the worker under ``bwrap``; for kernels without Landlock that allow user namespaces."""

    name = "bubblewrap"

    def unavailable(self) -> str | None:
        """Return what is missing: the ``bwrap`` command, or the right to make namespaces."""
        bwrap = shutil.which("bwrap")
        if bwrap is None:
            return "the command bwrap was not found; install bubblewrap"
        if not seccomp.worker_filter():
            return "no seccomp filter is known for this processor; use x86_64 or aarch64"
        trial = [bwrap, *ISOLATE, "--ro-bind", "/", "/", "/bin/true"]
        done = subprocess.run(trial, capture_output=True, text=True, check=False, timeout=30)
        if done.returncode != 0:
            return f"bwrap cannot make namespaces here: {done.stderr.strip()[:200]}"
        return None

    @contextmanager
    def launch(self, plan: WorkerPlan) -> Iterator[Launch]:
        """Yield a ``bwrap`` command line whose file tree holds the readable paths and the scratch folder."""
        with tempfile.TemporaryFile() as bpf:
            bpf.write(seccomp.worker_filter())
            bpf.seek(0)
            command = [shutil.which("bwrap") or "bwrap", *ISOLATE, "--seccomp", str(bpf.fileno())]
            for path in existing(plan.readable):
                command += ["--ro-bind", path, path]
            for path in self._aliases(plan.readable):
                command += ["--ro-bind", path, path]
            if plan.command_line:
                command += ["--symlink", "/worker", EXECUTABLE]
            command += [*self._links(), "--dev", "/dev", "--bind", plan.scratch, plan.scratch]
            command += ["--remount-ro", "/", "--remount-ro", "/dev"]
            yield Launch((*command, "--chdir", plan.scratch, "--", *plan.command), (bpf.fileno(),))

    @staticmethod
    def _aliases(readable: tuple[str, ...]) -> list[str]:
        """Return the readable paths that lie behind a link somewhere else, and are asked for by that name."""
        seen = (*existing(readable), *LINKS)
        return sorted(p for p in set(readable) if os.path.exists(p) and not any(_below(p, top) for top in seen))

    @staticmethod
    def _links() -> list[str]:
        """Return options that re-create the links of a merged ``/usr`` (``/lib64 -> usr/lib64``)."""
        links = [path for path in LINKS if os.path.islink(path)]
        return [word for path in links for word in ("--symlink", os.readlink(path), path)]

"""Landlock for files, seccomp for the rest: no privileges, no namespaces, works inside containers."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from codedpo_plugin.execution import seccomp
from codedpo_plugin.execution.sandboxes.base import Launch, WorkerPlan, existing

LAUNCHER: Final = os.path.join(os.path.dirname(os.path.abspath(__file__)), "landlock_launcher.py")
MINIMUM_ABI: Final = 3
"""Before version 3 (kernel 6.2) Landlock could not refuse to truncate a file."""


class LandlockSandbox:
    """Starts the worker through a launcher that restricts itself and then becomes the worker."""

    name = "landlock"

    def unavailable(self) -> str | None:
        """Return what is missing: a Landlock of version 3 or newer, or a seccomp filter for this processor."""
        from py_landlock import LandlockError, get_abi_version

        if not seccomp.worker_filter():
            return "no seccomp filter is known for this processor; use x86_64 or aarch64"
        try:
            version = int(get_abi_version())
        except LandlockError as error:
            return (
                f"Landlock is not available ({error}); it needs a kernel that has it enabled (lsm=landlock,…) and, "
                "in a container, a seccomp profile that allows its calls (Docker's does since 2022)"
            )
        if version < MINIMUM_ABI:
            return f"Landlock ABI {version} is too old: {MINIMUM_ABI} (kernel 6.2) is needed"
        return None

    @contextmanager
    def launch(self, plan: WorkerPlan) -> Iterator[Launch]:
        """Yield the launcher's command line; it carries the whole policy."""
        policy = {
            "read": existing(plan.readable),
            "own": ["/proc/self/cmdline"] if plan.command_line else [],
            "write": plan.scratch,
            "filter": seccomp.worker_filter().hex(),
        }
        yield Launch((sys.executable, "-I", LAUNCHER, json.dumps(policy), *plan.command))

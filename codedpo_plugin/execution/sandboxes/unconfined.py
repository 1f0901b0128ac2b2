"""No sandbox. Never chosen unless a person asks for it by name on the command line or in code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from codedpo_plugin.execution.sandboxes.base import Launch, WorkerPlan


class UnconfinedSandbox:
    """Starts the worker as it is: resource limits and separate processes, but no confinement."""

    name = "unconfined"

    def unavailable(self) -> str | None:
        """Return None: not confining is always possible."""
        return None

    @contextmanager
    def launch(self, plan: WorkerPlan) -> Iterator[Launch]:
        """Yield the worker's own command line."""
        yield Launch(plan.command)

"""What a sandbox is to the engine: a way to start one worker so that it is confined from its first instruction."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class WorkerPlan:
    """What has to be started, and what it may touch."""

    command: tuple[str, ...]
    """The worker's own command line."""
    scratch: str
    """The one folder that may be written to."""
    readable: tuple[str, ...]
    """Files and folders that may be read."""
    environment: Mapping[str, str]
    command_line: bool = False
    """Whether the worker may read its own command line in ``/proc``."""


@dataclass(frozen=True, slots=True)
class Launch:
    """A command that starts a worker confined, and the descriptors it needs besides the channel."""

    command: tuple[str, ...]
    pass_fds: tuple[int, ...] = ()


class Sandbox(Protocol):
    """One way to confine workers. Stateless; one instance serves any number of workers.

    Contract: when :meth:`unavailable` returns None, every process started by a launch cannot reach a network,
    write outside its scratch folder, read outside the readable paths or gain privileges. A backend that cannot
    promise one of these is unavailable.
    """

    name: str

    def unavailable(self) -> str | None:
        """Return why this machine cannot provide the sandbox and what would mend it, or None."""

    def launch(self, plan: WorkerPlan) -> AbstractContextManager[Launch]:
        """Return how to start a worker; what the launch needs lives as long as the context."""


def existing(paths: tuple[str, ...]) -> list[str]:
    """Return the paths that exist, resolved, without those that lie below another one of them."""
    real = sorted({os.path.realpath(path) for path in paths if os.path.exists(path)})
    kept: list[str] = []
    for path in real:
        if not any(path == parent or path.startswith(parent + os.sep) for parent in kept):
            kept.append(path)
    return kept

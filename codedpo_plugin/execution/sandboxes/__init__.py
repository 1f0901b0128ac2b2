"""The sandbox backends, one file each, and the choice between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from codedpo_plugin.errors import SandboxError, unknown_name
from codedpo_plugin.execution.sandboxes.base import Launch, Sandbox, WorkerPlan
from codedpo_plugin.execution.sandboxes.bubblewrap import BubblewrapSandbox
from codedpo_plugin.execution.sandboxes.landlock import LandlockSandbox
from codedpo_plugin.execution.sandboxes.unconfined import UnconfinedSandbox

__all__ = ["AUTO", "BUILT_IN", "UNCONFINED", "Launch", "Sandbox", "WorkerPlan", "choose"]

AUTO: Final = "auto"
UNCONFINED: Final = UnconfinedSandbox.name

BUILT_IN: Final[tuple[Sandbox, ...]] = (LandlockSandbox(), BubblewrapSandbox(), UnconfinedSandbox())
"""In order of preference; the last is never chosen by ``auto``."""


def choose(name: str, sandboxes: Mapping[str, Sandbox]) -> Sandbox:
    """Return the sandbox called ``name``, or for ``auto`` the first one this machine can provide.

    Raises UsageError for an unknown name and SandboxError, with every reason, when it cannot be had.
    """
    if name != AUTO:
        if name not in sandboxes:
            raise unknown_name("sandbox", name, [*sandboxes, AUTO])
        reason = sandboxes[name].unavailable()
        if reason:
            raise SandboxError(f"sandbox {name!r} cannot be used on this machine: {reason}")
        return sandboxes[name]
    reasons = []
    for sandbox in sandboxes.values():
        if sandbox.name == UNCONFINED:
            continue
        reason = sandbox.unavailable()
        if reason is None:
            return sandbox
        reasons.append(f"  {sandbox.name}: {reason}")
    raise SandboxError(
        "model-written programs cannot be confined on this machine:\n"
        + "\n".join(reasons)
        + "\nRun `codedpo doctor` for details. To run them unconfined, at your own risk: --sandbox unconfined"
    )

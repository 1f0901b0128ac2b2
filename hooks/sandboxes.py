"""Registers the built-in sandboxes, in order of preference."""

from __future__ import annotations

from collections.abc import Callable

from codedpo_plugin import hookimpl
from codedpo_plugin.execution.sandboxes import BUILT_IN, Sandbox


@hookimpl(trylast=True)
def codedpo_register_sandboxes(register: Callable[[str, Sandbox], None]) -> None:
    """Register Landlock, bubblewrap, and running unconfined (never chosen by itself)."""
    for sandbox in BUILT_IN:
        register(sandbox.name, sandbox)

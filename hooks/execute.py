"""Executes candidates with the configured executor."""

from __future__ import annotations

from collections.abc import Iterable

from codedpo_plugin import hookimpl
from codedpo_plugin.config import ExecuteConfig
from codedpo_plugin.context import Context
from codedpo_plugin.manager import find
from codedpo_plugin.records import Candidates, PassMatrix


@hookimpl(trylast=True)
def codedpo_execute(
    candidates: Iterable[Candidates], config: ExecuteConfig, context: Context
) -> Iterable[PassMatrix]:
    """Run every solution against every test."""
    return find("executor", config.executor, context.plugins.executors)(candidates, config, context)

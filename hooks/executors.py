"""Registers the built-in executors: the engine on this machine, and EvalPlus's check to compare it with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from codedpo_plugin import hookimpl
from codedpo_plugin.config import ExecuteConfig
from codedpo_plugin.context import Context
from codedpo_plugin.contracts import Executor
from codedpo_plugin.execution import Limits
from codedpo_plugin.execution.evalplus_check import execute_with_evalplus, require_consent
from codedpo_plugin.execution.matrix import Workload, execute
from codedpo_plugin.records import Candidates, PassMatrix


def local(candidates: Iterable[Candidates], config: ExecuteConfig, context: Context) -> Iterator[PassMatrix]:
    """Run everything in a pool of confined workers on this machine."""
    limits = Limits(config.cpu_s, config.wall_s, config.memory_mb, max_timeouts=config.max_timeouts)
    work = (Workload.of(c, limits) for c in candidates)
    with context.pool(config) as pool:
        yield from execute(pool, work, record_times=config.record_times)


def evalplus(candidates: Iterable[Candidates], config: ExecuteConfig, context: Context) -> Iterator[PassMatrix]:  # noqa: ARG001 - an executor's signature
    """Run everything as EvalPlus does, unconfined."""
    require_consent(config.sandbox)
    yield from execute_with_evalplus(candidates, config.cpu_s)


@hookimpl(trylast=True)
def codedpo_register_executors(register: Callable[[str, Executor], None]) -> None:
    """Register ``local`` and ``evalplus``."""
    register("local", local)
    register("evalplus", evalplus)

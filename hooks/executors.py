"""Registers the built-in executors: the engine here or on a cluster, and EvalPlus's check to compare it with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from codedpo_plugin import hookimpl
from codedpo_plugin.cluster.executor import execute_on_ray
from codedpo_plugin.config import ExecuteConfig
from codedpo_plugin.context import Context
from codedpo_plugin.contracts import Executor
from codedpo_plugin.execution.evalplus_check import execute_with_evalplus, require_consent
from codedpo_plugin.execution.matrix import execute_candidates
from codedpo_plugin.records import Candidates, PassMatrix


def local(candidates: Iterable[Candidates], config: ExecuteConfig, context: Context) -> Iterator[PassMatrix]:
    """Run everything in a pool of confined workers on this machine."""
    with context.pool(config) as pool:
        yield from execute_candidates(pool, candidates, config)


def evalplus(candidates: Iterable[Candidates], config: ExecuteConfig, context: Context) -> Iterator[PassMatrix]:  # noqa: ARG001 - an executor's signature
    """Run everything as EvalPlus does, unconfined."""
    require_consent(config.sandbox)
    yield from execute_with_evalplus(candidates, config.cpu_s)


@hookimpl(trylast=True)
def codedpo_register_executors(register: Callable[[str, Executor], None]) -> None:
    """Register ``local``, ``ray`` and ``evalplus``."""
    register("local", local)
    register("ray", execute_on_ray)
    register("evalplus", evalplus)

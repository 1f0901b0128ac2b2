"""The executor ``ray``: any number of machines, the verdicts of one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from codedpo_plugin.config import ExecuteConfig
from codedpo_plugin.context import Context
from codedpo_plugin.errors import SandboxError
from codedpo_plugin.execution.sandboxes import choose
from codedpo_plugin.records import Candidates, PassMatrix


def execute_on_ray(
    candidates: Iterable[Candidates], config: ExecuteConfig, context: Context
) -> Iterator[PassMatrix]:
    """Yield one matrix per candidates, in order, from the nodes of a Ray cluster.

    Every node has to confine programs as this machine would, and to have the same versions. Raises SandboxError
    when no node does, UsageError when Ray is not installed.
    """
    from codedpo_plugin.cluster.connection import connected
    from codedpo_plugin.cluster.crew import Crew
    from codedpo_plugin.cluster.nodes import report_of

    source = iter(candidates)
    first = next(source, None)
    if first is None:
        return
    sandboxes = context.plugins.sandboxes
    config = config.model_copy(update={"sandbox": choose(config.sandbox, sandboxes).name})
    ours = report_of(config.sandbox, sandboxes, config.interpreter)
    if ours.unusable:
        raise SandboxError(ours.unusable)
    with connected(config.ray_address, config.workers) as ray:
        yield from Crew(ray, config, ours, context.counts).run(chain([first], source))

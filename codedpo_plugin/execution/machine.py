"""What this machine has, and how much of it is in use."""

from __future__ import annotations

import os
import resource
from functools import cache

from codedpo_plugin.errors import UsageError
from codedpo_plugin.execution.requests import MEBIBYTE


def load() -> float:
    """Return how many processes want each core of the machine, at least one: it is slower by about as much."""
    return max(1.0, os.getloadavg()[0] / _logical_cores())


def require_memory(memory_mb: int) -> None:
    """Raise UsageError when this process may not give so much memory to one that it starts."""
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    if hard != resource.RLIM_INFINITY and memory_mb * MEBIBYTE > hard:
        raise UsageError(
            f"limit memory_mb={memory_mb} is more than this process may have itself ({hard // MEBIBYTE}, see "
            "`ulimit -H -v`): lower the one or raise the other"
        )


@cache
def _logical_cores() -> int:
    return os.cpu_count() or 1


@cache
def physical_cores() -> int:
    """Return the number of physical cores this process may use; one where the kernel does not tell."""
    try:
        return len({_siblings(cpu) for cpu in os.sched_getaffinity(0)})
    except OSError:
        return 1


def _siblings(cpu: int) -> str:
    """Return the logical processors of the physical core of one of them."""
    with open(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list") as file:
        return file.read()

"""The way to a Ray cluster: one that is running, or one of this machine alone, started on the spot."""

from __future__ import annotations

import logging
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from codedpo_plugin.errors import SandboxError, UsageError

LOCAL: Final = "local"
PATIENCE_S: Final = 5.0
"""How long an address may take to answer."""
STORE_BYTES: Final = 128 << 20
"""Shared memory of an embedded cluster; what passes through it are a few groups of programs at a time."""
QUIET: Final = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
"""Ray's variables: report to nobody, and no warning about accelerators."""


@contextmanager
def connected(address: str | None, cpus: int | None = None) -> Iterator[Any]:
    """Yield the ``ray`` module, connected to ``address``, else to ``RAY_ADDRESS``, else to a cluster of our own.

    A cluster of our own has ``cpus`` CPUs (default: those this process may use) and ends with the block. Where
    Ray is connected already it is left as it is. Raises UsageError where Ray is missing or an address is wrong,
    and SandboxError where nothing answers.
    """
    ray = _import_ray()
    if ray.is_initialized():
        yield ray
        return
    address = address or os.environ.get("RAY_ADDRESS") or LOCAL
    _require_answer(address)
    try:
        _connect(ray, address, cpus)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        raise SandboxError(f"Ray at {address!r} cannot be used: {error}") from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _import_ray() -> Any:
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError as error:
        raise UsageError("executor 'ray' needs Ray: pip install 'codedpo-plugin[ray]'") from error
    return ray


def _connect(ray: Any, address: str, cpus: int | None) -> None:
    """Connect, with as few words as possible."""
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address == LOCAL:
        number = cpus or len(os.sched_getaffinity(0))
        own = {"num_cpus": number, "include_dashboard": False, "object_store_memory": STORE_BYTES}
        ray.init(address=LOCAL, **own, **quiet)
    else:
        ray.init(address=address, **quiet)


def _require_answer(address: str) -> None:
    """Raise an error within seconds where Ray itself would go on trying for minutes."""
    if address in (LOCAL, "auto"):
        return
    place = re.fullmatch(r"(?:ray://)?(?P<host>[\w.-]+|\[[\da-fA-F:]+\]):(?P<port>\d{1,5})", address)
    if not place:
        raise UsageError(f"Ray address {address!r}: auto, HOST:PORT or ray://HOST:PORT is expected")
    host, port = place["host"].strip("[]"), int(place["port"])
    try:
        socket.create_connection((host, port), PATIENCE_S).close()
    except (OSError, OverflowError) as error:
        raise SandboxError(f"nothing answers at Ray address {address!r}: {error}. {_HINT}") from error
    if not _speaks_grpc(f"{place['host']}:{port}"):
        raise SandboxError(f"what answers at {address!r} is not Ray. {_HINT}")


_HINT: Final = "`ray start --head` prints the address; from outside of the cluster it is ray://HOST:10001."


def _speaks_grpc(target: str) -> bool:
    """Return whether a server speaks Ray's protocol; with TLS that is left to Ray."""
    import grpc

    if os.environ.get("RAY_USE_TLS", "0").lower() in ("1", "true"):
        return True
    with grpc.insecure_channel(target) as channel:
        try:
            grpc.channel_ready_future(channel).result(timeout=PATIENCE_S)
        except grpc.FutureTimeoutError:
            return False
    return True

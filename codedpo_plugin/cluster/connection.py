"""The way to a Ray cluster: one that is running, or one of this machine alone, started on the spot."""

from __future__ import annotations

import logging
import os
import re
import socket
import sys
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from codedpo_plugin.errors import SandboxError, UsageError

LOCAL: Final = "local"
INSTALLED: Final = Path(__file__).resolve().parents[2]
"""Where this package is. Ray lets its processes import what is in the directory it was called in, before anything
else: it should be this one, not whatever the user works in."""
PATIENCE_S: Final = 5.0
"""How long an address may take to answer."""
STORE_BYTES: Final = 128 << 20
"""Shared memory of an embedded cluster; what passes through it are a few groups of programs at a time."""
QUIET: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_worker_niceness": "0",
}
"""Ray's variables: report to nobody, no warning about accelerators, actors no less important than others."""


@contextmanager
def connected(address: str | None, cpus: int | None = None) -> Iterator[Any]:
    """Yield the ``ray`` module, connected to ``address``, else to ``RAY_ADDRESS``, else to a cluster of our own.

    A cluster of our own has ``cpus`` CPUs (default: those this process may use) and ends with the block. Where
    Ray is connected already it is left as it is. Raises UsageError where Ray is missing or an address is wrong,
    and SandboxError where nothing answers.
    """
    if find_spec("ray") is None:
        raise UsageError("executor 'ray' needs Ray: pip install 'codedpo-plugin[ray]'")
    if "ray" in sys.modules and sys.modules["ray"].is_initialized():
        yield sys.modules["ray"]
        return
    address = address or os.environ.get("RAY_ADDRESS") or LOCAL
    _require_answer(address)
    ray = _connect(address, cpus)
    try:
        yield ray
    finally:
        ray.shutdown()


def _connect(address: str, cpus: int | None) -> Any:
    """Connect, with as few words as possible. Raises SandboxError where Ray cannot."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    import ray

    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address == LOCAL:
        number = cpus or len(os.sched_getaffinity(0))
        options |= {"num_cpus": number, "include_dashboard": False, "object_store_memory": STORE_BYTES}
    try:
        with chdir(INSTALLED):
            ray.init(address=address, **options)
    except (ConnectionError, RuntimeError, ValueError, OSError, ray.exceptions.RayError) as error:
        raise SandboxError(f"Ray at {address!r} cannot be used: {error}") from error
    return ray


def _require_answer(address: str) -> None:
    """Raise an error within seconds where Ray itself would go on trying for minutes."""
    if address in (LOCAL, "auto"):
        return
    place = re.fullmatch(r"(?:ray://)?(?P<host>[\w.-]+|\[[\da-fA-F:]+\]):(?P<port>\d{1,5})", address)
    if not place:
        raise UsageError(f"Ray address {address!r}: auto, HOST:PORT or ray://HOST:PORT is expected")
    try:
        socket.create_connection((place["host"].strip("[]"), int(place["port"])), PATIENCE_S).close()
    except (OSError, OverflowError) as error:
        raise SandboxError(f"nothing answers at Ray address {address!r}: {error}. {_HINT}") from error
    if os.environ.get("RAY_USE_TLS", "0").lower() not in ("1", "true"):  # else that is left to Ray
        _require_ray(address, f"{place['host']}:{place['port']}")


_HINT: Final = "`ray start --head` prints the address; from outside of the cluster it is ray://HOST:10001."


_CLIENT: Final = "ray://"
_QUESTIONS: Final = {True: "/ray.rpc.RayletDriver/ClusterInfo", False: "/ray.rpc.NodeInfoGcsService/CheckAlive"}
"""What a server for clients, and what a head node can be asked for without harm."""


def _require_ray(address: str, target: str) -> None:
    """Raise SandboxError unless a server knows what Ray's would be asked for."""
    import grpc

    nobody = (grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
    with grpc.insecure_channel(target) as channel:
        try:
            channel.unary_unary(_QUESTIONS[address.startswith(_CLIENT)])(b"", timeout=PATIENCE_S)
        except grpc.RpcError as error:
            if error.code() in nobody:
                raise SandboxError(f"what answers at {address!r} is not Ray. {_HINT}") from error
            if error.code() is grpc.StatusCode.UNAUTHENTICATED:
                _use_token(address)


def _use_token(address: str) -> None:
    """Have Ray send its token, which it does unasked only in its own clusters. Raises SandboxError without one."""
    kept = Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray" / "auth_token")
    if not os.environ.get("RAY_AUTH_TOKEN") and not kept.exists():
        raise SandboxError(
            f"Ray at {address!r} asks for a token: copy ~/.ray/auth_token from its head node, or set RAY_AUTH_TOKEN"
        )
    os.environ.setdefault("RAY_AUTH_MODE", "token")

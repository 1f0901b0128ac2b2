"""What runs on a node: a pool of confined workers behind an actor that takes and gives bytes."""

from __future__ import annotations

from codedpo_plugin.cluster.messages import pack_matrices, unpack_candidates
from codedpo_plugin.cluster.nodes import report_of
from codedpo_plugin.config import ExecuteConfig
from codedpo_plugin.context import Context
from codedpo_plugin.execution import Pool
from codedpo_plugin.execution.matrix import execute_candidates
from codedpo_plugin.manager import create_plugins


class NodeActor:
    """Runs groups of problems, one after the other, with ``workers`` workers; ``config`` is JSON."""

    def __init__(self, config: str, workers: int) -> None:
        self._config = ExecuteConfig.model_validate_json(config)
        self._context = Context(create_plugins())
        self._pool: Pool | None = None
        self._workers = workers

    def report(self) -> bytes:
        """Return what this node would run programs with."""
        sandboxes = self._context.plugins.sandboxes
        return report_of(self._config.sandbox, sandboxes, self._config.interpreter).to_bytes()

    def run(self, message: bytes) -> bytes:
        """Return the matrices of a group of problems."""
        if self._pool is None:
            self._pool = self._context.pool(self._config, self._workers)
        return pack_matrices(execute_candidates(self._pool, unpack_candidates(message), self._config))

    def close(self) -> None:
        """Stop the workers."""
        if self._pool is not None:
            self._pool.close()

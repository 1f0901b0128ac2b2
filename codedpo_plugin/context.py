"""What a stage gets besides its input and its configuration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from codedpo_plugin.config import ExecuteConfig
    from codedpo_plugin.execution import Pool
    from codedpo_plugin.manager import Plugins

T = TypeVar("T")


def told(counts: Mapping[str, int]) -> str:
    """Return counts as they are told to the user: by name, without what did not occur."""
    return ", ".join(f"{name.replace('_', ' ')} {number}" for name, number in sorted(counts.items()) if number)


def _silent(done: int, total: int | None) -> None:
    """Report progress to nobody."""


@dataclass(frozen=True)
class Context:
    """The surroundings of one stage of one run."""

    plugins: Plugins
    """What is installed: registered rankers, executors, sandboxes, trainers, suites."""
    seed: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    """What the stage did and dropped, by reason; goes into the manifest."""
    progress: Callable[[int, int | None], None] = _silent
    """Called with the number of units done and, if known, of all units."""
    folder: Path | None = None
    """The run directory, for what a stage keeps beside its output; None: nowhere."""
    checkpoints: Path | None = None
    """Where a stage may keep what it continues from after an interruption; None: nowhere."""

    def tracked(self, items: Iterable[T], total: int | None = None) -> Iterator[T]:
        """Pass items on, reporting progress after each."""
        self.progress(0, total)
        for done, item in enumerate(items, 1):
            yield item
            self.progress(done, total)

    def pool(self, config: ExecuteConfig, workers: int | None = None) -> Pool:
        """Return a pool of confined workers as configured, or of ``workers`` of them."""
        from codedpo_plugin.execution import Pool

        sandboxes = self.plugins.sandboxes
        return Pool(
            workers or config.workers,
            sandbox=config.sandbox,
            sandboxes=sandboxes,
            interpreter=config.interpreter,
        )

"""What commands show: messages on standard error, progress bars on a terminal and plain lines elsewhere."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from codedpo_plugin import hookimpl
from codedpo_plugin.processes import is_main_process

if TYPE_CHECKING:
    from codedpo_plugin.manager import Plugins

QUIET = ("lm_eval", "lm-eval", "transformers", "datasets", "httpx", "accelerate", "trl", "peft", "torch")
PLAIN_INTERVAL_S = 10.0


def say(message: str) -> None:
    """Print a line to standard error."""
    sys.stderr.write(message + "\n")


def out(message: str) -> None:
    """Print a line to standard output."""
    sys.stdout.write(message + "\n")


class ProgressBars:
    """An observer that shows how a run goes on."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        console = Console(stderr=True)
        self.terminal = console.is_terminal
        self.bars = Progress(
            TextColumn("{task.description:>12}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            disable=not self.terminal,
            transient=True,
        )
        self.task: Any = None
        self.last = 0.0

    @hookimpl
    def codedpo_stage_started(self, stage: str) -> None:
        """Show a bar for the stage."""
        self.last = time.monotonic()
        if self.terminal:
            self.task = self.bars.add_task(stage, total=None)

    @hookimpl
    def codedpo_progress(self, stage: str, done: int, total: int | None) -> None:
        """Move the bar, or print a line every few seconds."""
        if self.terminal:
            self.bars.update(self.task, completed=done, total=total)
        elif time.monotonic() - self.last > PLAIN_INTERVAL_S:
            self.last = time.monotonic()
            say(f"{stage}: {done}" + (f" of {total}" if total else ""))

    @hookimpl
    def codedpo_stage_finished(self, stage: str, counts: Mapping[str, int], seconds: float) -> None:
        """Replace the bar by a line with the counts."""
        if self.terminal and self.task is not None:
            self.bars.remove_task(self.task)
        shown = ", ".join(f"{name.replace('_', ' ')} {number}" for name, number in sorted(counts.items()) if number)
        say(f"{stage}: {shown or 'done'} ({seconds:.1f} s)")


@contextmanager
def session(*, verbose: bool = False) -> Iterator[Plugins]:
    """Set up logging and progress; yield the plugins."""
    from codedpo_plugin.manager import create_plugins

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s", stream=sys.stderr)
    logging.getLogger("codedpo_plugin").setLevel(logging.INFO if is_main_process() else logging.ERROR)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.INFO if verbose else logging.ERROR)
    bars = ProgressBars()
    with bars.bars:
        yield create_plugins([("codedpo.progress", bars)])


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table to standard output, the first column to the left and the others to the right."""
    from rich.console import Console
    from rich.table import Table

    shown = Table(title=title, title_justify="left")
    for index, column in enumerate(columns):
        shown.add_column(column, justify="left" if index == 0 else "right")
    for row in rows:
        shown.add_row(*row)
    Console(width=None if sys.stdout.isatty() else 120).print(shown)

"""What commands show: messages on standard error, progress bars on a terminal and plain lines elsewhere."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from codedpo_plugin import hookimpl
from codedpo_plugin.context import told
from codedpo_plugin.processes import is_main_process

if TYPE_CHECKING:
    from codedpo_plugin.manager import Plugins
    from codedpo_plugin.status import Note

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

        from codedpo_plugin.status import Note

        console = Console(stderr=True)
        self.terminal = console.is_terminal
        self.bars = Progress(
            TextColumn("{task.description:>12}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[pace]}"),
            console=console,
            disable=not self.terminal,
            transient=True,
        )
        self.task: Any = None
        self.last = 0.0
        self.note, self._moved = Note(), False

    @hookimpl
    def codedpo_stage_started(self, stage: str) -> None:
        """Show a bar for the stage."""
        self.last, self._moved = time.monotonic(), False
        if self.terminal:
            self.task = self.bars.add_task(stage, total=None, pace="")

    @hookimpl
    def codedpo_progress(self, stage: str, done: int, total: int | None) -> None:
        """Move the bar, or print a line every few seconds."""
        now = time.monotonic()
        if not self._moved:
            self.note.resumed, self.note.started, self._moved = done, now, True
        self.note.done, self.note.total, self.note.updated = done, total, now
        if self.terminal:
            self.bars.update(self.task, completed=done, total=total, pace=pace(self.note))
        elif now - self.last > PLAIN_INTERVAL_S:
            self.last = now
            say(", ".join(filter(None, [f"{stage}: {done}" + (f" of {total}" if total else ""), pace(self.note)])))

    @hookimpl
    def codedpo_stage_finished(self, stage: str, counts: Mapping[str, int], seconds: float) -> None:
        """Replace the bar by a line with the counts."""
        if self.terminal and self.task is not None:
            self.bars.remove_task(self.task)
        say(f"{stage}: {told(counts) or 'done'} ({seconds:.1f} s)")


def pace(note: Note) -> str:
    """Return how fast a stage goes and how long it will take; nothing where that is not known."""
    speed, left = note.rate(), note.seconds_left(note.updated)
    return ", ".join(([rate(speed)] if speed else []) + ([f"{duration(left)} left"] if left else []))


def rate(units_a_second: float) -> str:
    """Return a rate with three digits."""
    return f"{units_a_second:,.0f}/s" if units_a_second >= 100 else f"{units_a_second:.3g}/s"


def duration(seconds: float) -> str:
    """Return a time in days, hours, minutes and seconds, the two largest that are not zero."""
    parts: list[str] = []
    seconds = round(seconds)
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        number, seconds = divmod(seconds, size)
        if number or parts:
            parts.append(f"{number} {unit}")
    return " ".join(parts[:2]) or "0 s"


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

"""Writes the page about a run."""

from __future__ import annotations

from pathlib import Path

from codedpo_plugin import hookimpl
from codedpo_plugin.rundir import RunDirectory


@hookimpl(trylast=True)
def codedpo_report(run: RunDirectory) -> Path:
    """Write ``report.html``."""
    from codedpo_plugin.report.page import write_report

    return write_report(run)

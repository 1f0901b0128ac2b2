"""``codedpo report``: one page about a run."""

from __future__ import annotations

from codedpo_plugin.cli.options import RunPath


def report(directory: RunPath) -> None:
    """Write DIR/report.html, a self-contained page."""
    from codedpo_plugin.cli.console import out, session
    from codedpo_plugin.pipeline import Pipeline
    from codedpo_plugin.rundir import RunDirectory

    with session() as plugins:
        page = Pipeline(RunDirectory(directory), plugins).report()
    out(f"report: {page}")

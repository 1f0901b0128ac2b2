"""``codedpo status``: how far a run is."""

from __future__ import annotations

from typing import Annotated

import typer

from codedpo_plugin.cli.options import RunPath


def status(
    directory: RunPath,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell how far a run is, also while another process works on it."""
    import json

    from codedpo_plugin.cli.console import duration, out, rate, table
    from codedpo_plugin.rundir import RunDirectory
    from codedpo_plugin.status import read_status

    found = read_status(RunDirectory(directory))
    if as_json:
        out(json.dumps(found.to_dict(), indent=2))
        return
    rows = [
        (
            stage.name,
            stage.state,
            "" if stage.done is None else f"{stage.done:,}" + (f" of {stage.total:,}" if stage.total else ""),
            "" if stage.rate is None else rate(stage.rate),
            "" if stage.seconds_left is None else duration(stage.seconds_left),
        )
        for stage in found.stages
    ]
    table(str(directory), ("stage", "state", "done", "rate", "time left"), rows)
    out(f"in use by {found.holder}" if found.holder else "no process works on it")

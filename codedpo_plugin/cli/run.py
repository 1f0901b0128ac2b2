"""``codedpo run``: the whole loop from a configuration file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from codedpo_plugin.cli.options import Restart, Verbose, local_only


def run(
    config: Annotated[Path, typer.Argument(help="A YAML file.", metavar="CONFIG.yaml")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Run directory; default: the file's name without .yaml.", callback=local_only
        ),
    ] = None,
    sandbox: Annotated[
        str | None,
        typer.Option("--sandbox", help="Overrides the file; the only place to ask for unconfined."),
    ] = None,
    restart: Restart = False,
    verbose: Verbose = False,
) -> None:
    """Run the whole loop; continues where it stopped."""
    from codedpo_plugin.cli.console import out, session
    from codedpo_plugin.cli.summary import show_comparisons
    from codedpo_plugin.config import load_config
    from codedpo_plugin.execution import require_confinement
    from codedpo_plugin.pipeline import Pipeline, run_all
    from codedpo_plugin.rundir import RunDirectory

    settings = load_config(config)
    if sandbox:
        execute = settings.execute.model_copy(update={"sandbox": sandbox})
        settings = settings.model_copy(update={"execute": execute})
    with session(verbose=verbose) as plugins:
        require_confinement(settings.execute.sandbox, plugins.sandboxes)
        directory = RunDirectory(output or config.with_suffix(""))
        pipeline = Pipeline(directory, plugins, settings.seed, restart=restart)
        page = run_all(pipeline, settings)
    show_comparisons(directory.comparison)
    out(f"report: {page}")

"""``codedpo compare``: two results, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from codedpo_plugin.cli.options import SandboxName, Verbose, make


def compare(
    before: Annotated[Path, typer.Argument(help="Directory of the results before.", metavar="BEFORE_DIR")],
    after: Annotated[Path, typer.Argument(help="Directory of the results after.", metavar="AFTER_DIR")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Also write the comparison as JSON.")
    ] = None,
    sandbox: SandboxName = "auto",
    verbose: Verbose = False,
) -> None:
    """Compare pass@k, and speed on the problems both solve, measured in one interleaved run."""
    from codedpo_plugin.cli.console import session
    from codedpo_plugin.cli.summary import show_comparison
    from codedpo_plugin.config import ExecuteConfig, TimingConfig
    from codedpo_plugin.context import Context
    from codedpo_plugin.errors import EvaluationError
    from codedpo_plugin.evaluation.compare import as_json, compare_results, read_results, write_comparison
    from codedpo_plugin.manager import find

    old, new = read_results(before), read_results(after)
    common = [suite for suite in old if suite in new]
    if not common:
        raise EvaluationError(f"no suite in common: {before} has {', '.join(old)}, {after} has {', '.join(new)}")
    with session(verbose=verbose) as plugins:
        context = Context(plugins)
        with context.pool(make(ExecuteConfig, sandbox=sandbox), workers=1) as pool:
            comparisons = [
                compare_results(
                    old[name],
                    new[name],
                    find("suite", name, plugins.suites).load(new[name].metadata),
                    pool,
                    TimingConfig(),
                )
                for name in common
            ]
    for comparison in comparisons:
        show_comparison(as_json(comparison))
    if output:
        write_comparison(output, comparisons)

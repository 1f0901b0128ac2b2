"""``codedpo demo``: pairs out of embedded candidates, offline and without a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from codedpo_plugin.cli.options import Restart, SandboxName, Verbose, Workers, make


def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="Directory to write to.")] = Path("codedpo-demo"),
    workers: Workers = None,
    sandbox: SandboxName = "auto",
    restart: Restart = False,
    verbose: Verbose = False,
) -> None:
    """Build preference pairs from the candidates that come with the package, and check them against the truth."""
    from codedpo_plugin.cli.console import out, session, table
    from codedpo_plugin.config import ExecuteConfig, PairsConfig, ScoreConfig
    from codedpo_plugin.demo import demo_candidates, judge_pairs
    from codedpo_plugin.execution import require_confinement
    from codedpo_plugin.formats import jsonl
    from codedpo_plugin.pipeline import Pipeline
    from codedpo_plugin.records import SolutionForm
    from codedpo_plugin.rundir import RunDirectory

    execution = make(ExecuteConfig, workers=workers, sandbox=sandbox)
    with session(verbose=verbose) as plugins:
        require_confinement(sandbox, plugins.sandboxes)
        pipeline = Pipeline(RunDirectory(output), plugins, restart=restart)
        embedded = output / "embedded.jsonl"
        jsonl.write(embedded, demo_candidates())
        pipeline.take_candidates(embedded, SolutionForm.PROGRAM)
        pipeline.execute(execution)
        pipeline.score(ScoreConfig())
        pipeline.pairs(PairsConfig(), execution)
        page = pipeline.report()
        pairs = [*jsonl.read(pipeline.run.pairs, jsonl.pair_from, jsonl.BadLines(), unique=False)]
    table("pairs against the truth", ("kind", "pairs", "right", "inverted"), judge_pairs(pairs))
    out(f"pairs: {pipeline.run.pairs}\nreport: {page}")

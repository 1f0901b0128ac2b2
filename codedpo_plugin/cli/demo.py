"""``codedpo demo``: the pipeline without a model, or the whole loop on the embedded one; offline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codedpo_plugin.cli.options import Output, Restart, SandboxName, Seed, Verbose, Workers, make

if TYPE_CHECKING:
    from codedpo_plugin.config import ExecuteConfig
    from codedpo_plugin.pipeline import Pipeline


def demo(
    output: Output = Path("codedpo-demo"),
    with_model: Annotated[
        bool | None,
        typer.Option(
            "--with-model/--without-model",
            help="The whole loop on the embedded model, or pairs from recorded candidates. Default: the loop, if "
            "the extra train is installed.",
            show_default=False,
        ),
    ] = None,
    seed: Seed = 0,
    workers: Workers = None,
    sandbox: SandboxName = "auto",
    restart: Restart = False,
    verbose: Verbose = False,
) -> None:
    """Generate, build pairs, train and evaluate with the embedded model: the whole loop, offline, in minutes."""
    from codedpo_plugin.cli.console import out, session
    from codedpo_plugin.config import ExecuteConfig
    from codedpo_plugin.demo import require_training, training_is_installed
    from codedpo_plugin.execution import require_confinement
    from codedpo_plugin.pipeline import Pipeline
    from codedpo_plugin.rundir import RunDirectory

    execution = make(ExecuteConfig, workers=workers, sandbox=sandbox)
    if with_model is None and not training_is_installed():
        out("pairs only: training a model takes more, pip install 'codedpo-plugin[train]'")
        with_model = False
    if with_model is not False:
        require_training()
    with session(verbose=verbose) as plugins:
        require_confinement(sandbox, plugins.sandboxes)
        pipeline = Pipeline(RunDirectory(output), plugins, seed, restart=restart)
        page = (_without_model if with_model is False else _loop)(pipeline, execution)
    out(f"report: {page}")


def _loop(pipeline: Pipeline, execution: ExecuteConfig) -> Path:
    """Run the whole loop and show the comparison; return the report."""
    from codedpo_plugin.cli.summary import show_comparisons
    from codedpo_plugin.demo import demo_config
    from codedpo_plugin.pipeline import run_all

    page = run_all(pipeline, demo_config(pipeline.seed, execution))
    show_comparisons(pipeline.run.comparison)
    return page


def _without_model(pipeline: Pipeline, execution: ExecuteConfig) -> Path:
    """Build pairs from candidates whose truth is known, and show whether they are right; return the report."""
    from codedpo_plugin.cli.console import out, table
    from codedpo_plugin.config import PairsConfig, ScoreConfig
    from codedpo_plugin.demo import demo_candidates, judge_pairs
    from codedpo_plugin.formats import jsonl
    from codedpo_plugin.records import SolutionForm

    embedded = pipeline.run.path / "embedded.jsonl"
    jsonl.write(embedded, demo_candidates())
    pipeline.take_candidates([embedded], SolutionForm.PROGRAM)
    pipeline.execute(execution)
    pipeline.score(ScoreConfig())
    pipeline.pairs(PairsConfig(), execution)
    page = pipeline.report()
    pairs = [*jsonl.read(pipeline.run.pairs, jsonl.pair_from, jsonl.BadLines(), unique=False)]
    table("pairs against the truth", ("kind", "pairs", "right", "inverted"), judge_pairs(pairs))
    out(f"pairs: {pipeline.run.pairs}")
    return page

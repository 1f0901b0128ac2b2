"""``codedpo problems``: problems that a model makes of seeds or other problems, cleaned, and a report on them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codedpo_plugin.cli.options import (
    BatchSize,
    Chat,
    Device,
    ModelArgs,
    Output,
    Restart,
    SandboxName,
    Seed,
    Verbose,
    Workers,
    make,
)

if TYPE_CHECKING:
    from codedpo_plugin.config import ExecuteConfig, ProblemsConfig
    from codedpo_plugin.pipeline import Pipeline
    from codedpo_plugin.rundir import RunDirectory

MaybeModel = Annotated[
    str | None, typer.Option("--model", "-m", help="A model directory or name, or an lm-eval model type.")
]
Method = Annotated[str, typer.Option(help="oss-instruct, concepts or evol-instruct.")]
Seeds = Annotated[
    str | None, typer.Option(help="A seeds.jsonl or its URL; default: DIR's own, else the standard library.")
]
Problems = Annotated[
    str | None,
    typer.Option("--problems", help="A problems.jsonl, or its URL, to evolve or, without a model, to clean."),
]
Limit = Annotated[int | None, typer.Option(help="Use the first so many seeds or problems.")]
Rounds = Annotated[int, typer.Option(help="Times each problem is evolved.")]
Temperature = Annotated[float, typer.Option(help="Sampling temperature; 0 is greedy.")]
MaxTokens = Annotated[int, typer.Option(help="Longest answer.")]
Benchmarks = Annotated[str, typer.Option("--benchmark", help="What must not be learned; empty: nothing.")]
Against = Annotated[list[Path] | None, typer.Option(help="A file of JSON lines with more of it; may be repeated.")]
Clean = Annotated[bool, typer.Option("--clean/--no-clean", help="Drop what is not worth learning.")]
RunSolutions = Annotated[bool, typer.Option("--run/--no-run", help="Run Python solutions, confined.")]
Report = Annotated[bool, typer.Option("--report", help="Report on the problems, also of an earlier run.")]
Plot = Annotated[Path | None, typer.Option(help="Draw the report to a file.")]
Embedding = Annotated[
    str | None, typer.Option(help="A sentence-transformers model for the categories; default: TF-IDF.")
]


def problems(
    output: Output,
    model: MaybeModel = None,
    model_args: ModelArgs = "",
    method: Method = "oss-instruct",
    seeds: Seeds = None,
    given: Problems = None,
    limit: Limit = None,
    rounds: Rounds = 1,
    temperature: Temperature = 0.0,
    max_tokens: MaxTokens = 1024,
    benchmark: Benchmarks = "humaneval,mbpp,ds1000",
    against: Against = None,
    clean: Clean = True,
    run_solutions: RunSolutions = True,
    report: Report = False,
    plot: Plot = None,
    embedding_model: Embedding = None,
    batch_size: BatchSize = "8",
    device: Device = None,
    apply_chat_template: Chat = False,
    workers: Workers = None,
    sandbox: SandboxName = "auto",
    seed: Seed = 0,
    restart: Restart = False,
    verbose: Verbose = False,
) -> None:
    """Make problems with a model, drop what is not worth learning; write problems.jsonl."""
    from codedpo_plugin.cli.console import session
    from codedpo_plugin.cli.options import file_of, kinds_of, model_section
    from codedpo_plugin.config import CleanConfig, ExecuteConfig, FactoryConfig, ProblemsConfig
    from codedpo_plugin.errors import UsageError
    from codedpo_plugin.pipeline import Pipeline
    from codedpo_plugin.rundir import RunDirectory

    if model is None and given is None and not report:
        raise UsageError("give --model to make problems, --problems to clean them, or --report on earlier ones")
    run = RunDirectory(output)
    options = {"method": method, "rounds": rounds, "temperature": temperature, "max_tokens": max_tokens}
    options |= {"batch_size": batch_size, "device": device, "seeds_path": file_of(seeds) or run.seeds}
    rules = {"benchmarks": kinds_of(benchmark), "against": tuple(against or ()), "run_solutions": run_solutions}
    making = None
    if model:
        making = model_section(FactoryConfig, model, model_args, chat=apply_chat_template, **options)
    cleaning = make(CleanConfig, **rules) if clean else None
    values = {"path": file_of(given), "limit": limit, "make": making, "clean": cleaning}
    with session(verbose=verbose) as plugins:
        if making or given:
            pipeline = Pipeline(run, plugins, seed, restart=restart)
            _perform(
                pipeline, make(ProblemsConfig, **values), make(ExecuteConfig, workers=workers, sandbox=sandbox)
            )
        if report or plot:
            _report(run, embedding_model, plot)


def _perform(pipeline: Pipeline, config: ProblemsConfig, execute: ExecuteConfig) -> None:
    """Make the problems, of seeds from the standard library where there are none."""
    from codedpo_plugin.cli.console import out

    source = config.make.seeds_path if config.make else None
    if config.makes_of_seeds and source == pipeline.run.seeds and not source.exists():
        pipeline.seeds(config)
    pipeline.problems(config, execute)
    out(f"problems: {pipeline.run.problems}")


def _report(run: RunDirectory, embedding_model: str | None, plot: Path | None) -> None:
    """Write, print and draw the report on the problems of a run."""
    from codedpo_plugin.cli.console import out, table
    from codedpo_plugin.formats import jsonl
    from codedpo_plugin.problems.report import plot_report, report_on, write_report
    from codedpo_plugin.rundir import Manifest

    found, _ = jsonl.read_all(run.require(run.problems, "problems"), jsonl.problem_from)
    done = Manifest(run).finished("problems")
    report = report_on(found, done.counts if done else {}, embedding_model)
    write_report(run.problems_report, report)
    table("counts", ("", "number"), [(name.replace("_", " "), str(n)) for name, n in report.counts.items()])
    table("categories", ("category", "problems"), [(name, str(n)) for name, n in report.categories.items()])
    mean = report.similarity_mean
    out(f"similarity to HumanEval: {report.similarity_missing if mean is None else f'mean {mean:.3f}'}")
    out(f"report: {run.problems_report}")
    if plot:
        plot_report(plot, report)
        out(f"plot: {plot}")

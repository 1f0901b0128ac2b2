"""``codedpo problems``: problems that a model makes of seeds or other problems, cleaned, and a report on them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
from codedpo_plugin.cli.seeds import Dataset, DatasetArgs, Folders, PerDocument, Quotas, seeds_section

if TYPE_CHECKING:
    from codedpo_plugin.rundir import RunDirectory


def problems(
    output: Output,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="A model directory or name, or an lm-eval model type.")
    ] = None,
    model_args: ModelArgs = "",
    method: Annotated[str, typer.Option(help="oss-instruct, concepts or evol-instruct.")] = "oss-instruct",
    seeds: Annotated[Path | None, typer.Option(help="A seeds.jsonl; default: seeds are collected.")] = None,
    folder: Folders = None,
    dataset: Dataset = None,
    dataset_args: DatasetArgs = "{}",
    quota: Quotas = "",
    per_document: PerDocument = 1,
    problems: Annotated[
        Path | None, typer.Option(help="A problems.jsonl to evolve or, without a model, to clean.")
    ] = None,
    limit: Annotated[int | None, typer.Option(help="Use the first so many seeds or problems.")] = None,
    rounds: Annotated[int, typer.Option(help="Times each problem is evolved.")] = 1,
    temperature: Annotated[float, typer.Option(help="Sampling temperature; 0 is greedy.")] = 0.0,
    max_tokens: Annotated[int, typer.Option(help="Longest answer.")] = 1024,
    retries: Annotated[int, typer.Option(help="Times a failed call of the model is repeated.")] = 3,
    benchmark: Annotated[
        str, typer.Option(help="What must not be learned, separated by commas; empty: nothing.")
    ] = "humaneval,mbpp,ds1000",
    against: Annotated[list[Path] | None, typer.Option(help="A file of JSON lines with more of it.")] = None,
    near_duplicates: Annotated[float, typer.Option(help="Least Jaccard similarity of near-duplicates.")] = 0.7,
    clean: Annotated[bool, typer.Option("--clean/--no-clean", help="Drop what is not worth learning.")] = True,
    run_solutions: Annotated[bool, typer.Option("--run/--no-run", help="Run Python solutions, confined.")] = True,
    report: Annotated[
        bool, typer.Option("--report", help="Report on the problems, also of an earlier run.")
    ] = False,
    plot: Annotated[Path | None, typer.Option(help="Draw the report to a file.")] = None,
    embedding_model: Annotated[
        str | None, typer.Option(help="A sentence-transformers model for the categories; default: TF-IDF.")
    ] = None,
    batch_size: BatchSize = "8",
    device: Device = None,
    apply_chat_template: Chat = False,
    workers: Workers = None,
    sandbox: SandboxName = "auto",
    seed: Seed = 0,
    restart: Restart = False,
    verbose: Verbose = False,
) -> None:
    """Make problems with a model, drop duplicates, contaminated and broken ones; write problems.jsonl."""
    from codedpo_plugin.cli.console import out, session
    from codedpo_plugin.cli.options import kinds_of, model_section
    from codedpo_plugin.config import CleanConfig, ExecuteConfig, FactoryConfig, ProblemsConfig
    from codedpo_plugin.errors import UsageError
    from codedpo_plugin.pipeline import Pipeline
    from codedpo_plugin.rundir import RunDirectory

    run = RunDirectory(output)
    cleaning = make(
        CleanConfig,
        benchmarks=kinds_of(benchmark),
        against=tuple(against or ()),
        near_duplicates=near_duplicates,
        run_solutions=run_solutions,
    )
    values: dict[str, Any] = {"path": problems, "limit": limit, "clean": cleaning if clean else None}
    if model is not None:
        values["make"] = model_section(
            FactoryConfig,
            model,
            model_args,
            chat=apply_chat_template,
            batch_size=batch_size,
            device=device,
            method=method,
            seeds=seeds_section(folder, dataset, dataset_args, quota, per_document),
            seeds_path=seeds,
            rounds=rounds,
            temperature=temperature,
            max_tokens=max_tokens,
            retries=retries,
        )
    with session(verbose=verbose) as plugins:
        if model is not None or problems is not None:
            pipeline = Pipeline(run, plugins, seed, restart=restart)
            pipeline.problems(make(ProblemsConfig, **values), make(ExecuteConfig, workers=workers, sandbox=sandbox))
            out(f"problems: {run.problems}")
        elif not report:
            raise UsageError("give --model to make problems, --problems to clean them, or --report on earlier ones")
        if report or plot:
            _report(run, embedding_model, plot)


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

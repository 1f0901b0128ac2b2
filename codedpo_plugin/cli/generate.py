"""``codedpo generate``: candidates from a model of the harness."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from codedpo_plugin.cli.options import (
    BatchSize,
    Chat,
    Device,
    Model,
    ModelArgs,
    Output,
    Restart,
    Seed,
    Verbose,
    make,
)


def generate(
    output: Output,
    model: Model,
    model_args: ModelArgs = "",
    problems: Annotated[Path | None, typer.Option(help="A problems.jsonl.")] = None,
    suite: Annotated[str | None, typer.Option(help="Or the problems of a suite.")] = None,
    split: Annotated[str, typer.Option(help="Part of the suite: train, heldout or all.")] = "train",
    limit: Annotated[int | None, typer.Option(help="Use the first so many problems.")] = None,
    n_solutions: Annotated[int, typer.Option("--n-solutions", "-n", help="Solutions a problem.")] = 15,
    n_tests: Annotated[int, typer.Option("--n-tests", "-t", help="Tests a problem.")] = 15,
    test_generations: Annotated[
        int | None, typer.Option(help="Generations of tests a problem. Default: as many as tests.")
    ] = None,
    prompt_examples: Annotated[
        bool, typer.Option("--prompt-examples", help="The examples in a prompt's documentation are tests, too.")
    ] = False,
    temperature: Annotated[float, typer.Option(help="Sampling temperature.")] = 1.5,
    top_p: Annotated[float, typer.Option(help="Nucleus sampling.")] = 1.0,
    max_solution_tokens: Annotated[int, typer.Option(help="Longest solution.")] = 512,
    max_test_tokens: Annotated[int, typer.Option(help="Longest test generation.")] = 256,
    batch_size: BatchSize = "8",
    device: Device = None,
    apply_chat_template: Chat = False,
    seed: Seed = 0,
    restart: Restart = False,
    verbose: Verbose = False,
) -> None:
    """Ask a model for solutions and tests; write problems.jsonl and candidates.jsonl."""
    from codedpo_plugin.cli.console import out, session
    from codedpo_plugin.cli.options import model_section
    from codedpo_plugin.config import GenerateConfig, ProblemsConfig
    from codedpo_plugin.pipeline import Pipeline
    from codedpo_plugin.rundir import RunDirectory

    if problems is None and suite is None:
        suite = "micro"
    source = make(ProblemsConfig, suite=suite, path=problems, split=split, limit=limit)
    config = model_section(
        GenerateConfig,
        model,
        model_args,
        chat=apply_chat_template,
        batch_size=batch_size,
        device=device,
        n_solutions=n_solutions,
        n_tests=n_tests,
        test_generations=test_generations,
        prompt_examples=prompt_examples,
        temperature=temperature,
        top_p=top_p,
        max_solution_tokens=max_solution_tokens,
        max_test_tokens=max_test_tokens,
    )
    run = RunDirectory(output)
    with session(verbose=verbose) as plugins, Pipeline(run, plugins, seed, restart=restart) as pipeline:
        pipeline.problems(source)
        pipeline.generate(config)
    out(f"candidates: {run.candidates}")

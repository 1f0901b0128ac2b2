"""``codedpo seeds``: snippets of open-source code that inspire problems."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from codedpo_plugin.cli.options import Output, Restart, Seed, Verbose, make


def seeds(
    output: Output,
    folder: Annotated[
        list[Path] | None, typer.Option(help="Of source code; may be repeated. Default: the standard library.")
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(help="Or a data set of the hub, streamed: bigcode/starcoderdata.")
    ] = None,
    dataset_args: Annotated[
        str, typer.Option(help='For load_dataset, a JSON object: {"data_dir": "python", "split": "train"}.')
    ] = "{}",
    quota: Annotated[
        str, typer.Option(help="Seeds of each language: python=1000,rust=200. Default: Magicoder's 80,000.")
    ] = "",
    per_document: Annotated[int, typer.Option(help="Seeds a document.")] = 1,
    seed: Seed = 0,
    restart: Restart = False,
    verbose: Verbose = False,
) -> None:
    """Collect seeds from folders, a data set or the standard library; write seeds.jsonl."""
    from codedpo_plugin.cli.console import out, session
    from codedpo_plugin.cli.options import object_of
    from codedpo_plugin.config import FactoryConfig, ProblemsConfig, SeedsConfig
    from codedpo_plugin.pipeline import Pipeline
    from codedpo_plugin.rundir import RunDirectory

    values: dict[str, Any] = {"folders": tuple(path.resolve() for path in folder or ()), "dataset": dataset}
    values |= {"dataset_args": object_of("--dataset-args", dataset_args), "per_document": per_document}
    corpus = make(SeedsConfig, **values | ({"quotas": _quotas(quota)} if quota else {}))
    config = make(ProblemsConfig, make=make(FactoryConfig, method="oss-instruct", seeds=corpus))
    with session(verbose=verbose) as plugins:
        pipeline = Pipeline(RunDirectory(output), plugins, seed, restart=restart)
        pipeline.seeds(config)
    out(f"seeds: {pipeline.run.seeds}")


def _quotas(text: str) -> dict[str, str]:
    """Return the language and number of each part of ``--quota``; the configuration checks them."""
    pairs = (part.partition("=") for part in text.split(",") if part.strip())
    return {language.strip(): number.strip() for language, _, number in pairs}

"""``codedpo seeds``: snippets of open-source code that inspire problems."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from codedpo_plugin.cli.options import Output, Restart, Seed, Verbose, make

Folders = Annotated[
    list[Path] | None,
    typer.Option("--folder", help="A folder of source code; may be repeated. Default: the standard library."),
]
Dataset = Annotated[str | None, typer.Option(help="Or a data set of the hub, streamed: bigcode/starcoderdata.")]
DatasetArgs = Annotated[
    str, typer.Option(help='For load_dataset, a JSON object: {"data_dir": "python", "split": "train"}.')
]
Quotas = Annotated[
    str, typer.Option("--quota", help="Seeds of each language: python=1000,rust=200. Default: Magicoder's 80,000.")
]
PerDocument = Annotated[int, typer.Option(help="Seeds a document.")]


def seeds(
    output: Output,
    folder: Folders = None,
    dataset: Dataset = None,
    dataset_args: DatasetArgs = "{}",
    quota: Quotas = "",
    per_document: PerDocument = 1,
    seed: Seed = 0,
    restart: Restart = False,
    verbose: Verbose = False,
) -> None:
    """Collect seeds from folders, a data set or the standard library; write seeds.jsonl."""
    from codedpo_plugin.cli.console import out, session
    from codedpo_plugin.config import FactoryConfig, ProblemsConfig
    from codedpo_plugin.pipeline import Pipeline
    from codedpo_plugin.rundir import RunDirectory

    corpus = seeds_section(folder, dataset, dataset_args, quota, per_document)
    config = make(ProblemsConfig, make=make(FactoryConfig, method="oss-instruct", seeds=corpus))
    with session(verbose=verbose) as plugins:
        pipeline = Pipeline(RunDirectory(output), plugins, seed, restart=restart)
        pipeline.seeds(config)
    out(f"seeds: {pipeline.run.seeds}")


def seeds_section(
    folders: list[Path] | None, dataset: str | None, dataset_args: str, quota: str, per_document: int
) -> Any:
    """Return the section that says where seeds come from. Raises UsageError for an option that is wrong."""
    from codedpo_plugin.cli.options import object_of
    from codedpo_plugin.config import SeedsConfig

    values: dict[str, Any] = {"folders": tuple(path.resolve() for path in folders or ()), "dataset": dataset}
    values |= {"dataset_args": object_of("--dataset-args", dataset_args), "per_document": per_document}
    return make(SeedsConfig, **values | ({"quotas": _quotas(quota)} if quota else {}))


def _quotas(text: str) -> dict[str, str]:
    """Return the language and number of each part of ``--quota``; the configuration checks them."""
    pairs = (part.partition("=") for part in text.split(",") if part.strip())
    return {language.strip(): number.strip() for language, _, number in pairs}

"""``codedpo execute``, ``score`` and ``pairs``: the stages of ``build``, one at a time, on a run directory."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from codedpo_plugin.cli.options import (
    DEFAULT_KINDS,
    CalibrationFile,
    CpuSeconds,
    Enlarge,
    ExecutorName,
    Kinds,
    MinConfidence,
    PerProblem,
    RankerName,
    RayAddress,
    RunPath,
    SandboxName,
    Seed,
    TrustExamples,
    Verbose,
    Workers,
    make,
    metadata_of,
    pairs_section,
)

Afresh = Annotated[bool, typer.Option("--restart", help="Forget what an interrupted run of this stage left.")]


def execute(
    directory: RunPath,
    executor: ExecutorName = "local",
    ray_address: RayAddress = None,
    workers: Workers = None,
    sandbox: SandboxName = "auto",
    cpu_s: CpuSeconds = 1.0,
    times: Annotated[bool, typer.Option("--times", help="Keep the CPU time of every cell.")] = False,
    restart: Afresh = False,
    verbose: Verbose = False,
) -> None:
    """Run every solution of DIR/candidates.jsonl against every test; write DIR/matrix.parquet."""
    from codedpo_plugin.config import ExecuteConfig

    running = {"executor": executor, "ray_address": ray_address, "workers": workers, "sandbox": sandbox}
    config = make(ExecuteConfig, **running, cpu_s=cpu_s, record_times=times)
    with _stage(directory, 0, restart=restart, verbose=verbose) as pipeline:
        pipeline.execute(config)


def score(
    directory: RunPath,
    ranker: RankerName = "self-validation",
    params: Annotated[str, typer.Option(help='Its parameters, a JSON object: {"damping": 0.85}.')] = "{}",
    seed: Seed = 0,
    restart: Afresh = False,
    verbose: Verbose = False,
) -> None:
    """Rank the solutions and tests of DIR/matrix.parquet; write DIR/scores.parquet."""
    from codedpo_plugin.config import ScoreConfig

    config = make(ScoreConfig, ranker=ranker, params=metadata_of(params))
    with _stage(directory, seed, restart=restart, verbose=verbose) as pipeline:
        pipeline.score(config)


def pairs(
    directory: RunPath,
    kind: Kinds = DEFAULT_KINDS,
    min_confidence: MinConfidence = None,
    calibration: CalibrationFile = None,
    per_problem: PerProblem = 1,
    trust_examples: TrustExamples = False,
    enlarge: Enlarge = 1,
    sandbox: SandboxName = "auto",
    restart: Afresh = False,
    verbose: Verbose = False,
) -> None:
    """Build preference pairs from DIR/scores.parquet; write DIR/pairs.jsonl."""
    from codedpo_plugin.config import ExecuteConfig

    config = pairs_section(kind, min_confidence, calibration, per_problem, trust_examples, enlarge)
    with _stage(directory, 0, restart=restart, verbose=verbose) as pipeline:
        pipeline.pairs(config, make(ExecuteConfig, sandbox=sandbox))


def _stage(directory: Path, seed: int, *, restart: bool, verbose: bool):  # type: ignore[no-untyped-def]  # noqa: ANN202 - a context manager of a class that must not be imported here
    """Return a context that yields a pipeline which repeats a stage, or goes on with one that was interrupted."""
    from contextlib import contextmanager

    from codedpo_plugin.cli.console import session
    from codedpo_plugin.errors import UsageError
    from codedpo_plugin.pipeline import Pipeline
    from codedpo_plugin.rundir import RunDirectory

    @contextmanager
    def open_pipeline():  # type: ignore[no-untyped-def]  # noqa: ANN202 - idem
        if not directory.is_dir():
            raise UsageError(f"{directory} is not a run directory; `codedpo build … -o {directory}` makes one")
        with session(verbose=verbose) as plugins:
            yield Pipeline(RunDirectory(directory), plugins, seed, redo=True, forget=restart)

    return open_pipeline()

"""``codedpo build``: from candidates to preference pairs."""

from __future__ import annotations

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
    Output,
    PerProblem,
    RankerName,
    RayAddress,
    Restart,
    SandboxName,
    Seed,
    TrustExamples,
    Verbose,
    Workers,
    make,
    pairs_section,
)


def build(
    candidates: Annotated[
        list[str],
        typer.Argument(
            help="Solutions and tests by problem: files, globs and URLs, read in this order.",
            metavar="CANDIDATES.jsonl…",
        ),
    ],
    output: Output,
    ranker: RankerName = "self-validation",
    kind: Kinds = DEFAULT_KINDS,
    min_confidence: MinConfidence = None,
    calibration: CalibrationFile = None,
    per_problem: PerProblem = 1,
    trust_examples: TrustExamples = False,
    enlarge: Enlarge = 1,
    solution_form: Annotated[
        str, typer.Option(help="What the solutions are where a line does not say: program or completion.")
    ] = "program",
    executor: ExecutorName = "local",
    ray_address: RayAddress = None,
    workers: Workers = None,
    sandbox: SandboxName = "auto",
    cpu_s: CpuSeconds = 1.0,
    seed: Seed = 0,
    restart: Restart = False,
    verbose: Verbose = False,
) -> None:
    """Execute, score, time and pair candidates; continues where it stopped."""
    from codedpo_plugin.cli.console import out, session
    from codedpo_plugin.config import ExecuteConfig, ScoreConfig
    from codedpo_plugin.errors import unknown_name
    from codedpo_plugin.execution import require_confinement
    from codedpo_plugin.inputs import input_files
    from codedpo_plugin.manager import find
    from codedpo_plugin.pipeline import Pipeline
    from codedpo_plugin.records import SolutionForm
    from codedpo_plugin.rundir import RunDirectory

    if solution_form not in list(SolutionForm):
        raise unknown_name("solution form", solution_form, list(SolutionForm))
    running = {"executor": executor, "ray_address": ray_address, "workers": workers, "sandbox": sandbox}
    execution = make(ExecuteConfig, **running, cpu_s=cpu_s)
    scoring = make(ScoreConfig, ranker=ranker)
    pairing = pairs_section(kind, min_confidence, calibration, per_problem, trust_examples, enlarge)
    with session(verbose=verbose) as plugins:
        find("ranker", ranker, plugins.rankers)
        find("executor", executor, plugins.executors)
        require_confinement(sandbox, plugins.sandboxes)
        with Pipeline(RunDirectory(output), plugins, seed, restart=restart) as pipeline:
            pipeline.take_candidates(input_files(candidates), SolutionForm(solution_form))
            pipeline.execute(execution)
            pipeline.score(scoring)
            pipeline.pairs(pairing, execution)
    out(f"pairs: {pipeline.run.pairs}")

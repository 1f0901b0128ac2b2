"""``codedpo compare``: two results, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from codedpo_plugin.cli.options import Metadata, SandboxName, Verbose, Workers, make, metadata_of

if TYPE_CHECKING:
    from codedpo_plugin.config import ExecuteConfig
    from codedpo_plugin.evaluation.compare import Comparison
    from codedpo_plugin.evaluation.gates import Decision, Gate
    from codedpo_plugin.evaluation.results import SuiteResult
    from codedpo_plugin.manager import Plugins

Sides = tuple["SuiteResult", "SuiteResult"]
SIDE = "results of `codedpo evaluate`, logs of lm-eval, EvalPlus's samples or results"
PLOTTED_EXPERIMENTS = 5


def compare(
    before: Annotated[Path, typer.Argument(help=f"Before: {SIDE}.", metavar="BEFORE_DIR")],
    after: Annotated[Path, typer.Argument(help=f"After: {SIDE}.", metavar="AFTER_DIR")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Also write the comparison as JSON.")
    ] = None,
    suite: Annotated[
        str | None, typer.Option(help="Only this suite; needed for samples that have to be judged first.")
    ] = None,
    metadata: Metadata = "{}",
    gate: Annotated[
        list[str] | None,
        typer.Option(help="What must hold, e.g. 'pass@1 >= -0.01' or 'speedup >= 1.0'; may be repeated."),
    ] = None,
    experiments: Annotated[
        int | None,
        typer.Option(
            min=1, help=f"Times to repeat the whole timing; default: 1, {PLOTTED_EXPERIMENTS} with --plot."
        ),
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Also draw it into this file: .svg, .png or .pdf.")] = None,
    budget_s: Annotated[float, typer.Option(help="Seconds to spend on timing one problem, once.")] = 30.0,
    solutions: Annotated[
        int, typer.Option(min=1, help="Right solutions of a problem to time on either side, at most.")
    ] = 4,
    workers: Workers = None,
    sandbox: SandboxName = "auto",
    verbose: Verbose = False,
) -> None:
    """Compare pass@k, and speed on the problems both solve, measured in one interleaved run.

    Exit status 1 if a gate fails.
    """
    from codedpo_plugin.cli.console import session
    from codedpo_plugin.config import ExecuteConfig, TimingConfig
    from codedpo_plugin.evaluation.gates import parse_gate
    from codedpo_plugin.evaluation.plot import require_plot

    gates = [parse_gate(text) for text in gate or []]
    if plot:
        require_plot(plot)
    timing = make(TimingConfig, budget_s=budget_s, solutions=solutions)
    repeats = experiments or (PLOTTED_EXPERIMENTS if plot else 1)
    execute, given = make(ExecuteConfig, sandbox=sandbox, workers=workers), metadata_of(metadata)
    with session(verbose=verbose) as plugins:
        sides = _read(plugins, (before, after), suite, given, execute, gates)
        comparisons = [_compare(plugins, pair, given, execute, timing, repeats) for pair in sides]
    _show(comparisons, gates, output, plot)


def _read(
    plugins: Plugins,
    paths: tuple[Path, Path],
    suite: str | None,
    metadata: dict[str, Any],
    execute: ExecuteConfig,
    gates: Sequence[Gate],
) -> list[Sides]:
    """Return both sides of every suite that both have."""
    from codedpo_plugin.errors import EvaluationError
    from codedpo_plugin.evaluation.gates import require_metrics
    from codedpo_plugin.evaluation.sources import Judge, read_side
    from codedpo_plugin.manager import find

    ks = tuple(sorted({1, *(int(g.metric[5:]) for g in gates if g.metric.startswith("pass@"))}))
    named = find("suite", suite, plugins.suites) if suite else None
    judge = Judge(named, metadata, execute, plugins.sandboxes, ks)
    old, new = (read_side(path, judge) for path in paths)
    common = [name for name in old if name in new]
    if not common:
        raise EvaluationError(
            f"no suite in common: {paths[0]} has {', '.join(old)}, {paths[1]} has {', '.join(new)}"
        )
    for name in common:
        require_metrics(gates, name, [m for m in old[name].metrics if m in new[name].metrics])
    return [(old[name], new[name]) for name in common]


def _compare(
    plugins: Plugins, sides: Sides, metadata: dict[str, Any], execute: ExecuteConfig, timing: Any, experiments: int
) -> Comparison:
    """Compare one suite's results, showing progress."""
    import time

    from codedpo_plugin.context import Context
    from codedpo_plugin.evaluation.compare import compare_results
    from codedpo_plugin.manager import find

    old, new = sides
    problems = find("suite", new.suite, plugins.suites).load({**new.metadata, **metadata})
    start, stage = time.monotonic(), f"compare {new.suite}"
    plugins.stage_started(stage)
    context = Context(plugins, progress=lambda done, total: plugins.progress(stage, done, total))
    with context.pool(execute, workers=1) as pool:
        found = compare_results(old, new, problems, pool, timing, experiments, context.progress)
    plugins.stage_finished(stage, found.speeds.counts, time.monotonic() - start)
    return found


def _show(comparisons: list[Comparison], gates: Sequence[Gate], output: Path | None, plot: Path | None) -> None:
    """Print and write the comparisons; raise EvaluationError if a gate fails."""
    from codedpo_plugin.cli.console import out
    from codedpo_plugin.cli.summary import show_comparison
    from codedpo_plugin.errors import EvaluationError
    from codedpo_plugin.evaluation.compare import as_json, write_comparison
    from codedpo_plugin.evaluation.gates import decide, describe
    from codedpo_plugin.evaluation.plot import write_plot

    for comparison in comparisons:
        show_comparison(as_json(comparison))
    if output:
        write_comparison(output, comparisons)
    if plot:
        write_plot(plot, comparisons)
    decisions: list[Decision] = [d for comparison in comparisons for d in decide(gates, comparison)]
    for decision in decisions:
        out(describe(decision))
    failed = [d for d in decisions if not d.passed]
    if failed:
        raise EvaluationError(f"{len(failed)} of {len(decisions)} gates failed")

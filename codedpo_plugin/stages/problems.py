"""The stages before there are candidates: seeds and problems."""

from __future__ import annotations

from codedpo_plugin.config import ExecuteConfig, ProblemsConfig
from codedpo_plugin.context import Context
from codedpo_plugin.formats import jsonl
from codedpo_plugin.manager import Plugins
from codedpo_plugin.problems.cleaning.benchmarks import benchmark_files
from codedpo_plugin.problems.solutions import write_solutions
from codedpo_plugin.problems.stage import read_seeds
from codedpo_plugin.rundir import RunDirectory
from codedpo_plugin.stages.stage import Stage, dump, require_some


def seeds(run: RunDirectory, plugins: Plugins, config: ProblemsConfig, seed: int) -> Stage:
    """Collect the seeds that problems are made of."""

    def work(context: Context) -> None:
        jsonl.write(run.seeds, plugins.collect_seeds(config, context))

    settings = dump(config.make.seeds if config.make else config) | {"seed": seed}
    return Stage("seeds", settings, (), run.seeds, work)


def problems(
    run: RunDirectory, plugins: Plugins, config: ProblemsConfig, execute: ExecuteConfig, seed: int
) -> Stage:
    """Make the problems, of the run's seeds unless the configuration names others."""
    source = config.make.seeds_path if config.make else None
    if config.makes_of_seeds and source is None:
        source = run.seeds

    def work(context: Context) -> None:
        found = read_seeds(source) if source else plugins.collect_seeds(config, context)
        made = list(plugins.make_problems(found, config, execute, context))
        if config.make or config.clean:
            require_some(len(made), "problem", context.counts)
            context.counts["problems_with_solution"] = write_solutions(run.solutions, made)
        context.counts["problems"] = jsonl.write(run.problems, made)

    rules = benchmark_files(config.clean.benchmarks, config.clean.against) if config.clean else ()
    inputs = tuple(path for path in (config.path, source, *rules) if path)
    settings = dump(config) | ({"seed": seed} if config.make else {})
    return Stage("problems", settings, inputs, run.problems, work)

"""The stages that need a model: training it, evaluating it, comparing it with what it was."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from codedpo_plugin.config import EvaluateConfig, ExecuteConfig, ModelConfig, PairsConfig, TrainConfig
from codedpo_plugin.context import Context
from codedpo_plugin.evaluation.compare import compare_results, write_comparison
from codedpo_plugin.evaluation.evalplus_format import write_evalplus
from codedpo_plugin.evaluation.results import read_result, write_result
from codedpo_plugin.formats.files import digest, put_in_place
from codedpo_plugin.manager import Plugins, find
from codedpo_plugin.processes import is_main_process
from codedpo_plugin.rundir import RunDirectory
from codedpo_plugin.stages.stage import Stage, dump
from codedpo_plugin.suites import Suite


def evaluate(
    name: str,
    where: RunDirectory,
    plugins: Plugins,
    model: ModelConfig,
    config: EvaluateConfig,
    execute: ExecuteConfig,
    seed: int,
) -> Iterator[Stage]:
    """Evaluate a model on every configured suite, a stage each; results go to ``where``."""
    for suite_name in config.suites:
        suite, target = find("suite", suite_name, plugins.suites), where.result(suite_name)
        work = partial(_evaluate, suite, target, model, config, execute)
        settings = {"model": dump(model), **dump(config), "seed": seed}
        yield Stage(f"{name}_{suite_name}", settings, (), target, work)


def _evaluate(
    suite: Suite,
    target: Path,
    model: ModelConfig,
    config: EvaluateConfig,
    execute: ExecuteConfig,
    context: Context,
) -> None:
    """Evaluate a model on one suite."""
    result = context.plugins.evaluate(suite, model, config, execute, context)
    context.counts.update(samples=len(result.samples), passed=sum(s.passed for s in result.samples))
    write_result(target, result)
    write_evalplus(target, result)


def train(run: RunDirectory, plugins: Plugins, model: ModelConfig, config: TrainConfig, seed: int) -> Stage:
    """Train a model on the pairs, or on what the configuration names. Continues after an interruption."""
    given = [path for path in (config.data, config.chat_template) if isinstance(path, Path)]
    source = run.pairs if config.data else run.require(run.pairs, "pairs DIR")

    def work(context: Context) -> None:
        partial = run.train.with_name("train.partial")
        if is_main_process():
            shutil.rmtree(partial, ignore_errors=True)
        plugins.train(source, model, config, partial, context)
        if is_main_process():
            shutil.rmtree(run.train, ignore_errors=True)
            put_in_place(partial, run.train)

    # How often a checkpoint is made does not change the result.
    settings = {"model": dump(model), **dump(config), "seed": seed}
    del settings["checkpoint_every"]
    return Stage("train", settings, (source, *given), run.train, work, run.checkpoints, many_processes=True)


def compare(
    run: RunDirectory, plugins: Plugins, suites: Iterable[str], pairs: PairsConfig, execute: ExecuteConfig
) -> Stage:
    """Compare the results before training with those after."""
    files = [(name, run.before.result(name), run.result(name)) for name in suites]
    inputs = tuple(path for _, *paths in files for path in paths)

    def work(context: Context) -> None:
        with context.pool(execute, workers=1) as pool:
            write_comparison(
                run.comparison,
                [
                    compare_results(
                        read_result(before),
                        read_result(after),
                        find("suite", name, plugins.suites).load(read_result(after).metadata),
                        pool,
                        pairs.timing,
                        progress=context.progress,
                    )
                    for name, before, after in files
                ],
            )

    record = {str(path.relative_to(run.path)): digest(path) for path in inputs}
    return Stage("compare", {"results": record}, (), run.comparison, work)

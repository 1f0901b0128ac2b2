"""Every hook of codedpo-plugin: the one file a plugin author reads.

A plugin is a module or package that declares the entry-point group ``codedpo`` and marks functions named as
below with :data:`codedpo_plugin.hookimpl`. A function may leave out arguments it does not need. There are four
kinds of hook, with one rule each:

* **stage**: the first plugin that does not return None does the whole stage; its failure stops the run. Built-in
  plugins come last, so an installed plugin wins; return None to leave the stage to the next one.
* **collect**: the results of all plugins are used; a failure stops the run.
* **register**: call ``register(name, thing)`` for each thing; a name taken twice is an error naming both plugins.
* **observe**: results are ignored; a failure is logged as a warning with the plugin's name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pluggy

from codedpo_plugin import NAME

if TYPE_CHECKING:
    from codedpo_plugin.config import (
        EvaluateConfig,
        ExecuteConfig,
        GenerateConfig,
        ModelConfig,
        PairsConfig,
        ProblemsConfig,
        ScoreConfig,
        TrainConfig,
    )
    from codedpo_plugin.context import Context
    from codedpo_plugin.contracts import Executor, Nothing, Ranker, ScoredProblem, Seed, Trainer
    from codedpo_plugin.evaluation.results import SuiteResult
    from codedpo_plugin.execution.sandboxes import Sandbox
    from codedpo_plugin.records import Candidates, PassMatrix, PreferencePair, Problem, Scores
    from codedpo_plugin.rundir import RunDirectory
    from codedpo_plugin.suites import Suite

hookspec = pluggy.HookspecMarker(NAME)


# --------------------------------------------------------------------------- stages, in their order


@hookspec(firstresult=True)
def codedpo_collect_seeds(config: ProblemsConfig, context: Context) -> Iterable[Seed] | None:
    """Return snippets of code that inspire problems. Stage: the first result that is not None.

    Called first, and only matters to a plugin that makes problems from seeds.

    :param config: the ``problems`` section
    :param context: the surroundings of the stage
    """


@hookspec(firstresult=True)
def codedpo_make_problems(
    seeds: Iterable[Seed], config: ProblemsConfig, execute: ExecuteConfig, context: Context
) -> Iterable[Problem] | None:
    """Return the problems of a run. Stage: the first result that is not None.

    :param seeds: what ``codedpo_collect_seeds`` returned
    :param config: the ``problems`` section
    :param execute: the ``execute`` section, for plugins that run solutions to see whether they work
    :param context: the surroundings of the stage
    """


@hookspec(firstresult=True)
def codedpo_generate(
    problems: Iterable[Problem], config: GenerateConfig, context: Context
) -> Iterable[Candidates | Nothing] | None:
    """Return solutions and tests for each problem. Stage: the first result that is not None.

    Yields candidates in the order of their problems; a problem may be left out, best with a
    :class:`~codedpo_plugin.contracts.Nothing` in its place. A run that was interrupted goes on with the problems
    that are left, so that each is to be decided on its own.

    :param problems: the problems, in order
    :param config: the ``generate`` section
    :param context: the surroundings of the stage; count what is dropped in ``context.counts``, before the next
        problem is asked for
    """


@hookspec(firstresult=True)
def codedpo_execute(
    candidates: Iterable[Candidates], config: ExecuteConfig, context: Context
) -> Iterable[PassMatrix] | None:
    """Run every solution against every test. Stage: the first result that is not None.

    Yields one matrix for each of ``candidates``, in their order, reading no further ahead than it needs.

    :param candidates: solutions and tests by problem; model-written and hostile
    :param config: the ``execute`` section
    :param context: the surroundings of the stage
    """


@hookspec(firstresult=True)
def codedpo_score(matrices: Iterable[PassMatrix], config: ScoreConfig, context: Context) -> Iterable[Scores] | None:
    """Rank solutions and tests. Stage: the first result that is not None.

    Yields one :class:`~codedpo_plugin.records.Scores` for each matrix, in their order.

    :param matrices: the pass matrices
    :param config: the ``score`` section
    :param context: the surroundings of the stage
    """


@hookspec(firstresult=True)
def codedpo_build_pairs(
    problems: Iterable[ScoredProblem], config: PairsConfig, execute: ExecuteConfig, context: Context
) -> Iterable[PreferencePair | Nothing] | None:
    """Choose preference pairs. Stage: the first result that is not None.

    Yields pairs in the order of their problems, any number a problem, best with a
    :class:`~codedpo_plugin.contracts.Nothing` for one without; each problem is to be decided on its own.

    :param problems: candidates, matrix and scores of each problem
    :param config: the ``pairs`` section
    :param execute: the ``execute`` section, for plugins that run programs to time them
    :param context: the surroundings of the stage; count every problem without a pair by reason, before the next one
        is asked for
    """


@hookspec(firstresult=True)
def codedpo_train(
    pairs: Path, model: ModelConfig, config: TrainConfig, output: Path, context: Context
) -> Path | None:
    """Train a model and return the directory of the result. Stage: the first result that is not None.

    :param pairs: a ``pairs.jsonl``; may be missing if ``config.data`` is given
    :param model: the model to start from
    :param config: the ``train`` section
    :param output: the directory to write, not there yet
    :param context: the surroundings of the stage
    """


@hookspec(firstresult=True)
def codedpo_evaluate(
    suite: Suite, model: ModelConfig, config: EvaluateConfig, execute: ExecuteConfig, context: Context
) -> SuiteResult | None:
    """Measure a model on a suite. Stage: the first result that is not None.

    :param suite: the suite
    :param model: the model
    :param config: the ``evaluate`` section
    :param execute: the ``execute`` section
    :param context: the surroundings of the stage
    """


@hookspec(firstresult=True)
def codedpo_report(run: RunDirectory, context: Context) -> Path | None:
    """Write the page about a run and return its path. Stage: the first result that is not None.

    :param run: the finished run
    :param context: the surroundings of the stage
    """


# --------------------------------------------------------------------------- collect


@hookspec
def codedpo_suites() -> Iterable[Suite]:  # type: ignore[empty-body]  # a specification has no body
    """Return the evaluation suites a plugin offers. Collect: all results, in order of registration."""


# --------------------------------------------------------------------------- register


@hookspec
def codedpo_register_rankers(register: Callable[[str, Ranker], None]) -> None:
    """Register rankers. Register: called once per plugin.

    :param register: takes a name and a :class:`~codedpo_plugin.contracts.Ranker`
    """


@hookspec
def codedpo_register_executors(register: Callable[[str, Executor], None]) -> None:
    """Register executors. Register: called once per plugin.

    :param register: takes a name and an :class:`~codedpo_plugin.contracts.Executor`
    """


@hookspec
def codedpo_register_sandboxes(register: Callable[[str, Sandbox], None]) -> None:
    """Register sandboxes, in order of preference. Register: called once per plugin.

    :param register: takes a name and a :class:`~codedpo_plugin.execution.sandboxes.Sandbox`
    """


@hookspec
def codedpo_register_trainers(register: Callable[[str, Trainer], None]) -> None:
    """Register trainers. Register: called once per plugin.

    :param register: takes a name and a :class:`~codedpo_plugin.contracts.Trainer`
    """


# --------------------------------------------------------------------------- observe


@hookspec
def codedpo_stage_started(stage: str) -> None:
    """Notice that a stage of a run starts. Observe.

    :param stage: ``problems``, ``generate``, ``execute``, ``score``, ``pairs``, ``train``, ``evaluate``, …
    """


@hookspec
def codedpo_stage_finished(stage: str, counts: Mapping[str, int], seconds: float) -> None:
    """Notice that a stage of a run has finished. Observe.

    :param stage: its name
    :param counts: what it did and dropped, by reason
    :param seconds: how long it took
    """


@hookspec
def codedpo_progress(stage: str, done: int, total: int | None) -> None:
    """Notice that a stage of a run has moved on. Observe.

    :param stage: its name
    :param done: units finished
    :param total: units in all, or None if not known
    """

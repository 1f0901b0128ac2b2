"""The plugin manager: one per invocation, made by a factory, with a typed method for each hook.

Nothing here is global. Built-in plugins are registered first and marked ``trylast``, so that an installed plugin
is asked before them.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import pluggy

from codedpo_plugin import NAME, hookspecs
from codedpo_plugin.errors import PluginError, boundary, unknown_name

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

T = TypeVar("T")
log = logging.getLogger(__name__)

BUILT_IN: Final = (
    "sandboxes", "executors", "rankers", "trainers", "suites",
    "seeds", "problems", "generate", "execute", "score", "pairs", "train", "evaluate", "report",
)  # fmt: skip
"""The modules of :mod:`codedpo_plugin.hooks`, in order of registration."""

BLOCK_VARIABLE: Final = "CODEDPO_BLOCK_PLUGINS"
"""Environment variable: names of installed plugins not to load, separated by commas."""


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """What ``codedpo plugins`` shows of one plugin."""

    name: str
    version: str
    built_in: bool
    hooks: tuple[str, ...]


def create_plugins(extra: Iterable[tuple[str, object]] = (), *, installed: bool = True) -> Plugins:
    """Return a fresh manager with the built-in plugins, the installed ones and ``extra`` (name, plugin).

    Raises PluginError when a plugin cannot be imported or implements a hook that does not exist or with
    arguments that the hook does not have; the message names plugin, hook and reason.
    """
    manager = pluggy.PluginManager(NAME)
    manager.add_hookspecs(hookspecs)
    for module in BUILT_IN:
        manager.register(import_module(f"codedpo_plugin.hooks.{module}"), name=f"codedpo.{module}")
    if installed:
        for name in os.environ.get(BLOCK_VARIABLE, "").split(","):
            if name.strip():
                manager.set_blocked(name.strip())
        for name in sorted(entry_points(group=NAME).names):
            with boundary(PluginError, f"plugin {name!r} cannot be loaded"):
                manager.load_setuptools_entrypoints(NAME, name)
    for name, plugin in extra:
        with boundary(PluginError, f"plugin {name!r} cannot be loaded"):
            manager.register(plugin, name=name)
    try:
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise PluginError(f"plugin {manager.get_name(error.plugin)!r} cannot be loaded: {error}") from error
    return Plugins(manager)


class Plugins:
    """A typed face of the plugin manager."""

    def __init__(self, manager: pluggy.PluginManager) -> None:
        self.manager = manager

    # ----------------------------------------------------------------- what is installed

    def describe(self) -> list[PluginInfo]:
        """Return all plugins in the order they are asked, installed ones first."""
        distributions = {id(plugin): dist for plugin, dist in self.manager.list_plugin_distinfo()}
        infos = []
        for name, plugin in reversed(self.manager.list_name_plugin()):
            if plugin is None:
                continue
            hooks = tuple(sorted(h.name for h in self.manager.get_hookcallers(plugin) or ()))
            distribution = distributions.get(id(plugin))
            built_in = name.startswith("codedpo.")
            infos.append(PluginInfo(name, getattr(distribution, "version", ""), built_in, hooks))
        return infos

    @cached_property
    def rankers(self) -> Mapping[str, Ranker]:
        """Return the registered rankers by name."""
        return self._registered("codedpo_register_rankers")

    @cached_property
    def executors(self) -> Mapping[str, Executor]:
        """Return the registered executors by name."""
        return self._registered("codedpo_register_executors")

    @cached_property
    def sandboxes(self) -> Mapping[str, Sandbox]:
        """Return the registered sandboxes by name, in order of preference."""
        return self._registered("codedpo_register_sandboxes")

    @cached_property
    def trainers(self) -> Mapping[str, Trainer]:
        """Return the registered trainers by name."""
        return self._registered("codedpo_register_trainers")

    @cached_property
    def suites(self) -> Mapping[str, Suite]:
        """Return the suites of all plugins by name."""
        found: dict[str, Suite] = {}
        owners: dict[str, str] = {}
        for implementation in self.manager.hook.codedpo_suites.get_hookimpls():
            plugin = implementation.plugin_name
            with boundary(PluginError, f"plugin {plugin!r} failed in codedpo_suites"):
                offered: list[Suite] = list(implementation.function())  # type: ignore[call-overload]  # pluggy: object
            for suite in offered:
                if suite.name in owners:
                    raise PluginError(
                        f"codedpo_suites: {suite.name!r} is offered by both {owners[suite.name]!r} and {plugin!r}"
                    )
                found[suite.name], owners[suite.name] = suite, plugin
        return found

    def _registered(self, hook: str) -> dict[str, Any]:
        """Run a register hook and return what was registered, refusing duplicate names."""
        things: dict[str, Any] = {}
        owners: dict[str, str] = {}
        for implementation in getattr(self.manager.hook, hook).get_hookimpls():
            plugin = implementation.plugin_name

            def register(name: str, thing: Any, plugin: str = plugin) -> None:
                if name in owners:
                    raise PluginError(f"{hook}: {name!r} is registered by both {owners[name]!r} and {plugin!r}")
                things[name], owners[name] = thing, plugin

            with boundary(PluginError, f"plugin {plugin!r} failed in {hook}"):
                implementation.function(register=register)
        return things

    # ----------------------------------------------------------------- stages

    def _stage(self, hook: str, **arguments: Any) -> Any:
        """Call a stage hook; an answer is required."""
        answer = getattr(self.manager.hook, hook)(**arguments)
        if answer is None:
            raise PluginError(f"no plugin answers the hook {hook}; see `codedpo plugins`")
        return answer

    def collect_seeds(self, config: ProblemsConfig, context: Context) -> Iterable[Seed]:
        """Call ``codedpo_collect_seeds``; no answer means no seeds are needed."""
        seeds: Iterable[Seed] | None = self.manager.hook.codedpo_collect_seeds(config=config, context=context)
        return () if seeds is None else seeds

    def make_problems(
        self, seeds: Iterable[Seed], config: ProblemsConfig, execute: ExecuteConfig, context: Context
    ) -> Iterable[Problem]:
        """Call ``codedpo_make_problems``."""
        problems: Iterable[Problem] = self._stage(
            "codedpo_make_problems", seeds=seeds, config=config, execute=execute, context=context
        )
        return problems

    def generate(
        self, problems: Iterable[Problem], config: GenerateConfig, context: Context
    ) -> Iterable[Candidates | Nothing]:
        """Call ``codedpo_generate``."""
        found: Iterable[Candidates | Nothing] = self._stage(
            "codedpo_generate", problems=problems, config=config, context=context
        )
        return found

    def execute(
        self, candidates: Iterable[Candidates], config: ExecuteConfig, context: Context
    ) -> Iterable[PassMatrix]:
        """Call ``codedpo_execute``."""
        matrices: Iterable[PassMatrix] = self._stage(
            "codedpo_execute", candidates=candidates, config=config, context=context
        )
        return matrices

    def score(self, matrices: Iterable[PassMatrix], config: ScoreConfig, context: Context) -> Iterable[Scores]:
        """Call ``codedpo_score``."""
        scores: Iterable[Scores] = self._stage("codedpo_score", matrices=matrices, config=config, context=context)
        return scores

    def build_pairs(
        self, problems: Iterable[ScoredProblem], config: PairsConfig, execute: ExecuteConfig, context: Context
    ) -> Iterable[PreferencePair | Nothing]:
        """Call ``codedpo_build_pairs``."""
        pairs: Iterable[PreferencePair | Nothing] = self._stage(
            "codedpo_build_pairs", problems=problems, config=config, execute=execute, context=context
        )
        return pairs

    def train(self, pairs: Path, model: ModelConfig, config: TrainConfig, output: Path, context: Context) -> Path:
        """Call ``codedpo_train``."""
        trained: Path = self._stage(
            "codedpo_train", pairs=pairs, model=model, config=config, output=output, context=context
        )
        return trained

    def evaluate(
        self,
        suite: Suite,
        model: ModelConfig,
        config: EvaluateConfig,
        execute: ExecuteConfig,
        context: Context,
    ) -> SuiteResult:
        """Call ``codedpo_evaluate``."""
        result: SuiteResult = self._stage(
            "codedpo_evaluate", suite=suite, model=model, config=config, execute=execute, context=context
        )
        return result

    def report(self, run: RunDirectory, context: Context) -> Path:
        """Call ``codedpo_report``."""
        page: Path = self._stage("codedpo_report", run=run, context=context)
        return page

    # ----------------------------------------------------------------- observers

    def stage_started(self, stage: str) -> None:
        """Tell observers that a stage starts."""
        self._observe("codedpo_stage_started", stage=stage)

    def stage_finished(self, stage: str, counts: Mapping[str, int], seconds: float) -> None:
        """Tell observers that a stage has finished."""
        self._observe("codedpo_stage_finished", stage=stage, counts=counts, seconds=seconds)

    def progress(self, stage: str, done: int, total: int | None) -> None:
        """Tell observers that a stage has moved on."""
        self._observe("codedpo_progress", stage=stage, done=done, total=total)

    def _observe(self, hook: str, **arguments: Any) -> None:
        """Call every observer on its own, so that one that fails keeps nobody from hearing."""
        for implementation in getattr(self.manager.hook, hook).get_hookimpls():
            given = {name: arguments[name] for name in implementation.argnames}
            try:
                implementation.function(**given)
            except Exception as error:  # noqa: BLE001 - the observer boundary
                log.warning("plugin %r failed in %s: %s", implementation.plugin_name, hook, error)


def find(kind: str, name: str, known: Mapping[str, T]) -> T:
    """Return what is registered under ``name``. Raises UsageError with near matches if nothing is."""
    if name not in known:
        raise unknown_name(kind, name, known)
    return known[name]

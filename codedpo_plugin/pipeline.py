"""Runs the stages of a run in one directory. Finished stages are not repeated, unfinished ones go on.

A stage is finished when its output file is in place and the manifest says from which configuration and inputs it
was made. A run that is started again continues after its last finished stage, and within the stage that was
interrupted; if configuration or input of either has changed meanwhile, the run is refused and the difference shown.
"""

from __future__ import annotations

import logging
import shutil
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from types import TracebackType
from typing import Final

from codedpo_plugin import __version__
from codedpo_plugin.checkpoints import kept_checkpoints
from codedpo_plugin.config import (
    EvaluateConfig,
    ExecuteConfig,
    GenerateConfig,
    ModelConfig,
    PairsConfig,
    ProblemsConfig,
    RunConfig,
    ScoreConfig,
    TrainConfig,
)
from codedpo_plugin.context import Context
from codedpo_plugin.errors import (
    CodeDPOError,
    EvaluationError,
    GenerationError,
    InputError,
    PairingError,
    RankingError,
    SandboxError,
    TrainingError,
    UsageError,
    boundary,
)
from codedpo_plugin.inputs import input_files
from codedpo_plugin.lock import RunLock
from codedpo_plugin.manager import Plugins, find
from codedpo_plugin.processes import is_main_process, number_of_processes
from codedpo_plugin.provenance import Seen, begun_anew, digests, plain, require_unchanged, seen_of
from codedpo_plugin.records import SolutionForm
from codedpo_plugin.rundir import Manifest, RunDirectory, StageRecord, differences
from codedpo_plugin.stages import Stage, candidates, models, pairs, problems
from codedpo_plugin.stages.stage import dump
from codedpo_plugin.status import ProgressNotes

log = logging.getLogger(__name__)

CANDIDATES: Final = ("generate", "candidates")
"""The stages that write the candidates, which may also be given."""


class Pipeline:
    """Runs stages on one run directory; as a context manager it keeps other processes out from stage to stage.

    ``restart`` forgets the first stage that is asked for, and all after it; ``redo`` repeats a finished stage when
    it is asked for by itself; ``forget`` removes what an interrupted stage would be continued from.
    """

    def __init__(
        self,
        run: RunDirectory,
        plugins: Plugins,
        seed: int = 0,
        *,
        restart: bool = False,
        redo: bool = False,
        forget: bool = False,
    ) -> None:
        self.run, self.plugins, self.seed, self.redo, self.forget = run, plugins, seed, redo, forget
        self.lock, self.restart = RunLock(run.lock), restart
        self.manifest = Manifest(run, mend=restart)
        self.notes = ProgressNotes(run.progress)

    def __enter__(self) -> Pipeline:
        if is_main_process():
            self.lock.__enter__()
            self.manifest = Manifest(self.run, mend=self.restart)  # another process may have worked here until now
        return self

    def __exit__(self, kind: type[BaseException] | None, e: BaseException | None, t: TracebackType | None) -> None:
        if is_main_process():
            self.lock.__exit__(kind, e, t)

    # ----------------------------------------------------------------- one stage

    def perform(self, stage: Stage) -> Mapping[str, int]:
        """Run a stage unless it is finished; return its counts.

        Raises UsageError when another process works on the run, and when the stage is finished, or was interrupted,
        but was made from something else.
        """
        if number_of_processes() > 1 and not stage.many_processes:
            raise UsageError(
                f"stage {stage.name!r} runs in one process; only `codedpo train` can be launched as several"
            )
        if not is_main_process():
            stage.work(Context(self.plugins, self.seed, checkpoints=stage.checkpoints))
            return {}
        with self:
            self._spare_given_candidates(stage)
            if self.restart:
                self.start_afresh(stage.name)
            seen = seen_of(stage.inputs)
            record = StageRecord(stage.config, digests(stage.inputs))
            self._require_one_run(stage, record)
            done = self._finished(stage, record)
            return self._work(stage, record, seen) if done is None else done.counts

    def _made_by(self, stages: Iterable[str]) -> bool:
        """Return whether the candidates here are of one of some stages, finished or interrupted."""
        return any(self.manifest.finished(name) or self.run.shards(name).exists() for name in stages)

    def _spare_given_candidates(self, stage: Stage) -> None:
        """Raise UsageError if a stage would replace candidates that it has not made."""
        if stage.name not in CANDIDATES or not stage.output.exists():
            return
        if not self._made_by(CANDIDATES if self.restart else [stage.name]):
            way = "--restart to start afresh" if self._made_by(CANDIDATES) else "move it away"
            raise UsageError(
                f"{stage.output} is there and was not made by stage {stage.name!r}, which would replace it: "
                f"use another -o, or {way}."
            )

    def _require_one_run(self, stage: Stage, record: StageRecord) -> None:
        """Raise UsageError if what pairs are to be made of was not made from one another."""
        if stage.name != "pairs":
            return
        for name in ("execute", "score"):
            made = self.manifest.finished(name)
            if made is None:  # put here by somebody, unless the matrix is of this run
                changed = name == "score" and self.manifest.finished("execute") is not None
            else:
                changed = any(record.inputs.get(file, own) != own for file, own in made.inputs.items())
            if changed:
                raise UsageError(
                    f"{self.run.path}: what stage {name!r} reads has changed since it was done: "
                    f"`codedpo {name} {self.run.path}` first."
                )

    def start_afresh(self, stage: str) -> None:
        """Forget a stage and all after it, for once."""
        self.run.forget(stage, candidates=self._made_by(CANDIDATES))
        self.manifest.forget(stage)
        self.restart = False

    def _finished(self, stage: Stage, record: StageRecord) -> StageRecord | None:
        """Return what the manifest has of a stage that need not be run. Raises UsageError if it differs."""
        done = self.manifest.finished(stage.name)
        if not done or not stage.output.exists() or self.redo or begun_anew(stage, done):
            return None
        changed = differences({"config": done.config, "input": done.inputs}, plain(record))
        if changed:
            raise UsageError(
                f"{self.run.path}: stage {stage.name!r} is finished, but was made from something else:\n"
                + "\n".join(changed)
                + "\nUse another directory, or --restart to start afresh."
            )
        if stage.checkpoints:
            shutil.rmtree(stage.checkpoints, ignore_errors=True)  # left by a process that ended just then
        log.info("%s: finished before", stage.name)
        return done

    def _work(self, stage: Stage, record: StageRecord, seen: Seen) -> Mapping[str, int]:
        """Run a stage and note that it is finished; return its counts.

        ``seen``: the inputs before their digests were taken. Raises InputError if they have changed meanwhile.
        """
        with self._kept(stage, record):
            with (
                self._observed(stage.name, stage.checkpoints) as context,
                boundary(_error_of(stage.name), f"stage {stage.name!r} failed"),
            ):
                stage.work(context)
            if seen_of(stage.inputs) != seen:
                require_unchanged(stage, record)
            self.manifest.finish(stage.name, StageRecord(record.config, record.inputs, dict(context.counts)))
        return context.counts

    def _kept(self, stage: Stage, record: StageRecord) -> AbstractContextManager[None]:
        """Return the block in which a stage's checkpoints are kept."""
        if not stage.checkpoints:
            return nullcontext()
        versions = {"codedpo-plugin": __version__, "python": f"{sys.version_info.major}.{sys.version_info.minor}"}
        source = plain(record) | {"processes": number_of_processes(), "versions": versions}
        return kept_checkpoints(stage.checkpoints, source, restart=self.forget)

    @contextmanager
    def _observed(self, name: str, checkpoints: Path | None = None) -> Iterator[Context]:
        """Tell observers, and whoever asks for the status, about a stage, whose context is yielded."""
        start = time.monotonic()
        self.plugins.stage_started(name)
        self.notes.start(name)

        def progress(done: int, total: int | None) -> None:
            self.notes.move(done, total)
            self.plugins.progress(name, done, total)

        context = Context(self.plugins, self.seed, progress=progress, folder=self.run.path, checkpoints=checkpoints)
        yield context
        self.notes.finish()
        self.plugins.stage_finished(name, dict(context.counts), time.monotonic() - start)

    # ----------------------------------------------------------------- the stages

    def seeds(self, config: ProblemsConfig) -> None:
        """Collect the seeds that problems are made of."""
        self.perform(problems.seeds(self.run, self.plugins, config, self.seed))

    def problems(self, config: ProblemsConfig, execute: ExecuteConfig = ExecuteConfig()) -> None:  # noqa: B008 - frozen
        """Make the problems. Raises UsageError where they would replace those that they are made of."""
        if config.path and config.path.resolve() == self.run.problems.resolve():
            raise UsageError(f"{config.path} would be replaced by what is made of it: use another -o")
        if config.make and config.makes_of_seeds and config.make.seeds_path is None:
            self.seeds(config)
        self.perform(problems.problems(self.run, self.plugins, config, execute, self.seed))

    def generate(self, config: GenerateConfig) -> None:
        """Generate candidates for the problems."""
        self.perform(candidates.generate(self.run, self.plugins, config, self.seed))

    def take_candidates(self, paths: Sequence[Path], form: SolutionForm) -> None:
        """Take candidates from files, checking every line; those of this run are used where they are."""
        own = self.run.candidates.resolve()
        if [path.resolve() for path in paths] == [own]:
            candidates.check_own(self.run, form)
        elif own in {path.resolve() for path in paths}:
            raise UsageError(f"{own} is among the candidates, and would be replaced by all of them: use another -o")
        else:
            made = self.manifest.finished("problems") is not None
            self.perform(candidates.take(self.run, paths, form, problems_made=made))

    def execute(self, config: ExecuteConfig) -> None:
        """Run every solution against every test."""
        self.perform(pairs.execute(self.run, self.plugins, config))

    def score(self, config: ScoreConfig) -> None:
        """Rank solutions and tests."""
        self.perform(pairs.score(self.run, self.plugins, config, self.seed))

    def pairs(self, config: PairsConfig, execute: ExecuteConfig) -> None:
        """Build preference pairs."""
        self.perform(pairs.pairs(self.run, self.plugins, config, execute))

    def evaluate(
        self, where: RunDirectory, model: ModelConfig, config: EvaluateConfig, execute: ExecuteConfig
    ) -> None:
        """Evaluate a model on every configured suite; results go to ``where``."""
        name = "evaluate" if where == self.run else f"evaluate_{where.path.name}"
        for stage in models.evaluate(name, where, self.plugins, model, config, execute, self.seed):
            self.perform(stage)

    def train(self, model: ModelConfig, config: TrainConfig) -> ModelConfig:
        """Train the model on the pairs; return the trained one. Continues after an interruption."""
        self.perform(models.train(self.run, self.plugins, model, config, self.seed))
        return model.model_copy(update={"model_args": {**model.model_args, "pretrained": str(self.run.train)}})

    def compare(self, suites: Iterable[str], timing: PairsConfig, execute: ExecuteConfig) -> None:
        """Compare the results before training with those after."""
        self.perform(models.compare(self.run, self.plugins, suites, timing, execute))

    def report(self) -> Path:
        """Write the report; always anew, it is cheap. It needs no lock: it can be made while a run goes on."""
        start = time.monotonic()
        self.plugins.stage_started("report")
        page = self.plugins.report(self.run, Context(self.plugins, self.seed, folder=self.run.path))
        self.plugins.stage_finished("report", {}, time.monotonic() - start)
        return page


def run_all(pipeline: Pipeline, config: RunConfig) -> Path:
    """Run every configured stage; return the report. Training on given data takes no pairs, and builds none.

    Raises UsageError for a name that nothing is registered under, before anything is run.
    """
    _require_names(config, pipeline.plugins)
    with pipeline:
        _run_stages(pipeline, config)
    return pipeline.report()


def _require_names(config: RunConfig, plugins: Plugins) -> None:
    """Raise UsageError for a name of the configuration that nothing is registered under."""
    find("executor", config.execute.executor, plugins.executors)
    find("ranker", config.score.ranker, plugins.rankers)
    if config.train is not None:
        find("trainer", config.train.method, plugins.trainers)
    evaluated = config.evaluate.suites if config.evaluate is not None else ()
    for suite in (config.problems.suite, *evaluated):
        if suite is not None:
            find("suite", suite, plugins.suites)


def _run_stages(pipeline: Pipeline, config: RunConfig) -> None:
    """Run every configured stage but the report."""
    run = pipeline.run
    if pipeline.restart or "config" not in pipeline.manifest.data:  # else kept until nothing has been refused
        pipeline.manifest.set("config", dump(config))
    if config.train is not None and config.train.data is not None:
        pipeline.problems(config.problems, config.execute)
    else:
        _build_pairs(pipeline, config)
    if config.generate is not None:
        model = ModelConfig(**{k: getattr(config.generate, k) for k in ModelConfig.model_fields})
        if config.evaluate is not None:
            pipeline.evaluate(run.before if config.train else run, model, config.evaluate, config.execute)
        if config.train is not None:
            model = pipeline.train(model, config.train)
            if config.evaluate is not None:
                pipeline.evaluate(run, model, config.evaluate, config.execute)
                pipeline.compare(config.evaluate.suites, config.pairs, config.execute)
    pipeline.manifest.set("config", dump(config))


def _build_pairs(pipeline: Pipeline, config: RunConfig) -> None:
    """Run the stages from problems, or given candidates, to pairs."""
    if config.candidates:
        pipeline.take_candidates(input_files(config.candidates), SolutionForm.PROGRAM)
    else:
        pipeline.problems(config.problems, config.execute)
        if config.generate is not None:  # without candidates there is a model, the configuration saw to it
            pipeline.generate(config.generate)
    pipeline.execute(config.execute)
    pipeline.score(config.score)
    pipeline.pairs(config.pairs, config.execute)


def _error_of(stage: str) -> type[CodeDPOError]:
    """Return the class of a stage's own error."""
    errors = {
        "generate": GenerationError,
        "execute": SandboxError,
        "score": RankingError,
        "pairs": PairingError,
        "train": TrainingError,
        "compare": EvaluationError,
    }
    return EvaluationError if stage.startswith("evaluate") else errors.get(stage, InputError)

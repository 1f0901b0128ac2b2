"""The stages of a run: what each reads, writes and depends on. Finished stages are not repeated.

A stage is finished when its output file is in place and the manifest says from which configuration and inputs it
was made. A run that is started again continues after its last finished stage; if configuration or input of a
finished stage has changed meanwhile, the run is refused and the difference shown.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import BaseModel

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
from codedpo_plugin.contracts import ScoredProblem
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
from codedpo_plugin.evaluation.compare import compare_results, write_comparison
from codedpo_plugin.evaluation.evalplus_format import write_evalplus
from codedpo_plugin.evaluation.results import read_result, write_result
from codedpo_plugin.execution.matrix import count_cells
from codedpo_plugin.formats import jsonl, parquet
from codedpo_plugin.formats.files import digest
from codedpo_plugin.manager import Plugins, find
from codedpo_plugin.problems.solutions import write_solutions
from codedpo_plugin.problems.stage import read_seeds
from codedpo_plugin.processes import is_main_process, number_of_processes
from codedpo_plugin.records import Candidates, Problem, SolutionForm
from codedpo_plugin.rundir import Manifest, RunDirectory, StageRecord, differences
from codedpo_plugin.suites import Suite

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stage:
    """One step of a run."""

    name: str
    config: Mapping[str, Any]
    inputs: tuple[Path, ...]
    output: Path
    work: Callable[[Context], None]
    checkpoints: Path | None = None
    """Where it keeps what it continues from after an interruption; such a stage may run as several processes."""


class Pipeline:
    """Runs stages on one run directory.

    ``restart`` forgets everything first; ``redo`` repeats a finished stage when it is asked for by itself.
    """

    def __init__(
        self, run: RunDirectory, plugins: Plugins, seed: int = 0, *, restart: bool = False, redo: bool = False
    ) -> None:
        self.run, self.plugins, self.seed, self.redo = run, plugins, seed, redo
        if restart and run.manifest.exists():
            run.clear()
        self.manifest = Manifest(run)

    # ----------------------------------------------------------------- one stage

    def perform(self, stage: Stage) -> Mapping[str, int]:
        """Run a stage unless it is finished; return its counts.

        Raises UsageError when the stage is finished but was made from something else.
        """
        record = StageRecord(stage.config, {p.name: digest(p) for p in stage.inputs if p.exists()})
        done = self.manifest.finished(stage.name)
        if done and stage.output.exists() and not self.redo:
            changed = differences({"config": done.config, "input": done.inputs}, _plain(record))
            if not changed:
                log.info("%s: finished before", stage.name)
                return done.counts
            raise UsageError(
                f"{self.run.path}: stage {stage.name!r} is finished, but was made from something else:\n"
                + "\n".join(changed)
                + "\nUse another directory, or --restart to start afresh."
            )
        if number_of_processes() > 1 and not stage.checkpoints:
            raise UsageError(
                f"stage {stage.name!r} runs in one process; only `codedpo train` can be launched as several"
            )
        if not is_main_process():
            stage.work(Context(self.plugins, self.seed, checkpoints=stage.checkpoints))
            return {}
        with self._kept(stage, record):
            with (
                self._observed(stage.name, stage.checkpoints) as context,
                boundary(_error_of(stage.name), f"stage {stage.name!r} failed"),
            ):
                stage.work(context)
            self.manifest.finish(stage.name, StageRecord(record.config, record.inputs, dict(context.counts)))
        return context.counts

    def _kept(self, stage: Stage, record: StageRecord) -> AbstractContextManager[None]:
        """Return the block in which a stage's checkpoints are kept."""
        if not stage.checkpoints:
            return nullcontext()
        made_from = _plain(record) | {"processes": number_of_processes()}
        return kept_checkpoints(stage.checkpoints, made_from, restart=self.redo)

    @contextmanager
    def _observed(self, name: str, checkpoints: Path | None = None) -> Iterator[Context]:
        """Tell observers about a stage, whose context is yielded."""
        start = time.monotonic()
        self.plugins.stage_started(name)
        context = Context(
            self.plugins,
            self.seed,
            progress=lambda d, t: self.plugins.progress(name, d, t),
            folder=self.run.path,
            checkpoints=checkpoints,
        )
        yield context
        self.plugins.stage_finished(name, dict(context.counts), time.monotonic() - start)

    # ----------------------------------------------------------------- the stages

    def seeds(self, config: ProblemsConfig) -> None:
        """Collect the seeds that problems are made of."""

        def work(context: Context) -> None:
            jsonl.write(self.run.seeds, self.plugins.collect_seeds(config, context))

        settings = _dump(config.make.seeds if config.make else config) | {"seed": self.seed}
        self.perform(Stage("seeds", settings, (), self.run.seeds, work))

    def problems(self, config: ProblemsConfig, execute: ExecuteConfig = ExecuteConfig()) -> None:  # noqa: B008 - frozen
        """Make the problems."""
        source = config.make.seeds_path if config.make else None
        if config.makes_of_seeds and source is None:
            self.seeds(config)
            source = self.run.seeds

        def work(context: Context) -> None:
            seeds = read_seeds(source) if source else self.plugins.collect_seeds(config, context)
            problems = list(context.tracked(self.plugins.make_problems(seeds, config, execute, context)))
            if config.make or config.clean:
                _require_some(len(problems), "problem", context.counts)
                context.counts["problems_with_solution"] = write_solutions(self.run.solutions, problems)
            context.counts["problems"] = jsonl.write(self.run.problems, problems)

        inputs = tuple(path for path in (config.path, source) if path)
        settings = _dump(config) | ({"seed": self.seed} if config.make else {})
        self.perform(Stage("problems", settings, inputs, self.run.problems, work))

    def generate(self, config: GenerateConfig) -> None:
        """Generate candidates for the problems."""
        source = self.run.require(self.run.problems, "run")

        def work(context: Context) -> None:
            problems, _ = jsonl.read_all(source, jsonl.problem_from)
            found = self.plugins.generate(problems, config, context)
            context.counts["problems"] = jsonl.write(self.run.candidates, context.tracked(found, len(problems)))
            _require_some(context.counts["problems"], "problem with solutions and tests", context.counts)

        self.perform(Stage("generate", _dump(config), (source,), self.run.candidates, work))

    def take_candidates(self, path: Path, form: SolutionForm) -> None:
        """Take candidates from a file, checking every line."""

        def work(context: Context) -> None:
            candidates, bad = jsonl.read_all(path, jsonl.candidates_parser(form))
            context.counts.update(problems=len(candidates), bad_lines=len(bad))
            if bad:
                log.warning("%d lines were left out:\n%s", len(bad), bad)
            jsonl.write(self.run.candidates, candidates)
            jsonl.write(self.run.problems, (Problem(c.problem_id, c.prompt, c.entry_point) for c in candidates))

        self.perform(Stage("candidates", {"solution_form": str(form)}, (path,), self.run.candidates, work))

    def execute(self, config: ExecuteConfig) -> None:
        """Run every solution against every test."""
        source = self.run.require(self.run.candidates, "build CANDIDATES.jsonl -o DIR")

        def work(context: Context) -> None:
            candidates = self._candidates()
            matrices = self.plugins.execute(candidates, config, context)
            counted = (count_cells(m, context.counts) for m in context.tracked(matrices, len(candidates)))
            written = parquet.write_matrices(self.run.matrix, counted)
            if written != len(candidates):
                raise InputError(f"{written} matrices for {len(candidates)} problems; see `codedpo plugins`")

        # Where and with how many workers programs ran does not change the verdicts.
        where = ("workers", "sandbox", "executor", "ray_address")
        settings = {k: v for k, v in _dump(config).items() if k not in where}
        self.perform(Stage("execute", settings, (source,), self.run.matrix, work))

    def score(self, config: ScoreConfig) -> None:
        """Rank solutions and tests."""
        source = self.run.require(self.run.matrix, "execute DIR")

        def work(context: Context) -> None:
            scores = self.plugins.score(parquet.read_matrices(source), config, context)
            context.counts["problems"] = parquet.write_scores(self.run.scores, context.tracked(scores))

        self.perform(Stage("score", _dump(config) | {"seed": self.seed}, (source,), self.run.scores, work))

    def pairs(self, config: PairsConfig, execute: ExecuteConfig) -> None:
        """Build preference pairs."""
        sources = tuple(
            self.run.require(path, command)
            for path, command in (
                (self.run.candidates, "build"),
                (self.run.matrix, "execute DIR"),
                (self.run.scores, "score DIR"),
            )
        )

        def work(context: Context) -> None:
            problems = self._scored()
            tracked = context.tracked(problems, len(problems))
            pairs = self.plugins.build_pairs(tracked, config, execute, context)
            context.counts["pairs"] = jsonl.write(self.run.pairs, pairs)

        inputs = (*sources, config.calibration) if config.calibration else sources
        self.perform(Stage("pairs", _dump(config), inputs, self.run.pairs, work))

    def evaluate(
        self, where: RunDirectory, model: ModelConfig, config: EvaluateConfig, execute: ExecuteConfig
    ) -> None:
        """Evaluate a model on every configured suite; results go to ``where``."""
        name = "evaluate" if where == self.run else f"evaluate_{where.path.name}"
        for suite_name in config.suites:
            suite, target = find("suite", suite_name, self.plugins.suites), where.result(suite_name)
            work = partial(self._evaluate, suite, target, model, config, execute)
            settings = {"model": _dump(model), **_dump(config)}
            self.perform(Stage(f"{name}_{suite_name}", settings, (), target, work))

    def _evaluate(
        self,
        suite: Suite,
        target: Path,
        model: ModelConfig,
        config: EvaluateConfig,
        execute: ExecuteConfig,
        context: Context,
    ) -> None:
        """Evaluate a model on one suite."""
        result = self.plugins.evaluate(suite, model, config, execute, context)
        context.counts.update(samples=len(result.samples), passed=sum(s.passed for s in result.samples))
        write_result(target, result)
        write_evalplus(target, result)

    def train(self, model: ModelConfig, config: TrainConfig) -> ModelConfig:
        """Train the model on the pairs; return the trained one. Continues after an interruption."""
        given = [path for path in (config.data, config.chat_template) if isinstance(path, Path)]
        source = self.run.pairs if config.data else self.run.require(self.run.pairs, "pairs DIR")

        def work(context: Context) -> None:
            partial = self.run.train.with_name("train.partial")
            if is_main_process():
                shutil.rmtree(partial, ignore_errors=True)
            self.plugins.train(source, model, config, partial, context)
            if is_main_process():
                shutil.rmtree(self.run.train, ignore_errors=True)
                partial.rename(self.run.train)

        # How often a checkpoint is made does not change the result.
        settings = {"model": _dump(model), **_dump(config), "seed": self.seed}
        del settings["checkpoint_every"]
        self.perform(Stage("train", settings, (source, *given), self.run.train, work, self.run.checkpoints))
        return model.model_copy(update={"model_args": {**model.model_args, "pretrained": str(self.run.train)}})

    def compare(self, suites: Iterable[str], pairs: PairsConfig, execute: ExecuteConfig) -> None:
        """Compare the results before training with those after."""
        files = [(name, self.run.before.result(name), self.run.result(name)) for name in suites]
        inputs = tuple(path for _, *paths in files for path in paths)

        def work(context: Context) -> None:
            with context.pool(execute, workers=1) as pool:
                write_comparison(
                    self.run.comparison,
                    [
                        compare_results(
                            read_result(before),
                            read_result(after),
                            find("suite", name, self.plugins.suites).load(read_result(after).metadata),
                            pool,
                            pairs.timing,
                            progress=context.progress,
                        )
                        for name, before, after in files
                    ],
                )

        record = {str(path.relative_to(self.run.path)): digest(path) for path in inputs}
        self.perform(Stage("compare", {"results": record}, (), self.run.comparison, work))

    def report(self) -> Path:
        """Write the report; always anew, it is cheap."""
        with self._observed("report") as context:
            return self.plugins.report(self.run, context)

    # ----------------------------------------------------------------- reading back

    def _candidates(self) -> list[Candidates]:
        return jsonl.read_all(self.run.candidates, jsonl.candidates_parser())[0]

    def _scored(self) -> list[ScoredProblem]:
        """Return candidates, matrix and scores of each problem, which have to be in the same order."""
        triples = zip(
            self._candidates(),
            parquet.read_matrices(self.run.matrix),
            parquet.read_scores(self.run.scores),
            strict=True,
        )
        return [ScoredProblem.of(*triple) for triple in triples]


def run_all(pipeline: Pipeline, config: RunConfig) -> Path:
    """Run every configured stage; return the report. Training on given data takes no pairs, and builds none."""
    run = pipeline.run
    pipeline.manifest.set("config", _dump(config))
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
    return pipeline.report()


def _build_pairs(pipeline: Pipeline, config: RunConfig) -> None:
    """Run the stages from problems, or given candidates, to pairs."""
    if config.candidates is not None:
        pipeline.take_candidates(config.candidates, SolutionForm.PROGRAM)
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


def _require_some(number: int, what: str, counts: Mapping[str, int]) -> None:
    if not number:
        details = ", ".join(f"{name}: {count}" for name, count in sorted(counts.items()))
        raise InputError(f"not one {what} ({details})")


def _dump(config: BaseModel) -> dict[str, Any]:
    return config.model_dump(mode="json")


def _plain(record: StageRecord) -> dict[str, Any]:
    return {"config": record.config, "input": record.inputs}

"""``codedpo_oss_instruct``, ``codedpo_concepts``, ``codedpo_evol_instruct``: lm-eval asks, problems are made.

Seeds, problems and the manifest are written to a run directory (``--metadata '{"output": "DIR"}'``), from which
`codedpo problems` reports and `codedpo generate` goes on; lm-eval's table shows how much came of it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from math import nan
from typing import Any, ClassVar, Final, Literal

import datasets
from lm_eval.api.instance import Instance
from lm_eval.api.task import ConfigurableTask

from codedpo_plugin.config import (
    CleanConfig,
    ExecuteConfig,
    FactoryConfig,
    ProblemsConfig,
    PromptForm,
    SeedsConfig,
)
from codedpo_plugin.context import Context, told
from codedpo_plugin.formats import jsonl
from codedpo_plugin.harness.messages import speak_as_lm_eval
from codedpo_plugin.harness.options import ProblemsOptions, asking_defaults, read_options
from codedpo_plugin.lock import RunLock
from codedpo_plugin.manager import create_plugins
from codedpo_plugin.problems.making.asking import sampling
from codedpo_plugin.problems.making.factory import as_made, distinct, read
from codedpo_plugin.problems.making.methods import Question, evolution_question, seed_question
from codedpo_plugin.problems.solutions import write_solutions
from codedpo_plugin.problems.stage import check, cleaned, read_seeds
from codedpo_plugin.processes import is_main_process, number_of_processes, process_number
from codedpo_plugin.records import MadeProblem
from codedpo_plugin.rundir import Manifest, RunDirectory, StageRecord

log = logging.getLogger(__name__)

Method = Literal["oss-instruct", "concepts", "evol-instruct"]

FILTER: Final = "make"
METRICS: Final = ("parsed", "kept")


class ProblemsTask(ConfigurableTask):  # type: ignore[misc]  # lm-eval has no type information
    """One request a seed, or a problem to evolve."""

    VERSION = 1.0
    METHOD: ClassVar[Method]

    def __init__(self, config: Mapping[str, Any]) -> None:
        """Collect the seeds and check what cleaning needs, before a token is generated."""
        speak_as_lm_eval()
        settings = {key: value for key, value in config.items() if key != "class"}
        self.options: ProblemsOptions = read_options(ProblemsOptions, settings.get("metadata"))
        self.run = RunDirectory(self.options.output)
        self.context = Context(create_plugins(), self.options.seed, folder=self.run.path)
        self.execution = ExecuteConfig(workers=self.options.workers, sandbox=self.options.sandbox)
        self.section = _section(self.METHOD, self.options)
        clean = self.section.clean
        self._found = check(clean, self.execution, self.context) if clean else None
        self._questions = self._ask()
        self._kept: dict[str, dict[str, float]] = {}
        self._chat = False
        defaults = asking_defaults(f"codedpo_{self.METHOD.replace('-', '_')}", self.VERSION, METRICS, sampled=False)
        self._sampling: Mapping[str, Any] = dict(defaults["generation_kwargs"])
        super().__init__(config=defaults | settings)

    def _ask(self) -> dict[PromptForm, dict[str, Question]]:
        """Return the questions by form and key."""
        forms: tuple[PromptForm, ...] = ("base", "chat")
        if self.METHOD == "evol-instruct":
            given = self.context.plugins.make_problems((), _start(self.options), self.execution, self.context)
            made, seed = [as_made(problem) for problem in given], self.options.seed
            return {form: _by_key(evolution_question(p, 1, seed, form) for p in made) for form in forms}
        seeds = read_seeds(self.options.seeds) if self.options.seeds else None
        if seeds is None:
            seeds = list(self.context.plugins.collect_seeds(self.section, self.context))
        seeds = list(distinct(seeds, self.context.counts))
        if is_main_process():  # the others have the same
            with RunLock(self.run.lock):
                jsonl.write(self.run.seeds, seeds)
        return {form: _by_key(seed_question(self.METHOD, seed, form) for seed in seeds) for form in forms}

    def download(self, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002 - lm-eval's signature
        """Make the documents lm-eval iterates over."""
        rows = [{"problem_id": key, "prompt": q.prompt} for key, q in self._questions["base"].items()]
        self.dataset = {"test": datasets.Dataset.from_list(rows)}

    def fewshot_context(self, doc: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Return the question."""
        self._chat = bool(kwargs.get("apply_chat_template"))
        return super().fewshot_context(doc, *args, **kwargs)

    @property
    def _form(self) -> PromptForm:
        return "chat" if self._chat else "base"

    def doc_to_text(self, doc: Mapping[str, Any], doc_to_text: Any = None) -> str:  # noqa: ARG002 - idem
        """Return what the model is asked."""
        return self._questions[self._form][doc["problem_id"]].prompt

    def doc_to_target(self, doc: Mapping[str, Any], doc_to_target: Any = None) -> str:  # noqa: ARG002 - idem
        """Return nothing: there is no right answer to learn from."""
        return ""

    def construct_requests(self, doc: Mapping[str, Any], ctx: Any, **kwargs: Any) -> Instance:
        """Return the request about a document, with what ``--gen_kwargs`` says instead of the defaults."""
        assert self.section.make is not None  # noqa: S101 - it makes; for the type checker
        own = sampling(self.section.make.model_copy(update={"prompt_form": self._form}))
        given = {k: v for k, v in (self.config.generation_kwargs or {}).items() if self._sampling.get(k) != v}
        return Instance(
            request_type="generate_until", doc=doc, arguments=(ctx, own | given), idx=0, metadata=kwargs["metadata"]
        )

    def apply_filters(self) -> None:
        """Make problems of all answers at once; leave with each instance what became of its document."""
        answers = {instance.doc["problem_id"]: instance.resps[0] for instance in self.instances}
        counts = self.context.counts
        questions = self._questions[self._form]
        read_all = {key: read(questions[key], answer, counts) for key, answer in answers.items()}
        made = [problem for problem in read_all.values() if problem is not None]
        kept = self._write(made)
        self._kept = {
            key: {"parsed": float(problem is not None), "kept": nan if kept is None else float(key in kept)}
            for key, problem in read_all.items()
        }
        for instance in self.instances:
            instance.filtered_resps[FILTER] = self._kept[instance.doc["problem_id"]]

    def _write(self, made: Sequence[MadeProblem]) -> set[str] | None:
        """Clean problems and write what is left; return the ids of these.

        Where lm-eval was launched as several processes, each has some of the problems and only writes them: None is
        returned, as duplicates can only be found among all of them.
        """
        if number_of_processes() > 1:
            part = self.run.path / f"problems-{process_number():05d}.jsonl"
            jsonl.write(part, made)
            log.warning("%s: one part of several; join them, then `codedpo problems --problems` cleans all", part)
            return None
        with RunLock(self.run.lock):
            return self._finish(made)

    def _finish(self, made: Sequence[MadeProblem]) -> set[str]:
        """Clean all problems and write what is left, and the manifest."""
        clean, found, counts = self.section.clean, self._found, self.context.counts
        if clean and found:
            made = list(cleaned(made, clean, found, self.execution, self.context))
        counts["problems_with_solution"] = write_solutions(self.run.solutions, made)
        counts["problems"] = jsonl.write(self.run.problems, made)
        settings = self.section.model_dump(mode="json") | {"seed": self.options.seed}
        Manifest(self.run).finish("problems", StageRecord(settings, {}, dict(counts)))
        log.info("%s: %s", self.run.path, told(counts))
        return {problem.problem_id for problem in made}

    def process_results(self, doc: Mapping[str, Any], results: Sequence[Any]) -> dict[str, float]:  # noqa: ARG002 - idem
        """Return the metrics of one document."""
        return self._kept[doc["problem_id"]]


class OssInstructTask(ProblemsTask):
    """Problems with solutions, inspired by seeds."""

    METHOD = "oss-instruct"


class ConceptsTask(ProblemsTask):
    """Tasks from the key concepts of seeds."""

    METHOD = "concepts"


class EvolInstructTask(ProblemsTask):
    """Problems made harder, once."""

    METHOD = "evol-instruct"


def _section(method: Method, options: ProblemsOptions) -> ProblemsConfig:
    """Return the section of the configuration that says what a task does."""
    quotas = {"quotas": options.quotas} if options.quotas else {}
    making = FactoryConfig(
        method=method,
        seeds=SeedsConfig.model_validate({"folders": options.folders, **quotas}),
        temperature=options.temperature,
        max_tokens=options.max_tokens,
    )
    cleaning = CleanConfig(benchmarks=options.benchmarks, run_solutions=options.run_solutions)
    start = _start(options).model_dump(include={"suite", "path"}) if method == "evol-instruct" else {}
    return ProblemsConfig(make=making, clean=cleaning if options.clean else None, **start)


def _start(options: ProblemsOptions) -> ProblemsConfig:
    """Return where the problems to evolve come from."""
    return ProblemsConfig(path=options.problems, suite=None if options.problems else options.suite)


def _by_key(questions: Any) -> dict[str, Question]:
    return {question.key: question for question in questions}

"""``codedpo_pairs``: lm-eval generates solutions and tests, the plugin builds preference pairs from them.

The pairs and everything they were made from are written to a run directory (``--metadata '{"output": "DIR"}'``);
lm-eval's table shows how much came out of it.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from math import nan
from pathlib import Path
from typing import Any, Final

import datasets
from lm_eval.api.instance import Instance
from lm_eval.api.task import ConfigurableTask

from codedpo_plugin.config import ExecuteConfig, GenerateConfig, PairsConfig, ProblemsConfig, ScoreConfig
from codedpo_plugin.context import Context, told
from codedpo_plugin.execution import require_confinement
from codedpo_plugin.formats import jsonl, parquet
from codedpo_plugin.generation.prompts import solution_prompt
from codedpo_plugin.generation.sampling import Request, candidates_from, requests_for
from codedpo_plugin.harness.answers import answers_to
from codedpo_plugin.harness.messages import speak_as_lm_eval
from codedpo_plugin.harness.options import PairsOptions, asking_defaults, read_options
from codedpo_plugin.manager import create_plugins, find
from codedpo_plugin.pipeline import Pipeline
from codedpo_plugin.processes import number_of_processes, process_number
from codedpo_plugin.records import Candidates, Problem, SolutionForm
from codedpo_plugin.rundir import RunDirectory

log = logging.getLogger(__name__)

FILTER: Final = "build"
METRICS: Final = ("pairs_per_problem", "self_validated", "solutions_kept", "tests_kept")


class PairsTask(ConfigurableTask):  # type: ignore[misc]  # lm-eval has no type information
    """Two requests a document: its solutions and its tests."""

    VERSION = 1.0

    def __init__(self, config: Mapping[str, Any]) -> None:
        """Read the problems and check that programs can be run, before a token is generated."""
        speak_as_lm_eval()
        settings = {key: value for key, value in config.items() if key != "class"}
        self.options: PairsOptions = read_options(PairsOptions, settings.get("metadata"))
        self.plugins = create_plugins()
        find("ranker", self.options.ranker, self.plugins.rankers)
        require_confinement(self.options.sandbox, self.plugins.sandboxes)
        self.problems = _problems(self.options, Context(self.plugins))
        self._by_id = {problem.problem_id: problem for problem in self.problems}
        self._outcomes: dict[str, dict[str, float]] = {}
        self._chat = False
        defaults = asking_defaults("codedpo_pairs", self.VERSION, METRICS, sampled=True)
        self._sampling: Mapping[str, Any] = dict(defaults["generation_kwargs"])
        super().__init__(config=defaults | settings)

    def download(self, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002 - lm-eval's signature
        """Make the documents lm-eval iterates over."""
        rows = [
            {"problem_id": p.problem_id, "prompt": p.prompt, "entry_point": p.entry_point or ""}
            for p in self.problems
        ]
        self.dataset = {"test": datasets.Dataset.from_list(rows)}

    def fewshot_context(self, doc: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Return the prompt for solutions."""
        self._chat = bool(kwargs.get("apply_chat_template"))
        return super().fewshot_context(doc, *args, **kwargs)

    def doc_to_text(self, doc: Mapping[str, Any], doc_to_text: Any = None) -> str:  # noqa: ARG002 - idem
        """Return what the model is shown for solutions."""
        return solution_prompt(self._by_id[doc["problem_id"]], self._generation.prompt_form)

    def doc_to_target(self, doc: Mapping[str, Any], doc_to_target: Any = None) -> str:  # noqa: ARG002 - idem
        """Return nothing: there is no right answer to learn from."""
        return ""

    @property
    def _generation(self) -> GenerateConfig:
        """Return how candidates are generated."""
        values = self.options.model_dump(include=set(GenerateConfig.model_fields))
        metadata = self.config.metadata or {} if getattr(self, "_config", None) else {}
        arguments = {"pretrained": metadata["pretrained"]} if "pretrained" in metadata else {}
        return GenerateConfig(prompt_form="chat" if self._chat else "base", model_args=arguments, **values)

    def construct_requests(self, doc: Mapping[str, Any], ctx: Any, **kwargs: Any) -> list[Instance]:
        """Return the request for solutions and the request for tests, each with its repeats."""
        name, number, _ = kwargs["metadata"]
        solutions, tests = requests_for(self._by_id[doc["problem_id"]], self._generation)
        template = kwargs.get("chat_template")
        told = template([{"role": "user", "content": tests.prompt}]) if self._chat and template else tests.prompt
        pairs: list[tuple[Any, Request]] = [(ctx, solutions), (told, tests)]
        return [
            Instance(
                request_type="generate_until",
                doc=doc,
                arguments=(text, self._overridden(request.gen_kwargs, is_solution=index == 0)),
                idx=index,
                metadata=(name, number, request.repeats),
            )
            for index, (text, request) in enumerate(pairs)
        ]

    def _overridden(self, gen_kwargs: Mapping[str, Any], *, is_solution: bool) -> dict[str, Any]:
        """Return a request's arguments with those of ``--gen_kwargs``; its stops are about solutions only."""
        given = {k: v for k, v in (self.config.generation_kwargs or {}).items() if self._sampling.get(k) != v}
        if not is_solution:
            given.pop("until", None)
        return dict(gen_kwargs) | given

    def apply_filters(self) -> None:
        """Build pairs from all documents at once; leave with each instance what became of its document."""
        answers: dict[str, list[Sequence[str]]] = {}
        for instance in sorted(self.instances, key=lambda i: (i.doc_id, i.idx)):
            answers.setdefault(instance.doc["problem_id"], []).append(answers_to(instance))
        counts: Counter[str] = Counter()
        generation, seed = self._generation, 0
        found = [
            candidates_from(self._by_id[problem_id], solutions, tests, generation, counts, seed)
            for problem_id, (solutions, tests) in answers.items()
        ]
        self._outcomes = self._build(found, counts)
        for instance in self.instances:
            instance.filtered_resps[FILTER] = self._outcomes[instance.doc["problem_id"]]

    def _build(self, found: Sequence[Candidates], counts: Mapping[str, int]) -> dict[str, dict[str, float]]:
        """Build pairs of the candidates, say how many and where; return the metrics of each problem.

        Where lm-eval was launched as several processes, each has some of the candidates and only writes them.
        """
        together = number_of_processes() == 1
        run = RunDirectory(self.options.output)
        generated = run.path / ("generated.jsonl" if together else f"generated-{process_number():05d}.jsonl")
        usable = [c for c in found if c.solutions and c.tests]
        jsonl.write(generated, usable)
        pairs, telling = self._pairs(run, generated, len(usable)) if together else (Counter(), set())
        if not together:
            log.warning("%s: one part of several; `codedpo build` makes pairs of all of them", generated)
        elif usable:
            log.info("%s: %d pairs of %d problems; %s", run.pairs, pairs.total(), len(found), told(counts))
        else:
            log.warning("%s: no pairs, as no problem has a solution and a test; %s", run.path, told(counts))
        return {
            c.problem_id: {
                "pairs_per_problem": float(pairs[c.problem_id]) if together else nan,
                "self_validated": float(c.problem_id in telling) if together else nan,
                "solutions_kept": len(c.solutions) / self.options.n_solutions,
                "tests_kept": len(c.tests) / self.options.n_tests,
            }
            for c in found
        }

    def _pairs(self, run: RunDirectory, candidates: Path, number: int) -> tuple[Counter[str], set[str]]:
        """Replace what was made in a run by what a number of candidates give.

        Return the number of pairs of each problem, and the problems whose solutions have different scores.
        """
        options = self.options
        execution = ExecuteConfig(workers=options.workers, sandbox=options.sandbox, cpu_s=options.cpu_s)
        with Pipeline(run, self.plugins, restart=True) as pipeline:
            if not number:
                pipeline.start_afresh("candidates")
                return Counter(), set()
            pipeline.take_candidates([candidates], SolutionForm.PROGRAM)
            pipeline.execute(execution)
            pipeline.score(ScoreConfig(ranker=options.ranker))
            pipeline.pairs(
                PairsConfig.model_validate(options.model_dump(include={"kinds", "trust_examples"})), execution
            )
        made = jsonl.read(run.pairs, jsonl.pair_from, jsonl.BadLines(), unique=False)
        scores = parquet.read_scores(run.scores)
        telling = {s.problem_id for s in scores if s.solutions.max() > s.solutions.min()}
        return Counter(pair.problem_id for pair in made), telling

    def process_results(self, doc: Mapping[str, Any], results: Sequence[Any]) -> dict[str, float]:  # noqa: ARG002 - idem
        """Return the metrics of one document."""
        return self._outcomes[doc["problem_id"]]


def _problems(options: PairsOptions, context: Context) -> list[Problem]:
    """Return the problems that the metadata names, through the same hook as ``codedpo run``."""
    source: dict[str, Any] = {"path": options.problems} if options.problems else {"suite": options.suite}
    config = ProblemsConfig(**source, split=options.split)
    return list(context.plugins.make_problems((), config, ExecuteConfig(), context))

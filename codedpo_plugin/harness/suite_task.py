"""An evaluation suite as an lm-eval task: generate in the harness, judge all samples at once in the engine."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

import datasets
import numpy as np
from lm_eval.api.task import ConfigurableTask

from codedpo_plugin.config import PromptForm
from codedpo_plugin.errors import EvaluationError, UsageError
from codedpo_plugin.evaluation.judging import Engine, Entry, Judged, judge
from codedpo_plugin.evaluation.passk import pass_at_k
from codedpo_plugin.evaluation.results import WHERE_RUN, SampleResult, status_of
from codedpo_plugin.evaluation.speed import ProblemSpeed
from codedpo_plugin.execution import Pool, require_confinement
from codedpo_plugin.execution.sandboxes import Sandbox
from codedpo_plugin.generation.extraction import extract_solution
from codedpo_plugin.generation.prompts import ANSWER, CHAT_STOP, solution_prompt
from codedpo_plugin.harness.answers import answers_to
from codedpo_plugin.harness.baseline import METRICS, open_baseline, speed_metrics
from codedpo_plugin.harness.messages import speak_as_lm_eval
from codedpo_plugin.harness.options import SuiteOptions, read_options
from codedpo_plugin.manager import create_plugins, find
from codedpo_plugin.records import PassMatrix
from codedpo_plugin.suites import Suite, SuiteProblem, version_of

log = logging.getLogger(__name__)

FILTER: Final = "execute"
"""The name lm-eval shows beside the metrics."""

MAX_TOKENS: Final = 768
SAMPLING: Final = {"do_sample": True, "temperature": 0.8, "top_p": 0.95}
"""How several samples are drawn, as in EvalPlus."""
GREEDY: Final = {"do_sample": False, "temperature": 0.0}


class SuiteTask(ConfigurableTask):  # type: ignore[misc]  # lm-eval has no type information
    """A suite, found by the ``suite`` key of the task's YAML or given as an object."""

    VERSION = 1.0

    def __init__(
        self,
        config: Mapping[str, Any],
        suite: Suite | None = None,
        sandboxes: Mapping[str, Sandbox] | None = None,
    ) -> None:
        """Load the suite and check that its programs can be run, before a token is generated."""
        settings = {key: value for key, value in config.items() if key not in ("class", "suite")}
        speak_as_lm_eval()
        plugins = create_plugins() if suite is None or sandboxes is None else None
        self.suite = suite or find("suite", config["suite"], plugins.suites if plugins else {})
        self.options: SuiteOptions = read_options(SuiteOptions, settings.get("metadata"), self.suite.options)
        self.sandboxes = sandboxes or (plugins.sandboxes if plugins else {})
        require_confinement(self.options.sandbox, self.sandboxes)
        if self.suite.clean and self.options.answers_are == "solutions":
            raise UsageError(f"suite {self.suite.name!r} takes a `completion` of the prompt, not a `solution`")
        self.problems: list[SuiteProblem] = self.suite.load(settings.get("metadata") or {})
        if not self.problems:
            raise EvaluationError(f"suite {self.suite.name!r} has no problems for {settings.get('metadata')}")
        self.baseline = open_baseline(
            self.options, self.suite, self.problems, settings.get("metadata") or {}, self.sandboxes
        )
        self.speeds: dict[str, ProblemSpeed] = {}
        self._by_id = {p.problem.problem_id: p for p in self.problems}
        self._chat = False
        self.counts: Counter[str] = Counter()
        super().__init__(config=_defaults(self.suite, self.options) | settings)

    def download(self, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002 - lm-eval's signature
        """Make the documents lm-eval iterates over."""
        version = version_of(self.problems)
        rows = [
            {
                "problem_id": p.problem.problem_id,
                "prompt": p.problem.prompt,
                "entry_point": p.problem.entry_point or "",
                "reference": p.reference,
                "suite_version": version,
            }
            for p in self.problems
        ]
        self.dataset = {"test": datasets.Dataset.from_list(rows)}

    def build_all_requests(self, *args: Any, **kwargs: Any) -> None:
        """Make the requests: prompts to continue for a base model, instructions where there is a chat template."""
        self._chat = bool(kwargs.get("apply_chat_template"))
        until = (self.config.generation_kwargs or {}).get("until")
        if self._chat and not self.suite.clean and until == list(self.suite.stop):
            self.set_config(key="generation_kwargs", value={"until": list(CHAT_STOP)}, update=True)
        super().build_all_requests(*args, **kwargs)

    def doc_to_prefix(self, doc: Mapping[str, Any]) -> str | None:  # noqa: ARG002 - lm-eval's signature
        """Return what a chat model's answer is begun with."""
        return ANSWER if self._chat and not self.suite.clean else None

    def doc_to_text(self, doc: Mapping[str, Any], doc_to_text: Any = None) -> str:  # noqa: ARG002 - idem
        """Return what the model is shown of a document."""
        problem = self._by_id[doc["problem_id"]].problem
        if self.suite.clean:
            return f"{self.suite.instruction}\n\n{problem.prompt}" if self._chat else problem.prompt
        return solution_prompt(problem, "chat" if self._chat else "base")

    def doc_to_target(self, doc: Mapping[str, Any], doc_to_target: Any = None) -> str:  # noqa: ARG002 - idem
        """Return the reference solution, or the rest of the prompt that it is."""
        reference: str = doc["reference"]
        return reference if self._chat else reference.removeprefix(doc["prompt"])

    def construct_requests(self, doc: Mapping[str, Any], ctx: Any, **kwargs: Any) -> Any:
        """Return the request for a document, repeated for each of its samples."""
        name, number, repeats = kwargs["metadata"]
        repeats = self.options.samples_by_problem.get(doc["problem_id"], repeats)
        return super().construct_requests(doc, ctx, **kwargs | {"metadata": (name, number, repeats)})

    def apply_filters(self) -> None:
        """Judge all samples of all documents in one go; leave one list of results with each instance."""
        problems = [self._by_id[i.doc["problem_id"]] for i in self.instances]
        entries = [
            Entry(p, tuple(self._solution(p, text) for text in answers_to(i)))
            for i, p in zip(self.instances, problems, strict=True)
        ]
        if self.counts:
            found = ", ".join(f"{number} {reason}" for reason, number in sorted(self.counts.items()))
            log.warning("%s: of %d answers: %s", self.task_name, sum(len(e.solutions) for e in entries), found)
        engine = Engine(self.options.workers, self.options.sandbox, self.sandboxes)
        plus = any(len(p.plans) > p.base for p in self.problems)
        for instance, entry, judged in zip(self.instances, entries, judge(entries, engine), strict=True):
            instance.filtered_resps[FILTER] = _results(entry, judged, plus=plus)
        if self.baseline:
            samples = [sample for i in self.instances for sample in i.filtered_resps[FILTER]]
            with Pool(1, sandbox=self.options.sandbox, sandboxes=self.sandboxes) as pool:
                self.speeds = self.baseline.measure(samples, pool)

    def _solution(self, problem: SuiteProblem, response: str) -> str:
        """Return the solution in a response."""
        if self.suite.clean:
            return self.suite.clean(response)
        match self.options.answers_are:
            case "solutions":
                return response
            case "completions":
                return problem.problem.prompt + response
        form: PromptForm = "chat" if self._chat else "base"
        program = extract_solution(problem.problem, response, form, self.suite.stop, self.counts)
        return program if program is not None else ""

    def process_results(self, doc: Mapping[str, Any], results: Sequence[Any]) -> dict[str, float]:
        """Return the metrics of one document; a metric that needs more samples than there are is left out."""
        samples = results[0] if results else []
        correct = sum(sample["status"] == "pass" for sample in samples)
        ks = [k for k in self.options.ks if k <= len(samples)]
        found = {f"pass@{k}": pass_at_k(len(samples), correct, k) for k in ks}
        speed = speed_metrics(self.speeds.get(doc["problem_id"])) if self.baseline else {}
        if not self.suite.downloads:
            return found | speed
        not_run = bool(self._by_id[doc["problem_id"]].unavailable)
        where_run = {} if not_run else {f"{name}{WHERE_RUN}": value for name, value in found.items()}
        return found | where_run | {"not_run": float(not_run)} | speed


def _results(entry: Entry, judged: Judged, *, plus: bool) -> list[dict[str, Any]]:
    """Return what is logged of each sample of one document. Its status is that of its first failure.

    ``plus``: whether tests were added to the suite; a problem to which none were passes those.
    """
    results, problem, base, added = [], entry.problem, judged.base, judged.plus
    for number, solution in enumerate(entry.solutions):
        base_status = status_of(base.verdicts[number])
        plus_status = status_of(added.verdicts[number]) if plus else None
        result = SampleResult(
            problem_id=problem.problem.problem_id,
            sample=number,
            solution=solution,
            status=base_status if base_status != "pass" else plus_status or "pass",
            base_status=base_status,
            cpu_ns=_cpu_ns(base, number) + _cpu_ns(added, number),
            plus_status=plus_status,
            group=problem.group,
            reason=problem.unavailable,
            judged_inside=bool(base.judged_inside or added.judged_inside),
        )
        results.append(asdict(result))
    return results


def _cpu_ns(matrix: PassMatrix, row: int) -> int:
    """Return the CPU time of a program over the tests that were run."""
    return 0 if matrix.cpu_ns is None else int(np.maximum(matrix.cpu_ns[row], 0).sum())


def _defaults(suite: Suite, options: SuiteOptions) -> dict[str, Any]:
    """Return the lm-eval configuration of a suite."""
    names = [f"pass@{k}" for k in options.ks]
    if suite.downloads:
        names += [*(f"{name}{WHERE_RUN}" for name in names), "not_run"]
    metrics = [{"metric": n, "aggregation": "mean", "higher_is_better": n != "not_run"} for n in names]
    metrics += [dict(metric) for metric in METRICS if options.baseline]
    return {
        "task": f"codedpo_{suite.name}",
        "test_split": "test",
        "output_type": "generate_until",
        "doc_to_text": "prompt",
        "doc_to_target": "reference",
        "target_delimiter": "",
        "num_fewshot": 0,
        "repeats": options.n_samples,
        "generation_kwargs": {
            "until": list(suite.stop),
            "max_gen_toks": MAX_TOKENS,
            **(SAMPLING if options.n_samples > 1 else GREEDY),
        },
        "metric_list": metrics,
        "process_results": "process_results",  # names our own method; without it lm-eval looks up a metric function
        "metadata": {"version": SuiteTask.VERSION},
    }

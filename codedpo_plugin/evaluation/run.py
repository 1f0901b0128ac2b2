"""Evaluating on a suite through the harness: with a model, or with samples that exist already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from codedpo_plugin.collection import no_collection
from codedpo_plugin.config import EvaluateConfig, ExecuteConfig, ModelConfig
from codedpo_plugin.errors import CodeDPOError, EvaluationError, UsageError, boundary
from codedpo_plugin.evaluation.results import SampleResult, SuiteResult
from codedpo_plugin.execution.sandboxes import Sandbox
from codedpo_plugin.formats import jsonl
from codedpo_plugin.suites import Suite, version_of


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples read from a file."""

    answers: Mapping[str, tuple[str, ...]]
    """By problem id, in the order of the file."""
    form: str
    """``solutions`` (whole programs) or ``completions`` (of the prompt)."""
    bad: jsonl.BadLines


def read_samples(path: Path, known: Sequence[str], prefix: str = "") -> Samples:
    """Read samples in EvalPlus's format: ``task_id`` with ``solution`` or ``completion`` on every line.

    A ``task_id`` may leave away the ``prefix`` of the suite's ids (``17`` for ``DS-1000/17``).

    Lines that cannot be used, that have both, or whose task is not among ``known``, are noted. Raises
    EvaluationError when a file mixes both forms or has no usable line.
    """
    bad = jsonl.BadLines()
    forms: dict[str, int] = {}
    answers: dict[str, list[str]] = {}
    tasks = set(known)

    def parse(value: Mapping[str, Any]) -> tuple[str, str, str]:
        task = _task_id(value, prefix)
        if task not in tasks:
            raise ValueError(f"task {task!r} is not in the suite")
        form = _form(value)
        return task, form, jsonl.text_field(value, form)

    for task, form, text in jsonl.read(path, parse, bad, unique=False):
        forms[form] = forms.get(form, 0) + 1
        answers.setdefault(task, []).append(text)
    if not answers:
        raise EvaluationError(f"{path}: no usable sample\n{bad}")
    if len(forms) > 1:
        raise EvaluationError(
            f"{path}: {forms['solution']} lines have a solution and {forms['completion']} a completion; "
            "split the file by form"
        )
    return Samples({task: tuple(texts) for task, texts in answers.items()}, next(iter(forms)) + "s", bad)


def _form(value: Mapping[str, Any]) -> str:
    """Return the name of the field that has a line's program."""
    match [form for form in ("solution", "completion") if form in value]:
        case [form]:
            return form
        case []:
            raise ValueError("it has neither a solution nor a completion")
    raise ValueError("it has a solution and a completion; which one counts is not guessed")


def _task_id(value: Mapping[str, Any], prefix: str) -> str:
    """Return the id of a line's task, with its prefix."""
    if not prefix:
        return jsonl.text_field(value, "task_id")
    task = str(value["task_id"])
    return task if task.startswith(prefix) else prefix + task


@no_collection()
def evaluate_samples(
    suite: Suite,
    path: Path,
    metadata: Mapping[str, Any],
    execute: ExecuteConfig,
    sandboxes: Mapping[str, Sandbox],
    ks: tuple[int, ...] = (1,),
) -> tuple[SuiteResult, jsonl.BadLines]:
    """Judge the samples of a file; return the result and the lines that could not be used."""
    problems = suite.load(metadata)
    samples = read_samples(path, [p.problem.problem_id for p in problems], suite.prefix)
    result = judge_samples(replace(suite, load=lambda _: problems), samples, metadata, execute, sandboxes, ks)
    return replace(result, model={"samples": path.name}), samples.bad


def judge_samples(
    suite: Suite,
    samples: Samples,
    metadata: Mapping[str, Any],
    execute: ExecuteConfig,
    sandboxes: Mapping[str, Sandbox],
    ks: tuple[int, ...] = (1,),
) -> SuiteResult:
    """Judge samples of a suite in the engine, by way of its lm-eval task."""
    from codedpo_plugin.harness.replay import ReplayLM

    problems = suite.load(metadata)
    sampled = replace(suite, load=lambda _: [p for p in problems if p.problem.problem_id in samples.answers])
    options = {"answers_are": samples.form, "ks": ks, "samples_by_problem": _counts(samples)}
    result = _run_task(sampled, ReplayLM(samples.answers), dict(metadata) | options, execute, sandboxes)
    missing = tuple(p.problem.problem_id for p in problems if p.problem.problem_id not in samples.answers)
    return replace(result, missing=missing, metadata=dict(metadata), suite_version=version_of(problems))


def _counts(samples: Samples) -> dict[str, int]:
    return {task: len(texts) for task, texts in samples.answers.items()}


def evaluate_model(
    suite: Suite,
    lm: Any,
    model: ModelConfig,
    config: EvaluateConfig,
    execute: ExecuteConfig,
    sandboxes: Mapping[str, Sandbox],
    metadata: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> SuiteResult:
    """Sample from a model of lm-eval and judge the samples. Raises UsageError for a k beyond the samples."""
    if max(config.ks) > config.n_samples:
        raise UsageError(f"pass@{max(config.ks)} needs as many samples a problem; there are {config.n_samples}")
    options = {"n_samples": config.n_samples, "ks": config.ks}
    sampling = {"max_gen_toks": config.max_tokens, **_sampling(config)}
    result = _run_task(
        suite,
        lm,
        dict(metadata or {}) | options,
        execute,
        sandboxes,
        gen_kwargs=sampling,
        limit=config.limit,
        apply_chat_template=model.prompt_form == "chat",
        seed=seed,
    )
    described = {"model": model.model, "model_args": {k: str(v) for k, v in model.model_args.items()}}
    return replace(result, model=described | _sampling(config), metadata=dict(metadata or {}))


def _sampling(config: EvaluateConfig) -> dict[str, Any]:
    """Return how samples are drawn, in the names of lm-eval's ``generate_until``."""
    drawn = config.temperature > 0
    return {"do_sample": drawn, "temperature": config.temperature, "top_p": config.top_p if drawn else 1.0}


def _run_task(
    suite: Suite,
    lm: Any,
    metadata: Mapping[str, Any],
    execute: ExecuteConfig,
    sandboxes: Mapping[str, Sandbox],
    *,
    gen_kwargs: Mapping[str, Any] | None = None,
    limit: int | None = None,
    apply_chat_template: bool = False,
    seed: int = 0,
) -> SuiteResult:
    """Run a suite's task in lm-eval and return the samples it logged."""
    from lm_eval.evaluator import evaluate
    from lm_eval.tasks import TaskManager

    from codedpo_plugin.harness.replay import ReplayLM
    from codedpo_plugin.harness.suite_task import FILTER, SuiteTask

    engine = {"sandbox": execute.sandbox, "workers": execute.workers}
    task = SuiteTask({"metadata": dict(metadata) | engine}, suite, sandboxes)
    if gen_kwargs:
        task.set_config(key="generation_kwargs", value=dict(gen_kwargs), update=True)
    if not isinstance(lm, ReplayLM):
        _set_seeds(seed)
    tokens = (gen_kwargs or {}).get("max_gen_toks")  # more than a model's context is what fails most often
    asked = f", with answers of up to {tokens} tokens (--max-tokens)," if tokens else ""
    with boundary(EvaluationError, f"the evaluation on {suite.name}{asked} failed"):
        outcome = evaluate(
            lm,
            TaskManager(include_defaults=False).load([task]),
            limit=limit,
            apply_chat_template=apply_chat_template,
            bootstrap_iters=0,
            log_samples=True,
        )
    if outcome is None:
        raise CodeDPOError("only the first process of a distributed run has the results")
    logged = [s for s in outcome["samples"][task.task_name] if s["filter"] == FILTER]
    samples = tuple(SampleResult(**one) for entry in logged for one in entry["filtered_resps"][0])
    sampled = {sample.problem_id for sample in samples}
    missing = tuple(p.problem.problem_id for p in task.problems if p.problem.problem_id not in sampled)
    version = version_of(task.problems)
    return SuiteResult(suite.name, {}, samples, tuple(metadata["ks"]), missing, suite_version=version)


def _set_seeds(seed: int) -> None:
    """Set the seeds that lm-eval sets; its ``simple_evaluate`` spends seconds on describing the machine, too."""
    import random

    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)

"""What a task is told besides its YAML: lm-eval's ``--metadata``, checked."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from codedpo_plugin.config import Split
from codedpo_plugin.errors import UsageError

OptionsT = TypeVar("OptionsT", bound=BaseModel)


class TaskOptions(BaseModel):
    """What every task can be told. lm-eval puts the model's arguments in the same mapping; they are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    sandbox: str = Field("auto", description="auto, landlock, bubblewrap; unconfined at your own risk")
    workers: int | None = Field(None, gt=0, description="worker processes")


class SuiteOptions(TaskOptions):
    """Metadata of the evaluation tasks."""

    n_samples: int = Field(1, gt=0, description="samples a problem")
    ks: tuple[int, ...] = Field((1,), description="the k of pass@k")
    answers_are: Literal["continuations", "solutions", "completions"] = Field(
        "continuations",
        description="what the answers are; anything but continuations of a model is not extracted",
    )
    baseline: str | None = Field(None, description="an earlier run to be compared with in speed")
    samples_by_problem: Mapping[str, int] = Field(
        default_factory=dict, description="samples of each problem, where they differ"
    )


class PairsOptions(TaskOptions):
    """Metadata of ``codedpo_pairs``."""

    problems: Path | None = Field(None, description="a problems.jsonl")
    suite: str = Field("micro", description="or a suite, if no file is given")
    split: Split = "train"
    output: Path = Field(Path("codedpo-pairs"), description="run directory to write")
    n_solutions: int = Field(15, gt=0)
    n_tests: int = Field(15, gt=0)
    test_generations: int | None = Field(None, gt=0)
    prompt_examples: bool = Field(default=False, description="examples in a prompt are tests, too")
    temperature: float = Field(1.5, ge=0)
    max_solution_tokens: int = Field(512, gt=0)
    max_test_tokens: int = Field(256, gt=0)
    ranker: str = "self-validation"
    kinds: tuple[str, ...] = ("correctness", "efficiency")
    trust_examples: bool = Field(default=False, description="believe no solution that fails an example")
    cpu_s: float = Field(1.0, gt=0)


class ProblemsOptions(TaskOptions):
    """Metadata of the tasks that make problems."""

    output: Path = Field(Path("codedpo-problems"), description="run directory to write")
    seeds: Path | None = Field(None, description="a seeds.jsonl")
    folders: tuple[Path, ...] = Field((), description="or folders of source code; default: the standard library")
    quotas: dict[str, int] | None = Field(None, description="seeds wanted of each language")
    problems: Path | None = Field(None, description="a problems.jsonl to evolve")
    suite: str = Field("micro", description="or a suite to evolve, if no file is given")
    clean: bool = Field(default=True, description="drop what is not worth learning")
    benchmarks: tuple[str, ...] = Field(("humaneval", "mbpp", "ds1000"), description="what must not be learned")
    run_solutions: bool = Field(default=True, description="run Python solutions, confined")
    temperature: float = Field(0.0, ge=0)
    max_tokens: int = Field(1024, gt=0)
    seed: int = 0


LIKE: Final = 0.8
"""Likeness (``difflib``) from which on a key that no task knows is taken for a misspelt one."""


def read_options(model: type[OptionsT], metadata: Mapping[str, Any] | None, more: Iterable[str] = ()) -> OptionsT:
    """Return the options in a task's metadata, in which a suite may know ``more`` keys.

    Raises UsageError naming the key that is wrong, or that looks like a misspelt one. Any other unknown key may be
    an argument of the model.
    """
    _refuse_misspelt(metadata or {}, [*model.model_fields, *more])
    try:
        return model.model_validate(dict(metadata or {}))
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise UsageError(f"--metadata: {wrong}") from error


def _refuse_misspelt(metadata: Iterable[str], own: Sequence[str]) -> None:
    """Raise UsageError for a key that is nearly one of the task's ``own`` and none of another task's."""
    known = {*own}.union(*(model.model_fields for model in (SuiteOptions, PairsOptions, ProblemsOptions)))
    for name in metadata:
        near = difflib.get_close_matches(name, own, n=1, cutoff=LIKE) if name not in known else ()
        if near:
            raise UsageError(f"--metadata: unknown key {name!r}; did you mean {near[0]!r}?")


def asking_defaults(task: str, version: float, metrics: Sequence[str], *, sampled: bool) -> dict[str, Any]:
    """Return the lm-eval configuration of a task that makes something of the answers, and knows no right ones."""
    return {
        "task": task,
        "test_split": "test",
        "output_type": "generate_until",
        "doc_to_text": "prompt",
        "doc_to_target": "",
        "target_delimiter": "",
        "num_fewshot": 0,
        "generation_kwargs": {"until": [], "do_sample": sampled},
        "metric_list": [{"metric": m, "aggregation": "mean", "higher_is_better": True} for m in metrics],
        "process_results": "process_results",
        "metadata": {"version": version},
    }

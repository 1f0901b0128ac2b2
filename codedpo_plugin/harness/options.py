"""What a task is told besides its YAML: lm-eval's ``--metadata``, checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

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


def read_options(model: type[OptionsT], metadata: Mapping[str, Any] | None) -> OptionsT:
    """Return the options in a task's metadata. Raises UsageError naming the key that is wrong."""
    try:
        return model.model_validate(dict(metadata or {}))
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise UsageError(f"--metadata: {wrong}") from error


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

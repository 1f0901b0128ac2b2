"""Options that several commands share, and how they become configuration."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from codedpo_plugin.errors import UsageError

if TYPE_CHECKING:
    from pydantic import BaseModel

    from codedpo_plugin.config import PairsConfig

    M = TypeVar("M", bound=BaseModel)


def local_only(path: Path | None) -> Path | None:
    """Return a path to work in. Raises UsageError for a URL, whose slashes a path has swallowed."""
    if path is not None and re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", str(path)):
        raise UsageError(
            f"{str(path).replace(':/', '://', 1)}: runs are made in local folders, where files are locked and "
            "renamed; `codedpo push DIR URL` copies a finished one to a store"
        )
    return path


Output = Annotated[Path, typer.Option("--output", "-o", help="Directory to write to.", callback=local_only)]
RunPath = Annotated[Path, typer.Argument(help="A run directory.", metavar="DIR", callback=local_only)]
Workers = Annotated[int | None, typer.Option(help="Worker processes, with ray on each node; default: one a core.")]
SandboxName = Annotated[
    str,
    typer.Option("--sandbox", help="auto, landlock, bubblewrap; unconfined runs programs at your own risk."),
]
CpuSeconds = Annotated[float, typer.Option("--cpu-s", help="CPU seconds a test may take.")]
ExecutorName = Annotated[str, typer.Option("--executor", help="local, ray, or another registered executor.")]
RayAddress = Annotated[
    str | None,
    typer.Option(
        "--ray-address", help="With --executor ray: auto, HOST:PORT, ray://HOST:PORT; default: this machine."
    ),
]
RankerName = Annotated[str, typer.Option("--ranker", help="A registered ranker.")]
Kinds = Annotated[str, typer.Option("--kind", help="Kinds of pairs, separated by commas.")]
PerProblem = Annotated[int, typer.Option("--per-problem", help="Correctness pairs a problem, at most.")]
Enlarge = Annotated[
    int, typer.Option("--enlarge", help="Time solutions on the tests' arguments, so many times as large.")
]
TrustExamples = Annotated[
    bool, typer.Option("--trust-examples", help="Believe no solution that fails an example of its prompt.")
]
MinConfidence = Annotated[
    float | None, typer.Option("--min-confidence", help="Leave out pairs less probably right than this (0 to 1).")
]
CalibrationFile = Annotated[
    Path | None, typer.Option("--calibration", help="What `codedpo calibrate` wrote; default: the built-in one.")
]
Seed = Annotated[int, typer.Option(help="Seed of everything random.")]
Restart = Annotated[bool, typer.Option("--restart", help="Do all of it anew, and forget what was made of it.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show the messages of the libraries, too.")]
Model = Annotated[str, typer.Option("--model", "-m", help="A model directory or name, or an lm-eval model type.")]
ModelArgs = Annotated[str, typer.Option("--model-args", help="Arguments of an lm-eval model type: key=value,….")]
BatchSize = Annotated[str, typer.Option("--batch-size", help="As lm-eval's --batch_size.")]
Device = Annotated[str | None, typer.Option(help="As lm-eval's --device.")]
Chat = Annotated[bool, typer.Option("--apply-chat-template", help="The model is a chat model.")]
Metadata = Annotated[str, typer.Option("--metadata", help="JSON object for the suite, as lm-eval's --metadata.")]

DEFAULT_KINDS = "correctness,efficiency"


def make(model: type[M], /, **values: Any) -> M:
    """Return a section of the configuration from options. Raises UsageError naming the option that is wrong."""
    from pydantic import ValidationError

    try:
        return model(**values)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise UsageError(wrong) from error


def model_section(model: type[M], name: str, arguments: str, /, *, chat: bool, **values: Any) -> M:
    """Return a model section: ``name`` is an lm-eval model type if it is registered, else a pretrained model."""
    given = _key_values(arguments)
    if given or name in _model_types():
        values |= {"model": name, "model_args": given}
    else:
        values |= {"model": "hf", "model_args": {"pretrained": name}}
    if str(values.get("batch_size", "")).isdigit():
        values["batch_size"] = int(values["batch_size"])
    return make(model, prompt_form="chat" if chat else "base", **values)


def _model_types() -> list[str]:
    import lm_eval.models  # noqa: F401 - fills the registry
    from lm_eval.api.registry import model_registry

    return list(model_registry.keys())


def _key_values(text: str) -> dict[str, Any]:
    """Return ``key=value,…`` as lm-eval reads it."""
    from lm_eval.utils import simple_parse_args_string

    return dict(simple_parse_args_string(text)) if text else {}


def metadata_of(text: str) -> dict[str, Any]:
    """Return the JSON object in ``--metadata``. Raises UsageError if it is not one."""
    return object_of("--metadata", text)


def object_of(option: str, text: str) -> dict[str, Any]:
    """Return the JSON object that an option is given. Raises UsageError if it is not one."""
    try:
        value = json.loads(text or "{}")
    except ValueError as error:
        raise UsageError(f"{option} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise UsageError(f"{option} has to be a JSON object")
    return value


def file_of(name: str | None) -> Path | None:
    """Return the file that an option names, fetched if it is a URL; None if it is not given."""
    from codedpo_plugin.inputs import input_file

    return None if name is None else input_file(name)


def pairs_section(
    kind: str,
    min_confidence: float | None,
    calibration: Path | None,
    per_problem: int,
    trust_examples: bool,
    enlarge: int,
) -> PairsConfig:
    """Return the ``pairs`` section of the options that ``build`` and ``pairs`` share."""
    from codedpo_plugin.config import PairsConfig

    return make(
        PairsConfig,
        kinds=kinds_of(kind),
        min_confidence=min_confidence,
        calibration=calibration,
        per_problem=per_problem,
        trust_examples=trust_examples,
        enlarge=enlarge,
    )


def kinds_of(text: str) -> tuple[str, ...]:
    """Return the kinds of pairs in ``--kind``."""
    return tuple(kind.strip() for kind in text.split(",") if kind.strip())

"""``codedpo evaluate``: a model, or samples that exist already, on a suite."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from codedpo_plugin.cli.options import (
    BatchSize,
    Chat,
    Device,
    Metadata,
    ModelArgs,
    Output,
    SandboxName,
    Seed,
    Verbose,
    Workers,
    make,
    metadata_of,
    model_section,
)
from codedpo_plugin.errors import UsageError

if TYPE_CHECKING:
    from codedpo_plugin.config import ExecuteConfig
    from codedpo_plugin.evaluation.results import SuiteResult
    from codedpo_plugin.manager import Plugins
    from codedpo_plugin.suites import Suite


def evaluate(
    suite: Annotated[str, typer.Option(help="A suite: micro, humaneval, humaneval_plus, mbpp, mbpp_plus, …")],
    output: Output,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="A model directory, name, or lm-eval type.")
    ] = None,
    model_args: ModelArgs = "",
    samples: Annotated[
        str | None, typer.Option(help="Or a file of samples in EvalPlus's format, or its URL.")
    ] = None,
    n_samples: Annotated[int, typer.Option(help="Samples a problem.")] = 1,
    temperature: Annotated[float, typer.Option(help="Sampling temperature; 0 is greedy.")] = 0.0,
    top_p: Annotated[float, typer.Option(help="Of nucleus sampling, where the temperature is not 0.")] = 0.95,
    max_tokens: Annotated[int, typer.Option(help="Longest answer.")] = 768,
    k: Annotated[str, typer.Option("--k", help="The k of pass@k, separated by commas.")] = "1",
    limit: Annotated[int | None, typer.Option(help="The first so many problems.")] = None,
    metadata: Metadata = "{}",
    batch_size: BatchSize = "8",
    device: Device = None,
    apply_chat_template: Chat = False,
    workers: Workers = None,
    sandbox: SandboxName = "auto",
    seed: Seed = 0,
    verbose: Verbose = False,
) -> None:
    """Measure pass@k of a model or of samples; write DIR/eval/SUITE.json."""
    from codedpo_plugin.cli.console import out, session
    from codedpo_plugin.cli.summary import show_result
    from codedpo_plugin.config import EvaluateConfig, ExecuteConfig, ModelConfig
    from codedpo_plugin.evaluation.evalplus_format import write_evalplus
    from codedpo_plugin.evaluation.results import write_result
    from codedpo_plugin.execution import require_confinement
    from codedpo_plugin.inputs import input_file
    from codedpo_plugin.manager import find
    from codedpo_plugin.rundir import RunDirectory

    if (model is None) == (samples is None):
        raise UsageError("give exactly one of --model and --samples")
    execution = make(ExecuteConfig, workers=workers, sandbox=sandbox)
    drawn = {"n_samples": n_samples, "temperature": temperature, "top_p": top_p, "max_tokens": max_tokens}
    config = make(EvaluateConfig, suites=(suite,), ks=_numbers(k), limit=limit, **drawn)
    with session(verbose=verbose) as plugins:
        chosen = find("suite", suite, plugins.suites)
        require_confinement(sandbox, plugins.sandboxes)
        if samples is not None:
            result = _judge(chosen, input_file(samples), metadata_of(metadata), execution, plugins, config.ks)
        else:
            placed = {"batch_size": batch_size, "device": device}
            section = model_section(ModelConfig, model or "", model_args, chat=apply_chat_template, **placed)
            result = _sample(chosen, section, config, execution, plugins, metadata_of(metadata), seed)
    target = RunDirectory(output).result(suite)
    write_result(target, result)
    write_evalplus(target, result)
    show_result(result)
    out(f"results: {target}")


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"--k: numbers separated by commas are expected, got {text!r}") from error


def _judge(
    suite: Suite,
    samples: Path,
    metadata: dict[str, Any],
    execution: ExecuteConfig,
    plugins: Plugins,
    ks: tuple[int, ...],
) -> SuiteResult:
    """Judge the samples of a file."""
    from codedpo_plugin.cli.console import say
    from codedpo_plugin.evaluation.run import evaluate_samples

    result, bad = evaluate_samples(suite, samples, metadata, execution, plugins.sandboxes, ks)
    if bad:
        say(f"{len(bad)} lines of {samples} were left out:\n{bad}")
    return result


def _sample(
    suite: Suite,
    model: Any,
    config: Any,
    execution: ExecuteConfig,
    plugins: Plugins,
    metadata: dict[str, Any],
    seed: int,
) -> SuiteResult:
    """Sample from a model and judge the samples."""
    from codedpo_plugin.evaluation.run import evaluate_model
    from codedpo_plugin.generation.sampling import load_model

    lm = load_model(model)
    return evaluate_model(suite, lm, model, config, execution, plugins.sandboxes, metadata, seed)

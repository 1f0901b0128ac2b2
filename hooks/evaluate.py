"""Evaluates a model on a suite, through the harness."""

from __future__ import annotations

from codedpo_plugin import hookimpl
from codedpo_plugin.config import EvaluateConfig, ExecuteConfig, ModelConfig
from codedpo_plugin.context import Context
from codedpo_plugin.evaluation.results import SuiteResult
from codedpo_plugin.evaluation.run import evaluate_model
from codedpo_plugin.generation.sampling import load_model
from codedpo_plugin.suites import Suite


@hookimpl(trylast=True)
def codedpo_evaluate(
    suite: Suite, model: ModelConfig, config: EvaluateConfig, execute: ExecuteConfig, context: Context
) -> SuiteResult:
    """Load the model, run the suite's task, return the samples with their verdicts."""
    lm = load_model(model)
    sandboxes = context.plugins.sandboxes
    return evaluate_model(suite, lm, model, config, execute, sandboxes, config.metadata, seed=context.seed)

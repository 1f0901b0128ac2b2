"""Generates candidates with a model of lm-eval."""

from __future__ import annotations

from collections.abc import Iterable

from codedpo_plugin import hookimpl
from codedpo_plugin.config import GenerateConfig
from codedpo_plugin.context import Context
from codedpo_plugin.contracts import Nothing
from codedpo_plugin.generation.sampling import generate_candidates
from codedpo_plugin.records import Candidates, Problem


@hookimpl(trylast=True)
def codedpo_generate(
    problems: Iterable[Problem], config: GenerateConfig, context: Context
) -> Iterable[Candidates | Nothing]:
    """Ask the configured model for solutions and tests."""
    return generate_candidates(problems, config, context.counts, context.seed)

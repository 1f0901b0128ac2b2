"""Evaluating on a suite through the harness."""

from __future__ import annotations

import pytest

from codedpo_plugin.config import EvaluateConfig, ExecuteConfig, ModelConfig
from codedpo_plugin.errors import EvaluationError
from codedpo_plugin.evaluation.run import evaluate_model
from codedpo_plugin.harness.replay import ReplayLM
from codedpo_plugin.manager import create_plugins
from codedpo_plugin.suites.micro import MICRO, micro_problems


def test_problems_beyond_the_limit_are_missing_from_the_result():
    entries = micro_problems("heldout")
    lm = ReplayLM({e.id: (e.reference,) for e in entries})
    config = EvaluateConfig(suites=("micro",), limit=2)
    sandboxes = create_plugins(installed=False).sandboxes
    found = evaluate_model(MICRO, lm, ModelConfig(model="replayed"), config, ExecuteConfig(workers=1), sandboxes)
    assert [s.status for s in found.samples] == ["pass"] * 2
    assert found.missing == tuple(e.id for e in entries[2:])


def test_a_model_that_fails_is_told_with_the_length_of_answers_that_was_asked_for():
    class Short(ReplayLM):
        def generate_until(self, requests, disable_tqdm=False):
            raise ValueError("requested max tokens must be less than model's maximum sequence length")

    config = EvaluateConfig(ks=(1,), max_tokens=768, limit=1)
    sandboxes = create_plugins(installed=False).sandboxes
    with pytest.raises(
        EvaluationError, match=r"answers of up to 768 tokens \(--max-tokens\), failed: ValueError: req"
    ):
        evaluate_model(MICRO, Short({}), ModelConfig(model="short"), config, ExecuteConfig(), sandboxes)

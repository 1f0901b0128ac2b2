"""What tests share: one pool of confined workers, and examples that are the same on every run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from codedpo_plugin.execution import Pool
from codedpo_plugin.suites.micro import micro_problems

settings.register_profile(
    "repeatable", derandomize=True, deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("repeatable")


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory) -> Iterator[Path]:
    """Keep what tests compute out of the user's cache, and the user's cache out of the tests."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CODEDPO_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def pool() -> Iterator[Pool]:
    """Return a pool of one confined worker."""
    with Pool(1) as pool:
        yield pool


@pytest.fixture
def chat_server(monkeypatch) -> Callable[[Callable[[Any], str]], tuple[Any, list[Any]]]:
    """Return a function that makes lm-eval's client of a chat server, given how the server answers messages.

    With it comes the list of the messages of all requests.
    """
    from codedpo_plugin.config import ModelConfig
    from codedpo_plugin.generation.sampling import load_model

    def client(answer: Callable[[Any], str]) -> tuple[Any, list[Any]]:
        sent = []

        def post(url, json, **_):
            sent.append(json["messages"])
            content = {"choices": [{"index": 0, "message": {"content": answer(json["messages"])}}]}
            return SimpleNamespace(ok=True, raise_for_status=lambda: None, json=lambda: content)

        monkeypatch.setattr("lm_eval.models.api_models.requests.post", post)
        arguments = {"base_url": "http://localhost/v1", "model": "m"}
        return load_model(ModelConfig(model="local-chat-completions", model_args=arguments)), sent

    return client


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory) -> Path:
    """Return the folder of a real model of a few thousand random weights, made on the spot."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tiny-model")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=["<eos>", "<pad>"], initial_alphabet=alphabet)
    tokenizer.train_from_iterator([e.prompt + e.reference for e in micro_problems()], trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<eos>", pad_token="<pad>")
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(fast),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=1024,
        eos_token_id=fast.eos_token_id,
        pad_token_id=fast.pad_token_id,
        bos_token_id=fast.eos_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder

"""Training the embedded model: what it is shown, and the weights that came of it."""

from __future__ import annotations

import hashlib
import json
import logging
from itertools import islice

import pytest
import torch

from codedpo_plugin.demo import embedded_model
from codedpo_plugin.embedded.corpus import documents
from codedpo_plugin.embedded.train import (
    BATCH_TOKENS,
    VOCABULARY,
    Batch,
    Recipe,
    batches,
    loss_of,
    make_model,
    make_tokenizer,
    packed,
    share_of_rate,
    train,
)

pytestmark = pytest.mark.filterwarnings("default")
DOCUMENTS = list(islice(documents(0), 200))


@pytest.fixture(scope="module")
def tokenizer():
    return make_tokenizer(a + b for d in DOCUMENTS for a, b in (*d.solutions, d.tests))


def test_any_text_survives_the_tokenizer(tokenizer):
    text = "def é(x):\n\treturn '日本' + x  # \x00 <>\n"
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    assert len(tokenizer) <= VOCABULARY


def test_a_document_is_packed_with_its_common_beginning_once(tokenizer):
    document = DOCUMENTS[0]
    row = packed(tokenizer, document)
    for branch, (prompt, answer) in enumerate((*document.solutions, document.tests), 1):
        own = [place for place, other in enumerate(row.branches) if other in (0, branch)]
        assert tokenizer.decode([row.tokens[place] for place in own]) == prompt + answer + "<eos>"
        assert [row.places[place] for place in own] == list(range(len(own)))
        learnt = [row.tokens[place] for place in own if row.learnt[place]]
        assert tokenizer.decode(learnt) == answer + "<eos>"
    assert row.branches.count(0) > 20


def test_packed_texts_do_not_see_each_other(tokenizer):
    """The model's states are those of each text by itself, whatever it is packed and padded with."""
    torch.manual_seed(0)
    model = make_model(tokenizer)
    rows = [packed(tokenizer, document) for document in DOCUMENTS[:3]]
    batch = Batch.of(rows, tokenizer.pad_token_id)
    states = model.model(
        input_ids=batch.tokens, position_ids=batch.places, attention_mask=batch.seen
    ).last_hidden_state
    for number, (row, document) in enumerate(zip(rows, DOCUMENTS, strict=False)):
        for branch, (prompt, answer) in enumerate((*document.solutions, document.tests), 1):
            ids = [*tokenizer(prompt)["input_ids"], *tokenizer(answer)["input_ids"], tokenizer.eos_token_id]
            alone = model.model(input_ids=torch.tensor([ids])).last_hidden_state[0]
            own = [place for place, other in enumerate(row.branches) if other in (0, branch)]
            assert torch.allclose(states[number, own], alone, atol=1e-4)


def test_the_loss_is_that_of_the_answers(tokenizer):
    torch.manual_seed(0)
    model = make_model(tokenizer)
    row = packed(tokenizer, DOCUMENTS[0])
    batch = Batch.of([row], tokenizer.pad_token_id)
    assert loss_of(model, batch).item() == pytest.approx(torch.log(torch.tensor(VOCABULARY)).item(), rel=0.05)
    unlearnt = Batch(batch.tokens.clone(), batch.places, batch.learnt, batch.seen)
    unlearnt.tokens[0, row.branches.count(0) - 1] = 7  # a token of the prompt is a condition, not a target
    assert loss_of(model, unlearnt).item() != loss_of(model, batch).item()
    assert int(batch.learnt.sum()) == sum(row.learnt)


def test_batches_are_the_same_for_a_seed_and_not_too_large(tokenizer):
    first, again = (list(islice(batches(tokenizer, 3), 4)) for _ in range(2))
    assert all(torch.equal(a.tokens, b.tokens) for a, b in zip(first, again, strict=True))
    assert all(batch.tokens.numel() <= BATCH_TOKENS for batch in first)


def test_rates_go_up_stay_and_come_down():
    shares = [share_of_rate(step, 100) for step in range(100)]
    assert shares[0] == pytest.approx(1 / 3)
    assert shares[3:51] == [1.0] * 48
    assert shares[51:] == sorted(shares[51:], reverse=True)
    assert 0 <= shares[-1] < 0.01


def test_training_writes_a_model_that_loads(tmp_path, caplog):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with caplog.at_level(logging.INFO):
        for name, steps in (("one", 1), ("two", 2), ("again", 2)):
            train(tmp_path / name, Recipe(steps, seed=0))
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "two", dtype=torch.float32)
    assert 2_000_000 < model.num_parameters() < 5_000_000
    assert AutoTokenizer.from_pretrained(tmp_path / "two").vocab_size == VOCABULARY
    one, two, again = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("one", "two", "again"))
    assert two == again
    assert one != two
    assert "2115264 weights" in caplog.text


def test_the_weights_that_ship_are_those_of_the_card():
    folder = embedded_model()
    weights = folder / "model.safetensors"
    card = (folder.parent / "CARD.md").read_text("utf-8")
    assert hashlib.sha256(weights.read_bytes()).hexdigest() in card
    assert sum(file.stat().st_size for file in folder.iterdir()) < 12_000_000
    assert json.loads((folder / "config.json").read_text())["model_type"] == "llama"

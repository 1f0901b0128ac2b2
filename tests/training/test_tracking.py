"""Log-probabilities of held-out code: the figures themselves, and when they are taken."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from types import SimpleNamespace

import pytest

from codedpo_plugin.config import TrainConfig
from codedpo_plugin.records import PairKind
from codedpo_plugin.training.encoding import Encoded
from codedpo_plugin.training.models import load_model, load_tokenizer
from codedpo_plugin.training.tracking import (
    Tracked,
    log_probabilities,
    record,
    recorded,
    tracked_answers,
    tracking,
    write_lines,
)

from .support import pair

torch = pytest.importorskip("torch", reason="training needs the extra 'train'")

pytestmark = pytest.mark.filterwarnings("default")  # the libraries below warn of each other

TEXT = Encoded((5, 6, 7, 8), 2)


@pytest.fixture(scope="module")
def model(tiny_model):
    return load_model(str(tiny_model), TrainConfig())


@pytest.fixture(scope="module")
def tokenizer(tiny_model):
    return load_tokenizer(str(tiny_model), TrainConfig())


class Certain(torch.nn.Module):
    """A model that knows the next token is the last one plus one."""

    device = torch.device("cpu")

    def forward(self, input_ids, use_cache):
        logits = torch.full((*input_ids.shape, 16), -1e9)
        logits.scatter_(2, input_ids[..., None] + 1, 0.0)
        return SimpleNamespace(logits=logits)


def test_what_is_certain_has_the_log_probability_0():
    assert log_probabilities(Certain(), [Tracked("correct", TEXT)]) == [0.0]


def test_only_the_tokens_of_the_answer_count():
    prompt_is_a_surprise, answer_is_a_surprise = Encoded((1, 9, 10), 2), Encoded((1, 2, 9), 2)
    found = log_probabilities(Certain(), [Tracked("a", prompt_is_a_surprise), Tracked("b", answer_is_a_surprise)])
    assert found[0] == 0.0
    assert found[1] < -1e8


def test_the_log_probability_is_that_of_the_model(model):
    (found,) = log_probabilities(model, [Tracked("correct", TEXT)])
    with torch.no_grad():
        # The loss of transformers is the mean over the tokens that have a label.
        loss = model(input_ids=torch.tensor([TEXT.ids]), labels=torch.tensor([[-100, -100, 7, 8]])).loss
    assert found == pytest.approx(-2 * float(loss), rel=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_the_model_is_left_as_it_was(model, training):
    model.train(training)
    log_probabilities(model, [Tracked("correct", TEXT)])
    assert model.training is training


def test_nothing_to_track_has_no_figures(model):
    assert log_probabilities(model, []) == []


def test_answers_are_named_by_kind_and_side(tokenizer):
    pairs = [pair(), pair("    fast", "    slow", kind=PairKind.EFFICIENCY)]
    found = tracked_answers(pairs, "base", tokenizer, 1024)
    assert [one.kind for one in found] == ["correct", "wrong", "fast", "slow"]
    assert tokenizer.decode(found[2].text.ids[found[2].text.start :]).strip() == "fast<eos>"


def test_answers_are_cut_as_in_training_and_left_out_without_room(tokenizer):
    whole = tracked_answers([pair()], "base", tokenizer, 1024)[0].text
    cut = tracked_answers([pair()], "base", tokenizer, whole.start + 1)
    assert [len(one.text.ids) for one in cut] == [whole.start + 1] * 2
    assert tracked_answers([pair()], "base", tokenizer, whole.start) == []


def test_the_first_token_of_a_text_is_not_counted(tokenizer):
    chosen, _ = tracked_answers([replace(pair("a b", "c"), prompt="")], "base", tokenizer, 99)
    assert chosen.text.start == 1


def test_a_record_has_the_means_over_answers_by_kind():
    short, long = Tracked("wrong", Encoded((1, 2), 1)), Tracked("wrong", Encoded((1, 2, 3, 4), 1))
    lines = record(7, [short, Tracked("correct", TEXT), long], [-1.0, -4.0, -9.0])
    assert lines == [
        {"step": 7, "kind": "correct", "mean": -2.0, "mean_sequence": -4.0, "count": 1},
        {"step": 7, "kind": "wrong", "mean": -2.0, "mean_sequence": -5.0, "count": 2},
    ]


def steps(log) -> list[int]:
    return [line["step"] for line in recorded(log)]


def state(step: int, log: list) -> SimpleNamespace:
    return SimpleNamespace(global_step=step, log_history=log)


def test_records_are_taken_at_the_start_every_so_many_steps_and_at_the_end():
    log: list = [{"loss": 1.0, "step": 1}]
    made = tracking([Tracked("correct", TEXT)], every=2)
    made.on_train_begin(None, state(0, log), None, model=Certain())
    for step in (1, 2, 3, 4, 5):
        made.on_step_end(None, state(step, log), None, model=Certain())
    made.on_train_end(None, state(5, log), None, model=Certain())
    assert steps(log) == [0, 2, 4, 5]
    assert math.isclose(recorded(log)[0]["mean"], 0.0)


def test_no_record_is_taken_twice_or_where_an_interrupted_training_continues():
    log: list = []
    made = tracking([Tracked("correct", TEXT)], every=2)
    made.on_train_begin(None, state(1, log), None, model=Certain())
    made.on_step_end(None, state(2, log), None, model=Certain())
    made.on_train_end(None, state(2, log), None, model=Certain())
    assert steps(log) == [2]


def test_lines_are_read_back(tmp_path):
    lines = record(0, [Tracked("fast", TEXT)], [-1.5])
    write_lines(tmp_path / "l.jsonl", lines)
    assert [json.loads(line) for line in (tmp_path / "l.jsonl").read_text().splitlines()] == lines

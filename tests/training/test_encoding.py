"""Tokens of prompts and answers: the same as those TRL's trainers make."""

from __future__ import annotations

from collections import Counter

import pytest

from codedpo_plugin.config import TrainConfig
from codedpo_plugin.errors import TrainingError
from codedpo_plugin.training.data import best_rows, labelled_rows, preference_rows
from codedpo_plugin.training.encoding import Encoded, encode, fitting
from codedpo_plugin.training.models import load_tokenizer

from .support import micro_pairs

pytest.importorskip("torch", reason="training needs the extra 'train'")

pytestmark = pytest.mark.filterwarnings("default")  # the libraries below warn of each other


@pytest.fixture(scope="module")
def tokenizer(tiny_model):
    return load_tokenizer(str(tiny_model), TrainConfig(prompt_form="chat", chat_template="instruction"))


@pytest.fixture
def prepared(tiny_model, tokenizer, tmp_path):
    """Return what a trainer of TRL makes of rows."""
    import trl
    from datasets import Dataset

    def of(name, rows):
        arguments = getattr(trl, f"{name}Config")(
            output_dir=str(tmp_path), bf16=False, report_to="none", per_device_train_batch_size=2
        )
        trainer = getattr(trl, f"{name}Trainer")(
            model=str(tiny_model), args=arguments, train_dataset=Dataset.from_list(rows), processing_class=tokenizer
        )
        return list(trainer.train_dataset)

    return of


@pytest.mark.parametrize("form", ["base", "chat"])
def test_preference_pairs_are_encoded_as_by_trl(prepared, tokenizer, form):
    rows = preference_rows(micro_pairs(3), form)
    for row, found in zip(rows, prepared("DPO", rows), strict=True):
        for side in ("chosen", "rejected"):
            encoded = encode(tokenizer, row["prompt"], row[side])
            assert list(encoded.ids) == found["prompt_ids"] + found[f"{side}_ids"]
            assert encoded.start >= len(found["prompt_ids"])


@pytest.mark.parametrize("form", ["base", "chat"])
def test_unpaired_answers_are_encoded_as_by_trl(prepared, tokenizer, form):
    rows = labelled_rows(micro_pairs(3), form, Counter())
    for row, found in zip(rows, prepared("KTO", rows), strict=True):
        expected = Encoded(tuple(found["prompt_ids"] + found["completion_ids"]), len(found["prompt_ids"]))
        assert encode(tokenizer, row["prompt"], row["completion"]) == expected


@pytest.mark.parametrize("form", ["base", "chat"])
def test_of_a_solution_only_the_answer_is_learned(prepared, tokenizer, form):
    rows = best_rows(micro_pairs(3), form)
    for row, found in zip(rows, prepared("SFT", rows), strict=True):
        encoded = encode(tokenizer, row["prompt"], row["completion"])
        assert list(encoded.ids) == found["input_ids"]
        assert found["labels"] == [-100] * encoded.start + list(encoded.ids[encoded.start :])


def test_a_text_ends_once(tokenizer):
    once = encode(tokenizer, "a", "b")
    assert once.ids[-1] == tokenizer.eos_token_id
    assert encode(tokenizer, "a", "b" + tokenizer.eos_token) == once


def length(tokenizer, row) -> int:
    return len(encode(tokenizer, row["prompt"], row["completion"]).ids)


def test_rows_that_are_cut_are_counted_and_those_without_room_left_out(tokenizer):
    fits, cut, lost = (
        {"prompt": "a", "completion": "b"},
        {"prompt": "a", "completion": "b c d e f g h"},
        {"prompt": "a b c d e f g h", "completion": "b"},
    )
    counts: Counter[str] = Counter()
    limit = length(tokenizer, fits)
    assert fitting([fits, cut, lost], tokenizer, limit, counts) == [fits, cut]
    assert (counts["truncated"], counts["prompt_too_long"]) == (1, 1)
    assert limit < length(tokenizer, cut)


def test_a_pair_is_cut_if_either_answer_is(tokenizer):
    counts: Counter[str] = Counter()
    row = {"prompt": "a", "chosen": "b", "rejected": "b c d e f g h"}
    assert fitting([row], tokenizer, 4, counts) == [row]
    assert counts["truncated"] == 1


def test_without_any_room_training_is_refused(tokenizer):
    with pytest.raises(TrainingError, match="all have max_length 2 tokens or more"):
        fitting([{"prompt": "a b c d e", "completion": "b"}], tokenizer, 2, Counter())


def test_a_token_over_the_end_of_the_prompt_is_told_and_counted(tokenizer):
    text = "    return"
    joint = tokenizer(text)["input_ids"]
    split = next(i for i in range(1, len(text)) if len(tokenizer(text[:i])["input_ids"]) + 1 > len(joint))
    rows = [{"prompt": text[:split], "completion": text[split:]}, {"prompt": "a", "completion": " b"}]
    assert [encode(tokenizer, row["prompt"], row["completion"]).merged for row in rows] == [True, False]
    counts = Counter()
    fitting(rows, tokenizer, 64, counts)
    assert counts["merged"] == 1

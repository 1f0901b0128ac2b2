"""Prompts and answers as tokens, exactly as TRL's trainers see them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from codedpo_plugin.errors import TrainingError
from codedpo_plugin.training.data import Row

ANSWERS: Final = ("chosen", "rejected", "completion")
"""The fields of a row that hold an answer."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A prompt with an answer, in tokens."""

    ids: tuple[int, ...]
    start: int
    """Where the answer begins: the tokens before it are the prompt's."""
    merged: bool = field(default=False, compare=False)
    """Whether a token spans the end of the prompt: the model is trained on other tokens than it is asked with."""


def encode(tokenizer: Any, prompt: Any, answer: Any) -> Encoded:
    """Return a prompt and an answer, both texts or both lists of messages, as a trainer sees them.

    A text ends with the end-of-sequence token; messages go through the tokenizer's chat template. The answer begins
    where the tokens of the prompt and of both together part.
    """
    if isinstance(prompt, str):
        end = "" if answer.endswith(tokenizer.eos_token) else tokenizer.eos_token
        asked = tokenizer(prompt)["input_ids"]
        whole = tokenizer(prompt + answer + end)["input_ids"]
    else:
        asked = _templated(tokenizer, prompt, add_generation_prompt=True)
        whole = _templated(tokenizer, [*prompt, *answer])
    parted = (index for index, (one, other) in enumerate(zip(asked, whole, strict=False)) if one != other)
    start = next(parted, min(len(asked), len(whole)))
    return Encoded(tuple(whole), start, merged=isinstance(prompt, str) and start < len(asked))


def _templated(tokenizer: Any, messages: Sequence[Any], *, add_generation_prompt: bool = False) -> list[int]:
    encoded = tokenizer.apply_chat_template(
        messages, add_generation_prompt=add_generation_prompt, tokenize=True, return_dict=True
    )
    ids: list[int] = encoded["input_ids"]
    return ids


def fitting(rows: Sequence[Row], tokenizer: Any, max_length: int, counts: Counter[str]) -> list[Row]:
    """Return the rows that have something to learn within ``max_length`` tokens; count what is cut or left out.

    Raises TrainingError if no row has.
    """
    kept = []
    for row in rows:
        sequences = [encode(tokenizer, row["prompt"], row[name]) for name in ANSWERS if name in row]
        if min(sequence.start for sequence in sequences) >= max_length:
            counts["prompt_too_long"] += 1
            continue
        if any(sequence.merged for sequence in sequences):
            counts["merged"] += 1
        counts["truncated"] += any(len(sequence.ids) > max_length for sequence in sequences)
        kept.append(row)
    if not kept:
        raise TrainingError(f"no prompt leaves room for an answer: all have max_length {max_length} tokens or more")
    return kept

"""From ``pairs.jsonl`` to what a TRL trainer takes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from codedpo_plugin.config import PromptForm
from codedpo_plugin.errors import TrainingError
from codedpo_plugin.formats import jsonl
from codedpo_plugin.generation.prompts import chat_answer, solution_prompt
from codedpo_plugin.records import PreferencePair, Problem

Row = dict[str, Any]


def read_pairs(path: Path) -> tuple[list[PreferencePair], jsonl.BadLines]:
    """Return the pairs of a file and the lines that could not be used. Raises TrainingError if there are none."""
    bad = jsonl.BadLines()
    pairs = list(jsonl.read(path, jsonl.pair_from, bad, unique=False))
    if not pairs:
        raise TrainingError(f"{path}: no pair to train on" + (f"\n{bad}" if bad else ": the file is empty"))
    return pairs, bad


def preference_rows(pairs: Sequence[PreferencePair], form: PromptForm) -> list[Row]:
    """Return rows of ``prompt``, ``chosen``, ``rejected``: texts for a base model, messages for a chat model."""
    return [_row(pair, form) for pair in pairs]


def _row(pair: PreferencePair, form: PromptForm) -> Row:
    if form == "base":
        return {"prompt": pair.prompt, "chosen": pair.chosen, "rejected": pair.rejected}
    question = solution_prompt(Problem(pair.problem_id, pair.prompt), "chat")
    return {
        "prompt": [{"role": "user", "content": question}],
        "chosen": _answer(pair.prompt, pair.chosen),
        "rejected": _answer(pair.prompt, pair.rejected),
    }


def _answer(prompt: str, answer: str) -> list[dict[str, str]]:
    """Return an answer as a message: a whole program, whether the pair holds one or the rest of the prompt."""
    program = prompt + answer if answer[:1].isspace() else answer
    return [{"role": "assistant", "content": chat_answer(program)}]

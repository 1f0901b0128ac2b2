"""From ``pairs.jsonl`` to the rows that a TRL trainer takes, and the problems held out of them."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codedpo_plugin.config import PromptForm
from codedpo_plugin.errors import TrainingError
from codedpo_plugin.formats import jsonl
from codedpo_plugin.generation.prompts import chat_answer, solution_prompt
from codedpo_plugin.programs import programs_of
from codedpo_plugin.records import PairKind, PreferencePair, Problem

Text = str | list[dict[str, str]]
"""What a model reads or writes: a text, or messages."""

Row = dict[str, Any]
"""A training example: ``prompt`` and ``chosen`` with ``rejected``, or ``completion``; all texts or all messages."""


@dataclass(frozen=True, slots=True)
class Split:
    """The pairs of a file: those to train on, and those of the problems held out to track."""

    training: tuple[PreferencePair, ...]
    held_out: tuple[PreferencePair, ...]


def read_pairs(path: Path) -> tuple[list[PreferencePair], jsonl.BadLines]:
    """Return the pairs of a file and the lines that could not be used. Raises TrainingError if there are none."""
    bad = jsonl.BadLines()
    pairs = list(jsonl.read(path, jsonl.pair_from, bad, unique=False))
    if not pairs:
        raise TrainingError(f"{path}: no pair to train on" + (f"\n{bad}" if bad else ": the file is empty"))
    return pairs, bad


def hold_out(pairs: Sequence[PreferencePair], share: float, most: int, seed: int) -> Split:
    """Hold out a share of the problems, at most ``most`` of them, with all their pairs.

    The share is taken, and rounded down, of the problems with each combination of kinds of pairs by themselves,
    so that neither side runs short of one. Which problems depends on their ids and the seed alone.
    """
    kinds: dict[str, set[PairKind]] = defaultdict(set)
    for pair in pairs:
        kinds[pair.problem_id].add(pair.kind)
    groups: dict[frozenset[PairKind], list[str]] = defaultdict(list)
    for problem_id in sorted(kinds, key=lambda name: hashlib.sha256(f"{seed} {name}".encode()).digest()):
        groups[frozenset(kinds[problem_id])].append(problem_id)
    share = min(share, most / len(kinds)) if kinds else 0.0
    held = {problem_id for group in groups.values() for problem_id in group[: int(share * len(group))]}
    return Split(
        tuple(pair for pair in pairs if pair.problem_id not in held),
        tuple(pair for pair in pairs if pair.problem_id in held),
    )


# --------------------------------------------------------------------------- rows, by method


def preference_rows(pairs: Iterable[PreferencePair], form: PromptForm) -> list[Row]:
    """Return rows of ``prompt``, ``chosen``, ``rejected``: texts for a base model, messages for a chat model."""
    rows = []
    for pair in pairs:
        chosen, rejected = answers(pair, form)
        rows.append({"prompt": question(pair, form), "chosen": chosen, "rejected": rejected})
    return rows


def labelled_rows(pairs: Iterable[PreferencePair], form: PromptForm, counts: Counter[str]) -> list[Row]:
    """Return unpaired rows of ``prompt``, ``completion``, ``label`` (true: desirable), without repetitions.

    An answer that one pair of a problem chooses and another rejects (right, but slow) says nothing unpaired: it
    is left out and counted.
    """
    labels: dict[tuple[str, str], set[bool]] = defaultdict(set)
    rows: dict[tuple[str, str], Row] = {}
    for pair in pairs:
        sides = ((pair.chosen, True), (pair.rejected, False))
        for (text, label), answer in zip(sides, answers(pair, form), strict=True):
            key = (pair.prompt, text)
            labels[key].add(label)
            rows[key] = {"prompt": question(pair, form), "completion": answer, "label": label}
    counts["answers_both_chosen_and_rejected"] += sum(len(found) > 1 for found in labels.values())
    return [row for key, row in rows.items() if len(labels[key]) == 1]


def best_rows(pairs: Iterable[PreferencePair], form: PromptForm) -> list[Row]:
    """Return rows of ``prompt``, ``completion``: the best solution of each problem.

    That is the chosen answer of the problem's efficiency pair (right, and fastest) where there is one, and
    otherwise the chosen answer with the highest score; of equal ones the first.
    """
    best: dict[str, PreferencePair] = {}
    for pair in pairs:
        if pair.problem_id not in best or _rank(pair) > _rank(best[pair.problem_id]):
            best[pair.problem_id] = pair
    return [{"prompt": question(pair, form), "completion": answers(pair, form)[0]} for pair in best.values()]


def _rank(pair: PreferencePair) -> tuple[bool, float]:
    return pair.kind is PairKind.EFFICIENCY, pair.chosen_score


def question(pair: PreferencePair, form: PromptForm) -> Text:
    """Return what a model is asked."""
    if form == "base":
        return pair.prompt
    return [{"role": "user", "content": solution_prompt(Problem(pair.problem_id, pair.prompt), "chat")}]


def answers(pair: PreferencePair, form: PromptForm) -> tuple[Text, Text]:
    """Return the chosen and the rejected answer of a pair; messages hold whole programs."""
    if form == "base":
        return pair.chosen, pair.rejected
    chosen, rejected = (chat_answer(program) for program in programs_of(pair))
    return [{"role": "assistant", "content": chosen}], [{"role": "assistant", "content": rejected}]


def undeclared(pairs: Iterable[PreferencePair]) -> int:
    """Return how many answers do not say whether they are whole programs."""
    return sum(form is None for pair in pairs for form in (pair.chosen_form, pair.rejected_form))

"""The log-probability of held-out code through training: correct, wrong, fast and slow (CodeDPO, figure 1).

Under supervised fine-tuning all four rise together; preference training is meant to part them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Final

from codedpo_plugin.config import PromptForm
from codedpo_plugin.records import PairKind, PreferencePair
from codedpo_plugin.training.callbacks import callback
from codedpo_plugin.training.data import answers, question
from codedpo_plugin.training.encoding import Encoded, encode

NAMES: Final[Mapping[PairKind, tuple[str, str]]] = {
    PairKind.CORRECTNESS: ("correct", "wrong"),
    PairKind.EFFICIENCY: ("fast", "slow"),
}
"""What the chosen and the rejected answer of a pair are called."""

FIELDS: Final = ("step", "kind", "mean", "mean_sequence", "count")
"""The fields of a line of ``logprobs.jsonl``."""

RECORD: Final = "logprobs"
"""The key of the records in the trainer's log, which goes into checkpoints and so survives interruptions."""


@dataclass(frozen=True, slots=True)
class Tracked:
    """One held-out answer."""

    kind: str
    text: Encoded


def tracked_answers(
    pairs: Iterable[PreferencePair], form: PromptForm, tokenizer: Any, max_length: int
) -> list[Tracked]:
    """Return the answers of held-out pairs, cut to ``max_length`` tokens as in training."""
    found = []
    for pair in pairs:
        for kind, answer in zip(NAMES[pair.kind], answers(pair, form), strict=True):
            encoded = encode(tokenizer, question(pair, form), answer)
            ids = encoded.ids[:max_length]
            start = max(encoded.start, 1)  # the first token of a text has no probability: nothing comes before it
            if start < len(ids):
                found.append(Tracked(kind, Encoded(ids, start)))
    return found


def log_probabilities(model: Any, answers: Sequence[Tracked]) -> list[float]:
    """Return the log-probability, in nats, that a model gives each answer after its prompt: a sum over its tokens.

    The answers are shared out among the processes of the training; each of them returns all figures.
    """
    import torch
    from accelerate import PartialState
    from accelerate.utils import gather_object

    state = PartialState()
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            own = [
                (index, _log_probability(model, answers[index].text))
                for index in range(state.process_index, len(answers), state.num_processes)
            ]
    finally:
        model.train(training)
    return [value for _, value in sorted(gather_object(own))]


def _log_probability(model: Any, text: Encoded) -> float:
    """Return the log-probability of one answer."""
    import torch

    ids = torch.tensor([text.ids], device=model.device)
    logits = model(input_ids=ids, use_cache=False).logits[0, text.start - 1 : -1].float()
    chances = torch.log_softmax(logits, dim=-1)
    return float(chances.gather(1, ids[0, text.start :, None]).sum())


def record(step: int, answers: Sequence[Tracked], log_probs: Sequence[float]) -> list[dict[str, Any]]:
    """Return a line for each kind of answer: the means over its answers at one step.

    ``mean`` is of the log-probability per token (each answer's own mean first, so that every answer counts
    alike), ``mean_sequence`` of that of whole answers.
    """
    lines = []
    for kind in dict.fromkeys(name for names in NAMES.values() for name in names):
        own = [
            (p, len(a.text.ids) - a.text.start) for a, p in zip(answers, log_probs, strict=True) if a.kind == kind
        ]
        if own:
            mean, whole = fmean(p / tokens for p, tokens in own), fmean(p for p, _ in own)
            lines.append(dict(zip(FIELDS, (step, kind, mean, whole, len(own)), strict=True)))
    return lines


def tracking(answers: Sequence[Tracked], every: int) -> Any:
    """Return the callback that records the answers before the first step, every so many steps, and at the end."""

    def take(state: Any, model: Any) -> None:
        if not any(entry["step"] == state.global_step for entry in _entries(state.log_history)):
            lines = record(state.global_step, answers, log_probabilities(model, answers))
            state.log_history.append({"step": state.global_step, RECORD: lines})

    def begin(args: Any, state: Any, model: Any, **_: Any) -> None:  # noqa: ARG001 - the protocol of callbacks
        if state.global_step == 0:  # and not where an interrupted training continues
            take(state, model)

    def step(args: Any, state: Any, model: Any, **_: Any) -> None:  # noqa: ARG001 - idem
        if state.global_step % every == 0:
            take(state, model)

    def end(args: Any, state: Any, model: Any, **_: Any) -> None:  # noqa: ARG001 - idem
        take(state, model)

    return callback(on_train_begin=begin, on_step_end=step, on_train_end=end)


def _entries(log: Iterable[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    return (entry for entry in log if RECORD in entry)


def recorded(log: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the lines that were recorded in a trainer's log, their fields in the order of the format."""
    return [{name: line[name] for name in FIELDS} for entry in _entries(log) for line in entry[RECORD]]

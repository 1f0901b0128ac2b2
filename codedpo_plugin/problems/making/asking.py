"""Asking a model many questions: in calls of many requests, patiently, and so that an interrupted run continues.

Any model of lm-eval will do; how many requests it works on at a time is its own affair (``batch_size``,
``num_concurrent``). Every answer is written to a journal before the next call, keyed by all that it depends on.
"""

from __future__ import annotations

import json
import logging
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final

from codedpo_plugin.config import FactoryConfig
from codedpo_plugin.errors import GenerationError, InputError
from codedpo_plugin.generation.sampling import render, seed_model
from codedpo_plugin.problems.making.methods import STOPS, Question
from codedpo_plugin.records import content_id

log = logging.getLogger(__name__)

FAILURES_IN_A_ROW: Final = 3
"""Requests that fail one after the other, each alone and after all retries, before the model counts as gone."""
CHARACTERS_A_TOKEN: Final = 4
"""Estimate for models that do not show their tokenizer."""


class Journal:
    """The answers of a run so far, in a file of JSON lines; without a path it remembers nothing."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._answers: dict[str, Any] = {}
        if path is not None and path.exists():
            self._answers = dict(_entries(path))

    def get(self, key: str) -> Any:
        """Return the answer under a key. Raises KeyError."""
        return self._answers[key]

    def __contains__(self, key: str) -> bool:
        return key in self._answers

    def add(self, answers: Mapping[str, Any]) -> None:
        """Note answers, on disk before anything else happens."""
        self._answers.update(answers)
        if self.path is None:
            return
        lines = "".join(json.dumps({"key": key, "answer": answer}) + "\n" for key, answer in answers.items())
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as handle:
                if handle.tell() and not _ends_a_line(self.path):
                    handle.write(b"\n")  # the run before was stopped in the middle of a line
                handle.write(lines.encode())
        except OSError as error:
            raise InputError(f"{self.path}: cannot be written: {error.strerror or error}") from error


def _entries(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield the answers in a journal; a line that was torn is asked for again."""
    for line in path.read_bytes().split(b"\n"):
        try:
            entry = json.loads(line)
            yield str(entry["key"]), entry["answer"]
        except (ValueError, TypeError, KeyError):
            continue


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as handle:
        handle.seek(-1, 2)
        return handle.read(1) == b"\n"


@dataclass(frozen=True)
class Asker:
    """A model and how it is asked."""

    lm: Any
    """A model of lm-eval."""
    config: FactoryConfig
    journal: Journal = field(default_factory=lambda: Journal(None))
    counts: Counter[str] = field(default_factory=Counter)
    """Questions, failures and tokens; what came of the answers is counted elsewhere."""
    seed: int = 0
    failures: list[str] = field(default_factory=list)
    """Why the last requests failed, one after the other."""

    def answers(self, questions: Iterable[Question]) -> Iterator[tuple[Question, object]]:
        """Yield every question with its answer, in order; those that failed for good are counted and left out.

        Raises GenerationError when several requests in a row fail, or all do; what was answered before is kept.
        """
        stream = iter(questions)
        while batch := list(islice(stream, self.config.requests_a_call)):
            prompts = {q.key: render(self.lm, q.prompt, self.config.prompt_form) for q in batch}
            keys = {q.key: self._journal_key(prompts[q.key]) for q in batch}
            asked = list(dict.fromkeys(keys[q.key] for q in batch if keys[q.key] not in self.journal))
            texts = {keys[key]: prompt for key, prompt in prompts.items()}
            if asked:
                self.journal.add(self._ask([texts[key] for key in asked], asked))
            for question in batch:
                if keys[question.key] in self.journal:
                    answer = self.journal.get(keys[question.key])
                    self._count(prompts[question.key], answer)
                    yield question, answer
        if self.failures and not self.counts["questions"]:
            raise GenerationError(self.failures[-1])

    def _ask(self, prompts: Sequence[str], keys: Sequence[str]) -> dict[str, Any]:
        """Return answers by key: of one call or, where calls keep failing, of one request at a time."""
        if len(prompts) > 1:
            try:
                return dict(zip(keys, self._call(prompts), strict=True))
            except GenerationError as error:
                log.warning("%s; they are made one by one", error)
        found: dict[str, Any] = {}
        for key, prompt in zip(keys, prompts, strict=True):
            try:
                found[key] = self._call([prompt])[0]
                self.failures.clear()
            except GenerationError as error:
                self.failures.append(str(error))
                self.counts["requests_failed"] += 1
            if len(self.failures) == FAILURES_IN_A_ROW:
                self.journal.add(found)
                raise GenerationError(f"{self.failures[-1]}; what was answered is kept, run it again to go on")
        return found

    def _call(self, prompts: Sequence[str]) -> list[Any]:
        """Return the answers of one call, repeated if it fails. Raises GenerationError after the last time."""
        wait = self.config.retry_wait_s
        for attempt in range(self.config.retries + 1):
            if attempt:
                self.counts["calls_repeated"] += 1
                time.sleep(wait)
                wait *= 2
            try:
                return self._call_once(prompts)
            except Exception as error:  # noqa: BLE001 - whatever a backend raises, and some raise anything
                failure = error
        raise GenerationError(
            f"the model failed {self.config.retries + 1} times on {len(prompts)} requests: "
            f"{type(failure).__name__}: {failure}"
        ) from failure

    def _call_once(self, prompts: Sequence[str]) -> list[Any]:
        from lm_eval.api.instance import Instance

        seed_model(f"{self.seed}:{content_id(prompts[0])}")
        options = sampling(self.config)
        answers = list(
            self.lm.generate_until(
                [Instance("generate_until", {}, (prompt, dict(options)), i) for i, prompt in enumerate(prompts)]
            )
        )
        if len(answers) != len(prompts):
            raise GenerationError(f"the model gave {len(answers)} answers to {len(prompts)} requests")
        return [answer if isinstance(answer, str) else None for answer in answers]

    def _journal_key(self, prompt: str) -> str:
        """Return the key of an answer: a digest of everything it depends on."""
        config = self.config
        arguments = {k: str(v) for k, v in sorted(config.model_args.items()) if k not in UNIMPORTANT}
        return content_id(json.dumps([prompt, config.model, arguments, sampling(config), self.seed]))

    def _count(self, prompt: str, answer: object) -> None:
        """Count a question, and the tokens that went in and out."""
        self.counts["questions"] += 1
        for name, text in (("tokens_in", prompt), ("tokens_out", answer if isinstance(answer, str) else "")):
            self.counts[name] += tokens(self.lm, text)
        if not _counts_tokens(self.lm):
            self.counts["tokens_are_estimated"] = 1


UNIMPORTANT: Final = frozenset({"num_concurrent", "max_retries", "timeout", "batch_size", "device", "base_url"})
"""Arguments of a model that say how it is reached, not what it answers."""


def sampling(config: FactoryConfig) -> dict[str, Any]:
    """Return the keyword arguments of lm-eval's ``generate_until``."""
    stops = list(STOPS[config.method]) if config.prompt_form == "base" else []
    how: dict[str, Any] = {"do_sample": False}
    if config.temperature > 0:
        how = {"do_sample": True, "temperature": config.temperature, "top_p": config.top_p}
    return {"until": stops, "max_gen_toks": config.max_tokens, **how}


def tokens(lm: Any, text: str) -> int:
    """Return the number of tokens of a text: by the model's tokenizer, or estimated where it shows none."""
    if not text:
        return 0
    return len(lm.tok_encode(text)) if _counts_tokens(lm) else -(-len(text) // CHARACTERS_A_TOKEN)


def _counts_tokens(lm: Any) -> bool:
    """Return whether a model has a tokenizer; lm-eval's models behind a server may have none."""
    return hasattr(lm, "tok_encode") and getattr(lm, "tokenizer_backend", "") is not None

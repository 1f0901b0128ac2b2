"""Asking a model many questions: in calls of many requests, patiently, and so that an interrupted run continues.

Any model of lm-eval will do; how many requests it works on at a time is its own affair (``batch_size``,
``num_concurrent``). Every answer is written to a journal before the next call, keyed by all that it depends on.
"""

from __future__ import annotations

import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from codedpo_plugin.config import FactoryConfig
from codedpo_plugin.errors import GenerationError
from codedpo_plugin.generation.sampling import prompt_text, render, seed_model
from codedpo_plugin.problems.making.journal import Journal
from codedpo_plugin.problems.making.methods import STOPS, Question
from codedpo_plugin.records import content_id

log = logging.getLogger(__name__)

FAILURES_IN_A_ROW: Final = 3
"""Requests that fail one after the other, each alone and after all retries, before the model counts as gone."""
CHARACTERS_A_TOKEN: Final = 4
"""Estimate for models that do not show their tokenizer."""
NO_ANSWER: Final = "no text came back (a server's error, or max_tokens spent before the answer began?)"


def _silent(questions: int) -> None:
    """Report progress to nobody."""


@dataclass(frozen=True)
class Asker:
    """A model and how it is asked."""

    lm: Any
    """A model of lm-eval."""
    config: FactoryConfig
    journal: Journal = field(default_factory=Journal)
    counts: Counter[str] = field(default_factory=Counter)
    """Questions, failures and tokens; what came of the answers is counted elsewhere."""
    seed: int = 0
    progress: Callable[[int], None] = _silent
    """Called after each call with the number of questions that were done with, whatever became of them."""
    failures: list[str] = field(default_factory=list)
    """Why the last requests failed, one after the other."""

    def answers(self, questions: Iterable[Question]) -> Iterator[tuple[Question, str]]:
        """Yield every question with its answer, in order; those that failed for good are counted and left out.

        Raises GenerationError when several requests in a row fail, or all do; what was answered before is kept.
        """
        stream = iter(questions)
        while batch := list(islice(stream, self.config.requests_a_call)):
            prompts = [render(self.lm, question.prompt, self.config.prompt_form) for question in batch]
            keys = [self._journal_key(prompt_text(prompt)) for prompt in prompts]
            asked = {key: prompt for key, prompt in zip(keys, prompts, strict=True) if key not in self.journal}
            found = self._ask(asked) if asked else {}
            for question, key, prompt in zip(batch, keys, prompts, strict=True):
                answer = found[key] if key in found else self._replayed(key, prompt)
                if answer is not None:
                    self.counts["questions"] += 1
                    yield question, answer
            self.progress(len(batch))
        if self.failures and not self.counts["questions"]:
            raise GenerationError(self.failures[-1])

    def _ask(self, prompts: Mapping[str, Any]) -> dict[str, str]:
        """Return answers by key: of one call or, where a call brings none at all, of one request at a time."""
        found, reason = self._call(prompts)
        if found or len(prompts) == 1:
            self._take_note(len(prompts) - len(found), reason, alive=bool(found))
            return found
        log.warning("%s; they are made one by one", reason)
        for key, prompt in prompts.items():
            found |= self._ask({key: prompt})
        return found

    def _take_note(self, failed: int, reason: str, *, alive: bool) -> None:
        """Count the requests of a call that failed for good. Raises GenerationError after several such calls."""
        if failed:
            self.counts["requests_failed"] += failed
            log.warning("%s; they are left out", reason)
        if alive:
            self.failures.clear()
        else:
            self.failures.append(reason)
        if len(self.failures) == FAILURES_IN_A_ROW:
            raise GenerationError(f"{reason}; what was answered is kept, run it again to go on")

    def _call(self, prompts: Mapping[str, Any]) -> tuple[dict[str, str], str]:
        """Return the answers of one call by key, and why some are missing.

        The call is repeated, with growing pauses, for what is missing.
        """
        found: dict[str, str] = {}
        left, reason, wait = dict(prompts), "", self.config.retry_wait_s
        for attempt in range(self.config.retries + 1):
            if attempt:
                self.counts["calls_repeated"] += 1
                time.sleep(wait)
                wait *= 2
            try:
                answered = self._call_once(left)
            except Exception as error:  # noqa: BLE001 - whatever a backend raises, and some raise anything
                answered, reason = {}, f"{type(error).__name__}: {error}"
            else:
                reason = NO_ANSWER
                self.journal.add(answered)
            found |= answered
            left = {key: prompt for key, prompt in left.items() if key not in found}
            if not left:
                break
        return found, f"the model failed {self.config.retries + 1} times on {len(left)} requests: {reason}"

    def _call_once(self, prompts: Mapping[str, Any]) -> dict[str, str]:
        """Return the answers that one call brings, by key, and count what goes in and out."""
        from lm_eval.api.instance import Instance

        texts = [prompt_text(prompt) for prompt in prompts.values()]
        seed_model(f"{self.seed}:{content_id(texts[0])}")
        self._count_tokens("tokens_in", texts)
        options = sampling(self.config)
        requests = [
            Instance("generate_until", {}, (prompt, dict(options)), i) for i, prompt in enumerate(prompts.values())
        ]
        answers = list(self.lm.generate_until(requests))
        if len(answers) != len(prompts):
            raise GenerationError(f"the model gave {len(answers)} answers to {len(prompts)} requests")
        found = {key: answer for key, answer in zip(prompts, answers, strict=True) if is_answer(self.lm, answer)}
        self._count_tokens("tokens_out", found.values())
        return found

    def _replayed(self, key: str, prompt: Any) -> str | None:
        """Return an answer that was there before, counted by itself, or None if there is none."""
        if key not in self.journal:
            return None
        answer = self.journal.get(key)
        self.counts["answers_replayed"] += 1
        self._count_tokens("tokens_in_replayed", [prompt_text(prompt)])
        self._count_tokens("tokens_out_replayed", [answer])
        return answer

    def _journal_key(self, prompt: str) -> str:
        """Return the key of an answer: a digest of everything it depends on."""
        config = self.config
        arguments = {k: str(v) for k, v in sorted(config.model_args.items()) if k not in UNIMPORTANT}
        return content_id(json.dumps([prompt, config.model, arguments, sampling(config), self.seed]))

    def _count_tokens(self, name: str, texts: Iterable[str]) -> None:
        """Count the tokens of texts, and say so where they are estimated."""
        for number, estimated in (tokens(self.lm, text) for text in texts):
            self.counts[name] += number
            if estimated:
                self.counts["tokens_are_estimated"] = 1


UNIMPORTANT: Final = frozenset({"num_concurrent", "max_retries", "timeout", "batch_size", "device", "base_url"})
"""Arguments of a model that say how it is reached, not what it answers. The journal notes the address beside."""


def sampling(config: FactoryConfig) -> dict[str, Any]:
    """Return the keyword arguments of lm-eval's ``generate_until``."""
    stops = list(STOPS[config.method]) if config.prompt_form == "base" else []
    how: dict[str, Any] = {"do_sample": False}
    if config.temperature > 0:
        how = {"do_sample": True, "temperature": config.temperature, "top_p": config.top_p}
    return {"until": stops, "max_gen_toks": config.max_tokens, **how}


def is_answer(lm: Any, answer: object) -> bool:
    """Return whether what a model gave for an answer is one.

    lm-eval's clients of servers put an empty text, or their placeholder, for an error and for no content; they have
    a ``base_url``. A model in this process would have raised an error: if its text is empty, it has nothing to say.
    """
    if not isinstance(answer, str) or not hasattr(lm, "base_url"):
        return isinstance(answer, str)
    from lm_eval.models.api_models import LMEVAL_MODEL_NONE_ANSWER_PLACEHOLDER

    return answer not in ("", LMEVAL_MODEL_NONE_ANSWER_PLACEHOLDER)


def tokens(lm: Any, text: str) -> tuple[int, bool]:
    """Return the number of tokens of a text, and whether that is an estimate, as the model shows no tokenizer.

    Of lm-eval's clients of servers some have no tokenizer, and those of chat servers hand the text back.
    """
    if not text:
        return 0, False
    if hasattr(lm, "tok_encode") and getattr(lm, "tokenizer_backend", "") is not None:
        encoded = lm.tok_encode(text)
        if not isinstance(encoded, str):
            return len(encoded), False
    return -(-len(text) // CHARACTERS_A_TOKEN), True

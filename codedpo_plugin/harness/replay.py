"""A model that gives recorded answers: scores with and without a model come from one path."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from typing import Any

from lm_eval.api.model import LM


class ReplayLM(LM):  # type: ignore[misc]  # lm-eval has no type information
    """Answers each request with the next recorded text for the request's document."""

    def __init__(self, answers: Mapping[str, Sequence[str]]) -> None:
        """``answers``: texts by problem id."""
        super().__init__()
        self._answers = answers

    def generate_until(self, requests: list[Any], disable_tqdm: bool = False) -> list[str]:  # noqa: ARG002 - lm-eval's signature
        """Return the recorded texts in their order."""
        left = defaultdict(deque, {problem: deque(texts) for problem, texts in self._answers.items()})
        return [left[request.doc["problem_id"]].popleft() for request in requests]

    def loglikelihood(self, requests: list[Any]) -> list[tuple[float, bool]]:  # noqa: ARG002 - lm-eval's signature
        """Raise: recorded answers have no likelihood."""
        raise TypeError("recorded answers have no likelihood")

    def loglikelihood_rolling(self, requests: list[Any]) -> list[float]:  # noqa: ARG002 - idem
        """Raise: recorded answers have no likelihood."""
        raise TypeError("recorded answers have no likelihood")

"""What a model answered to a request of lm-eval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def answers_to(instance: Any) -> Sequence[str]:
    """Return as many answers as the request has repeats.

    Launched as several processes, lm-eval asks the last request of a process once more where another process has
    more of them, and leaves the surplus answers with it: they would count as samples.
    """
    answers: Sequence[str] = instance.resps[: instance.repeats]
    return answers

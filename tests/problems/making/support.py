"""A model of lm-eval that answers from a function, and answers as models give them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

DESCRIPTION = "Write a function `{name}(values)` that returns how many of the values are larger than {number}."
GOOD = (
    "[Problem Description]\n" + DESCRIPTION + "\n[Solution]\n```python\ndef {name}(values):\n"
    "    return sum(value > {number} for value in values)\n```\n"
)


def good(number: int = 0) -> str:
    """Return an answer of the agreed form."""
    return GOOD.format(name=f"count_above_{number}", number=number)


class FakeModel:
    """Stands for a model of lm-eval: answers from a function of the prompt and keeps what it was asked."""

    def __init__(self, answer: Callable[[str], Any]) -> None:
        self.answer = answer
        self.calls: list[list[str]] = []
        self.options: list[dict[str, Any]] = []

    def generate_until(self, instances):
        prompts = [instance.args[0] for instance in instances]
        self.calls.append(prompts)
        self.options += [instance.args[1] for instance in instances]
        return [self.answer(prompt) for prompt in prompts]

    def apply_chat_template(self, messages):
        return "".join(f"<{m['role']}>{m['content']}" for m in messages) + "<assistant>"

"""Problems with solutions from elsewhere (Magicoder's data, say), as the rows of supervised fine-tuning.

A line of the file is a JSON object of one of two forms; other fields are not read:

* ``{"prompt": …, "solution": …}``: two texts. For a base model the solution continues the prompt; for a chat model
  the prompt is the user's message and the solution the assistant's, both word for word.
* ``{"messages": [{"role": …, "content": …}, …]}``: a conversation that ends with the assistant's message, which is
  the one that is learned. For chat models only.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from codedpo_plugin.config import PromptForm
from codedpo_plugin.errors import TrainingError
from codedpo_plugin.formats import jsonl
from codedpo_plugin.training.data import Row

ROLES: Final = ("system", "user", "assistant")


def read_solutions(path: Path, form: PromptForm) -> tuple[list[Row], jsonl.BadLines]:
    """Return rows of ``prompt``, ``completion`` and the lines that could not be used.

    Raises TrainingError if no line can be used.
    """
    bad = jsonl.BadLines()
    rows = list(jsonl.read(path, partial(_row, form=form), bad, unique=False))
    if not rows:
        raise TrainingError(f"{path}: no solution to train on" + (f"\n{bad}" if bad else ": the file is empty"))
    return rows, bad


def _row(value: Mapping[str, Any], form: PromptForm) -> Row:
    if "messages" in value:
        if form == "base":
            raise ValueError("'messages' are for chat models: prompt_form chat (--apply-chat-template)")
        messages = _messages(value["messages"])
        return {"prompt": messages[:-1], "completion": messages[-1:]}
    prompt, solution = jsonl.text_field(value, "prompt"), jsonl.text_field(value, "solution")
    if not solution.strip():
        raise ValueError("the solution is empty")
    if form == "base":
        return {"prompt": prompt, "completion": solution}
    return {
        "prompt": [{"role": "user", "content": prompt}],
        "completion": [{"role": "assistant", "content": solution}],
    }


def _messages(value: object) -> list[dict[str, str]]:
    """Return the messages of a conversation. Raises ValueError or TypeError if it is not one."""
    if not isinstance(value, list) or not all(isinstance(message, dict) for message in value):
        raise TypeError("field 'messages' has to be a list of objects")
    messages = [{name: jsonl.text_field(message, name) for name in ("role", "content")} for message in value]
    unknown = {message["role"] for message in messages} - {*ROLES}
    if unknown:
        raise ValueError(f"unknown role {min(unknown)!r}; known: {', '.join(ROLES)}")
    if len(messages) < 2 or messages[-1]["role"] != "assistant" or not messages[-1]["content"].strip():
        raise ValueError("'messages' have to be a question and, last, the assistant's answer")
    return messages

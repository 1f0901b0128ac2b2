"""Every task with lm-eval's client of chat servers, which makes no text of the messages."""

from __future__ import annotations

import json

import pytest

from codedpo_plugin.contracts import Seed
from codedpo_plugin.formats import jsonl
from codedpo_plugin.suites.micro import micro_problems

from .support import evaluate

pytestmark = pytest.mark.filterwarnings("default")  # of lm-eval's client


@pytest.fixture
def asked(chat_server):
    """Return a function that evaluates a task and returns its metrics and the messages of each request."""

    def ask(task, metadata, answer, **options):
        lm, sent = chat_server(answer)
        results = evaluate(lm, task, metadata, apply_chat_template=True, **options)
        return results["results"][task], sent

    return ask


def entry_of(messages):
    return next(e for e in micro_problems() if f"def {e.entry_point}(" in messages[0]["content"])


def block(code: str) -> str:
    return f"```python\n{code}\n```"


def test_a_suite_is_answered(asked):
    def right(messages):
        entry = entry_of(messages)
        return block(entry.prompt + entry.reference)

    found, sent = asked("codedpo_micro", {"workers": 1}, right, limit=2)
    assert found["pass@1,execute"] == 1.0
    assert [[m["role"] for m in messages] for messages in sent] == [["user", "assistant"]] * 2


def test_pairs_are_built(asked, tmp_path):
    turns = iter(range(99))

    def answer(messages):
        entry = entry_of(messages)
        if "different tests" in messages[0]["content"]:
            return "\n".join(entry.tests)
        return block(entry.prompt + [entry.reference, entry.wrong[0]][next(turns) % 2])

    metadata = {"n_solutions": 2, "n_tests": 4, "output": str(tmp_path / "run"), "kinds": ["correctness"]}
    found, sent = asked("codedpo_pairs", metadata | {"workers": 1}, answer, limit=2)
    assert found["pairs_per_problem,build"] == 1.0
    assert len(sent) == 2 * (2 + 4)


def test_problems_are_made(asked, tmp_path):
    code = "```python\ndef count(values):\n    return len(values)\n```"
    statement = "Write a function `count(values)` that returns how many values there are."
    jsonl.write(tmp_path / "seeds.jsonl", [Seed("x = 1", "python", "a.py:1")])
    metadata = {"output": str(tmp_path / "run"), "seeds": str(tmp_path / "seeds.jsonl"), "benchmarks": []}
    answer = f"[Problem Description]\n{statement}\n[Solution]\n{code}\n"
    found, sent = asked("codedpo_oss_instruct", metadata | {"workers": 1}, lambda _: answer)
    assert found["kept,make"] == 1.0
    assert "x = 1" in sent[0][0]["content"]
    (row,) = (tmp_path / "run" / "solutions.jsonl").read_text().splitlines()
    assert json.loads(row)["prompt"] == statement

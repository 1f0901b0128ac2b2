"""The file of problems with solutions: both forms of line, and lines that are neither."""

from __future__ import annotations

import json

import pytest

from codedpo_plugin.errors import InputError, TrainingError
from codedpo_plugin.training.solutions import read_solutions

QUESTION = {"role": "user", "content": "Add."}
ANSWER = {"role": "assistant", "content": "```python\nx\n```"}


@pytest.fixture
def write(tmp_path):
    def lines(*values):
        path = tmp_path / "data.jsonl"
        path.write_text("".join(json.dumps(value) + "\n" for value in values))
        return path

    return lines


def test_a_base_model_continues_the_prompt(write):
    rows, bad = read_solutions(write({"prompt": "def f():\n", "solution": "    pass", "lang": "python"}), "base")
    assert rows == [{"prompt": "def f():\n", "completion": "    pass"}]
    assert not bad


def test_a_chat_model_is_asked_and_answers_word_for_word(write):
    rows, _ = read_solutions(write({"prompt": "Add.", "solution": ANSWER["content"]}), "chat")
    assert rows == [{"prompt": [QUESTION], "completion": [ANSWER]}]


def test_of_a_conversation_the_last_answer_is_learned(write):
    system = {"role": "system", "content": "Be brief."}
    rows, _ = read_solutions(write({"messages": [system, QUESTION, ANSWER, QUESTION, ANSWER]}), "chat")
    assert rows == [{"prompt": [system, QUESTION, ANSWER, QUESTION], "completion": [ANSWER]}]


def test_messages_are_not_for_base_models(write):
    with pytest.raises(TrainingError, match=r"data\.jsonl:1: 'messages' are for chat models"):
        read_solutions(write({"messages": [QUESTION, ANSWER]}), "base")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"prompt": "p"}, "missing field 'solution'"),
        ({"solution": "s"}, "missing field 'prompt'"),
        ({"prompt": "p", "solution": " \n"}, "the solution is empty"),
        ({"prompt": "p", "solution": 3}, "field 'solution' has to be a string, got int"),
        ({"prompt": None, "solution": "s"}, "field 'prompt' has to be a string, got NoneType"),
        ({"messages": "hello"}, "has to be a list of objects"),
        ({"messages": ["hello"]}, "has to be a list of objects"),
        ({"messages": []}, "the assistant's answer"),
        ({"messages": [ANSWER]}, "the assistant's answer"),
        ({"messages": [QUESTION]}, "the assistant's answer"),
        ({"messages": [QUESTION, ANSWER, QUESTION]}, "the assistant's answer"),
        ({"messages": [QUESTION, {"role": "assistant", "content": ""}]}, "the assistant's answer"),
        ({"messages": [QUESTION, {"role": "assistant"}]}, "missing field 'content'"),
        ({"messages": [{"role": "wizard", "content": "x"}, ANSWER]}, "unknown role 'wizard'"),
    ],
)
def test_a_line_that_cannot_be_used_is_named_and_left_out(write, line, reason):
    rows, bad = read_solutions(write({"prompt": "p", "solution": "s"}, line), "chat")
    assert len(rows) == len(bad) == 1
    assert "data.jsonl:2" in str(bad)
    assert reason in str(bad)


def test_a_torn_last_line_is_named(write):
    path = write({"prompt": "p", "solution": "s"})
    path.write_text(path.read_text() + '{"prompt": "q", "sol')
    rows, bad = read_solutions(path, "base")
    assert len(rows) == len(bad) == 1
    assert "is it complete?" in str(bad)


def test_an_empty_file_is_a_training_error(write):
    with pytest.raises(TrainingError, match=r"data\.jsonl: no solution to train on: the file is empty"):
        read_solutions(write(), "base")


def test_a_file_that_is_not_there_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.jsonl: cannot be read"):
        read_solutions(tmp_path / "nowhere.jsonl", "base")

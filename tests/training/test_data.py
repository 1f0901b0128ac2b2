"""From pairs to what TRL takes."""

from __future__ import annotations

import pytest

from codedpo_plugin.errors import TrainingError
from codedpo_plugin.formats import jsonl
from codedpo_plugin.records import PairKind, PreferencePair
from codedpo_plugin.training.data import preference_rows, read_pairs

PROMPT = 'def add(a, b):\n    """Add."""\n'


def pair(chosen: str = "    return a + b", rejected: str = "    return a - b") -> PreferencePair:
    return PreferencePair(PROMPT, chosen, rejected, PairKind.CORRECTNESS, "add", 2.0, 1.0, 1.0)


def test_a_base_model_gets_the_texts_of_the_pair():
    assert preference_rows([pair()], "base") == [
        {"prompt": PROMPT, "chosen": "    return a + b", "rejected": "    return a - b"}
    ]


def test_a_chat_model_gets_messages_with_whole_programs():
    (row,) = preference_rows([pair(rejected=f"{PROMPT}    return 0")], "chat")
    assert row["prompt"][0]["role"] == "user"
    assert PROMPT.strip() in row["prompt"][0]["content"]
    for side, body in (("chosen", "return a + b"), ("rejected", "return 0")):
        (message,) = row[side]
        assert message == {"role": "assistant", "content": f"```python\n{PROMPT}    {body}\n```"}


def test_pairs_are_read_back_and_bad_lines_counted(tmp_path):
    path = tmp_path / "pairs.jsonl"
    jsonl.write(path, [pair(), pair()])
    path.write_bytes(path.read_bytes() + b'{"prompt": "cut')
    pairs, bad = read_pairs(path)
    assert pairs == [pair(), pair()]
    assert len(bad) == 1


def test_no_pairs_is_a_training_error(tmp_path):
    (tmp_path / "pairs.jsonl").write_text("")
    with pytest.raises(TrainingError, match=r"pairs\.jsonl: no pair to train on"):
        read_pairs(tmp_path / "pairs.jsonl")

"""From pairs to what TRL takes."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from codedpo_plugin.errors import TrainingError
from codedpo_plugin.formats import jsonl
from codedpo_plugin.records import PairKind, SolutionForm
from codedpo_plugin.training.data import best_rows, hold_out, labelled_rows, preference_rows, read_pairs, undeclared

from .support import PROMPT, pair

EFFICIENCY = PairKind.EFFICIENCY


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


def test_a_chat_model_gets_whole_programs_of_a_prompt_that_ends_in_an_indent():
    prompt = PROMPT + "    "
    (row,) = preference_rows([replace(pair("return a + b", "c = a\n    return c"), prompt=prompt)], "chat")
    contents = [row[side][0]["content"] for side in ("chosen", "rejected")]
    assert contents == [f"```python\n{prompt}{body}\n```" for body in ("return a + b", "c = a\n    return c")]


def test_what_a_pair_says_of_its_answers_decides_what_a_chat_model_gets():
    one = replace(pair("b = 2", "b = 3"), prompt="a = 1\n", chosen_form=SolutionForm.COMPLETION)
    (row,) = preference_rows([one], "chat")
    assert row["chosen"][0]["content"] == "```python\na = 1\nb = 2\n```"
    assert row["rejected"][0]["content"] == "```python\nb = 3\n```"
    assert undeclared([one, pair()]) == 3


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


# --------------------------------------------------------------------------- held-out problems


def many(correct: int, both: int) -> list:
    only = [pair(problem_id=f"c{i}") for i in range(correct)]
    return only + [pair(problem_id=f"b{i}", kind=kind) for i in range(both) for kind in PairKind]


def ids(pairs) -> set[str]:
    return {p.problem_id for p in pairs}


def test_no_problem_is_on_both_sides_and_none_is_lost():
    pairs = many(20, 20)
    split = hold_out(pairs, 0.25, 100, 0)
    assert not ids(split.training) & ids(split.held_out)
    assert sorted(map(repr, split.training + split.held_out)) == sorted(map(repr, pairs))


def test_every_combination_of_kinds_gives_its_share_rounded_down():
    held = hold_out(many(20, 11), 0.2, 100, 0).held_out
    assert sum(name.startswith("c") for name in ids(held)) == 4
    assert sum(name.startswith("b") for name in ids(held)) == 2
    assert sum(p.kind is EFFICIENCY for p in held) == 2


@pytest.mark.parametrize(("share", "most", "expected"), [(0.0, 9, 0), (0.5, 4, 4), (0.05, 9, 0), (0.9, 99, 9)])
def test_how_many_are_held_out_is_limited_by_share_and_number(share, most, expected):
    assert len(ids(hold_out(many(10, 0), share, most, 0).held_out)) == expected


def test_which_are_held_out_depends_on_the_seed_and_not_on_the_order():
    pairs = many(30, 0)
    first = ids(hold_out(pairs, 0.3, 99, 1).held_out)
    assert first == ids(hold_out(pairs[::-1], 0.3, 99, 1).held_out)
    assert first != ids(hold_out(pairs, 0.3, 99, 2).held_out)


def test_nothing_is_held_out_of_nothing():
    assert hold_out([], 0.5, 9, 0).held_out == ()


# --------------------------------------------------------------------------- unpaired answers


def labels(pairs) -> dict[str, bool]:
    counts: Counter[str] = Counter()
    return {row["completion"].strip(): row["label"] for row in labelled_rows(pairs, "base", counts)}


def test_answers_are_labelled_by_their_side():
    assert labels([pair("    good", "    bad")]) == {"good": True, "bad": False}


def test_an_answer_of_two_pairs_is_one_row():
    pairs = [pair("    good", "    bad"), pair("    good", "    worse", kind=EFFICIENCY)]
    counts: Counter[str] = Counter()
    assert len(labelled_rows(pairs, "base", counts)) == 3
    assert counts["answers_both_chosen_and_rejected"] == 0


def test_an_answer_both_chosen_and_rejected_is_left_out_and_counted():
    pairs = [pair("    slow", "    bad"), pair("    fast", "    slow", kind=EFFICIENCY)]
    counts: Counter[str] = Counter()
    assert labels(pairs) == {"fast": True, "bad": False}
    labelled_rows(pairs, "base", counts)
    assert counts["answers_both_chosen_and_rejected"] == 1


def test_the_same_answer_to_another_prompt_is_another_answer():
    other = replace(pair("    b", "    a", problem_id="other"), prompt="def other():\n")
    assert len(labelled_rows([pair("    a", "    b"), other], "base", Counter())) == 4


def test_unpaired_answers_of_a_chat_model_are_messages():
    row = labelled_rows([pair()], "chat", Counter())[0]
    assert row["prompt"][0]["role"] == "user"
    assert row["completion"][0]["role"] == "assistant"


# --------------------------------------------------------------------------- best solutions


def best(*pairs) -> list[str]:
    return [row["completion"] for row in best_rows(pairs, "base")]


def test_the_best_solution_has_the_highest_score():
    assert best(pair("a", score=2.0), pair("b", score=3.0), pair("c", score=1.0)) == ["b"]


def test_the_fastest_right_solution_is_better_than_a_score():
    assert best(pair("a", score=9.0), pair("b", score=2.0, kind=EFFICIENCY), pair("c", score=8.0)) == ["b"]


def test_of_equal_solutions_the_first_is_taken():
    assert best(pair("a"), pair("b")) == ["a"]


def test_every_problem_has_one_best_solution():
    assert best(pair("a", problem_id="1"), pair("b", problem_id="2"), pair("c", problem_id="1")) == ["a", "b"]

"""SFT with the real trainer: on the best solutions of pairs, and on solutions from elsewhere."""

from __future__ import annotations

import json

import pytest

from codedpo_plugin.errors import InputError

from .support import micro_pairs, pairs_file, trained, weights

torch = pytest.importorskip("torch", reason="training needs the extra 'train'")

pytestmark = pytest.mark.filterwarnings("default")  # the libraries below warn of each other

INSTRUCTION = {"prompt_form": "chat", "chat_template": "instruction"}


@pytest.fixture
def solutions(tmp_path):
    lines = [
        {
            "prompt": "Add two numbers.",
            "solution": "```python\ndef add(a, b):\n    return a + b\n```",
            "lang": "python",
        },
        {"messages": [{"role": "user", "content": "Negate."}, {"role": "assistant", "content": "`-x`"}]},
        {"prompt": "No solution."},
    ]
    path = tmp_path / "solutions.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.mark.parametrize("lora", [False, True], ids=["full", "lora"])
def test_the_best_solution_of_every_problem_becomes_more_probable(tiny_model, tmp_path, lora):
    pairs = micro_pairs(4, efficiency=True)
    fields = {"lora": lora, "learning_rate": 3e-2, "epochs": 3.0, "track_share": 0.5, "track_every": 99}
    counts = trained(pairs_file(tmp_path, pairs), tiny_model, tmp_path / "out", method="sft", **fields).counts
    assert (counts["solutions"], counts["held_out_problems"], counts["steps"]) == (2, 2, 3)
    lines = [json.loads(line) for line in (tmp_path / "out" / "logprobs.jsonl").read_text().splitlines()]
    first, last = lines[:4], lines[4:]
    assert all(after["mean"] > before["mean"] for before, after in zip(first, last, strict=True))


def test_solutions_from_elsewhere_need_no_pairs(tiny_model, solutions, tmp_path):
    nowhere = tmp_path / "pairs.jsonl"
    counts = trained(nowhere, tiny_model, tmp_path / "out", method="sft", data=solutions, **INSTRUCTION).counts
    assert (counts["solutions"], counts["bad_lines"], counts["steps"]) == (2, 1, 1)
    assert weights(tmp_path / "out") != weights(tiny_model)


def test_the_chat_template_is_saved_with_the_model(tiny_model, solutions, tmp_path):
    from transformers import AutoTokenizer

    trained(tmp_path / "p", tiny_model, tmp_path / "out", method="sft", data=solutions, **INSTRUCTION)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    asked = tokenizer.apply_chat_template([{"role": "user", "content": "Add."}], tokenize=False)
    assert asked.endswith("@@ Instruction\nAdd.\n\n")


def test_the_pairs_beside_solutions_are_only_tracked_on(tiny_model, solutions, tmp_path):
    pairs = pairs_file(tmp_path, micro_pairs(4))
    counts = trained(
        pairs, tiny_model, tmp_path / "out", method="sft", data=solutions, track_share=0.5, **INSTRUCTION
    ).counts
    assert (counts["solutions"], counts["held_out_problems"]) == (2, 2)
    assert (tmp_path / "out" / "logprobs.jsonl").is_file()


def test_solutions_that_are_not_there_are_an_input_error(tiny_model, tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.jsonl: cannot be read"):
        trained(tmp_path / "p", tiny_model, tmp_path / "out", method="sft", data=tmp_path / "nowhere.jsonl")

"""Problems with solutions, as supervised fine-tuning reads them."""

from __future__ import annotations

from codedpo_plugin.problems.solutions import write_solutions
from codedpo_plugin.records import MadeProblem, Problem
from codedpo_plugin.training.solutions import read_solutions

SOLVED = MadeProblem(
    "a", "def f(x):", "f", "python", instruction="Double x.", solution="def f(x):\n    return 2 * x\n"
)


def test_the_trainer_reads_what_is_written(tmp_path):
    path = tmp_path / "solutions.jsonl"
    other = MadeProblem("r", "Say hi.", None, "rust", instruction="Say hi.", solution="fn main() {}\n")
    assert write_solutions(path, [SOLVED, Problem("b", "p"), MadeProblem("c", "p", instruction="p"), other]) == 2
    rows, bad = read_solutions(path, "chat")
    assert not bad
    assert [row["prompt"][0]["content"] for row in rows] == ["Double x.", "Say hi."]
    assert rows[0]["completion"][0]["content"] == "```python\ndef f(x):\n    return 2 * x\n```"
    assert rows[1]["completion"][0]["content"].startswith("```rust\n")


def test_without_solutions_there_is_no_file_not_even_an_old_one(tmp_path):
    path = tmp_path / "solutions.jsonl"
    write_solutions(path, [SOLVED])
    assert write_solutions(path, [Problem("b", "p")]) == 0
    assert not path.exists()

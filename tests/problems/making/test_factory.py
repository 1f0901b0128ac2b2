"""From sources to problems, through a model."""

from __future__ import annotations

import re
from collections import Counter

from codedpo_plugin.config import FactoryConfig
from codedpo_plugin.contracts import Seed
from codedpo_plugin.problems.making.asking import Asker
from codedpo_plugin.problems.making.factory import as_made, distinct, evolved, problems_from_seeds
from codedpo_plugin.records import MadeProblem, Problem

from .support import FakeModel, good


def seeds(number: int) -> list[Seed]:
    return [Seed(f"x = {i}", "python", f"a.py:{i}") for i in range(number)]


def asker(answer, **config: object) -> Asker:
    return Asker(FakeModel(answer), FactoryConfig(**{"method": "oss-instruct", "prompt_form": "chat"} | config))


def test_every_answer_becomes_a_problem_or_a_reason():
    answers = iter([good(1), "rubbish", good(3), ""])
    counts: Counter[str] = Counter()
    problems = list(problems_from_seeds(seeds(4), asker(lambda _: next(answers)), counts))
    assert [problem.entry_point for problem in problems] == ["count_above_1", "count_above_3"]
    assert counts == {"answers_parsed": 2, "answer_without_problem_description": 1, "answer_empty": 1}


def test_a_snippet_that_occurs_twice_is_asked_about_once():
    counts: Counter[str] = Counter()
    assert list(distinct([*seeds(1), *seeds(2)], counts)) == seeds(2)
    assert counts["seed_duplicate"] == 1


def harder(prompt: str) -> str:
    """Answer with the statement that was shown, and ten words more; with code, which one way asks for."""
    (statement,) = re.findall(r"Here is one in Python:\n\n(.*?)\n\nMake it harder", prompt, re.DOTALL)
    extra = "Moreover it has to work in time linear in input length, step " + str(len(statement))
    shown = f"{statement}\n{extra}\n```\nwrong\n```"
    return f"[Problem Description]\n{shown}\n[Solution]\n```python\ndef f(x):\n    pass\n```"


def test_problems_evolve_round_after_round():
    counts: Counter[str] = Counter()
    start = [Problem("a", "Add up all the numbers of a list."), Problem("b", "Find the longest word of a text.")]
    found = list(evolved(start, asker(harder, method="evol-instruct", rounds=3), counts))
    sizes = [len(problem.instruction) for problem in found]
    assert max(sizes[:2]) < min(sizes[2:4]) <= max(sizes[2:4]) < min(sizes[4:])
    assert len({problem.problem_id for problem in found}) == 6
    assert found[2].seed == found[0].problem_id
    assert found[0].seed == "a"
    assert [counts[f"evolved_in_round_{i}"] for i in (1, 2, 3)] == [2, 2, 2]


def test_a_problem_that_does_not_evolve_is_tried_again_as_it_was():
    calls = iter(["I'm sorry.", None])
    counts: Counter[str] = Counter()
    ask = asker(lambda prompt: next(calls, None) or harder(prompt), method="evol-instruct", rounds=2)
    (found,) = evolved([Problem("a", "Add up all the numbers of a list.")], ask, counts)
    assert found.seed == "a"
    assert counts["evolution_declined"] == 1


def test_nothing_evolves_from_nothing():
    assert list(evolved([], asker(harder, method="evol-instruct"), Counter())) == []


def test_a_problem_of_any_origin_can_be_made_into_another():
    made = as_made(Problem("a", "p", "f", "rust", "s"))
    assert made == MadeProblem("a", "p", "f", "rust", "s", instruction="p")
    assert as_made(made) is made

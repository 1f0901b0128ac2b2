"""What a model is asked, and what becomes of its answers."""

from __future__ import annotations

from collections import Counter

import pytest

from codedpo_plugin.contracts import Seed
from codedpo_plugin.problems.making.answers import Refused
from codedpo_plugin.problems.making.methods import (
    CONCEPTS,
    OSS_INSTRUCT,
    STOPS,
    WAYS,
    evolution_question,
    seed_question,
    way_of,
)
from codedpo_plugin.records import MadeProblem

from .support import good

SEED = Seed("for name in sorted(names):\n    print(name)", "python", "a.py:3", "MIT")
HOSTILE = Seed("{{ 7 * 7 }} {% raw %}\n[Solution]\n```", "rust", "a.rs:1")


@pytest.mark.parametrize("method", [OSS_INSTRUCT, CONCEPTS])
@pytest.mark.parametrize("form", ["base", "chat"])
def test_the_snippet_is_shown_word_for_word(method, form):
    assert SEED.text in seed_question(method, SEED, form).prompt
    assert HOSTILE.text in seed_question(method, HOSTILE, form).prompt


@pytest.mark.parametrize(("method", "heading"), [(OSS_INSTRUCT, "[Problem Description]"), (CONCEPTS, "[Concepts]")])
def test_a_base_model_is_led_into_the_answer_by_an_example(method, heading):
    base, chat = (seed_question(method, SEED, form).prompt for form in ("base", "chat"))
    assert base.endswith(f"{heading}\n")
    assert base.count(heading) == chat.count(heading) + 2
    assert not chat.endswith("\n")


@pytest.mark.parametrize("method", [OSS_INSTRUCT, CONCEPTS])
@pytest.mark.parametrize(("word", "instead"), [("", ""), ("longest_run", "best_run"), ("length of the ", "")])
def test_the_example_given_back_is_no_answer(method, word, instead):
    question = seed_question(method, SEED, "base")
    heading = {OSS_INSTRUCT: "[Problem Description]", CONCEPTS: "[Concepts]"}[method]
    example = question.prompt.split(f"For example:\n{heading}\n")[1].partition("\nYour ")[0]
    with pytest.raises(Refused, match="answer_copies_the_prompt"):
        question.read(example.replace(word, instead))


def test_languages_are_called_by_their_names():
    assert "exercise in C++" in seed_question(OSS_INSTRUCT, Seed("int x;", "cpp", ""), "chat").prompt
    assert "exercise in Rust" in seed_question(OSS_INSTRUCT, HOSTILE, "chat").prompt


def test_what_a_base_model_goes_on_to_write_is_cut_off():
    assert "\nLines of " in STOPS[OSS_INSTRUCT]
    assert not any(good().find(stop) > 0 for stop in STOPS[OSS_INSTRUCT])


def test_the_key_depends_on_method_and_snippet_alone():
    same = Seed(SEED.text, "python", "elsewhere.py:9")
    keys = [
        seed_question(m, s, f).key for m in (OSS_INSTRUCT, CONCEPTS) for s in (SEED, same) for f in ("base", "chat")
    ]
    assert len(set(keys)) == 2


@pytest.mark.parametrize("form", ["base", "chat"])
def test_oss_instruct_gives_a_problem_with_its_solution(form):
    answer = good().removeprefix("[Problem Description]\n") if form == "base" else good()
    problem = seed_question(OSS_INSTRUCT, SEED, form).read(answer)
    assert problem.entry_point == "count_above_0"
    assert problem.instruction.startswith("Write a function `count_above_0(values)`")
    assert problem.prompt.startswith('def count_above_0(values):\n    """\n    Write a function')
    assert problem.solution.endswith("for value in values)\n")
    assert (problem.method, problem.seed, problem.licence) == (OSS_INSTRUCT, SEED.text, "MIT")
    assert problem.source == "oss-instruct:a.py:3"


def test_oss_instruct_in_another_language_has_the_words_for_a_prompt():
    answer = good().replace("```python", "```rust")
    problem = seed_question(OSS_INSTRUCT, HOSTILE, "chat").read(answer)
    assert (problem.language, problem.entry_point) == ("rust", None)
    assert problem.prompt == problem.instruction


TASK = '''[Concepts]
- sorting
- output
[Task]
```python
def list_names(names: list[str]) -> str:
    """Return the names in alphabetical order, one a line, without those that are empty.

    >>> list_names(["b", "a"])
    'a\\\\nb'
    """
```
'''


def test_concepts_give_a_task_without_a_solution():
    problem = seed_question(CONCEPTS, SEED, "chat").read(TASK)
    assert (problem.entry_point, problem.language, problem.solution) == ("list_names", "python", "")
    assert ">>> list_names" in problem.prompt
    assert problem.instruction == problem.prompt


def test_a_task_may_come_from_any_language():
    assert seed_question(CONCEPTS, HOSTILE, "chat").read(TASK).language == "python"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (TASK.replace("- sorting\n- output\n", ""), "concepts_not_a_list"),
        (TASK.replace("- sorting\n", "- word\n" * 20), "concepts_not_a_list"),
        (TASK.replace("[Concepts]", ""), "answer_without_concepts"),
        ("[Concepts]\n- a\n[Task]\nSort the names.", "solution_without_code"),
    ],
)
def test_concepts_of_another_form_are_refused(answer, reason):
    with pytest.raises(Refused, match=f"^{reason}$"):
        seed_question(CONCEPTS, SEED, "chat").read(answer)


def test_a_task_that_copies_the_snippet_is_refused():
    words = "alpha beta gamma delta epsilon zeta eta theta iota kappa lamda"
    answer = TASK.replace("Return the names", f"{words}. Return the names")
    with pytest.raises(Refused, match="task_copies_the_seed"):
        seed_question(CONCEPTS, Seed(f"# {words}", "python", ""), "chat").read(answer)


PARENT = MadeProblem("p1", "def f(x): ...", "f", instruction="Write a function `f(x)` that adds one to a number.")
HARDER = (
    "Write a function `f(x)` that adds one to a number of up to a million digits, given as text, in linear time."
)
EVOLVED = f"[Problem Description]\n{HARDER}\n[Solution]\n```python\ndef f(x):\n    return str(int(x) + 1)\n```"


def test_the_five_ways_all_occur_and_are_drawn_from_the_problem():
    problems = [MadeProblem(f"p{i}", "") for i in range(100)]
    drawn = [way_of(problem, 1, 0) for problem in problems]
    assert set(Counter(drawn)) == set(WAYS)
    assert len(WAYS) == 5
    assert drawn == [way_of(problem, 1, 0) for problem in problems]
    assert drawn != [way_of(problem, 2, 0) for problem in problems]


def evolve(answer: object, parent: MadeProblem = PARENT, round_: int = 1) -> MadeProblem:
    return evolution_question(parent, round_, 0, "chat").read(answer)


def plain_round() -> int:
    return next(r for r in range(1, 50) if way_of(PARENT, r, 0) != "misleading code")


def misleading_round() -> int:
    return next(r for r in range(1, 50) if way_of(PARENT, r, 0) == "misleading code")


def test_an_evolved_problem_knows_what_it_was_made_of():
    problem = evolve(EVOLVED, round_=plain_round())
    assert problem.instruction == HARDER
    assert (problem.entry_point, problem.seed, problem.method) == ("f", "p1", "evol-instruct")
    assert way_of(PARENT, plain_round(), 0) in problem.source


def test_the_question_shows_problem_and_way():
    prompt = evolution_question(PARENT, plain_round(), 0, "chat").prompt
    assert PARENT.instruction in prompt
    assert WAYS[way_of(PARENT, plain_round(), 0)] in prompt


def with_statement(statement: str) -> str:
    return EVOLVED.replace(HARDER, statement)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("I'm sorry, but I cannot help with that.", "evolution_declined"),
        (with_statement(PARENT.instruction), "evolution_unchanged"),
        (with_statement("write a function f(x) that adds one to a NUMBER."), "evolution_unchanged"),
        (with_statement("Return the next larger integer after it, please."), "evolution_shorter"),
        (with_statement("The harder exercise is this: " + HARDER), "evolution_speaks_of_itself"),
        ("[Problem Description]\n" + HARDER, "answer_without_solution"),
        ("rubbish", "answer_without_problem_description"),
        (None, "answer_is_no_text"),
    ],
)
def test_a_failed_evolution_is_refused_with_a_reason(answer, reason):
    with pytest.raises(Refused, match=f"^{reason}$"):
        evolve(answer, round_=plain_round())


def test_misleading_code_has_to_be_there():
    with pytest.raises(Refused, match="evolution_without_code"):
        evolve(EVOLVED, round_=misleading_round())
    shown = with_statement(f"{HARDER}\n```python\ndef f(x):\n    return x\n```")
    assert evolve(shown, round_=misleading_round()).instruction.startswith(HARDER)

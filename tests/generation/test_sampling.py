"""Asking a model for candidates: what is asked, what is kept, and that it can be repeated."""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import replace
from itertools import cycle

import pytest

from codedpo_plugin.config import GenerateConfig
from codedpo_plugin.errors import GenerationError, UsageError
from codedpo_plugin.generation.prompts import BASE_TEST_STOP
from codedpo_plugin.generation.sampling import (
    PROBLEMS_A_CALL,
    generate_candidates,
    load_model,
    prompt_text,
    requests_for,
)
from codedpo_plugin.records import Candidates, Problem
from codedpo_plugin.suites.micro import STOP

CONFIG = GenerateConfig(n_solutions=2, n_tests=3, temperature=0.8)
CHAT = CONFIG.model_copy(update={"prompt_form": "chat"})


def asks_for_tests(prompt: str) -> bool:
    return "different tests" in prompt or "# check the correctness" in prompt


class FakeModel:
    """Stands for a model of lm-eval: answers with what it is given, keeps what it was asked."""

    def __init__(self, solutions=("    return x",), tests=(" f(1) == 1\nassert f(2) == 2",)) -> None:
        self.solutions, self.tests = cycle(solutions), cycle(tests)
        self.calls: list[list[tuple[str, dict]]] = []

    def generate_until(self, instances):
        self.calls.append([instance.args for instance in instances])
        return [
            next(self.tests if "tests" in i.args[0] or "# check" in i.args[0] else self.solutions)
            for i in instances
        ]

    def apply_chat_template(self, messages):
        return "".join(f"<{m['role']}>{m['content']}</{m['role']}>" for m in messages)


class RandomModel(FakeModel):
    """Draws its answers from the generators that the library seeds."""

    def generate_until(self, instances):
        import torch

        super().generate_until(instances)
        drawn = [(random.random() + torch.rand(1).item(), asks_for_tests(i.args[0])) for i in instances]
        return [f" f({number}) == 1" if tests else f"    return {number}" for number, tests in drawn]


def problems(number: int = 1) -> list[Problem]:
    return [Problem(f"p{i}", f'def f(x):\n    """Problem {i}."""\n', "f") for i in range(number)]


def generate(lm, config=CONFIG, number=1, seed=0) -> tuple[list[Candidates], dict[str, int]]:
    counts: Counter[str] = Counter()
    found = list(generate_candidates(problems(number), config, counts, seed, lm))
    assert [it.problem_id for it in found] == [problem.problem_id for problem in problems(number)]
    return [it for it in found if isinstance(it, Candidates)], dict(counts)


def test_a_problem_is_asked_for_so_many_solutions_and_tests():
    lm = FakeModel()
    generate(lm)
    (call,) = lm.calls
    assert [prompt.endswith("assert") for prompt, _ in call] == [False, False, True, True, True]
    assert all(prompt.startswith("def f(x):") for prompt, _ in call)


def test_candidates_are_whole_programs_and_single_assertions():
    (candidates,), counts = generate(FakeModel())
    assert candidates.solutions == ('def f(x):\n    """Problem 0."""\n    return x',) * 2
    assert candidates.tests == ("assert f(1) == 1", "assert f(2) == 2")
    assert counts == {"solutions": 2, "tests": 2, "test_duplicate": 4}


def test_tests_can_be_asked_for_more_or_less_often_than_they_are_kept():
    problem = Problem("p0", "def f(x):\n")
    fewer = CONFIG.model_copy(update={"test_generations": 2})
    assert [request.repeats for request in requests_for(problem, CONFIG)] == [2, 3]
    assert [request.repeats for request in requests_for(problem, fewer)] == [2, 2]


def test_candidates_say_how_they_were_generated():
    (candidates,), _ = generate(FakeModel(), seed=7)
    assert candidates.problem_id == "p0"
    assert candidates.generator == {
        "model": "hf",
        "model_args": {},
        "prompt_form": "base",
        "temperature": 0.8,
        "top_p": 1.0,
        "n_solutions": 2,
        "n_tests": 3,
        "test_generations": 3,
        "prompt_examples": False,
        "seed": 7,
        "dropped": {"test_duplicate": 4},
    }


def test_a_chat_model_is_asked_through_its_template_and_its_answers_are_taken_from_code_blocks():
    lm = FakeModel(
        ["Sure:\n```python\ndef f(x):\n    return x\n```"], ["```python\nassert f(1) == 1\n```", "assert f(2) == 2"]
    )
    (candidates,), _ = generate(lm, CHAT)
    assert candidates.solutions == ("def f(x):\n    return x",) * 2
    assert candidates.tests == ("assert f(1) == 1", "assert f(2) == 2")
    assert all(prompt.startswith("<user>Please ") for prompt, _ in lm.calls[0])


@pytest.mark.filterwarnings("default")  # of lm-eval's client
def test_a_chat_server_is_sent_messages(chat_server):
    """lm-eval's client of chat servers makes no text of the messages."""

    def answer(messages):
        tests = asks_for_tests(messages[0]["content"])
        return "assert f(1) == 1" if tests else "```python\ndef f(x):\n    return x\n```"

    lm, sent = chat_server(answer)
    (candidates,), _ = generate(lm, CHAT)
    assert len(sent) == 5
    assert all("Problem 0." in message["content"] for (message,) in sent)
    assert set(candidates.solutions) == {"def f(x):\n    return x"}
    assert candidates.tests == ("assert f(1) == 1",)


@pytest.mark.parametrize("prompt", ["héllo\n", [{"role": "user", "content": "héllo\n"}]])
def test_the_text_of_a_prompt_is_what_its_messages_say(prompt):
    assert prompt_text(prompt) == "héllo\n"
    if isinstance(prompt, list):
        from lm_eval.models.api_models import JsonChatStr

        assert prompt_text(JsonChatStr(json.dumps(prompt))) == "héllo\n"


@pytest.mark.parametrize(
    ("config", "solution_stops", "test_stops"), [(CONFIG, list(STOP), list(BASE_TEST_STOP)), (CHAT, [], [])]
)
def test_requests_carry_the_sampling_that_is_configured(config, solution_stops, test_stops):
    solutions, tests = requests_for(problems()[0], config)
    sampling = {"do_sample": True, "temperature": 0.8, "top_p": 1.0}
    assert solutions.gen_kwargs == {"until": solution_stops, "max_gen_toks": 512} | sampling
    assert tests.gen_kwargs == {"until": test_stops, "max_gen_toks": 256} | sampling
    assert (solutions.repeats, tests.repeats) == (2, 3)


def test_at_temperature_zero_decoding_is_greedy():
    solutions, _ = requests_for(problems()[0], CONFIG.model_copy(update={"temperature": 0.0}))
    assert solutions.gen_kwargs["do_sample"] is False
    assert "temperature" not in solutions.gen_kwargs


def test_the_answers_to_many_problems_are_given_to_the_right_ones():
    number = 2 * PROBLEMS_A_CALL + 1
    lm = FakeModel([f"    return {i}" for i in range(2 * number)])
    found, _ = generate(lm, number=number)
    assert [c.problem_id for c in found] == [f"p{i}" for i in range(number)]
    assert [c.solutions[0].splitlines()[-1] for c in found] == [f"    return {2 * i}" for i in range(number)]
    assert [len(call) for call in lm.calls] == [PROBLEMS_A_CALL * 5] * 2 + [5]


def test_the_model_is_asked_only_as_candidates_are_taken():
    lm = FakeModel()
    stream = generate_candidates(problems(3 * PROBLEMS_A_CALL), CONFIG, Counter(), 0, lm)
    assert lm.calls == []
    next(stream)
    assert len(lm.calls) == 1


@pytest.mark.parametrize(
    ("solutions", "tests", "reason"),
    [
        ([""], [" f(1) == 1"], "problem_without_solutions"),
        (["    return x"], [" g(1) == 1"], "problem_without_tests"),
        ([""], [""], "problem_without_solutions"),
    ],
)
def test_a_problem_without_solutions_or_tests_is_left_out_and_counted(solutions, tests, reason):
    found, counts = generate(FakeModel(solutions, tests))
    assert found == []
    assert counts[reason] == 1


def test_what_is_dropped_is_counted_in_total_and_by_problem():
    lm = FakeModel(["", "    return x"], [" f(1) == 1", " f(", " g(1) == 1"])
    found, counts = generate(lm, number=2)
    dropped = {"solution_empty": 1, "test_does_not_parse": 1, "test_without_entry_point": 1}
    assert [c.generator["dropped"] for c in found] == [dropped, dropped]
    assert {k: v for k, v in counts.items() if k in dropped} == {k: 2 * v for k, v in dropped.items()}


def test_a_response_that_no_parser_takes_costs_that_response_only():
    (candidates,), _ = generate(FakeModel(["    return '\x00'", "    return x"]))
    assert candidates.solutions[-1].endswith("    return x")


def test_a_seed_makes_a_run_repeatable():
    first, second, other = (generate(RandomModel(), number=3, seed=seed)[0] for seed in (1, 1, 2))
    assert first == second
    assert [c.solutions for c in first] != [c.solutions for c in other]
    assert len({c.solutions for c in first}) == 3


def test_a_run_that_is_resumed_behind_a_call_continues_alike():
    def rest(skipped: int) -> list[Candidates]:
        some = problems(PROBLEMS_A_CALL + 2)[skipped:]
        return list(generate_candidates(some, CONFIG, Counter(), 3, RandomModel()))

    assert rest(PROBLEMS_A_CALL) == rest(0)[PROBLEMS_A_CALL:]


def test_a_model_that_fails_is_reported_with_the_problem():
    class Failing(FakeModel):
        def generate_until(self, instances):
            raise ConnectionError("no server")

    with pytest.raises(GenerationError, match="the model failed on problem p0: ConnectionError: no server"):
        generate(Failing())


def test_no_problems_make_no_call():
    lm = FakeModel()
    assert generate(lm, number=0) == ([], {})
    assert lm.calls == []


def test_an_unknown_type_of_model_comes_with_near_matches():
    with pytest.raises(UsageError, match=r"unknown model type 'dumy'.*'dummy'"):
        load_model(GenerateConfig(model="dumy"))


def test_a_model_that_cannot_be_loaded_is_named(monkeypatch):
    def refuse(*_):
        raise TypeError("unexpected argument 'colour'")

    monkeypatch.setattr("lm_eval.models.dummy.DummyLM.create_from_arg_obj", refuse)
    with pytest.raises(GenerationError, match=r"model 'dummy' with \{'colour': 'red'\} cannot be loaded"):
        load_model(GenerateConfig(model="dummy", model_args={"colour": "red"}))


def test_a_model_of_the_harness_is_loaded_by_its_type():
    assert load_model(GenerateConfig(model="dummy")).__class__.__name__ == "DummyLM"


def test_a_run_resumed_after_some_calls_asks_as_one_that_was_not_interrupted():
    mixed = [
        replace(problem, language="python" if number % 3 else "java")
        for number, problem in enumerate(problems(3 * PROBLEMS_A_CALL))
    ]
    whole = list(generate_candidates(mixed, CONFIG, Counter(), 0, RandomModel()))
    rest = list(generate_candidates(mixed[PROBLEMS_A_CALL:], CONFIG, Counter(), 0, RandomModel()))
    assert rest == whole[-len(rest) :]


def test_the_examples_of_a_prompt_are_the_first_tests_where_that_is_asked_for():
    problem = Problem("p", 'def f(x):\n    """Do.\n\n    >>> f(2)\n    2\n    >>> f(3)\n    3\n    """\n', "f")
    counts: Counter[str] = Counter()
    config = CONFIG.model_copy(update={"prompt_examples": True})
    (plain,) = generate_candidates([problem], CONFIG, Counter(), 0, FakeModel())
    (found,) = generate_candidates([problem], config, counts, 0, FakeModel())
    assert plain.tests == ("assert f(1) == 1", "assert f(2) == 2")
    assert found.tests == ("assert f(2) == 2", "assert f(3) == 3", "assert f(1) == 1")
    assert counts["tests_of_the_prompt"] == 2

"""Asking a model of the harness: N solutions and M tests for each problem, through lm-eval's ``LM``.

``codedpo generate`` and the task ``codedpo_pairs`` share this code; the one asks the model itself, for the other
the harness does.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from codedpo_plugin.config import GenerateConfig, ModelConfig
from codedpo_plugin.contracts import Nothing
from codedpo_plugin.errors import GenerationError, boundary, unknown_name
from codedpo_plugin.examples import prompt_examples
from codedpo_plugin.generation.extraction import extract_solution, extract_tests
from codedpo_plugin.generation.prompts import BASE_TEST_STOP, solution_prompt, tests_prompt
from codedpo_plugin.records import Candidates, Problem
from codedpo_plugin.suites.micro import STOP

PROBLEMS_A_CALL: Final = 16
"""Problems whose requests are given to the model together: enough to fill its batches and to see progress."""


@dataclass(frozen=True, slots=True)
class Request:
    """One prompt and how to sample from it."""

    prompt: str
    """What a base model continues, or a chat model is told."""
    gen_kwargs: Mapping[str, Any]
    repeats: int


def requests_for(problem: Problem, config: GenerateConfig) -> tuple[Request, Request]:
    """Return the requests for a problem's solutions and for its tests."""
    form = config.prompt_form
    solutions = Request(
        solution_prompt(problem, form),
        _sampling(config, config.max_solution_tokens, STOP if form == "base" else ()),
        config.n_solutions,
    )
    tests = Request(
        tests_prompt(problem, form, config.n_tests),
        _sampling(config, config.max_test_tokens, BASE_TEST_STOP if form == "base" else ()),
        config.tests_asked,
    )
    return solutions, tests


def _sampling(config: GenerateConfig, tokens: int, stops: Sequence[str]) -> dict[str, Any]:
    """Return the keyword arguments of lm-eval's ``generate_until``."""
    sampled = {"do_sample": True, "temperature": config.temperature, "top_p": config.top_p}
    greedy = {"do_sample": False}
    return {"until": list(stops), "max_gen_toks": tokens, **(sampled if config.temperature > 0 else greedy)}


def candidates_from(
    problem: Problem,
    solution_responses: Sequence[str],
    test_responses: Sequence[str],
    config: GenerateConfig,
    counts: Counter[str],
    seed: int,
) -> Candidates:
    """Return the candidates in what a model answered. What was dropped is counted, in total and per problem."""
    dropped: Counter[str] = Counter()
    form = config.prompt_form
    extracted = (extract_solution(problem, text, form, STOP, dropped) for text in solution_responses)
    solutions = tuple(program for program in extracted if program is not None)
    # A base model's test prompt ends in the word that begins the first assertion.
    texts = [f"assert{text}" if form == "base" else text for text in test_responses]
    examples = prompt_examples(problem.prompt, problem.entry_point) if config.prompt_examples else ()
    own = extract_tests(problem.entry_point, texts, config.n_tests, dropped)
    tests = tuple(dict.fromkeys((*examples, *own)))
    counts.update(dropped)
    counts.update(solutions=len(solutions), tests=len(tests))
    if examples:
        counts["tests_of_the_prompt"] += len(examples)
    generator = {
        "model": config.model,
        "model_args": {k: str(v) for k, v in sorted(config.model_args.items())},
        "prompt_form": form,
        "temperature": config.temperature,
        "top_p": config.top_p,
        "n_solutions": config.n_solutions,
        "n_tests": config.n_tests,
        "test_generations": config.tests_asked,
        "prompt_examples": config.prompt_examples,
        "seed": seed,
        "dropped": dict(sorted(dropped.items())),
    }
    return Candidates(problem.problem_id, problem.prompt, problem.entry_point, solutions, tests, generator)


def generate_candidates(
    problems: Iterable[Problem], config: GenerateConfig, counts: Counter[str], seed: int, lm: Any = None
) -> Iterator[Candidates | Nothing]:
    """Yield candidates for each problem that has both solutions and tests, asking ``lm`` or the configured model.

    Each call of the model is seeded from ``seed`` and its first problem, and is for the next sixteen
    problems, whether all can be used or not: so a run that is resumed after a multiple of sixteen continues alike.
    """
    lm = lm or load_model(config)
    stream = iter(problems)
    while group := list(islice(stream, PROBLEMS_A_CALL)):
        asked = [problem for problem in group if _can_be_run(problem, counts)]
        with boundary(GenerationError, f"the model failed on problem {(asked or group)[0].problem_id}"):
            answers = _ask(lm, asked, config, seed)
        for problem in group:
            if problem.problem_id in answers:
                found = candidates_from(problem, *answers[problem.problem_id], config, counts, seed)
                yield _usable(found, counts)
            else:
                yield Nothing(problem.problem_id)


def _usable(candidates: Candidates, counts: Counter[str]) -> Candidates | Nothing:
    """Return candidates with both solutions and tests; others are counted by what they lack."""
    if candidates.solutions and candidates.tests:
        return candidates
    counts["problem_without_" + ("solutions" if not candidates.solutions else "tests")] += 1
    return Nothing(candidates.problem_id)


def _can_be_run(problem: Problem, counts: Counter[str]) -> bool:
    """Return whether solutions of a problem can be run; others are counted as ``problem_in_another_language``."""
    if problem.language != "python":
        counts["problem_in_another_language"] += 1
    return problem.language == "python"


def load_model(config: ModelConfig) -> Any:
    """Return the lm-eval model of a configuration. Raises UsageError for an unknown type."""
    import lm_eval.models  # noqa: F401 - fills the registry
    from lm_eval.api.registry import get_model, model_registry

    if config.model not in model_registry:
        raise unknown_name("model type", config.model, model_registry.keys())
    with boundary(GenerationError, f"model {config.model!r} with {dict(config.model_args)} cannot be loaded"):
        # "cuda:0" is the default of lm_eval's command line, too; without a GPU it means the CPU.
        extra = {"batch_size": config.batch_size, "device": config.device or "cuda:0"}
        return get_model(config.model).create_from_arg_obj(dict(config.model_args), extra)


def _ask(
    lm: Any, problems: Sequence[Problem], config: GenerateConfig, seed: int
) -> dict[str, tuple[list[str], list[str]]]:
    """Return the responses for solutions and tests of each problem, by its id, from one call of the model."""
    from lm_eval.api.instance import Instance

    if not problems:
        return {}
    seed_model(f"{seed}:{problems[0].problem_id}")
    requests = [request for problem in problems for request in requests_for(problem, config)]
    instances = [
        Instance("generate_until", {}, (render(lm, r.prompt, config.prompt_form), dict(r.gen_kwargs)), 0)
        for r in requests
        for _ in range(r.repeats)
    ]
    responses = iter(lm.generate_until(instances))
    grouped = [list(islice(responses, request.repeats)) for request in requests]
    ids = [problem.problem_id for problem in problems]
    return dict(zip(ids, zip(grouped[::2], grouped[1::2], strict=True), strict=True))


def render(lm: Any, prompt: str, form: str) -> Any:
    """Return a prompt as the model takes it: as it is, or through its chat template.

    Most models take a text; lm-eval's clients of chat servers take what they made of the messages.
    """
    return prompt if form == "base" else lm.apply_chat_template([{"role": "user", "content": prompt}])


def prompt_text(prompt: Any) -> str:
    """Return the text of a prompt of :func:`render`; of messages, what they say."""
    if isinstance(prompt, str):
        return prompt
    # Clients of servers take a list of messages, or a ``JsonChatStr``, whose ``prompt`` is such a list in JSON.
    messages = json.loads(prompt.prompt) if hasattr(prompt, "prompt") else prompt
    return "\n".join(str(message["content"]) for message in messages)


def seed_model(key: str) -> None:
    """Seed the generators that sampling in this process draws from."""
    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big")
    random.seed(number)
    try:
        import torch
    except ImportError:
        return  # a model behind a server; it has its own seed
    torch.manual_seed(number)

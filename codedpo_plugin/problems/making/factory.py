"""The factory's line: questions to a model, answers to problems, and every answer that is of no use counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from codedpo_plugin.contracts import Seed
from codedpo_plugin.problems.making.answers import Refused
from codedpo_plugin.problems.making.asking import Asker
from codedpo_plugin.problems.making.methods import Question, evolution_question, seed_question
from codedpo_plugin.records import MadeProblem, Problem


def problems_from_seeds(seeds: Iterable[Seed], asker: Asker, counts: Counter[str]) -> Iterator[MadeProblem]:
    """Yield the problems that a model makes of seeds, of which no two have the same text (:func:`distinct`)."""
    config = asker.config
    questions = (seed_question(config.method, seed, config.prompt_form) for seed in seeds)
    for question, answer in asker.answers(questions):
        problem = read(question, answer, counts)
        if problem is not None:
            yield problem


def distinct(seeds: Iterable[Seed], counts: Counter[str]) -> Iterator[Seed]:
    """Yield seeds whose text no earlier one has; the others are counted as ``seed_duplicate``."""
    seen: set[str] = set()
    for seed in seeds:
        if seed.text in seen:
            counts["seed_duplicate"] += 1
        else:
            seen.add(seed.text)
            yield seed


def evolved(problems: Sequence[Problem], asker: Asker, counts: Counter[str]) -> Iterator[MadeProblem]:
    """Yield what becomes of problems in the configured number of rounds.

    A problem that could not be evolved stays as it was for the next round, as in WizardLM (arXiv 2304.12244).
    """
    pool = [as_made(problem) for problem in problems]
    for round_ in range(1, asker.config.rounds + 1):
        place = {}
        questions = []
        for number, problem in enumerate(pool):
            question = evolution_question(problem, round_, asker.seed, asker.config.prompt_form)
            place[question.key] = number
            questions.append(question)
        for question, answer in asker.answers(questions):
            found = read(question, answer, counts)
            if found is not None:
                counts[f"evolved_in_round_{round_}"] += 1
                pool[place[question.key]] = found
                yield found


def read(question: Question, answer: object, counts: Counter[str]) -> MadeProblem | None:
    """Return the problem in an answer, or None with the reason counted."""
    try:
        problem = question.read(answer)
    except Refused as reason:
        counts[str(reason)] += 1
        return None
    counts["answers_parsed"] += 1
    return problem


def as_made(problem: Problem) -> MadeProblem:
    """Return a problem of any origin as one that can be made into another."""
    if isinstance(problem, MadeProblem):
        return problem
    known = (problem.problem_id, problem.prompt, problem.entry_point, problem.language, problem.source)
    return MadeProblem(*known, instruction=problem.prompt)

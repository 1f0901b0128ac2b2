"""The three ways of making problems: what is asked about a source, and what becomes of the answer."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any, Final

from codedpo_plugin.config import PromptForm
from codedpo_plugin.contracts import Seed
from codedpo_plugin.problems.cleaning.texts import grams, hashed, words
from codedpo_plugin.problems.making.answers import Refused, code_in, description_in, head_in, head_of, sections
from codedpo_plugin.records import MadeProblem, content_id

TITLES: Final = {"cpp": "C++", "csharp": "C#", "php": "PHP", "typescript": "TypeScript"}
"""How languages are called in prose where it is not their name with a capital."""


@dataclass(frozen=True, slots=True)
class Question:
    """One request to a model, and how its answer is read."""

    key: str
    """What it is about: the id of the problem that comes of it."""
    prompt: str
    read: Callable[[object], MadeProblem]
    """Return the problem in an answer. Raises Refused with the reason there is none."""


OSS_INSTRUCT: Final = "oss-instruct"
CONCEPTS: Final = "concepts"
EVOL_INSTRUCT: Final = "evol-instruct"

PROBLEM_HEADINGS: Final = ("Problem Description", "Solution")
CONCEPT_HEADINGS: Final = ("Concepts", "Task")
STOPS: Final[Mapping[str, tuple[str, ...]]] = {
    OSS_INSTRUCT: ("\nLines of ", "\n[Problem Description]", "\nYour exercise"),
    CONCEPTS: ("\nLines of ", "\n[Concepts]", "\nYour concepts"),
    EVOL_INSTRUCT: ("\nThe harder exercise", "\n[Problem Description]", "\nYou make "),
}
"""Where a base model has left its answer."""

# --------------------------------------------------------------------------- from seeds


def seed_question(method: str, seed: Seed, form: PromptForm) -> Question:
    """Return what is asked about a seed: for a problem with its solution, or for concepts and a task.

    An answer that gives back the example in a base model's prompt is refused: ``answer_copies_the_prompt``.
    """
    key = f"{method}/{content_id(seed.text)}"
    prompt = _render(
        method,
        base=form == "base",
        language=TITLES.get(seed.language, seed.language.capitalize()),
        fence=seed.language,
        snippet=seed.text.strip("\n"),
    )
    read = {OSS_INSTRUCT: _read_oss_instruct, CONCEPTS: _read_concepts}[method]

    def read_own(answer: object) -> MadeProblem:
        problem = read(seed, key, form, answer)
        if _copies(problem.instruction, prompt.replace(seed.text.strip("\n"), ""), run=5):
            raise Refused("answer_copies_the_prompt")
        return problem

    return Question(key, prompt, read_own)


def _read_oss_instruct(seed: Seed, key: str, form: PromptForm, answer: object) -> MadeProblem:
    description, code = _problem_in(answer, seed.language, form)
    return _with_head(
        MadeProblem(
            key, description, None, seed.language, f"{OSS_INSTRUCT}:{seed.source}",
            instruction=description, solution=code, method=OSS_INSTRUCT, seed=seed.text, licence=seed.licence,
        )
    )  # fmt: skip


def _read_concepts(seed: Seed, key: str, form: PromptForm, answer: object) -> MadeProblem:
    listed, task = sections(_opened(answer, CONCEPT_HEADINGS, form), CONCEPT_HEADINGS)
    concepts = [line.strip(" -*•\t") for line in listed.split("\n") if line.strip(" -*•\t")]
    if not 1 <= len(concepts) <= 12:
        raise Refused("concepts_not_a_list")
    code = code_in(task, "python")
    head = head_in(code)
    if _copies(seed.text, code):
        raise Refused("task_copies_the_seed")
    return MadeProblem(
        key, head.prompt, head.name, "python", f"{CONCEPTS}:{seed.source}",
        instruction=head.prompt, method=CONCEPTS, seed=seed.text, licence=seed.licence,
    )  # fmt: skip


def _copies(snippet: str, text: str, run: int = 8) -> bool:
    """Return whether half of a snippet's runs of so many words are in a text."""
    own = set(grams(hashed(words(snippet)), run).tolist())
    return bool(own) and 2 * len(own & set(grams(hashed(words(text)), run).tolist())) >= len(own)


# --------------------------------------------------------------------------- from problems

WAYS: Final[Mapping[str, str]] = {
    "constraint": "add a constraint or a requirement that the solution has to meet.",
    "rare requirement": "replace a requirement that is common in exercises by one that is rare and more specific.",
    "deeper reasoning": "if it can be solved in a few simple steps, require more steps of reasoning.",
    "misleading code": "give a piece of wrong code, in a code block, as a reference that leads astray.",
    "time or space bound": "demand a bound on time or space that the plain solution does not keep.",
}
"""The five ways of WizardCoder (arXiv 2306.08568, section 3.1), in our words."""

_LEAKED: Final = re.compile(
    r"\bharder (?:exercise|version|problem)\b|\boriginal (?:exercise|problem|question)\b"
    r"|\bgiven (?:exercise|prompt)\b|\brewritten (?:exercise|prompt|problem)\b",
    re.IGNORECASE,
)
_DECLINED: Final = re.compile(
    r"\b(?:as an ai|i'm sorry|i am sorry|i cannot|i can't|i'm unable|unable to help)\b", re.I
)


def way_of(problem: MadeProblem, round_: int, seed: int) -> str:
    """Return the way a problem is made harder in a round: drawn from its id."""
    digest = hashlib.sha256(f"{seed}:{round_}:{problem.problem_id}".encode("utf-8", "surrogatepass")).digest()
    return random.Random(digest).choice(list(WAYS))  # noqa: S311 - sampling, not secrecy


def evolution_question(problem: MadeProblem, round_: int, seed: int, form: PromptForm) -> Question:
    """Return what is asked to make a problem harder."""
    way = way_of(problem, round_, seed)
    key = f"{EVOL_INSTRUCT}/{content_id(f'{problem.problem_id}:{round_}:{way}')}"
    prompt = _render(
        EVOL_INSTRUCT,
        base=form == "base",
        language=TITLES.get(problem.language, problem.language.capitalize()),
        instruction=(problem.instruction or problem.prompt).strip(),
        way=WAYS[way],
        code_wanted=way == "misleading code",
    )
    return Question(key, prompt, partial(_read_evolution, problem, way, key, form))


def _read_evolution(parent: MadeProblem, way: str, key: str, form: PromptForm, answer: object) -> MadeProblem:
    """Return the harder problem in an answer. Raises Refused, also when nothing has become harder.

    Reasons besides those of the form: ``evolution_declined``, ``evolution_unchanged``, ``evolution_shorter``,
    ``evolution_speaks_of_itself``, ``evolution_without_code`` (misleading code was asked for).
    """
    if isinstance(answer, str) and _DECLINED.search(answer[:400]):
        raise Refused("evolution_declined")
    description, code = _problem_in(answer, parent.language, form)
    before, after = words(parent.instruction or parent.prompt), words(description)
    if before == after or set(after) <= set(before):
        raise Refused("evolution_unchanged")
    if len(after) < 0.8 * len(before):
        raise Refused("evolution_shorter")
    if _LEAKED.search(description):
        raise Refused("evolution_speaks_of_itself")
    if way == "misleading code" and "```" not in description:
        raise Refused("evolution_without_code")
    return _with_head(
        MadeProblem(
            key, description, None, parent.language, f"{EVOL_INSTRUCT}:{way}:{parent.problem_id}",
            instruction=description, solution=code, method=EVOL_INSTRUCT, seed=parent.problem_id,
            licence=parent.licence,
        )
    )  # fmt: skip


# --------------------------------------------------------------------------- what both need


def _problem_in(answer: object, language: str, form: PromptForm) -> tuple[str, str]:
    """Return description and code of a problem."""
    description, solution = sections(_opened(answer, PROBLEM_HEADINGS, form), PROBLEM_HEADINGS)
    return description_in(description), code_in(solution, language)


def _opened(answer: object, headings: tuple[str, ...], form: PromptForm) -> object:
    """Return an answer with the heading that a base model's prompt ends in."""
    return f"[{headings[0]}]\n{answer}" if form == "base" and isinstance(answer, str) and answer.strip() else answer


def _with_head(problem: MadeProblem) -> MadeProblem:
    """Return a problem whose prompt is the head of the Python function to be written, where there is one."""
    head = head_of(problem.solution, problem.instruction) if problem.language == "python" else None
    return replace(problem, prompt=head.prompt, entry_point=head.name) if head else problem


def _render(method: str, **values: Any) -> str:
    return str(_template(method).render(**values)).strip("\n") + ("\n" if values["base"] else "")


@cache
def _template(method: str) -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(  # noqa: S701 - prompts, not pages
        loader=PackageLoader("codedpo_plugin.problems.making", "prompts"), undefined=StrictUndefined
    )
    return environment.get_template(f"{method.replace('-', '_')}.j2")

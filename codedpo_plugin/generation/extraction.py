"""From what a model wrote to programs and assertions; what is dropped is counted by reason."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from codedpo_plugin.config import PromptForm
from codedpo_plugin.execution.assertions import Parsed
from codedpo_plugin.programs import normalise
from codedpo_plugin.records import Problem

LONGEST_RESPONSE_LINES: Final = 300
"""The sanitizer tries every span of lines; beyond this it would take minutes."""
LONGEST_TEST: Final = 4_000
"""Characters of one assertion."""

_FENCE: Final = re.compile(r"```[a-zA-Z]*\n(.*?)(?:\n```|\Z)", re.DOTALL)


def truncate(text: str, stops: Iterable[str]) -> str:
    """Return the text up to the first stop that occurs in it."""
    return text[: min((i for stop in stops if (i := text.find(stop)) >= 0), default=len(text))]


def extract_solution(
    problem: Problem, response: str, form: PromptForm, stops: Iterable[str], counts: Counter[str]
) -> str | None:
    """Return the program in a response, by EvalPlus's sanitizer; None if there is none.

    A base model's response continues the prompt up to a stop. Counted reasons: ``solution_empty``,
    ``solution_without_entry_point``.
    """
    from evalplus.sanitize import sanitize

    text = truncate(response, stops) if form == "base" else response
    if not text.strip():
        counts["solution_empty"] += 1
        return None
    whole = problem.prompt + text if form == "base" else text
    program: str = sanitize("\n".join(whole.split("\n")[:LONGEST_RESPONSE_LINES]), problem.entry_point)
    if problem.entry_point and not re.search(rf"\b{re.escape(problem.entry_point)}\b", program):
        counts["solution_without_entry_point"] += 1
        return None
    if normalise(program) == normalise(f"{problem.prompt.rstrip()}\n    pass"):
        counts["solution_empty"] += 1
        return None
    return program


def extract_tests(
    entry_point: str | None, texts: Iterable[str], limit: int, counts: Counter[str]
) -> tuple[str, ...]:
    """Return the first ``limit`` distinct assertions in some texts, each normalised to one line, without message.

    Counted reasons: ``test_does_not_parse``, ``test_too_long``, ``test_without_entry_point``,
    ``test_duplicate``, ``test_surplus``.
    """
    tests: dict[str, None] = {}
    for assertion in (a for text in texts for a in split_assertions(text, counts)):
        if entry_point and not _calls(assertion, entry_point):
            counts["test_without_entry_point"] += 1
            continue
        test = ast.unparse(ast.Assert(assertion.test, None))
        if test in tests:
            counts["test_duplicate"] += 1
        elif len(test) > LONGEST_TEST:
            counts["test_too_long"] += 1
        elif len(tests) >= limit:
            counts["test_surplus"] += 1
        else:
            tests[test] = None
    return tuple(tests)


def split_assertions(text: str, counts: Counter[str]) -> Iterator[ast.Assert]:
    """Yield every assertion statement in a text, be it code, a code block, or a list of assertions cut off."""
    code = "\n".join(_FENCE.findall(text)) if "```" in text else text
    lines = code.split("\n")
    starts = [i for i, line in enumerate(lines) if line.lstrip().startswith("assert")]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        assertion = _parse_assertion(lines[start:end])
        if assertion is None:
            counts["test_does_not_parse"] += 1
        else:
            yield assertion


def _parse_assertion(lines: list[str]) -> ast.Assert | None:
    """Return the assertion that begins on the first line and takes as few lines as it needs; None if broken.

    A condition on the line after the word ``assert``, which Python does not allow but models write, is accepted.
    """
    source = lines[0].strip()
    for more in ["", *lines[1:20]]:
        source = f"{source} {more}".strip() if source == "assert" else f"{source}\n{more}" if more else source
        if len(source) > 4 * LONGEST_TEST:
            return None
        try:
            statement = ast.parse(source).body[0]
        except Parsed:
            continue
        return statement if isinstance(statement, ast.Assert) else None
    return None


def _calls(node: ast.AST, function: str) -> bool:
    """Return whether a call of a function occurs in a statement's condition."""
    return any(
        isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == function for n in ast.walk(node)
    )

"""From what a model wrote to programs and assertions; what is dropped is counted by reason."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import dropwhile, pairwise, zip_longest
from typing import Final

from codedpo_plugin.config import PromptForm
from codedpo_plugin.execution.assertions import Parsed
from codedpo_plugin.programs import normalise
from codedpo_plugin.records import Problem

LONGEST_RESPONSE_LINES: Final = 80
"""Of a response; the sanitizer parses every span of lines: twice the lines take eight times as long."""
TAB: Final = " " * 4
"""What a tab becomes, as in EvalPlus's providers."""
LONGEST_TEST: Final = 4_000
"""Characters of one assertion."""
LONGEST_TEST_LINES: Final = 20

_FENCE: Final = re.compile(r"```[a-zA-Z]*\n(.*?)(?:\n```|\Z)", re.DOTALL)


def truncate(text: str, stops: Iterable[str]) -> str:
    """Return the text up to the first stop that occurs in it."""
    return text[: min((i for stop in stops if (i := text.find(stop)) >= 0), default=len(text))]


def fenced_code(text: str) -> str:
    """Return the code blocks of a text, or the text if it has none."""
    return "\n".join(_FENCE.findall(text)) if "```" in text else text


def extract_solution(
    problem: Problem, response: str, form: PromptForm, stops: Iterable[str], counts: Counter[str]
) -> str | None:
    """Return the program in a response, by EvalPlus's sanitizer; None if there is none.

    A base model's response continues the prompt up to a stop. Counted reasons: ``solution_empty``,
    ``solution_does_not_parse``, ``solution_without_entry_point``; and, without being a reason,
    ``solution_cut_off``: a response longer than 80 lines, of which the rest was left out.
    """
    from evalplus.sanitize import sanitize

    text = (truncate(response, stops) if form == "base" else response).replace("\t", TAB)
    if not text.strip():
        counts["solution_empty"] += 1
        return None
    lines = text.split("\n")
    if len(lines) > LONGEST_RESPONSE_LINES:
        counts["solution_cut_off"] += 1
    text = "\n".join(lines[:LONGEST_RESPONSE_LINES])
    try:
        program: str = sanitize(problem.prompt + text if form == "base" else text, problem.entry_point)
    except Parsed:
        counts["solution_does_not_parse"] += 1
        return None
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
    """Return ``limit`` distinct assertions of some texts, each normalised to one line, without message.

    They are taken from the texts in turn: the first of each text, the second of each, and so on. The assertions of
    one text go wrong together, so the more texts they come from, the more they say (``docs/results/rankers.md``).

    Counted reasons: ``test_does_not_parse``, ``test_too_long``, ``test_without_entry_point``,
    ``test_duplicate``, ``test_surplus``.
    """
    tests: dict[str, None] = {}
    in_turn = zip_longest(*(_usable_tests(entry_point, text, counts) for text in texts))
    for test in (test for level in in_turn for test in level if test is not None):
        if test in tests:
            counts["test_duplicate"] += 1
        elif len(tests) >= limit:
            counts["test_surplus"] += 1
        else:
            tests[test] = None
    return tuple(tests)


def _usable_tests(entry_point: str | None, text: str, counts: Counter[str]) -> Iterator[str]:
    """Yield the assertions of one text that call the function and are not too long, normalised."""
    for assertion in split_assertions(text, counts):
        test = ast.unparse(ast.Assert(assertion.test, None))
        if entry_point and not _calls(assertion.test, entry_point):
            counts["test_without_entry_point"] += 1
        elif len(test) > LONGEST_TEST:
            counts["test_too_long"] += 1
        else:
            yield test


def split_assertions(text: str, counts: Counter[str]) -> Iterator[ast.Assert]:
    """Yield every assertion statement in a text, be it code, a code block, or a list of assertions cut off."""
    lines = fenced_code(text).split("\n")
    starts = [i for i, line in enumerate(lines) if line.lstrip().startswith("assert")]
    for start, end in pairwise([*starts, len(lines)]):
        assertions = _parse_assertions(lines[start:end])
        if not assertions:
            counts["test_does_not_parse"] += 1
        yield from assertions


def _parse_assertions(lines: list[str]) -> list[ast.Assert]:
    """Return the assertions that begin on the first line and take as few lines as they need; none if broken.

    A condition on the line after the word ``assert``, which Python does not allow but models write, is accepted.
    """
    lines = [lines[0].lstrip(), *lines[1:LONGEST_TEST_LINES]]
    if lines[0].rstrip() == "assert":
        rest = list(dropwhile(lambda line: not line.strip(), lines[1:]))
        lines = [f"assert {rest[0].strip()}", *rest[1:]] if rest else lines
    for end in range(1, len(lines) + 1):
        source = "\n".join(lines[:end])
        if len(source) > 4 * LONGEST_TEST:
            break
        try:
            statements = ast.parse(source).body
        except Parsed:
            continue
        return [statement for statement in statements if isinstance(statement, ast.Assert)]
    return []


def _calls(node: ast.AST, function: str) -> bool:
    """Return whether a call of a function occurs in a condition."""
    return any(
        isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == function for n in ast.walk(node)
    )

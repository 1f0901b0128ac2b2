"""The examples in a prompt, as tests: a solution that fails one does not do what is asked for."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator
from doctest import DocTestParser
from typing import Final

from codedpo_plugin.execution.assertions import Parsed, is_literal

_CLOSING: Final = re.compile(r"[ \t]*(?:\"{3}|'{3})[ \t]*$", re.MULTILINE)


def prompt_examples(prompt: str, entry_point: str | None) -> tuple[str, ...]:
    """Return the examples in a prompt as assertions, in their order, normalised as generated tests are.

    ``>>> f(1)`` with ``2`` on the next line is ``assert f(1) == 2``. Only calls of the entry point count that need
    no other name, with a literal as result; what is no example of that kind is passed over.
    """
    if entry_point is None:
        return ()
    try:
        found = DocTestParser().get_examples(_CLOSING.sub("", prompt))
    except ValueError:  # not indented alike
        return ()
    return tuple(dict.fromkeys(test for one in found for test in _assertion(one.source, one.want, entry_point)))


def _assertion(call: str, value: str, entry_point: str) -> Iterator[str]:
    """Yield the assertion of an example, if it makes one."""
    try:
        left, right = (ast.parse(text.strip(), mode="eval").body for text in (call, value))
    except Parsed:
        return
    names = {node.id for node in ast.walk(left) if isinstance(node, ast.Name)}
    if entry_point in names and names <= {entry_point, *dir(builtins)} and is_literal(right):
        yield ast.unparse(ast.Assert(ast.Compare(left, [ast.Eq()], [right]), None))


def normalised(test: str) -> str:
    """Return a test as :func:`prompt_examples` would write it; as it is, if it is not one statement of Python."""
    try:
        (statement,) = ast.parse(test).body
    except Parsed:
        return test
    return ast.unparse(statement)
